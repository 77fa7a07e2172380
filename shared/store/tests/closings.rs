//! I11: decisions about the end of a run next to their records: what is planted is found.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails here, and corruption is written past the crate"
)]

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::allocation::{Allocation, AllocationStatus};
use domain::closing::Decision;
use domain::gtin::Gtin14;
use domain::ids::{PoolId, RequestId, SystemId};
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest, Terms};
use store::Store;
use store::allocation::Gain;
use store::audit::Invariant;
use store::closing::{Closing, Effects, Hashes, Seen, content_sha256};
use testkit::Dynamo;

const NOW: &str = "2026-11-23T10:00:00.000Z";
const NOTHING: Effects<'static> = Effects { raised: &[], resolved: (&[], None) };

struct Hub {
    _dynamo: Dynamo,
    store: Store,
    allocation: Allocation,
}

fn closing(of: &Allocation, number: u32, status: AllocationStatus) -> Closing {
    let hash = |form: &str| content_sha256(format!("{number} {form}").as_bytes());
    Closing {
        allocation: of.id.clone(),
        number,
        decision: Decision::Close,
        status,
        at: NOW.to_owned(),
        actor: "L1/c".to_owned(),
        reason: Some("end of batch".to_owned()),
        request_hash: hash("request"),
        request_key: (number == 1).then(|| "E1".to_owned()),
        document: Hashes { json: hash("json"), html: hash("html") },
        counted: Gain { used: -1, commissioned: 7 },
        findings: vec!["a".repeat(26)],
    }
}

async fn hub() -> Hub {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let pool = PoolId::from_entropy([0; 17]);
    let gtin = Gtin14::parse("00313000007772").unwrap();
    let draft = PoolDraft {
        name: "a pool".into(),
        key: gtin.into(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        eu_rules: false,
        from: 0,
        to: 999,
        max_request: 500,
        threshold: 0,
        policy: domain::policy::PoolPolicy::default(),
    };
    store.pool_create(pool.clone(), draft, NOW).await.unwrap();
    let request = ReserveRequest {
        requester: SystemId::parse("L1").unwrap(),
        credential: None,
        request_id: RequestId::parse("R1").unwrap(),
        key: gtin.into(),
        quantity: 10,
        pool_id: None,
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: Details::default(),
        terms: Terms::default(),
    };
    let outcome = store.reserve(&request, &[pool], NOW).await.unwrap();
    Hub { _dynamo: dynamo, store, allocation: outcome.allocation }
}

impl Hub {
    fn key(&self, sk: &str) -> HashMap<String, AttributeValue> {
        let text = |text: String| AttributeValue::S(text);
        let pk = text(format!("ALLOC#{}", self.allocation.id));
        HashMap::from([("pk".to_owned(), pk), ("sk".to_owned(), text(sk.to_owned()))])
    }

    async fn seen(&self) -> Seen {
        self.store.closing_seen(&self.allocation.id).await.unwrap().unwrap()
    }

    async fn breaks(&self, detail: &str) {
        let breaches = self.store.audit().await.unwrap().breaches;
        let found = |one: &&store::audit::Breach| {
            one.invariant == Invariant::Evident && one.detail.contains(detail)
        };
        assert!(breaches.iter().find(found).is_some(), "no {detail:?} in {breaches:#?}");
    }
}

#[tokio::test]
async fn i3_a_decision_is_made_once_and_only_from_the_state_that_was_judged() {
    let hub = hub().await;
    let first = hub.seen().await;
    let review = closing(&hub.allocation, 1, AllocationStatus::PendingReview);
    assert!(hub.store.closing_put(&first, &review, NOTHING).await.unwrap());
    // Another caller that judged the same state comes too late, whatever it decided.
    let late = closing(&hub.allocation, 2, AllocationStatus::Closed);
    assert!(!hub.store.closing_put(&first, &late, NOTHING).await.unwrap());
    let seen = hub.seen().await;
    assert_eq!(seen.allocation.status, AllocationStatus::PendingReview);
    // One that saw the new state, but takes a place that is taken, as well.
    let again = closing(&seen.allocation, 1, AllocationStatus::Closed);
    assert!(!hub.store.closing_put(&seen, &again, NOTHING).await.unwrap());
    assert!(hub.store.closing_put(&seen, &late, NOTHING).await.unwrap());
    let seen = hub.store.allocation_fetch(&hub.allocation.id).await.unwrap().unwrap();
    assert_eq!((seen.status, seen.closed_at.as_deref()), (AllocationStatus::Closed, Some(NOW)));
    let known = hub.store.closing_list(&seen.id).await.unwrap();
    assert_eq!(known, [review, late.clone()]);
    assert_eq!(hub.store.closing_last(&seen.id).await.unwrap(), Some(late));
    assert_eq!(hub.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn i11_a_decision_that_was_edited_or_removed_is_found() {
    let hub = hub().await;
    let closed = closing(&hub.allocation, 1, AllocationStatus::Closed);
    assert!(hub.store.closing_put(&hub.seen().await, &closed, NOTHING).await.unwrap());
    let table = &*hub.store.table;
    let call = hub.store.dynamo.get_item().table_name(table).set_key(Some(hub.key("CLOSING#0001")));
    let item = call.send().await.unwrap().item.unwrap();
    let mut edited = item.clone();
    edited.insert("json_sha256".into(), AttributeValue::S("f".repeat(64)));
    let put = hub.store.dynamo.put_item().table_name(table).set_item(Some(edited));
    put.send().await.unwrap();
    hub.breaks("decision 1 is not what its record says").await;
    let call = hub.store.dynamo.delete_item().table_name(table);
    call.set_key(Some(hub.key("CLOSING#0001"))).send().await.unwrap();
    hub.breaks("is missing").await;
    let put = hub.store.dynamo.put_item().table_name(table).set_item(Some(item));
    put.send().await.unwrap();
    assert_eq!(hub.store.audit().await.unwrap().breaches, []);
}
