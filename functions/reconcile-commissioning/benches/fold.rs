//! `cargo bench -p reconcile-commissioning`: a document from its bytes to the plan of its postings.
//!
//! The store is a real server in process, asked for pool, ranges and allocation once per document;
//! reading, hashing, inflating, folding and planning are those of the function.

#![expect(clippy::unwrap_used, reason = "a bench that fails should stop")]

#[path = "../tests/ledger/bench.rs"]
#[expect(dead_code, reason = "the helper serves tests first")]
mod bench;

use aws_sdk_s3::primitives::ByteStream;
use bench::{Bench, NOW, commission, document, serials, system};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use reconcile_commissioning::catalog::Catalog;
use reconcile_commissioning::fold::Fold;
use reconcile_commissioning::intake;
use reconcile_commissioning::plan::Plan;
use tokio::runtime::Runtime;

/// The pool's first index, where the allocation begins.
const FIRST: u128 = 1_000;

fn main() {
    divan::main();
}

fn read_and_plan(bencher: Bencher, total: u128, per_event: usize) {
    let runtime = Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::start());
    let quantity = u64::try_from(total).unwrap();
    runtime.block_on(bench.reserve("R1", "L1", quantity));
    let all = serials(FIRST, FIRST.saturating_add(total).saturating_sub(1));
    let events: Vec<_> = all.chunks(per_event).map(|epcs| commission(epcs.to_vec())).collect();
    let text = document(&events);
    drop((all, events));
    let ms = i64::try_from(NOW.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap();
    bencher
        .counter(ItemsCount::new(quantity))
        .counter(BytesCount::new(text.len()))
        .with_inputs(|| text.clone().into_bytes())
        .bench_local_values(|bytes| {
            let plan = runtime.block_on(async {
                let handle = tokio::runtime::Handle::current();
                let catalog = Catalog::new(bench.store.clone(), handle, system("L1"));
                let body = ByteStream::from(bytes);
                let fold = Fold::new(catalog, ms);
                let reading = intake::read(body, fold, epcis::Limits::default()).await.unwrap();
                Plan::of(*reading.outcome.unwrap(), false)
            });
            assert_eq!(plan.unmatched, 0, "every serial was reserved");
            plan
        });
}

#[divan::bench(sample_count = 10)]
fn one_million_serials_1000_per_event(bencher: Bencher) {
    read_and_plan(bencher, 1_000_000, 1_000);
}

#[divan::bench(sample_count = 10)]
fn one_million_serials_in_one_event(bencher: Bencher) {
    read_and_plan(bencher, 1_000_000, 1_000_000);
}

#[divan::bench(sample_count = 10)]
fn two_hundred_thousand_events_of_one_serial(bencher: Bencher) {
    read_and_plan(bencher, 200_000, 1);
}
