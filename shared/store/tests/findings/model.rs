//! Decision 8 as a reference model: whatever people and runs do in whatever order, the table holds what the
//! model says, after every step.

use std::collections::BTreeMap;

use domain::finding::{Change, Code, Finding, FindingStatus};
use proptest::prelude::*;
use store::Store;
use store::finding::FindingError;
use testkit::Dynamo;

use crate::bench::{Bench, acknowledge, assign, comment, finding, provisional, resolve, sha};

const DOCUMENTS: std::ops::RangeInclusive<u8> = 1..=3;

/// A finding: document, whether it is the informational code, provisional.
type Key = (u8, bool, bool);

#[derive(Debug, Clone)]
enum Op {
    Judge(u8, BTreeMap<(bool, bool), u64>),
    Do(Key, Deed),
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Acknowledge(&'static str),
    Resolve(&'static str),
    Assign(Option<&'static str>),
    Comment(&'static str),
}

impl Deed {
    fn change(self) -> Change {
        match self {
            Self::Acknowledge(reason) => acknowledge(reason),
            Self::Resolve(reason) => resolve(reason),
            Self::Assign(Some(name)) => assign(name),
            Self::Assign(None) => Change::Assign(None),
            Self::Comment(text) => comment(text),
        }
    }
}

/// What the model knows of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    count: u64,
    status: FindingStatus,
    /// Reasons of the hub are one.
    reason: Option<&'static str>,
    assignee: Option<&'static str>,
    comments: u32,
    recurrences: u32,
    recurrence_of: Option<Key>,
    continues: bool,
    /// Records in its own history.
    records: usize,
    last_comment: Option<&'static str>,
    settled: Option<(u64, bool)>,
}

impl Known {
    fn new(count: u64) -> Self {
        Self {
            count,
            status: FindingStatus::Open,
            reason: None,
            assignee: None,
            comments: 0,
            recurrences: 0,
            recurrence_of: None,
            continues: false,
            records: 0,
            last_comment: None,
            settled: None,
        }
    }

    fn is_touched(&self) -> bool {
        *self != Self { recurrence_of: self.recurrence_of, ..Self::new(self.count) }
    }

    fn recurs(&self, count: u64) -> bool {
        let more = self.settled.is_some_and(|(settled, vanished)| vanished || count > settled);
        self.status == FindingStatus::Resolved && more
    }

    fn reopen(&mut self) {
        self.status = FindingStatus::Open;
        self.reason = Some("hub");
        self.settled = None;
        self.recurrences += 1;
    }

    fn vanish(&mut self) {
        self.status = FindingStatus::Resolved;
        self.reason = Some("hub");
        self.settled = Some((self.count, true));
        self.records += 1;
    }

    /// Whether the deed is allowed.
    fn apply(&mut self, deed: Deed) -> bool {
        use FindingStatus::{Acknowledged, Open, Resolved};
        let before = self.clone();
        let allowed = match (deed, self.status) {
            (Deed::Acknowledge(reason), Open) => {
                (self.status, self.reason) = (Acknowledged, Some(reason));
                true
            }
            (Deed::Resolve(reason), Open | Acknowledged) => {
                (self.status, self.reason) = (Resolved, Some(reason));
                self.settled = Some((self.count, false));
                true
            }
            (Deed::Acknowledge(reason), Acknowledged) | (Deed::Resolve(reason), Resolved) => {
                self.reason == Some(reason)
            }
            (Deed::Acknowledge(_), Resolved) => false,
            (Deed::Assign(name), Resolved) => self.assignee == name,
            (Deed::Assign(name), Open | Acknowledged) => {
                self.assignee = name;
                true
            }
            (Deed::Comment(text), _) => {
                self.comments += u32::from(self.last_comment != Some(text));
                self.last_comment = Some(text);
                true
            }
        };
        self.records += usize::from(*self != before);
        allowed
    }
}

#[derive(Debug, Default)]
struct Model {
    known: BTreeMap<Key, Known>,
    heads: BTreeMap<(bool, bool), Key>,
}

impl Model {
    fn judge(&mut self, document: u8, found: &BTreeMap<(bool, bool), u64>) {
        let mut handed_over = Vec::new();
        for (subject, count) in found {
            let key = (document, subject.0, subject.1);
            if let Some(known) = self.known.get_mut(&key) {
                let recurs = known.recurs(*count);
                known.count = *count;
                if recurs {
                    known.reopen();
                    known.records += 1;
                }
                continue;
            }
            let mut fresh = Known::new(*count);
            let before = (document, subject.0, true);
            let gone = !subject.1 && !found.contains_key(&(subject.0, true));
            if let Some(old) = self.known.get_mut(&before).filter(|old| gone && old.is_touched()) {
                fresh = Known {
                    recurrence_of: None,
                    continues: true,
                    records: 1,
                    count: *count,
                    ..old.clone()
                };
                if fresh.recurs(*count) {
                    fresh.reopen();
                }
                if old.status != FindingStatus::Resolved {
                    old.vanish();
                }
                handed_over.push(before);
            }
            let informational = subject.0;
            if !informational {
                let head = self.heads.insert(*subject, key).filter(|head| *head != key);
                let earlier = head.and_then(|head| Some((head, self.known.get_mut(&head)?)));
                if let Some((head, earlier)) = earlier
                    && earlier.status == FindingStatus::Resolved
                    && earlier.settled.is_some_and(|(_, vanished)| !vanished)
                {
                    earlier.reopen();
                    earlier.records += 1;
                    fresh.recurrence_of = Some(head);
                }
            }
            self.known.insert(key, fresh);
        }
        self.known.retain(|key, known| {
            let is_found = found.contains_key(&(key.1, key.2));
            if key.0 != document || is_found || handed_over.contains(key) {
                return true;
            }
            if known.status == FindingStatus::Resolved {
                return true;
            }
            if key.2 && !known.is_touched() {
                return false;
            }
            known.vanish();
            true
        });
    }
}

fn of(key: Key, count: u64) -> Finding {
    let code = if key.1 { Code::InternalGap } else { Code::NotReserved };
    if key.2 { provisional(key.0, code, count) } else { finding(key.0, code, count) }
}

async fn compare(bench: &Bench, model: &Model, step: &str) {
    let mut kept = BTreeMap::new();
    for document in DOCUMENTS {
        for case in bench.store.document_cases(&sha(document)).await.unwrap() {
            kept.insert(case.record.finding.id.clone(), case);
        }
    }
    assert_eq!(kept.len(), model.known.len(), "{step}");
    let mut unresolved = 0;
    for (key, known) in &model.known {
        let id = of(*key, 1).id;
        let case = &kept[&id];
        let handling = &case.handling;
        assert_eq!(case.record.finding.count, known.count, "{step}: {key:?}");
        assert_eq!(case.record.finding.status, known.status, "{step}: {key:?}");
        assert_eq!(handling.assignee.as_deref(), known.assignee, "{step}: {key:?}");
        assert_eq!(handling.comments, known.comments, "{step}: {key:?}");
        assert_eq!(handling.recurrences, known.recurrences, "{step}: {key:?}");
        let by_people = known.reason.filter(|reason| *reason != "hub");
        assert_eq!(handling.reason.is_some(), known.reason.is_some(), "{step}: {key:?}");
        assert!(by_people.is_none() || handling.reason.as_deref() == by_people, "{step}: {key:?}");
        let earlier = known.recurrence_of.map(|earlier| of(earlier, 1).id);
        assert_eq!(case.recurrence_of, earlier, "{step}: {key:?}");
        assert_eq!(case.continues.is_some(), known.continues, "{step}: {key:?}");
        let own = domain_key(&id);
        let records = bench.store.audit_records(&own, 500).await.unwrap().len();
        assert_eq!(records, known.records, "{step}: {key:?}");
        unresolved += usize::from(known.status != FindingStatus::Resolved);
    }
    assert_eq!(bench.unresolved().await.len(), unresolved, "{step}");
}

fn domain_key(id: &str) -> store::keys::Pk {
    store::keys::Pk::Finding(id.to_owned())
}

async fn run(bench: &Bench, ops: &[Op]) {
    let mut model = Model::default();
    for (minute, op) in (0..).zip(ops) {
        match op {
            Op::Judge(document, found) => {
                let findings: Vec<Finding> = found
                    .iter()
                    .map(|(subject, count)| of((*document, subject.0, subject.1), *count))
                    .collect();
                bench.judge(*document, minute, &findings).await;
                model.judge(*document, found);
            }
            Op::Do(key, deed) => {
                let outcome = bench.change(&of(*key, 1).id, minute, &deed.change()).await;
                match model.known.get_mut(key) {
                    None => assert!(matches!(outcome, Err(FindingError::Store(_))), "{op:?}"),
                    Some(known) => {
                        let allowed = known.apply(*deed);
                        assert_eq!(outcome.is_ok(), allowed, "{op:?} {outcome:?}");
                    }
                }
            }
        }
        compare(bench, &model, &format!("{minute} {op:?}")).await;
    }
}

fn any_op() -> impl Strategy<Value = Op> {
    let subjects = prop_oneof![Just((false, false)), Just((false, true)), Just((true, false))];
    let found = prop::collection::btree_map(subjects.clone(), 1..4_u64, 0..3);
    let text = prop_oneof![Just("a"), Just("b")];
    let deed = prop_oneof![
        2 => text.clone().prop_map(Deed::Acknowledge),
        4 => text.clone().prop_map(Deed::Resolve),
        1 => prop::option::of(text.clone()).prop_map(Deed::Assign),
        1 => text.prop_map(Deed::Comment),
    ];
    prop_oneof![
        (DOCUMENTS, found).prop_map(|(document, found)| Op::Judge(document, found)),
        (DOCUMENTS, subjects, deed)
            .prop_map(|(document, subject, deed)| Op::Do((document, subject.0, subject.1), deed)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_holds_what_the_model_says_after_every_step(
        ops in prop::collection::vec(any_op(), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dynamo = Dynamo::start().await;
            let table = dynamo.table().await;
            let store = Store::new(dynamo.client(), &table);
            run(&Bench { dynamo, table, store }, &ops).await;
        });
    }
}
