//! Reservations that are told as EPCIS events.

use domain::allocation::{Allocation, Reuse};
use domain::give_back::Fate;
use domain::numbering::Numbering;
use domain::policy::Reoffer;
use serde_json::Value;
use store::number_change::Selection;
use store::reservation_event::{Settled, event_key};
use testkit::{Dynamo, Shelf, TestClock};

use super::*;

const BEGIN: OffsetDateTime = datetime!(2026-11-23 10:01 UTC);

struct Bench {
    store: Store,
    pool: PoolId,
    shelf: Shelf,
    _dynamo: Dynamo,
}

impl Bench {
    async fn start() -> Self {
        Self::with(PoolPolicy { reservation_events: true, ..PoolPolicy::default() }).await
    }

    async fn with(policy: PoolPolicy) -> Self {
        let dynamo = Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        let pool = PoolId::from_entropy([1; 17]);
        let draft = PoolDraft {
            name: "pool".into(),
            key: gtin().into(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 12 },
            from: 0,
            to: 9_999_999,
            max_request: 1_000_000,
            threshold: 0,
            eu_rules: false,
            policy,
        };
        store.pool_create(pool.clone(), draft, &rfc3339_ms(BEGIN)).await.unwrap();
        Self { store, pool, shelf: Shelf::new(&TestClock::default()), _dynamo: dynamo }
    }

    async fn reserve(&self, id: &str, quantity: u64) -> Allocation {
        let (request, pools) = (request(id, quantity), std::slice::from_ref(&self.pool));
        let outcome = self.store.reserve(&request, pools, &rfc3339_ms(BEGIN)).await.unwrap();
        outcome.allocation
    }

    /// Gives numbers of an allocation back, which are offered again, and reserves some of them.
    async fn reserve_again(&self, of: &Allocation, id: &str) -> Allocation {
        let at = rfc3339_ms(BEGIN);
        let returned = store::number_change::Request {
            requester: &of.requester,
            actor: "L1/c",
            key: &RequestId::parse(id).unwrap(),
            selection: Selection::Runs(vec![(0, 9)]),
            fate: Fate::Return,
            reason: "order cut short",
        };
        let objects = self.sweeper(0).objects;
        self.store.numbers_give_up(&objects, &of.id, &returned, &at).await.unwrap();
        let request = request(id, 10);
        let outcome = self.store.reserve_again(&request, &self.pool, &at).await.unwrap();
        outcome.unwrap().allocation
    }

    fn sweeper(&self, minute: i64) -> Sweeper {
        let settings =
            AwsSettings::new("eu-central-1", Some("http://s3".into()), ("test", "test"), None);
        let plain = sweeper(&self.store, BEGIN.saturating_add(Duration::minutes(minute)));
        let s3 = s3(&settings, &self.shelf.http());
        Sweeper { objects: Objects { s3, ..plain.objects }, ..plain }
    }

    async fn run(&self) -> u32 {
        self.run_at(1).await
    }

    async fn run_at(&self, minute: i64) -> u32 {
        let sweeper = self.sweeper(minute);
        let mut done = Sweep::default();
        let settled = pools::sweep(&sweeper, &mut done).await.unwrap();
        crate::reservations::tell(&sweeper, &settled, &mut done).await.unwrap();
        assert_eq!(done.failed, 0);
        done.reservations
    }

    fn event(&self, allocation: &Allocation) -> Value {
        let bytes = self.shelf.get("d", &event_key(&allocation.id)).unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            (&document["type"], &document["schemaVersion"]),
            (&"EPCISDocument".into(), &"2.0".into())
        );
        assert_eq!(document["epcisBody"]["eventList"].as_array().unwrap().len(), 1);
        document["epcisBody"]["eventList"][0].clone()
    }
}

#[tokio::test]
async fn each_reservation_is_told_once_and_names_its_numbers_while_they_are_few() {
    let bench = Bench::start().await;
    let few = bench.reserve("R1", 3).await;
    let many = bench.reserve("R2", 1_001).await;
    assert_eq!(bench.run().await, 2);
    assert_eq!(bench.run().await, 0);
    let event = bench.event(&few);
    assert_eq!(
        (&event["bizStep"], &event["disposition"]),
        (&"reserving".into(), &"reserved".into())
    );
    assert_eq!(
        (&event["action"], &event["eventTime"]),
        (&"ADD".into(), &few.created_at.clone().into())
    );
    let texts = Numbering::sequential(12).texts(few.start, few.size);
    let epc = |text: &String| Value::from(format!("urn:epc:id:sgtin:0313000.000777.{text}"));
    assert_eq!(event["epcList"], texts.iter().map(epc).collect::<Value>());
    let event = bench.event(&many);
    assert_eq!(event["epcList"], Value::Null);
    assert_eq!(event["quantityList"][0]["quantity"], 1_001);
    assert_eq!(event["quantityList"][0]["epcClass"], "urn:epc:idpat:sgtin:0313000.000777.*");
    // Later ones are found behind these.
    let later = bench.reserve("R3", 1).await;
    assert_eq!(bench.run().await, 1);
    assert_ne!(bench.event(&later)["eventID"], bench.event(&few)["eventID"]);
    assert_eq!(bench.shelf.keys("d").len(), 3);
}

