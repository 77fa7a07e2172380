//! `GET /api/v1/operations/scorecard`: what the people on shift have to know, as numbers.
//!
//! Every number is computed on the call from what is unfinished now and from what happened in the last
//! [`WINDOW_HOURS`] hours, so the answer costs the same however long the hub has been at work. Lists are
//! capped and say how many entries there are; where even counting was cut, `truncated` says so and the
//! numbers beside it are lower bounds.
//!
//! I8: a credential bound to lines sees the allocations and the state of its lines and the files and
//! findings of its own system. Pools belong to no line, so it sees none.

pub(crate) mod allocations;
pub(crate) mod files;
pub(crate) mod findings;
pub(crate) mod lines;
pub(crate) mod pools;

use axum::Json;
use axum::extract::State;
use domain::ids::SystemId;
use edge::{Caller, Problem, QueryText, Scope};
use serde::{Deserialize, Serialize};
use service::store_problem;
use store::StoreError;
use store::attention::Queue;
use store::time::{parse_rfc3339, rfc3339_ms};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use self::allocations::OpenAllocations;
use self::files::{Files, Latency};
use self::findings::Findings;
use self::lines::Lines;
use self::pools::Pools;
use crate::Hub;
use crate::documents::{own_system, visible};

/// Length of the window, hours.
pub(crate) const WINDOW_HOURS: i64 = 24;

/// What the people on shift have to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Scorecard {
    /// The window that counts and rates are of.
    pub window: Window,
    /// Whose part this is.
    pub part: PartView,
    /// Allocations that somebody still has to bring to their end.
    pub open_allocations: OpenAllocations,
    /// Pools that run low.
    pub pools: Pools,
    /// Lines that were ever heard.
    pub lines: Lines,
    /// Findings nobody has resolved, and those found in the window.
    pub findings: Findings,
    /// Files received in the window, and those that wait.
    pub files: Files,
    /// From the arrival of a file to its reconciliation, for files received in the window.
    pub commissioning_latency: Latency,
}

/// A span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardWindow)]
pub struct Window {
    /// Where it begins, RFC 3339; included.
    pub from: String,
    /// When the scorecard was computed, RFC 3339.
    pub to: String,
    /// Its length, hours.
    pub hours: i64,
}

/// Whose part of the hub is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardPart)]
pub struct PartView {
    /// The only system whose files and findings are shown; null = all.
    #[schema(required)]
    pub system_id: Option<String>,
    /// The only lines whose allocations are shown; empty = all.
    pub line_glns: Vec<String>,
}

/// What a caller may see.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// The only system, if there is one.
    pub(crate) system: Option<SystemId>,
    /// The only lines; empty = all.
    pub(crate) lines: Vec<String>,
}

impl Part {
    pub(crate) fn of(caller: &Caller) -> Result<Self, Problem> {
        Ok(Self { system: own_system(caller)?, lines: caller.lines().to_vec() })
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.system.is_none()
    }

    fn has_line(&self, line: Option<&str>) -> bool {
        self.is_whole() || line.is_some_and(|line| self.lines.iter().any(|own| own == line))
    }

    fn has_system(&self, system: &SystemId) -> bool {
        self.system.as_ref().is_none_or(|own| own == system)
    }
}

/// No parameter is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoQuery {}

/// `GET /api/v1/operations/scorecard`
pub(crate) async fn fetch(
    State(hub): State<Hub>,
    caller: Caller,
    query: QueryText,
) -> Result<Json<Scorecard>, Problem> {
    caller.require(Scope::ReportsRead)?;
    let NoQuery {} = query.parse::<NoQuery>()?;
    Ok(Json(compute(&hub, &Part::of(&caller)?).await?))
}

/// Reads and computes the scorecard of a part.
pub(crate) async fn compute(hub: &Hub, part: &Part) -> Result<Scorecard, Problem> {
    let now = hub.clock.now();
    let window = Window::ending(now);
    // Many reads at once make a large future; on the heap it burdens nobody.
    Box::pin(read(hub, part, now, window)).await.map_err(|error| store_problem(&error))
}

async fn read(
    hub: &Hub,
    part: &Part,
    now: OffsetDateTime,
    window: Window,
) -> Result<Scorecard, StoreError> {
    let store = &hub.store;
    let since = window.from.as_str();
    let (open, pools, taken, unresolved) = tokio::try_join!(
        store.scorecard_allocations(),
        store.scorecard_pools(),
        store.scorecard_taken(since),
        store.findings_unresolved(part.system.as_ref()),
    )?;
    let (found, received, parked, quarantined, lines) = tokio::try_join!(
        store.scorecard_found(since),
        store.scorecard_received(since),
        store.scorecard_waiting(Queue::Parked),
        store.scorecard_waiting(Queue::Quarantined),
        store.scorecard_lines(),
    )?;
    let line_of = |open: &store::scorecard::OpenAllocation| {
        let line = open.allocation.line_gln;
        part.has_line(line.as_ref().map(domain::gln::Gln::as_str))
    };
    let of_system = |found: &store::scorecard::Found| part.has_system(&found.system_id);
    let lines = lines.filtered(|line| part.has_line(Some(line.gln().as_str())));
    let mine = |documents| files::part_of(documents, part.system.as_ref(), visible);
    let received = mine(received);
    Ok(Scorecard {
        part: PartView {
            system_id: part.system.as_ref().map(ToString::to_string),
            line_glns: part.lines.clone(),
        },
        open_allocations: OpenAllocations::of(&open.filtered(line_of), now),
        pools: Pools::of(&pools.filtered(|_| part.is_whole()), &taken, now),
        findings: Findings::of(&unresolved, &found.filtered(of_system), now),
        lines: lines::read(store, lines, now).await?,
        commissioning_latency: Latency::of(&received),
        files: Files::of(&received, &mine(parked), &mine(quarantined)),
        window,
    })
}

impl Window {
    fn ending(now: OffsetDateTime) -> Self {
        let from = now.saturating_sub(Duration::hours(WINDOW_HOURS));
        Self { from: rfc3339_ms(from), to: rfc3339_ms(now), hours: WINDOW_HOURS }
    }
}

/// Whole seconds from a time as items have it to `now`; 0 for one that lies ahead.
pub(crate) fn age_seconds(at: &str, now: OffsetDateTime) -> u64 {
    let age = parse_rfc3339(at).map_or(0, |at| span_ms(at, now));
    u64::try_from(age / 1_000).unwrap_or(0)
}

/// Milliseconds from one time to another; negative when the other is the earlier one.
pub(crate) fn span_ms(from: OffsetDateTime, to: OffsetDateTime) -> i128 {
    to.unix_timestamp_nanos().saturating_sub(from.unix_timestamp_nanos()) / 1_000_000
}
