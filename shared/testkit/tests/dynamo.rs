//! The kit itself: what a test builds on must do what it says.
#![expect(clippy::disallowed_methods, reason = "the kit is tested below the crate store")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails here")]

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use testkit::{Dynamo, Fault, Faults};

async fn count_up(client: &Client, table: &str) -> Result<(), String> {
    let request = client
        .update_item()
        .table_name(table)
        .key("pk", AttributeValue::S("a".into()))
        .key("sk", AttributeValue::S("b".into()))
        .update_expression("ADD n :one")
        .expression_attribute_values(":one", AttributeValue::N("1".into()));
    request.send().await.map(drop).map_err(|error| format!("{error:?}"))
}

async fn counted(client: &Client, table: &str) -> String {
    let answer = client
        .get_item()
        .table_name(table)
        .key("pk", AttributeValue::S("a".into()))
        .key("sk", AttributeValue::S("b".into()))
        .consistent_read(true);
    let item = answer.send().await.unwrap().item;
    item.map_or_else(|| "absent".into(), |item| item["n"].as_n().unwrap().clone())
}

#[tokio::test]
async fn two_tables_of_one_server_are_apart() {
    let dynamo = Dynamo::start().await;
    let (one, two) = (dynamo.table().await, dynamo.table().await);
    count_up(&dynamo.client(), &one).await.unwrap();
    assert_eq!(counted(&dynamo.client(), &one).await, "1");
    assert_eq!(counted(&dynamo.client(), &two).await, "absent");
}

#[tokio::test]
async fn lost_answer_is_repeated_by_the_sdk_and_counted_twice() {
    let dynamo = Dynamo::start().await;
    let table = dynamo.table().await;
    let faults = Faults::none().at(1, Fault::CutAfter);
    count_up(&dynamo.client_with(&faults), &table).await.unwrap();
    assert_eq!(counted(&dynamo.client(), &table).await, "2");
    assert_eq!(faults.operations(), ["UpdateItem", "UpdateItem"]);
}

#[tokio::test]
async fn dead_process_changes_nothing_more() {
    for (faults, expected) in
        [(Faults::none().dies_before(2), "1"), (Faults::none().dies_after(2), "2")]
    {
        let dynamo = Dynamo::start().await;
        let table = dynamo.table().await;
        let client = dynamo.client_with(&faults);
        count_up(&client, &table).await.unwrap();
        count_up(&client, &table).await.unwrap_err();
        count_up(&client, &table).await.unwrap_err();
        assert_eq!(counted(&dynamo.client(), &table).await, expected);
    }
}

#[tokio::test]
async fn every_refusal_is_told_to_the_sdk_and_passes() {
    for fault in [Fault::Throttle, Fault::ServerError, Fault::Unavailable, Fault::CutBefore] {
        let dynamo = Dynamo::start().await;
        let table = dynamo.table().await;
        let faults = Faults::none().on("UpdateItem", fault);
        count_up(&dynamo.client_with(&faults), &table).await.unwrap();
        assert_eq!(faults.count(), 2, "{fault:?} is retried by the SDK");
        assert_eq!(counted(&dynamo.client(), &table).await, "1", "{fault:?}");
    }
}

#[tokio::test]
async fn conflict_of_a_transaction_has_a_reason_per_element() {
    let dynamo = Dynamo::start().await;
    let table = dynamo.table().await;
    let faults = Faults::none().at(1, Fault::Conflict);
    let put = |sk: &str| {
        let put = Put::builder()
            .table_name(&table)
            .item("pk", AttributeValue::S("a".into()))
            .item("sk", AttributeValue::S(sk.into()));
        TransactWriteItem::builder().put(put.build().unwrap()).build()
    };
    let client = dynamo.client_with(&faults);
    let send = || client.transact_write_items().transact_items(put("1")).transact_items(put("2"));
    let error = send().send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError
        ::TransactionCanceledException(cancelled) = error else { panic!("{error:?}") };
    let codes: Vec<_> =
        cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);

    send().send().await.unwrap();
    assert!((faults.write_units() - 4.0).abs() < 0.01, "two small puts, transactional");
}
