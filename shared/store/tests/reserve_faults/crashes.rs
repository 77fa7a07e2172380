//! A process dies, or a connection breaks, before or after each call in turn.

use store::reserve::ReserveError;
use testkit::{Fault, Faults};

use crate::hub::{Hub, LATER, NOW, request};

/// Calls of an uncontended reservation.
const CALLS: usize = 4;

/// A plan of faults for the k-th call.
type Plan = fn(usize) -> Faults;

const DEATHS: [(&str, Plan); 2] = [
    ("dies before", |k| Faults::none().dies_before(k)),
    ("dies after", |k| Faults::none().dies_after(k)),
];

#[tokio::test]
async fn caller_that_died_at_any_call_gets_its_allocation_when_it_asks_again() {
    for (name, plan) in DEATHS {
        for k in 1..=CALLS {
            let hub = Hub::with_pool(0, 999).await;
            let request = request("R", 10);
            let dead = hub.store_over(&plan(k));
            dead.reserve(&request, &hub.pools(), NOW).await.unwrap_err();
            hub.accounted().await;

            let outcome = hub.store.reserve(&request, &hub.pools(), NOW).await.unwrap();
            assert_eq!((outcome.allocation.start, outcome.allocation.size), (0, 10), "{name} {k}");
            hub.store.pool_sweep(&hub.pool, LATER, NOW).await.unwrap();
            let state = hub.accounted().await;
            assert_eq!((state.allocated, state.void, state.open), (10, 0, 0), "{name} {k}");
        }
    }
}

#[tokio::test]
async fn entry_of_a_caller_that_died_at_any_call_is_swept_and_the_retry_gets_one_allocation() {
    for (name, plan) in DEATHS {
        for k in 1..=CALLS {
            let hub = Hub::with_pool(0, 999).await;
            let request = request("R", 10);
            let dead = hub.store_over(&plan(k));
            dead.reserve(&request, &hub.pools(), NOW).await.unwrap_err();

            hub.store.pool_sweep(&hub.pool, LATER, NOW).await.unwrap();
            let swept = hub.accounted().await;
            assert_eq!(swept.open, 0, "{name} {k}: the sweeper leaves no old entry");

            let outcome = hub.store.reserve(&request, &hub.pools(), NOW).await.unwrap();
            let state = hub.accounted().await;
            assert_eq!((state.allocated, state.allocations, state.open), (10, 1, 0), "{name} {k}");
            assert_eq!(state.void, swept.void, "{name} {k}: the retry leaves nothing behind");
            assert_eq!(outcome.is_replay(), swept.allocated == 10, "{name} {k}");
        }
    }
}

#[tokio::test]
async fn sweeper_that_died_at_any_call_is_followed_by_one_that_finishes() {
    for (name, plan) in DEATHS {
        for k in 1..=3 {
            let hub = Hub::with_pool(0, 999).await;
            hub.store.reservation_open(&request("R", 10), &hub.pool, NOW).await.unwrap();
            let dead = hub.store_over(&plan(k));
            dead.pool_sweep(&hub.pool, LATER, NOW).await.unwrap_err();
            hub.accounted().await;
            hub.store.pool_sweep(&hub.pool, LATER, NOW).await.unwrap();
            let state = hub.accounted().await;
            assert_eq!((state.void, state.open, state.cursor), (10, 0, 10), "{name} {k}");
        }
    }
}

#[tokio::test]
async fn broken_connection_at_any_call_is_repaired_by_the_sdk() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for k in 1..=CALLS {
            let hub = Hub::with_pool(0, 999).await;
            let faults = Faults::none().at(k, fault);
            let store = hub.store_over(&faults);
            let outcome = store.reserve(&request("R", 10), &hub.pools(), NOW).await.unwrap();
            assert_eq!((outcome.allocation.start, outcome.allocation.size), (0, 10));
            let state = hub.accounted().await;
            let found = (state.allocated, state.void, state.open, state.cursor);
            assert_eq!(found, (10, 0, 0, 10), "{fault:?} at call {k}: nothing twice, nothing lost");
        }
    }
}

#[tokio::test]
async fn altered_body_after_a_death_at_any_call_makes_no_second_allocation() {
    for (name, plan) in DEATHS {
        for k in 1..=CALLS {
            let hub = Hub::with_pool(0, 999).await;
            let (first, altered) = (request("R", 10), request("R", 11));
            let dead = hub.store_over(&plan(k));
            dead.reserve(&first, &hub.pools(), NOW).await.unwrap_err();
            let second = hub.store.reserve(&altered, &hub.pools(), NOW).await;
            let moved = !(k == 1 || (k == 2 && name == "dies before"));
            match second {
                Err(ReserveError::IdReuse) => assert!(moved, "{name} {k}"),
                Ok(_) => assert!(!moved, "{name} {k}: the dead caller had opened nothing"),
                Err(error) => panic!("{name} {k}: {error:?}"),
            }
            assert!(hub.accounted().await.allocations <= 1, "{name} {k}");
        }
    }
}

#[tokio::test]
async fn sweeper_between_any_two_calls_of_a_caller_leads_to_one_allocation() {
    let hub = Hub::with_pool(0, 999).await;
    let request = request("R", 10);
    // The sweeper takes the entry between steps 2 and 3: the caller's transaction is called off.
    hub.store.reservation_open(&request, &hub.pool, NOW).await.unwrap();
    let state = hub.store.pool_fetch(&hub.pool).await.unwrap().unwrap();
    let entry = state.open.first().unwrap();
    assert!(hub.store.range_void(&hub.pool, entry, "unfinished", NOW).await.unwrap());
    let outcome = hub.store.reserve(&request, &hub.pools(), NOW).await.unwrap();
    assert_eq!(outcome.allocation.start, 10);
    let state = hub.accounted().await;
    assert_eq!((state.allocated, state.void, state.open, state.cursor), (10, 10, 0, 20));
}

#[tokio::test]
async fn late_void_and_late_close_touch_nothing_that_is_recorded() {
    let hub = Hub::with_pool(0, 999).await;
    let request = request("R", 10);
    let opened = hub.store.reservation_open(&request, &hub.pool, NOW).await.unwrap();
    hub.store.reserve(&request, &hub.pools(), NOW).await.unwrap();
    let voided = hub.store.range_void(&hub.pool, &opened.entry, "late", NOW).await.unwrap();
    assert!(!voided, "the allocation's record wins");
    // A late copy of step 2 opens the entry anew; a late step 4 of the first one must not remove it.
    hub.store.reservation_open(&request, &hub.pool, NOW).await.unwrap();
    hub.store.entry_close(&hub.pool, &opened.entry).await.unwrap();
    let state = hub.accounted().await;
    assert_eq!((state.allocated, state.open, state.cursor), (10, 1, 20));
    hub.store.pool_sweep(&hub.pool, LATER, NOW).await.unwrap();
    let state = hub.accounted().await;
    assert_eq!((state.allocated, state.void, state.open, state.cursor), (10, 10, 0, 20));
}
