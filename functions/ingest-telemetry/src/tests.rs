#![expect(clippy::arithmetic_side_effects, reason = "the numbers of a test are small")]

use edge::{App, AuthorizerContext, Clock, HttpEvent, TenantProfile, app};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::Store;
use testkit::{Dynamo, TestClock};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::{Hub, router};

mod lines;

const TELEMETRY: &str = "/api/v1/plant-floor/telemetry";
const LINES: &str = "/api/v1/plant-floor/lines";
const LINE: &str = "0313000000018";
const OTHER: &str = "0313000000025";
const NOW: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);

struct Bench {
    door: App,
    hands: TestClock,
    _dynamo: Dynamo,
}

async fn bench_of(profile: TenantProfile) -> Bench {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let hands = TestClock::at(NOW);
    let shown = hands.clone();
    let clock = Clock::from_fn(move || shown.now());
    let hub = Hub { store, clock: clock.clone() };
    Bench { door: app(router(hub), profile, clock), hands, _dynamo: dynamo }
}

async fn bench() -> Bench {
    bench_of(TenantProfile::Manufacturer).await
}

fn context(scopes: &str) -> AuthorizerContext {
    let (system, scopes) = ("L1".to_owned(), scopes.to_owned());
    AuthorizerContext { system, scopes, ..AuthorizerContext::default() }
}

fn bound(scopes: &str, lines: &str) -> AuthorizerContext {
    AuthorizerContext { lines: lines.to_owned(), ..context(scopes) }
}

/// The heartbeat of the interface description, so many seconds before now.
fn heartbeat(line: &str, seconds_ago: i64, processed: u64) -> Value {
    let at = NOW - Duration::seconds(seconds_ago);
    json!({
        "line_id": "L001", "line_gln": line, "system_id": "guardian-line-3",
        "ts": store::time::rfc3339_ms(at), "seq": 18_231 - seconds_ago, "state": "EXECUTE",
        "mode": "PRODUCTION", "speed": 118.5, "design_speed": 150.0, "consumed": processed + 30,
        "processed": processed, "defective": 30, "blocked": false, "starved": false,
        "serials_remaining": 100_000 - processed, "allocation_id": "MFRGGZDFMZTWQ2LKNNWG23TPOB",
        "lot": "LOT42", "work_order": "WO-1", "alarm": null, "software": "Guardian 3.2"
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

    async fn post(&self, body: &Value) -> (u16, Value) {
        let event = HttpEvent::new("POST", TELEMETRY).json(body);
        self.send(&event.caller(&context("telemetry:write"))).await
    }

    async fn get(&self, path: &str, query: &str) -> (u16, Value) {
        let event = HttpEvent::get(path).query(query);
        self.send(&event.caller(&context("reports:read"))).await
    }

    /// Ten minutes of a line, a heartbeat in ten seconds with two packs each, in one batch.
    async fn shift(&self, line: &str) {
        let beats: Vec<Value> = (0..60)
            .map(|n: u64| heartbeat(line, 590 - 10 * i64::try_from(n).unwrap(), n * 2))
            .collect();
        let (status, answer) = self.post(&json!(beats)).await;
        assert_eq!((status, &answer["accepted"]), (202, &json!(60)), "{answer}");
    }
}

fn slug(body: &Value) -> &str {
    body["type"].as_str().unwrap().rsplit('/').next().unwrap()
}

#[tokio::test]
async fn one_heartbeat_is_accepted_and_the_second_time_it_is_a_duplicate() {
    let bench = bench().await;
    let beat = heartbeat(LINE, 60, 50_980);
    let expected = |accepted: u64, duplicates: u64| {
        (202, json!({"accepted": accepted, "duplicates": duplicates, "rejected": []}))
    };
    assert_eq!(bench.post(&beat).await, expected(1, 0));
    assert_eq!(bench.post(&beat).await, expected(0, 1));
    // The same number at another time of its minute is the same heartbeat.
    let mut again = beat.clone();
    again["ts"] = json!("2026-11-23T09:59:07Z");
    assert_eq!(bench.post(&again).await, expected(0, 1));
    // Without a number its time says which one it is.
    for accepted in [1, 0] {
        let unnumbered = with(beat.clone(), "seq", Value::Null);
        assert_eq!(bench.post(&unnumbered).await, expected(accepted, 1 - accepted));
    }
    let least = json!({"line_gln": OTHER, "ts": "2026-11-23T10:59:00+01:00", "state": "IDLE"});
    assert_eq!(bench.post(&least).await, expected(1, 0));
}

#[tokio::test]
async fn a_batch_keeps_what_is_right_and_says_what_is_wrong_by_its_place() {
    let bench = bench().await;
    let batch = json!([
        heartbeat(LINE, 20, 1),
        with(heartbeat(LINE, 10, 2), "state", json!("RUNNING")),
        heartbeat(LINE, 20, 1),
        7,
        with(heartbeat(LINE, 10, 2), "colour", json!("red")),
        heartbeat(OTHER, 10, 2),
    ]);
    let (status, answer) = bench.post(&batch).await;
    assert_eq!(status, 202, "{answer}");
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(2), &json!(1)));
    let rejected = answer["rejected"].as_array().unwrap();
    let places: Vec<&Value> = rejected.iter().map(|one| &one["index"]).collect();
    assert_eq!(places, [1, 3, 4]);
    let detail = |place: usize| rejected[place]["detail"].as_str().unwrap();
    assert!(detail(0).starts_with("state: ") && detail(1).contains("object"), "{answer}");
    assert!(detail(2).contains("colour"), "{answer}");
    let wrapped = json!({"heartbeats": batch});
    let (status, answer) = bench.post(&wrapped).await;
    assert_eq!((status, &answer["duplicates"], &answer["accepted"]), (202, &json!(3), &json!(0)));
    let all_wrong = json!([{}, null]);
    let (status, answer) = bench.post(&all_wrong).await;
    assert_eq!((status, answer["rejected"].as_array().unwrap().len()), (202, 2));
}

