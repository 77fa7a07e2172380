use domain::gtin::Gtin14;
use domain::ids::{PoolId, RequestId, SystemId};
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest};
use edge::{App, AuthorizerContext, HttpEvent, TenantProfile, app};
use http_body_util::BodyExt;
use serde_json::Value;
use store::Buckets;
use store::client::{AwsSettings, https, s3, sqs};
use testkit::Dynamo;
use time::macros::datetime;

use super::*;

const NOW: &str = "2026-11-23T10:00:00.000Z";
const LINE: &str = "0313000000018";

struct World {
    _dynamo: Dynamo,
    store: Store,
    app: App,
    path: String,
    id: AllocationId,
}

/// A hub with one allocation of `quantity` numbers. No test here reaches S3: a call would fail.
async fn world(profile: TenantProfile, quantity: u64) -> World {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let gtin = Gtin14::parse("00313000007772").unwrap();
    let draft = PoolDraft {
        name: "pool".into(),
        key: gtin.into(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        eu_rules: false,
        from: 1_000,
        to: 200_000_000,
        max_request: 100_000_000,
        threshold: 0,
        policy: domain::policy::PoolPolicy::default(),
    };
    let pool = PoolId::from_entropy([1; 17]);
    store.pool_create(pool.clone(), draft, NOW).await.unwrap();
    let request = ReserveRequest {
        requester: SystemId::parse("L1").unwrap(),
        credential: None,
        request_id: RequestId::parse("R1").unwrap(),
        key: gtin.into(),
        quantity,
        pool_id: None,
        system_id: None,
        line_gln: Some(domain::gln::Gln::parse(LINE).unwrap()),
        plant_gln: None,
        details: Details::default(),
        terms: domain::request::Terms::default(),
    };
    let id = store.reserve(&request, &[pool], NOW).await.unwrap().allocation.id;
    let nowhere = Some("http://127.0.0.1:9".to_owned());
    let settings = AwsSettings::new("eu-central-1", nowhere, ("test", "test"), None);
    let buckets = Buckets { inbound: "i".into(), outbound: "o".into(), documents: "d".into() };
    let clock = Clock::fixed(datetime!(2026-11-23 10:00 UTC));
    let objects = Objects { s3: s3(&settings, &https()), buckets };
    let jobs = Jobs { sqs: sqs(&settings, &https()), url: "http://127.0.0.1:9/jobs".into() };
    let hub = Hub { store: store.clone(), objects, jobs, clock: clock.clone() };
    let path = format!("/api/v1/l3/allocations/{id}/export");
    World { _dynamo: dynamo, store, app: app(router(hub), profile, clock), path, id }
}

fn caller(scopes: &str) -> AuthorizerContext {
    AuthorizerContext { system: "L1".into(), scopes: scopes.into(), ..AuthorizerContext::default() }
}

impl World {
    async fn send(&self, event: HttpEvent) -> (u16, String, String) {
        let response = self.app.handle(event.request().unwrap()).await;
        let status = response.status().as_u16();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, kind, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn get(&self, query: &str, accept: &str) -> (u16, String, String) {
        let event = HttpEvent::get(&self.path).query(query).caller(&caller("allocations:read"));
        self.send(event.header("accept", accept)).await
    }
}

fn slug(body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap();
    problem["type"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_first_export_makes_the_allocation_exported() {
    let world = world(TenantProfile::Manufacturer, 3).await;
    let (status, kind, csv) = world.get("", "*/*").await;
    assert_eq!((status, kind.as_str()), (200, "text/csv; charset=utf-8"));
    assert_eq!(csv.matches("\r\n").count(), 4);
    let status =
        || async { world.store.allocation_fetch(&world.id).await.unwrap().unwrap().status };
    assert_eq!(status().await.as_str(), "exported");
    assert_eq!(world.get("", "*/*").await.2, csv, "the same bytes again");
    assert_eq!(status().await.as_str(), "exported");
}

#[tokio::test]
async fn format_and_profile_are_chosen_by_query_or_accept() {
    let world = world(TenantProfile::Manufacturer, 3).await;
    let (_, _, bare) = world.get("profile=bare", "").await;
    assert_eq!(bare, "000000001000\r\n000000001001\r\n000000001002\r\n");
    let (_, kind, json) = world.get("", "text/html, application/json;q=0.9").await;
    assert_eq!(kind, "application/json");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["serials"].as_array().unwrap().len(), 3);
    for (accept, expected) in [
        ("text/csv;q=0.5, application/json", "application/json"),
        ("application/json;q=0.2, text/csv;q=0.25", "text/csv; charset=utf-8"),
        ("application/json; q=0, text/html", "text/csv; charset=utf-8"),
        ("application/json, text/csv", "application/json"),
        ("application/json;q=2, text/csv;q=0.001", "text/csv; charset=utf-8"),
        ("*/*", "text/csv; charset=utf-8"),
    ] {
        assert_eq!(world.get("", accept).await.1, expected, "{accept}");
    }
    let (_, kind, _) = world.get("format=csv", "application/json").await;
    assert_eq!(kind, "text/csv; charset=utf-8");
    let (_, _, range) = world.get("profile=range", "text/csv").await;
    assert!(range.contains("\"000000001000\",\"000000001002\",\"3\""));
    for query in ["format=xml", "profile=wide", "profiles=full", "format="] {
        let (status, _, body) = world.get(query, "").await;
        assert_eq!((status, slug(&body)), (400, "validation".into()), "{query}");
    }
}

#[tokio::test]
async fn a_small_file_of_many_numbers_is_inline_and_voided_numbers_are_refused() {
    let large = world(TenantProfile::Manufacturer, 100_000_000).await;
    assert_eq!(large.get("profile=range", "").await.0, 200);
    let voided = world(TenantProfile::Manufacturer, 3).await;
    voided
        .store
        .allocation_void(&voided.id, "test", ("test", "2026-11-23T10:00:00.000Z"))
        .await
        .unwrap();
    let (status, _, body) = voided.get("", "").await;
    assert_eq!((status, slug(&body)), (409, "allocation-state".into()));
}

#[tokio::test]
async fn the_route_is_closed_to_the_wrong_caller() {
    let here = world(TenantProfile::Manufacturer, 3).await;
    let get = || HttpEvent::get(&here.path);
    let other_line = AuthorizerContext { lines: "0313000000025".into(), ..caller("operator") };
    let own_line = AuthorizerContext { lines: LINE.into(), ..caller("operator") };
    let unknown = HttpEvent::get(&here.path.replace(here.id.as_str(), &"A".repeat(26)));
    let malformed = HttpEvent::get(&here.path.replace(here.id.as_str(), "x"));
    for (event, status) in [
        (get(), 401),
        (get().caller(&AuthorizerContext::default()), 401),
        (get().caller(&caller("pools:read")), 403),
        (get().caller(&other_line), 404),
        (get().caller(&own_line), 200),
        (unknown.caller(&caller("operator")), 404),
        (malformed.caller(&caller("operator")), 404),
    ] {
        assert_eq!(here.send(event).await.0, status);
    }
    let there = world(TenantProfile::Dispenser, 3).await;
    let (status, _, body) = there.get("", "").await;
    assert_eq!((status, slug(&body)), (403, "capability-not-enabled".into()));
}

#[tokio::test]
async fn i1_what_gave_numbers_back_is_handed_out_no_more() {
    let world = world(TenantProfile::Manufacturer, 100).await;
    let pool = PoolId::from_entropy([1; 17]);
    let mut change = store::pool::PoolChange::default();
    change.policy.reoffer = Some(domain::policy::Reoffer::Returned);
    world.store.pool_change(&pool, &change, ("x", NOW)).await.unwrap();
    assert_eq!(world.get("", "").await.0, 200);
    let nowhere = Some("http://127.0.0.1:9".to_owned());
    let settings = AwsSettings::new("eu-central-1", nowhere, ("test", "test"), None);
    let buckets = Buckets { inbound: "i".into(), outbound: "o".into(), documents: "d".into() };
    let shelf = testkit::Shelf::new(&testkit::TestClock::default());
    let objects = Objects { s3: s3(&settings, &shelf.http()), buckets };
    let request = store::number_change::Request {
        requester: &SystemId::parse("L1").unwrap(),
        actor: "L1/c",
        key: &RequestId::parse("K").unwrap(),
        selection: store::number_change::Selection::Runs(vec![(0, 9)]),
        fate: domain::give_back::Fate::Return,
        reason: "order cut short",
    };
    world.store.numbers_give_up(&objects, &world.id, &request, NOW).await.unwrap();
    for query in ["", "profile=range", "format=json", "gzip=true"] {
        let (status, _, body) = world.get(query, "").await;
        assert_eq!((status, slug(&body)), (409, "allocation-state".into()), "{query}");
    }
}
