//! Files: what came in, how long it took, and what waits.

use maud::{Markup, html};
use time::OffsetDateTime;

use super::{alarming, cut, tile};
use crate::page::Links;
use crate::page::words::{latency, moment, number, short};
use crate::scorecard::files::{Files, Latency, Waiting};

pub(super) fn section(files: &Files, taken: &Latency, links: Links, now: OffsetDateTime) -> Markup {
    html! {
        section aria-labelledby="files" {
            h2 #files { "Files" }
            (cut(files.truncated || files.waiting.truncated || files.refused.truncated))
            h3 { "Received in the last 24 hours" }
            dl .tiles {
                (tile("Received", &number(files.received)))
                (tile("Reconciled", &number(files.reconciled)))
                (tile("In progress", &number(files.in_progress)))
                (tile("Parked", &number(files.parked)))
                (alarming("Refused", files.quarantined))
            }
            h3 { "From arrival to reconciliation" }
            dl .tiles {
                (tile("Half within", &latency(taken.p50_ms)))
                (tile("95 of 100 within", &latency(taken.p95_ms)))
                (tile("Longest", &latency(taken.max_ms)))
                (tile("Files measured", &number(taken.samples)))
            }
            (queue(("Refused, and nobody has dealt with it", "By receipt"), &files.refused, links, now))
            (queue(("Waiting for numbers", "By next try"), &files.waiting, links, now))
        }
    }
}

fn queue(
    (title, order): (&str, &str),
    waiting: &Waiting,
    links: Links,
    now: OffsetDateTime,
) -> Markup {
    html! {
        h3 { (title) ": " (number(waiting.total)) }
        @if !waiting.documents.is_empty() {
            div .scroll {
                table .cards {
                    caption {
                        (order)
                        @if waiting.total > waiting.documents.len() {
                            ", the first " (waiting.documents.len())
                        }
                    }
                    thead {
                        tr {
                            th scope="col" { "File" }
                            th scope="col" { "System" }
                            th scope="col" { "Status" }
                            th scope="col" { "Received" }
                            th scope="col" { "Next try" }
                        }
                    }
                    tbody {
                        @for row in &waiting.documents {
                            tr {
                                th scope="row" {
                                    a .mono href=(links.to(&format!("documents/{}", row.content_sha256))) {
                                        (short(&row.content_sha256))
                                    }
                                }
                                td data-name="System" { (row.system_id) }
                                td data-name="Status" {
                                    span {
                                        span .tag.(row.status) { (row.status) }
                                        @if let Some(code) = &row.error_code { " " (code) }
                                    }
                                }
                                td .when data-name="Received" { span { (moment(&row.received_at, now)) } }
                                td .when data-name="Next try" {
                                    @match &row.next_try_at {
                                        None => "–",
                                        Some(at) => span { (moment(at, now)) },
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
