//! Numbers that are given up unused: what may meet which fate, once per key, whole or not at all, and with a
//! process that dies at any call (I3, I4, I5, I11).
#![expect(clippy::unwrap_used, reason = "a test fails here")]

mod again;
mod hub;
mod planted;
mod restore;
mod void;

use domain::allocation::Transition;
use domain::fact::Fact;
use domain::give_back::Fate;
use domain::ledger::Bucket;
use domain::policy::PoolPolicy;
use domain::pool::PoolDraft;
use store::document::DocumentStatus;
use store::keys::Pk;
use store::number_change::{GiveUpError, Selection};
use testkit::Faults;

use hub::{ACTOR, Hub, LATER, NOW};

const ENDS: [Bucket; 4] =
    [Bucket::Outstanding, Bucket::Returned, Bucket::Deactivated, Bucket::Destroyed];

fn runs(runs: &[(u64, u64)]) -> Selection {
    Selection::Runs(runs.to_vec())
}

async fn hub() -> Hub {
    Hub::new(PoolPolicy::default()).await
}

#[tokio::test]
async fn each_fate_has_its_bucket_and_the_rest_follows_with_all_unused() {
    let hub = hub().await;
    let allocation = hub.reserve("R", 40_000).await;
    let two_blocks = runs(&[(0, 9), (32_760, 32_779)]);
    let (change, _) = hub.give_up(&allocation, "K1", (two_blocks, Fate::Return)).await.unwrap();
    assert_eq!((change.decided, change.done.unwrap().taken), (30, 30));
    hub.give_up(&allocation, "K2", (runs(&[(10, 14)]), Fate::Deactivate)).await.unwrap();
    hub.give_up(&allocation, "K3", (runs(&[(20, 20)]), Fate::Destroy)).await.unwrap();
    assert_eq!(hub.buckets(&allocation, &ENDS).await, [39_964, 30, 5, 1]);
    hub.commission(&allocation, &"a".repeat(64), (100, 199)).await;
    let (rest, _) =
        hub.give_up(&allocation, "K4", (Selection::AllUnused, Fate::Deactivate)).await.unwrap();
    assert_eq!(rest.done.unwrap().taken, 39_864);
    assert_eq!(hub.buckets(&allocation, &ENDS).await, [0, 30, 39_869, 1]);
    assert_eq!(hub.buckets(&allocation, &[Bucket::Commissioned]).await, [100]);
    hub.holds().await;
    // I11: who, what and why.
    let entity = Pk::Allocation(allocation.id.clone());
    let records = hub.store.audit_records(&entity, 10).await.unwrap();
    let told: Vec<(&str, &str)> =
        records.iter().map(|one| (one.action.as_str(), one.actor.as_str())).collect();
    let by = |action| (action, ACTOR);
    let first = [("reserve", "L1"), by("active"), by("return"), by("deactivate"), by("destroy")];
    assert_eq!(told[..5], first);
    assert_eq!(records[2].reason.as_deref(), Some("order cut short"));
    let named = format!("active with 30 of 40000 numbers in DOC#{}", change.content_sha256);
    assert_eq!(records[2].after.as_deref(), Some(named.as_str()));
    let document = hub.store.document_fetch(&change.content_sha256).await.unwrap().unwrap();
    assert_eq!(document.status(), DocumentStatus::Reconciled);
    assert!(hub.objects.report_fetch(&change.content_sha256).await.unwrap().is_some());
}

#[tokio::test]
async fn same_key_is_answered_the_same_and_another_body_is_refused() {
    let hub = hub().await;
    let allocation = hub.reserve("R", 100).await;
    let asked = || (runs(&[(0, 9)]), Fate::Return);
    let (first, replay) = hub.give_up(&allocation, "K", asked()).await.unwrap();
    assert!(!replay);
    assert_eq!(hub.give_up(&allocation, "K", asked()).await.unwrap(), (first, true));
    for (selection, fate) in [
        (runs(&[(0, 8)]), Fate::Return),
        (runs(&[(0, 9)]), Fate::Destroy),
        (Selection::AllUnused, Fate::Return),
    ] {
        let refused = hub.give_up(&allocation, "K", (selection, fate)).await;
        assert!(matches!(refused, Err(GiveUpError::KeyReuse)), "{refused:?}");
    }
    assert_eq!(hub.buckets(&allocation, &ENDS).await, [90, 10, 0, 0]);
    // A closed allocation still answers what was done before.
    hub.store.allocation_advance(&allocation.id, Transition::Close, NOW).await.unwrap();
    assert!(hub.give_up(&allocation, "K", asked()).await.unwrap().1);
    hub.holds().await;
}