#[tokio::test]
async fn batches_of_none_and_too_many_and_other_bodies_are_refused() {
    let bench = bench().await;
    let many = |count: usize| json!(vec![json!({}); count]);
    assert_eq!(bench.post(&many(500)).await.0, 202);
    for (body, status) in [
        (json!([]), 422),
        (json!({"heartbeats": []}), 422),
        (many(501), 422),
        (json!({"heartbeats": many(501)}), 422),
        (json!({"heartbeats": [{}], "tenant": 1}), 400),
        (json!({"heartbeats": 5}), 400),
        (json!("EXECUTE"), 400),
        (Value::Null, 400),
    ] {
        let (found, answer) = bench.post(&body).await;
        assert_eq!((found, slug(&answer)), (status, "validation"), "{answer}");
    }
    let operator = context("operator");
    let event = HttpEvent::new("POST", TELEMETRY).caller(&operator);
    let text = event.clone().header("content-type", "text/plain").body("{}");
    assert_eq!(bench.send(&text).await.0, 415);
    let cut = event.clone().header("content-type", "application/json").body("[{");
    assert_eq!(bench.send(&cut).await.0, 400);
    let large = event.header("content-type", "application/json").body(" ".repeat(4_000_001));
    assert_eq!(bench.send(&large).await.0, 413);
}

#[tokio::test]
async fn a_heartbeat_that_is_wrong_alone_is_refused_and_says_where() {
    let bench = bench().await;
    for (name, value, status) in [
        ("line_gln", json!("0313000000019"), 422),
        ("line_gln", json!("L1"), 422),
        ("line_gln", Value::Null, 422),
        ("ts", json!("yesterday"), 422),
        ("ts", json!("2026-11-23T10:05:01Z"), 422),
        ("ts", json!("2026-11-16T09:59:59Z"), 422),
        ("ts", json!("0001-01-01T00:00:00Z"), 422),
        ("seq", json!(-1), 422),
        ("seq", json!(1.5), 422),
        ("seq", json!(9_007_199_254_740_992_u64), 422),
        ("state", json!("execute"), 422),
        ("state", json!("RUNNING"), 422),
        ("mode", json!("AUTO"), 422),
        ("speed", json!(-0.1), 422),
        ("design_speed", json!(1e300), 422),
        ("speed", json!("fast"), 422),
        ("consumed", json!(-5), 422),
        ("processed", json!("5"), 422),
        ("serials_remaining", json!(1e30), 422),
        ("blocked", json!("no"), 422),
        ("system_id", json!("a/b"), 422),
        ("allocation_id", json!("X"), 422),
        ("lot", json!("LOT 42"), 422),
        ("line_id", json!("x".repeat(65)), 422),
        ("alarm", json!("x".repeat(201)), 422),
        ("software", json!("a\u{7}b"), 422),
        ("colour", json!("red"), 400),
    ] {
        let (found, answer) = bench.post(&with(heartbeat(LINE, 60, 5), name, value)).await;
        assert_eq!((found, slug(&answer)), (status, "validation"), "{name}: {answer}");
        assert_eq!(answer["violations"][0]["pointer"], format!("/{name}"), "{answer}");
    }
    let (status, answer) =
        bench.post(&json!({"ts": "2026-11-23T10:00:00Z", "state": "IDLE"})).await;
    assert_eq!(status, 422, "{answer}");
    let two = with(with(heartbeat(LINE, 60, 5), "state", json!("?")), "mode", json!("?"));
    assert_eq!(bench.post(&two).await.1["violations"].as_array().unwrap().len(), 2);
    assert_eq!(bench.get(LINES, "").await.1["items"], json!([]), "nothing of it was stored");
    for edge in ["2026-11-23T10:05:00Z", "2026-11-16T10:00:00Z"] {
        assert_eq!(bench.post(&with(heartbeat(LINE, 60, 5), "ts", json!(edge))).await.0, 202);
    }
}

