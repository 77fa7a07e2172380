//! `cargo bench -p reconcile-commissioning`: a document from its bytes to the plan of its postings.
//!
//! The store is a real server in process, asked for pool, ranges and allocation once per document;
//! reading, hashing, inflating, folding and planning are those of the function.

#![expect(clippy::unwrap_used, reason = "a bench that fails should stop")]

#[path = "../tests/ledger/bench.rs"]
#[expect(dead_code, reason = "tests use more of it than this bench")]
mod bench;

use std::io::BufReader;

use aws_sdk_s3::primitives::ByteStream;
use bench::{Bench, NOW, commission, document, serials, system};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use epcis::{Limits, inflate};
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

/// A table where the serials of a document are reserved, and the document.
struct Case {
    runtime: Runtime,
    bench: Bench,
    serials: u64,
    text: String,
}

impl Case {
    fn new(total: u128, per_event: usize) -> Self {
        let runtime = Runtime::new().unwrap();
        let bench = runtime.block_on(Bench::start());
        let count = u64::try_from(total).unwrap();
        runtime.block_on(bench.reserve("R1", "L1", count));
        let all = serials(FIRST, FIRST.saturating_add(total).saturating_sub(1));
        let events: Vec<_> = all.chunks(per_event).map(|epcs| commission(epcs.to_vec())).collect();
        Self { runtime, bench, serials: count, text: document(&events) }
    }

    fn fold(&self) -> Fold {
        let handle = self.runtime.handle().clone();
        let catalog = Catalog::new(self.bench.store.clone(), handle, system("L1"));
        let ms = i64::try_from(NOW.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap();
        Fold::new(catalog, ms)
    }

    fn counted<'a, 'b>(&self, bencher: Bencher<'a, 'b>) -> Bencher<'a, 'b> {
        bencher.counter(ItemsCount::new(self.serials)).counter(BytesCount::new(self.text.len()))
    }

    /// Bytes in memory to plan, on one thread: the line of the budget.
    fn plan(&self, bencher: Bencher) {
        self.counted(bencher).bench_local(|| {
            let mut fold = self.fold();
            let limits = Limits::default();
            let input = BufReader::new(inflate(self.text.as_bytes(), &limits));
            assert!(epcis::read(input, &limits, &mut fold).is_ok(), "the document is readable");
            let plan = Plan::of(fold, false);
            assert_eq!(plan.unmatched, 0, "every serial was reserved");
            plan
        });
    }

    /// The same through the intake of the function, which also hashes.
    fn intake(&self, bencher: Bencher) {
        let inputs = || ByteStream::from(self.text.clone().into_bytes());
        self.counted(bencher).with_inputs(inputs).bench_local_values(|body| {
            let read = intake::read(body, self.fold(), Limits::default());
            let reading = self.runtime.block_on(read).unwrap();
            Plan::of(*reading.outcome.unwrap(), false)
        });
    }
}

#[divan::bench(sample_count = 12)]
fn a_1000_serials_per_event(bencher: Bencher) {
    Case::new(1_000_000, 1_000).plan(bencher);
}

#[divan::bench(sample_count = 12)]
fn b_all_serials_in_one_event(bencher: Bencher) {
    Case::new(1_000_000, 1_000_000).plan(bencher);
}

#[divan::bench(sample_count = 12)]
fn c_one_serial_per_event(bencher: Bencher) {
    Case::new(200_000, 1).plan(bencher);
}

#[divan::bench(sample_count = 12)]
fn d_intake_of_1000_serials_per_event(bencher: Bencher) {
    Case::new(1_000_000, 1_000).intake(bencher);
}
