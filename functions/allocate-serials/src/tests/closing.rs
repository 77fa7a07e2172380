//! The end of a batch: closed, reviewed, written down.

use domain::allocation::Transition;
use domain::bitmap::{BlockSet, Offset};
use domain::closing::Tolerance;
use domain::fact::Fact;
use domain::gtin::Gtin14;
use domain::ids::AllocationId;
use domain::ledger::{Claim, Draft, Terms};
use edge::HttpEvent;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use store::allocation::Counted;
use store::block::Place;
use store::closing::content_sha256;
use store::document::{Document, DocumentStatus};
use store::meter::Meter;
use store::plan::PlanRun;

use super::*;

const NOW: &str = "2026-11-23T10:00:00.000Z";

fn production(quantity: u64) -> Value {
    json!({ "lot": "LOT42", "production": [
        { "packaging_code_type": "GTIN-14", "packaging_code": "00313000007772",
          "packaging_level": "EA", "quantity_reported": quantity },
        { "packaging_code": "10313000007779", "packaging_level": "CA", "quantity_reported": 4 },
    ] })
}

fn span(first: u32, last: u32) -> BlockSet {
    BlockSet::span(Offset::new(first).unwrap(), Offset::new(last).unwrap())
}

impl World {
    /// An allocation of 100 numbers.
    async fn reserved(&self, request: &str) -> AllocationId {
        self.reserved_some(request, 100).await
    }

    pub(super) async fn reserved_some(&self, request: &str, quantity: u64) -> AllocationId {
        let (status, made) = self.post(ROOT, &body(request, quantity)).await;
        assert_eq!(status, 201, "{made}");
        AllocationId::parse(made["allocation_id"].as_str().unwrap()).unwrap()
    }

    /// A file that says something of the numbers from `first` to `last` of an allocation.
    pub(super) async fn told(&self, id: &AllocationId, fact: Fact, (first, last): (u32, u32)) {
        let claim = Claim { fact, lot: None, expiry: None, time_ms: 1, ordinal: 1, is_bare: false };
        let mut draft = Draft::default();
        draft.assert_all(&claim, &span(first, last));
        self.said(id, &draft, &format!("{id} {fact:?} {first} {last}")).await;
    }

    /// A file that takes back that a number was commissioned.
    pub(super) async fn taken_back(&self, id: &AllocationId, number: u32) {
        let mut draft = Draft::default();
        draft.retract(Fact::Commissioned, &span(number, number));
        self.said(id, &draft, &format!("{id} {number} never was")).await;
    }

    async fn said(&self, id: &AllocationId, draft: &Draft, text: &str) {
        let sha = content_sha256(text.as_bytes());
        let (meter, place) =
            (Meter::default(), Place { allocation: id, block: 0, content_sha256: &sha });
        self.store.allocation_advance(id, Transition::Activate, NOW).await.unwrap();
        let run = PlanRun { allocation: id.clone(), first: 0, last: 0 };
        self.store.plan_put(&sha, &[run], &meter).await.unwrap();
        self.store.allocation_fill_widen(id, (0, 0), &meter).await.unwrap();
        let posted = self.store.block_apply((place, NOW), draft, &Terms::default(), &meter).await;
        let (posting, gain) = posted.unwrap();
        let counted = (Counted::default(), Counted { postings: 1, gain });
        self.store.allocation_fill_add((id, &sha), counted, NOW, &meter).await.unwrap();
        let system = domain::ids::SystemId::parse("L1").unwrap();
        let fresh = Document { events: 1, ..Document::new(&sha, "epcis-xml-1", &system, NOW) };
        let done = |document: &mut Document| {
            let judgement = document.judgement_mut(&system, NOW).unwrap();
            judgement.status = DocumentStatus::Reconciled;
            judgement.serials.newly_commissioned = posting.verdict.newly_commissioned.into();
        };
        self.store.document_change(&sha, Some(&fresh), &meter, done).await.unwrap();
    }

