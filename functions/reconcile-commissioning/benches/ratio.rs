//! `cargo bench -p reconcile-commissioning --bench ratio`: what a document of random serials costs beside
//! one of sequential serials.
//!
//! Both are done in turn, round after round, and the best of each counts, so that the machine's other work
//! falls on both. `plan` is reading and folding on one thread, by its time on a processor. `whole` is one
//! delivery to the function, from the notice to the report, with stores in process: by the clock, and by
//! what all threads had of a processor, the servers of the stores included.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "a bench that fails should stop"
)]

#[path = "../tests/ledger/bench.rs"]
#[expect(dead_code, reason = "tests use more of it than this bench")]
mod bench;
mod case;

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsMessage;
use bench::{NOW, NOW_TEXT, system};
use case::Case;
use edge::Clock;
use reconcile_commissioning::{Hub, handle};
use serde_json::json;
use store::client::AwsSettings;
use store::system::System;
use store::{Buckets, Objects};
use testkit::{Shelf, TestClock};

const ROUNDS: usize = 15;
const WHOLE_ROUNDS: usize = 7;
/// Serials of a document, and of one of its events.
const SHAPES: [(u32, usize); 5] =
    [(1_000_000, 1_000_000), (1_000_000, 1_000), (500_000, 10), (200_000, 2), (200_000, 1)];

fn main() {
    for (serials, each) in SHAPES {
        plan(serials, each);
    }
    for (serials, each) in [SHAPES[1], SHAPES[4]] {
        whole(serials, each);
    }
}

fn plan(serials: u32, each: usize) {
    let cases = [Case::new(serials.into(), each), Case::randomised(serials.into(), each)];
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (case, best) in cases.iter().zip(&mut best) {
            let before = on_cpu("/proc/thread-self/schedstat");
            black_box(case.read());
            let had = on_cpu("/proc/thread-self/schedstat").saturating_sub(before);
            *best = had.min(*best);
        }
    }
    tell(&format!("plan, {each} an event"), serials, best);
}

/// A new store for each delivery: what is commissioned twice is something else.
fn whole(serials: u32, each: usize) {
    let (mut clock, mut cpu) = ([Duration::MAX; 2], [Duration::MAX; 2]);
    for _ in 0..WHOLE_ROUNDS {
        for random in [0, 1] {
            let case = if random == 0 { Case::new } else { Case::randomised };
            let (elapsed, had) = deliver(&case(serials.into(), each));
            clock[random] = elapsed.min(clock[random]);
            cpu[random] = had.min(cpu[random]);
        }
    }
    tell(&format!("whole by the clock, {each} an event"), serials, clock);
    tell(&format!("whole on processors, {each} an event"), serials, cpu);
}

fn deliver(case: &Case) -> (Duration, Duration) {
    let hands = TestClock::at(NOW);
    let shelf = Shelf::new(&hands);
    let key = "inbound/L1/a.xml";
    let version = shelf.put("inbound", key, case.text.clone().into_bytes());
    let endpoint = Some("http://127.0.0.1:9".to_owned());
    let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
    let buckets =
        Buckets { inbound: "inbound".into(), outbound: "out".into(), documents: "docs".into() };
    let hub = Hub {
        store: case.bench.store.clone(),
        objects: Objects { s3: store::client::s3(&settings, &shelf.http()), buckets },
        clock: Clock::from_fn(move || hands.now()),
        patience: time::Duration::minutes(20),
    };
    let sender = System {
        id: system("L1"),
        kind: "rest".to_owned(),
        line_glns: Vec::new(),
        created_at: NOW_TEXT.to_owned(),
    };
    case.runtime.block_on(hub.store.system_create(&sender, "bench")).unwrap();
    let object = json!({ "key": key, "versionId": version, "sequencer": "0" });
    let s3 = json!({ "bucket": { "name": "inbound" }, "object": object });
    let body = json!({ "Records": [{ "eventName": "ObjectCreated:Put", "s3": s3 }] });
    let mut record = SqsMessage::default();
    record.body = Some(body.to_string());
    let (before, begin) = (all_on_cpu(), Instant::now());
    case.runtime.block_on(handle(&hub, record)).unwrap();
    let took = (begin.elapsed(), all_on_cpu().saturating_sub(before));
    let report = shelf.keys("docs").into_iter().find(|key| key.starts_with("reports/")).unwrap();
    let report: serde_json::Value =
        serde_json::from_slice(&shelf.get("docs", &report).unwrap()).unwrap();
    let named = report["serials"]["newly_commissioned"].as_u64();
    assert_eq!(named, Some(case.serials), "{report}");
    took
}

fn tell(what: &str, serials: u32, [sequential, random]: [Duration; 2]) {
    let each = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(serials);
    let (sequential, random) = (each(sequential), each(random));
    let ratio = random / sequential;
    println!("{what:40} {sequential:8.1} ns sequential {random:8.1} ns random {ratio:6.2}");
}

/// What a thread has had of a processor: on a shared machine the clock would measure the others too.
fn on_cpu(path: &str) -> Duration {
    // Giving way once makes the kernel book what has run so far.
    std::thread::yield_now();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or_default())
}

/// The same of all threads of this process. Those of the pool outlive a delivery.
fn all_on_cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let path = |task: std::io::Result<std::fs::DirEntry>| task.unwrap().path().join("schedstat");
    tasks.map(|task| on_cpu(path(task).to_str().unwrap())).sum()
}
