use domain::ids::{AllocationId, PoolId};
use domain::pool::{PoolDraft, Scheme};
use edge::{App, AuthorizerContext, Clock, HttpEvent, TenantProfile, app};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::client::{AwsSettings, https, s3, sqs};
use store::keys::Pk;
use store::{Buckets, Objects, Store};
use testkit::{Dynamo, Shelf, TestClock};
use time::OffsetDateTime;
use time::macros::datetime;

use super::*;

mod closing;
mod ending;
mod give_back;
mod random;
mod review_form;
mod sscc;
mod terms;

const ROOT: &str = "/api/v1/l3/allocations";
const LINE: &str = "0313000000018";
const OTHER_LINE: &str = "0313000000025";

struct World {
    dynamo: Dynamo,
    store: Store,
    shelf: Shelf,
    app: App,
}

async fn world_of(profile: TenantProfile) -> World {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let shelf = Shelf::new(&TestClock::default());
    let app = app_at((&store, &shelf), profile, datetime!(2026-11-23 10:00 UTC));
    World { dynamo, store, shelf, app }
}

/// The function as it is at a time.
fn app_at((store, shelf): (&Store, &Shelf), profile: TenantProfile, now: OffsetDateTime) -> App {
    // Buckets are in process; a queue is not asked for here, and a call to this address would fail.
    let nowhere = Some("http://127.0.0.1:9".to_owned());
    let settings = AwsSettings::new("eu-central-1", nowhere, ("test", "test"), None);
    let buckets = Buckets { inbound: "i".into(), outbound: "o".into(), documents: "d".into() };
    let objects = Objects { s3: s3(&settings, &shelf.http()), buckets };
    let clock = Clock::fixed(now);
    let jobs = Jobs { sqs: sqs(&settings, &https()), url: "http://127.0.0.1:9/jobs".into() };
    let router = router(Hub::new(store.clone(), objects, jobs, clock.clone()));
    app(router, profile, clock)
}

async fn world() -> World {
    let world = world_of(TenantProfile::Manufacturer).await;
    world.pool(1, 1_000, 1_999).await;
    world
}

fn caller(scopes: &str) -> AuthorizerContext {
    AuthorizerContext {
        system: "L1".into(),
        credential: "c".into(),
        scopes: scopes.into(),
        ..AuthorizerContext::default()
    }
}

impl World {
    async fn pool(&self, id: u8, from: u128, to: u128) -> PoolId {
        let draft = PoolDraft {
            name: "pool".into(),
            key: "00313000007772".parse().unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 12 },
            eu_rules: false,
            from,
            to,
            max_request: 500,
            threshold: 600,
            policy: domain::policy::PoolPolicy::default(),
        };
        let id = PoolId::from_entropy([id; 17]);
        self.store.pool_create(id.clone(), draft, "2026-11-23T09:00:00.000Z").await.unwrap();
        id
    }

    async fn send(&self, event: HttpEvent) -> (u16, Value) {
        let response = self.app.handle(event.request().unwrap()).await;
        let status = response.status().as_u16();
        let replay = response.headers().contains_key("idempotent-replay");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let mut body: Value = serde_json::from_slice(&bytes).unwrap();
        if replay {
            body["replay"] = true.into();
        }
        (status, body)
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let event = HttpEvent::new("POST", path).json(body).caller(&caller("allocations:write"));
        self.send(event).await
    }

    async fn get(&self, path: &str, query: &str) -> (u16, Value) {
        let event = HttpEvent::get(path).query(query).caller(&caller("allocations:read"));
        self.send(event).await
    }
}

fn body(request_id: &str, quantity: u64) -> Value {
    json!({ "request_id": request_id, "gtin": "00313000007772", "quantity": quantity,
        "lot": "LOT42", "expiry": "2028-10-31", "line_gln": LINE, "work_order": "WO-1" })
}

fn slug(body: &Value) -> &str {
    body["type"].as_str().unwrap().rsplit('/').next().unwrap()
}

#[tokio::test]
async fn a_request_sent_twice_gives_one_allocation() {
    let world = world().await;
    let (status, first) = world.post(ROOT, &body("R1", 500)).await;
    assert_eq!(status, 201, "{first}");
    assert_eq!(first["range"]["from"], "000000001000");
    assert_eq!(first["range"]["to_epc"], "urn:epc:id:sgtin:0313000.000777.000000001499");
    assert_eq!(first["pool"]["remaining"], "500");
    assert_eq!(first["pool"]["below_threshold"], true);
    assert_eq!(first["status"], "reserved");
    let (status, second) = world.post(ROOT, &body("R1", 500)).await;
    assert_eq!((status, &second["replay"]), (200, &Value::Bool(true)));
    assert_eq!(second["allocation_id"], first["allocation_id"]);
    let (status, third) = world.post(ROOT, &body("R1", 499)).await;
    assert_eq!((status, slug(&third)), (409, "idempotency-key-reuse"));
}