    pub(super) async fn close(&self, id: &AllocationId, body: &Value) -> (u16, Value) {
        self.post(&format!("{ROOT}/{id}/close"), body).await
    }

    pub(super) async fn review(
        &self,
        id: &AllocationId,
        who: &str,
        decision: &str,
    ) -> (u16, Value) {
        let caller = AuthorizerContext {
            credential: who.into(),
            ..caller("findings:write allocations:read")
        };
        let body = json!({ "decision": decision, "reason": "counted by hand" });
        let event = HttpEvent::new("POST", &format!("{ROOT}/{id}/review")).json(&body);
        self.send(event.caller(&caller)).await
    }

    /// Status, headers and body of the batch document.
    async fn document(&self, id: &AllocationId, query: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let event = HttpEvent::get(&format!("{ROOT}/{id}/batch-document")).query(query);
        let response =
            self.app.handle(event.caller(&caller("allocations:read")).request().unwrap()).await;
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    pub(super) async fn holds(&self) {
        assert_eq!(self.store.audit().await.unwrap().breaches, []);
    }
}

#[tokio::test]
async fn a_batch_that_fits_is_closed_once_with_its_document() {
    let world = world().await;
    let id = world.reserved("R1").await;
    world.told(&id, Fact::Commissioned, (0, 94)).await;
    world.told(&id, Fact::Scrapped, (95, 97)).await;
    let (status, closed) = world.close(&id, &production(95)).await;
    assert_eq!((status, closed["status"].as_str()), (200, Some("closed")), "{closed}");
    let ended = &closed["closing"];
    assert_eq!((&ended["result"], &ended["revision"]), (&json!("accepted"), &json!(1)));
    assert_eq!((&ended["findings"], &ended["ledger_changed"]), (&json!([]), &json!(false)));
    let (status, again) = world.close(&id, &production(95)).await;
    assert_eq!((status, &again["replay"]), (200, &json!(true)));
    assert_eq!(again["closing"], *ended);
    let (status, other) = world.close(&id, &production(94)).await;
    assert_eq!((status, slug(&other)), (409, "allocation-state"));

    let (status, headers, json) = world.document(&id, "").await;
    assert_eq!(status, StatusCode::OK);
    let sha = content_sha256(&json);
    assert_eq!(headers[header::ETAG], format!("\"{sha}\"").as_str());
    assert_eq!(ended["document"]["sha256"], sha.as_str());
    let document: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(document["production"][0]["quantity_commissioned"], 95);
    assert_eq!(document["production"][1]["quantity_commissioned"], Value::Null);
    assert_eq!(document["yield"]["thousandths"], 969);
    assert_eq!(document["unused"], json!({ "count": 2, "fate": "deactivate" }));
    assert_eq!(document["files_total"], 2);
    let (_, headers, html) = world.document(&id, "format=html").await;
    assert_eq!(ended["document"]["html_sha256"], content_sha256(&html).as_str());
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let html = String::from_utf8(html).unwrap();
    for part in [sha.as_str(), "LOT42", "96.9 %", "@page{size:A4", "Signatures", "not counted"] {
        assert!(html.contains(part), "{part}");
    }
    for part in ["<script", "src=", "href=", "http"] {
        assert!(!html.contains(part), "{part}");
    }
    world.holds().await;
}

#[tokio::test]
async fn what_does_not_fit_waits_for_a_second_pair_of_eyes() {
    let world = world().await;
    let id = world.reserved("R1").await;
    world.told(&id, Fact::Commissioned, (0, 89)).await;
    world.told(&id, Fact::Scrapped, (90, 99)).await;
    let gtin = Gtin14::parse("00313000007772").unwrap();
    let tolerance = Tolerance::new(950, 1_000).unwrap();
    world.store.product_change(&gtin, tolerance, ("L1/c", NOW, None)).await.unwrap();
    let (status, closed) = world.close(&id, &production(88)).await;
    assert_eq!((status, closed["status"].as_str()), (200, Some("pending_review")), "{closed}");
    assert_eq!(closed["closed_at"], Value::Null);
    let findings: Vec<String> =
        serde_json::from_value(closed["closing"]["findings"].clone()).unwrap();
    let mut codes = Vec::new();
    for id in &findings {
        let finding = world.store.finding_find(id).await.unwrap().unwrap().record.finding;
        codes.push((finding.code.as_str(), finding.count, finding.status.as_str()));
    }
    assert_eq!(codes, [("EOB_COUNT_MISMATCH", 2, "open"), ("YIELD_OUT_OF_TOLERANCE", 1, "open")]);
    let (_, balance) = world.get(&format!("{ROOT}/{id}/reconciliation"), "").await;
    assert_eq!(balance["findings"].as_array().map(Vec::len), Some(2));
    // Who closed it sees it as it is; nobody closes or voids it, and its closer does not review it.
    assert_eq!(world.close(&id, &production(88)).await.1["replay"], json!(true));
    assert_eq!(world.close(&id, &production(90)).await.0, 409);
    assert_eq!(world.post(&format!("{ROOT}/{id}/void"), &json!({})).await.0, 409);
    let (status, refused) = world.review(&id, "c", "accept").await;
    assert_eq!((status, slug(&refused)), (403, "forbidden"));
    // A file comes late: the document stays as it is, and the answer says so.
    world.told(&id, Fact::Decommissioned, (0, 0)).await;
    let (_, seen) = world.get(&format!("{ROOT}/{id}"), "").await;
    assert_eq!(
        (&seen["closing"]["ledger_changed"], &seen["closing"]["revision"]),
        (&json!(true), &json!(1))
    );

    let (status, reviewed) = world.review(&id, "other", "accept").await;
    assert_eq!((status, reviewed["status"].as_str()), (200, Some("closed")), "{reviewed}");
    assert_eq!(reviewed["closed_at"], NOW);
    assert_eq!(reviewed["closing"]["ledger_changed"], json!(false));
    assert_eq!(world.review(&id, "other", "accept").await.1["replay"], json!(true));
    assert_eq!(world.review(&id, "third", "reopen").await.0, 409);
    for id in &findings {
        let case = world.store.finding_find(id).await.unwrap().unwrap();
        assert_eq!(case.record.finding.status.as_str(), "resolved");
        assert_eq!(case.handling.reason.as_deref(), Some("counted by hand"));
    }
    let (_, _, first) = world.document(&id, "revision=1").await;
    let (_, _, second) = world.document(&id, "").await;
    let second: Value = serde_json::from_slice(&second).unwrap();
    assert_eq!(second["previous_sha256"], content_sha256(&first).as_str());
    assert_eq!((&second["closed"]["by"], &second["by"]), (&json!("L1/c"), &json!("L1/other")));
    assert_eq!(second["production"][0]["quantity_commissioned"], 89);
    world.holds().await;
}

#[tokio::test]
async fn a_reopened_run_is_closed_again_but_never_by_a_late_repetition() {
    let world = world().await;
    let id = world.reserved("R1").await;
    world.told(&id, Fact::Commissioned, (0, 89)).await;
    let close = |key: &'static str, quantity: u64| {
        HttpEvent::new("POST", &format!("{ROOT}/{id}/close"))
            .header("idempotency-key", key)
            .json(&production(quantity))
            .caller(&caller("allocations:write"))
    };
    assert_eq!(world.send(close("E1", 88)).await.1["status"], "pending_review");
    assert_eq!(world.review(&id, "other", "reopen").await.1["status"], "active");
    let (status, late) = world.send(close("E1", 88)).await;
    assert_eq!((status, &late["status"], &late["replay"]), (200, &json!("active"), &json!(true)));
    let (status, reused) = world.send(close("E1", 90)).await;
    assert_eq!((status, slug(&reused)), (409, "idempotency-key-reuse"));
    let (status, closed) = world.send(close("E2", 90)).await;
    assert_eq!((status, &closed["status"]), (200, &json!("closed")));
    assert_eq!(closed["closing"]["revision"], 3);
    world.holds().await;
}

