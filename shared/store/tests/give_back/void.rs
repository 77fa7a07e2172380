//! Numbers of void ranges are offered again where the pool says so and no line ever had them: to one allocation
//! each, whoever races, wherever a process dies, and whatever the first caller still sends (I1, I2, I3).

use std::collections::BTreeSet;

use domain::allocation::Allocation;
use domain::policy::Reoffer;
use domain::request::ReserveRequest;

use super::hub::reserve_request;
use super::*;

const BEFORE: &str = "2026-11-23T11:00:00.000Z";

async fn of(reoffer: Reoffer) -> Hub {
    Hub::new(PoolPolicy { reoffer, ..PoolPolicy::default() }).await
}

fn held(id: &str, quantity: u64) -> ReserveRequest {
    let mut request = reserve_request(id, quantity);
    request.terms.hold_minutes = Some(5);
    request
}

async fn made(hub: &Hub, request: &ReserveRequest) -> Allocation {
    let pools = [hub.pool.clone()];
    hub.store.reserve(request, &pools, NOW).await.unwrap().allocation
}

async fn again(hub: &Hub, id: &str, quantity: u64) -> Option<u128> {
    let request = reserve_request(id, quantity);
    let outcome = hub.store.reserve_again(&request, &hub.pool, NOW).await.unwrap();
    outcome.map(|outcome| outcome.allocation.start)
}

async fn void(hub: &Hub, allocation: &Allocation) {
    hub.store.allocation_void(&allocation.id, "line stopped", (ACTOR, NOW)).await.unwrap();
}

#[tokio::test]
async fn each_policy_offers_what_it_says_and_nothing_a_third_time() {
    for policy in Reoffer::ALL {
        let hub = of(policy).await;
        let first = made(&hub, &held("R", 10)).await;
        void(&hub, &first).await;
        let other = hub.reserve("S", 100).await;
        let asked = (Selection::Runs(vec![(0, 29)]), Fate::Return);
        hub.give_up(&other, "K", asked).await.unwrap();
        let void_again = policy.offers_void().then_some(0);
        assert_eq!(again(&hub, "T", 10).await.filter(|at| *at == 0), void_again, "{policy:?}");
        let rest = again(&hub, "U", 20).await;
        assert_eq!(rest.is_some(), policy.offers_returned(), "{policy:?}");
        hub.holds().await;
        // What was offered again and is void again stays so.
        if void_again.is_some() {
            let second = hub.store.reservation_find(&reserve_request("T", 10)).await;
            void(&hub, &second.unwrap().unwrap()).await;
            assert_eq!(again(&hub, "V", 10).await.filter(|at| *at == 0), None);
        }
        hub.holds().await;
    }
}

#[tokio::test]
async fn policy_decides_when_numbers_are_taken() {
    let hub = of(Reoffer::ReturnedAndVoid).await;
    let first = made(&hub, &held("R", 10)).await;
    void(&hub, &first).await;
    for (policy, expected) in [(Reoffer::Returned, None), (Reoffer::Never, None)] {
        let mut change = store::pool::PoolChange::default();
        change.policy.reoffer = Some(policy);
        hub.store.pool_change(&hub.pool, &change, ("x", NOW)).await.unwrap();
        assert_eq!(again(&hub, "S", 10).await, expected, "{policy:?}");
    }
    hub.holds().await;
}

#[tokio::test]
async fn what_a_line_may_have_is_offered_to_nobody() {
    let hub = of(Reoffer::Void).await;
    let exported = hub.reserve("R1", 10).await;
    hub.store.allocation_advance(&exported.id, Transition::Export, NOW).await.unwrap();
    void(&hub, &exported).await;
    // I1: the answer to a reservation tells its numbers, so they may be on packs before any file comes.
    let reserved = hub.reserve("R2", 10).await;
    let confirmed = made(&hub, &held("R3", 10)).await;
    let kept = made(&hub, &held("R4", 10)).await;
    hub.store.allocation_confirm(&confirmed.id, (ACTOR, NOW, None)).await.unwrap();
    for allocation in [&reserved, &confirmed] {
        void(&hub, allocation).await;
        assert_eq!(again(&hub, "S", 1).await, None);
    }
    // What is held must not be printed, by whomever.
    void(&hub, &kept).await;
    assert_eq!(again(&hub, "S", 10).await, Some(kept.start));
    hub.holds().await;
}

#[tokio::test]
async fn holds_that_end_and_entries_that_nobody_finished_are_offered_again() {
    let hub = of(Reoffer::Void).await;
    let first = made(&hub, &held("R", 10)).await;
    hub.store.allocation_expire(&first.id, LATER).await.unwrap();
    assert_eq!(again(&hub, "S", 10).await, Some(0));
    hub.store.reservation_open(&reserve_request("T", 7), &hub.pool, BEFORE).await.unwrap();
    let swept = hub.store.pool_sweep(&hub.pool, NOW, NOW).await.unwrap();
    assert_eq!(swept.voided, 1);
    assert_eq!(again(&hub, "U", 7).await, Some(10));
    // The first caller is served from the cursor, which stands where it was.
    assert_eq!(hub.reserve("T", 7).await.start, 17);
    hub.holds().await;
}

