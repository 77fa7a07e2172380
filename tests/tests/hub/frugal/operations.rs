//! Requests over HTTP, and the authorizer before them.

use aws_lambda_events::sqs::SqsMessage;
use data_encoding::BASE64;
use edge::authorizer::AuthorizerEvent;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::credential::Credential;
use store::system::System;
use store::time::rfc3339_ms;
use time::Duration;

use super::bench::{Bench, Plant};
use super::costs::Costs;
use super::files::{document, send};
use crate::flow_kit::{ALLOCATIONS, GTIN, LINE, POOLS, text};

const TELEMETRY: &str = "/api/v1/plant-floor/telemetry";
const LINES: &str = "/api/v1/plant-floor/lines";
const FINDINGS: &str = "/api/v1/findings";
const DOCUMENTS: &str = "/api/v1/l3/documents";

/// A pool of so many numbers.
pub fn draft(name: &str, from: u64, count: u64) -> Value {
    json!({
        "name": name, "encoding": "SGTIN", "gtin": GTIN, "company_prefix_length": 7,
        "scheme": "sequential", "width": 12, "from": from.to_string(),
        "to": (from + count - 1).to_string(), "max_request": 100_000_000, "threshold": 10,
    })
}

/// The body of a reservation for our line.
pub fn reservation(id: &str, quantity: u64) -> Value {
    json!({
        "request_id": id, "gtin": GTIN, "quantity": quantity, "lot": "LOT42",
        "expiry": "2028-10-31", "line_gln": LINE,
    })
}

pub async fn measure(bench: &Bench, costs: &mut Costs) {
    let plant = bench.plant().await;
    system(&plant).await;
    costs.section("Requests, a million of each");
    reservations(&plant, costs).await;
    lists(&plant, costs).await;
    reported(&plant, costs).await;
    telemetry(&plant, costs).await;
    scorecard(&plant, costs).await;
    credentials(&plant, costs).await;
}

/// The system that everything here is done for; it takes no files.
pub async fn system(plant: &Plant) {
    let system = System {
        id: domain::ids::SystemId::parse("L1").unwrap(),
        kind: "rest".to_owned(),
        line_glns: vec![domain::gln::Gln::parse(LINE).unwrap()],
        created_at: rfc3339_ms(plant.hands.now()),
    };
    plant.store.system_create(&system, "test").await.unwrap();
}

/// Pools and the life of an allocation.
async fn reservations(plant: &Plant, costs: &mut Costs) {
    let made = plant.post(POOLS, &draft("pool", 0, 150_000_000)).await.with(201);
    let pool = format!("{POOLS}/{}", text(&made.body, "id"));
    costs.add("create the first pool of a GTIN", made.calls);
    let first = plant.post(ALLOCATIONS, &reservation("R0", 1_000)).await.with(201);
    costs.add("reserve, as the first of a process", first.calls);
    let again = plant.post(ALLOCATIONS, &reservation("R1", 1_000)).await.with(201);
    costs.add("reserve 1,000", again.calls);
    let large = plant.post(ALLOCATIONS, &reservation("R2", 100_000_000)).await.with(201);
    costs.add("reserve 100 million", large.calls);
    let replay = plant.post(ALLOCATIONS, &reservation("R1", 1_000)).await.with(200);
    costs.add("reserve, asked again", replay.calls);
    let other = plant.post(ALLOCATIONS, &reservation("R1", 999)).await.with(409);
    costs.add("reserve, the request id used with another body", other.calls);
    let many = plant.post(ALLOCATIONS, &reservation("R3", 100_000_000)).await;
    costs.add("reserve, too few are left", many.with(422).calls);
    let path = format!("{ALLOCATIONS}/{}", text(&first.body, "allocation_id"));
    costs.add("get an allocation", plant.get(&path).await.with(200).calls);
    let export = format!("{path}/export");
    costs.add("export 1,000 rows, the first time", plant.get(&export).await.with(200).calls);
    costs.add("export 1,000 rows, again", plant.get(&export).await.with(200).calls);
    let close = plant.post(&format!("{path}/close"), &json!({})).await.with(200);
    costs.add("close", close.calls);
    let path = format!("{ALLOCATIONS}/{}", text(&again.body, "allocation_id"));
    let void = plant.post(&format!("{path}/void"), &json!({"reason": "cancelled"})).await;
    costs.add("void", void.with(200).calls);
    costs.add("get a pool", plant.get(&pool).await.with(200).calls);
    let changed = plant.ask("PATCH", &pool, Some(&json!({"threshold": 20}))).await.with(200);
    costs.add("change a pool", changed.calls);
    let upload = plant.post("/api/v1/l3/uploads", &json!({"file_name": "a.xml"})).await.with(201);
    costs.add("upload address", upload.calls);
    exports(plant, costs).await;
}

/// A file that is too large for an answer.
async fn exports(plant: &Plant, costs: &mut Costs) {
    let large = plant.post(ALLOCATIONS, &reservation("R4", 200_000)).await.with(201);
    let id = text(&large.body, "allocation_id");
    let export = format!("{ALLOCATIONS}/{id}/export");
    costs.add("export 200,000 rows, asked for", plant.get(&export).await.with(202).calls);
    costs.add("export, asked how far it is", plant.get(&export).await.with(202).calls);
    let mut record = SqsMessage::default();
    record.message_id = Some("m".to_owned());
    record.body = Some(json!({"export": {"allocation_id": id, "file": "full.csv"}}).to_string());
    let (hub, end) = (plant.exporter(), plant.hands.now() + Duration::minutes(15));
    let (outcome, calls) = plant.counted(write_exports::handle(&hub, &record, end)).await;
    outcome.unwrap();
    costs.add("export, writing its 200,000 rows", calls);
    costs.add("export, its link", plant.get(&export).await.with(303).calls);
}

