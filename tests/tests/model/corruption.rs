//! Corruptions planted past the hub, one a test: each is found, with the place where it is, in books that
//! were clean before.
#![expect(clippy::disallowed_methods, reason = "corruption is written past the crate store")]

mod decisions;
mod keys;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::bitmap::{BlockSet, Offset};
use domain::ledger::Posting;
use pharmatrace::audit;
use store::audit::Invariant;

use crate::doing::Doing;
use crate::op::{Event, File, How, Kind, Op, PoolChange, PoolWish, Verb, Wish};
use crate::plant::DOCUMENTS;
use crate::reference::EXPIRY;

const GTIN: &str = crate::epcis::GTINS[0].0;

/// A hub after a day's work.
struct Books {
    doing: Doing,
    pool: String,
    /// A file says something of the first; the second was exported, the third voided.
    allocations: Vec<String>,
    /// What was read.
    sha: String,
    /// A file that came later and took something back.
    correction: String,
}

impl Books {
    /// Books that the audit finds clean.
    async fn clean() -> Self {
        let mut doing = Doing::start().await;
        let wish = PoolWish::plain(GTIN, (1_000, 99_999), 50_000);
        step(&mut doing, Op::CreatePool(wish)).await;
        let pool = doing.model.pools.keys().next().unwrap().clone();
        let change = PoolChange::Extend(199_999);
        step(&mut doing, Op::ChangePool { pool: pool.clone(), change }).await;
        for (id, quantity) in [(1, 40_000), (2, 50), (3, 60)] {
            let wish = Wish::plain(GTIN, quantity);
            step(&mut doing, Op::Reserve { asker: "L1", id, wish, how: How::Once }).await;
        }
        let mut by_start: Vec<_> =
            doing.model.allocations.iter().map(|(id, one)| (one.start, id.clone())).collect();
        by_start.sort();
        let allocations: Vec<String> = by_start.into_iter().map(|(_, id)| id).collect();
        for (at, verb) in [(1, Verb::Export), (2, Verb::Void)] {
            let allocation = allocations[at].clone();
            step(&mut doing, Op::Turn { allocation, verb, how: How::Once }).await;
        }
        let event = Event {
            kind: Kind::Commission,
            gtin: GTIN,
            space: None,
            runs: vec![(1_000, 1_029), (40_000, 40_009)],
            time: doing.model.now,
            lot: Some("LOT42"),
            expiry: Some(EXPIRY),
            error: false,
        };
        let back = Event { error: true, runs: vec![(1_005, 1_006)], ..event.clone() };
        for (number, event) in [(1, event), (2, back)] {
            let file = File { number, events: vec![event], broken: false };
            step(&mut doing, Op::Send { sender: "L1", file, how: How::Once }).await;
        }
        let shas: Vec<String> = doing.model.notices.iter().map(|one| one.sha.clone()).collect();
        // Two days end and are sealed, each by the sweep of some midnight.
        for minutes in [13 * 60, 24 * 60] {
            step(&mut doing, Op::Wait { minutes }).await;
        }
        let (sha, correction) = (shas[0].clone(), shas[1].clone());
        let books = Self { doing, pool, allocations, sha, correction };
        let audit = books.audit().await;
        assert_eq!(audit.breaches, []);
        assert_eq!((audit.documents, audit.objects, audit.seals.len()), (2, 2, 2));
        books
    }

    async fn audit(&self) -> store::audit::Audit {
        let live = &self.doing.live;
        audit::books(&live.store, &live.objects).await.unwrap()
    }

    /// The audit names the place and says what is wrong there.
    async fn are_broken(&self, invariant: Invariant, subject: &str, detail: &str) {
        let audit = self.audit().await;
        let found = audit.breaches.iter().any(|breach| {
            breach.invariant == invariant
                && breach.subject.contains(subject)
                && breach.detail.contains(detail)
        });
        assert!(found, "no {invariant:?} of {subject} about {detail:?} in {:#?}", audit.breaches);
    }

    async fn item(&self, pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
        let call = self.doing.plant.dynamo.client().get_item().table_name(&self.doing.plant.table);
        call.set_key(Some(key(pk, sk))).send().await.unwrap().item.unwrap()
    }

    async fn set(&self, (pk, sk): (&str, &str), name: &str, value: AttributeValue) {
        let mut item = self.item(pk, sk).await;
        assert!(item.insert(name.to_owned(), value).is_some(), "{name} is there");
        let call = self.doing.plant.dynamo.client().put_item().table_name(&self.doing.plant.table);
        call.set_item(Some(item)).send().await.unwrap();
    }

    async fn delete(&self, pk: &str, sk: &str) {
        self.item(pk, sk).await;
        let plant = &self.doing.plant;
        let call = plant.dynamo.client().delete_item().table_name(&plant.table);
        call.set_key(Some(key(pk, sk))).send().await.unwrap();
    }

    fn pool(&self) -> String {
        format!("POOL#{}", self.pool)
    }

    fn allocation(&self, at: usize) -> String {
        format!("ALLOC#{}", self.allocations[at])
    }

    fn block(&self, block: u32) -> String {
        format!("BLOCK#{}#{block:08}", self.allocations[0])
    }
}

async fn step(doing: &mut Doing, op: Op) {
    doing.pass(10);
    Box::pin(crate::step_on(doing, &op)).await;
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), word(pk)), ("sk".to_owned(), word(sk))])
}

