//! `GET /operations`: what is wrong first, then everything else.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use time::OffsetDateTime;

use super::words::{counted, latency, moment, number, short, span};
use super::{Links, chart, failed, layout, page, todo};
use crate::Hub;
use crate::scorecard::allocations::{LineFill, OpenAllocations, OpenRow, percent};
use crate::scorecard::files::{Files, Latency, Waiting};
use crate::scorecard::findings::Findings;
use crate::scorecard::pools::Pools;
use crate::scorecard::{self, Part, Scorecard};
use crate::session::Visitor;

pub(crate) async fn show(State(hub): State<Hub>, visitor: Visitor) -> Result<Response, Response> {
    let part = Part::of(&visitor.caller).map_err(failed)?;
    let card = scorecard::compute(&hub, &part).await.map_err(failed)?;
    let links = Links::at("/operations");
    let body = view(&card, links, hub.clock.now());
    Ok(page(StatusCode::OK, layout::page("Operations", links, &visitor, &body)))
}

fn view(card: &Scorecard, links: Links, now: OffsetDateTime) -> Markup {
    html! {
        h1 { "What needs you" }
        p .soft {
            "As of " (moment(&card.window.to, now)) ". "
            @if let Some(system) = &card.part.system_id {
                "You see the part of " strong { (system) } " and its lines. "
            }
            a href=(links.to("")) { "Show again" }
        }
        (todo::list(card, links))
        nav aria-label="Parts of this page" {
            ul {
                li { a href="#allocations" { "Allocations" } }
                li { a href="#pools" { "Pools" } }
                li { a href="#findings" { "Findings" } }
                li { a href="#files" { "Files" } }
            }
        }
        (allocations(&card.open_allocations, links, now))
        (pools(&card.pools))
        (findings(&card.findings, links, now))
        (files(&card.files, &card.commissioning_latency, links, now))
    }
}

