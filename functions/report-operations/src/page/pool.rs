//! `GET /operations/pools/{id}`: one pool with its policy, events, holds and ranges.
//!
//! Query: `after`, the start of the range that the page goes on below: ranges are shown from the newest to the
//! oldest.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::ids::PoolId;
use domain::pool::Pool;
use edge::{Problem, Scope};
use http::{StatusCode, Uri};
use maud::{Markup, html};
use service::store_problem;
use store::Page;
use store::attention::Queue;
use store::pool_event::{Hook, PoolEvent};
use store::pool_overview::SeenPool;
use store::range::{Range, RangeKind};
use time::OffsetDateTime;

use super::holds::Holds;
use super::pools::{Standing, lasts, state};
use super::query::ListQuery;
use super::words::{lasting, moment, number, scheme_words, short};
use super::{Links, failed, layout, page};
use crate::Hub;
use crate::session::Visitor;

/// Ranges shown on one page.
const RANGES_MAX: i32 = 50;
/// Events shown.
const EVENTS_MAX: u64 = 10;
/// Holds shown.
const HOLDS_MAX: usize = 20;

struct Found {
    seen: SeenPool,
    events: Vec<PoolEvent>,
    holds: Holds,
    ranges: Page<Range>,
}

pub(super) async fn show(
    State(hub): State<Hub>,
    visitor: Visitor,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Response> {
    visitor.caller.require(Scope::PoolsRead).map_err(failed)?;
    let query = ListQuery::of(&uri);
    let found = Box::pin(fetch(&hub, &visitor, &id, &query)).await.map_err(failed)?;
    let links = Links::at("/operations/pools/x");
    let body = view(&found, &query, links, hub.clock.now());
    Ok(page(StatusCode::OK, layout::page("Pool", links, &visitor, &body)))
}

async fn fetch(
    hub: &Hub,
    visitor: &Visitor,
    id: &str,
    query: &ListQuery,
) -> Result<Found, Problem> {
    let id = PoolId::parse(id).map_err(|_| Problem::not_found())?;
    let failed = |error: store::StoreError| store_problem(&error);
    let seen = hub.store.pool_seen(&id).await.map_err(failed)?.ok_or_else(Problem::not_found)?;
    let last = seen.events;
    let first = last.saturating_sub(EVENTS_MAX.saturating_sub(1)).max(1);
    let wanted = (first..=last).map(|number| (id.clone(), number));
    let events = hub.store.pool_events_numbered(wanted).await.map_err(failed)?;
    // I8: what is on another line is not there.
    let own = |a: &domain::allocation::Allocation| {
        let line = a.line_gln.as_ref().map(domain::gln::Gln::as_str);
        a.pool_id == id && visitor.caller.may_use_line(line)
    };
    let holds = hub.store.waiting_page(Queue::Held, (HOLDS_MAX, None), own).await;
    let holds = Holds(holds.map_err(failed)?);
    let before = query.after.as_deref().and_then(|after| after.parse().ok());
    let ranges = hub.store.ranges_newest(&id, RANGES_MAX, before).await.map_err(failed)?;
    Ok(Found { seen, events, holds, ranges })
}

fn view(found: &Found, query: &ListQuery, links: Links, now: OffsetDateTime) -> Markup {
    let pool = &found.seen.state.pool;
    let standing = Standing::of(&found.seen, now);
    html! {
        h1 { "Pool " (pool.draft.name) }
        p { a href=(links.to("pools")) { "Back to all pools" } }
        (facts(&found.seen, &standing, now))
        (policy(pool))
        (events(&found.events, now))
        h2 #holds { "Waiting for a confirmation" }
        @if found.holds.0.items.is_empty() { p { "Nothing." } } @else { (found.holds.table(links, now)) }
        @if found.holds.0.next.is_some() {
            p { a href=(links.to("holds")) { "There may be more: see all holds" } }
        }
        (ranges(found, query, links))
    }
}

fn facts(seen: &SeenPool, standing: &Standing, now: OffsetDateTime) -> Markup {
    let (pool, draft) = (&seen.state.pool, &seen.state.pool.draft);
    html! {
        dl .facts {
            dt { "State" } dd { (state(seen, standing)) }
            dt { "Id" } dd .mono { (pool.id) }
            dt { (draft.key.name()) } dd { (draft.key) }
            dt { "Numbers" } dd { (scheme_words(draft)) }
            dt { "Numbers left" } dd { (number(pool.remaining)) }
            dt { "Reserved or void" } dd { (number(pool.reserved())) }
            dt { "From, to" } dd { (number(draft.from)) " to " (number(draft.to)) }
            dt { "Lasts" } dd { (lasts(standing, pool.remaining)) }
            @if let Some(burn) = standing.burn {
                dt { "Reserved lately" }
                dd { (number(burn.numbers)) " in " (lasting(burn.over_ms / 3_600_000)) }
            }
            dt { "Unfinished reservations" }
            dd {
                (number(standing.open))
                @if standing.stuck > 0 {
                    ", " strong { (number(standing.stuck)) " of them for longer than 15 minutes" }
                    ": does the sweep run?"
                }
            }
            dt { "Made" } dd { (moment(&pool.created_at, now)) }
        }
        @if pool.remaining == 0 || pool.is_below_threshold() {
            p .notice {
                "Extend it (" code { "PATCH /api/v1/l3/pools/" (pool.id) } " with a larger "
                code { "to" } ") or make another pool."
            }
        }
    }
}

fn policy(pool: &Pool) -> Markup {
    let (draft, policy) = (&pool.draft, &pool.draft.policy);
    html! {
        h2 #policy { "How it is looked after" }
        dl .facts {
            dt { "Low below" } dd { (number(draft.threshold)) " numbers" }
            dt { "Low for fewer hours than" }
            dd { @match policy.threshold_hours { None => "not asked for", Some(hours) => (number(hours)) } }
            dt { "Extended by the hub" }
            dd {
                @match policy.auto_extend {
                    None => "never",
                    Some(extend) => {
                        "by " (number(extend.by)) " at a time, up to " (number(extend.ceiling))
                    },
                }
            }
            dt { "Numbers offered again" }
            dd {
                @match policy.reoffer {
                    domain::policy::Reoffer::Never => "none",
                    domain::policy::Reoffer::Returned => "returned ones",
                    domain::policy::Reoffer::Void => "those of void ranges",
                    domain::policy::Reoffer::ReturnedAndVoid => "returned ones, those of void ranges",
                }
            }
            dt { "European rules" } dd { @if draft.eu_rules { "yes" } @else { "no" } }
            dt { "Most in one request" } dd { (number(draft.max_request)) }
            dt { "Reservations as EPCIS events" }
            dd { @if policy.reservation_events { "yes" } @else { "no" } }
        }
    }
}

fn events(events: &[PoolEvent], now: OffsetDateTime) -> Markup {
    html! {
        h2 #events { "Events" }
        @if events.is_empty() { p { "None." } } @else {
            div .scroll {
                table .cards {
                    caption { "The newest first, " (EVENTS_MAX) " at the most" }
                    thead {
                        tr {
                            th scope="col" { "Event" }
                            th scope="col" { "Seen" }
                            th scope="col" { "Queue" }
                            th scope="col" { "Webhook" }
                        }
                    }
                    tbody {
                        @for event in events {
                            tr {
                                th scope="row" { (event.kind) }
                                td .when data-name="Seen" { span { (moment(&event.at, now)) } }
                                td data-name="Queue" { @if event.queued { "sent" } @else { "waits" } }
                                td data-name="Webhook" { (webhook(event.hook)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn webhook(hook: Hook) -> Markup {
    html! {
        @match hook {
            Hook::Waits(0) => "waits",
            Hook::Waits(attempts) => { "waits, tried " (number(attempts)) " times" },
            Hook::Taken => "sent",
            Hook::None => "none is set",
            Hook::GivenUp => span .tag.low { "given up" },
        }
    }
}

fn ranges(found: &Found, query: &ListQuery, links: Links) -> Markup {
    let page = &found.ranges;
    html! {
        h2 #ranges { "Ranges" }
        @if page.items.is_empty() {
            p { @if query.after.is_some() { "No more." } @else { "Nothing was reserved yet." } }
        } @else {
            div .scroll {
                table .cards {
                    caption { "The newest first, " (page.items.len()) " on this page" }
                    thead {
                        tr {
                            th .number scope="col" { "First" }
                            th .number scope="col" { "Numbers" }
                            th scope="col" { "Belongs to" }
                        }
                    }
                    tbody {
                        @for range in &page.items {
                            tr data-range=(range.start) {
                                th .number scope="row" { (number(range.start)) }
                                td .number data-name="Numbers" { (number(range.size)) }
                                td data-name="Belongs to" { span { (owner(&range.kind, links)) } }
                            }
                        }
                    }
                }
            }
        }
        @if query.after.is_some() { p { a href=(format!("{}#ranges", found.seen.state.pool.id)) { "Newest ranges" } } }
        @if let Some(next) = &page.next {
            p { a href=(format!("{}#ranges", query.next(next))) { "Older ranges" } }
        }
    }
}

fn owner(kind: &RangeKind, links: Links) -> Markup {
    let link = |id: &domain::ids::AllocationId| {
        html! { a .mono href=(links.to(&format!("allocations/{id}"))) { (short(id.as_str())) } }
    };
    html! {
        @match kind {
            RangeKind::Allocation(id) => { "allocation " (link(id)) },
            RangeKind::Void { reason, allocation_id } => {
                "nobody: " (reason)
                @if let Some(id) = allocation_id { ", was of " (link(id)) }
            },
        }
    }
}
