//! A finding from the file that caused it to the report for a trading partner: what people do about it
//! stays, whatever arrives meanwhile, and what comes back is opened again.

use pharmatrace::api::Api;
use pharmatrace::audit;
use pharmatrace::local::SYSTEM;
use serde_json::{Value, json};
use store::Objects;

use crate::flow_kit::{ALLOCATIONS, Hub, problem, reservation, text};
use crate::flow_plant::{commissioning, drop_file, settled, sha256};

const FINDINGS: &str = "/api/v1/findings";

async fn dropped(hub: &Hub, objects: &Objects, name: &str, bytes: &[u8], arrivals: usize) -> Value {
    drop_file(objects, name, bytes).await;
    settled(&hub.api, &sha256(bytes), arrivals).await
}

/// The only finding of a code in a document.
async fn finding(api: &Api, code: &str, bytes: &[u8]) -> Value {
    let path = format!("{FINDINGS}?code={code}&content_sha256={}", sha256(bytes));
    let answer = api.get(&path).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.json());
    let items = answer.json()["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 1, "{code} {items:?}");
    items[0].clone()
}

async fn fetched(api: &Api, id: &str) -> Value {
    let answer = api.get(&format!("{FINDINGS}/{id}")).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

async fn done(api: &Api, id: &str, verb: &str, body: &Value) -> Value {
    let answer = api.post(&format!("{FINDINGS}/{id}/{verb}"), body).await.unwrap();
    assert_eq!(answer.status, 200, "{verb} {}", answer.json());
    answer.json()
}

#[tokio::test]
async fn a_finding_is_handled_comes_back_and_is_told_to_a_partner() {
    let hub = Hub::start().await;
    hub.pool().await;
    let objects = hub.cloud.hub.objects().await.unwrap();
    let answer = hub.api.post(ALLOCATIONS, &reservation("R1", 10)).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.json());

    // Ten serials as reserved, with a gap, and three that no pool has.
    let first = [commissioning(0, 4), commissioning(6, 4), commissioning(2_000_000, 3)];
    for (n, bytes) in first.iter().enumerate() {
        let view = dropped(&hub, &objects, &format!("first-{n}.xml"), bytes, 1).await;
        assert_eq!(view["status"], "reconciled", "{view}");
    }
    let foreign = &first[2];
    let id = text(&finding(&hub.api, "NOT_RESERVED", foreign).await, "id");
    let line = hub.credential(SYSTEM, &["findings:write", "reports:read"], &[]).await;
    let line = hub.api.with_token(Some(&line.token));
    done(&line, &id, "acknowledge", &json!({"reason": "the line was told"})).await;
    done(&line, &id, "assign", &json!({"assignee": "ada"})).await;
    done(&line, &id, "comment", &json!({"text": "a roll of old labels"})).await;

    // The same file again changes nothing about it.
    dropped(&hub, &objects, "again.xml", foreign, 2).await;
    let view = fetched(&hub.api, &id).await;
    assert_eq!((&view["status"], &view["assignee"]), (&json!("acknowledged"), &json!("ada")));
    assert_eq!(view["history"].as_array().unwrap().len(), 3);

    // A partner can be told; what is nobody's business cannot.
    let report = hub.api.get(&format!("{FINDINGS}/{id}/export?format=pdg")).await.unwrap();
    assert_eq!(report.status, 200, "{}", report.json());
    let report = report.json();
    assert_eq!(report["sender_information"]["email"], "operator@localhost");
    assert_eq!(report["exceptions"]["missing_product_data"].as_array().unwrap().len(), 3);
    let gap = text(&finding(&hub.api, "INTERNAL_GAP", &first[1]).await, "id");
    let none = hub.api.get(&format!("{FINDINGS}/{gap}/export?format=pdg")).await.unwrap();
    assert_eq!((none.status, problem(&none.json()).as_str()), (422, "not-exportable"));

    // Two resolve it at once: one reason stands.
    let path = format!("{FINDINGS}/{id}/resolve");
    let (scrapped, void) = (json!({"reason": "scrapped"}), json!({"reason": "voided"}));
    let (a, b) = tokio::join!(hub.api.post(&path, &scrapped), line.post(&path, &void));
    let mut statuses = [a.unwrap().status, b.unwrap().status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let queued = hub.store.findings_unresolved(None).await.unwrap().findings;
    assert!(queued.iter().all(|finding| finding.id != id), "{queued:?}");

    // The roll is still in use: what was resolved is open again.
    let later = commissioning(2_000_100, 1);
    dropped(&hub, &objects, "later.xml", &later, 1).await;
    let view = fetched(&hub.api, &id).await;
    assert_eq!((&view["status"], &view["recurrences"]), (&json!("open"), &json!(1)), "{view}");
    assert_eq!((&view["assignee"], &view["comments"]), (&json!("ada"), &json!(1)));
    let history = view["history"].as_array().unwrap();
    let actions: Vec<&str> = history.iter().map(|h| h["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["acknowledge", "assign", "comment", "resolve", "reopen"]);
    assert_eq!(finding(&hub.api, "NOT_RESERVED", &later).await["recurrence_of"], json!(id));

    // I8: another system's line sees and changes none of it.
    let scopes = ["findings:write", "documents:read"];
    let other = hub.credential("L2", &scopes, &[crate::flow_kit::LINE]).await;
    let other = hub.api.with_token(Some(&other.token));
    let refused = [
        other.get(&format!("{FINDINGS}/{id}")).await.unwrap(),
        other.get(&format!("{FINDINGS}/{id}/export?format=pdg")).await.unwrap(),
        other.post(&format!("{FINDINGS}/{id}/comment"), &json!({"text": "x"})).await.unwrap(),
    ];
    assert!(refused.iter().all(|answer| answer.status == 404));
    for address in [FINDINGS, "/api/v1/l3/findings"] {
        assert_eq!(other.get(address).await.unwrap().json()["items"], json!([]), "{address}");
    }
    assert_eq!(audit::quiet(&hub.cloud.hub).await.unwrap().breaches, []);
    hub.stop().await;
}