fn tile(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// Says that a number is a lower bound.
fn cut(truncated: bool) -> Markup {
    html! {
        @if truncated { p .notice { "There is too much to count it all; numbers are at least these." } }
    }
}

fn line_name(line_gln: Option<&str>) -> &str {
    line_gln.unwrap_or("no line")
}

fn allocations(open: &OpenAllocations, links: Links, now: OffsetDateTime) -> Markup {
    html! {
        section aria-labelledby="allocations" {
            h2 #allocations { "Open allocations" }
            (cut(open.truncated))
            dl .tiles {
                (tile("Open", &number(open.total)))
                (tile("Numbers in them", &number(open.reserved)))
                (tile("Used", &format!("{} %", percent(open.used, open.reserved))))
                (tile("On packs", &number(open.commissioned)))
            }
            @if !open.oldest.is_empty() {
                div .scroll { (by_line(&open.by_line, open.lines_total)) }
                div .scroll { (oldest(open, links, now)) }
            }
        }
    }
}

fn by_line(lines: &[LineFill], total: usize) -> Markup {
    html! {
        table .cards {
            caption { "By line and system" @if total > lines.len() { ", the first " (lines.len()) } }
            thead {
                tr {
                    th scope="col" { "Line" }
                    th scope="col" { "System" }
                    th .number scope="col" { "Open" }
                    th .number scope="col" { "Numbers" }
                    th .number scope="col" { "Used" }
                }
            }
            tbody {
                @for line in lines {
                    tr {
                        th scope="row" { (line_name(line.line_gln.as_deref())) }
                        td data-name="System" { (line.system_id) }
                        td .number data-name="Open" { (number(line.allocations)) }
                        td .number data-name="Numbers" { (number(line.reserved)) }
                        td .number data-name="Used" {
                            (number(line.used)) " (" (percent(line.used, line.reserved)) " %)"
                        }
                    }
                }
            }
        }
    }
}

fn oldest(open: &OpenAllocations, links: Links, now: OffsetDateTime) -> Markup {
    html! {
        table .cards {
            caption {
                "The oldest first" @if open.total > open.oldest.len() { ", " (open.oldest.len()) " of "
                (number(open.total)) }
                ". In the bar: on packs dark, otherwise used light."
            }
            thead {
                tr {
                    th scope="col" { "Allocation" }
                    th scope="col" { "Line" }
                    th scope="col" { "Status" }
                    th scope="col" { "Made" }
                    th .number scope="col" { "Used" }
                    th scope="col" { "Fill" }
                }
            }
            tbody { @for row in &open.oldest { (allocation_row(row, links, now)) } }
        }
    }
}

fn allocation_row(row: &OpenRow, links: Links, now: OffsetDateTime) -> Markup {
    let name = row
        .lot
        .as_deref()
        .map_or_else(|| short(&row.allocation_id).to_owned(), |lot| format!("Lot {lot}"));
    let used = format!("{} of {}", number(row.used), number(row.reserved));
    html! {
        tr data-allocation=(row.allocation_id) {
            th scope="row" {
                a href=(links.to(&format!("allocations/{}", row.allocation_id))) { (name) }
                br; span .soft { "GTIN " (row.gtin) }
            }
            td data-name="Line" { span { (line_name(row.line_gln.as_deref())) br; (row.system_id) } }
            td data-name="Status" { (row.status) }
            td data-name="Made" { span { (moment(&row.created_at, now)) } }
            td .number data-name="Used" { (used) " (" (row.fill_percent) " %)" }
            td .wide data-name="Fill" {
                (chart::fill(
                    row.reserved,
                    row.used,
                    row.commissioned,
                    &format!("{name}: {used} used, {} on packs", number(row.commissioned)),
                ))
            }
        }
    }
}

fn pools(pools: &Pools) -> Markup {
    html! {
        section aria-labelledby="pools" {
            h2 #pools { "Pools that run low" }
            (cut(pools.truncated))
            p { (number(pools.near_total)) " of " (counted(pools.total, "pool", "pools")) "." }
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
                                    th scope="row" { (pool.name) br; span .soft { "GTIN " (pool.gtin) } }
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
                                            Some(hours) => (span(hours.saturating_mul(3_600))),
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

fn findings(findings: &Findings, links: Links, now: OffsetDateTime) -> Markup {
    html! {
        section aria-labelledby="findings" {
            h2 #findings { "Findings nobody has resolved" }
            (cut(findings.truncated || findings.per_hour_truncated))
            dl .tiles {
                @for count in &findings.by_severity {
                    (tile(count.severity, &number(count.open.saturating_add(count.acknowledged))))
                }
            }
            (per_hour(findings))
            @if !findings.by_code.is_empty() {
                div .scroll { (by_code(findings, now)) }
                div .scroll { (worst(findings, links, now)) }
            }
        }
    }
}

fn per_hour(findings: &Findings) -> Markup {
    let sum = findings.per_hour.iter().map(crate::scorecard::findings::HourCount::sum);
    let (total, highest) = sum
        .fold((0_usize, 0), |(total, highest), sum| (total.saturating_add(sum), sum.max(highest)));
    let title = format!("Found in the last 24 hours: {}", number(total));
    let description = format!("One column an hour; the highest stands for {highest}.");
    html! {
        h3 { (title) }
        @if total > 0 {
            (chart::columns(&findings.per_hour, &title, &description))
            p .axis { span { "24 h ago" } span { "highest: " (number(highest)) } span { "now" } }
            details {
                summary { "The same as a table" }
                div .scroll {
                    table {
                        caption { "Hours in which something was found" }
                        thead {
                            tr {
                                th scope="col" { "From (UTC)" }
                                th .number scope="col" { "Critical" }
                                th .number scope="col" { "Error" }
                                th .number scope="col" { "Warning" }
                                th .number scope="col" { "Info" }
                            }
                        }
                        tbody {
                            @for hour in findings.per_hour.iter().filter(|hour| hour.sum() > 0) {
                                tr {
                                    th scope="row" { (hour.from.get(11..16).unwrap_or(&hour.from)) }
                                    td .number { (hour.critical) }
                                    td .number { (hour.error) }
                                    td .number { (hour.warning) }
                                    td .number { (hour.info) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn by_code(findings: &Findings, now: OffsetDateTime) -> Markup {
    html! {
        table .cards {
            caption { "By code" }
            thead {
                tr {
                    th scope="col" { "Code" }
                    th scope="col" { "Severity" }
                    th .number scope="col" { "Open" }
                    th .number scope="col" { "Acknowledged" }
                    th .number scope="col" { "Serials" }
                    th scope="col" { "Oldest" }
                }
            }
            tbody {
                @for code in &findings.by_code {
                    tr {
                        th scope="row" { (code.code) }
                        td data-name="Severity" { span .tag.(code.severity) { (code.severity) } }
                        td .number data-name="Open" { (number(code.open)) }
                        td .number data-name="Acknowledged" { (number(code.acknowledged)) }
                        td .number data-name="Serials" { (number(code.serials)) }
                        td data-name="Oldest" { span { (moment(&code.oldest_at, now)) } }
                    }
                }
            }
        }
    }
}

fn worst(findings: &Findings, links: Links, now: OffsetDateTime) -> Markup {
    html! {
        table .cards {
            caption {
                "The worst first"
                @if findings.unresolved > findings.worst.len() {
                    ", " (findings.worst.len()) " of " (number(findings.unresolved))
                }
            }
            thead {
                tr {
                    th scope="col" { "Finding" }
                    th scope="col" { "Severity" }
                    th scope="col" { "Status" }
                    th .number scope="col" { "Serials" }
                    th scope="col" { "File" }
                    th scope="col" { "Found" }
                }
            }
            tbody {
                @for row in &findings.worst {
                    tr {
                        th scope="row" {
                            a href=(links.to(&format!("findings/{}", row.id))) { (row.code) }
                        }
                        td data-name="Severity" { span .tag.(row.severity) { (row.severity) } }
                        td data-name="Status" { (row.status) }
                        td .number data-name="Serials" { (number(row.serials)) }
                        td data-name="File" {
                            span {
                                a .mono href=(links.to(&format!("documents/{}", row.content_sha256))) {
                                    (short(&row.content_sha256))
                                }
                                " of " (row.system_id)
                            }
                        }
                        td data-name="Found" { span { (moment(&row.at, now)) } }
                    }
                }
            }
        }
    }
}

fn files(files: &Files, taken: &Latency, links: Links, now: OffsetDateTime) -> Markup {
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
                (tile("Refused", &number(files.quarantined)))
            }
            h3 { "From arrival to reconciliation" }
            dl .tiles {
                (tile("Half within", &latency(taken.p50_ms)))
                (tile("95 of 100 within", &latency(taken.p95_ms)))
                (tile("Longest", &latency(taken.max_ms)))
                (tile("Files measured", &number(taken.samples)))
            }
            (queue("Refused, and nobody has dealt with it", &files.refused, links, now))
            (queue("Waiting for numbers", &files.waiting, links, now))
        }
    }
}

fn queue(title: &str, waiting: &Waiting, links: Links, now: OffsetDateTime) -> Markup {
    html! {
        h3 { (title) ": " (number(waiting.total)) }
        @if !waiting.documents.is_empty() {
            div .scroll {
                table .cards {
                    caption {
                        (title)
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
                                td data-name="Received" { span { (moment(&row.received_at, now)) } }
                                td data-name="Next try" {
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