#[tokio::test]
async fn late_step_three_makes_no_allocation_on_numbers_that_became_void() {
    let hub = of(Reoffer::Void).await;
    let request = reserve_request("R", 10);
    hub.store.reservation_open(&request, &hub.pool, BEFORE).await.unwrap();
    // The sweep dies between the void range and the end of the entry.
    let dead = hub.process(&Faults::none().dies_after(2)).store;
    dead.pool_sweep(&hub.pool, NOW, NOW).await.unwrap_err();
    let state = hub.store.pool_fetch(&hub.pool).await.unwrap().unwrap();
    assert_eq!(state.open.len(), 1, "the entry is still there");
    assert_eq!(again(&hub, "S", 6).await, Some(0));
    // The first caller finds its entry, goes on with step 3, and loses.
    assert_eq!(hub.reserve("R", 10).await.start, 10);
    assert_eq!(again(&hub, "T", 4).await, Some(6));
    // So does a late sweep.
    hub.store.pool_sweep(&hub.pool, LATER, LATER).await.unwrap();
    assert_eq!(hub.store.returned_list(&hub.pool).await.unwrap().len(), 1);
    hub.holds().await;
}

#[derive(Debug, Clone, Copy)]
enum End {
    Void,
    Expire,
    Sweep,
}

#[tokio::test]
async fn i1_whoever_gives_up_and_dies_at_any_call_offers_the_range_once() {
    for end in [End::Void, End::Expire, End::Sweep] {
        let mut died = 0;
        for (k, after) in (1..=9).flat_map(|k| [(k, false), (k, true)]) {
            let hub = of(Reoffer::Void).await;
            let request = held("R", 10);
            let id = request.allocation_id();
            if let End::Sweep = end {
                hub.store.reservation_open(&request, &hub.pool, BEFORE).await.unwrap();
            } else {
                made(&hub, &request).await;
            }
            let faults = Faults::none();
            let faults = if after { faults.dies_after(k) } else { faults.dies_before(k) };
            let process = hub.process(&faults).store;
            for (store, is_last) in [(&process, false), (&hub.store, true)] {
                let done = match end {
                    End::Void => store.allocation_void(&id, "x", (ACTOR, NOW)).await.is_ok(),
                    End::Expire => store.allocation_expire(&id, LATER).await.is_ok(),
                    End::Sweep => store.pool_sweep(&hub.pool, NOW, NOW).await.is_ok(),
                };
                died += u32::from(!done);
                assert!(done || !is_last, "{end:?} {k} {after}");
                hub.holds().await;
            }
            assert_eq!(hub.store.returned_list(&hub.pool).await.unwrap().len(), 1, "{end:?} {k}");
            assert_eq!(again(&hub, "S", 10).await, Some(0), "{end:?} {k} {after}");
            assert_eq!(again(&hub, "T", 1).await, None);
            hub.holds().await;
        }
        assert!(died >= 5, "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_of_confirmations_and_voids_at_once_no_confirmed_number_is_offered() {
    let hub = of(Reoffer::Void).await;
    let mut tasks = tokio::task::JoinSet::new();
    let mut all = Vec::new();
    for n in 0..12 {
        let allocation = made(&hub, &held(&format!("R{n}"), 10)).await;
        for confirms in [true, false] {
            let (store, id) = (hub.store.clone(), allocation.id.clone());
            tasks.spawn(async move {
                if confirms {
                    store.allocation_confirm(&id, (ACTOR, NOW, None)).await.is_ok()
                } else {
                    store.allocation_void(&id, "x", (ACTOR, NOW)).await.is_ok()
                }
            });
        }
        all.push(allocation);
    }
    tasks.join_all().await;
    let runs = hub.store.returned_list(&hub.pool).await.unwrap();
    let offered: BTreeSet<u128> = runs.iter().map(|run| run.start).collect();
    for allocation in &all {
        let entity = Pk::Allocation(allocation.id.clone());
        let records = hub.store.audit_records(&entity, 10).await.unwrap();
        let confirmed = records.iter().any(|one| one.action == "reserved");
        let voided = records.iter().any(|one| one.action == "voided");
        assert_eq!(offered.contains(&allocation.start), voided && !confirmed, "{records:?}");
    }
    hub.holds().await;
}

#[tokio::test]
async fn number_of_a_void_range_that_turns_up_ends_its_offer() {
    let hub = of(Reoffer::Void).await;
    let first = made(&hub, &held("R", 10)).await;
    void(&hub, &first).await;
    assert_eq!(again(&hub, "S", 4).await, Some(0));
    let named = async |index| {
        let by = ("a document of L1", NOW);
        hub.store.void_named(&hub.pool, (0, index), by).await.unwrap()
    };
    assert!(named(3).await, "it belongs to another allocation, and the others are offered on");
    assert_eq!(again(&hub, "T", 2).await, Some(4));
    assert!(named(9).await);
    assert_eq!(again(&hub, "U", 1).await, None);
    let records = hub.store.audit_records(&Pk::Run(hub.pool.clone(), 0), 10).await.unwrap();
    assert_eq!(records.len(), 1, "I11");
    hub.holds().await;
    let unoffered = hub.store.void_named(&hub.pool, (10, 12), ("x", NOW)).await.unwrap();
    assert!(!unoffered);
}
