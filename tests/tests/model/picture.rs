//! The whole state of a hub as lines: once as the reference has it, once as the table has it.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

pub use self::table::of_table;
use crate::op::Kind;
use crate::reference::{PRECEDENCE, Pool, Reference};

/// What there is, by name.
pub type Picture = BTreeMap<String, String>;

/// The first differences, `<` as it should be and `>` as it is.
pub fn differences(should: &Picture, is: &Picture) -> String {
    let mut out = String::new();
    let names: BTreeSet<&String> = should.keys().chain(is.keys()).collect();
    for name in names.into_iter().filter(|name| should.get(*name) != is.get(*name)).take(20) {
        let text = |picture: &Picture| picture.get(name).cloned().unwrap_or_else(|| "-".to_owned());
        writeln!(out, "{name}\n    < {}\n    > {}", text(should), text(is)).unwrap();
    }
    out
}

/// Numbers as runs.
pub fn runs(numbers: impl IntoIterator<Item = u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let text = |(first, last): (u64, u64)| format!("{first}-{last}");
    runs.into_iter().map(text).collect::<Vec<_>>().join(" ")
}

/// Buckets that are not empty.
pub fn balance<'a>(buckets: impl IntoIterator<Item = (&'a str, u64)>) -> String {
    let mut buckets: Vec<_> = buckets.into_iter().filter(|(_, count)| *count > 0).collect();
    buckets.sort_unstable();
    let words: Vec<String> =
        buckets.into_iter().map(|(word, count)| format!("{word} {count}")).collect();
    words.join(" ")
}

impl Reference {
    pub fn picture(&self) -> Picture {
        let mut lines = Picture::new();
        for (id, pool) in &self.pools {
            pool_lines(id, pool, &mut lines);
        }
        for id in self.allocations.keys() {
            self.allocation_lines(id, &mut lines);
        }
        for (sha, document) in &self.documents {
            lines.insert(format!("document {sha}"), document.word().to_owned());
            for (system, one) in document.judgements.iter().filter(|_| !document.refused) {
                let tally = one.tally;
                let line = format!(
                    "{} named {} matched {} newly {} repeated {} provisional {}",
                    one.state.word(),
                    tally.matched + tally.unmatched,
                    tally.matched,
                    tally.newly,
                    tally.repeated,
                    tally.provisional
                );
                lines.insert(format!("judgement {sha} {system}"), line);
            }
        }
        for (sha, change) in &self.changes {
            lines.insert(format!("document {sha}"), "reconciled".to_owned());
            let line = "reconciled named 0 matched 0 newly 0 repeated 0 provisional 0".to_owned();
            lines.insert(format!("judgement {sha} {}", change.system), line);
        }
        for (finding, (count, open)) in &self.findings {
            let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            let (allocation, gtin) = (or_none(&finding.allocation), or_none(&finding.gtin));
            let (sha, system, code) = (&finding.sha, &finding.system, &finding.code);
            let provisional = finding.provisional;
            let name = format!("finding {sha} {system} {code} {allocation} {gtin} {provisional}");
            let word = if *open { "open" } else { "resolved" };
            lines.insert(name, format!("{count} {word}"));
        }
        lines
    }

    fn allocation_lines(&self, id: &str, lines: &mut Picture) {
        let one = &self.allocations[id];
        let hold = one.hold.map(|(ends, confirmed)| format!(" held to {ends} {confirmed}"));
        let line = format!(
            "{} {} {}+{} of {} for {}{}{}",
            one.status.word(),
            one.pool,
            one.start,
            one.size,
            one.wish.quantity,
            one.system,
            hold.unwrap_or_default(),
            one.reuse.word()
        );
        lines.insert(format!("allocation {id}"), line);
        lines.insert(format!("balance {id}"), balance(self.balance(id)));
        let facts = self.facts(id);
        for (kind, word) in PRECEDENCE {
            let holds = facts.iter().filter(|(_, kinds)| kinds.contains(&kind));
            let numbers = runs(holds.map(|(number, _)| *number));
            if !numbers.is_empty() {
                lines.insert(format!("fact {id} {word}"), numbers);
            }
        }
        let is_touched = self.ledger.keys().any(|(of, _)| of == id);
        if is_touched {
            let ends = [Kind::Destroy, Kind::Decommission, Kind::Sample, Kind::Scrap];
            let packed = facts.values().filter(|kinds| {
                kinds.contains(&Kind::Commission) && !ends.iter().any(|end| kinds.contains(end))
            });
            let line = format!("used {} commissioned {}", facts.len(), packed.count());
            lines.insert(format!("fill {id}"), line);
        }
    }
}

fn pool_lines(id: &str, pool: &Pool, lines: &mut Picture) {
    let mut line = format!(
        "{} {} {} {}..{} cursor {} remaining {} max {} again {}",
        if pool.active { "active" } else { "suspended" },
        pool.gtin,
        pool.space.map_or("sequential", |_| "randomised"),
        pool.from,
        pool.to,
        pool.cursor,
        pool.remaining,
        pool.max_request,
        pool.reoffer
    );
    for (allocation, entry) in &pool.open {
        write!(line, " open {allocation} {}+{} at {}", entry.start, entry.size, entry.at).unwrap();
    }
    lines.insert(format!("pool {id}"), line);
    for (word, ranges) in [("range", &pool.ranges), ("again", &pool.again)] {
        for (start, range) in ranges {
            let void = range.void.map(|why| format!(" void {why}")).unwrap_or_default();
            let line = format!("{} of {}{void}", range.size, range.allocation);
            lines.insert(format!("{word} {id} {start}"), line);
        }
    }
    for (start, run) in &pool.runs {
        let withdrawn = if run.withdrawn { " withdrawn" } else { "" };
        let line = format!("{} next {} of {}{withdrawn}", run.size, run.next, run.of);
        lines.insert(format!("run {id} {start}"), line);
    }
}
