mod audit;
mod documents;
mod findings;
mod lists;
mod page;
mod pdg;
mod scorecard;

use std::io::{Read, Write};
use std::net::TcpListener;

use domain::finding::{Code, Subject};
use domain::ids::SystemId;
use edge::{App, AuthorizerContext, Clock, Entropy, HttpEvent, List, TenantProfile, app};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::arrival::Arrival;
use store::client::{AwsSettings, https, s3, sqs};
use store::document::{Document, DocumentError, DocumentStatus};
use store::finding::FindingRecord;
use store::meter::Meter;
use store::{Buckets, Objects, Store};
use testkit::Dynamo;
use time::macros::datetime;

use super::{Hub, JudgeQueue, SignIn, router};

const DOCUMENTS: &str = "/api/v1/l3/documents";
const FINDINGS: &str = "/api/v1/l3/findings";

struct Bench {
    door: App,
    store: Store,
    _dynamo: Dynamo,
}

/// Answers every GET of an object with the report in `REPORT`; enough of S3 for reading one object.
fn serve_reports() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let body = json!({"allocations": [{
                "allocation_id": "A".repeat(26), "newly_commissioned": 7, "repeated": 0
            }]})
            .to_string();
            let frame = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(frame.as_bytes()).unwrap();
        }
    });
    address
}

async fn bench_of(profile: TenantProfile) -> Bench {
    bench_at(profile, Clock::fixed(datetime!(2026-11-23 10:00 UTC))).await
}

async fn bench_at(profile: TenantProfile, clock: Clock) -> Bench {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let settings = AwsSettings::new("eu-central-1", Some(serve_reports()), ("test", "test"), None);
    let buckets =
        Buckets { inbound: "in".into(), outbound: "out".into(), documents: "docs".into() };
    let objects = Objects { s3: s3(&settings, &https()), buckets };
    let sign_in = SignIn { entropy: Entropy::system(), secure: true, profile };
    let (mine, time) = (store.clone(), clock.clone());
    let queue = JudgeQueue {
        sqs: sqs(&settings, &https()),
        url: String::new(),
        patience: time::Duration::minutes(135),
    };
    let hub = Hub { store: mine, objects, queue, clock: time, contact_email: None, sign_in };
    let door = app(router(hub), profile, clock);
    let bench = Bench { door, store, _dynamo: dynamo };
    bench.fill().await;
    bench
}

async fn bench() -> Bench {
    bench_of(TenantProfile::Manufacturer).await
}

fn context(scopes: &str) -> AuthorizerContext {
    let (system, scopes) = ("L1".to_owned(), scopes.to_owned());
    AuthorizerContext { system, scopes, ..AuthorizerContext::default() }
}

fn bound(scopes: &str, system: &str) -> AuthorizerContext {
    let (system, lines) = (system.to_owned(), "0313000000018".to_owned());
    AuthorizerContext { system, lines, ..context(scopes) }
}

fn system(id: &str) -> SystemId {
    SystemId::parse(id).unwrap()
}

