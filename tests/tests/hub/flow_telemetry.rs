//! Heartbeats through the gateway: the order in which they come does not matter, wrong ones are told apart,
//! and a credential bound to a line speaks for no other.

use edge::Clock;
use pharmatrace::api::Api;
use serde_json::{Value, json};
use store::time::{epoch_ms, rfc3339_of_epoch_ms};
use tokio::task::JoinSet;

use crate::flow_kit::{Dice, Hub, LINE, OTHER_LINE, problem};

const TELEMETRY: &str = "/api/v1/plant-floor/telemetry";
const LINES: &str = "/api/v1/plant-floor/lines";
/// A heartbeat in four seconds, over twenty minutes, that end five minutes ago.
const BEATS: u64 = 300;
const STEP_MS: u64 = 4_000;

/// The n-th heartbeat of a line whose counters are set back after every 113.
fn heartbeat(line: &str, start_ms: u64, n: u64) -> Value {
    let made = (n % 113) * 7;
    json!({
        "line_gln": line, "ts": rfc3339_of_epoch_ms(start_ms + n * STEP_MS), "seq": 18_000 + n,
        "state": if n.is_multiple_of(17) { "HELD" } else { "EXECUTE" }, "mode": "PRODUCTION",
        "speed": 105.0, "design_speed": 150.0, "consumed": made + 2, "processed": made,
        "defective": made / 50, "serials_remaining": 10_000 - n * 7, "lot": "LOT42"
    })
}

async fn deliver(api: &Api, batch: &[Value]) -> (u64, u64) {
    let answer = api.post(TELEMETRY, &json!(batch)).await.unwrap();
    let body = answer.json();
    assert_eq!((answer.status, &body["rejected"]), (202, &json!([])), "{body}");
    (body["accepted"].as_u64().unwrap(), body["duplicates"].as_u64().unwrap())
}