#[tokio::test]
async fn a_second_pool_serves_when_the_first_is_used_up() {
    let world = world().await;
    for id in ["R1", "R2"] {
        assert_eq!(world.post(ROOT, &body(id, 500)).await.0, 201);
    }
    let (status, refused) = world.post(ROOT, &body("R3", 1)).await;
    assert_eq!((status, slug(&refused)), (422, "insufficient-serial-numbers"));
    assert_eq!(refused["available"], "0");
    world.pool(2, 5_000, 5_999).await;
    let (status, served) = world.post(ROOT, &body("R3", 1)).await;
    assert_eq!((status, served["range"]["from"].as_str()), (201, Some("000000005000")));
}

#[tokio::test]
async fn wrong_bodies_are_refused_and_change_nothing() {
    let world = world().await;
    let with = |name: &str, value: Value| {
        let mut wrong = body("R1", 5);
        wrong[name] = value;
        wrong
    };
    let cases = [
        (with("quantity", json!(0)), 400, "validation"),
        (with("quantity", json!(-1)), 400, "validation"),
        (with("quantity", json!("5")), 400, "validation"),
        (with("quantity", json!(501)), 422, "size-limit"),
        (with("gtin", json!("00313000007773")), 400, "validation"),
        (with("gtin", json!("00614141123452")), 404, "not-found"),
        (with("lot", json!("a b")), 400, "validation"),
        (with("expiry", json!("2028-02-30")), 400, "validation"),
        (with("expiry", json!("281031")), 400, "validation"),
        (with("manufactured", json!("2029-01-01")), 400, "validation"),
        (with("line_gln", json!("0313000000019")), 400, "validation"),
        (with("mode", json!("random")), 422, "mode-not-allowed"),
        (with("encoding", json!("SSCC")), 400, "validation"),
        (with("allow_partial", json!("yes")), 400, "validation"),
        (with("hold_minutes", json!(0)), 400, "validation"),
        (with("hold_minutes", json!(43_201)), 400, "validation"),
        (with("system_id", json!("nobody")), 400, "validation"),
        (with("pool_id", json!("A".repeat(26))), 404, "not-found"),
        (with("pool_id", json!("x")), 400, "validation"),
        (with("request_id", json!("a b")), 400, "validation"),
        (with("request_id", Value::Null), 400, "validation"),
        (with("work_order", json!("\u{0}")), 400, "validation"),
        (with("filter_value", json!(8)), 400, "validation"),
        (with("quantitty", json!(1)), 400, "validation"),
        (json!([]), 400, "validation"),
    ];
    for (wrong, status, kind) in cases {
        let (got, answer) = world.post(ROOT, &wrong).await;
        assert_eq!((got, slug(&answer)), (status, kind), "{wrong}");
    }
    let pool = world.store.pool_fetch(&PoolId::from_entropy([1; 17])).await.unwrap().unwrap();
    assert_eq!((pool.pool.cursor, pool.open.len()), (1_000, 0));
}

#[tokio::test]
async fn key_in_header_and_body_must_agree() {
    let world = world().await;
    let send = |key: &'static str, request: Value| {
        HttpEvent::new("POST", ROOT)
            .header("idempotency-key", key)
            .json(&request)
            .caller(&caller("allocations:write"))
    };
    assert_eq!(world.send(send("R2", body("R1", 5))).await.0, 400);
    assert_eq!(world.send(send("R1", body("R1", 5))).await.0, 201);
    let mut no_id = body("R1", 5);
    no_id.as_object_mut().unwrap().remove("request_id");
    assert_eq!(world.send(send("R1", no_id)).await.0, 200);
}

#[tokio::test]
async fn void_and_close_done_twice_change_nothing() {
    let world = world().await;
    let id = |answer: &Value| answer["allocation_id"].as_str().unwrap().to_owned();
    let first = id(&world.post(ROOT, &body("R1", 5)).await.1);
    let second = id(&world.post(ROOT, &body("R2", 7)).await.1);
    for _ in 0..2 {
        let (status, voided) = world.post(&format!("{ROOT}/{first}/void"), &json!({})).await;
        assert_eq!((status, voided["status"].as_str()), (200, Some("voided")));
        let (status, closed) = world.post(&format!("{ROOT}/{second}/close"), &json!({})).await;
        assert_eq!((status, closed["status"].as_str()), (200, Some("closed")));
        assert_eq!(closed["closed_at"], "2026-11-23T10:00:00.000Z");
    }
    // I11: behind the record of the reservation each end has its one, of who asked for it.
    for (id, after) in [(&first, "voided"), (&second, "closed")] {
        let entity = Pk::Allocation(AllocationId::parse(id).unwrap());
        let records = world.store.audit_records(&entity, 10).await.unwrap();
        let told: Vec<(&str, Option<&str>, Option<&str>)> = records
            .iter()
            .skip(1)
            .map(|one| (one.action.as_str(), one.before.as_deref(), one.after.as_deref()))
            .collect();
        assert_eq!((told.len(), told[0].0, told[0].1), (1, after, Some("reserved")));
        assert_eq!(told[0].2.unwrap().split(' ').next(), Some(after));
        assert_eq!((records[0].action.as_str(), records[0].actor.as_str()), ("reserve", "L1/c"));
        assert_eq!(records[1].actor, "L1/c");
    }
    let (status, refused) = world.post(&format!("{ROOT}/{second}/void"), &json!({})).await;
    assert_eq!((status, slug(&refused)), (409, "allocation-state"));
    let (status, refused) = world.post(&format!("{ROOT}/{first}/close"), &json!({})).await;
    assert_eq!((status, slug(&refused)), (409, "allocation-state"));
    let (_, balance) = world.get(&format!("{ROOT}/{second}/reconciliation"), "").await;
    assert_eq!((&balance["deactivated"], &balance["outstanding"]), (&json!(7), &json!(0)));
    assert_eq!(balance["balanced"], true);
}

