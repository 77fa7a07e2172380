//! Corruptions of what people decided: the ends of runs, and numbers given back. One a test.

use serde_json::{Value, json};
use store::audit::Invariant;

use super::{Books, GTIN, number, step, word};
use crate::op::{Op, PoolChange};
use crate::plant::DOCUMENTS;

const ALLOCATIONS: &str = "/api/v1/l3/allocations";

impl Books {
    async fn said(&self, of: &str, path: &str, body: &Value) -> Value {
        let path = format!("{ALLOCATIONS}/{path}");
        let answer = self.doing.live.ask_once(of, ("POST", &path), Some(body), Some("k")).await;
        assert!(answer.status < 300, "{} {}", answer.status, answer.body);
        answer.body
    }

    /// The first allocation ended with another count than the ledger has, and somebody else accepted that.
    async fn reviewed() -> Self {
        let books = Self::clean().await;
        let id = &books.allocations[0];
        let end = json!({"production": [{
            "packaging_code": GTIN, "packaging_level": "EA", "quantity_reported": 41,
        }]});
        let ended = books.said("L1", &format!("{id}/close"), &end).await;
        assert_eq!(ended["status"], "pending_review");
        let review = json!({"decision": "accept", "reason": "counted by hand"});
        let ended = books.said("L1/other", &format!("{id}/review"), &review).await;
        assert_eq!(ended["status"], "closed");
        assert_eq!(books.audit().await.breaches, []);
        books
    }

    /// Eight numbers of the second allocation came back, and a fourth one took five of them.
    async fn given_back() -> Self {
        let mut books = Self::clean().await;
        let (pool, change) = (books.pool.clone(), PoolChange::Reoffer(true));
        step(&mut books.doing, Op::ChangePool { pool, change }).await;
        let text = |number: u64| format!("{number:012}");
        let ranges = json!([{"from": text(41_010), "to": text(41_017)}]);
        let body = json!({"fate": "return", "reason": "left over", "ranges": ranges});
        books.said("L1", &format!("{}/return", books.allocations[1]), &body).await;
        // The process that serves has learnt by now that the pool offers numbers again.
        books.doing.pass(61);
        let body = json!({"request_id": "again", "gtin": GTIN, "quantity": 5});
        let answer = books.doing.live.ask("L1", ("POST", ALLOCATIONS), Some(&body)).await;
        assert_eq!(answer.body["range"]["from"], text(41_010), "{}", answer.body);
        assert_eq!(books.audit().await.breaches, []);
        books
    }
}

fn run() -> String {
    format!("RETURNED#{:020}", 41_010)
}

#[tokio::test]
async fn edited_review_is_found() {
    for (what, by) in
        [("actor", "L1/nobody"), ("reason", "because"), ("at", "2026-11-23T00:00:00Z")]
    {
        let books = Books::reviewed().await;
        let pk = books.allocation(0);
        books.set((&pk, "CLOSING#0002"), what, word(by)).await;
        books.are_broken(Invariant::Evident, &pk, "decision 2 is not what its record says").await;
    }
}

#[tokio::test]
async fn removed_review_is_found() {
    let books = Books::reviewed().await;
    let pk = books.allocation(0);
    books.delete(&pk, "CLOSING#0002").await;
    books.are_broken(Invariant::Evident, &pk, "is missing").await;
}

#[tokio::test]
async fn altered_document_of_a_batch_is_found() {
    let books = Books::reviewed().await;
    let shelf = &books.doing.plant.shelf;
    let of_review = format!("batches/{}/2.", books.allocations[0]);
    let keys = shelf.keys(DOCUMENTS).into_iter().filter(|key| key.starts_with(&of_review));
    let keys: Vec<String> = keys.collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    for key in keys {
        let bytes = shelf.get(DOCUMENTS, &key).unwrap();
        shelf.put(DOCUMENTS, &key, [&bytes[..], b" "].concat());
        books.are_broken(Invariant::Evident, &key, "was changed").await;
    }
}

#[tokio::test]
async fn removed_run_of_returned_numbers_is_found() {
    let books = Books::given_back().await;
    books.delete(&books.pool(), &run()).await;
    let detail = "what was taken of runs is not what was offered again, from 41010 on";
    books.are_broken(Invariant::Disjoint, &books.pool(), detail).await;
}

/// Somebody would be promised what another one has.
#[tokio::test]
async fn lowered_cursor_of_a_run_is_found() {
    let books = Books::given_back().await;
    books.set((&books.pool(), &run()), "next", number(41_012)).await;
    let detail = "what was taken of runs is not what was offered again";
    books.are_broken(Invariant::Disjoint, &books.pool(), detail).await;
}

#[tokio::test]
async fn run_of_numbers_that_nobody_returned_is_found() {
    let books = Books::given_back().await;
    books.set((&books.pool(), &run()), "size", number(9)).await;
    let subject = format!("{}/{}", books.pool(), run());
    books
        .are_broken(Invariant::Balanced, &subject, "some of its numbers were never returned")
        .await;
}

#[tokio::test]
async fn removed_record_of_numbers_taken_again_is_found() {
    let books = Books::given_back().await;
    books.delete(&books.pool(), &format!("REOFFER#{:020}", 41_010)).await;
    let detail = "what was taken of runs is not what was offered again";
    books.are_broken(Invariant::Disjoint, &books.pool(), detail).await;
}
