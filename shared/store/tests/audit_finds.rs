//! The audit passes a healthy table, also one that is at work, and names what is planted into it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails here")]
#![expect(clippy::disallowed_methods, reason = "corruption is written past the crate store")]

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::allocation::{Allocation, Transition};
use domain::bitmap::{BlockSet, Offset};
use domain::fact::Fact;
use domain::gtin::Gtin14;
use domain::ids::{PoolId, RequestId, SystemId};
use domain::ledger::{Claim, Draft, Terms};
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest};
use store::Store;
use store::allocation::{Counted, Gain};
use store::audit::{Audit, Invariant};
use store::block::Place;
use store::document::{Document, DocumentStatus};
use store::meter::Meter;
use store::plan::PlanRun;
use testkit::Dynamo;

const NOW: &str = "2026-11-23T12:00:00.000Z";
const SHA: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

struct Hub {
    _dynamo: Dynamo,
    client: Client,
    table: String,
    store: Store,
    pool: PoolId,
    allocations: Vec<Allocation>,
}

fn gtin() -> Gtin14 {
    Gtin14::parse("00313000007772").unwrap()
}

fn request(id: &str, quantity: u64) -> ReserveRequest {
    ReserveRequest {
        requester: SystemId::parse("line-1").unwrap(),
        credential: None,
        request_id: RequestId::parse(id).unwrap(),
        key: gtin().into(),
        quantity,
        pool_id: None,
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: Details::default(),
        terms: domain::request::Terms::default(),
    }
}

