//! `pharmatrace audit`: proves I1, I2, I4 and the postings from the table alone.
//!
//! It reads only. With `--json` it prints one object, else a line per breach and a summary. It may run
//! while the hub is at work; see `store::audit` for what that means.

use serde::Serialize;
use store::audit::{Audit, Breach};

use crate::error::CommandError;
use crate::hub::Hub;
use crate::wiring::print_line;

/// What the audit says to machines.
#[derive(Debug, Serialize)]
struct Shown {
    holds: bool,
    pools: u64,
    ranges: u64,
    /// Indexes and their counts are strings, as everywhere.
    numbers: String,
    void: String,
    open_entries: u64,
    allocations: u64,
    blocks: u64,
    postings: u64,
    documents: u64,
    breaches: Vec<ShownBreach>,
}

#[derive(Debug, Serialize)]
struct ShownBreach {
    invariant: &'static str,
    subject: String,
    detail: String,
}

/// Proves the invariants from the table; `true` if none is broken.
///
/// # Errors
/// If the hub cannot be read.
pub async fn run(hub: &Hub, json: bool) -> Result<bool, CommandError> {
    let store = hub.store().await?;
    let audit = store.audit().await?;
    let holds = audit.breaches.is_empty();
    if json {
        let line = serde_json::to_string(&shown(audit));
        print_line(&line.map_err(|error| CommandError::Failed(error.to_string()))?)?;
    } else {
        for line in report(&audit) {
            print_line(&line)?;
        }
    }
    Ok(holds)
}

fn shown(audit: Audit) -> Shown {
    let breach = |breach: Breach| ShownBreach {
        invariant: breach.invariant.id(),
        subject: breach.subject,
        detail: breach.detail,
    };
    Shown {
        holds: audit.breaches.is_empty(),
        pools: audit.pools,
        ranges: audit.ranges,
        numbers: audit.numbers.to_string(),
        void: audit.void.to_string(),
        open_entries: audit.open,
        allocations: audit.allocations,
        blocks: audit.blocks,
        postings: audit.postings,
        documents: audit.documents,
        breaches: audit.breaches.into_iter().map(breach).collect(),
    }
}

/// The audit in lines for people: every breach, then what was looked at.
#[must_use]
pub fn report(audit: &Audit) -> Vec<String> {
    let mut lines: Vec<String> = audit
        .breaches
        .iter()
        .map(|breach| format!("{}  {}  {}", breach.invariant.id(), breach.subject, breach.detail))
        .collect();
    lines.push(format!(
        "{} pools, {} ranges, {} numbers below the cursors of which {} void, {} open entries",
        audit.pools, audit.ranges, audit.numbers, audit.void, audit.open
    ));
    lines.push(format!(
        "{} allocations, {} ledger blocks, {} postings, {} documents",
        audit.allocations, audit.blocks, audit.postings, audit.documents
    ));
    lines.push(match audit.breaches.len() {
        0 => "I1, I2, I4 and the postings hold".to_owned(),
        count => format!("{count} breaches"),
    });
    lines
}

#[cfg(test)]
mod tests {
    use store::audit::Invariant;

    use super::*;

    fn broken() -> Audit {
        let mut audit = Audit::default();
        audit.breaches.push(Breach {
            invariant: Invariant::Accounted,
            subject: "POOL#P".into(),
            detail: "numbers 3 to 4 are in no record".into(),
        });
        audit
    }

    #[test]
    fn breaches_come_first_and_are_counted() {
        let lines = report(&broken());
        assert_eq!(lines[0], "I2  POOL#P  numbers 3 to 4 are in no record");
        assert_eq!(lines.last().unwrap(), "1 breaches");
        let lines = report(&Audit::default());
        assert_eq!(lines.last().unwrap(), "I1, I2, I4 and the postings hold");
    }

    #[test]
    fn machines_are_told_whether_everything_holds() {
        let value = serde_json::to_value(shown(broken())).unwrap();
        assert_eq!(value["holds"], false);
        assert_eq!(value["breaches"][0]["invariant"], "I2");
        assert_eq!(serde_json::to_value(shown(Audit::default())).unwrap()["holds"], true);
    }
}
