//! What is wrong, the worst first, each with what to do next.

use maud::{Markup, html};

use super::Links;
use super::dashboard::Beside;
use super::words::{counted, key_words, lasting, number, short, span};
use crate::scorecard::Scorecard;
use crate::scorecard::files::DocumentRow;
use crate::scorecard::findings::FindingRow;
use crate::scorecard::lines::LineRow;
use crate::scorecard::pools::PoolRow;

/// A pool that lasts fewer hours needs somebody in this shift.
const SHIFT_HOURS: u64 = 12;

/// Silent lines that are named one by one; more have one entry together.
const SILENT_SHOWN_MAX: usize = 5;

/// How soon somebody is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Now,
    Soon,
}

impl Level {
    const fn class(self) -> &'static str {
        match self {
            Self::Now => "bad",
            Self::Soon => "warn",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Now => "Now",
            Self::Soon => "Soon",
        }
    }
}

#[derive(Debug)]
struct Todo {
    level: Level,
    what: String,
    action: Markup,
}

/// The list as a part of the page.
pub(crate) fn list(card: &Scorecard, beside: &Beside, links: Links) -> Markup {
    let todos = todos(card, beside, links);
    html! {
        ul .todo {
            @for todo in &todos {
                li .(todo.level.class()) {
                    p { span .tag { (todo.level.word()) } " " span .what { (todo.what) } }
                    p { (todo.action) }
                }
            }
            @if todos.is_empty() {
                li .good { p { span .tag { "All well" } " " span .what { "Nothing needs you." } } }
            }
        }
    }
}

fn todos(card: &Scorecard, beside: &Beside, links: Links) -> Vec<Todo> {
    let mut todos = Vec::new();
    todos.extend(found(card, "critical", Level::Now, links));
    todos.extend(refused(card, links));
    todos.extend(troubled_lines(&card.lines.list));
    todos.extend(overdue(beside, links));
    todos.extend(card.pools.near.iter().map(|pool| running_low(pool, beside, links)));
    todos.extend(found(card, "error", Level::Soon, links));
    todos.extend(waiting(card, links));
    todos.extend(in_review(card, links));
    todos.sort_by_key(|todo| todo.level);
    todos
}

/// Open findings of a severity; those that somebody has acknowledged are in good hands.
fn found(card: &Scorecard, severity: &str, level: Level, links: Links) -> Option<Todo> {
    let count = card.findings.by_severity.iter().find(|count| count.severity == severity)?;
    let is_first = |row: &&FindingRow| row.severity == severity && row.status == "open";
    let first = card.findings.worst.iter().find(is_first);
    (count.open > 0).then(|| Todo {
        level,
        what: counted(
            count.open,
            &format!("{severity} finding that nobody looks after"),
            &format!("{severity} findings that nobody looks after"),
        ),
        action: html! {
            @if let Some(first) = first {
                a href=(links.to(&format!("findings/{}", first.id))) {
                    "Look at " (first.code) " with "
                    (counted(usize::try_from(first.serials).unwrap_or(usize::MAX), "serial", "serials"))
                }
                ": acknowledge it, then put right what it names and resolve it with the reason."
            } @else {
                "They are in the list of findings below."
            }
        },
    })
}

fn document_link(document: &DocumentRow, links: Links) -> Markup {
    html! {
        a href=(links.to(&format!("documents/{}", document.content_sha256))) {
            "file " span .mono { (short(&document.content_sha256)) }
        }
        " of " (document.system_id)
    }
}

fn refused(card: &Scorecard, links: Links) -> Option<Todo> {
    let files = &card.files.refused;
    let first = files.documents.first()?;
    Some(Todo {
        level: Level::Now,
        what: counted(files.total, "file was refused", "files were refused"),
        action: html! {
            "Read what is wrong with " (document_link(first, links))
            @if let Some(code) = &first.error_code { " (" (code) ")" }
            " and have it sent again, put right."
        },
    })
}

/// Holds that the sweep should have given up.
fn overdue(beside: &Beside, links: Links) -> Option<Todo> {
    let overdue = beside.holds.overdue(beside.now);
    (overdue > 0).then(|| Todo {
        level: Level::Now,
        what: counted(
            overdue,
            "reservation was not confirmed and is not given up",
            "reservations were not confirmed and are not given up",
        ),
        action: html! {
            a href=(links.to("holds")) { "Look at them" } " and whether the sweep runs: it comes every minute."
        },
    })
}

fn in_review(card: &Scorecard, links: Links) -> Option<Todo> {
    let waiting = card.open_allocations.in_review;
    (waiting > 0).then(|| Todo {
        level: Level::Soon,
        what: counted(waiting, "run waits for a review", "runs wait for a review"),
        action: html! {
            a href=(links.to("reviews")) { "Compare what was reported with the ledger" }
            ", then accept the end of the run or let the run go on."
        },
    })
}

