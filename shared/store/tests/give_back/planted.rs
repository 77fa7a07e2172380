//! What is planted into numbers that were given up or offered again is found, each by its own promise.
#![expect(clippy::disallowed_methods, reason = "corruption is written past the crate store")]

use std::collections::HashMap;
use std::pin::Pin;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::bitmap::{BlockSet, Offset};
use domain::policy::Reoffer;
use store::audit::Invariant;

use super::hub::reserve_request;
use super::*;

type Item = HashMap<String, AttributeValue>;

/// A hub of which numbers 10 to 39 were returned, 10 to 29 belong to another allocation since.
fn hub() -> Pin<Box<dyn Future<Output = (Hub, String)>>> {
    Box::pin(planted())
}

async fn planted() -> (Hub, String) {
    let hub = Hub::new(PoolPolicy { reoffer: Reoffer::Returned, ..PoolPolicy::default() }).await;
    let first = hub.reserve("R", 100).await;
    let asked = (Selection::Runs(vec![(10, 39)]), Fate::Return);
    hub.give_up(&first, "K", asked).await.unwrap();
    let request = reserve_request("S", 20);
    hub.store.reserve_again(&request, &hub.pool, NOW).await.unwrap().unwrap();
    hub.holds().await;
    (hub, first.id.to_string())
}

async fn item(hub: &Hub, pk: &str, sk: &str) -> Item {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let key = HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))]);
    let call = hub.store.dynamo.get_item().table_name(&*hub.store.table).set_key(Some(key));
    call.send().await.unwrap().item.unwrap()
}

async fn put(hub: &Hub, item: Item) {
    let call = hub.store.dynamo.put_item().table_name(&*hub.store.table);
    call.set_item(Some(item)).send().await.unwrap();
}

async fn set(hub: &Hub, (pk, sk): (&str, &str), name: &str, value: AttributeValue) {
    let mut item = item(hub, pk, sk).await;
    item.insert(name.to_owned(), value);
    put(hub, item).await;
}

async fn breaks(hub: &Hub, invariant: Invariant, detail: &str) {
    let audit = hub.store.audit().await.unwrap();
    let found = audit
        .breaches
        .iter()
        .any(|breach| breach.invariant == invariant && breach.detail.contains(detail));
    assert!(found, "no {invariant:?} breach about {detail:?} in {:#?}", audit.breaches);
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn run(start: u64) -> String {
    format!("RETURNED#{start:020}")
}

fn reoffer(start: u64) -> String {
    format!("REOFFER#{start:020}")
}

#[tokio::test]
async fn cursor_of_a_run_that_was_moved_is_found() {
    for next in [25, 35] {
        let (hub, _) = hub().await;
        let pool = format!("POOL#{}", hub.pool);
        set(&hub, (&pool, &run(10)), "next", number(next)).await;
        breaks(&hub, Invariant::Disjoint, "is not what was offered again").await;
    }
}

#[tokio::test]
async fn run_that_reaches_beyond_what_was_returned_is_found() {
    let (hub, _) = hub().await;
    let pool = format!("POOL#{}", hub.pool);
    set(&hub, (&pool, &run(10)), "size", number(40)).await;
    breaks(&hub, Invariant::Balanced, "some of its numbers were never returned").await;
    set(&hub, (&pool, &run(10)), "size", number(91)).await;
    breaks(&hub, Invariant::Accounted, "is no part of a block").await;
}

#[tokio::test]
async fn second_run_over_the_same_numbers_is_found() {
    let (hub, _) = hub().await;
    let pool = format!("POOL#{}", hub.pool);
    let mut other = item(&hub, &pool, &run(10)).await;
    other.insert("sk".to_owned(), AttributeValue::S(run(30)));
    for (name, value) in [("start", 30), ("next", 30), ("size", 5)] {
        other.insert(name.to_owned(), number(value));
    }
    put(&hub, other).await;
    breaks(&hub, Invariant::Disjoint, "has numbers of the run before").await;
}

#[tokio::test]
async fn numbers_offered_to_two_allocations_are_found() {
    let (hub, _) = hub().await;
    let pool = format!("POOL#{}", hub.pool);
    let mut other = item(&hub, &pool, &reoffer(10)).await;
    other.insert("sk".to_owned(), AttributeValue::S(reoffer(20)));
    other.insert("start".to_owned(), number(20));
    put(&hub, other).await;
    breaks(&hub, Invariant::Disjoint, "numbers from 20 on were offered to two allocations").await;
    breaks(&hub, Invariant::Accounted, "has other numbers").await;
}

#[tokio::test]
async fn used_number_that_is_offered_is_found() {
    let (hub, first) = hub().await;
    let at = |n| Offset::new(n).unwrap();
    let used = BlockSet::span(at(35), at(35)).encode();
    let block = format!("BLOCK#{first}#00000000");
    set(&hub, (&block, "STATE"), "commissioned", AttributeValue::B(used.into())).await;
    breaks(&hub, Invariant::Balanced, "some of its numbers are used and offered").await;
}

#[tokio::test]
async fn allocation_that_hides_where_its_numbers_are_from_is_found() {
    let (hub, first) = hub().await;
    let allocation = format!("ALLOC#{first}");
    let gave = item(&hub, &allocation, "ALLOC").await;
    let mut hidden = gave.clone();
    hidden.remove("reuse");
    put(&hub, hidden).await;
    breaks(&hub, Invariant::Accounted, "does not say that it gave numbers back").await;
    put(&hub, gave).await;
    let request = reserve_request("S", 20);
    let took = format!("ALLOC#{}", request.allocation_id());
    let mut hidden = item(&hub, &took, "ALLOC").await;
    hidden.remove("reuse");
    put(&hub, hidden).await;
    breaks(&hub, Invariant::Accounted, "were returned before").await;
}

#[tokio::test]
async fn removed_record_of_a_second_offer_is_found() {
    let (hub, _) = hub().await;
    let pool = format!("POOL#{}", hub.pool);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let key =
        HashMap::from([("pk".to_owned(), text(&pool)), ("sk".to_owned(), text(&reoffer(10)))]);
    let call = hub.store.dynamo.delete_item().table_name(&*hub.store.table);
    call.set_key(Some(key)).send().await.unwrap();
    breaks(&hub, Invariant::Disjoint, "has no range of its own at 10").await;
    breaks(&hub, Invariant::Disjoint, "is not what was offered again, from 10 on").await;
}
