//! Audit records as evidence: what the answers say is enough to verify them, by means of this file alone.

use sha2::{Digest, Sha256};
use store::audit_record::DAY_SHARDS;

use super::*;

const AUDIT: &str = "/api/v1/audit";
const SEALS: &str = "/api/v1/audit/seals";

/// The hash over parts as the OpenAPI document describes it.
fn hash_of(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Whether these records are a whole chain from its beginning, by what they say alone.
fn is_chain(records: &[Value]) -> bool {
    let mut previous = String::new();
    records.iter().zip(1_u64..).all(|(record, place)| {
        let bytes = |name: &str| record[name].as_str().unwrap_or("\0").as_bytes().to_vec();
        let parts = [
            b"1".to_vec(),
            bytes("key"),
            place.to_be_bytes().to_vec(),
            bytes("previous"),
            bytes("at"),
            bytes("actor"),
            bytes("action"),
            bytes("reason"),
            bytes("before"),
            bytes("after"),
            record["version"].as_u64().unwrap().to_be_bytes().to_vec(),
        ];
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let holds = record["place"] == place
            && record["previous"] == previous
            && record["hash"] == hash_of(&parts);
        record["hash"].as_str().unwrap().clone_into(&mut previous);
        holds
    })
}

impl Bench {
    /// All items of a list, page by page.
    async fn all(&self, path: &str, query: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let query = format!("{query}{cursor}");
            let event = HttpEvent::get(path).query(&query).caller(&context("audit:read"));
            let (status, page) = self.send(event).await;
            assert_eq!(status, 200, "{path}?{query} {page}");
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// The name of a finding that was commented so often.
    async fn commented(&self, times: usize) -> String {
        let by = context("findings:write documents:read");
        let found = self.list("/api/v1/findings", "limit=1", &by, "id").await;
        let path = format!("/api/v1/findings/{}/comment", found[0]);
        for n in 0..times {
            let body = json!({ "text": format!("comment {n}") });
            let event = HttpEvent::new("POST", &path).json(&body).caller(&by);
            assert_eq!(self.send(event).await.0, 200);
        }
        format!("finding:{}", found[0])
    }
}

#[tokio::test]
async fn i11_a_chain_is_verified_from_the_answer_alone() {
    let bench = bench().await;
    let entity = bench.commented(5).await;
    let records = bench.all(AUDIT, &format!("entity={entity}&limit=2")).await;
    assert_eq!(records.len(), 5);
    assert!(is_chain(&records), "{records:#?}");
    assert_eq!((&records[0]["entity"], &records[4]["place"]), (&json!(entity), &json!(5)));
    // Whatever is changed, left out or moved is seen.
    for name in ["key", "previous", "at", "actor", "action", "reason", "before", "after", "hash"] {
        let mut edited = records.clone();
        edited[2][name] = json!("other");
        assert!(!is_chain(&edited), "{name}");
    }
    let without = |at: usize| [&records[..at], &records[at + 1..]].concat();
    assert!((0..4).all(|at| !is_chain(&without(at))));
    let mut moved = records.clone();
    moved.swap(1, 2);
    assert!(!is_chain(&moved));
}

#[tokio::test]
async fn i11_a_day_is_listed_in_the_order_of_its_seal() {
    let bench =
        bench_at(TenantProfile::Manufacturer, Clock::fixed(datetime!(2026-11-20 10:00 UTC))).await;
    bench.commented(40).await;
    let day = "2026-11-20";
    for later in [datetime!(2026-11-21 02:00 UTC), datetime!(2026-11-22 02:00 UTC)] {
        let seal = bench.store.seal_due(later).await.unwrap().unwrap();
        assert!(bench.store.seal_put(&seal).await.unwrap());
    }
    let records = bench.all(AUDIT, &format!("day={day}&limit=7")).await;
    let hashes: String = records.iter().map(|one| one["hash"].as_str().unwrap()).collect();
    let root = Sha256::digest(hashes.as_bytes());
    let root = root.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let seals = bench.all(SEALS, "limit=1").await;
    assert_eq!((&seals[0]["day"], &seals[0]["records"]), (&json!(day), &json!(records.len())));
    assert_eq!(seals[0]["root"], json!(root));
    assert_eq!(seals[0]["anchor_key"], "anchors/2026-11-20.json");
    let mut previous = String::new();
    for seal in &seals {
        let text = |name: &str| seal[name].as_str().unwrap().as_bytes();
        let count = seal["records"].as_u64().unwrap().to_be_bytes();
        let parts = [b"1", text("day"), &count, text("root"), text("previous")];
        assert_eq!((&seal["hash"], &seal["previous"]), (&json!(hash_of(&parts)), &json!(previous)));
        seal["hash"].as_str().unwrap().clone_into(&mut previous);
    }
    assert_eq!(seals.len(), 2);
    assert!(records.len() >= 40 && DAY_SHARDS.len() == 16);
}

#[tokio::test]
async fn records_are_found_by_time_and_by_who_did_it() {
    let bench = bench().await;
    let entity = bench.commented(3).await;
    let count = async |query: &str| bench.all(AUDIT, query).await.len();
    let all = count("day=2026-11-23").await;
    assert!(all >= 3);
    assert_eq!(count("since=2026-11-20T00:00:00Z").await, all);
    assert_eq!(count("since=2026-11-23T10:00:00Z&actor=L1").await, 3, "{entity}");
    assert_eq!(count("day=2026-11-23&actor=L1/x").await, 0);
    assert_eq!(count("since=2026-11-23T10:00:00.001Z").await, 0);
    assert_eq!(count("since=2026-11-24T00:00:00Z").await, 0);
    assert_eq!(count("day=2026-11-22").await, 0);
}

#[tokio::test]
async fn i8_records_are_for_credentials_with_their_scope_that_are_bound_to_no_line() {
    let bench = bench().await;
    let entity = bench.commented(1).await;
    for (path, query) in [(AUDIT, format!("entity={entity}")), (SEALS, String::new())] {
        let others = context("documents:read reports:read findings:write pools:read");
        for (by, expected) in [
            (others, (403, "forbidden")),
            (bound("audit:read", "L1"), (403, "line-not-bound")),
            (AuthorizerContext::default(), (401, "unauthorized")),
        ] {
            let event = HttpEvent::get(path).query(&query).caller(&by);
            let (status, body) = bench.send(event).await;
            assert_eq!((status, slug(&body)), expected, "{path}");
        }
        let operator = HttpEvent::get(path).query(&query).caller(&context("operator"));
        assert_eq!(bench.send(operator).await.0, 200);
    }
}

#[tokio::test]
async fn unclear_questions_are_400_and_what_left_no_record_is_404() {
    let bench = bench().await;
    let entity = bench.commented(2).await;
    let foreign = List::<u8>::new(Vec::new(), Some("2026-11-20/0/")).next_cursor.unwrap();
    for (query, status) in [
        (String::new(), 400),
        (format!("entity={entity}&day=2026-11-23"), 400),
        (format!("entity={entity}&actor=L1"), 400),
        (format!("entity={entity}&cursor={foreign}"), 400),
        (format!("day=2026-11-23&cursor={foreign}"), 400),
        (format!("entity={entity}&limit=201"), 400),
        ("entity=session:ab".into(), 400),
        ("entity=pool:x".into(), 400),
        ("day=2026-02-30".into(), 400),
        ("day=2026-11-23&actor=a%20b".into(), 400),
        ("since=2020-01-01T00:00:00Z".into(), 400),
        ("since=today".into(), 400),
        ("actor=L1".into(), 400),
        (format!("entity=pool:{}", "A".repeat(26)), 404),
    ] {
        let event = HttpEvent::get(AUDIT).query(&query).caller(&context("audit:read"));
        assert_eq!(bench.send(event).await.0, status, "{query}");
    }
    let event = HttpEvent::get(SEALS).query("cursor=eA").caller(&context("audit:read"));
    assert_eq!(bench.send(event).await.0, 400);
}
