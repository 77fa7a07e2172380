//! Changes by people: legal and illegal ones, twice, and several at once.

use domain::finding::{Change, Code, FindingStatus, Refusal};
use store::StoreError;
use store::finding::FindingError;
use testkit::{Fault, Faults};
use tokio::task::JoinSet;

use crate::bench::{Bench, acknowledge, assign, at, comment, finding, resolve};

/// What a change leads to: a status, written or not, or a refusal.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Changed(FindingStatus),
    Unchanged,
    Refused,
}

#[tokio::test]
async fn every_change_in_every_status_is_written_left_alone_or_refused() {
    use FindingStatus::{Acknowledged, Open, Resolved};
    use Outcome::{Changed, Refused, Unchanged};
    let paths = [
        (Open, vec![]),
        (Acknowledged, vec![acknowledge("mine")]),
        (Resolved, vec![acknowledge("mine"), resolve("done")]),
    ];
    let changes = [
        (acknowledge("mine"), [Changed(Acknowledged), Unchanged, Refused]),
        (acknowledge("hers"), [Changed(Acknowledged), Refused, Refused]),
        (resolve("done"), [Changed(Resolved), Changed(Resolved), Unchanged]),
        (resolve("void"), [Changed(Resolved), Changed(Resolved), Refused]),
        (assign("ada"), [Changed(Open), Changed(Acknowledged), Refused]),
        (Change::Assign(None), [Unchanged, Unchanged, Unchanged]),
        (comment("hm"), [Changed(Open), Changed(Acknowledged), Changed(Resolved)]),
    ];
    let bench = Bench::start().await;
    let mut document = 0;
    for (change, outcomes) in &changes {
        for ((status, path), expected) in paths.iter().zip(outcomes) {
            document += 1;
            let found = finding(document, Code::NotReserved, 3);
            bench.judge(document, 0, std::slice::from_ref(&found)).await;
            for step in path {
                bench.done(&found.id, 1, step).await;
            }
            let before = (bench.case(&found.id).await, bench.history(&found.id).await);
            assert_eq!(before.0.record.finding.status, *status);
            let outcome = match bench.change(&found.id, 2, change).await {
                Ok(after) if after == before.0 => Unchanged,
                Ok(after) => Changed(after.record.finding.status),
                Err(FindingError::Refused(_)) => Refused,
                Err(error) => panic!("{error}"),
            };
            assert_eq!(outcome, *expected, "{status:?} {change:?}");
            let after = (bench.case(&found.id).await, bench.history(&found.id).await);
            if matches!(outcome, Changed(_)) {
                assert_eq!(after.0.version, before.0.version + 1);
                assert_eq!(after.1.len(), before.1.len() + 1);
                let again = bench.done(&found.id, 3, change).await;
                assert_eq!(again, after.0, "done twice: {change:?}");
            } else {
                assert_eq!(after, before);
            }
        }
    }
}

#[tokio::test]
async fn the_history_says_who_did_what_from_what_to_what_and_why() {
    let bench = Bench::start().await;
    let found = finding(1, Code::NotReserved, 3);
    bench.judge(1, 0, std::slice::from_ref(&found)).await;
    for change in [
        acknowledge("I look after it"),
        assign("ada"),
        comment("line 3 again"),
        assign("bob"),
        Change::Assign(None),
        resolve("relabelled"),
    ] {
        bench.done(&found.id, 1, &change).await;
    }
    let expected = [
        "L1/abc acknowledge open>acknowledged I look after it",
        "L1/abc assign ->ada -",
        "L1/abc comment ->- line 3 again",
        "L1/abc assign ada>bob -",
        "L1/abc assign bob>- -",
        "L1/abc resolve acknowledged>resolved relabelled",
    ];
    assert_eq!(bench.history(&found.id).await, expected);
    let case = bench.case(&found.id).await;
    assert_eq!((case.handling.comments, case.handling.assignee), (1, None));
    assert_eq!(case.changed_at, Some(at(1)));
    // The audit of the table knows these items and has nothing to say about them.
    assert_eq!(bench.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_changed() {
    let bench = Bench::start().await;
    let missing = bench.change(&"a".repeat(26), 1, &resolve("x")).await.unwrap_err();
    assert!(matches!(missing, FindingError::Store(StoreError::NotFound { .. })), "{missing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_resolutions_at_once_one_counts_and_leaves_the_only_record() {
    for same in [false, true] {
        let bench = Bench::start().await;
        let found = finding(1, Code::NotReserved, 3);
        bench.judge(1, 0, std::slice::from_ref(&found)).await;
        let mut tasks = JoinSet::new();
        for n in 0..8 {
            let (store, id) = (bench.store.clone(), found.id.clone());
            let change = resolve(&if same { "done".to_owned() } else { format!("done by {n}") });
            tasks.spawn(async move {
                let now = at(1);
                let asked = store::finding::Asked { actor: "L1/abc", now: &now, reason: None };
                store.finding_change(&id, &change, asked).await
            });
        }
        let outcomes = tasks.join_all().await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, if same { 8 } else { 1 });
        for outcome in outcomes {
            if let Err(error) = outcome {
                let refused =
                    FindingError::Refused(Refusal::OtherReason { status: FindingStatus::Resolved });
                assert_eq!(error.to_string(), refused.to_string());
            }
        }
        assert_eq!(bench.history(&found.id).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn comments_at_once_are_all_kept() {
    let bench = Bench::start().await;
    let found = finding(1, Code::NotReserved, 3);
    bench.judge(1, 0, std::slice::from_ref(&found)).await;
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        let (store, id) = (bench.store.clone(), found.id.clone());
        tasks.spawn(async move {
            let now = at(1);
            let asked = store::finding::Asked { actor: "L1/abc", now: &now, reason: None };
            store.finding_change(&id, &comment(&n.to_string()), asked).await.unwrap();
        });
    }
    tasks.join_all().await;
    assert_eq!(bench.case(&found.id).await.handling.comments, 8);
    assert_eq!(bench.history(&found.id).await.len(), 8);
}

#[tokio::test]
async fn a_lost_answer_or_connection_neither_loses_nor_doubles_a_change() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for k in 1..=3 {
            let bench = Bench::start().await;
            let found = finding(1, Code::NotReserved, 3);
            bench.judge(1, 0, std::slice::from_ref(&found)).await;
            let faults = Faults::none().at(k, fault);
            let (store, now) = (bench.store_over(&faults), at(1));
            let asked = store::finding::Asked { actor: "L1/abc", now: &now, reason: None };
            store.finding_change(&found.id, &comment("once"), asked).await.unwrap();
            assert_eq!(bench.case(&found.id).await.handling.comments, 1, "{fault:?} {k}");
            assert_eq!(bench.history(&found.id).await.len(), 1, "{fault:?} {k}");
        }
    }
}