#[tokio::test]
async fn i8_a_bound_credential_reports_for_its_lines_only_and_sees_no_others() {
    let bench = bench().await;
    let caller = bound("telemetry:write reports:read", LINE);
    let post = async |body: &Value| {
        bench.send(&HttpEvent::new("POST", TELEMETRY).json(body).caller(&caller)).await
    };
    let (status, answer) = post(&heartbeat(OTHER, 60, 5)).await;
    assert_eq!((status, slug(&answer)), (403, "line-not-bound"));
    let mixed = json!([heartbeat(LINE, 60, 5), heartbeat(OTHER, 60, 5)]);
    let (status, answer) = post(&mixed).await;
    assert_eq!((status, slug(&answer)), (403, "line-not-bound"));
    assert_eq!(bench.get(LINES, "").await.1["items"], json!([]), "nothing of the batch was stored");
    assert_eq!(post(&heartbeat(LINE, 60, 5)).await.0, 202);
    assert_eq!(bench.post(&heartbeat(OTHER, 60, 5)).await.0, 202);
    let get = async |path: &str| {
        bench.send(&HttpEvent::get(&format!("{LINES}{path}")).caller(&caller)).await
    };
    let listed = get("").await.1;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["line_gln"], LINE);
    assert_eq!(get(&format!("/{LINE}")).await.0, 200);
    for path in ["", "/minutes", "/hours"] {
        let (status, answer) = get(&format!("/{OTHER}{path}")).await;
        assert_eq!((status, slug(&answer)), (404, "not-found"), "{path}");
    }
}

/// Every route and the scope it needs.
fn routes() -> Vec<(HttpEvent, &'static str, &'static str)> {
    let line = format!("{LINES}/{LINE}");
    let all_but_telemetry = "telemetry:write pools:read documents:read";
    vec![
        (
            HttpEvent::new("POST", TELEMETRY).json(&heartbeat(LINE, 60, 5)),
            "telemetry:write",
            "reports:read uploads:write",
        ),
        (HttpEvent::get(LINES), "reports:read", all_but_telemetry),
        (HttpEvent::get(&line), "reports:read", all_but_telemetry),
        (HttpEvent::get(&format!("{line}/minutes")), "reports:read", all_but_telemetry),
        (HttpEvent::get(&format!("{line}/hours")), "reports:read", all_but_telemetry),
    ]
}

#[tokio::test]
async fn i8_each_route_refuses_no_bad_and_unscoped_callers() {
    let bench = bench().await;
    let bad = AuthorizerContext { reason: "bad".into(), ..AuthorizerContext::default() };
    for (event, needed, others) in routes() {
        for (caller, expected) in [
            (None, (401, "unauthorized")),
            (Some(bad.clone()), (401, "unauthorized")),
            (Some(context("")), (403, "forbidden")),
            (Some(context(others)), (403, "forbidden")),
        ] {
            let event = caller.iter().fold(event.clone(), HttpEvent::caller);
            let (status, body) = bench.send(&event).await;
            assert_eq!((status, slug(&body)), expected, "{event:?}");
        }
        let (status, body) = bench.send(&event.clone().caller(&context(needed))).await;
        assert!(matches!(status, 200 | 202), "{event:?} {body}");
        assert!(matches!(bench.send(&event.caller(&context("operator"))).await.0, 200 | 202));
    }
}

#[tokio::test]
async fn i8_other_profiles_have_no_plant_floor() {
    for profile in [TenantProfile::Wholesaler, TenantProfile::Dispenser] {
        let bench = bench_of(profile).await;
        for (event, _, _) in routes() {
            let (status, body) = bench.send(&event.clone().caller(&context("operator"))).await;
            assert_eq!((status, slug(&body)), (403, "capability-not-enabled"), "{event:?}");
        }
    }
}

#[tokio::test]
async fn sample_events_are_answered() {
    let bench = bench().await;
    for (event, expected) in [
        (include_str!("../../../events/ingest-telemetry/heartbeat.json"), 202),
        (include_str!("../../../events/ingest-telemetry/batch.json"), 202),
        (include_str!("../../../events/ingest-telemetry/list-lines.json"), 200),
        (include_str!("../../../events/ingest-telemetry/minutes.json"), 200),
    ] {
        let request = edge::event::request_of_json(event).unwrap();
        assert_eq!(bench.door.handle(request).await.status().as_u16(), expected);
    }
    let (_, page) = bench.get(&format!("{LINES}/{LINE}/minutes"), "").await;
    assert_eq!(page["items"][1]["processed"], 120, "{page}");
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_503_and_says_when_to_come_back() {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), "no-such-table");
    let clock = Clock::fixed(NOW);
    let door = app(router(Hub { store, clock: clock.clone() }), TenantProfile::Manufacturer, clock);
    for (event, _, _) in routes() {
        let response = door.handle(event.caller(&context("operator")).request().unwrap()).await;
        assert_eq!(response.status().as_u16(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
    }
}