#[tokio::test]
async fn lists_are_filtered_and_paged_without_loss() {
    let world = world().await;
    for place in 0..5 {
        assert_eq!(world.post(ROOT, &body(&format!("R{place}"), 1)).await.0, 201);
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = world.get(ROOT, &format!("limit=2{cursor}")).await;
        assert_eq!(status, 200);
        let ids = page["items"].as_array().unwrap();
        seen.extend(ids.iter().map(|a| a["allocation_id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    let count =
        async |query: &str| world.get(ROOT, query).await.1["items"].as_array().map(Vec::len);
    assert_eq!(count("status=reserved&lot=LOT42&gtin=00313000007772").await, Some(5));
    assert_eq!(count("status=voided").await, Some(0));
    assert_eq!(count(&format!("line_gln={OTHER_LINE}")).await, Some(0));
    assert_eq!(count("since=2026-11-23T11:00:00Z").await, Some(0));
    for query in
        ["status=open", "since=now", "limit=0", "cursor=x", "cursor=eHg", "gtin=1", "lots=1"]
    {
        assert_eq!(world.get(ROOT, query).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn a_credential_bound_to_a_line_sees_only_that_line() {
    let world = world().await;
    let (_, made) = world.post(ROOT, &body("R1", 5)).await;
    let path = format!("{ROOT}/{}", made["allocation_id"].as_str().unwrap());
    let bound = |lines: &str| AuthorizerContext { lines: lines.into(), ..caller("operator") };
    let get = |path: &str, lines: &str| HttpEvent::get(path).caller(&bound(lines));
    assert_eq!(world.send(get(&path, LINE)).await.0, 200);
    assert_eq!(world.send(get(&path, OTHER_LINE)).await.0, 404);
    assert_eq!(world.send(get(&format!("{path}/reconciliation"), OTHER_LINE)).await.0, 404);
    let (_, list) = world.send(get(ROOT, OTHER_LINE)).await;
    assert_eq!(list["items"], json!([]));
    let post = |path: &str, json: &Value| {
        HttpEvent::new("POST", path).json(json).caller(&bound(OTHER_LINE))
    };
    let (status, refused) = world.send(post(ROOT, &body("R2", 5))).await;
    assert_eq!((status, slug(&refused)), (403, "line-not-bound"));
    assert_eq!(world.send(post(&format!("{path}/void"), &json!({}))).await.0, 404);
    assert_eq!(world.send(post(&format!("{path}/close"), &json!({}))).await.0, 404);
}

#[tokio::test]
async fn every_route_is_closed_to_the_wrong_caller() {
    let world = world().await;
    let elsewhere = world_of(TenantProfile::Wholesaler).await;
    let id = "A".repeat(26);
    let routes = [
        ("POST", ROOT.to_owned()),
        ("GET", ROOT.to_owned()),
        ("GET", format!("{ROOT}/{id}")),
        ("GET", format!("{ROOT}/{id}/reconciliation")),
        ("POST", format!("{ROOT}/{id}/confirm")),
        ("POST", format!("{ROOT}/{id}/return")),
        ("POST", format!("{ROOT}/{id}/void")),
        ("POST", format!("{ROOT}/{id}/close")),
        ("POST", format!("{ROOT}/{id}/review")),
        ("GET", format!("{ROOT}/{id}/batch-document")),
    ];
    for (method, path) in routes {
        let event = || HttpEvent::new(method, &path);
        let expired =
            AuthorizerContext { expires_at: "2026-11-23T09:59:59Z".into(), ..caller("operator") };
        let revoked = AuthorizerContext { reason: "revoked".into(), ..Default::default() };
        for (event, kind, status) in [
            (event(), "unauthorized", 401),
            (event().caller(&AuthorizerContext::default()), "unauthorized", 401),
            (event().caller(&expired), "unauthorized", 401),
            (event().caller(&revoked), "unauthorized", 401),
            (event().caller(&caller("pools:read")), "forbidden", 403),
        ] {
            let (got, answer) = world.send(event).await;
            assert_eq!((got, slug(&answer)), (status, kind), "{method} {path}");
        }
        let (got, answer) = elsewhere.send(event().caller(&caller("operator"))).await;
        assert_eq!((got, slug(&answer)), (403, "capability-not-enabled"), "{method} {path}");
    }
}
