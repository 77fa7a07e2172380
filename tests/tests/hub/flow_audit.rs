//! The audit over real objects: what is planted past the hub is found, whatever else agrees with it.
#![expect(clippy::disallowed_methods, reason = "corruption is written past the crate store")]

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::bitmap::{BlockSet, Offset};
use domain::fact::Fact;
use domain::ids::AllocationId;
use domain::ledger::Posting;
use flate2::Compression;
use flate2::write::GzEncoder;
use pharmatrace::audit;
use store::Objects;
use store::audit::{Audit, Invariant};
use store::block::Place;

use crate::flow_kit::{ALLOCATIONS, Hub, reservation, text};
use crate::flow_plant::{commissioning, drop_file, put, settled, sha256};

struct Books {
    hub: Hub,
    objects: Objects,
    allocation: AllocationId,
    /// The document that the tests tamper with.
    sha: String,
    bytes: Vec<u8>,
}

impl Books {
    /// A hub that has read a document, a compressed one, an early one and one that is none.
    async fn kept() -> Self {
        let hub = Hub::start().await;
        hub.pool().await;
        let answer = hub.api.post(ALLOCATIONS, &reservation("R1", 100)).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.json());
        let allocation = AllocationId::parse(&text(&answer.json(), "allocation_id")).unwrap();
        let objects = hub.cloud.hub.objects().await.unwrap();
        let bytes = commissioning(0, 50);
        let books = Self { hub, objects, allocation, sha: sha256(&bytes), bytes };
        let plain = commissioning(50, 10);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        std::io::Write::write_all(&mut packed, &plain).unwrap();
        let packed = packed.finish().unwrap();
        for (name, bytes) in [
            ("a.xml", books.bytes.as_slice()),
            ("b.xml.gz", &packed),
            ("b.xml", &plain),
            ("early.xml", &commissioning(5_000, 10)),
            ("broken.xml", b"<e:EPCISDocument"),
        ] {
            drop_file(&books.objects, name, bytes).await;
        }
        settled(&books.hub.api, &sha256(&plain), 2).await;
        settled(&books.hub.api, &books.sha, 1).await;
        settled(&books.hub.api, &sha256(&commissioning(5_000, 10)), 1).await;
        settled(&books.hub.api, &sha256(b"<e:EPCISDocument"), 1).await;
        books
    }

    async fn audit(&self) -> Audit {
        audit::quiet(&self.hub.cloud.hub).await.unwrap()
    }

    /// Only this is broken.
    async fn breaks(&self, invariant: Invariant, subject: &str, detail: &str) {
        let audit = self.audit().await;
        let found = audit.breaches.iter().any(|breach| {
            breach.invariant == invariant
                && breach.subject.contains(subject)
                && breach.detail.contains(detail)
        });
        assert!(found, "no {invariant:?} of {subject} about {detail:?} in {:#?}", audit.breaches);
    }

    async fn holds(&self) {
        assert_eq!(self.audit().await.breaches, []);
    }

    async fn item(&self, pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
        let call = self.hub.store.dynamo.get_item().table_name(&*self.hub.store.table);
        call.set_key(Some(key(pk, sk))).send().await.unwrap().item.unwrap()
    }

    async fn write(&self, item: HashMap<String, AttributeValue>) {
        let call = self.hub.store.dynamo.put_item().table_name(&*self.hub.store.table);
        call.set_item(Some(item)).send().await.unwrap();
    }

    async fn remove(&self, pk: &str, sk: &str) {
        let call = self.hub.store.dynamo.delete_item().table_name(&*self.hub.store.table);
        call.set_key(Some(key(pk, sk))).send().await.unwrap();
    }

    fn block(&self) -> String {
        format!("BLOCK#{}#00000000", self.allocation)
    }
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_behind_the_hub_is_found_by_the_audit() {
    let books = Box::pin(Books::kept()).await;
    let audit = books.audit().await;
    assert_eq!(audit.breaches, []);
    // Four documents, and the plain copy of the compressed one.
    assert_eq!((audit.documents, audit.objects), (4, 5));
    changed_bytes(&books).await;
    changed_report(&books).await;
    moved_bit(&books).await;
    removed_posting(&books).await;
    foreign_posting(&books).await;
    books.holds().await;
    books.hub.stop().await;
}

