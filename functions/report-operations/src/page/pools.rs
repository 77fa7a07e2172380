//! `GET /operations/pools`: all pools, the one that needs somebody first.
//!
//! Query: `find` (a GTIN, a company prefix, a part of a name, or an id), `after`. The order is level, hours left,
//! id; a page begins after a place in it, so nothing is skipped when pools come or go.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use domain::replenish::{Burn, Level, level};
use edge::{Problem, Scope};
use http::{StatusCode, Uri};
use maud::{Markup, html};
use service::store_problem;
use store::pool_event::PoolEvent;
use store::pool_overview::SeenPool;
use time::{Duration, OffsetDateTime};

use super::query::{FIND_MAX, ListQuery};
use super::words::{counted, lasting, moment, number, scheme_words};
use super::{Links, failed, layout, page};
use crate::Hub;
use crate::scorecard::age_seconds;
use crate::session::Visitor;

/// Pools shown on one page.
const ROWS_MAX: usize = 100;
/// A reservation that began longer ago should have been recorded, or voided by the sweep.
const STUCK: Duration = Duration::minutes(15);

/// How a pool stands now.
pub(super) struct Standing {
    pub(super) level: Level,
    /// How fast numbers are reserved, where it is watched.
    pub(super) burn: Option<Burn>,
    /// Reservations that have begun and are not recorded.
    pub(super) open: usize,
    /// Of these, how many should have been recorded long ago.
    pub(super) stuck: usize,
}

impl Standing {
    pub(super) fn of(seen: &SeenPool, now: OffsetDateTime) -> Self {
        let pool = &seen.state.pool;
        let now_ms = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        // Looked at as the sweep would, and nothing is written down.
        let look = seen.watch.clone().map(|mut watch| {
            let burn = watch.look(pool, now_ms).burn;
            (watch.level, burn)
        });
        let (level, burn) = look.unwrap_or_else(|| (level(pool, None, Level::Ok), None));
        let stuck_s = STUCK.whole_seconds().unsigned_abs();
        let is_stuck = |at: &str| age_seconds(at, now) >= stuck_s;
        let open = &seen.state.open;
        let stuck = open.iter().filter(|entry| is_stuck(&entry.opened_at)).count();
        Self { level, burn, open: open.len(), stuck }
    }

    pub(super) fn hours_left(&self, remaining: u128) -> Option<u64> {
        let hours = self.burn?.hours_left(remaining)?;
        Some(u64::try_from(hours).unwrap_or(u64::MAX))
    }

    /// Where the pool stands in the list: those that hand out numbers and run low come first.
    fn place(&self, seen: &SeenPool) -> (u8, u64, String) {
        let pool = &seen.state.pool;
        let rank = match (pool.status, self.level) {
            (domain::pool::PoolStatus::Suspended, _) => 3,
            (_, Level::Exhausted) => 0,
            (_, Level::Low) => 1,
            (_, Level::Ok) => 2,
        };
        let hours = self.hours_left(pool.remaining).unwrap_or(u64::MAX);
        (rank, hours, pool.id.to_string())
    }
}

/// A pool with its standing and its place in the list.
struct Row {
    seen: SeenPool,
    standing: Standing,
    place: (u8, u64, String),
}

struct Found {
    rows: Vec<Row>,
    /// Pools that fit what is looked for, and pools that were read.
    total: (usize, usize),
    truncated: bool,
    next: Option<String>,
    events: HashMap<String, PoolEvent>,
}