fn word(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn bytes(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(bytes.into())
}

fn range(start: u64) -> String {
    format!("RANGE#{start:020}")
}

#[tokio::test]
async fn flipped_bit_of_a_block_is_found() {
    let books = Books::clean().await;
    let item = books.item(&books.block(1), "STATE").await;
    let mut set = BlockSet::decode(item["commissioned"].as_b().unwrap().as_ref()).unwrap();
    assert!(set.insert(Offset::new(4_000).unwrap()));
    books.set((&books.block(1), "STATE"), "commissioned", bytes(set.encode())).await;
    let detail = "the state has 11 numbers, its postings 10";
    books.are_broken(Invariant::Posted, &books.block(1), detail).await;
}

#[tokio::test]
async fn removed_range_is_found() {
    let books = Books::clean().await;
    books.delete(&books.pool(), &range(41_000)).await;
    let detail = "numbers 41000 to 41049 are in no record";
    books.are_broken(Invariant::Accounted, &books.pool(), detail).await;
}

#[tokio::test]
async fn two_ranges_that_overlap_are_found() {
    let books = Books::clean().await;
    books.set((&books.pool(), &range(41_000)), "size", number(52)).await;
    let detail = "numbers 41050 to 41051 are in two records";
    books.are_broken(Invariant::Disjoint, &books.pool(), detail).await;
}

#[tokio::test]
async fn lowered_cursor_is_found() {
    let books = Books::clean().await;
    books.set((&books.pool(), "POOL"), "cursor", number(41_100)).await;
    let detail = "records reach to 41109, the cursor is 41100";
    books.are_broken(Invariant::Accounted, &books.pool(), detail).await;
}

#[tokio::test]
async fn counter_that_is_off_by_one_is_found() {
    let books = Books::clean().await;
    books.set((&books.pool(), "POOL"), "remaining", number(199_999 - 41_110)).await;
    books.are_broken(Invariant::Accounted, &books.pool(), "do not add up to its end").await;
}

#[tokio::test]
async fn deleted_allocation_is_found() {
    let books = Books::clean().await;
    books.delete(&books.allocation(1), "ALLOC").await;
    let range = format!("{}/{}", books.pool(), range(41_000));
    books.are_broken(Invariant::Accounted, &range, "does not exist").await;
}

#[tokio::test]
async fn altered_posting_is_found() {
    let books = Books::clean().await;
    let (pk, sk) = (books.block(0), format!("DOC#{}", books.correction));
    let item = books.item(&pk, &sk).await;
    let mut posting = Posting::decode(item["body"].as_b().unwrap().as_ref()).unwrap();
    assert!(posting.retractions[0].1.insert(Offset::new(9).unwrap()));
    books.set((&pk, &sk), "body", bytes(posting.encode())).await;
    books.are_broken(Invariant::Posted, &pk, "commissioned").await;
    books.are_broken(Invariant::Posted, &books.correction, "other facts than the document").await;
}

#[tokio::test]
async fn edited_audit_record_is_found() {
    let books = Books::clean().await;
    let at = (books.allocation(2), "AUDIT#000000000002");
    books.set((&at.0, at.1), "actor", word("L2/somebody-else")).await;
    let detail = "record 2 does not have the hash of what it says";
    books.are_broken(Invariant::Evident, &books.allocation(2), detail).await;
}

#[tokio::test]
async fn audit_record_removed_from_the_middle_of_its_chain_is_found() {
    let books = Books::clean().await;
    books.delete(&books.allocation(1), "AUDIT#000000000001").await;
    let detail = "record 1 is missing, the next one is 2";
    books.are_broken(Invariant::Evident, &books.allocation(1), detail).await;
}

/// It leaves no gap; but its day was sealed with it, and the allocation is what nobody made it.
#[tokio::test]
async fn last_audit_record_of_a_chain_that_is_removed_is_found() {
    let books = Books::clean().await;
    books.delete(&books.allocation(1), "AUDIT#000000000002").await;
    let detail = "is exported, but its last record says \"reserved\"";
    books.are_broken(Invariant::Evident, &books.allocation(1), detail).await;
    books.are_broken(Invariant::Evident, "SEALS/DAY#2026-11-23", "records, the day has").await;
}

#[tokio::test]
async fn swapped_document_is_found() {
    let books = Books::clean().await;
    let name = |sha: &str| format!("documents/{sha}");
    let other = books.doing.plant.shelf.get(DOCUMENTS, &name(&books.correction)).unwrap();
    books.doing.plant.shelf.put(DOCUMENTS, &name(&books.sha), other);
    books.are_broken(Invariant::Kept, &name(&books.sha), "was changed").await;
}

#[tokio::test]
async fn report_that_disagrees_is_found() {
    let books = Books::clean().await;
    let name = format!("reports/{}.json", books.sha);
    let report = books.doing.plant.shelf.get(DOCUMENTS, &name).unwrap();
    let report = String::from_utf8(report).unwrap();
    let other = report.replace("\"newly_commissioned\":40", "\"newly_commissioned\":41");
    assert_ne!(other, report);
    books.doing.plant.shelf.put(DOCUMENTS, &name, other.into_bytes());
    books.are_broken(Invariant::Posted, &name, "newly_commissioned says 41").await;
}

#[tokio::test]
async fn altered_seal_is_found() {
    let books = Books::clean().await;
    books.set(("SEALS", "DAY#2026-11-23"), "records", number(3)).await;
    let detail = "does not have the hash of what it says";
    books.are_broken(Invariant::Evident, "SEALS/DAY#2026-11-23", detail).await;
}

#[tokio::test]
async fn altered_anchor_is_found() {
    let books = Books::clean().await;
    let name = "anchors/2026-11-23.json";
    let anchor = books.doing.plant.shelf.get(DOCUMENTS, name).unwrap();
    let other = String::from_utf8(anchor).unwrap().replace("2026-11-23", "2026-11-22");
    books.doing.plant.shelf.put(DOCUMENTS, name, other.into_bytes());
    let detail = "says something else than the seal of its day";
    books.are_broken(Invariant::Evident, name, detail).await;
}
