//! Pools of one GTIN never overlap (I1), whatever races; their boundaries move without losing a number (I2).

#![expect(clippy::unwrap_used, reason = "a test fails where a value is missing")]

use domain::ids::{PoolId, RequestId, SystemId};
use domain::pool::{Pool, PoolDraft, PoolStatus, Scheme};
use domain::request::{Details, ReserveRequest};
use store::Store;
use store::keys::Pk;
use store::pool::{PoolChange, PoolError};
use store::reserve::ReserveError;
use testkit::{Dynamo, Faults};

const NOW: &str = "2026-11-23T10:00:00.000Z";

fn draft(from: u128, to: u128) -> PoolDraft {
    PoolDraft {
        name: "pool".into(),
        key: "00313000007772".parse().unwrap(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        eu_rules: false,
        from,
        to,
        max_request: 1_000,
        threshold: 0,
        policy: domain::policy::PoolPolicy::default(),
    }
}

fn id(number: u8) -> PoolId {
    PoolId::from_entropy([number; 17])
}

async fn store() -> (Dynamo, Store) {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    (dynamo, store)
}

async fn reserve(store: &Store, request_id: &str, quantity: u64) -> Result<u128, ReserveError> {
    let request = ReserveRequest {
        requester: SystemId::parse("L1").unwrap(),
        credential: None,
        request_id: RequestId::parse(request_id).unwrap(),
        key: draft(0, 0).key,
        quantity,
        pool_id: None,
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: Details::default(),
        terms: domain::request::Terms::default(),
    };
    Ok(store.reserve(&request, &[id(1)], NOW).await?.allocation.start)
}

async fn change(store: &Store, change: PoolChange) -> Result<Pool, PoolError> {
    store.pool_change(&id(1), &change, ("test", NOW)).await
}

fn to(to: u128) -> PoolChange {
    PoolChange { to: Some(to), ..PoolChange::default() }
}

#[tokio::test]
async fn of_racing_creations_that_overlap_exactly_one_wins() {
    let (_dynamo, store) = store().await;
    let mut racers = tokio::task::JoinSet::new();
    for number in 0..12_u8 {
        let store = store.clone();
        // Each overlaps every other one.
        let draft = draft(u128::from(number), 1_000 + u128::from(number));
        racers.spawn(async move { store.pool_create(id(number), draft, NOW).await });
    }
    let mut winners = 0;
    while let Some(outcome) = racers.join_next().await {
        match outcome.unwrap() {
            Ok(_) => winners += 1,
            Err(PoolError::Overlap { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(winners, 1);
    let pools = store.pool_list(50, None).await.unwrap().items;
    assert_eq!(pools.len(), 1, "a refused creation leaves nothing behind");
    assert_eq!(store.pools_of(draft(0, 0).key).await.unwrap().len(), 1);
}

#[tokio::test]
async fn neighbours_touch_but_never_overlap() {
    let (_dynamo, store) = store().await;
    store.pool_create(id(1), draft(100, 199), NOW).await.unwrap();
    for (from, to) in [(0, 100), (199, 300), (150, 160), (0, 500), (100, 199)] {
        let refused = store.pool_create(id(9), draft(from, to), NOW).await;
        assert!(matches!(refused, Err(PoolError::Overlap { pool }) if pool == id(1)), "{from}");
    }
    store.pool_create(id(2), draft(200, 299), NOW).await.unwrap();
    store.pool_create(id(3), draft(0, 99), NOW).await.unwrap();
    let boundaries = store.pools_of(draft(0, 0).key).await.unwrap();
    let order: Vec<PoolId> = boundaries.into_iter().map(|boundary| boundary.pool_id).collect();
    assert_eq!(order, [id(3), id(1), id(2)], "by lower boundary");
}

#[tokio::test]
async fn a_pool_grows_and_shrinks_down_to_its_cursor() {
    let (_dynamo, store) = store().await;
    store.pool_create(id(1), draft(100, 199), NOW).await.unwrap();
    store.pool_create(id(2), draft(300, 399), NOW).await.unwrap();
    assert_eq!(reserve(&store, "R1", 50).await.unwrap(), 100);

    let grown = change(&store, to(299)).await.unwrap();
    assert_eq!((grown.cursor, grown.remaining, grown.draft.to), (150, 150, 299));
    let refused = change(&store, to(300)).await;
    assert!(matches!(refused, Err(PoolError::Overlap { pool }) if pool == id(2)));

    let shrunk = change(&store, to(149)).await.unwrap();
    assert_eq!((shrunk.cursor, shrunk.remaining), (150, 0));
    let below = change(&store, to(148)).await;
    assert!(matches!(below, Err(PoolError::BelowCursor { cursor: 150 })));
    // What was cut off is free for another pool, and what is in use is not.
    store.pool_create(id(4), draft(150, 299), NOW).await.unwrap();
    let refused = store.pool_create(id(5), draft(149, 149), NOW).await;
    assert!(matches!(refused, Err(PoolError::Overlap { .. })));
    assert!(matches!(reserve(&store, "R2", 1).await, Err(ReserveError::Insufficient { .. })));
}

#[tokio::test]
async fn the_lower_end_moves_only_while_nothing_was_reserved() {
    let (_dynamo, store) = store().await;
    store.pool_create(id(1), draft(100, 199), NOW).await.unwrap();
    let from = |from| PoolChange { from: Some(from), ..PoolChange::default() };
    for (start, remaining) in [(150, 50), (50, 150)] {
        let moved = change(&store, from(start)).await.unwrap();
        assert_eq!((moved.cursor, moved.remaining), (start, remaining));
    }
    store.pool_create(id(2), draft(0, 49), NOW).await.unwrap();
    assert!(matches!(change(&store, from(49)).await, Err(PoolError::Overlap { .. })));
    reserve(&store, "R1", 10).await.unwrap();
    assert!(matches!(change(&store, from(55)).await, Err(PoolError::BelowCursor { cursor: 60 })));
    assert!(matches!(change(&store, from(51)).await, Err(PoolError::BelowCursor { .. })));
    assert!(matches!(change(&store, to(40)).await, Err(PoolError::Rule(_))));
}

#[tokio::test]
async fn suspension_stops_new_numbers_and_not_replays() {
    let (_dynamo, store) = store().await;
    store.pool_create(id(1), draft(100, 199), NOW).await.unwrap();
    let first = reserve(&store, "R1", 5).await.unwrap();
    let status = |status| PoolChange { status: Some(status), ..PoolChange::default() };
    change(&store, status(PoolStatus::Suspended)).await.unwrap();
    assert!(matches!(reserve(&store, "R2", 5).await, Err(ReserveError::Inactive)));
    assert_eq!(reserve(&store, "R1", 5).await.unwrap(), first);
    change(&store, status(PoolStatus::Active)).await.unwrap();
    assert_eq!(reserve(&store, "R2", 5).await.unwrap(), 105);
}

#[tokio::test]
async fn changes_of_different_fields_at_once_do_not_undo_each_other() {
    let (_dynamo, store) = store().await;
    store.pool_create(id(1), draft(100, 199), NOW).await.unwrap();
    let suspend = PoolChange { status: Some(PoolStatus::Suspended), ..PoolChange::default() };
    let threshold = PoolChange { threshold: Some(7), ..PoolChange::default() };
    let (one, other) = tokio::join!(change(&store, suspend), change(&store, threshold));
    one.unwrap();
    other.unwrap();
    let pool = store.pool_fetch(&id(1)).await.unwrap().unwrap().pool;
    assert_eq!((pool.status, pool.draft.threshold), (PoolStatus::Suspended, 7));
}

#[tokio::test]
async fn each_change_has_its_record_though_a_crash_left_it_waiting() {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    store.pool_create_by(id(1), draft(100, 199), ("L1/a", NOW)).await.unwrap();
    let threshold = |value| PoolChange { threshold: Some(value), ..PoolChange::default() };
    store.pool_change(&id(1), &threshold(5), ("L1/b", NOW)).await.unwrap();
    // The process ends right after the write that changes the pool.
    let faults = Faults::none().dies_before(4);
    let dying = Store::new(dynamo.client_with(&faults), &store.table);
    dying.pool_change(&id(1), &threshold(6), ("L1/c", NOW)).await.unwrap();
    let waiting = store.pool_fetch(&id(1)).await.unwrap().unwrap().record;
    assert_eq!(
        waiting.map(|waiting| (waiting.place, waiting.actor.clone())),
        Some((3, "L1/c".into()))
    );
    // The next change makes it good; so does the sweep.
    for (value, actor) in [(7, "L1/d"), (8, "L1/e")] {
        store.pool_change(&id(1), &threshold(value), (actor, NOW)).await.unwrap();
    }
    assert_eq!(store.pool_fetch(&id(1)).await.unwrap().unwrap().record, None);
    let records = store.audit_records(&Pk::Pool(id(1)), 10).await.unwrap();
    let actors: Vec<&str> = records.iter().map(|record| record.actor.as_str()).collect();
    assert_eq!(actors, ["L1/a", "L1/b", "L1/c", "L1/d", "L1/e"]);
    let mut before = None;
    for record in &records {
        assert_eq!(record.check(before), Ok(()));
        before = Some(record);
    }
    assert_eq!(records[1].after, records[2].before);
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_made_and_told_once() {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    store.pool_create(id(1), draft(100, 199), NOW).await.unwrap();
    let wider = PoolChange { to: Some(299), ..PoolChange::default() };
    // The answer of the very write that changes the pool is lost; the SDK sends it again.
    let faults = Faults::none().on("UpdateItem", testkit::Fault::CutAfter);
    let unlucky = Store::new(dynamo.client_with(&faults), &store.table);
    let changed = unlucky.pool_change(&id(1), &wider, ("test", NOW)).await.unwrap();
    assert_eq!((changed.draft.to, changed.remaining), (299, 200));
    // What changes nothing leaves no record either.
    let same = PoolChange { threshold: Some(0), ..PoolChange::default() };
    store.pool_change(&id(1), &same, ("test", NOW)).await.unwrap();
    let records = store.audit_records(&Pk::Pool(id(1)), 10).await.unwrap();
    let actions: Vec<&str> = records.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(actions, ["create", "change"]);
}

#[tokio::test]
async fn i1_what_a_slow_change_has_claimed_is_not_taken_back_by_another_one() {
    let (dynamo, store) = store().await;
    store.pool_create(id(1), draft(0, 99), NOW).await.unwrap();
    // Both stop between their claim and the change of the pool; the first may still go on.
    for last in [499, 199] {
        let faults = Faults::none().dies_before(5);
        let slow = Store::new(dynamo.client_with(&faults), &store.table);
        slow.pool_change(&id(1), &to(last), ("x", NOW)).await.unwrap_err();
        assert_eq!(faults.operations()[3..5], ["TransactWriteItems", "UpdateItem"]);
    }
    let refused = store.pool_create(id(2), draft(300, 399), NOW).await;
    assert!(matches!(refused, Err(PoolError::Overlap { .. })), "{refused:?}");
    // The next change that comes to its end puts the claim right.
    store.pool_change(&id(1), &to(299), ("y", NOW)).await.unwrap();
    store.pool_create(id(2), draft(300, 399), NOW).await.unwrap();
}

#[tokio::test]
async fn company_prefixes_of_which_one_begins_with_the_other_share_no_sscc() {
    let (_dynamo, store) = store().await;
    let ssccs = |key: &str, from, to| {
        let key: domain::object_key::ObjectKey = key.parse().unwrap();
        let prefix = key.sscc().unwrap();
        PoolDraft {
            key,
            company_prefix_length: prefix.company_prefix_length(),
            scheme: Scheme::Sequential { width: prefix.reference_digits() },
            ..draft(from, to)
        }
    };
    store.pool_create(id(1), ssccs("0355555.1", 1_000, 1_999), NOW).await.unwrap();
    // Racing with one another, and each with the pool that is there.
    let mut racers = tokio::task::JoinSet::new();
    let wanted =
        [("03555550.1", 1_999, 2_999), ("035555500000.1", 0, 1_000), ("0355555.1", 0, 1_000)];
    for (number, (key, from, to)) in (2..).zip(wanted) {
        let (store, draft) = (store.clone(), ssccs(key, from, to));
        racers.spawn(async move { store.pool_create(id(number), draft, NOW).await });
    }
    while let Some(outcome) = racers.join_next().await {
        assert!(matches!(outcome.unwrap(), Err(PoolError::Overlap { pool }) if pool == id(1)));
    }
    store.pool_create(id(5), ssccs("03555550.1", 2_000, 2_999), NOW).await.unwrap();
    store.pool_create(id(6), ssccs("0355555.2", 1_000, 1_999), NOW).await.unwrap();
    // Growing is a claim as well.
    let refused = change(&store, to(2_000)).await;
    assert!(matches!(refused, Err(PoolError::Overlap { pool }) if pool == id(5)));
    for (key, pool) in [("0355555.1", 1), ("03555550.1", 5), ("0355555.2", 6)] {
        let key: domain::object_key::ObjectKey = key.parse().unwrap();
        let pools: Vec<PoolId> =
            store.pools_of(key).await.unwrap().into_iter().map(|claim| claim.pool_id).collect();
        assert_eq!(pools, [id(pool)], "{key}");
    }
    assert_eq!(store.audit().await.unwrap().breaches, []);
}
