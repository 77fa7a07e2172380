//! Findings: what nobody has resolved, and what was found hour by hour.

use maud::{Markup, html};
use time::OffsetDateTime;

use super::{alarming, cut, tile};
use crate::page::finding::is_of_a_batch;
use crate::page::words::{moment, number, short};
use crate::page::{Links, chart};
use crate::scorecard::findings::{Findings, HourCount};

pub(super) fn section(findings: &Findings, links: Links, now: OffsetDateTime) -> Markup {
    html! {
        section aria-labelledby="findings" {
            h2 #findings { "Findings nobody has resolved" }
            (cut(findings.truncated || findings.per_hour_truncated))
            dl .tiles {
                @for count in &findings.by_severity {
                    @let sum = count.open.saturating_add(count.acknowledged);
                    @if matches!(count.severity, "critical" | "error") {
                        (alarming(count.severity, sum))
                    } @else {
                        (tile(count.severity, &number(sum)))
                    }
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
    let sum = findings.per_hour.iter().map(HourCount::sum);
    let (total, highest) = sum
        .fold((0_usize, 0), |(total, highest), sum| (total.saturating_add(sum), sum.max(highest)));
    let title = format!("Found in the last 24 hours: {}", number(total));
    let description = format!("One column an hour; the highest stands for {highest}.");
    html! {
        h3 { (title) }
        @if total > 0 {
            (chart::columns(&findings.per_hour, &title, &description))
            p .axis { span { "24 h ago" } span { "highest: " (number(highest)) } span { "now" } }
            ul .legend aria-hidden="true" {
                @for count in &findings.by_severity {
                    li { span .key.(count.severity) {} (count.severity) }
                }
            }
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
                        td .when data-name="Oldest" { span { (moment(&code.oldest_at, now)) } }
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
                                // The end of a run is found in no file.
                                @if is_of_a_batch(row.code) { "end of a run" } @else {
                                    a .mono href=(links.to(&format!("documents/{}", row.content_sha256))) {
                                        (short(&row.content_sha256))
                                    }
                                }
                                " of " (row.system_id)
                            }
                        }
                        td .when data-name="Found" { span { (moment(&row.at, now)) } }
                    }
                }
            }
        }
    }
}
