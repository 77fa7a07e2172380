//! Lines: those that are silent first, each with how fast it runs.

use maud::{Markup, html};
use time::OffsetDateTime;

use super::{alarming, cut, tile};
use crate::page::words::{milli, moment, number};
use crate::page::{Links, chart};
use crate::scorecard::lines::{LineRow, Lines};

pub(super) fn section(lines: &Lines, pages: Links, now: OffsetDateTime) -> Markup {
    // Bars are of the fastest line, so that lines can be compared.
    let fastest = lines.list.iter().filter_map(|line| line.throughput_milli).max().unwrap_or(0);
    html! {
        section aria-labelledby="lines" {
            h2 #lines { "Lines" }
            (cut(lines.truncated))
            dl .tiles {
                (tile("Live", &number(lines.live)))
                (tile("Stale", &number(lines.stale)))
                (alarming("Offline", lines.offline))
            }
            @if !lines.list.is_empty() {
                div .scroll {
                    table .cards {
                        caption {
                            "Silent ones first"
                            @if lines.total > lines.list.len() {
                                ", " (lines.list.len()) " of " (number(lines.total))
                            }
                            ". Packs per minute over the last 15 minutes; the longest bar is the fastest line."
                        }
                        thead {
                            tr {
                                th scope="col" { "Line" }
                                th scope="col" { "Heard" }
                                th scope="col" { "State" }
                                th .number scope="col" { "Serials left" }
                                th .number scope="col" { "Packs/min" }
                                th scope="col" { "Throughput" }
                            }
                        }
                        tbody { @for line in &lines.list { (row(line, fastest, pages, now)) } }
                    }
                }
            }
        }
    }
}

fn row(line: &LineRow, fastest: u64, pages: Links, now: OffsetDateTime) -> Markup {
    let speed = line.throughput_milli.map_or_else(|| "–".to_owned(), milli);
    let name = line.line_id.as_deref().unwrap_or(&line.line_gln);
    html! {
        tr data-line=(line.line_gln) {
            th scope="row" {
                (name)
                @if line.line_id.is_some() { br; span .soft { (line.line_gln) } }
            }
            td .when data-name="Heard" {
                span { span .tag.(line.status) { (line.status) } " " (moment(&line.last_heartbeat_at, now)) }
            }
            td data-name="State" {
                span {
                    (line.state)
                    @if let Some(alarm) = &line.alarm { br; strong { (alarm) } }
                }
            }
            td .number data-name="Serials left" {
                @match (&line.allocation_id, line.serials_remaining) {
                    (_, None) => "–",
                    (None, Some(left)) => (number(left)),
                    (Some(id), Some(left)) => {
                        a href=(pages.to(&format!("allocations/{id}"))) { (number(left)) }
                    }
                }
            }
            td .number data-name="Packs/min" { (speed) }
            td .wide data-name="Throughput" {
                (chart::throughput(
                    line.throughput_milli.unwrap_or(0),
                    fastest,
                    &format!("{name}: {speed} packs per minute"),
                ))
            }
        }
    }
}