pub(super) async fn show(
    State(hub): State<Hub>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, Response> {
    visitor.caller.require(Scope::PoolsRead).map_err(failed)?;
    let query = ListQuery::of(&uri);
    let now = hub.clock.now();
    let found = Box::pin(fetch(&hub, &query, now)).await.map_err(failed)?;
    let links = Links::at("/operations/pools");
    let body = view(&found, &query, links, now);
    Ok(page(StatusCode::OK, layout::page("Pools", links, &visitor, &body)))
}

async fn fetch(hub: &Hub, query: &ListQuery, now: OffsetDateTime) -> Result<Found, Problem> {
    let failed = |error: store::StoreError| store_problem(&error);
    let pools = hub.store.pools_seen().await.map_err(failed)?;
    let all = pools.items.len();
    let fitting = pools.items.into_iter().filter(|seen| fits(seen, query.find.as_deref()));
    let mut rows: Vec<Row> = fitting
        .map(|seen| {
            let standing = Standing::of(&seen, now);
            let place = standing.place(&seen);
            Row { seen, standing, place }
        })
        .collect();
    let total = (rows.len(), all);
    rows.sort_by(|a, b| a.place.cmp(&b.place));
    if let Some(after) = query.after.as_deref().and_then(place_of) {
        rows.retain(|row| row.place > after);
    }
    let more = rows.len() > ROWS_MAX;
    rows.truncate(ROWS_MAX);
    let next = rows.last().filter(|_| more).map(|row| {
        let (rank, hours, id) = &row.place;
        format!("{rank}.{hours}.{id}")
    });
    let newest = rows.iter().filter(|row| row.seen.events > 0);
    let wanted = newest.map(|row| (row.seen.state.pool.id.clone(), row.seen.events));
    let events = hub.store.pool_events_numbered(wanted).await.map_err(failed)?;
    let events = events.into_iter().map(|event| (event.pool_id.to_string(), event)).collect();
    Ok(Found { rows, total, truncated: pools.truncated, next, events })
}

/// Reads a place as it stands in an address; `None` for any other text: then the list begins at its beginning.
fn place_of(text: &str) -> Option<(u8, u64, String)> {
    let mut parts = text.splitn(3, '.');
    let rank = parts.next()?.parse().ok()?;
    let hours = parts.next()?.parse().ok()?;
    Some((rank, hours, parts.next()?.to_owned()))
}

fn fits(seen: &SeenPool, find: Option<&str>) -> bool {
    let Some(find) = find else { return true };
    let pool = &seen.state.pool;
    let lower = find.to_lowercase();
    pool.draft.name.to_lowercase().contains(&lower)
        || pool.draft.key.to_string().contains(find)
        || pool.id.as_str().eq_ignore_ascii_case(find)
}

/// A form that looks for something in a list.
pub(super) fn search(action: &str, label: &str, query: &ListQuery) -> Markup {
    html! {
        form .find role="search" method="get" action=(action) {
            label for="find" { (label) }
            input #find type="text" name="find" maxlength=(FIND_MAX) autocapitalize="off"
                autocomplete="off" spellcheck="false" value=(query.find.as_deref().unwrap_or_default());
            button type="submit" { "Find" }
        }
    }
}

fn view(found: &Found, query: &ListQuery, links: Links, now: OffsetDateTime) -> Markup {
    let (fitting, all) = found.total;
    html! {
        h1 { "Pools" }
        (search("pools", "GTIN, company prefix, name or id", query))
        @if found.truncated {
            p .notice { "There are more pools than are read; these are " (number(all)) " of them." }
        }
        p role="status" {
            @if query.find.is_some() { (number(fitting)) " of " }
            (counted(all, "pool", "pools")) "."
            @if query.find.is_some() || query.after.is_some() {
                " " a href="pools" { "Show all from the beginning" }
            }
        }
        @if all == 0 {
            p { "No pool yet. Make one: " code { "POST /api/v1/l3/pools" } "." }
        } @else if !found.rows.is_empty() {
            div .scroll { (table(found, links, now)) }
        }
        @if let Some(next) = &found.next {
            p { a href=(query.next(next)) { "More pools" } }
        }
    }
}

fn table(found: &Found, links: Links, now: OffsetDateTime) -> Markup {
    html! {
        table .cards {
            caption {
                "What is exhausted or low first, then what ends first; suspended ones last"
                @if found.next.is_some() { ". " (found.rows.len()) " on this page" }
            }
            thead {
                tr {
                    th scope="col" { "Pool" }
                    th scope="col" { "State" }
                    th .number scope="col" { "Left" }
                    th .number scope="col" { "Last number, ceiling" }
                    th .number scope="col" { "Lasts" }
                    th .number scope="col" { "Unfinished" }
                    th scope="col" { "Latest event" }
                }
            }
            tbody { @for row in &found.rows { (pool_row(row, found, links, now)) } }
        }
    }
}

fn pool_row(row: &Row, found: &Found, links: Links, now: OffsetDateTime) -> Markup {
    let pool = &row.seen.state.pool;
    let draft = &pool.draft;
    html! {
        tr data-pool=(pool.id) {
            th scope="row" {
                a href=(links.to(&format!("pools/{}", pool.id))) { (draft.name) }
                br; span .soft { (draft.key.name()) " " (draft.key) ", " (scheme_words(draft)) }
            }
            td data-name="State" { span { (state(&row.seen, &row.standing)) } }
            td .number data-name="Left" { (number(pool.remaining)) }
            td .number data-name="Last number, ceiling" {
                span {
                    (number(draft.to))
                    @if draft.ceiling() > draft.to { br; span .soft { (number(draft.ceiling())) } }
                }
            }
            td .number data-name="Lasts" { (lasts(&row.standing, pool.remaining)) }
            td .number data-name="Unfinished" {
                @if row.standing.stuck > 0 { span .tag.stuck { "stuck" } " " }
                (number(row.standing.open))
            }
            td .when data-name="Latest event" {
                @match found.events.get(pool.id.as_str()) {
                    None => "–",
                    Some(event) => span { (event.kind) br; (moment(&event.at, now)) },
                }
            }
        }
    }
}

/// Level and status of a pool.
pub(super) fn state(seen: &SeenPool, standing: &Standing) -> Markup {
    let pool = &seen.state.pool;
    html! {
        @match standing.level {
            Level::Exhausted => { span .tag.exhausted { "exhausted" } " " },
            Level::Low => { span .tag.low { "low" } " " },
            Level::Ok => {},
        }
        @if pool.is_below_threshold() && standing.level != Level::Low {
            span .tag.low { "below threshold" } " "
        }
        (pool.status.as_str())
    }
}

/// How long a pool lasts at the rate of the last day.
pub(super) fn lasts(standing: &Standing, remaining: u128) -> String {
    match (standing.burn, standing.hours_left(remaining)) {
        (None, _) => "not watched".to_owned(),
        (Some(_), None) => "nothing used".to_owned(),
        (Some(_), Some(hours)) => lasting(hours),
    }
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn a_place_is_read_as_it_is_written_and_nothing_else_is() {
        assert_eq!(place_of("1.72.ABC"), Some((1, 72, "ABC".to_owned())));
        for text in ["", "1", "1.2", "a.1.b", "1.b.c", "-1.0.A", "256.0.A"] {
            assert_eq!(place_of(text), None, "{text}");
        }
    }
}
