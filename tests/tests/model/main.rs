//! The hub against a reference model (issue 5): operations drawn from a seed are done to the real functions
//! over a table, buckets and a queue in process, and to plain maps; after each the whole state is compared,
//! and I1 to I5 are proved of the table alone.
//!
//! `MODEL_SEEDS=1000 MODEL_OPS=100 cargo test --profile model -p hub-tests --test model` runs all; `MODEL_SEED=n`
//! runs one seed, or begins there. A seed that fails is printed with the operation, and repeats its failure.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails here, and its numbers are small"
)]

mod corruption;
mod doing;
mod draw;
mod draws;
mod epcis;
mod failures;
mod month;
mod op;
mod picture;
mod plant;
mod reference;
mod sealing;
mod spaces;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use doing::Doing;
use draw::Draw;
use op::Op;
use picture::{differences, of_table};

/// Seeds of a run that says nothing else.
const SEEDS: u64 = 8;
/// Operations of a seed.
const OPS: u64 = 50;
/// Seeds that are worked on at the same time, unless `MODEL_WORKERS` says otherwise.
const WORKERS: u64 = 2;

/// A number that the environment may set.
fn set(name: &str) -> Option<u64> {
    let text = std::env::var_os(name)?;
    Some(text.to_str().unwrap().parse().unwrap())
}

#[test]
fn the_hub_is_what_the_reference_says_after_every_operation() {
    let one = set("MODEL_SEED");
    let seeds = set("MODEL_SEEDS").unwrap_or(if one.is_some() { 1 } else { SEEDS });
    let (first, ops) = (one.unwrap_or(0), set("MODEL_OPS").unwrap_or(OPS));
    let (next, failed) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let done = Mutex::new(Done::default());
    let started = Instant::now();
    let worker = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= first + seeds {
            break;
        }
        // A seed that fails does not keep the others from being tried.
        let outcome = std::panic::catch_unwind(|| runtime().block_on(Box::pin(run(seed, ops))));
        match outcome {
            Ok(own) => own.into_iter().for_each(|(word, count)| {
                *done.lock().unwrap().entry(word).or_default() += count;
            }),
            Err(_) => failed.lock().unwrap().push(seed),
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..set("MODEL_WORKERS").unwrap_or(WORKERS)).map(|_| scope.spawn(worker)).collect();
        assert!(workers.into_iter().all(|worker| worker.join().is_ok()));
    });
    let done = done.into_inner().unwrap();
    let kinds: Vec<_> = done.iter().map(|(word, count)| format!("{word} {count}")).collect();
    let (all, seconds) = (done.values().sum::<u64>(), started.elapsed().as_secs());
    println!("{all} operations over {seeds} seeds in {seconds} s: {}", kinds.join(", "));
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "MODEL_SEED=<seed> repeats a failure: {failed:?}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// How often what was done.
type Done = BTreeMap<&'static str, u64>;

/// All operations of a seed.
async fn run(seed: u64, ops: u64) -> Done {
    let mut done = Done::new();
    let (mut draw, mut doing) = (Draw::new(seed), Doing::start().await);
    for step in 0..ops {
        doing.pass(i64::try_from(draw.within(1, 30)).unwrap());
        let op = draws::op(&mut draw, &doing.model, step);
        let context = Context { seed, step, op: &op };
        step_on(&mut doing, &op).await;
        context.done();
        *done.entry(op.word()).or_default() += 1;
    }
    let audit = doing.live.store.audit().await.unwrap();
    assert_eq!(audit.breaches, [], "seed {seed}: the audit");
    done
}

/// One operation, and the comparison after it.
async fn step_on(doing: &mut Doing, op: &Op) {
    let mut may_be = doing.run(op).await;
    let is = of_table(&doing.plant).await;
    let at = may_be.iter().position(|one| one.picture() == is);
    let Some(at) = at else {
        panic!("the state differs:\n{}", differences(&may_be[0].picture(), &is));
    };
    doing.model = may_be.swap_remove(at);
}

/// Says where it was when an operation does not come to its end.
struct Context<'a> {
    seed: u64,
    step: u64,
    op: &'a Op,
}

impl Context<'_> {
    fn done(self) {
        std::mem::forget(self);
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        eprintln!("MODEL_SEED={} fails at step {}: {:?}", self.seed, self.step, self.op);
    }
}