/// A pool with three allocations, of which a document commissions 100 numbers in two blocks of the first.
async fn healthy() -> Hub {
    let dynamo = Dynamo::start().await;
    let table = dynamo.table().await;
    let client = dynamo.client();
    let store = Store::new(client.clone(), &table);
    let pool = PoolId::from_entropy([0; 17]);
    let draft = PoolDraft {
        name: "a pool".into(),
        key: gtin().into(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        eu_rules: false,
        from: 0,
        to: 999_999,
        max_request: 500_000,
        threshold: 0,
        policy: domain::policy::PoolPolicy::default(),
    };
    store.pool_create(pool.clone(), draft, NOW).await.unwrap();
    let mut allocations = Vec::new();
    for (id, quantity) in [("R1", 40_000), ("R2", 10), ("R3", 10)] {
        let outcome = store.reserve(&request(id, quantity), std::slice::from_ref(&pool), NOW).await;
        allocations.push(outcome.unwrap().allocation);
    }
    let hub = Hub { _dynamo: dynamo, client, table, store, pool, allocations };
    hub.commission().await;
    hub
}

impl Hub {
    async fn commission(&self) {
        let (meter, id) = (Meter::default(), &self.allocations[0].id);
        self.store.allocation_advance(id, Transition::Activate, NOW).await.unwrap();
        let run = PlanRun { allocation: id.clone(), first: 0, last: 1 };
        self.store.plan_put(SHA, &[run], &meter).await.unwrap();
        self.store.allocation_fill_widen(id, (0, 1), &meter).await.unwrap();
        let claim = Claim {
            fact: Fact::Commissioned,
            lot: None,
            expiry: None,
            time_ms: 1,
            ordinal: 1,
            is_bare: false,
        };
        let mut draft = Draft::default();
        let span = BlockSet::span(Offset::new(0).unwrap(), Offset::new(49).unwrap());
        draft.assert_all(&claim, &span);
        let mut all = Counted { postings: 2, gain: Gain::default() };
        for block in 0..2 {
            let place = Place { allocation: id, block, content_sha256: SHA };
            let posted =
                self.store.block_apply((place, NOW), &draft, &Terms::default(), &meter).await;
            all.gain.add(posted.unwrap().1);
        }
        let none = Counted::default();
        self.store.allocation_fill_add((id, SHA), (none, all), NOW, &meter).await.unwrap();
        let system = SystemId::parse("line-1").unwrap();
        let fresh = Document { events: 1, ..Document::new(SHA, "epcis-xml-1", &system, NOW) };
        let done = |document: &mut Document| {
            let judgement = document.judgement_mut(&system, NOW).unwrap();
            judgement.status = DocumentStatus::Reconciled;
            judgement.serials.newly_commissioned = 100;
        };
        self.store.document_change(SHA, Some(&fresh), &meter, done).await.unwrap();
    }

    fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
    }

    async fn delete(&self, pk: &str, sk: &str) {
        let call = self.client.delete_item().table_name(&self.table);
        call.set_key(Some(Self::key(pk, sk))).send().await.unwrap();
    }

    async fn item(&self, pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
        let call = self.client.get_item().table_name(&self.table);
        call.set_key(Some(Self::key(pk, sk))).send().await.unwrap().item.unwrap()
    }

    async fn put(&self, item: HashMap<String, AttributeValue>) {
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await.unwrap();
    }

    async fn set(&self, pk: &str, sk: &str, name: &str, value: AttributeValue) {
        let mut item = self.item(pk, sk).await;
        item.insert(name.to_owned(), value);
        self.put(item).await;
    }

    fn pool_pk(&self) -> String {
        format!("POOL#{}", self.pool)
    }

    fn block_pk(&self) -> String {
        format!("BLOCK#{}#{:08}", self.allocations[0].id, 0)
    }

    async fn audit(&self) -> Audit {
        self.store.audit().await.unwrap()
    }

    /// The audit names a breach of this invariant that says this.
    async fn breaks(&self, invariant: Invariant, detail: &str) {
        let audit = self.audit().await;
        let found = audit
            .breaches
            .iter()
            .any(|breach| breach.invariant == invariant && breach.detail.contains(detail));
        assert!(found, "no {invariant:?} breach about {detail:?} in {:#?}", audit.breaches);
    }
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn range(start: u64) -> String {
    format!("RANGE#{start:020}")
}

#[tokio::test]
async fn healthy_table_passes_and_is_counted() {
    let hub = healthy().await;
    let audit = hub.audit().await;
    assert_eq!(audit.breaches, []);
    assert_eq!((audit.pools, audit.ranges, audit.allocations), (1, 3, 3));
    assert_eq!((audit.numbers, audit.void, audit.open), (40_020, 0, 0));
    assert_eq!((audit.blocks, audit.postings, audit.documents), (2, 2, 1));
}

#[tokio::test]
async fn table_at_work_passes() {
    let hub = healthy().await;
    hub.store.reservation_open(&request("R4", 7), &hub.pool, NOW).await.unwrap();
    hub.store.reservation_open(&request("R5", 7), &hub.pool, NOW).await.unwrap();
    hub.store.allocation_void(&hub.allocations[1].id, "not needed", ("test", NOW)).await.unwrap();
    let audit = hub.audit().await;
    assert_eq!(audit.breaches, []);
    assert_eq!((audit.open, audit.void), (2, 10));
}

#[tokio::test]
async fn removed_range_is_found() {
    let hub = healthy().await;
    hub.delete(&hub.pool_pk(), &range(40_000)).await;
    hub.breaks(Invariant::Accounted, "numbers 40000 to 40009 are in no record").await;
    hub.breaks(Invariant::Disjoint, "has no range of its own at 40000").await;
}

#[tokio::test]
async fn overlapping_range_is_found() {
    let hub = healthy().await;
    hub.set(&hub.pool_pk(), &range(40_000), "size", number(15)).await;
    hub.breaks(Invariant::Disjoint, "numbers 40010 to 40014 are in two records").await;
    hub.breaks(Invariant::Accounted, "has other numbers").await;
}

#[tokio::test]
async fn lowered_cursor_is_found() {
    let hub = healthy().await;
    hub.set(&hub.pool_pk(), "POOL", "cursor", number(40_015)).await;
    hub.breaks(Invariant::Accounted, "do not add up to its end").await;
    hub.breaks(Invariant::Accounted, "records reach to 40019, the cursor is 40015").await;
}

#[tokio::test]
async fn entry_closed_without_a_record_is_found() {
    let hub = healthy().await;
    let opened = hub.store.reservation_open(&request("R4", 7), &hub.pool, NOW).await.unwrap();
    hub.store.entry_close(&hub.pool, &opened.entry).await.unwrap();
    hub.breaks(Invariant::Accounted, "numbers 40020 to 40026 are in no record").await;
}

#[tokio::test]
async fn void_range_under_a_live_allocation_is_found() {
    let hub = healthy().await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    hub.set(&hub.pool_pk(), &range(40_000), "reason", text("planted")).await;
    hub.set(&hub.pool_pk(), &range(40_000), "kind", text("void")).await;
    hub.breaks(Invariant::Accounted, "lives on it").await;
}

#[tokio::test]
async fn flipped_bits_of_a_state_are_found() {
    let hub = healthy().await;
    let set = BlockSet::span(Offset::new(0).unwrap(), Offset::new(50).unwrap());
    let bytes = AttributeValue::B(set.encode().into());
    hub.set(&hub.block_pk(), "STATE", "commissioned", bytes).await;
    hub.breaks(Invariant::Posted, "the state has 51 numbers, its postings 50").await;
}

#[tokio::test]
async fn facts_beyond_the_allocation_break_the_balance() {
    let hub = healthy().await;
    // The second block has 40,000 - 32,768 = 7,232 numbers.
    let set = BlockSet::span(Offset::new(0).unwrap(), Offset::new(7_232).unwrap());
    let bytes = AttributeValue::B(set.encode().into());
    let pk = format!("BLOCK#{}#{:08}", hub.allocations[0].id, 1);
    hub.set(&pk, "STATE", "commissioned", bytes).await;
    hub.breaks(Invariant::Balanced, "40000 reserved").await;
}

#[tokio::test]
async fn missing_posting_is_found() {
    let hub = healthy().await;
    hub.delete(&hub.block_pk(), &format!("DOC#{SHA}")).await;
    hub.breaks(Invariant::Posted, "the state has 50 numbers, its postings 0").await;
    hub.breaks(Invariant::Posted, "its posting in").await;
}

#[tokio::test]
async fn missing_document_and_missing_plan_are_found() {
    let hub = healthy().await;
    let plan = format!("PLAN#{}#{:08}-{:08}", hub.allocations[0].id, 0, 1);
    hub.delete(&format!("DOC#{SHA}"), &plan).await;
    hub.breaks(Invariant::Posted, "its document never planned it").await;
    hub.delete(&format!("DOC#{SHA}"), "DOC").await;
    hub.breaks(Invariant::Posted, "its document does not exist").await;
}

#[tokio::test]
async fn unreadable_items_are_breaches_and_stop_nothing() {
    let hub = healthy().await;
    hub.set(&hub.pool_pk(), &range(40_000), "schema", number(99)).await;
    hub.put(Hub::key("NONSENSE", "X")).await;
    hub.breaks(Invariant::Readable, "is of another version").await;
    hub.breaks(Invariant::Readable, "is no key of ours").await;
}

#[tokio::test]
async fn overlapping_pools_of_a_gtin_are_found() {
    let hub = healthy().await;
    let other = PoolId::from_entropy([1; 17]);
    let mut item = hub.item(&hub.pool_pk(), "POOL").await;
    item.extend(Hub::key(&format!("POOL#{other}"), "POOL"));
    item.insert("id".into(), AttributeValue::S(other.to_string()));
    hub.put(item).await;
    hub.breaks(Invariant::Disjoint, "overlaps pool").await;
    hub.breaks(Invariant::Disjoint, "not all claimed").await;
}

fn word(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test]
async fn edited_audit_record_is_found() {
    let hub = healthy().await;
    hub.set(&hub.pool_pk(), "AUDIT#000000000001", "actor", word("L9/somebody-else")).await;
    hub.breaks(Invariant::Evident, "record 1 does not have the hash of what it says").await;
}

#[tokio::test]
async fn removed_audit_record_is_found() {
    let hub = healthy().await;
    let pk = format!("ALLOC#{}", hub.allocations[0].id);
    hub.delete(&pk, "AUDIT#000000000001").await;
    hub.breaks(Invariant::Evident, "record 1 is missing, the next one is 2").await;
    // The last one leaves no gap; what it told of is a state without evidence then.
    hub.delete(&pk, "AUDIT#000000000002").await;
    hub.breaks(Invariant::Evident, "is active, but its last record says \"\"").await;
}

#[tokio::test]
async fn state_changed_past_the_hub_is_found() {
    let hub = healthy().await;
    let pk = format!("ALLOC#{}", hub.allocations[1].id);
    hub.set(&pk, "ALLOC", "status", word("exported")).await;
    hub.breaks(Invariant::Evident, "is exported, but its last record says \"reserved\"").await;
    hub.set(&hub.pool_pk(), "POOL", "threshold", number(7)).await;
    hub.breaks(Invariant::Evident, "threshold 7\", but its last record says").await;
}

/// Somebody with all rights on the table rewrites a record, its hash and all that follows.
#[tokio::test]
async fn rewritten_chain_contradicts_the_seal_of_its_day() {
    let hub = healthy().await;
    let next_day = time::macros::datetime!(2026-11-24 12:00 UTC);
    let seal = hub.store.seal_due(next_day).await.unwrap().unwrap();
    hub.store.seal_put(&seal).await.unwrap();
    assert_eq!(hub.audit().await.breaches, []);
    let pk = format!("ALLOC#{}", hub.allocations[1].id);
    let entity: store::keys::Pk = pk.parse().unwrap();
    let mut record = hub.store.audit_records(&entity, 1).await.unwrap().remove(0);
    record.record.actor = "L9".to_owned();
    hub.set(&pk, "AUDIT#000000000001", "actor", word("L9")).await;
    hub.set(&pk, "AUDIT#000000000001", "hash", word(&record.computed_hash())).await;
    hub.breaks(Invariant::Evident, "other records were sealed than the day has").await;
    hub.delete(&pk, "AUDIT#000000000001").await;
    hub.breaks(Invariant::Evident, "records, the day has").await;
}

#[tokio::test]
async fn changed_seal_is_found() {
    let hub = healthy().await;
    let mut now = time::macros::datetime!(2026-11-24 12:00 UTC);
    for _ in 0..2 {
        let seal = hub.store.seal_due(now).await.unwrap().unwrap();
        hub.store.seal_put(&seal).await.unwrap();
        now += time::Duration::days(1);
    }
    hub.set("SEALS", "DAY#2026-11-23", "records", number(3)).await;
    hub.breaks(Invariant::Evident, "does not have the hash of what it says").await;
    hub.delete("SEALS", "DAY#2026-11-23").await;
    hub.breaks(Invariant::Evident, "does not follow from the seal before").await;
}
