//! Rotation of a credential, and what the functions log and measure meanwhile: the lines of CloudWatch's
//! embedded metric format, and no secret, body or serial number (I9).

use std::time::{Duration, Instant};

use edge::Metric;
use pharmatrace::credential::{self, Issued, RotateRequest};
use pharmatrace::local::LogEvent;
use pharmatrace::wiring::now;
use serde_json::{Value, json};
use store::time::parse_rfc3339;
use tokio::time::{MissedTickBehavior, interval};

use crate::flow_inbound::{Plant, document, sha256};
use crate::flow_kit::{ALLOCATIONS, GTIN, Hub, LINE, POOLS, problem, reservation};

const PATIENCE: Duration = Duration::from_secs(40);
/// The first number of the pool: a text that means nothing else in a log.
const FIRST: u64 = 730_000_000_000;
const NUMBERS: u64 = 40;
/// How long the older secret lives on.
const GRACE: time::Duration = time::Duration::seconds(4);
/// The secret of nobody.
const WRONG: &str = "wrongwrongwrongwrongwrongwrongwr";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_secrets_open_until_the_grace_is_over_and_no_log_line_tells_one() {
    let hub = Hub::start().await;
    let s3 = hub.cloud.hub.s3().await.unwrap();
    let plant = Plant { hub, s3 };
    let issued = plant.hub.credential("line-1", &["operator"], &[]).await;
    let request =
        RotateRequest { id: issued.id.clone(), grace: GRACE, expires: None, force: false };
    let rotated = credential::rotate(&plant.hub.store, &request, now()).await.unwrap();
    let end = parse_rfc3339(rotated.older_secret_ends_at.as_deref().unwrap()).unwrap();
    let (older, newer) = (&issued, &rotated.issued);
    assert_eq!((status(&plant, older).await, status(&plant, newer).await), (200, 200));
    let again = credential::rotate(&plant.hub.store, &request, now()).await;
    assert!(again.unwrap_err().to_string().contains("two live secrets"));

    commission(&plant).await;
    until_it_ends(&plant, older, end).await;
    assert_eq!(status(&plant, newer).await, 200, "the newer secret lives on");
    let bad = format!("tp_{}_{WRONG}", issued.id);
    let refused = plant.hub.api.with_token(Some(&bad)).get(ALLOCATIONS).await.unwrap();
    assert_eq!((refused.status, problem(&refused.json()).as_str()), (401, "unauthorized"));

    let listed = credential::list(&plant.hub.store, now()).await.unwrap();
    let listed = listed.iter().find(|one| one.id == issued.id).unwrap();
    let used = |place: usize| listed.secrets[place].last_used_at.is_some();
    assert!(used(0) && used(1), "{listed:?}");
    assert_eq!((listed.secrets[0].live, listed.secrets[1].live), (false, true));

    let events = measured(&plant, &issued.id).await;
    for event in &events {
        for secret in [older.secret.as_str(), newer.secret.as_str(), WRONG, "73000000", "LOT42"] {
            assert!(!event.message.contains(secret), "{secret} is in {}", event.message);
        }
    }
    plant.stop().await;
}

/// What the credential opens.
async fn status(plant: &Plant, issued: &Issued) -> u16 {
    let api = plant.hub.api.with_token(Some(&issued.token));
    api.get(ALLOCATIONS).await.unwrap().status
}

/// Asks with the older secret until it is refused: not before its end, and soon after it, although the
/// gateway still holds the authorizer's answer for half a minute.
async fn until_it_ends(plant: &Plant, older: &Issued, end: time::OffsetDateTime) {
    let mut tick = interval(Duration::from_millis(100));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let api = plant.hub.api.with_token(Some(&older.token));
    loop {
        tick.tick().await;
        let asked = now();
        let answer = api.get(ALLOCATIONS).await.unwrap();
        if answer.status == 200 {
            assert!(asked < end, "the older secret outlives its grace");
            continue;
        }
        assert!(now() >= end, "the older secret ends before its grace");
        let json = answer.json();
        assert_eq!((answer.status, problem(&json).as_str()), (401, "unauthorized"), "{json}");
        assert_eq!(json["detail"], "The credential has expired.");
        return;
    }
}

