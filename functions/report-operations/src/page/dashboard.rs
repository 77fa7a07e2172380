//! `GET /operations`: what is wrong first, then everything else.

mod allocations;
mod files;
mod findings;
mod lines;

use axum::extract::State;
use axum::response::Response;
use edge::Scope;
use http::StatusCode;
use maud::{Markup, html};
use time::OffsetDateTime;

use super::holds::Holds;
use super::words::{clock, counted, key_words, lasting, number};
use super::{Links, failed, layout, page, todo};
use crate::Hub;
use crate::scorecard::pools::Pools;
use crate::scorecard::{self, Part, Scorecard};
use crate::session::Visitor;

/// Holds looked at: those that end first.
const HOLDS_MAX: usize = 100;

/// What the page shows beside the scorecard.
pub(super) struct Beside {
    /// Holds that end first.
    pub(super) holds: Holds,
    /// Whether the visitor may see pools one by one.
    pub(super) pools: bool,
    pub(super) now: OffsetDateTime,
}

pub(crate) async fn show(State(hub): State<Hub>, visitor: Visitor) -> Result<Response, Response> {
    let part = Part::of(&visitor.caller).map_err(failed)?;
    let card = scorecard::compute(&hub, &part).await.map_err(failed)?;
    let holds = Holds::read(&hub, &visitor, (HOLDS_MAX, None)).await.map_err(failed)?;
    let pools = visitor.caller.has(Scope::PoolsRead);
    let beside = Beside { holds, pools, now: hub.clock.now() };
    let links = Links::at("/operations");
    let body = view(&card, &beside, links);
    Ok(page(StatusCode::OK, layout::page("Operations", links, &visitor, &body)))
}

fn view(card: &Scorecard, beside: &Beside, links: Links) -> Markup {
    let now = beside.now;
    html! {
        h1 { "What needs you" }
        p .soft {
            "As of " (clock(&card.window.to)) ". "
            @if let Some(system) = &card.part.system_id {
                "You see the part of " strong { (system) } " and its lines. "
            }
            a href=(links.to("")) { "Show again" }
        }
        (todo::list(card, beside, links))
        nav aria-label="Parts of this page" {
            ul {
                li { a href="#lines" { "Lines" } }
                li { a href="#allocations" { "Allocations" } }
                li { a href="#pools" { "Pools" } }
                li { a href="#findings" { "Findings" } }
                li { a href="#files" { "Files" } }
            }
        }
        (lines::section(&card.lines, links, now))
        (allocations::section(&card.open_allocations, links, now))
        (pools(&card.pools, beside, links))
        (findings::section(&card.findings, links, now))
        (files::section(&card.files, &card.commissioning_latency, links, now))
    }
}

fn tile(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// A number that should be nought.
fn alarming(name: &str, count: usize) -> Markup {
    html! { div .alarming[count > 0] { dt { (name) } dd { (number(count)) } } }
}

/// Says that a number is a lower bound.
fn cut(truncated: bool) -> Markup {
    html! {
        @if truncated { p .notice { "There is too much to count it all; numbers are at least these." } }
    }
}

fn pools(pools: &Pools, beside: &Beside, links: Links) -> Markup {
    html! {
        section aria-labelledby="pools" {
            h2 #pools { "Pools that run low" }
            (cut(pools.truncated))
            p {
                (number(pools.near_total)) " of " (counted(pools.total, "pool", "pools")) ". "
                @if beside.pools { a href=(links.to("pools")) { "All pools" } }
            }
            @if !pools.near.is_empty() {
                div .scroll {
                    table .cards {
                        caption { "The one that ends first before the others" }
                        thead {
                            tr {
                                th scope="col" { "Pool" }
                                th scope="col" { "State" }
                                th .number scope="col" { "Left" }
                                th .number scope="col" { "Threshold" }
                                th .number scope="col" { "Reserved in 24 h" }
                                th .number scope="col" { "Lasts" }
                            }
                        }
                        tbody {
                            @for pool in &pools.near {
                                tr {
                                    th scope="row" {
                                        @if beside.pools {
                                            a href=(links.to(&format!("pools/{}", pool.pool_id))) {
                                                (pool.name)
                                            }
                                        } @else { (pool.name) }
                                        br; span .soft { (key_words(&pool.gtin)) }
                                    }
                                    td data-name="State" {
                                        @if pool.below_threshold { span .tag.low { "low" } " " }
                                        (pool.status)
                                    }
                                    td .number data-name="Left" { (number(&pool.remaining)) }
                                    td .number data-name="Threshold" { (number(&pool.threshold)) }
                                    td .number data-name="Reserved in 24 h" {
                                        (number(pool.reserved_in_window))
                                    }
                                    td .number data-name="Lasts" {
                                        @match pool.hours_left {
                                            None => "–",
                                            Some(hours) => (lasting(hours)),
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
