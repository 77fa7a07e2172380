//! The end of a batch over the deployed hub: what fits is closed, what does not is reviewed by somebody else,
//! and the documents of both are what the audit holds against them.

use pharmatrace::audit;
use serde_json::{Value, json};
use store::audit::Invariant;

use crate::flow_kit::{ALLOCATIONS, GTIN, Hub, problem, reservation, text};
use crate::flow_plant::{commissioning, drop_file, put, settled, sha256};

fn end_of_batch(quantity: u64) -> Value {
    json!({ "lot": "LOT42", "production": [{ "packaging_code_type": "GTIN-14",
        "packaging_code": GTIN, "packaging_level": "EA", "quantity_reported": quantity }] })
}

/// Two allocations of 100 numbers, of each of which a file commissions 90.
async fn printed(hub: &Hub) -> Vec<String> {
    hub.pool().await;
    let objects = hub.cloud.hub.objects().await.unwrap();
    let mut ids = Vec::new();
    for place in 0..2_u64 {
        let request = reservation(&format!("R{place}"), 100);
        let answer = hub.api.post(ALLOCATIONS, &request).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.json());
        ids.push(text(&answer.json(), "allocation_id"));
        let bytes = commissioning(place * 100, 90);
        drop_file(&objects, &format!("{place}.xml"), &bytes).await;
        settled(&hub.api, &sha256(&bytes), 1).await;
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_batch_is_judged_reviewed_and_kept_as_a_document() {
    let hub = Hub::start().await;
    let ids = printed(&hub).await;
    let path = |place: usize, verb: &str| format!("{ALLOCATIONS}/{}/{verb}", ids[place]);
    let closed = hub.api.post(&path(0, "close"), &end_of_batch(90)).await.unwrap().json();
    assert_eq!(closed["status"], "closed", "{closed}");
    let doubtful = hub.api.post(&path(1, "close"), &end_of_batch(91)).await.unwrap().json();
    assert_eq!(doubtful["status"], "pending_review", "{doubtful}");
    let finding = doubtful["closing"]["findings"][0].as_str().unwrap().to_owned();
    let found = hub.api.get(&format!("/api/v1/findings/{finding}")).await.unwrap().json();
    assert_eq!((&found["code"], &found["status"]), (&json!("EOB_COUNT_MISMATCH"), &json!("open")));

    let review = json!({ "decision": "accept", "reason": "one pack was broken by the camera" });
    let own = hub.api.post(&path(1, "review"), &review).await.unwrap();
    assert_eq!((own.status, problem(&own.json()).as_str()), (403, "forbidden"));
    let other = hub.credential("quality", &["findings:write", "allocations:read"], &[]).await;
    let other = hub.api.with_token(Some(&other.token));
    let reviewed = other.post(&path(1, "review"), &review).await.unwrap().json();
    assert_eq!(reviewed["status"], "closed", "{reviewed}");
    let found = hub.api.get(&format!("/api/v1/findings/{finding}")).await.unwrap().json();
    assert_eq!(found["status"], "resolved");

    let json = other.get(&path(1, "batch-document")).await.unwrap();
    let sha = sha256(&json.body);
    assert_eq!(json.header("etag"), Some(format!("\"{sha}\"").as_str()));
    assert_eq!(reviewed["closing"]["document"]["sha256"], sha.as_str());
    let line = &json.json()["production"][0];
    let counts = (&line["quantity_reported"], &line["quantity_commissioned"]);
    assert_eq!(counts, (&json!(91), &json!(90)));
    let page = other.get(&path(1, "batch-document?format=html")).await.unwrap();
    assert_eq!(reviewed["closing"]["document"]["html_sha256"], sha256(&page.body).as_str());
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    for part in ["Reviewed; accepted", ">91<", ">90<", sha.as_str(), &ids[1]] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let holds = audit::quiet(&hub.cloud.hub).await.unwrap();
    assert_eq!(holds.breaches, []);
    swapped(&hub, &ids[1], &sha).await;
    hub.stop().await;
}

/// A document in place of another is found, wherever it comes from.
async fn swapped(hub: &Hub, id: &str, sha: &str) {
    let objects = hub.cloud.hub.objects().await.unwrap();
    let key = format!("batches/{id}/2.{sha}.json");
    put(&objects, &objects.buckets.documents, &key, b"{}").await;
    let audit = audit::quiet(&hub.cloud.hub).await.unwrap();
    let told: Vec<_> = audit.breaches.iter().map(|one| (one.invariant, &one.subject)).collect();
    assert_eq!(told, [(Invariant::Evident, &key)]);
}
