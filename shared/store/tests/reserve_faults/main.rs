//! The reservation protocol against real `DynamoDB` answers: races, replays, and every point at which a
//! process or a connection can die (I1, I2, I3).
#![expect(clippy::unwrap_used, reason = "a test fails here")]
#![expect(clippy::arithmetic_side_effects, reason = "numbers of a test are small")]

mod crashes;
mod hub;

use std::collections::BTreeSet;

use store::reserve::ReserveError;
use testkit::{Fault, Faults};

use hub::{Hub, NOW};

/// What a reservation may cost while 64 are open: the pool item carries their entries, twice written.
const WRITE_UNITS_OPEN: f64 = 20.0;
/// What the audit record adds: one item of at most 1 KB in a transaction.
const AUDIT_UNITS: f64 = 2.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_callers_of_one_pool_get_disjoint_ranges_without_retrying() {
    let hub = Hub::with_pool(0, 999_999).await;
    let faults = Faults::none();
    let store = hub.store_over(&faults);
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..64_u64 {
        let (store, pools) = (store.clone(), hub.pools());
        tasks.spawn(async move {
            let mut granted = 0;
            for turn in 0..10_u64 {
                let request =
                    hub::request(&format!("R-{caller}-{turn}"), 1 + (caller * 7 + turn) % 97);
                let outcome = store.reserve(&request, &pools, NOW).await.unwrap();
                assert_eq!(outcome.allocation.size, request.quantity);
                granted += request.quantity;
            }
            granted
        });
    }
    let granted: u64 = tasks.join_all().await.into_iter().sum();
    let state = hub.accounted().await;
    assert_eq!(state.allocated, granted);
    assert_eq!((state.void, state.open), (0, 0));
    assert_eq!(state.cursor, u128::from(granted));
    // 4 calls each and none more: nobody had to try again.
    assert_eq!(faults.count(), 64 * 10 * 4);
}

