use std::sync::atomic::{AtomicU8, Ordering};

use domain::ids::{PoolId, RequestId, SystemId};
use domain::request::{Details, Mode, ReserveRequest, Terms};
use domain::webhook::AllowedHosts;
use edge::{App, AuthorizerContext, Clock, Entropy, HttpEvent, TenantProfile, app};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::client::{AwsSettings, https, s3};
use store::kms::Kms;
use store::{Buckets, Objects, Store};
use testkit::{Dynamo, KeyService, Shelf, TestClock};
use time::macros::datetime;

use super::{Hub, router};

mod policy;
mod product;

mod serials;
mod space;
mod sscc;

const POOLS: &str = "/api/v1/l3/pools";

struct Bench {
    door: App,
    store: Store,
    keys: KeyService,
    _dynamo: Dynamo,
}

async fn bench_of(profile: TenantProfile) -> Bench {
    let dynamo = Dynamo::start().await;
    let keys = KeyService::start().await;
    let endpoint = Some(keys.endpoint().to_owned());
    let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
    let kms = Kms::new(&settings, &https(), keys.key_arn());
    let store = Store::new(dynamo.client(), &dynamo.table().await).with_kms(kms);
    let next = AtomicU8::new(0);
    let entropy = Entropy::from_fn(move |bytes| bytes.fill(next.fetch_add(1, Ordering::Relaxed)));
    let clock = Clock::fixed(datetime!(2026-11-23 10:00 UTC));
    let webhook_hosts = AllowedHosts::parse("hooks.example.com");
    let objects = testkit_objects();
    let hub = Hub { store: store.clone(), objects, clock: clock.clone(), entropy, webhook_hosts };
    Bench { door: app(router(hub), profile, clock), store, keys, _dynamo: dynamo }
}

fn testkit_objects() -> Objects {
    let shelf = Shelf::new(&TestClock::default());
    let endpoint = Some("http://localhost".to_owned());
    let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
    let buckets = Buckets {
        inbound: "inbound".into(),
        outbound: "outbound".into(),
        documents: "documents".into(),
    };
    Objects { s3: s3(&settings, &shelf.http()), buckets }
}

async fn bench() -> Bench {
    bench_of(TenantProfile::Manufacturer).await
}

fn context(scopes: &str) -> AuthorizerContext {
    let (system, scopes) = ("L1".to_owned(), scopes.to_owned());
    AuthorizerContext { system, scopes, ..AuthorizerContext::default() }
}

fn draft() -> Value {
    json!({
        "name": "EA pool", "encoding": "SGTIN", "gtin": "00313000007772",
        "company_prefix_length": 7, "scheme": "sequential", "width": 12,
        "from": "1000", "to": "999999", "max_request": 500_000, "threshold": 10_000
    })
}

fn with(mut base: Value, name: &str, value: Value) -> Value {
    base[name] = value;
    base
}