async fn changed_bytes(books: &Books) {
    let (bucket, name) = (&books.objects.buckets.documents, format!("documents/{}", books.sha));
    let mut other = books.bytes.clone();
    let at = other.iter().position(|byte| *byte == b'5').unwrap();
    other[at] = b'6';
    put(&books.objects, bucket, &name, &other).await;
    books.breaks(Invariant::Kept, &name, "was changed").await;
    books.objects.s3.delete_object().bucket(&**bucket).key(&name).send().await.unwrap();
    books.breaks(Invariant::Kept, &name, "is missing").await;
    put(&books.objects, bucket, &name, &books.bytes).await;
    books.holds().await;
}

async fn changed_report(books: &Books) {
    let report = books.objects.report_fetch(&books.sha).await.unwrap().unwrap();
    let name = format!("reports/{}.json", books.sha);
    let mut other = report.clone();
    other["serials"]["matched"] = 49.into();
    let mark = books.objects.report_mark(&books.sha).await.unwrap();
    books.objects.report_put(&books.sha, &other, mark).await.unwrap();
    books.breaks(Invariant::Posted, &name, "/serials/matched says 49, the document 50").await;
    let mut other = report.clone();
    other["allocations"][0]["newly_commissioned"] = 49.into();
    let mark = books.objects.report_mark(&books.sha).await.unwrap();
    books.objects.report_put(&books.sha, &other, mark).await.unwrap();
    books.breaks(Invariant::Posted, &name, "/allocations is not what the postings").await;
    let bucket = &*books.objects.buckets.documents;
    books.objects.s3.delete_object().bucket(bucket).key(&name).send().await.unwrap();
    books.breaks(Invariant::Posted, &name, "is missing").await;
    let mark = books.objects.report_mark(&books.sha).await.unwrap();
    books.objects.report_put(&books.sha, &report, mark).await.unwrap();
    books.holds().await;
}

/// One number in place of another, in posting and state alike: the table agrees with itself.
async fn moved_bit(books: &Books) {
    let (pk, sk) = (books.block(), format!("DOC#{}", books.sha));
    let place = Place { allocation: &books.allocation, block: 0, content_sha256: &books.sha };
    let mut posting: Posting = books.hub.store.posting_fetch(place).await.unwrap().unwrap();
    let (from, to) = (Offset::new(49).unwrap(), Offset::new(99).unwrap());
    let serials = &mut posting.groups[0].serials;
    assert!(serials.remove(from) && serials.insert(to));
    let (old_posting, old_state) = (books.item(&pk, &sk).await, books.item(&pk, "STATE").await);
    let bytes = |bytes: Vec<u8>| AttributeValue::B(bytes.into());
    let mut item = old_posting.clone();
    item.insert("body".into(), bytes(posting.encode()));
    books.write(item).await;
    let state = books.hub.store.block_fetch(&books.allocation, 0).await.unwrap();
    let mut set: BlockSet = state.of(Fact::Commissioned).clone();
    assert!(set.remove(from) && set.insert(to));
    let mut item = old_state.clone();
    item.insert(Fact::Commissioned.as_str().into(), bytes(set.encode()));
    books.write(item).await;
    assert_eq!(books.hub.store.audit().await.unwrap().breaches, []);
    let detail = "1 numbers of the posting are not in the document, 1 of the document not in";
    books.breaks(Invariant::Posted, &books.sha, detail).await;
    books.write(old_posting).await;
    books.write(old_state).await;
    books.holds().await;
}

/// A posting that is gone with every word of it but the document.
async fn removed_posting(books: &Books) {
    let (pk, sk) = (books.block(), format!("DOC#{}", books.sha));
    let plan = format!("PLAN#{}#00000000-00000000", books.allocation);
    let (posting, plan_item) = (books.item(&pk, &sk).await, books.item(&sk, &plan).await);
    books.remove(&pk, &sk).await;
    books.remove(&sk, &plan).await;
    books
        .breaks(Invariant::Posted, &books.sha, "what the document says of it was never posted")
        .await;
    books.write(posting).await;
    books.write(plan_item).await;
    books.holds().await;
}

/// A posting of a document that nobody sent.
async fn foreign_posting(books: &Books) {
    let (pk, sk) = (books.block(), format!("DOC#{}", books.sha));
    let other = format!("DOC#{}", "f".repeat(64));
    let mut item = books.item(&pk, &sk).await;
    item.insert("sk".into(), AttributeValue::S(other.clone()));
    books.write(item).await;
    books.breaks(Invariant::Posted, &other, "its document does not exist").await;
    books.remove(&pk, &other).await;
}
