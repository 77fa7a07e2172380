//! A document from its bytes to the plan of its postings, to be counted and timed by `pharmatrace bench`.
//!
//! `count NAME` does one of [`CASES`] over a catalog that knows all it needs, so that what is counted asks
//! no store. `rates FILE…` reads files that `yardstick` wrote as the function does, three questions to a
//! real store in process among it, and prints a JSON line for each: the time of its thread on a processor.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program of the benches: what fails should stop it, and its output is its purpose"
)]

#[path = "../tests/ledger/bench.rs"]
#[expect(dead_code, reason = "tests use more of it than this program")]
mod bench;
#[path = "../../../shared/epcis/benches/documents/mod.rs"]
#[expect(clippy::expect_used, clippy::arithmetic_side_effects, reason = "as above")]
mod documents;

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, Read};
use std::time::Duration;

use bench::{Bench, GTIN, NOW, system};
use documents::{Document, Shape};
use domain::ids::PoolId;
use epcis::{Limits, inflate};
use reconcile_commissioning::catalog::Catalog;
use reconcile_commissioning::fold::{Fold, Folded};
use reconcile_commissioning::plan::Plan;
use store::Store;
use testkit::Dynamo;
use tokio::runtime::Runtime;

/// Serials that are reserved: more than any of the documents names.
const SERIALS: u64 = 20_000_000;
/// Each file is read so often, both ways in turn.
const ROUNDS: u32 = 7;
const BUFFER_BYTES: usize = 64 << 10;

/// Name, syntax, serials, serials of an event, short way.
const CASES: [(&str, Shape, u64, u64, bool); 5] = [
    ("fold-general", Shape::Xml, 20_000, 1_000, false),
    ("fold-short", Shape::Xml, 20_000, 1_000, true),
    ("fold-single-general", Shape::Xml, 5_000, 1, false),
    ("fold-single-short", Shape::Xml, 5_000, 1, true),
    ("fold-json", Shape::Json, 20_000, 1_000, true),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments[0].as_str() {
        "list" => list(),
        "count" => Reserved::new().count(&arguments[1]),
        "rates" => arguments[1..].iter().for_each(|file| Reserved::new().rates(file)),
        other => eprintln!("{other}?"),
    }
}

fn list() {
    for (name, _, units, each, _) in CASES {
        let unit = if each == 1 { "event" } else { "serial" };
        println!("{}", serde_json::json!({ "name": name, "unit": unit, "units": units }));
    }
}

/// A store in which the serials of all documents are reserved.
struct Reserved {
    runtime: Runtime,
    bench: Bench,
}

impl Reserved {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let bench = runtime.block_on(async {
            let dynamo = Dynamo::start().await;
            let table = dynamo.table().await;
            let store = Store::new(dynamo.client(), &table);
            let bench = Bench { dynamo, table, store, pool: PoolId::from_entropy([7; 17]) };
            bench.pool(bench.pool.clone(), GTIN, (0, 199_999_999)).await;
            bench.reserve("R1", "L1", SERIALS).await;
            bench
        });
        Self { runtime, bench }
    }

    fn catalog(&self) -> Catalog {
        let handle = self.runtime.handle().clone();
        Catalog::new(self.bench.store.clone(), handle, system("L1"))
    }

    fn count(&self, name: &str) {
        let case = CASES.iter().find(|case| case.0 == name).unwrap();
        let (_, shape, serials, each, short_way) = *case;
        let mut bytes = Vec::new();
        let mut document = Document::new(shape, serials.checked_div(each).unwrap(), each);
        document.read_to_end(&mut bytes).unwrap();
        let asked = fold(bytes.as_slice(), self.catalog(), short_way);
        let plan = counted_work(|| {
            Plan::of(fold(black_box(bytes.as_slice()), asked.catalog, short_way), false)
        });
        assert_eq!((plan.unmatched, planned(&plan)), (0, serials), "every serial is planned");
    }

    fn rates(&self, file: &str) {
        // JSON has one way only.
        let ways: &[(&str, bool)] =
            if std::path::Path::new(file).extension().is_some_and(|ending| ending == "json") {
                &[("to the plan", true)]
            } else {
                &[("to the plan, general way", false), ("to the plan, short way", true)]
            };
        let mut found: Vec<_> = ways.iter().map(|way| (way, Duration::MAX, 0)).collect();
        for _ in 0..ROUNDS {
            for ((_, short_way), best, serials) in &mut found {
                let before = on_cpu();
                let input = BufReader::with_capacity(BUFFER_BYTES, File::open(file).unwrap());
                let plan = Plan::of(fold(input, self.catalog(), *short_way), false);
                *best = on_cpu().saturating_sub(before).min(*best);
                assert_eq!(plan.unmatched, 0, "every serial was reserved");
                *serials = planned(&plan);
            }
        }
        let bytes = std::fs::metadata(file).unwrap().len();
        for ((name, _), best, items) in found {
            let nanoseconds = u64::try_from(best.as_nanos()).unwrap();
            println!(
                "{}",
                serde_json::json!({ "group": file, "name": name, "nanoseconds": nanoseconds,
                                    "bytes": bytes, "items": items })
            );
        }
    }
}

/// What this thread has had of a processor: on a shared machine the clock would measure the others too.
fn on_cpu() -> Duration {
    // Giving way once makes the kernel book what has run so far.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn fold(input: impl std::io::BufRead, catalog: Catalog, short_way: bool) -> Folded {
    let ms = i64::try_from(NOW.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap();
    let mut fold = Fold::new(catalog, ms);
    let limits = Limits { short_way, ..Limits::default() };
    let input = BufReader::with_capacity(BUFFER_BYTES, inflate(input, &limits));
    assert!(epcis::read(input, &limits, &mut fold).is_ok(), "the document is readable");
    fold.finish().unwrap()
}

/// Around what is counted; the name is what callgrind is told, and no other function has it in its own.
#[inline(never)]
fn counted_work<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// Serials that the plan posts.
fn planned(plan: &Plan) -> u64 {
    let blocks = plan.allocations.iter().flat_map(|planned| &planned.blocks);
    let groups = blocks.flat_map(|(_, draft)| &draft.groups);
    groups.map(|group| u64::from(group.serials.len())).sum()
}