fn waiting(card: &Scorecard, links: Links) -> Option<Todo> {
    let files = &card.files.waiting;
    let first = files.documents.first()?;
    Some(Todo {
        level: Level::Soon,
        what: counted(
            files.total,
            "file names numbers that are not reserved",
            "files name numbers that are not reserved",
        ),
        action: html! {
            "Reserve the numbers that " (document_link(first, links)) " waits for ("
            (number(first.provisional)) "), or reject the file. It is tried again by itself."
        },
    })
}

/// Alarms of lines one by one; silent lines so as well while they are few. Many at once have one cause.
fn troubled_lines(lines: &[LineRow]) -> Vec<Todo> {
    let (alarmed, silent): (Vec<&LineRow>, Vec<&LineRow>) =
        lines.iter().partition(|line| line.status == "live");
    let mut todos: Vec<Todo> = alarmed.into_iter().filter_map(in_trouble).collect();
    let silent: Vec<Todo> = silent.into_iter().filter_map(in_trouble).collect();
    if silent.len() <= SILENT_SHOWN_MAX {
        todos.extend(silent);
    } else {
        todos.push(Todo {
            level: Level::Now,
            what: format!("{} lines went silent while they ran", silent.len()),
            action: html! { "So many have one cause: look at the plant's network first." },
        });
    }
    todos
}

/// A line that says what is wrong, or that went silent while it ran. One that was stopped before may be
/// silent in peace.
fn in_trouble(line: &LineRow) -> Option<Todo> {
    let gln = &line.line_gln;
    let name = line.line_id.as_ref().map_or_else(|| gln.clone(), |id| format!("{id} ({gln})"));
    let silent = span(line.silent_seconds);
    match (line.status, &line.alarm, line.state) {
        ("live", Some(alarm), _) => Some(Todo {
            level: Level::Now,
            what: format!("Line {name} reports {alarm}"),
            action: html! { "It is " (line.state) ". Go there, or call the one who is." },
        }),
        ("stale", _, "EXECUTE") => Some(Todo {
            level: Level::Soon,
            what: format!("Line {name} has been silent for {silent} while it ran"),
            action: html! { "Look whether it still runs and whether its network does." },
        }),
        ("offline", _, "EXECUTE") => Some(Todo {
            level: Level::Now,
            what: format!("Line {name} went offline {silent} ago while it ran"),
            action: html! { "Look whether it runs: what it prints is not heard of until it is back." },
        }),
        _ => None,
    }
}

fn running_low(pool: &PoolRow, beside: &Beside, links: Links) -> Todo {
    let soon_empty = pool.hours_left.is_some_and(|hours| hours < SHIFT_HOURS);
    let left = pool.hours_left.map(|hours| format!(", at this rate enough for {}", lasting(hours)));
    Todo {
        level: if soon_empty || pool.remaining == "0" { Level::Now } else { Level::Soon },
        what: format!(
            "Pool {} has {} numbers left{}",
            pool.name,
            number(&pool.remaining),
            left.unwrap_or_default(),
        ),
        action: html! {
            @if beside.pools {
                a href=(links.to(&format!("pools/{}", pool.pool_id))) { "Look at it" } ". "
            }
            "Extend the pool (" code { "PATCH /api/v1/l3/pools/" (pool.pool_id) }
            ") or make another one for " (key_words(&pool.gtin)) "."
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(gln: &str, status: &'static str, alarm: Option<&str>) -> LineRow {
        LineRow {
            line_gln: gln.to_owned(),
            line_id: Some("L1".to_owned()),
            system_id: None,
            status,
            state: "EXECUTE",
            last_heartbeat_at: "2026-11-23T10:00:00.000Z".to_owned(),
            silent_seconds: 600,
            throughput_milli: None,
            burn_per_hour: None,
            serials_remaining: None,
            allocation_id: None,
            alarm: alarm.map(str::to_owned),
        }
    }

    #[test]
    fn many_silent_lines_are_one_entry_and_hide_no_alarm() {
        let mut lines = vec![line("0313000000018", "live", Some("jam"))];
        for expected in 1..=SILENT_SHOWN_MAX {
            lines.push(line("0313000000025", "offline", None));
            let todos = troubled_lines(&lines);
            assert_eq!(todos.len(), expected + 1);
            assert_eq!(todos[0].what, "Line L1 (0313000000018) reports jam");
            assert!(todos[1].what.starts_with("Line L1 (0313000000025) went offline"));
        }
        lines.push(line("0313000000025", "stale", None));
        let todos = troubled_lines(&lines);
        let whats: Vec<&str> = todos.iter().map(|todo| todo.what.as_str()).collect();
        assert_eq!(
            whats,
            ["Line L1 (0313000000018) reports jam", "6 lines went silent while they ran"]
        );
    }
}
