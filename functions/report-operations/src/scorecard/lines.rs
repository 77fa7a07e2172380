//! Lines: whether they are heard, and how fast they run.

use domain::gln::Gln;
use domain::telemetry::{Line, LineStatus, Totals};
use serde::Serialize;
use store::scorecard::Reading;
use store::time::rfc3339_ms;
use store::{Store, StoreError};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use utoipa::ToSchema;

/// Lines shown at most.
const ROWS_MAX: usize = 100;
/// Lines whose throughput is read at the same time.
const AT_ONCE: usize = 16;

/// Lines that were ever heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardLines)]
pub struct Lines {
    /// How many there are.
    pub total: usize,
    /// Not all were counted.
    pub truncated: bool,
    /// Heard within three intervals of their heartbeats.
    pub live: usize,
    /// Not heard for more than three intervals.
    pub stale: usize,
    /// Not heard for more than ten intervals.
    pub offline: usize,
    /// The first 100 of them: offline ones, then stale ones, then live ones, by GLN.
    pub list: Vec<LineRow>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardLineRow)]
pub struct LineRow {
    /// The line.
    pub line_gln: String,
    /// Its own name.
    #[schema(required)]
    pub line_id: Option<String>,
    /// The system that drives it.
    #[schema(required)]
    pub system_id: Option<String>,
    /// `live`, `stale` or `offline`.
    pub status: &'static str,
    /// What it did when it was last heard, as `PackML` calls it.
    pub state: &'static str,
    /// When it was last heard, RFC 3339.
    pub last_heartbeat_at: String,
    /// Seconds since then.
    pub silent_seconds: u64,
    /// Packs per minute over the last 15 minutes, in thousandths; null when they are not known.
    #[schema(required)]
    pub throughput_milli: Option<u64>,
    /// Serial numbers used up per hour over the last 15 minutes.
    #[schema(required)]
    pub burn_per_hour: Option<u64>,
    /// Serial numbers that the line still has.
    #[schema(required)]
    pub serials_remaining: Option<u64>,
    /// The allocation whose numbers it prints.
    #[schema(required)]
    pub allocation_id: Option<String>,
    /// What the line says is wrong.
    #[schema(required)]
    pub alarm: Option<String>,
}

/// The present as telemetry counts it.
fn now_ms(now: OffsetDateTime) -> u64 {
    u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

/// Reads the throughput of the lines that are shown, and counts all.
pub(crate) async fn read(
    store: &Store,
    lines: Reading<Line>,
    now: OffsetDateTime,
) -> Result<Lines, StoreError> {
    let now = now_ms(now);
    let count = |status| lines.items.iter().filter(|line| line.status(now) == status).count();
    let mut counted = Lines {
        total: lines.items.len(),
        truncated: lines.truncated,
        live: count(LineStatus::Live),
        stale: count(LineStatus::Stale),
        offline: count(LineStatus::Offline),
        list: Vec::new(),
    };
    let mut shown = lines.items;
    shown.sort_by_key(|line| (std::cmp::Reverse(line.status(now)), *line.gln()));
    shown.truncate(ROWS_MAX);
    let mut rows = Vec::with_capacity(shown.len());
    for part in shown.chunks(AT_ONCE) {
        let recent = recent(store, part, now).await?;
        rows.extend(part.iter().zip(recent).map(|(line, totals)| row(line, &totals, now)));
    }
    counted.list = rows;
    Ok(counted)
}

/// What some lines did in the last 15 minutes, in their order.
async fn recent(store: &Store, lines: &[Line], now: u64) -> Result<Vec<Totals>, StoreError> {
    let mut tasks = JoinSet::new();
    for (place, line) in lines.iter().enumerate() {
        let (store, gln): (Store, Gln) = (store.clone(), *line.gln());
        tasks.spawn(async move { store.line_recent(gln, now).await.map(|totals| (place, totals)) });
    }
    let mut found = Vec::with_capacity(lines.len());
    while let Some(joined) = tasks.join_next().await {
        let failed = |error: tokio::task::JoinError| StoreError::Unavailable {
            operation: "reading lines",
            detail: error.to_string(),
        };
        found.push(joined.map_err(failed)??);
    }
    found.sort_by_key(|(place, _)| *place);
    Ok(found.into_iter().map(|(_, totals)| totals).collect())
}

fn row(line: &Line, recent: &Totals, now: u64) -> LineRow {
    let (about, last) = (line.about(), line.last());
    let nanos = i128::from(last.at_ms).saturating_mul(1_000_000);
    let heard = OffsetDateTime::from_unix_timestamp_nanos(nanos).map(rfc3339_ms);
    LineRow {
        line_gln: line.gln().to_string(),
        line_id: about.line_id.clone(),
        system_id: about.system_id.as_ref().map(ToString::to_string),
        status: line.status(now).as_str(),
        state: last.state.as_str(),
        last_heartbeat_at: heard.unwrap_or_default(),
        silent_seconds: line.silent_ms(now) / 1_000,
        throughput_milli: recent.throughput_milli(),
        burn_per_hour: recent.burn_per_hour(),
        serials_remaining: last.serials_remaining,
        allocation_id: about.allocation_id.as_ref().map(ToString::to_string),
        alarm: about.alarm.clone(),
    }
}