#[tokio::test]
async fn one_used_number_in_a_list_keeps_the_others() {
    let hub = hub().await;
    let allocation = hub.reserve("R", 1_000).await;
    hub.commission(&allocation, &"a".repeat(64), (50, 99)).await;
    hub.says(&allocation, &"b".repeat(64), (Fact::Encoded, (200, 201))).await.unwrap();
    let refused = hub.give_up(&allocation, "K", (runs(&[(0, 79)]), Fate::Return)).await;
    let Err(GiveUpError::Used { count, first }) = refused else { panic!("{refused:?}") };
    assert_eq!((count, first), (30, (50..70).collect::<Vec<u64>>()));
    // A label that exists is destroyed, never given back.
    for fate in [Fate::Return, Fate::Deactivate] {
        let refused = hub.give_up(&allocation, "K", (runs(&[(200, 200)]), fate)).await;
        assert!(matches!(refused, Err(GiveUpError::Used { count: 1, .. })), "{refused:?}");
    }
    assert_eq!(hub.buckets(&allocation, &ENDS).await, [948, 0, 0, 0]);
    hub.give_up(&allocation, "K", (runs(&[(200, 200)]), Fate::Destroy)).await.unwrap();
    let (all, _) =
        hub.give_up(&allocation, "L", (Selection::AllUnused, Fate::Destroy)).await.unwrap();
    assert_eq!(all.done.unwrap().taken, 949, "the other label too");
    // What met its fate meets no other.
    let refused = hub.give_up(&allocation, "M", (runs(&[(200, 200)]), Fate::Return)).await;
    assert!(matches!(refused, Err(GiveUpError::Used { .. })));
    hub.holds().await;
}

#[tokio::test]
async fn allocations_that_are_over_or_held_give_nothing_up() {
    let hub = hub().await;
    let voided = hub.reserve("R1", 10).await;
    hub.store.allocation_void(&voided.id, "x", ("x", NOW)).await.unwrap();
    let closed = hub.reserve("R2", 10).await;
    hub.store.allocation_advance(&closed.id, Transition::Close, NOW).await.unwrap();
    let mut held = hub::reserve_request("R3", 10);
    held.terms.hold_minutes = Some(5);
    let pools = [hub.pool.clone()];
    let held = hub.store.reserve(&held, &pools, NOW).await.unwrap().allocation;
    for allocation in [voided, closed, held] {
        let asked = (Selection::AllUnused, Fate::Return);
        let refused = hub.give_up(&allocation, "K", asked).await;
        assert!(matches!(refused, Err(GiveUpError::State(_))), "{refused:?}");
    }
    let exported = hub.reserve("R4", 10).await;
    hub.store.allocation_advance(&exported.id, Transition::Export, NOW).await.unwrap();
    hub.give_up(&exported, "K", (Selection::AllUnused, Fate::Return)).await.unwrap();
    let voided = hub.store.allocation_void(&exported.id, "x", ("x", NOW)).await;
    assert!(voided.is_err(), "what was given up in part is not voided");
    hub.holds().await;
}

#[tokio::test]
async fn more_than_a_hundred_blocks_are_refused_precisely() {
    let hub = hub().await;
    let allocation = hub.reserve("R", 3_276_801).await;
    for selection in [Selection::AllUnused, runs(&[(0, 3_276_800)])] {
        let refused = hub.give_up(&allocation, "K", (selection, Fate::Return)).await;
        assert!(matches!(refused, Err(GiveUpError::TooManyBlocks { blocks: 101 })), "{refused:?}");
    }
    hub.give_up(&allocation, "K", (runs(&[(3_276_800, 3_276_800)]), Fate::Return)).await.unwrap();
    // A hundred blocks are left, and fit.
    let (all, _) =
        hub.give_up(&allocation, "L", (Selection::AllUnused, Fate::Return)).await.unwrap();
    assert_eq!(all.done.unwrap().taken, 3_276_800);
    assert_eq!(hub.buckets(&allocation, &ENDS).await, [0, 3_276_801, 0, 0]);
}