/// The n-th hash; `raw` hashes are other ones.
fn sha(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

fn at(n: u8) -> String {
    format!("2026-11-23T0{n}:00:00.000Z")
}

fn document(n: u8, sender: &str) -> Document {
    Document {
        raw_sha256: Some(sha(n.wrapping_add(100))),
        events: 3,
        judgements: Vec::new(),
        ..Document::new(&sha(n), "epcis-xml-1", &system(sender), &at(n))
    }
}

impl Bench {
    /// Documents 1 (L1, reconciled), 2 (L2, quarantined), 3 (L1 and L2, parked for L2), each with a
    /// finding for its senders.
    async fn fill(&self) {
        self.put(document(1, "L1"), &[("L1", DocumentStatus::Reconciled)]).await;
        let error = DocumentError {
            code: "truncated".into(),
            message: "the document ends early".into(),
            line: Some(3),
            column: Some(14),
        };
        self.put(
            Document { error: Some(error), ..document(2, "L2") },
            &[("L2", DocumentStatus::Received)],
        )
        .await;
        let both = [("L1", DocumentStatus::Reconciled), ("L2", DocumentStatus::Parked)];
        self.put(document(3, "L1"), &both).await;
    }

    async fn put(&self, document: Document, senders: &[(&str, DocumentStatus)]) {
        let (meter, sha) = (Meter::default(), document.content_sha256.clone());
        let change = |stored: &mut Document| {
            for (sender, status) in senders {
                let judgement = stored.judgement_mut(&system(sender), &document.received_at);
                let judgement = judgement.unwrap();
                judgement.status = *status;
                judgement.serials.named = 10;
                judgement.serials.matched = 7;
            }
        };
        self.store.document_change(&sha, Some(&document), &meter, change).await.unwrap();
        let raw = document.raw_sha256.as_deref().unwrap();
        self.store.raw_alias_put(raw, &sha, &meter).await.unwrap();
        for (sender, _) in senders {
            let arrival = Arrival {
                system_id: system(sender),
                bucket: "in".into(),
                key: format!("inbound/{sender}/file.xml"),
                version_id: "v1".into(),
                sequencer: "s1".into(),
                at: document.received_at.clone(),
            };
            self.store.arrival_record(&arrival, &sha, &meter).await.unwrap();
            let code = if *sender == "L1" { Code::NotReserved } else { Code::MissingLot };
            let subject = Subject { code, provisional: false, allocation_id: None, gtin: None };
            let record = FindingRecord {
                content_sha256: sha.clone(),
                system_id: system(sender),
                at: document.received_at.clone(),
                finding: subject.finding((&sha, sender), 3),
            };
            self.store.finding_put(&record, &meter).await.unwrap();
        }
    }

    async fn send(&self, event: HttpEvent) -> (u16, Value) {
        let response = self.door.handle(event.request().unwrap()).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// The given member of the items of a list.
    async fn list(
        &self,
        path: &str,
        query: &str,
        by: &AuthorizerContext,
        member: &str,
    ) -> Vec<String> {
        let (status, body) = self.send(HttpEvent::get(path).query(query).caller(by)).await;
        assert_eq!(status, 200, "{path}?{query} {body}");
        let items = body["items"].as_array().unwrap();
        items.iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
    }
}

fn slug(body: &Value) -> &str {
    body["type"].as_str().unwrap().rsplit('/').next().unwrap()
}

#[tokio::test]
async fn a_document_is_found_by_content_and_by_received_bytes() {
    let bench = bench().await;
    let reader = context("documents:read");
    let path = format!("{DOCUMENTS}/{}", sha(1));
    let (status, body) = bench.send(HttpEvent::get(&path).caller(&reader)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!((&body["content_sha256"], &body["status"]), (&json!(sha(1)), &json!("reconciled")));
    assert_eq!(body["arrivals"][0]["key"], "inbound/L1/file.xml");
    assert_eq!((&body["serials"]["named"], &body["serials"]["matched"]), (&json!(10), &json!(7)));
    assert_eq!(body["allocations"][0]["newly_commissioned"], 7);
    assert_eq!(body["findings"][0]["code"], "NOT_RESERVED");
    assert_eq!(body["error"], Value::Null);
    let raw = format!("{DOCUMENTS}/{}", sha(101));
    assert_eq!(bench.send(HttpEvent::get(&raw).caller(&reader)).await, (200, body));
    let refused = format!("{DOCUMENTS}/{}", sha(2));
    let (_, body) = bench.send(HttpEvent::get(&refused).caller(&reader)).await;
    assert_eq!(body["status"], "quarantined");
    assert_eq!((&body["error"]["line"], &body["error"]["column"]), (&json!(3), &json!(14)));
}

#[tokio::test]
async fn documents_are_listed_newest_first_by_filter_and_page() {
    let bench = bench().await;
    let reader = context("documents:read");
    for (query, expected) in [
        ("", vec![3, 2, 1]),
        ("status=reconciled", vec![1]),
        ("status=parked", vec![3]),
        ("status=received", vec![]),
        ("system_id=L1", vec![3, 1]),
        ("system_id=L2&status=quarantined", vec![2]),
        ("since=2026-11-23T02:00:00Z", vec![3, 2]),
        ("since=2026-11-23T09:00:00Z", vec![]),
    ] {
        let expected: Vec<String> = expected.into_iter().map(sha).collect();
        let found = bench.list(DOCUMENTS, query, &reader, "content_sha256").await;
        assert_eq!(found, expected, "{query}");
    }
    let mut seen = Vec::new();
    let mut query = "limit=1&since=2026-11-23T02:00:00Z".to_owned();
    while seen.len() < 9 {
        let event = HttpEvent::get(DOCUMENTS).query(&query).caller(&reader);
        let (_, page) = bench.send(event).await;
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["content_sha256"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("limit=1&since=2026-11-23T02:00:00Z&cursor={cursor}");
    }
    assert_eq!(seen, [sha(3), sha(2)]);
}

#[tokio::test]
async fn findings_are_listed_by_filter() {
    let bench = bench().await;
    let reader = context("reports:read");
    let documents = |numbers: &[u8]| numbers.iter().copied().map(sha).collect::<Vec<_>>();
    for (query, expected) in [
        ("code=NOT_RESERVED", documents(&[3, 1])),
        ("severity=warning", documents(&[3, 2])),
        ("severity=error", documents(&[])),
        ("status=resolved", documents(&[])),
        ("status=open&code=MISSING_LOT&since=2026-11-23T03:00:00Z", documents(&[3])),
        ("allocation_id=AAAAAAAAAAAAAAAAAAAAAAAAAA", documents(&[])),
        ("gtin=00313000007772", documents(&[])),
    ] {
        let found = bench.list(FINDINGS, query, &reader, "content_sha256").await;
        assert_eq!(found, expected, "{query}");
    }
    let by_document = format!("content_sha256={}", sha(1));
    assert_eq!(bench.list(FINDINGS, &by_document, &reader, "system_id").await, ["L1"]);
}

#[tokio::test]
async fn i8_a_line_sees_only_what_its_own_system_sent() {
    let bench = bench().await;
    let line = bound("documents:read", "L2");
    assert_eq!(bench.list(DOCUMENTS, "", &line, "content_sha256").await, [sha(3), sha(2)]);
    assert_eq!(bench.list(DOCUMENTS, "", &line, "system_id").await, ["L2", "L2"]);
    assert!(bench.list(DOCUMENTS, "system_id=L1", &line, "system_id").await.is_empty());
    assert_eq!(bench.list(FINDINGS, "", &line, "system_id").await, ["L2", "L2"]);
    for hash in [sha(1), sha(101)] {
        let event = HttpEvent::get(&format!("{DOCUMENTS}/{hash}")).caller(&line);
        let (status, body) = bench.send(event).await;
        assert_eq!((status, slug(&body)), (404, "not-found"));
    }
    let shared = HttpEvent::get(&format!("{DOCUMENTS}/{}", sha(3))).caller(&line);
    let (status, body) = bench.send(shared).await;
    assert_eq!((status, &body["system_id"]), (200, &json!("L2")));
    assert_eq!(body["arrivals"].as_array().unwrap().len(), 1);
    assert_eq!(body["findings"][0]["code"], "MISSING_LOT");
    assert_eq!((&body["serials"]["matched"], &body["allocations"]), (&json!(7), &json!([])));
}

#[tokio::test]
async fn i8_each_route_refuses_no_bad_expired_and_unscoped_callers_and_other_profiles() {
    let bench = bench().await;
    let dispenser = bench_of(TenantProfile::Dispenser).await;
    let because =
        |reason: &str| AuthorizerContext { reason: reason.into(), ..AuthorizerContext::default() };
    let expired = AuthorizerContext { expires_at: at(9), ..context("operator") };
    for path in [DOCUMENTS.to_owned(), format!("{DOCUMENTS}/{}", sha(1)), FINDINGS.to_owned()] {
        for (caller, expected) in [
            (None, (401, "unauthorized")),
            (Some(because("bad")), (401, "unauthorized")),
            (Some(because("expired")), (401, "unauthorized")),
            (Some(because("revoked")), (401, "unauthorized")),
            (Some(expired.clone()), (401, "unauthorized")),
            (Some(context("pools:read allocations:read uploads:write")), (403, "forbidden")),
        ] {
            let event = caller.iter().fold(HttpEvent::get(&path), HttpEvent::caller);
            let (status, body) = bench.send(event).await;
            assert_eq!((status, slug(&body)), expected, "{path} {caller:?}");
        }
        let operator = HttpEvent::get(&path).caller(&context("operator"));
        assert_eq!(bench.send(operator.clone()).await.0, 200, "{path}");
        let (status, body) = dispenser.send(operator).await;
        assert_eq!((status, slug(&body)), (403, "capability-not-enabled"), "{path}");
    }
}

#[tokio::test]
async fn bad_queries_are_400_and_never_5xx() {
    let bench = bench().await;
    let operator = context("operator");
    for (path, query) in [
        (DOCUMENTS, "status=done"),
        (DOCUMENTS, "system_id=a%2Fb"),
        (DOCUMENTS, "since=yesterday"),
        (DOCUMENTS, "limit=0"),
        (DOCUMENTS, "limit=201"),
        (DOCUMENTS, "cursor=IQ"),
        (DOCUMENTS, "cursor=%00"),
        (DOCUMENTS, "order=up"),
        (DOCUMENTS, "status=parked&status=parked"),
        (FINDINGS, "code=not_reserved"),
        (FINDINGS, "severity=bad"),
        (FINDINGS, "allocation_id=x"),
        (FINDINGS, "gtin=1"),
        (FINDINGS, "content_sha256=x"),
        (FINDINGS, "status=closed"),
        (FINDINGS, "cursor=IQ"),
        (FINDINGS, "since=2026-13-01T00:00:00Z"),
    ] {
        let (status, body) = bench.send(HttpEvent::get(path).query(query).caller(&operator)).await;
        assert_eq!((status, slug(&body)), (400, "validation"), "{path}?{query}");
    }
}

#[tokio::test]
async fn what_is_no_document_or_route_is_404_and_health_needs_nobody() {
    for profile in TenantProfile::ALL {
        let bench = bench_of(profile).await;
        let healthy = bench.send(HttpEvent::get("/health")).await;
        assert_eq!(healthy, (200, json!({"status": "ok"})));
        let (status, body) = bench.send(HttpEvent::new("POST", "/nowhere")).await;
        assert_eq!((status, slug(&body)), (404, "not-found"));
    }
    let bench = bench().await;
    for id in [sha(9), "x".into(), sha(1).to_uppercase().replace('0', "A"), "..%2Ffindings".into()]
    {
        let event = HttpEvent::get(&format!("{DOCUMENTS}/{id}")).caller(&context("operator"));
        let (status, body) = bench.send(event).await;
        assert_eq!((status, slug(&body)), (404, "not-found"), "{id}");
    }
}

#[tokio::test]
async fn sample_events_are_answered() {
    let bench = bench().await;
    for event in [
        include_str!("../../../events/report-operations/health.json"),
        include_str!("../../../events/report-operations/list-documents.json"),
        include_str!("../../../events/report-operations/list-findings.json"),
        include_str!("../../../events/report-operations/list-audit.json"),
        include_str!("../../../events/report-operations/scorecard.json"),
        include_str!("../../../events/report-operations/show-sign-in.json"),
    ] {
        let request = edge::event::request_of_json(event).unwrap();
        assert_eq!(bench.door.handle(request).await.status().as_u16(), 200);
    }
}
