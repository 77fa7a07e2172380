//! Judging a document again: what people did stays, what is found no more goes without a trace only if
//! nobody did anything about it.

use domain::finding::{Code, FindingStatus};
use store::meter::Meter;
use testkit::{Fault, Faults};
use tokio::task::JoinSet;

use crate::bench::{
    Bench, acknowledge, assign, at, comment, finding, provisional, resolve, sha, system,
};

#[tokio::test]
async fn the_same_finding_once_more_changes_nothing_in_any_status() {
    let bench = Bench::start().await;
    let found = finding(1, Code::NotReserved, 3);
    let found = std::slice::from_ref(&found);
    let id = &found[0].id;
    bench.judge(1, 0, found).await;
    for (minute, change) in
        [acknowledge("mine"), assign("ada"), comment("hm"), resolve("done")].iter().enumerate()
    {
        bench.done(id, u32::try_from(minute).unwrap(), change).await;
        let before = (bench.case(id).await, bench.history(id).await, bench.unresolved().await);
        bench.judge(1, 9, found).await;
        let after = (bench.case(id).await, bench.history(id).await, bench.unresolved().await);
        assert_eq!(after, before);
    }
    assert_eq!(bench.status(id).await, FindingStatus::Resolved);
}

#[tokio::test]
async fn new_numbers_keep_what_was_done() {
    let bench = Bench::start().await;
    let id = finding(1, Code::NotReserved, 3).id;
    bench.judge(1, 0, &[finding(1, Code::NotReserved, 3)]).await;
    bench.done(&id, 1, &acknowledge("mine")).await;
    bench.done(&id, 1, &assign("ada")).await;
    bench.done(&id, 1, &comment("hm")).await;
    for count in [2, 9] {
        bench.judge(1, 2, &[finding(1, Code::NotReserved, count)]).await;
        let case = bench.case(&id).await;
        assert_eq!(case.record.finding.count, count);
        assert_eq!(case.record.finding.status, FindingStatus::Acknowledged);
        assert_eq!((case.handling.assignee.as_deref(), case.handling.comments), (Some("ada"), 1));
        assert_eq!(case.record.at, at(0));
    }
    assert_eq!(bench.history(&id).await.len(), 3);
}

#[tokio::test]
async fn a_provisional_finding_that_went_away_is_deleted_only_if_nobody_handled_it() {
    let bench = Bench::start().await;
    let (a, b) = (provisional(1, Code::NotReserved, 3), provisional(1, Code::UnknownGtin, 2));
    bench.judge(1, 0, &[a.clone(), b.clone()]).await;
    bench.done(&b.id, 1, &comment("waiting for the order")).await;
    bench.judge(1, 2, &[]).await;
    assert_eq!(bench.store.finding_find(&a.id).await.unwrap(), None);
    assert_eq!(bench.status(&b.id).await, FindingStatus::Resolved);
    assert!(bench.unresolved().await.is_empty());
    let history = bench.history(&b.id).await;
    assert_eq!(history.len(), 2);
    assert!(history[1].starts_with("hub vanish open>resolved"), "{history:?}");
    // Both come back: one as a new finding, one opened again with its history.
    bench.judge(1, 3, &[a.clone(), b.clone()]).await;
    assert_eq!(bench.case(&a.id).await.version, 1);
    assert_eq!(bench.status(&b.id).await, FindingStatus::Open);
    assert_eq!(bench.history(&b.id).await.len(), 3);
    assert_eq!(bench.unresolved().await.len(), 2);
}

#[tokio::test]
async fn a_final_finding_takes_over_what_was_done_about_the_provisional_one() {
    let bench = Bench::start().await;
    let (early, late) = (provisional(1, Code::NotReserved, 5), finding(1, Code::NotReserved, 4));
    bench.judge(1, 0, std::slice::from_ref(&early)).await;
    bench.done(&early.id, 1, &acknowledge("mine")).await;
    bench.done(&early.id, 1, &assign("ada")).await;
    bench.judge(1, 2, std::slice::from_ref(&late)).await;
    bench.judge(1, 3, std::slice::from_ref(&late)).await;
    let case = bench.case(&late.id).await;
    assert_eq!(case.record.finding.status, FindingStatus::Acknowledged);
    assert_eq!(case.handling.assignee.as_deref(), Some("ada"));
    assert_eq!(case.continues.as_ref(), Some(&early.id));
    let history = bench.history(&late.id).await;
    assert_eq!(history.len(), 4, "{history:?}");
    assert!(history[0].starts_with("L1/abc acknowledge open>acknowledged"));
    assert!(history[3].starts_with("hub continue acknowledged>acknowledged"));
    assert_eq!(bench.status(&early.id).await, FindingStatus::Resolved);
    assert_eq!(bench.unresolved().await, [late.id]);
}

#[tokio::test]
async fn a_provisional_finding_that_nobody_handled_becomes_final_without_a_trace() {
    let bench = Bench::start().await;
    let (early, late) = (provisional(1, Code::NotReserved, 5), finding(1, Code::NotReserved, 4));
    bench.judge(1, 0, std::slice::from_ref(&early)).await;
    bench.judge(1, 2, std::slice::from_ref(&late)).await;
    assert_eq!(bench.store.finding_find(&early.id).await.unwrap(), None);
    let case = bench.case(&late.id).await;
    assert_eq!((case.continues, case.version), (None, 1));
    assert!(bench.history(&late.id).await.is_empty());
}

