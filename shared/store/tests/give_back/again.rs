//! Returned numbers are offered again: to one allocation each, whoever races and wherever a process dies.

use std::collections::BTreeSet;

use domain::allocation::{Allocation, Reuse};
use domain::policy::Reoffer;
use store::StoreError;
use store::number_change::NumberChange;
use store::reserve::ReserveError;

use super::hub::reserve_request;
use super::*;

async fn offering() -> Hub {
    Hub::new(PoolPolicy { reoffer: Reoffer::Returned, ..PoolPolicy::default() }).await
}

async fn returned(hub: &Hub, allocation: &Allocation, key: &str, run: (u64, u64)) -> NumberChange {
    let asked = (Selection::Runs(vec![run]), Fate::Return);
    hub.give_up(allocation, key, asked).await.unwrap().0
}

async fn again(hub: &Hub, id: &str, quantity: u64) -> Option<Allocation> {
    let request = reserve_request(id, quantity);
    let outcome = hub.store.reserve_again(&request, &hub.pool, NOW).await.unwrap();
    outcome.map(|outcome| outcome.allocation)
}

async fn cursor(hub: &Hub) -> u128 {
    hub.store.pool_fetch(&hub.pool).await.unwrap().unwrap().pool.cursor
}

#[tokio::test]
async fn returned_numbers_are_given_out_a_second_time_and_never_a_third() {
    let hub = offering().await;
    let first = hub.reserve("R", 100).await;
    let change = returned(&hub, &first, "K", (10, 39)).await;
    assert!(change.offers);
    assert_eq!(again(&hub, "S0", 31).await, None, "no run is so large");
    let second = again(&hub, "S1", 20).await.unwrap();
    assert_eq!((second.start, second.size, second.reuse), (10, 20, Reuse::Took));
    let rest = again(&hub, "S2", 10).await.unwrap();
    assert_eq!((rest.start, rest.size), (30, 10));
    assert_eq!(again(&hub, "S3", 1).await, None, "all are taken");
    assert_eq!(cursor(&hub).await, 100, "the pool's cursor stays where it is");
    hub.holds().await;
    // Looked up, a number is of the allocation that has it now.
    let owner = hub.store.reoffer_of(&hub.pool, 29).await.unwrap().unwrap();
    assert_eq!((owner.start, owner.size), (10, 20));
    assert_eq!(hub.store.reoffer_of(&hub.pool, 40).await.unwrap(), None);
    // What was offered twice is returned for good.
    let change = returned(&hub, &second, "L", (0, 19)).await;
    assert!(!change.offers);
    assert_eq!(again(&hub, "S4", 1).await, None);
    hub.holds().await;
}

#[tokio::test]
async fn pool_that_offers_nothing_again_keeps_what_is_returned() {
    let hub = hub().await;
    let first = hub.reserve("R", 100).await;
    assert!(!returned(&hub, &first, "K", (0, 9)).await.offers);
    assert_eq!(again(&hub, "S", 1).await, None);
    assert!(hub.store.returned_list(&hub.pool).await.unwrap().is_empty());
    assert_eq!(hub.store.allocation_fetch(&first.id).await.unwrap().unwrap().reuse, Reuse::None);
}

#[tokio::test]
async fn runs_that_follow_each_other_serve_one_request() {
    let hub = offering().await;
    let first = hub.reserve("R", 100_000).await;
    returned(&hub, &first, "K", (5, 99_999)).await;
    assert_eq!(hub.store.returned_list(&hub.pool).await.unwrap().len(), 4, "one a block");
    let second = again(&hub, "S", 70_000).await.unwrap();
    assert_eq!((second.start, second.size), (5, 70_000));
    let third = again(&hub, "T", 29_995).await.unwrap();
    assert_eq!((third.start, third.size), (70_005, 29_995));
    hub.holds().await;
}

