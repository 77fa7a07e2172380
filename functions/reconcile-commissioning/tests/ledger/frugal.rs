//! What a file costs follows what is in it, not what was reserved or reported before; and the sums that make
//! it so are those of the ledger (I4).

use std::sync::Arc;

use domain::allocation::Allocation;
use domain::ledger::{Balance, Bucket};
use store::Store;
use testkit::{Faults, Service};

use crate::bench::{Bench, Event, commission, document, end, serials};

/// Serials of a ledger block.
const BLOCK: u128 = 32_768;

impl Bench {
    /// Sends a document of `L1`; the read units that judging and posting it took.
    async fn reads(&self, text: &str) -> f64 {
        let faults = Faults::none();
        let store = Store::new(self.dynamo.client_with(&faults), &self.table);
        self.send_over(&store, "L1", text).await.unwrap();
        let calls = faults.calls();
        let dynamo = calls.iter().filter(|call| call.service == Service::DynamoDb);
        dynamo.map(|call| call.units.reads).sum()
    }

    /// Numbers used and commissioned as kept beside the allocation, which is what its blocks say.
    async fn fill(&self, allocation: &Allocation) -> (u64, u64) {
        let fill = self.store.allocation_fill(&allocation.id).await.unwrap();
        let last = u32::try_from(u128::from(allocation.size) / BLOCK).unwrap();
        let states = self.store.block_list(&allocation.id, 0, last).await.unwrap();
        let states = states.iter().map(|(block, state)| (*block, state));
        let buckets = Balance::of(allocation.size, false, states).buckets;
        let used = allocation.size.checked_sub(buckets.get(Bucket::Outstanding)).unwrap();
        assert_eq!((fill.used, fill.commissioned), (used, buckets.get(Bucket::Commissioned)));
        (fill.used, fill.commissioned)
    }
}

#[tokio::test]
async fn a_small_file_costs_as_much_in_a_large_allocation_as_in_a_small_one() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 200).await;
    bench.reserve("r2", "L1", 100_000_000).await;
    let small = bench.reads(&document(&[commission(serials(1_000, 1_099))])).await;
    for first in [1_200, 1_300, 1_200 + 1_500 * BLOCK, 1_300 + 1_500 * BLOCK] {
        let large = bench.reads(&document(&[commission(serials(first, first + 99))])).await;
        // A hundred blocks on either side of one that has no neighbour are as far as anybody looks.
        let most = if first == 1_200 + 1_500 * BLOCK { small + 100.0 } else { small + 3.0 };
        assert!(large <= most, "{small} reads of a small allocation, {large} at {first}");
    }
}

#[tokio::test]
async fn a_gap_is_told_across_blocks_that_nobody_touched() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 100_000_000).await;
    bench.send("L1", &document(&[commission(serials(1_000, 1_009))])).await;
    for (blocks, is_told) in [(60, true), (60 + 101, false), (60 + 101 + 9, true)] {
        let first = 1_000 + blocks * BLOCK;
        let report = bench.send("L1", &document(&[commission(serials(first, first + 9))])).await;
        assert_eq!(report.lines().len(), usize::from(is_told), "{blocks}: {:?}", report.lines());
    }
}

#[tokio::test]
async fn documents_at_once_and_again_are_counted_once_each() {
    let bench = Arc::new(Bench::start().await);
    let allocation = bench.reserve("r1", "L1", 100_000).await;
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..24_u128 {
        let bench = bench.clone();
        let first = 1_000 + turn % 12 * 3_000;
        let wrong = Event {
            error: true,
            ..end("destroying", "2026-11-23T11:00:00Z", serials(first, first + 4))
        };
        let events = [
            commission(serials(first, first + 3_999)),
            end("destroying", "2026-11-23T11:00:00Z", serials(first, first + 9)),
            wrong,
        ];
        tasks.spawn(async move { bench.send("L1", &document(&events)).await });
    }
    tasks.join_all().await;
    let (used, commissioned) = bench.fill(&allocation).await;
    assert_eq!(used, 37_000);
    assert!(commissioned < used, "{commissioned} of {used}");
}

#[tokio::test]
async fn a_crash_at_any_call_counts_nothing_twice_and_forgets_nothing() {
    let first = document(&[commission(serials(1_000, 1_009)), commission(serials(40_000, 40_009))]);
    let second = document(&[
        commission(serials(1_005, 1_019)),
        end("destroying", "2026-11-23T11:00:00Z", serials(40_005, 40_009)),
    ]);
    for k in 1..60 {
        for answered in [false, true] {
            let bench = Bench::start().await;
            let allocation = bench.reserve("r1", "L1", 100_000).await;
            let faults = Faults::none();
            let faults = if answered { faults.dies_after(k) } else { faults.dies_before(k) };
            let store = Store::new(bench.dynamo.client_with(&faults), &bench.table);
            let survived = bench.send_over(&store, "L1", &first).await.is_ok();
            bench.send("L1", &second).await;
            bench.send("L1", &first).await;
            assert_eq!(bench.fill(&allocation).await, (30, 25), "call {k}, answered: {answered}");
            if survived {
                return;
            }
        }
    }
    panic!("the run never came to its end");
}
