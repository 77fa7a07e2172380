//! `GET /operations/holds`: reservations that wait for a confirmation, the one that ends first before the others.
//!
//! Query: `after`. The sweep gives up what nobody confirms; what is long over and still here says that it does not
//! run.

use axum::extract::State;
use axum::response::Response;
use domain::allocation::Allocation;
use domain::gln::Gln;
use edge::Problem;
use http::{StatusCode, Uri};
use maud::{Markup, html};
use service::store_problem;
use store::Page;
use store::attention::Queue;
use store::time::parse_rfc3339;
use time::{Duration, OffsetDateTime};

use super::query::ListQuery;
use super::words::{moment, number, short};
use super::{Links, failed, layout, page};
use crate::Hub;
use crate::scorecard::span_ms;
use crate::session::Visitor;

/// Holds shown on one page.
const ROWS_MAX: usize = 100;
/// The sweep comes every minute: what is over for longer was not given up by it.
const OVERDUE: Duration = Duration::minutes(2);

/// Reservations that wait.
pub(super) struct Holds(pub(super) Page<Allocation>);

/// How a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Waits,
    Ended,
    /// It should have been given up.
    Overdue,
}

impl Holds {
    /// Holds that the visitor may see, in the order of their ends.
    pub(super) async fn read(
        hub: &Hub,
        visitor: &Visitor,
        (limit, after): (usize, Option<&str>),
    ) -> Result<Self, Problem> {
        // I8: what is on another line is not there.
        let own =
            |a: &Allocation| visitor.caller.may_use_line(a.line_gln.as_ref().map(Gln::as_str));
        let page = hub.store.waiting_page(Queue::Held, (limit, after), own).await;
        Ok(Self(page.map_err(|error| store_problem(&error))?))
    }

    /// How many of them should have been given up long ago.
    pub(super) fn overdue(&self, now: OffsetDateTime) -> usize {
        self.0.items.iter().filter(|held| stand(held, now) == Stand::Overdue).count()
    }

    pub(super) fn table(&self, links: Links, now: OffsetDateTime) -> Markup {
        html! {
            div .scroll {
                table .cards {
                    caption { "The one that ends first before the others" }
                    thead {
                        tr {
                            th scope="col" { "Allocation" }
                            th scope="col" { "Ends" }
                            th .number scope="col" { "Numbers" }
                            th scope="col" { "Line" }
                            th scope="col" { "Pool" }
                            th scope="col" { "Made" }
                        }
                    }
                    tbody { @for held in &self.0.items { (row(held, links, now)) } }
                }
            }
        }
    }
}

fn ends_at(held: &Allocation) -> &str {
    held.hold.as_ref().map_or("", |hold| hold.ends_at.as_str())
}

fn stand(held: &Allocation, now: OffsetDateTime) -> Stand {
    let over = parse_rfc3339(ends_at(held)).map_or(0, |end| span_ms(end, now));
    if over >= OVERDUE.whole_milliseconds() {
        Stand::Overdue
    } else if over >= 0 {
        Stand::Ended
    } else {
        Stand::Waits
    }
}

fn row(held: &Allocation, links: Links, now: OffsetDateTime) -> Markup {
    let name = held.details.lot.as_deref();
    html! {
        tr data-hold=(held.id) {
            th scope="row" {
                a href=(links.to(&format!("allocations/{}", held.id))) {
                    @match name { None => (short(held.id.as_str())), Some(lot) => { "Lot " (lot) } }
                }
                br; span .soft { (held.key.name()) " " (held.key) }
            }
            td .when data-name="Ends" {
                span {
                    @match stand(held, now) {
                        Stand::Waits => {},
                        Stand::Ended => { span .tag.low { "ended" } " " },
                        Stand::Overdue => { span .tag.exhausted { "overdue" } " " },
                    }
                    (moment(ends_at(held), now))
                }
            }
            td .number data-name="Numbers" { (number(held.size)) }
            td data-name="Line" {
                span {
                    (held.line_gln.as_ref().map_or("no line", Gln::as_str)) br; (held.system_id)
                }
            }
            td data-name="Pool" {
                a .mono href=(links.to(&format!("pools/{}", held.pool_id))) {
                    (short(held.pool_id.as_str()))
                }
            }
            td .when data-name="Made" { span { (moment(&held.created_at, now)) } }
        }
    }
}

pub(super) async fn show(
    State(hub): State<Hub>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, Response> {
    let query = ListQuery::of(&uri);
    let holds = Holds::read(&hub, &visitor, (ROWS_MAX, query.after.as_deref())).await;
    let holds = holds.map_err(failed)?;
    let links = Links::at("/operations/holds");
    let body = view(&holds, &query, links, hub.clock.now());
    Ok(page(StatusCode::OK, layout::page("Holds", links, &visitor, &body)))
}

fn view(holds: &Holds, query: &ListQuery, links: Links, now: OffsetDateTime) -> Markup {
    let (overdue, shown) = (holds.overdue(now), holds.0.items.len());
    html! {
        h1 { "Waiting for a confirmation" }
        p .soft {
            "Who reserved them confirms (" code { "POST /api/v1/l3/allocations/{id}/confirm" }
            "), or the sweep gives them up within two minutes of their end."
        }
        @if overdue > 0 {
            p .notice {
                (number(overdue)) " should have been given up long ago: look whether the sweep runs."
            }
        }
        @if query.after.is_some() { p { a href="holds" { "From the beginning" } } }
        @if shown == 0 && holds.0.next.is_none() { p { "Nothing waits." } }
        @if shown > 0 { (holds.table(links, now)) }
        @if let Some(next) = &holds.0.next {
            p { a href=(query.next(next)) { "More" } }
        }
    }
}
