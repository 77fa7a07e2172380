//! What a day came to, and the verdict.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use store::audit::Audit;

use crate::table;

/// Faults that are told.
const FAULTS_MAX: usize = 10;
/// Characters of a fault that are told.
const FAULT_CHARACTERS_MAX: usize = 300;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Reserve,
    Replay,
    Confirm,
    Export,
    File,
    FileAgain,
    Close,
    Review,
    Balance,
    Heartbeats,
    Scorecard,
    Seal,
}

impl Step {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "orders reserved",
            Self::Replay => "asked again",
            Self::Confirm => "holds confirmed",
            Self::Export => "exports",
            Self::File => "files reconciled",
            Self::FileAgain => "files sent twice",
            Self::Close => "ends of batches",
            Self::Review => "reviews",
            Self::Balance => "balances as made",
            Self::Heartbeats => "hours of heartbeats",
            Self::Scorecard => "scorecards",
            Self::Seal => "day sealed",
        }
    }
}

/// What a day came to.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    done: BTreeMap<Step, u64>,
    faults: Vec<String>,
    pub(super) seconds: u64,
    /// What the audit found, and lines that say what it looked at; none before it was asked.
    audit: Option<(Vec<String>, Vec<String>)>,
}

impl Sheet {
    pub(super) fn note(&mut self, step: Step, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => {
                let count = self.done.entry(step).or_default();
                *count = count.saturating_add(1);
            }
            Err(fault) => {
                let fault = format!("{}: {fault}", step.as_str());
                self.faults.push(fault.chars().take(FAULT_CHARACTERS_MAX).collect());
            }
        }
    }

    /// Takes what the audit says; what it could not look at is no proof.
    pub(super) fn audited(&mut self, audit: &Audit) {
        let broken = audit.breaches.iter().map(|breach| format!("{breach:?}"));
        let unseen = audit.unchecked.iter().map(|one| format!("not checked: {}", one.subject));
        self.audit = Some((broken.chain(unseen).collect(), crate::audit::report(audit)));
    }

    /// Nothing went wrong, orders were done, and the books are proved.
    pub(super) fn holds(&self) -> bool {
        let proved = self.audit.as_ref().is_some_and(|(broken, _)| broken.is_empty());
        let orders = self.done.get(&Step::Balance).copied().unwrap_or_default();
        proved && orders > 0 && self.faults.is_empty()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let row = |(step, count): (&Step, &u64)| vec![step.as_str().to_owned(), count.to_string()];
        let head = vec!["a day of the plant".to_owned(), "done".to_owned()];
        let rows: Vec<Vec<String>> =
            std::iter::once(head).chain(self.done.iter().map(row)).collect();
        let mut lines = table::lines(&rows);
        lines.push(format!("  in {} seconds; the sweep ran by the real clock", self.seconds));
        lines.extend(self.faults.iter().take(FAULTS_MAX).map(|fault| format!("  WRONG  {fault}")));
        lines.extend(self.audit.iter().flat_map(|(_, said)| said).map(|line| format!("  {line}")));
        lines
    }

    pub(super) fn json(&self) -> Value {
        let done = self.done.iter().map(|(step, count)| (step.as_str().to_owned(), json!(count)));
        json!({
            "holds": self.holds(),
            "seconds": self.seconds,
            "done": done.collect::<serde_json::Map<_, _>>(),
            "faults": self.faults,
            "breaches": self.audit.as_ref().map(|(broken, _)| broken),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_holds_only_with_orders_without_faults_and_with_an_audit() {
        let mut sheet = Sheet::default();
        assert!(!sheet.holds());
        sheet.note(Step::Balance, Ok(()));
        assert!(!sheet.holds());
        sheet.audited(&Audit::default());
        assert!(sheet.holds());
        sheet.note(Step::File, Err("409".to_owned()));
        assert!(!sheet.holds());
        assert!(sheet.lines().iter().any(|line| line == "  WRONG  files reconciled: 409"));
        assert_eq!(sheet.json()["holds"], false);
    }

    #[test]
    fn what_was_not_checked_is_not_proved() {
        let (mut sheet, mut audit) = (Sheet::default(), Audit::default());
        sheet.note(Step::Balance, Ok(()));
        let (subject, why) = ("GTIN#1/SPACE#2".to_owned(), "refused".to_owned());
        audit.unchecked.push(store::audit::Unchecked { subject, why });
        sheet.audited(&audit);
        assert!(!sheet.holds());
    }
}