impl Bench {
    async fn send(&self, event: &HttpEvent) -> (u16, Value) {
        let response = self.door.handle(event.request().unwrap()).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn operator(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let event = HttpEvent::new(method, path).caller(&context("operator"));
        self.send(&body.map_or(event.clone(), |body| event.json(body))).await
    }

    async fn created(&self) -> String {
        let (status, pool) = self.operator("POST", POOLS, Some(&draft())).await;
        assert_eq!(status, 201, "{pool}");
        format!("{POOLS}/{}", pool["id"].as_str().unwrap())
    }
}

fn slug(body: &Value) -> &str {
    body["type"].as_str().unwrap().rsplit('/').next().unwrap()
}

#[tokio::test]
async fn a_pool_is_answered_with_its_counters_and_found_again() {
    let bench = bench().await;
    let (status, pool) = bench.operator("POST", POOLS, Some(&draft())).await;
    assert_eq!(status, 201, "{pool}");
    let expected = json!({
        "id": pool["id"], "name": "EA pool", "status": "active", "encoding": "SGTIN",
        "gtin": "00313000007772", "company_prefix_length": 7, "scheme": "sequential", "width": 12,
        "from": "1000", "to": "999999", "cursor": "1000", "remaining": "999000", "reserved": "0",
        "below_threshold": false, "max_request": 500_000, "threshold": 10_000,
        "open_reservations": 0, "created_at": "2026-11-23T10:00:00.000Z",
        "space": null, "eu_rules": false, "threshold_hours": null, "auto_extend": null,
        "reservation_events": false, "reoffer": "never"
    });
    assert_eq!(pool, expected);
    let path = format!("{POOLS}/{}", pool["id"].as_str().unwrap());
    assert_eq!(bench.operator("GET", &path, None).await, (200, expected.clone()));
    let listed = json!({"items": [expected], "next_cursor": null});
    assert_eq!(bench.operator("GET", POOLS, None).await, (200, listed));
}

#[tokio::test]
async fn i1_overlapping_boundaries_of_a_gtin_are_refused_also_when_repeated() {
    let bench = bench().await;
    bench.created().await;
    for (from, to, expected) in [
        ("1000", "999999", 409),
        ("0", "1000", 409),
        ("999999", "1000005", 409),
        ("0", "999", 201),
        ("1000000", "1000000", 201),
    ] {
        let body = with(with(draft(), "from", from.into()), "to", to.into());
        let (status, answer) = bench.operator("POST", POOLS, Some(&body)).await;
        assert_eq!(status, expected, "{from} {to}");
        if status == 409 {
            assert_eq!(slug(&answer), "pool-overlap");
        }
    }
    let other = with(draft(), "gtin", "00313000007789".into());
    assert_eq!(bench.operator("POST", POOLS, Some(&other)).await.0, 201);
}

#[tokio::test]
async fn i1_of_racing_creations_exactly_one_wins() {
    let bench = bench().await;
    let body = draft();
    let one = || bench.operator("POST", POOLS, Some(&body));
    let answers = tokio::join!(one(), one(), one(), one());
    let mut statuses = [answers.0.0, answers.1.0, answers.2.0, answers.3.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

#[tokio::test]
async fn bad_bodies_are_refused_and_create_nothing() {
    let bench = bench().await;
    for (name, value, status, pointer) in [
        ("gtin", json!("00313000007773"), 400, "/gtin"),
        ("gtin", json!(313), 400, "/gtin"),
        ("encoding", json!("SSCC"), 400, "/gtin"),
        ("encoding", json!("CN_EDMC"), 400, "/encoding"),
        ("scheme", json!("random"), 400, "/scheme"),
        ("from", json!(1000), 400, "/from"),
        ("from", json!("+1000"), 400, "/from"),
        ("from", json!(""), 400, "/from"),
        ("from", json!("-1"), 400, "/from"),
        ("to", json!("9".repeat(21)), 400, "/to"),
        ("to", json!("999"), 422, "/to"),
        ("to", json!("1000000000000"), 422, "/to"),
        ("width", json!(21), 422, "/width"),
        ("width", json!(300), 400, "/width"),
        ("company_prefix_length", json!(13), 422, "/company_prefix_length"),
        ("name", json!(""), 422, "/name"),
        ("max_request", json!(0), 422, "/max_request"),
        ("max_request", json!(100_000_001), 422, "/max_request"),
        ("max_request", json!("5"), 400, "/max_request"),
        ("threshold", json!(-1), 400, "/threshold"),
        ("tenant", json!("other"), 400, "/tenant"),
    ] {
        let body = with(draft(), name, value);
        let (found, answer) = bench.operator("POST", POOLS, Some(&body)).await;
        assert_eq!((found, slug(&answer)), (status, "validation"), "{body}");
        assert_eq!(answer["violations"][0]["pointer"], pointer, "{answer}");
    }
    let listed = bench.operator("GET", POOLS, None).await.1;
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn a_pool_is_suspended_resumed_extended_and_shrunk_to_its_cursor() {
    let bench = bench().await;
    let path = bench.created().await;
    let id = PoolId::parse(path.rsplit('/').next().unwrap()).unwrap();
    reserve(&bench.store, &id, "R1", 10).await;
    let apply = async |body: Value| bench.operator("PATCH", &path, Some(&body)).await;
    assert_eq!(apply(json!({"status": "suspended"})).await.1["status"], "suspended");
    assert_eq!(apply(json!({"status": "suspended"})).await.1["status"], "suspended");
    assert_eq!(apply(json!({"status": "active"})).await.1["status"], "active");
    let grown = apply(json!({"to": "1000999"})).await.1;
    assert_eq!((&grown["to"], &grown["remaining"]), (&json!("1000999"), &json!("999990")));
    let shrunk = apply(json!({"to": "1009", "threshold": 5, "max_request": 7})).await.1;
    assert_eq!((&shrunk["remaining"], &shrunk["reserved"]), (&json!("0"), &json!("10")));
    assert_eq!((&shrunk["below_threshold"], &shrunk["max_request"]), (&json!(true), &json!(7)));
    let (status, cut) = apply(json!({"to": "1008"})).await;
    assert_eq!((status, &cut["cursor"]), (422, &json!("1010")), "{cut}");
    assert_eq!(apply(json!({"status": "closed"})).await.0, 400);
    assert_eq!(apply(json!({"cursor": "1000"})).await.0, 400);
    assert_eq!(apply(json!({"max_request": 0})).await.0, 422);
    let unknown = format!("{POOLS}/{}", "Z".repeat(26));
    let missing = bench.operator("PATCH", &unknown, Some(&json!({"threshold": 1}))).await;
    assert_eq!((missing.0, slug(&missing.1)), (404, "not-found"));
}

async fn reserve(store: &Store, pool: &PoolId, request_id: &str, quantity: u64) {
    let request = ReserveRequest {
        requester: SystemId::parse("L1").unwrap(),
        credential: None,
        request_id: RequestId::parse(request_id).unwrap(),
        key: "00313000007772".parse().unwrap(),
        quantity,
        pool_id: Some(pool.clone()),
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: Details::default(),
        terms: Terms { mode: Mode::List, ..Terms::default() },
    };
    let pools = std::slice::from_ref(pool);
    store.reserve(&request, pools, "2026-11-23T10:00:00.000Z").await.unwrap();
}

#[tokio::test]
async fn ranges_come_in_order_over_pages() {
    let bench = bench().await;
    let path = bench.created().await;
    let id = PoolId::parse(path.rsplit('/').next().unwrap()).unwrap();
    for n in 0..5 {
        reserve(&bench.store, &id, &format!("R{n}"), 10).await;
    }
    let ranges = format!("{path}/ranges");
    let mut starts = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let event = HttpEvent::get(&ranges).query(&query).caller(&context("pools:read"));
        let (status, page) = bench.send(&event).await;
        assert_eq!(status, 200);
        for range in page["items"].as_array().unwrap() {
            assert_eq!((&range["size"], &range["kind"]), (&json!(10), &json!("allocation")));
            assert!(range["allocation_id"].is_string() && range["reason"].is_null());
            starts.push(range["start"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        query = format!("limit=2&cursor={cursor}");
    }
    assert_eq!(starts, ["1000", "1010", "1020", "1030", "1040"]);
    for query in ["limit=0", "limit=201", "cursor=x", "cursor=QUJD", "sort=up"] {
        let event = HttpEvent::get(&ranges).query(query).caller(&context("pools:read"));
        assert_eq!(bench.send(&event).await.0, 400, "{query}");
    }
}

/// Every route, the scope it needs, and a body if it takes one.
fn routes(pool: &str) -> Vec<(HttpEvent, &'static str, &'static str)> {
    vec![
        (HttpEvent::new("POST", POOLS).json(&draft()), "pools:write", "pools:read"),
        (HttpEvent::get(POOLS), "pools:read", "pools:write allocations:read"),
        (HttpEvent::get(pool), "pools:read", "pools:write"),
        (
            HttpEvent::get(&format!("{POOLS}/spaces")).query("gtin=00313000007772"),
            "pools:read",
            "pools:write",
        ),
        (HttpEvent::new("PATCH", pool).json(&json!({})), "pools:write", "pools:read"),
        (HttpEvent::get(&format!("{pool}/ranges")), "pools:read", "reports:read"),
        (HttpEvent::get(&format!("{pool}/serials")), "pools:read", "pools:write"),
    ]
}

#[tokio::test]
async fn i8_each_route_refuses_no_bad_expired_and_unscoped_callers() {
    let bench = bench().await;
    let pool = bench.created().await;
    let because =
        |reason: &str| AuthorizerContext { reason: reason.into(), ..AuthorizerContext::default() };
    for (event, needed, others) in routes(&pool) {
        let expired =
            AuthorizerContext { expires_at: "2026-11-23T10:00:00.000Z".into(), ..context(needed) };
        for (caller, expected) in [
            (None, (401, "unauthorized")),
            (Some(because("bad")), (401, "unauthorized")),
            (Some(because("expired")), (401, "unauthorized")),
            (Some(because("revoked")), (401, "unauthorized")),
            (Some(expired), (401, "unauthorized")),
            (Some(context("")), (403, "forbidden")),
            (Some(context(others)), (403, "forbidden")),
        ] {
            let event = caller.iter().fold(event.clone(), HttpEvent::caller);
            let (status, body) = bench.send(&event).await;
            assert_eq!((status, slug(&body)), expected, "{event:?}");
        }
        let (status, body) = bench.send(&event.clone().caller(&context(needed))).await;
        assert!(matches!(status, 200 | 409), "{event:?} {body}");
    }
}

#[tokio::test]
async fn i8_a_credential_bound_to_a_line_reads_pools_but_changes_none() {
    let bench = bench().await;
    let pool = bench.created().await;
    let lines = "0313000000018".to_owned();
    let bound = AuthorizerContext { lines, ..context("operator") };
    for (event, needed, _) in routes(&pool) {
        let (status, body) = bench.send(&event.clone().caller(&bound)).await;
        if needed == "pools:write" || event.to_json()["rawPath"] == format!("{pool}/ranges") {
            assert_eq!((status, slug(&body)), (403, "line-not-bound"), "{event:?}");
        } else {
            assert_eq!(status, 200, "{event:?}");
        }
    }
}

#[tokio::test]
async fn i8_other_profiles_have_no_pools() {
    for profile in [TenantProfile::Wholesaler, TenantProfile::Dispenser] {
        let bench = bench_of(profile).await;
        for (event, _, _) in routes(&format!("{POOLS}/{}", "A".repeat(26))) {
            let (status, body) = bench.send(&event.clone().caller(&context("operator"))).await;
            assert_eq!((status, slug(&body)), (403, "capability-not-enabled"), "{event:?}");
            assert_eq!(bench.send(&event).await.0, 401);
        }
    }
}

#[tokio::test]
async fn what_is_no_pool_is_404_and_other_methods_are_405() {
    let bench = bench().await;
    bench.created().await;
    for path in ["A", "a b", "..%2Fpools", "%00", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "x/ranges", "x/y/z"]
    {
        let path = format!("{POOLS}/{path}");
        let (status, body) = bench.operator("GET", &path, None).await;
        assert_eq!((status, slug(&body)), (404, "not-found"), "{path}");
    }
    for (method, path) in [("DELETE", POOLS), ("PUT", POOLS), ("PATCH", POOLS)] {
        let (status, body) = bench.operator(method, path, None).await;
        assert_eq!((status, slug(&body)), (405, "method-not-allowed"), "{method}");
    }
    let xml = HttpEvent::new("POST", POOLS).header("content-type", "text/xml").body("<a/>");
    let (status, body) = bench.send(&xml.caller(&context("operator"))).await;
    assert_eq!((status, slug(&body)), (415, "unsupported-media-type"));
}

#[tokio::test]
async fn sample_events_are_answered() {
    let bench = bench().await;
    for (event, expected) in [
        (include_str!("../../../events/manage-pools/create-pool.json"), 201),
        (include_str!("../../../events/manage-pools/list-pools.json"), 200),
        (include_str!("../../../events/manage-pools/create-randomised-pool.json"), 201),
        (include_str!("../../../events/manage-pools/create-sscc-pool.json"), 201),
        (include_str!("../../../events/manage-pools/list-spaces.json"), 200),
    ] {
        let request = edge::event::request_of_json(event).unwrap();
        assert_eq!(bench.door.handle(request).await.status().as_u16(), expected);
    }
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_503_and_says_when_to_come_back() {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), "no-such-table");
    let clock = Clock::fixed(datetime!(2026-11-23 10:00 UTC));
    let (entropy, webhook_hosts) = (Entropy::system(), AllowedHosts::default());
    let objects = testkit_objects();
    let hub = Hub { store, objects, clock: clock.clone(), entropy, webhook_hosts };
    let door = app(router(hub), TenantProfile::Manufacturer, clock);
    for (event, _, _) in routes(&format!("{POOLS}/{}", "A".repeat(26))) {
        let request = event.caller(&context("operator")).request().unwrap();
        let response = door.handle(request).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (503, &"1".parse().unwrap())
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("no-such-table"));
    }
}
