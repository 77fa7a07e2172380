//! `cargo bench -p reconcile-commissioning --bench fold`: a document from its bytes to the plan of its
//! postings. What random serials cost beside sequential ones is measured by `--bench ratio`.
//!
//! The store is a real server in process, asked for pool, ranges and allocation once per document;
//! reading, hashing, inflating, folding and planning are those of the function.

#![expect(clippy::unwrap_used, reason = "a bench that fails should stop")]

#[path = "../tests/ledger/bench.rs"]
#[expect(dead_code, reason = "tests use more of it than this bench")]
mod bench;
mod case;

use aws_sdk_s3::primitives::ByteStream;
use case::Case;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use epcis::Limits;
use reconcile_commissioning::intake;
use reconcile_commissioning::plan::Plan;

fn main() {
    divan::main();
}

impl Case {
    fn counted<'a, 'b>(&self, bencher: Bencher<'a, 'b>) -> Bencher<'a, 'b> {
        bencher.counter(ItemsCount::new(self.serials)).counter(BytesCount::new(self.text.len()))
    }

    /// Bytes in memory to plan, on one thread: the line of the budget.
    fn plan(&self, bencher: Bencher) {
        self.counted(bencher).bench_local(|| self.read());
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
fn e_1000_random_serials_per_event(bencher: Bencher) {
    Case::randomised(1_000_000, 1_000).plan(bencher);
}

#[divan::bench(sample_count = 12)]
fn f_all_random_serials_in_one_event(bencher: Bencher) {
    Case::randomised(1_000_000, 1_000_000).plan(bencher);
}

#[divan::bench(sample_count = 12)]
fn g_one_random_serial_per_event(bencher: Bencher) {
    Case::randomised(200_000, 1).plan(bencher);
}

#[divan::bench(sample_count = 12)]
fn d_intake_of_1000_serials_per_event(bencher: Bencher) {
    Case::new(1_000_000, 1_000).intake(bencher);
}