/// Lists of a hub with five hundred allocations.
async fn lists(plant: &Plant, costs: &mut Costs) {
    for n in 0..500 {
        plant.hands.advance(Duration::seconds(1));
        let body = reservation(&format!("L{n}"), 1_000);
        plant.post(ALLOCATIONS, &body).await.with(201);
    }
    for (name, query) in [
        ("list 20 of 500 allocations", "limit=20"),
        ("list 100 of 500 allocations", "limit=100"),
        ("list 20 of 500 allocations, none of which match", "limit=20&lot=OTHER"),
    ] {
        let answer = plant.get(&format!("{ALLOCATIONS}?{query}")).await.with(200);
        costs.add(name, answer.calls);
    }
    costs.add("list pools (1)", plant.get(POOLS).await.with(200).calls);
}

/// What came back from a line, and what people do about it.
async fn reported(plant: &Plant, costs: &mut Costs) {
    let body = reservation("REPORTED", 1_000);
    let made = plant.post(ALLOCATIONS, &body).await.with(201).body;
    let first: u64 = text(&made["range"], "from").parse().unwrap();
    let (sha, _) = send(plant, &document(first, 500)).await;
    // Numbers that were given up before.
    send(plant, &document(1_500, 10)).await;
    let balance = format!("{ALLOCATIONS}/{}/reconciliation", text(&made, "allocation_id"));
    costs.add("where an allocation's 1,000 numbers are", plant.get(&balance).await.with(200).calls);
    let shown = plant.get(&format!("{DOCUMENTS}/{sha}")).await.with(200);
    costs.add("get a document", shown.calls);
    costs.add("list documents (2)", plant.get(DOCUMENTS).await.with(200).calls);
    let listed = plant.get(FINDINGS).await.with(200);
    costs.add("list findings (1)", listed.calls);
    let finding = format!("{FINDINGS}/{}", text(&listed.body["items"][0], "id"));
    costs.add("get a finding with its history", plant.get(&finding).await.with(200).calls);
    for (verb, body) in [
        ("acknowledge", json!({"reason": "I look after it"})),
        ("assign", json!({"assignee": "ada", "reason": "she knows"})),
        ("comment", json!({"text": "labels were destroyed"})),
        ("resolve", json!({"reason": "labels were destroyed"})),
    ] {
        let done = plant.post(&format!("{finding}/{verb}"), &body).await.with(200);
        costs.add(&format!("{verb} a finding"), done.calls);
    }
}

/// One line's heartbeats.
async fn telemetry(plant: &Plant, costs: &mut Costs) {
    let beat = |seconds_ago: i64| {
        let at = plant.hands.now() - Duration::seconds(seconds_ago);
        let processed = 100_000 - seconds_ago;
        json!({
            "line_id": "L001", "line_gln": LINE, "system_id": "guardian-line-3",
            "ts": rfc3339_ms(at), "seq": 18_231 - seconds_ago, "state": "EXECUTE",
            "mode": "PRODUCTION", "speed": 118.5, "design_speed": 150.0,
            "consumed": processed + 30, "processed": processed, "defective": 30,
            "serials_remaining": 100_000, "lot": "LOT42", "work_order": "WO-1",
        })
    };
    let sent = async |beats: Value| plant.post(TELEMETRY, &beats).await.with(202).calls;
    costs.add("heartbeat, the first of a line", sent(beat(1_000)).await);
    costs.add("heartbeat, the first of a minute", sent(beat(300)).await);
    costs.add("heartbeat", sent(beat(299)).await);
    costs.add("heartbeat, sent again", sent(beat(299)).await);
    let batch = (0..500).map(|n| beat(10_000 - n)).collect::<Value>();
    costs.add("500 heartbeats, one a second", sent(batch).await);
    costs.add("list lines (1)", plant.get(LINES).await.with(200).calls);
    let line = format!("{LINES}/{LINE}");
    costs.add("get a line", plant.get(&line).await.with(200).calls);
    costs.add("hours of a line", plant.get(&format!("{line}/hours")).await.with(200).calls);
}

async fn scorecard(plant: &Plant, costs: &mut Costs) {
    let card = plant.get("/api/v1/operations/scorecard").await.with(200);
    costs.add("scorecard: 1 pool, 500 open allocations, 1 file, 1 line", card.calls);
    costs.add("health", plant.get("/health").await.with(200).calls);
}

/// The authorizer, whose answer the gateway remembers for a minute at the most.
async fn credentials(plant: &Plant, costs: &mut Costs) {
    let sha256: [u8; 32] = Sha256::digest("secret").into();
    let system = domain::ids::SystemId::parse("L1").unwrap();
    let now = rfc3339_ms(plant.hands.now());
    let credential = Credential::new("good", system, sha256, &now);
    plant.store.credential_create(&credential, "test").await.unwrap();
    let authorizer = plant.authorizer();
    for (name, id, secret) in [
        ("authorizer, the first request of an hour", "good", "secret"),
        ("authorizer", "good", "secret"),
        ("authorizer, a wrong secret", "good", "wrong"),
        ("authorizer, nobody's credential", "nobody", "secret"),
    ] {
        let header = format!("Basic {}", BASE64.encode(format!("{id}:{secret}").as_bytes()));
        let event = AuthorizerEvent { identity_source: Some(vec![header]), headers: None };
        let work = authorize_request::authorize(&authorizer, &event);
        let (outcome, calls) = plant.counted(work).await;
        outcome.unwrap();
        costs.add(name, calls);
    }
}
