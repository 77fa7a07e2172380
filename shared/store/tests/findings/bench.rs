//! A table, findings, and what people do about them.

use domain::finding::{Assignee, Change, Code, Finding, FindingStatus, Note, Subject};
use domain::ids::SystemId;
use store::Store;
use store::finding::{Asked, FindingCase, FindingError};
use store::meter::Meter;
use testkit::{Dynamo, Faults};

pub const GTIN: &str = "00313000007772";
pub const ACTOR: &str = "L1/abc";

pub struct Bench {
    pub dynamo: Dynamo,
    pub table: String,
    pub store: Store,
}

pub fn system(text: &str) -> SystemId {
    SystemId::parse(text).unwrap()
}

/// The n-th document.
pub fn sha(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

/// A time, in minutes after ten o'clock.
pub fn at(minute: u32) -> String {
    format!("2026-11-23T10:{minute:02}:00.000Z")
}

pub fn note(text: &str) -> Note {
    Note::parse(text).unwrap()
}

pub fn acknowledge(text: &str) -> Change {
    Change::Acknowledge(note(text))
}

pub fn resolve(text: &str) -> Change {
    Change::Resolve(note(text))
}

pub fn assign(name: &str) -> Change {
    Change::Assign(Some(Assignee::parse(name).unwrap()))
}

pub fn comment(text: &str) -> Change {
    Change::Comment { text: note(text), author: ACTOR.to_owned() }
}

pub fn subject(code: Code, provisional: bool) -> Subject {
    Subject { code, provisional, allocation_id: None, gtin: Some(GTIN.to_owned()) }
}

/// A final finding about our GTIN in the n-th document as `L1` sent it.
pub fn finding(n: u8, code: Code, count: u64) -> Finding {
    subject(code, false).finding((&sha(n), "L1"), count)
}

pub fn provisional(n: u8, code: Code, count: u64) -> Finding {
    subject(code, true).finding((&sha(n), "L1"), count)
}

impl Bench {
    pub async fn start() -> Self {
        let dynamo = Dynamo::start().await;
        let table = dynamo.table().await;
        let store = Store::new(dynamo.client(), &table);
        Self { dynamo, table, store }
    }

    pub fn store_over(&self, faults: &Faults) -> Store {
        Store::new(self.dynamo.client_with(faults), &self.table)
    }

    /// Judges the n-th document of `L1`.
    pub async fn judge(&self, n: u8, minute: u32, found: &[Finding]) {
        let (sha, system, now) = (sha(n), system("L1"), at(minute));
        let of = (sha.as_str(), &system, now.as_str());
        self.store.findings_replace(of, found, &Meter::default()).await.unwrap();
    }

    pub async fn change(
        &self,
        id: &str,
        minute: u32,
        change: &Change,
    ) -> Result<FindingCase, FindingError> {
        let now = at(minute);
        let asked = Asked { actor: ACTOR, now: &now, reason: None };
        self.store.finding_change(id, change, asked).await
    }

    pub async fn done(&self, id: &str, minute: u32, change: &Change) -> FindingCase {
        self.change(id, minute, change).await.unwrap()
    }

    pub async fn case(&self, id: &str) -> FindingCase {
        self.store.finding_find(id).await.unwrap().unwrap()
    }

    pub async fn status(&self, id: &str) -> FindingStatus {
        self.case(id).await.record.finding.status
    }

    /// Actor, action, what it was before and is since, and the reason, of each record.
    pub async fn history(&self, id: &str) -> Vec<String> {
        let records = self.store.finding_history(&self.case(id).await).await.unwrap();
        let word = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let line = |r: store::audit_record::AuditRecord| {
            let (before, after) = (word(r.before), word(r.after));
            format!("{} {} {before}>{after} {}", r.actor, r.action, word(r.reason))
        };
        records.into_iter().map(line).collect()
    }

    /// The ids of what is unresolved, the oldest first.
    pub async fn unresolved(&self) -> Vec<String> {
        let found = self.store.findings_unresolved(None).await.unwrap();
        assert!(!found.truncated);
        found.findings.into_iter().map(|finding| finding.id).collect()
    }
}
