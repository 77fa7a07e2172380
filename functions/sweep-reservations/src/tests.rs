mod replenish;
mod reservations;
mod webhook;

use domain::gtin::Gtin14;
use domain::ids::{PoolId, RequestId, SystemId};
use domain::policy::PoolPolicy;
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest, Terms};
use store::Buckets;
use store::client::{AwsSettings, https, s3, sqs};
use store::time::rfc3339_ms;
use time::OffsetDateTime;
use time::macros::datetime;

use super::*;

fn gtin() -> Gtin14 {
    Gtin14::parse("00313000007772").unwrap()
}

fn request(id: &str, quantity: u64) -> ReserveRequest {
    ReserveRequest {
        requester: SystemId::parse("L1").unwrap(),
        credential: None,
        request_id: RequestId::parse(id).unwrap(),
        key: gtin().into(),
        quantity,
        pool_id: None,
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: Details::default(),
        terms: Terms::default(),
    }
}

fn sweeper(store: &Store, now: OffsetDateTime) -> Sweeper {
    let settings = AwsSettings::new("eu-central-1", None, ("test", "test"), None);
    let buckets = Buckets { inbound: "in".into(), outbound: "out".into(), documents: "d".into() };
    Sweeper {
        store: store.clone(),
        objects: Objects { s3: s3(&settings, &https()), buckets },
        sqs: sqs(&settings, &https()),
        inbound_queue_url: String::new(),
        pool_events_queue_url: String::new(),
        webhook_hosts: AllowedHosts::default(),
        clock: Clock::fixed(now),
        patience: Duration::minutes(135),
    }
}

#[tokio::test]
async fn what_is_unfinished_or_unconfirmed_becomes_void_once_it_is_old() {
    let dynamo = testkit::Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let opened = datetime!(2026-11-23 10:00 UTC);
    let draft = PoolDraft {
        name: "pool".into(),
        key: gtin().into(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        from: 1_000,
        to: 9_999,
        max_request: 500,
        threshold: 0,
        eu_rules: false,
        policy: PoolPolicy::default(),
    };
    let pool = PoolId::from_entropy([1; 17]);
    store.pool_create(pool.clone(), draft, &rfc3339_ms(opened)).await.unwrap();
    let request = request("R1", 10);
    store.reservation_open(&request, &pool, &rfc3339_ms(opened)).await.unwrap();

    let at = |now| sweeper(&store, now);
    let young = pools(&at(opened + UNFINISHED_AGE)).await;
    assert_eq!(young, Sweep { pools: 1, ..Sweep::default() });
    let old = opened + UNFINISHED_AGE + Duration::milliseconds(1);
    assert_eq!(pools(&at(old)).await, Sweep { pools: 1, voided: 1, ..Sweep::default() });
    assert_eq!(pools(&at(old)).await, Sweep { pools: 1, ..Sweep::default() });

    // The caller comes back late: it gets other numbers, and nothing leaks (I2, I3).
    let outcome =
        store.reserve(&request, std::slice::from_ref(&pool), &rfc3339_ms(old)).await.unwrap();
    assert_eq!((outcome.allocation.start, outcome.allocation.size), (1_010, 10));
    let state = store.pool_fetch(&pool).await.unwrap().unwrap();
    assert_eq!((state.pool.cursor, state.open.len()), (1_020, 0));

    // Numbers held for a minute are given up once that is over, and not before.
    let terms = Terms { hold_minutes: Some(1), ..Terms::default() };
    let held = ReserveRequest { request_id: RequestId::parse("R2").unwrap(), terms, ..request };
    store.reserve(&held, std::slice::from_ref(&pool), &rfc3339_ms(opened)).await.unwrap();
    let ended = opened + Duration::minutes(1);
    assert_eq!(holds(&at(ended - Duration::milliseconds(1))).await, Sweep::default());
    assert_eq!(holds(&at(ended)).await, Sweep { expired: 1, ..Sweep::default() });
    assert_eq!(holds(&at(ended)).await, Sweep::default());
}

async fn holds(sweeper: &Sweeper) -> Sweep {
    let mut done = Sweep::default();
    holds::end(sweeper, &mut done).await.unwrap();
    done
}

/// The part of a run that needs no bucket; the flows have the rest.
async fn pools(sweeper: &Sweeper) -> Sweep {
    let mut done = Sweep::default();
    pools::sweep(sweeper, &mut done).await.unwrap();
    done
}