#[tokio::test]
async fn a_run_that_was_cut_short_tells_nothing_twice_and_leaves_nothing_out() {
    let bench = Bench::start().await;
    let first = bench.reserve("R1", 3).await;
    let state = bench.store.pool_fetch(&bench.pool).await.unwrap().unwrap();
    let settled = Settled::of(&state);
    let untold = bench.store.reservations_untold(&settled, 100).await.unwrap().unwrap();
    assert_eq!(untold.allocations, std::slice::from_ref(&first.id));
    assert_eq!(bench.run().await, 1);
    let kept = bench.shelf.get("d", &event_key(&first.id));
    // The run that was cut short comes back behind the other.
    assert!(!bench.store.reservations_told(&bench.pool, &untold).await.unwrap());
    assert_eq!(bench.run().await, 0);
    assert_eq!(bench.shelf.get("d", &event_key(&first.id)), kept);
}

#[tokio::test]
async fn what_is_open_is_told_when_it_is_recorded_and_what_is_void_never() {
    let bench = Bench::start().await;
    let (open, at) = (request("R1", 5), rfc3339_ms(BEGIN));
    bench.store.reservation_open(&open, &bench.pool, &at).await.unwrap();
    let behind = bench.reserve("R2", 3).await;
    assert_eq!(bench.run().await, 0, "one before it is still open");
    let recorded = bench.reserve("R1", 5).await;
    let void = bench.reserve("R3", 7).await;
    bench.store.allocation_void(&void.id, "a mistake", ("L1/c", &at)).await.unwrap();
    assert_eq!(bench.run().await, 2);
    for told in [&behind, &recorded] {
        bench.event(told);
    }
    assert!(bench.shelf.get("d", &event_key(&void.id)).is_none());
    assert_eq!(bench.run().await, 0);
}

#[tokio::test]
async fn numbers_that_are_offered_again_are_told_too_unless_they_were_given_up_before() {
    let policy = PoolPolicy {
        reservation_events: true,
        reoffer: Reoffer::Returned,
        ..PoolPolicy::default()
    };
    let bench = Bench::with(policy).await;
    let first = bench.reserve("R1", 20).await;
    let other = bench.reserve("R2", 20).await;
    assert_eq!(bench.run().await, 2);
    let again = bench.reserve_again(&first, "S1").await;
    assert_eq!((again.start, again.reuse), (first.start, Reuse::Took));
    let void = bench.reserve_again(&other, "S2").await;
    let by = ("L1/c", rfc3339_ms(BEGIN));
    bench.store.allocation_void(&void.id, "a mistake", (by.0, &by.1)).await.unwrap();
    assert_eq!((bench.run().await, bench.run().await), (1, 0));
    let event = bench.event(&again);
    assert_eq!(event["epcList"].as_array().unwrap().len(), 10);
    assert_ne!(event["eventID"], bench.event(&first)["eventID"]);
    assert!(bench.shelf.get("d", &event_key(&void.id)).is_none());
    assert_eq!(bench.store.reoffers_untold(10).await.unwrap(), []);
}

#[tokio::test]
async fn a_backlog_of_many_pools_is_told_a_part_a_run_and_every_pool_has_its_turn() {
    use crate::reservations::{POOL_TOLD_MAX, TOLD_MAX};
    let bench = Bench::start().await;
    let full = usize::try_from(TOLD_MAX / POOL_TOLD_MAX).unwrap();
    let mut pools = vec![bench.pool.clone()];
    let draft = bench.store.pool_fetch(&bench.pool).await.unwrap().unwrap().pool.draft;
    for number in 0..=u8::try_from(full).unwrap() {
        let pool = PoolId::from_entropy([number + 2; 17]);
        let from = 10_000_000 * (u128::from(number) + 1);
        let draft = PoolDraft { from, to: from + 999, ..draft.clone() };
        bench.store.pool_create(pool.clone(), draft, &rfc3339_ms(BEGIN)).await.unwrap();
        pools.push(pool);
    }
    for (number, pool) in pools.iter().enumerate() {
        for one in 0..=POOL_TOLD_MAX {
            let request = request(&format!("R{number}.{one}"), 1);
            let pools = std::slice::from_ref(pool);
            bench.store.reserve(&request, pools, &rfc3339_ms(BEGIN)).await.unwrap();
        }
    }
    let mut told = Vec::new();
    for minute in 1..9 {
        told.push(bench.run_at(minute).await);
    }
    assert_eq!(told[0], TOLD_MAX);
    let all = u32::try_from(pools.len()).unwrap() * (POOL_TOLD_MAX + 1);
    assert_eq!((told.iter().sum::<u32>(), told[7]), (all, 0));
    assert!(told.iter().all(|one| *one <= TOLD_MAX), "{told:?}");
}
