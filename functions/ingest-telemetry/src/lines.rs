//! `GET /api/v1/plant-floor/lines …`: what is known of lines, derived at the time of the question.

use axum::Json;
use axum::extract::{Path, State};
use domain::gln::Gln;
use domain::telemetry::{Line, LineStatus, Totals};
use edge::openapi::{Cursor, Limit};
use edge::page::foreign_cursor;
use edge::{Caller, List, Page, Problem, QueryText, Scope};
use serde::Deserialize;
use service::store_problem;
use store::StoreError;
use store::time::epoch_ms;
use tokio::task::JoinSet;
use utoipa::IntoParams;

use crate::Hub;
use crate::view::{HourView, LineView, MinuteView};
use crate::window::{HoursQuery, MinutesQuery};

/// Lines whose minutes are read at the same time.
const READS_AT_ONCE: usize = 16;

/// Query of lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    #[param(value_type = Option<Limit>)]
    limit: Option<u32>,
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
}

/// `GET /api/v1/plant-floor/lines`: by GLN.
pub(crate) async fn list(
    State(hub): State<Hub>,
    caller: Caller,
    query: QueryText,
) -> Result<Json<List<LineView>>, Problem> {
    caller.require(Scope::ReportsRead)?;
    let query = query.parse::<ListQuery>()?;
    let page = Page::parse(query.limit, query.cursor.as_deref())?;
    let after = page.cursor.map(|text| Gln::parse(&text).map_err(|_| foreign_cursor()));
    let limit = i32::try_from(page.limit).map_err(|error| Problem::internal(&error))?;
    let found = lines_of(&hub, &caller, limit, after.transpose()?).await;
    let found = found.map_err(|error| store_problem(&error))?;
    let now_ms = epoch_ms(hub.clock.now());
    let recent = recent_of(&hub, &found.items, now_ms).await;
    let recent = recent.map_err(|error| store_problem(&error))?;
    let lines = found.items.iter().zip(recent);
    let items = lines.map(|(line, recent)| LineView::new(line, recent.as_ref(), now_ms)).collect();
    Ok(Json(List::new(items, found.next.as_deref())))
}

/// `GET /api/v1/plant-floor/lines/{gln}`
pub(crate) async fn fetch(
    State(hub): State<Hub>,
    caller: Caller,
    Path(gln): Path<String>,
) -> Result<Json<LineView>, Problem> {
    let line = line(&hub, &caller, &gln).await?;
    let now_ms = epoch_ms(hub.clock.now());
    let lines = std::slice::from_ref(&line);
    let recent = recent_of(&hub, lines, now_ms).await.map_err(|error| store_problem(&error))?;
    let recent = recent.first().and_then(Option::as_ref);
    Ok(Json(LineView::new(&line, recent, now_ms)))
}

/// `GET /api/v1/plant-floor/lines/{gln}/minutes`
pub(crate) async fn minutes(
    State(hub): State<Hub>,
    caller: Caller,
    Path(gln): Path<String>,
    query: QueryText,
) -> Result<Json<List<MinuteView>>, Problem> {
    let line = line(&hub, &caller, &gln).await?;
    let now_ms = epoch_ms(hub.clock.now());
    let (window, limit) = query.parse::<MinutesQuery>()?.into_window(now_ms)?;
    let page = hub.store.line_minutes(*line.gln(), window, limit).await;
    let page = page.map_err(|error| store_problem(&error))?;
    let items = page.items.iter().map(MinuteView::from).collect();
    Ok(Json(List::new(items, page.next.as_deref())))
}

/// `GET /api/v1/plant-floor/lines/{gln}/hours`
pub(crate) async fn hours(
    State(hub): State<Hub>,
    caller: Caller,
    Path(gln): Path<String>,
    query: QueryText,
) -> Result<Json<List<HourView>>, Problem> {
    let line = line(&hub, &caller, &gln).await?;
    let now_ms = epoch_ms(hub.clock.now());
    let window = query.parse::<HoursQuery>()?.into_window(now_ms)?;
    let hours = hub.store.line_hours(*line.gln(), window).await;
    let hours = hours.map_err(|error| store_problem(&error))?;
    // All of the window, which is bounded: there is no further page.
    Ok(Json(List::new(hours.iter().map(HourView::from).collect(), None)))
}

/// A line that the caller may see and that was heard; all else is 404 (I8).
async fn line(hub: &Hub, caller: &Caller, gln: &str) -> Result<Line, Problem> {
    caller.require(Scope::ReportsRead)?;
    let gln = Gln::parse(gln).map_err(|_| Problem::not_found())?;
    if !caller.may_use_line(Some(gln.as_str())) {
        return Err(Problem::not_found());
    }
    let line = hub.store.line_fetch(gln).await.map_err(|error| store_problem(&error))?;
    line.ok_or_else(Problem::not_found)
}

/// One page of the lines that the caller may see.
async fn lines_of(
    hub: &Hub,
    caller: &Caller,
    limit: i32,
    after: Option<Gln>,
) -> Result<store::Page<Line>, StoreError> {
    if !caller.is_line_bound() {
        return hub.store.line_list(limit, after).await;
    }
    let own: Vec<Gln> = caller.lines().iter().filter_map(|gln| Gln::parse(gln).ok()).collect();
    let mut items = hub.store.lines_fetch(&own).await?;
    items.retain(|line| after.is_none_or(|after| *line.gln() > after));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|line| line.gln().to_string());
    Ok(store::Page { items, next })
}

/// What the lines did of late, in their order; nothing for those that are offline.
async fn recent_of(
    hub: &Hub,
    lines: &[Line],
    now_ms: u64,
) -> Result<Vec<Option<Totals>>, StoreError> {
    let heard = |line: &&Line| line.status(now_ms) != LineStatus::Offline;
    let mut recent = vec![None; lines.len()];
    let mut wanted = lines.iter().enumerate().filter(|(_, line)| heard(line));
    let mut running = JoinSet::new();
    loop {
        while running.len() < READS_AT_ONCE
            && let Some((place, line)) = wanted.next()
        {
            let (store, gln) = (hub.store.clone(), *line.gln());
            running.spawn(async move { (place, store.line_recent(gln, now_ms).await) });
        }
        let Some(done) = running.join_next().await else {
            return Ok(recent);
        };
        let failed = |error: tokio::task::JoinError| StoreError::Unavailable {
            operation: "Query minutes",
            detail: error.to_string(),
        };
        let (place, totals) = done.map_err(failed)?;
        if let Some(slot) = recent.get_mut(place) {
            *slot = Some(totals?);
        }
    }
}