#[tokio::test]
async fn run_is_found_behind_any_number_of_smaller_ones() {
    let hub = offering().await;
    let first = hub.reserve("R", 1_000).await;
    // Two neighbours in different blocks would do as well; these are two that no block divides.
    returned(&hub, &first, "K", (0, 9)).await;
    returned(&hub, &first, "L", (10, 14)).await;
    for part in 0..4_u64 {
        let low = 100 + part * 200;
        let runs = (0..64).map(|n| (low + 2 * n, low + 2 * n)).collect();
        let asked = (Selection::Runs(runs), Fate::Return);
        hub.give_up(&first, &format!("M{part}"), asked).await.unwrap();
    }
    assert_eq!(hub.store.returned_list(&hub.pool).await.unwrap().len(), 2 + 4 * 64);
    let both = again(&hub, "S", 12).await.unwrap();
    assert_eq!((both.start, both.size), (0, 12), "two that follow each other");
    // What is left of the second is listed by what is left of it.
    assert_eq!(again(&hub, "T", 4).await, None);
    assert_eq!(again(&hub, "U", 3).await.unwrap().start, 12);
    assert_eq!(again(&hub, "V", 1).await.unwrap().start, 100, "the smallest that fits");
    hub.holds().await;
}

#[tokio::test]
async fn number_that_turns_up_all_the_same_withdraws_its_run() {
    let hub = offering().await;
    let first = hub.reserve("R", 100).await;
    returned(&hub, &first, "K", (0, 9)).await;
    returned(&hub, &first, "L", (20, 29)).await;
    hub.commission(&first, &"a".repeat(64), (3, 3)).await;
    // I11: what was still to be offered, and which document ended that.
    let records = hub.store.audit_records(&Pk::Run(hub.pool.clone(), 0), 10).await.unwrap();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.actor.as_str()), ("withdraw", "hub"));
    assert_eq!(record.before.as_deref(), Some("offered from 0 to 9"));
    assert_eq!(record.after, Some(format!("withdrawn for {}", "a".repeat(64))));
    hub.holds().await;
    let second = again(&hub, "S", 5).await.unwrap();
    assert_eq!(second.start, 20, "of the other run");
    assert_eq!(again(&hub, "T", 6).await, None);
    // A file that looked its numbers up before they were given to somebody else is read again.
    let late = hub.says(&first, &"b".repeat(64), (Fact::Commissioned, (24, 26))).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    assert_eq!(again(&hub, "U", 5).await.unwrap().start, 25, "nothing was withdrawn for it");
    assert_eq!(hub.buckets(&first, &[Bucket::Commissioned, Bucket::Returned]).await, [1, 19]);
}

#[tokio::test]
async fn reoffered_allocation_that_is_voided_stays_void() {
    let hub = offering().await;
    let first = hub.reserve("R", 100).await;
    returned(&hub, &first, "K", (0, 9)).await;
    let second = again(&hub, "S", 5).await.unwrap();
    hub.store.allocation_void(&second.id, "x", ("x", NOW)).await.unwrap();
    assert_eq!(again(&hub, "T", 5).await.unwrap().start, 5);
    hub.holds().await;
}

#[tokio::test]
async fn request_of_two_ways_is_one_allocation() {
    let hub = offering().await;
    let first = hub.reserve("R", 100).await;
    returned(&hub, &first, "K", (0, 9)).await;
    let request = reserve_request("S", 10);
    // A copy has moved the cursor when another one is served from what was returned.
    hub.store.reservation_open(&request, &hub.pool, NOW).await.unwrap();
    let second = again(&hub, "S", 10).await.unwrap();
    assert_eq!(second.start, 0);
    let pools = [hub.pool.clone()];
    let copy = hub.store.reserve(&request, &pools, NOW).await.unwrap();
    assert_eq!((copy.allocation.clone(), copy.is_replay()), (second, true));
    hub.store.pool_sweep(&hub.pool, LATER, NOW).await.unwrap();
    hub.holds().await;
    // The other way about, and with another body.
    returned(&hub, &first, "L", (20, 29)).await;
    let by_cursor = hub.reserve("T", 10).await;
    assert_eq!(again(&hub, "T", 10).await.unwrap(), by_cursor);
    let refused = hub.store.reserve_again(&reserve_request("T", 9), &hub.pool, NOW).await;
    assert!(matches!(refused, Err(ReserveError::IdReuse)), "{refused:?}");
    hub.holds().await;
}