#[tokio::test]
async fn reservation_of_any_size_costs_four_calls_and_six_write_units_besides_its_audit_record() {
    let hub = Hub::with_pool(0, 99_999_999).await;
    for (turn, quantity) in [1, 500_000, 10_000_000].into_iter().enumerate() {
        let faults = Faults::none();
        let request = hub::request(&format!("R-{turn}"), quantity);
        hub.store_over(&faults).reserve(&request, &hub.pools(), NOW).await.unwrap();
        let steps = ["GetItem", "UpdateItem", "TransactWriteItems", "UpdateItem"];
        assert_eq!(faults.operations(), steps);
        let units = faults.write_units();
        println!("{quantity} numbers: {units} write units, indexes not counted");
        assert!(units > 0.0 && units <= 6.0 + AUDIT_UNITS, "{units} write units");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reservation_with_sixty_four_calls_open_costs_a_bounded_number_of_write_units() {
    let hub = Hub::with_pool(0, 999_999).await;
    for other in 0..63 {
        let request = hub::request(&format!("other-{other}"), 10);
        hub.store.reservation_open(&request, &hub.pool, NOW).await.unwrap();
    }
    let faults = Faults::none();
    let request = hub::request("R", 10);
    hub.store_over(&faults).reserve(&request, &hub.pools(), NOW).await.unwrap();
    let units = faults.write_units();
    println!("64 calls open: {units} write units, indexes not counted");
    assert!(units > 0.0 && units <= WRITE_UNITS_OPEN + AUDIT_UNITS, "{units} write units");
}

#[tokio::test]
async fn second_request_with_same_id_returns_first_allocation() {
    let hub = Hub::with_pool(0, 999).await;
    let request = hub::request("R", 10);
    let first = hub.store.reserve(&request, &hub.pools(), NOW).await.unwrap();
    let again = hub.store.reserve(&request, &hub.pools(), NOW).await.unwrap();
    assert!(!first.is_replay() && again.is_replay());
    assert_eq!(first.allocation, again.allocation);
    assert_eq!(hub.accounted().await.cursor, 10);
}

#[tokio::test]
async fn another_body_under_the_same_id_is_refused_and_takes_nothing() {
    let hub = Hub::with_pool(0, 999).await;
    hub.store.reserve(&hub::request("R", 10), &hub.pools(), NOW).await.unwrap();
    let refused = hub.store.reserve(&hub::request("R", 11), &hub.pools(), NOW).await;
    assert!(matches!(refused, Err(ReserveError::IdReuse)), "{refused:?}");
    let state = hub.accounted().await;
    assert_eq!((state.allocated, state.void, state.open), (10, 0, 0));
}

#[tokio::test]
async fn another_body_while_the_first_is_open_is_refused() {
    let hub = Hub::with_pool(0, 999).await;
    hub.store.reservation_open(&hub::request("R", 10), &hub.pool, NOW).await.unwrap();
    let refused = hub.store.reserve(&hub::request("R", 11), &hub.pools(), NOW).await;
    assert!(matches!(refused, Err(ReserveError::IdReuse)), "{refused:?}");
    let state = hub.accounted().await;
    assert_eq!((state.allocated, state.void, state.open, state.cursor), (0, 0, 1, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_and_altered_bodies_at_once_make_one_allocation() {
    for round in 0..10 {
        let hub = Hub::with_pool(0, 9_999).await;
        let mut tasks = tokio::task::JoinSet::new();
        for caller in 0..16_u64 {
            let (store, pools) = (hub.store.clone(), hub.pools());
            let request = hub::request("R", if caller % 4 == 3 { 20 } else { 10 });
            tasks.spawn(async move {
                match store.reserve(&request, &pools, NOW).await {
                    Ok(outcome) => {
                        assert_eq!(outcome.allocation.request_hash, request.hash());
                        Some(outcome.allocation.start)
                    }
                    Err(ReserveError::IdReuse) => None,
                    Err(error) => panic!("round {round}: {error:?}"),
                }
            });
        }
        let starts: BTreeSet<u128> = tasks.join_all().await.into_iter().flatten().collect();
        let state = hub.accounted().await;
        assert_eq!((starts.len(), state.allocations, state.open), (1, 1, 0), "round {round}");
    }
}

#[tokio::test]
async fn duplicate_served_by_another_pool_gets_the_stored_allocation_and_leaves_a_void() {
    let hub = Hub::with_pool(0, 999).await;
    let other = hub.another_pool(1_000, 1_999).await;
    let request = hub::request("R", 10);
    // Both found nothing in step 1; the second one then comes to the other pool.
    hub.store.reservation_open(&request, &other, NOW).await.unwrap();
    let first = hub.store.reserve(&request, &hub.pools(), NOW).await.unwrap();
    assert_eq!(first.allocation.start, 0);
    hub.store.pool_sweep(&other, hub::LATER, NOW).await.unwrap();
    let second = hub.accounted_of(&other).await;
    assert_eq!((second.allocated, second.void, second.open), (0, 10, 0));
    assert_eq!(hub.accounted().await.allocated, 10);
}

#[tokio::test]
async fn transaction_conflicts_are_waited_out() {
    let hub = Hub::with_pool(0, 999).await;
    let conflict = Fault::Conflict;
    let faults =
        Faults::none().on("TransactWriteItems", conflict).on("TransactWriteItems", conflict);
    let request = hub::request("R", 10);
    let outcome = hub.store_over(&faults).reserve(&request, &hub.pools(), NOW).await.unwrap();
    assert_eq!((outcome.allocation.start, outcome.allocation.size), (0, 10));
    let state = hub.accounted().await;
    assert_eq!((state.allocated, state.void, state.open), (10, 0, 0));
}

#[tokio::test]
async fn throttling_and_server_faults_at_any_call_change_no_outcome() {
    for fault in [Fault::Throttle, Fault::ServerError, Fault::Unavailable] {
        for k in 1..=4 {
            let hub = Hub::with_pool(0, 999).await;
            let faults = Faults::none().at(k, fault);
            let request = hub::request("R", 10);
            let store = hub.store_over(&faults);
            let outcome = store.reserve(&request, &hub.pools(), NOW).await.unwrap();
            assert_eq!(outcome.allocation.start, 0, "{fault:?} at call {k}");
            let state = hub.accounted().await;
            assert_eq!((state.allocated, state.void, state.open, state.cursor), (10, 0, 0, 10));
        }
    }
}