/// Numbers are reserved and commissioned.
async fn commission(plant: &Plant) {
    let pool = json!({
        "name": "quiet", "encoding": "SGTIN", "gtin": GTIN, "company_prefix_length": 7,
        "scheme": "sequential", "width": 12, "from": FIRST.to_string(),
        "to": (FIRST + NUMBERS - 1).to_string(), "max_request": NUMBERS, "threshold": 0,
    });
    let made = plant.hub.api.post(POOLS, &pool).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.json());
    let mut body = reservation("R1", NUMBERS);
    body["line_gln"] = LINE.into();
    for expected in [201, 200] {
        let made = plant.hub.api.post(ALLOCATIONS, &body).await.unwrap();
        assert_eq!(made.status, expected, "{}", made.json());
    }
    let bytes = document(FIRST, NUMBERS);
    plant.drop("quiet.xml", &bytes).await;
    let view = plant.settled(&sha256(&bytes)).await;
    assert_eq!(view["serials"]["newly_commissioned"], NUMBERS, "{view}");
}

/// The log once it holds a line of metrics for each kind of work; all of it.
async fn measured(plant: &Plant, id: &str) -> Vec<LogEvent> {
    let expected = [
        (
            "allocate-serials",
            json!({"work": "request", "route": ALLOCATIONS, "status": 201, "ServerErrors": 0}),
        ),
        (
            "allocate-serials",
            json!({"work": "reservation", "Reservations": 1, "SerialsReserved": NUMBERS}),
        ),
        (
            "allocate-serials",
            json!({"work": "reservation", "Reservations": 0, "SerialsReserved": 0}),
        ),
        ("allocate-serials", json!({"work": "request", "status": 401, "ClientErrors": 1})),
        (
            "reconcile-commissioning",
            json!({"work": "document", "SerialsCommissioned": NUMBERS, "DocumentsParked": 0}),
        ),
        ("reconcile-commissioning", json!({"work": "findings", "FindingsCritical": 0})),
        (
            "authorize-request",
            json!({"work": "sign-in", "reason": "bad", "credential.id": id, "CredentialsBad": 1}),
        ),
    ];
    let started = Instant::now();
    let mut tick = interval(Duration::from_millis(500));
    loop {
        tick.tick().await;
        let events = plant.hub.cloud.logs().await.unwrap();
        let lines = metrics(&plant.hub.cloud.hub.stack, &events);
        let missing: Vec<_> = expected
            .iter()
            .filter(|(function, wanted)| {
                !lines.iter().any(|(f, line)| f == function && has(line, wanted))
            })
            .collect();
        if missing.is_empty() {
            let spanned =
                events.iter().any(|event| event.message.contains("\"name\":\"invocation\""));
            assert!(spanned, "lines carry the invocation they belong to");
            return events;
        }
        assert!(started.elapsed() < PATIENCE, "no line {missing:?} among {} lines", events.len());
    }
}

/// The lines of metrics with the function that wrote them, each after the rules of the format.
fn metrics(stack: &str, events: &[LogEvent]) -> Vec<(String, Value)> {
    let known: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    let mut found = Vec::new();
    for event in events.iter().filter(|event| event.message.contains("\"_aws\"")) {
        let line: Value = serde_json::from_str(event.message.trim()).unwrap();
        assert!(line["_aws"]["Timestamp"].as_i64().unwrap() > 1_600_000_000_000, "{line}");
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Pharmatrace", "{line}");
        assert_eq!(directive["Dimensions"], json!([["Stack"]]), "{line}");
        assert_eq!(line["Stack"], stack, "{line}");
        for metric in directive["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            assert!(known.contains(&name) && line[name].is_u64(), "{name} in {line}");
        }
        let prefix = format!("/aws/lambda/{stack}-");
        found.push((event.group.strip_prefix(&prefix).unwrap().to_owned(), line));
    }
    found
}

fn has(line: &Value, wanted: &Value) -> bool {
    wanted.as_object().unwrap().iter().all(|(name, value)| line[name] == *value)
}