#[tokio::test]
async fn caller_that_died_at_any_call_gets_one_allocation() {
    for k in 1..=5 {
        for after in [false, true] {
            let hub = offering().await;
            let first = hub.reserve("R", 100).await;
            returned(&hub, &first, "K", (0, 9)).await;
            let faults = Faults::none();
            let faults = if after { faults.dies_after(k) } else { faults.dies_before(k) };
            let request = reserve_request("S", 10);
            let died = hub.process(&faults).store.reserve_again(&request, &hub.pool, NOW).await;
            hub.holds().await;
            // It asks again, and is served from what was returned as if nothing had happened.
            let pools = [hub.pool.clone()];
            let outcome = match hub.store.reserve_again(&request, &hub.pool, NOW).await.unwrap() {
                Some(outcome) => outcome,
                None => hub.store.reserve(&request, &pools, NOW).await.unwrap(),
            };
            assert_eq!(outcome.allocation.start, 0, "{k} {after} {died:?}");
            assert_eq!(cursor(&hub).await, 100, "{k} {after}");
            hub.holds().await;
        }
    }
}

#[tokio::test]
async fn giver_that_died_at_any_call_offers_each_number_once() {
    let asked = || (Selection::Runs(vec![(0, 9), (40_000, 40_009)]), Fate::Return);
    let mut died = 0_u32;
    for k in 10..=32 {
        let hub = offering().await;
        let first = hub.reserve("R", 50_000).await;
        let dead = hub.process(&Faults::none().dies_after(k));
        died += u32::from(dead.give_up(&first, "K", asked()).await.is_err());
        // What is offered by then is taken by others.
        let early = again(&hub, "S", 10).await;
        hub.holds().await;
        hub.give_up(&first, "K", asked()).await.unwrap();
        let runs = hub.store.returned_list(&hub.pool).await.unwrap();
        let told: Vec<(u128, u64)> = runs.iter().map(|run| (run.start, run.size)).collect();
        assert_eq!(told, [(0, 10), (40_000, 10)], "{k}");
        let mut starts: Vec<u128> = early.iter().map(|one| one.start).collect();
        for id in ["T", "U"] {
            starts.extend(again(&hub, id, 10).await.map(|one| one.start));
        }
        starts.sort_unstable();
        assert_eq!(starts, [0, 40_000], "{k}: each run is taken once");
        hub.holds().await;
    }
    assert!(died > 0, "nobody died");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_at_once_get_disjoint_numbers() {
    let hub = offering().await;
    let first = hub.reserve("R", 1_000).await;
    returned(&hub, &first, "K", (0, 99)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..24_u64 {
        let (store, pool) = (hub.store.clone(), hub.pool.clone());
        tasks.spawn(async move {
            // Every request is sent twice.
            let request = reserve_request(&format!("S{}", caller / 2), 10);
            match store.reserve_again(&request, &pool, NOW).await.unwrap() {
                Some(outcome) => outcome.allocation,
                None => store.reserve(&request, &[pool], NOW).await.unwrap().allocation,
            }
        });
    }
    let all = tasks.join_all().await;
    let starts: BTreeSet<u128> = all.iter().map(|one| one.start).collect();
    assert_eq!(starts.len(), 12, "twelve requests");
    let ids: BTreeSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), 12);
    hub.store.pool_sweep(&hub.pool, LATER, NOW).await.unwrap();
    hub.holds().await;
}
