//! I5: a document takes effect once, however often and by however many it is applied.

use std::sync::Arc;

use domain::ledger::{BlockState, Bucket};
use store::Store;
use testkit::{Fault, Faults};

use crate::bench::{Bench, commission, document, end, serials};

#[tokio::test]
async fn five_at_once_give_one_ledger_and_the_same_report() {
    let bench = Arc::new(Bench::start().await);
    let allocation = bench.reserve("r1", "L1", 100_000).await;
    let text = Arc::new(document(&[commission(serials(1_000, 100_999))]));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let (bench, text) = (bench.clone(), text.clone());
        tasks.spawn(async move { bench.send("L1", &text).await });
    }
    let reports = tasks.join_all().await;
    for report in &reports {
        assert_eq!(report.applied.newly_commissioned, 100_000);
        assert_eq!(report.applied.repeated, 0);
        assert_eq!(report.findings, reports[0].findings);
    }
    assert_eq!(bench.count(&allocation, Bucket::Commissioned).await, 100_000);
    for block in 0..4 {
        let postings = bench.store.block_postings(&allocation.id, block).await.unwrap();
        assert_eq!(postings.len(), 1);
        let state = bench.store.block_fetch(&allocation.id, block).await.unwrap();
        assert_eq!(state.version, 1);
    }
}

#[tokio::test]
async fn different_documents_at_once_share_blocks_without_losing_one() {
    let bench = Arc::new(Bench::start().await);
    let allocation = bench.reserve("r1", "L1", 10_000).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..12_u128 {
        let bench = bench.clone();
        // Every serial is named by two documents; some are destroyed.
        let events = [
            commission(serials(1_000 + n * 100, 1_199 + n * 100)),
            end("destroying", "2026-11-23T11:00:00Z", serials(1_000 + n * 100, 1_009 + n * 100)),
        ];
        tasks.spawn(async move { bench.send("L1", &document(&events)).await });
    }
    let reports = tasks.join_all().await;
    let sum = |of: fn(&crate::bench::Report) -> u64| reports.iter().map(of).sum::<u64>();
    assert_eq!(sum(|report| report.applied.newly_commissioned), 1_300);
    assert_eq!(sum(|report| report.applied.matched), 2_400);
    assert_eq!(bench.count(&allocation, Bucket::Destroyed).await, 120);
    assert_eq!(bench.count(&allocation, Bucket::Commissioned).await, 1_180);
    let postings = bench.store.block_postings(&allocation.id, 0).await.unwrap();
    let state = bench.store.block_fetch(&allocation.id, 0).await.unwrap();
    assert_eq!((postings.len(), state.version), (12, 12));
    let mut again = BlockState::from_postings(postings.iter().map(|(_, posting)| posting));
    again.version = 12;
    assert_eq!(again, state);
}

#[tokio::test]
async fn a_crash_at_any_call_is_healed_by_the_next_delivery() {
    let text = document(&[
        commission(serials(1_000, 1_009)),
        commission(serials(40_000, 40_009)),
        commission(serials(300_000, 300_001)),
    ]);
    let calm = Bench::start().await;
    calm.reserve("r1", "L1", 100_000).await;
    let expected = calm.send("L1", &text).await;
    assert_eq!(expected.applied.newly_commissioned, 20);
    let mut survived = false;
    for k in 1..60 {
        for answered in [false, true] {
            let bench = Bench::start().await;
            let allocation = bench.reserve("r1", "L1", 100_000).await;
            let faults = Faults::none();
            let faults = if answered { faults.dies_after(k) } else { faults.dies_before(k) };
            let store = Store::new(bench.dynamo.client_with(&faults), &bench.table);
            survived = bench.send_over(&store, "L1", &text).await.is_ok();
            let report = bench.send("L1", &text).await;
            assert_eq!(report.findings, expected.findings, "call {k}");
            assert_eq!(report.applied.tallies, expected.applied.tallies, "call {k}");
            assert_eq!(bench.count(&allocation, Bucket::Commissioned).await, 20);
        }
        if survived {
            return;
        }
    }
    panic!("the run never came to its end");
}

#[tokio::test]
async fn conflicts_and_throttling_are_passing() {
    let bench = Bench::start().await;
    let allocation = bench.reserve("r1", "L1", 100).await;
    let faults = Faults::none()
        .on("TransactWriteItems", Fault::Conflict)
        .on("TransactWriteItems", Fault::CutAfter)
        .on("TransactWriteItems", Fault::Throttle);
    let store = Store::new(bench.dynamo.client_with(&faults), &bench.table);
    let text = document(&[commission(serials(1_000, 1_009))]);
    let report = bench.send_over(&store, "L1", &text).await.unwrap();
    assert_eq!(report.applied.newly_commissioned, 10);
    assert_eq!(bench.count(&allocation, Bucket::Commissioned).await, 10);
}

#[tokio::test]
async fn a_million_dense_serials_stay_within_the_budget_of_write_units() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 1_000_000).await;
    let text = document(&[commission(serials(1_000, 1_000_999))]);
    let report = bench.send("L1", &text).await;
    assert_eq!(report.applied.newly_commissioned, 1_000_000);
    assert!(report.write_units <= 200, "{} write units", report.write_units);
}

#[tokio::test]
async fn two_systems_with_one_document_each_apply_their_own_serials() {
    let bench = Bench::start().await;
    let first = bench.reserve("r1", "L1", 100).await;
    let second = bench.reserve("r2", "L2", 100).await;
    let text = document(&[commission(serials(1_000, 1_199))]);
    for (of, foreign) in [("L1", "000000001100"), ("L2", "000000001000"), ("L1", "000000001100")] {
        let report = bench.send(of, &text).await;
        assert_eq!(report.applied.newly_commissioned, 100);
        let [finding] = report.findings.as_slice() else { panic!("{:?}", report.lines()) };
        assert_eq!((finding.count, finding.ranges[0].from.as_str()), (100, foreign));
    }
    for allocation in [first, second] {
        assert_eq!(bench.count(&allocation, Bucket::Commissioned).await, 100);
    }
}