#[tokio::test]
async fn number_used_between_decision_and_posting_is_not_given_up() {
    // The caller dies after the change was recorded, before its first posting.
    let faults = Faults::none();
    let probe = hub().await;
    let allocation = probe.reserve("R", 100).await;
    probe
        .process(&faults)
        .give_up(&allocation, "K", (runs(&[(0, 9)]), Fate::Return))
        .await
        .unwrap();
    let calls = faults.operations();
    let recorded = 1 + calls.iter().rposition(|name| name == "PutItem").unwrap();
    let hub = hub().await;
    let allocation = hub.reserve("R", 100).await;
    let dead = hub.process(&Faults::none().dies_after(recorded));
    dead.give_up(&allocation, "K", (runs(&[(0, 9)]), Fate::Return)).await.unwrap_err();
    hub.commission(&allocation, &"a".repeat(64), (8, 20)).await;
    let (change, replay) =
        hub.give_up(&allocation, "K", (runs(&[(0, 9)]), Fate::Return)).await.unwrap();
    assert!(replay);
    assert_eq!((change.decided, change.done.unwrap().taken), (10, 8));
    assert_eq!(hub.buckets(&allocation, &ENDS).await, [79, 8, 0, 0]);
    hub.holds().await;
}

#[tokio::test]
async fn caller_that_died_at_any_call_changes_once_when_it_asks_again() {
    let asked = || (runs(&[(0, 9), (40_000, 40_009)]), Fate::Return);
    let faults = Faults::none();
    let probe = hub().await;
    let allocation = probe.reserve("R", 50_000).await;
    probe.process(&faults).give_up(&allocation, "K", asked()).await.unwrap();
    let calls = faults.count();
    assert!(calls > 10, "{:?}", faults.operations());
    for k in 1..=calls {
        for after in [false, true] {
            let hub = hub().await;
            let allocation = hub.reserve("R", 50_000).await;
            let faults = Faults::none();
            let faults = if after { faults.dies_after(k) } else { faults.dies_before(k) };
            // Two postings are under way at once, so the last calls may come in another order.
            let died = hub.process(&faults).give_up(&allocation, "K", asked()).await;
            hub.holds().await;
            if k % 2 == 0 {
                resume_by_sweep(&hub).await;
            }
            let (change, _) = hub.give_up(&allocation, "K", asked()).await.unwrap();
            assert_eq!(change.done.unwrap().taken, 20, "{k} {after} {died:?}");
            assert_eq!(hub.buckets(&allocation, &ENDS).await, [49_980, 20, 0, 0]);
            let entity = Pk::Allocation(allocation.id.clone());
            let records = hub.store.audit_records(&entity, 10).await.unwrap();
            let made = records.iter().filter(|one| one.action == "return").count();
            assert_eq!(made, 1, "{k} {after}");
            hub.holds().await;
        }
    }
}

/// What the sweep does with a document that is due.
async fn resume_by_sweep(hub: &Hub) {
    for due in hub.store.documents_due(LATER, 10).await.unwrap() {
        let sha = &due.content_sha256;
        hub.store.number_change_resume(&hub.objects, sha, LATER).await.unwrap();
    }
    assert!(hub.store.documents_due("2026-11-24T12:00:00.000Z", 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn same_request_from_many_callers_at_once_is_one_change() {
    let hub = hub().await;
    let allocation = hub.reserve("R", 50_000).await;
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..12_u64 {
        let process = hub.process(&Faults::none());
        let allocation = allocation.clone();
        tasks.spawn(async move {
            // Four keys, three callers each, that want overlapping numbers.
            let key = format!("K{}", caller % 4);
            let asked = (Selection::AllUnused, Fate::Return);
            process.give_up(&allocation, &key, asked).await
        });
    }
    let mut taken = std::collections::BTreeMap::new();
    for outcome in tasks.join_all().await {
        let (change, _) = outcome.unwrap();
        let done = change.done.unwrap().taken;
        assert_eq!(*taken.entry(change.id).or_insert(done), done, "told the same to everybody");
    }
    assert_eq!(taken.values().sum::<u64>(), 50_000, "no number twice");
    assert_eq!(hub.buckets(&allocation, &ENDS).await, [0, 50_000, 0, 0]);
    hub.holds().await;
}