/// All minutes or hours of a line, page by page.
async fn rolled(api: &Api, line: &str, what: &str, window: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut path = format!("{LINES}/{line}/{what}?{window}");
    loop {
        let answer = api.get(&path).await.unwrap();
        let body = answer.json();
        assert_eq!(answer.status, 200, "{body}");
        items.extend(body["items"].as_array().unwrap().clone());
        let Some(cursor) = body["next_cursor"].as_str() else {
            return items;
        };
        path = format!("{LINES}/{line}/{what}?{window}&limit=7&cursor={cursor}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shuffled_and_repeated_heartbeats_roll_up_alike_and_bound_credentials_keep_to_their_line() {
    let hub = Hub::start().await;
    let now_ms = epoch_ms(Clock::system().now());
    let start_ms = now_ms - now_ms % 60_000 - 25 * 60_000;
    let window = format!(
        "from={}&to={}",
        rfc3339_of_epoch_ms(start_ms),
        rfc3339_of_epoch_ms(start_ms + 21 * 60_000)
    );
    in_order(&hub, start_ms).await;
    shuffled_repeated_and_at_once(&hub, start_ms).await;

    let told = rolled(&hub.api, LINE, "minutes", &window).await;
    assert_eq!(told.len(), 20);
    assert_eq!(told, rolled(&hub.api, OTHER_LINE, "minutes", &window).await);
    let sum = |name: &str| told.iter().map(|one| one[name].as_u64().unwrap()).sum::<u64>();
    // Twice 112 steps of seven before a set-back, then 73 steps.
    assert_eq!((sum("processed"), sum("counter_resets")), ((112 + 112 + 73) * 7, 2));
    assert_eq!((sum("heartbeats"), sum("serials_used")), (BEATS, (BEATS - 1) * 7));
    let hours = rolled(&hub.api, LINE, "hours", &window).await;
    assert_eq!(hours, rolled(&hub.api, OTHER_LINE, "hours", &window).await);
    let of_hours: u64 = hours.iter().map(|one| one["processed"].as_u64().unwrap()).sum();
    assert_eq!(of_hours, sum("processed"));

    wrong_ones(&hub, now_ms).await;
    bound(&hub).await;
    hub.stop().await;
}

async fn in_order(hub: &Hub, start_ms: u64) {
    let beats: Vec<Value> = (0..BEATS).map(|n| heartbeat(LINE, start_ms, n)).collect();
    for batch in beats.chunks(100) {
        assert_eq!(deliver(&hub.api, batch).await, (100, 0));
    }
}

async fn shuffled_repeated_and_at_once(hub: &Hub, start_ms: u64) {
    let mut dice = Dice::new(11);
    let mut beats: Vec<Value> =
        (0..BEATS).chain(0..BEATS / 2).map(|n| heartbeat(OTHER_LINE, start_ms, n)).collect();
    for place in (1..beats.len()).rev() {
        let bound = u64::try_from(place + 1).unwrap();
        beats.swap(place, usize::try_from(dice.below(bound)).unwrap());
    }
    let mut calls = JoinSet::new();
    for batch in beats.chunks(75) {
        let (api, batch) = (hub.api.clone(), batch.to_vec());
        calls.spawn(async move { deliver(&api, &batch).await });
    }
    let answers = calls.join_all().await;
    let (new, known) = answers.iter().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    assert_eq!((new, known), (BEATS, BEATS / 2));
}

async fn wrong_ones(hub: &Hub, now_ms: u64) {
    let right = heartbeat(LINE, now_ms, 0);
    let with = |name: &str, value: Value| {
        let mut beat = right.clone();
        beat[name] = value;
        beat
    };
    for (body, status) in [
        (with("state", json!("RUNNING")), 422),
        (with("line_gln", json!("0313000000019")), 422),
        (with("ts", json!("2020-01-01T00:00:00Z")), 422),
        (with("processed", json!(-1)), 422),
        (with("colour", json!("red")), 400),
        (json!(vec![json!({}); 501]), 422),
        (json!([]), 422),
        (json!(5), 400),
    ] {
        let answer = hub.api.post(TELEMETRY, &body).await.unwrap();
        let told = answer.json();
        assert_eq!((answer.status, problem(&told)), (status, "validation".to_owned()), "{told}");
    }
    let batch = json!({"heartbeats": [with("mode", json!("AUTO")), right]});
    let answer = hub.api.post(TELEMETRY, &batch).await.unwrap();
    let told = answer.json();
    assert_eq!((answer.status, &told["accepted"]), (202, &json!(1)), "{told}");
    assert_eq!(told["rejected"][0]["index"], 0, "{told}");
    // Heard this moment: live. The other one was last heard five minutes ago, 75 intervals.
    let line = hub.api.get(&format!("{LINES}/{LINE}")).await.unwrap().json();
    assert_eq!((&line["status"], &line["interval_ms"]), (&json!("live"), &json!(STEP_MS)));
    let other = hub.api.get(&format!("{LINES}/{OTHER_LINE}")).await.unwrap().json();
    assert_eq!((&other["status"], &other["recent"]), (&json!("offline"), &Value::Null), "{other}");
}

async fn bound(hub: &Hub) {
    let now_ms = epoch_ms(Clock::system().now());
    let scopes = ["telemetry:write", "reports:read"];
    let token = hub.credential("line-1", &scopes, &[LINE]).await.token;
    let api = hub.api.with_token(Some(&token));
    let (own, foreign) = (heartbeat(LINE, now_ms, 1), heartbeat(OTHER_LINE, now_ms, 1));
    for body in [foreign.clone(), json!([own.clone(), foreign])] {
        let answer = api.post(TELEMETRY, &body).await.unwrap();
        assert_eq!((answer.status, problem(&answer.json()).as_str()), (403, "line-not-bound"));
    }
    assert_eq!(deliver(&api, &[own]).await.0, 1);
    let listed = api.get(LINES).await.unwrap().json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["items"][0]["reported_by"], "line-1");
    assert_eq!(api.get(&format!("{LINES}/{OTHER_LINE}")).await.unwrap().status, 404);
    let reader = hub.credential("line-1", &["pools:read"], &[]).await.token;
    let reader = hub.api.with_token(Some(&reader));
    assert_eq!(reader.get(LINES).await.unwrap().status, 403);
    assert_eq!(reader.post(TELEMETRY, &json!([{}])).await.unwrap().status, 403);
    assert_eq!(hub.api.with_token(None).get(LINES).await.unwrap().status, 401);
}
