//! Open allocations, by line and by age, each with how far it is used.

use maud::{Markup, html};
use time::OffsetDateTime;

use super::{cut, tile};
use crate::page::words::{key_words, moment, number, short};
use crate::page::{Links, chart};
use crate::scorecard::allocations::{LineFill, OpenAllocations, OpenRow, percent};

fn line_name(line_gln: Option<&str>) -> &str {
    line_gln.unwrap_or("no line")
}

pub(super) fn section(open: &OpenAllocations, links: Links, now: OffsetDateTime) -> Markup {
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
                ". In the bar: first what is on packs, then what was used otherwise."
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
                br; span .soft { (key_words(&row.gtin)) }
            }
            td data-name="Line" { span { (line_name(row.line_gln.as_deref())) br; (row.system_id) } }
            td data-name="Status" { (row.status) }
            td .when data-name="Made" { span { (moment(&row.created_at, now)) } }
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