#[tokio::test]
async fn a_final_finding_that_is_found_no_more_is_resolved_by_the_hub_and_kept() {
    let bench = Bench::start().await;
    let found = finding(1, Code::NotReserved, 3);
    let transmission = finding(1, Code::DuplicateTransmission, 1);
    bench.judge(1, 0, &[found.clone(), transmission.clone()]).await;
    bench.judge(1, 1, &[]).await;
    assert_eq!(bench.status(&found.id).await, FindingStatus::Resolved);
    assert_eq!(bench.status(&transmission.id).await, FindingStatus::Open);
    bench.judge(1, 2, std::slice::from_ref(&found)).await;
    assert_eq!(bench.status(&found.id).await, FindingStatus::Open);
    let history = bench.history(&found.id).await;
    assert_eq!(history.len(), 2);
    assert!(history[0].starts_with("hub vanish") && history[1].starts_with("hub reopen"));
}

#[tokio::test]
async fn a_run_that_began_earlier_takes_back_nothing_that_a_later_one_found() {
    let bench = Bench::start().await;
    let (early, late) = (provisional(1, Code::NotReserved, 5), finding(1, Code::NotReserved, 4));
    bench.judge(1, 5, std::slice::from_ref(&late)).await;
    bench.judge(1, 4, std::slice::from_ref(&early)).await;
    assert_eq!(bench.status(&late.id).await, FindingStatus::Open);
    assert_eq!(bench.store.finding_find(&early.id).await.unwrap(), None);
}

#[tokio::test]
async fn findings_of_another_system_are_left_alone() {
    let bench = Bench::start().await;
    let (sha, other, now) = (sha(1), system("L2"), at(0));
    let subject = finding(1, Code::NotReserved, 3).subject();
    let theirs = subject.finding((&sha, "L2"), 3);
    let of = (sha.as_str(), &other, now.as_str());
    let found = std::slice::from_ref(&theirs);
    bench.store.findings_replace(of, found, &Meter::default()).await.unwrap();
    bench.judge(1, 1, &[]).await;
    assert_eq!(bench.status(&theirs.id).await, FindingStatus::Open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_reruns_at_once_lose_nothing() {
    let bench = Bench::start().await;
    let id = finding(1, Code::NotReserved, 1).id;
    bench.judge(1, 0, &[finding(1, Code::NotReserved, 1)]).await;
    let mut tasks = JoinSet::new();
    for worker in 0..2_u64 {
        let (store, sha, system) = (bench.store.clone(), sha(1), system("L1"));
        tasks.spawn(async move {
            for turn in 0..10_u64 {
                let found = [finding(1, Code::NotReserved, 1 + worker * 10 + turn)];
                let now = at(1);
                let of = (sha.as_str(), &system, now.as_str());
                store.findings_replace(of, &found, &Meter::default()).await.unwrap();
            }
        });
        let (store, id) = (bench.store.clone(), id.clone());
        tasks.spawn(async move {
            for turn in 0..10 {
                let now = at(2);
                let asked = store::finding::Asked { actor: "L1/abc", now: &now, reason: None };
                let change = comment(&format!("{worker} {turn}"));
                store.finding_change(&id, &change, asked).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(bench.case(&id).await.handling.comments, 20);
    assert_eq!(bench.history(&id).await.len(), 20);
}

/// I5: whatever call of a run is cut, running again leads to the same findings.
#[tokio::test]
async fn i5_a_run_cut_at_any_call_is_made_good_by_the_next_one() {
    let found: Vec<_> = [Code::NotReserved, Code::UnknownGtin, Code::MissingLot]
        .into_iter()
        .flat_map(|code| [finding(1, code, 3), provisional(1, code, 2)])
        .collect();
    for fault in ["before", "after"] {
        for k in 1..=4 {
            let bench = Bench::start().await;
            let plan = match fault {
                "before" => Faults::none().dies_before(k),
                _ => Faults::none().dies_after(k),
            };
            let (store, sha, system, now) = (bench.store_over(&plan), sha(1), system("L1"), at(0));
            let of = (sha.as_str(), &system, now.as_str());
            let cut = store.findings_replace(of, &found, &Meter::default()).await;
            bench.judge(1, 0, &found).await;
            let mut kept = bench.store.document_findings(&sha).await.unwrap();
            kept.sort_by_key(|record| record.finding.id.clone());
            let mut expected = found.clone();
            expected.sort_by_key(|finding| finding.id.clone());
            let kept: Vec<_> = kept.into_iter().map(|record| record.finding).collect();
            assert_eq!(kept, expected, "{fault} {k} {cut:?}");
            for finding in &found {
                assert_eq!(bench.case(&finding.id).await.version, 1);
            }
        }
    }
    // A passing fault is not even noticed.
    let bench = Bench::start().await;
    let faults = Faults::none().on("TransactWriteItems", Fault::Conflict);
    let (store, sha, system, now) = (bench.store_over(&faults), sha(1), system("L1"), at(0));
    let of = (sha.as_str(), &system, now.as_str());
    store.findings_replace(of, &found, &Meter::default()).await.unwrap();
    assert_eq!(bench.store.document_findings(&sha).await.unwrap().len(), found.len());
}