#[tokio::test]
async fn reports_that_cannot_be_meant_change_nothing() {
    let world = world().await;
    let id = world.reserved("R1").await;
    let line = |code: &str, level: &str| json!({ "packaging_code": code, "packaging_level": level, "quantity_reported": 0 });
    let own = line("00313000007772", "EA");
    let cases = [
        (json!({ "lot": "LOT43" }), 422, "/lot"),
        (json!({ "unused": "return" }), 422, "/unused"),
        (json!({ "unused": "burn" }), 400, "/unused"),
        (json!({ "lot": "a b" }), 400, "/lot"),
        (json!({ "reason": "" }), 400, "/reason"),
        (json!({ "production": [] }), 400, "/production"),
        (json!({ "production": vec![own.clone(); 21] }), 400, "/production"),
        (json!({ "production": [own.clone(), own] }), 422, "/production/1"),
        (json!({ "production": [line("10313000007779", "CA")] }), 422, "/production"),
        (json!({ "production": [line("1", "EA")] }), 400, "/production/0/packaging_code"),
        (
            json!({ "production": [line("00313000007772", "XX")] }),
            400,
            "/production/0/packaging_level",
        ),
        (json!({ "quantity": 1 }), 400, "/quantity"),
    ];
    for (wrong, status, pointer) in cases {
        let (got, answer) = world.close(&id, &wrong).await;
        assert_eq!(
            (got, &answer["violations"][0]["pointer"]),
            (status, &json!(pointer)),
            "{answer}"
        );
    }
    assert_eq!(world.review(&id, "other", "accept").await.0, 409);
    assert_eq!(world.review(&id, "other", "close").await.0, 400);
    assert_eq!(world.document(&id, "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.get(&format!("{ROOT}/{id}"), "").await.1["status"], "reserved");
    assert!(world.shelf.keys("d").is_empty());
}

#[tokio::test]
async fn a_document_that_was_changed_is_not_answered() {
    let world = world().await;
    let id = world.reserved("R1").await;
    assert_eq!(world.close(&id, &json!({ "reason": "no run" })).await.1["status"], "closed");
    let (_, headers, _) = world.document(&id, "").await;
    let tag = headers[header::ETAG].to_str().unwrap().to_owned();
    let event = HttpEvent::get(&format!("{ROOT}/{id}/batch-document"))
        .header("if-none-match", &tag)
        .caller(&caller("allocations:read"));
    assert_eq!(world.app.handle(event.request().unwrap()).await.status(), 304);
    for key in world.shelf.keys("d") {
        world.shelf.put("d", &key, b"{}".to_vec());
    }
    assert_eq!(world.document(&id, "").await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(world.document(&id, "format=html").await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(world.document(&id, "format=pdf").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(world.document(&id, "revision=2").await.0, StatusCode::NOT_FOUND);
}

/// A world whose pool offers returned numbers again.
pub(super) async fn offering() -> World {
    let world = world().await;
    let change = store::pool::PoolChange {
        policy: store::pool::PolicyChange {
            reoffer: Some(domain::policy::Reoffer::Returned),
            ..Default::default()
        },
        ..Default::default()
    };
    let pool = PoolId::from_entropy([1; 17]);
    world.store.pool_change(&pool, &change, ("L1/c", NOW)).await.unwrap();
    world
}

#[tokio::test]
async fn unused_numbers_are_given_back_where_the_pool_takes_them() {
    let world = offering().await;
    let id = world.reserved("R1").await;
    world.told(&id, Fact::Commissioned, (0, 94)).await;
    let mut report = production(95);
    report["unused"] = "return".into();
    let (status, closed) = world.close(&id, &report).await;
    assert_eq!((status, closed["status"].as_str()), (200, Some("closed")), "{closed}");
    assert_eq!(world.close(&id, &report).await.1["replay"], json!(true));
    let (_, balance) = world.get(&format!("{ROOT}/{id}/reconciliation"), "").await;
    assert_eq!((&balance["returned"], &balance["deactivated"]), (&json!(5), &json!(0)));
    world.holds().await;
}
