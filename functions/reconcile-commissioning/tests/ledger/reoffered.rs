//! Documents about numbers that were given back, or void, and offered again.

use domain::allocation::Allocation;
use domain::give_back::Fate;
use domain::ids::RequestId;
use domain::ledger::Bucket;
use domain::policy::Reoffer;
use store::audit::{Breach, Invariant};
use store::client::{AwsSettings, s3};
use store::number_change::{Request, Selection};
use store::{Buckets, Objects};
use testkit::{Shelf, TestClock};

use super::bench::*;

impl Bench {
    /// The pool offers numbers again from now on.
    async fn offers(&self, reoffer: Reoffer) {
        let mut change = store::pool::PoolChange::default();
        change.policy.reoffer = Some(reoffer);
        self.store.pool_change(&self.pool, &change, ("x", NOW_TEXT)).await.unwrap();
    }

    async fn gives_back(&self, allocation: &Allocation, runs: Vec<(u64, u64)>) {
        let nowhere = Some("http://127.0.0.1:9".to_owned());
        let aws = AwsSettings::new("eu-central-1", nowhere, ("test", "test"), None);
        let buckets = Buckets { inbound: "i".into(), outbound: "o".into(), documents: "d".into() };
        let bucketed = Shelf::new(&TestClock::default());
        let objects = Objects { s3: s3(&aws, &bucketed.http()), buckets };
        let request = Request {
            requester: &allocation.requester,
            actor: "L1/c",
            key: &RequestId::parse("K").unwrap(),
            selection: Selection::Runs(runs),
            fate: Fate::Return,
            reason: "order cut short",
        };
        let (store, id) = (&self.store, &allocation.id);
        store.numbers_give_up(&objects, id, &request, NOW_TEXT).await.unwrap();
    }

    async fn again(&self, request: &str, of: &str, quantity: u64) -> Allocation {
        let request = self.request((request, of), quantity, domain::request::Terms::default());
        let outcome = self.store.reserve_again(&request, &self.pool, NOW_TEXT).await.unwrap();
        outcome.unwrap().allocation
    }
}

#[tokio::test]
async fn serials_of_an_allocation_that_gave_some_back_come_in_any_order() {
    let bench = Bench::start().await;
    bench.offers(Reoffer::Returned).await;
    let first = bench.reserve("r1", "L1", 5_000).await;
    // Every other number of a stretch, so that others have parts of it, and one run behind it.
    let mut runs: Vec<(u64, u64)> = (0..60).map(|n| (1_000 + 2 * n, 1_000 + 2 * n)).collect();
    runs.push((3_000, 3_009));
    bench.gives_back(&first, runs).await;
    let second = bench.again("r2", "L1", 10).await;
    assert_eq!(second.start, 4_000);
    for n in 0..60 {
        bench.again(&format!("s{n}"), "L1", 1).await;
    }
    // The line reports from the last number to the first: those it kept, and those of the second order.
    let mine = |at: u128| !(1_000..1_120).contains(&at) || at % 2 == 1;
    let mut texts: Vec<String> = Vec::new();
    for at in (0..5_000_u128).filter(|at| mine(*at)) {
        texts.extend(serials(1_000 + at, 1_000 + at));
    }
    texts.reverse();
    let report = bench.send("L1", &document(&[commission(texts)])).await;
    assert_eq!((report.applied.matched, report.unmatched), (4_940, 0), "{:?}", report.lines());
    assert_eq!(bench.count(&first, Bucket::Commissioned).await, 4_930);
    assert_eq!(bench.count(&second, Bucket::Commissioned).await, 10);
}

#[tokio::test]
async fn number_of_a_void_range_is_whose_it_is_now_or_ends_the_offer() {
    let bench = Bench::start().await;
    bench.offers(Reoffer::Void).await;
    // Held numbers only are offered again: an answer told the others.
    let terms = domain::request::Terms { hold_minutes: Some(5), ..Default::default() };
    let held = bench.request(("r1", "L1"), 100, terms);
    let pools = std::slice::from_ref(&bench.pool);
    let first = bench.store.reserve(&held, pools, NOW_TEXT).await.unwrap().allocation;
    bench.store.allocation_void(&first.id, "line stopped", ("L1/c", NOW_TEXT)).await.unwrap();
    let second = bench.again("r2", "L1", 40).await;
    assert_eq!(second.start, first.start);
    // Numbers of the second allocation are its own; one that is nobody's is still void.
    let own = bench.send("L1", &document(&[commission(serials(1_000, 1_009))])).await;
    assert_eq!((own.applied.matched, own.unmatched), (10, 0), "{:?}", own.lines());
    assert_eq!(bench.count(&second, Bucket::Commissioned).await, 10);
    let third = bench.again("r3", "L1", 10).await;
    assert_eq!(third.start, 1_040, "naming numbers of the second ends no offer");
    // From the last to the first: the offer ends before anything is remembered of the range.
    let mut texts = serials(1_030, 1_070);
    texts.reverse();
    let mixed = bench.send("L1", &document(&[commission(texts)])).await;
    assert_eq!((mixed.applied.matched, mixed.unmatched), (20, 21), "{:?}", mixed.lines());
    assert_eq!(
        mixed.lines().first().map(String::as_str),
        Some("critical WRONG_ALLOCATION_STATE 21 000000001050-000000001070")
    );
    let request = bench.request(("r4", "L1"), 1, domain::request::Terms::default());
    let none = bench.store.reserve_again(&request, &bench.pool, NOW_TEXT).await.unwrap();
    assert!(none.is_none(), "what is left is withdrawn");
    let breaches = bench.store.audit().await.unwrap().breaches;
    let of = |one: &&Breach| matches!(one.invariant, Invariant::Disjoint | Invariant::Accounted);
    assert_eq!(breaches.iter().filter(of).count(), 0, "{breaches:?}");
}
