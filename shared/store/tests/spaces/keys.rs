use aws_sdk_dynamodb::types::AttributeValue;
use domain::numbering::Numbering;
use store::keys::{Pk, Sk};
use store::pool::PoolError;
use store::restore::Restoring;
use store::{Store, StoreError};
use testkit::KeyService;

use crate::bench::*;

async fn texts(store: &Store, scheme: domain::pool::Scheme) -> Vec<String> {
    store.numbering(&gtin(), scheme).await.unwrap().texts(0, 3)
}

fn decrypts(keys: &KeyService) -> usize {
    keys.calls().iter().filter(|call| *call == "Decrypt").count()
}

#[tokio::test]
async fn a_space_has_one_key_whoever_creates_its_pools_at_once() {
    let bench = Bench::start().await;
    let scheme = space("A", DIGITS, 10);
    let mut racers = tokio::task::JoinSet::new();
    for number in 0..6_u8 {
        let store = bench.another();
        let from = u128::from(number) * 100;
        racers.spawn(async move {
            store.pool_create(id(number), draft(scheme, from, from + 99), NOW).await
        });
    }
    while let Some(outcome) = racers.join_next().await {
        outcome.unwrap().unwrap();
    }
    let spaces = bench.store.space_list(&gtin()).await.unwrap();
    assert_eq!((spaces.len(), spaces[0].pools.len(), spaces[0].claimed), (1, 6, 600));
    let first = texts(&bench.store, scheme).await;
    assert_eq!(texts(&bench.another(), scheme).await, first);
    assert_eq!(texts(&bench.another(), scheme).await, first);
    // A second space of the product prints something else.
    bench.create(9, draft(space("B", DIGITS, 10), 0, 99)).await.unwrap();
    let second = texts(&bench.store, space("B", DIGITS, 10)).await;
    assert_ne!(second[0][1..], first[0][1..]);
}

#[tokio::test]
async fn a_space_is_opened_once_a_process_also_by_many_at_once() {
    let bench = Bench::start().await;
    let scheme = space("A", DIGITS, 10);
    bench.create(1, draft(scheme, 0, 99)).await.unwrap();
    assert_eq!(bench.keys.calls(), ["GenerateDataKey"], "whoever creates a pool opens nothing");
    let mut users = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let store = bench.store.clone();
        users.spawn(async move { texts(&store, scheme).await });
    }
    let mut all = Vec::new();
    while let Some(found) = users.join_next().await {
        all.push(found.unwrap());
    }
    all.dedup();
    assert_eq!((all.len(), decrypts(&bench.keys)), (1, 1));
    texts(&bench.store, scheme).await;
    assert_eq!(decrypts(&bench.keys), 1);
    assert_eq!(texts(&bench.another(), scheme).await, all[0]);
    assert_eq!(decrypts(&bench.keys), 2, "another process asks for itself");
}

#[tokio::test]
async fn a_key_service_that_fails_is_asked_again_by_the_next_caller() {
    let bench = Bench::start().await;
    let scheme = space("A", DIGITS, 10);
    bench.keys.fail(&[(500, "KMSInternalException"); 3]);
    let refused = bench.create(1, draft(scheme, 0, 99)).await;
    assert!(matches!(refused, Err(PoolError::Store(StoreError::Unavailable { .. }))));
    assert!(bench.store.pools_of(&gtin()).await.unwrap().is_empty());
    bench.create(1, draft(scheme, 0, 99)).await.unwrap();
    bench.keys.fail(&[(400, "ThrottlingException"); 3]);
    let refused = bench.store.numbering(&gtin(), scheme).await;
    assert!(matches!(refused, Err(StoreError::Throttled { .. })), "{refused:?}");
    assert_eq!(texts(&bench.store, scheme).await.len(), 3);
    let keyless = Store::new(bench.dynamo.client(), &bench.store.table);
    let refused = keyless.numbering(&gtin(), scheme).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    let decimals = domain::pool::Scheme::Sequential { width: 8 };
    let numbering = keyless.numbering(&gtin(), decimals).await.unwrap();
    assert!(matches!(numbering, Numbering::Sequential { width: 8 }));
}

/// Puts an attribute of a space's item as somebody with rights to the table could.
async fn tamper(store: &Store, name: &str, value: Option<AttributeValue>) {
    let key = |text: String| AttributeValue::S(text);
    let scheme = space("A", DIGITS, 10);
    #[expect(clippy::disallowed_methods, reason = "corruption is written past the crate store")]
    let call = store
        .dynamo
        .update_item()
        .table_name(&*store.table)
        .key("pk", key(Pk::Gtin(gtin()).to_string()))
        .key("sk", key(Sk::Space(space_id(scheme)).to_string()))
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_names("#name", name);
    let call = match value {
        Some(value) => call
            .update_expression("SET #name = :value")
            .expression_attribute_values(":value", value),
        None => call.update_expression("REMOVE #name"),
    };
    call.send().await.unwrap();
}

#[tokio::test]
async fn a_space_that_was_tampered_with_is_corrupt_and_prints_nothing() {
    let bench = Bench::start().await;
    let scheme = space("A", DIGITS, 10);
    bench.create(1, draft(scheme, 0, 99)).await.unwrap();
    let (items, _) = bench.store.everything(None).await.unwrap();
    let sk = AttributeValue::S(Sk::Space(space_id(scheme)).to_string());
    let item = items.into_iter().find(|item| item["sk"] == sk).unwrap();
    let flipped = |name: &str| {
        let mut bytes = item[name].as_b().unwrap().clone().into_inner();
        *bytes.last_mut().unwrap() ^= 1;
        AttributeValue::B(bytes.into())
    };
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for (name, value) in [
        ("key_blob", Some(flipped("key_blob"))),
        ("key_nonce", Some(flipped("key_nonce"))),
        ("key_sealed", Some(flipped("key_sealed"))),
        ("key_nonce", Some(AttributeValue::B(vec![0; 11].into()))),
        ("key_blob", None),
        ("prefix", Some(text("B"))),
        ("gtin", Some(text("00313000007789"))),
        ("entity", Some(text("pool"))),
    ] {
        tamper(&bench.store, name, value).await;
        let outcome = bench.another().numbering(&gtin(), scheme).await;
        assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{name}: {outcome:?}");
        tamper(&bench.store, name, Some(item[name].clone())).await;
    }
    texts(&bench.another(), scheme).await;
    let unknown = bench.store.numbering(&gtin(), space("C", DIGITS, 10)).await;
    assert!(matches!(unknown, Err(StoreError::Corrupt(_))), "{unknown:?}");
}

/// A restore of a table of which nothing was handed out since.
fn restoring(from: &Store) -> Restoring {
    let (actor, now) = ("operator".to_owned(), NOW.to_owned());
    Restoring { from: from.clone(), skip: 0, actor, now }
}

/// Its table under another name.
async fn dynamo_copy(of: &Bench) -> Store {
    let name = of.dynamo.table().await;
    let copy = Store::new(of.dynamo.client(), &name);
    for item in of.store.everything(None).await.unwrap().0 {
        copy.restore_item(item).await.unwrap();
    }
    of.another().over_copy(&name)
}

#[tokio::test]
async fn a_restored_space_prints_the_same_and_is_sealed_for_its_new_table() {
    let old = Bench::start().await;
    let scheme = space("A", DIGITS, 10);
    old.create(1, draft(scheme, 0, 99)).await.unwrap();
    let (dynamo, keys) = (testkit::Dynamo::start().await, KeyService::start().await);
    dynamo.table().await;
    let new = process(&dynamo, &keys, &dynamo.table().await);
    assert_ne!(new.table, old.store.table);
    let restore = async |from: &Store| {
        let (items, _) = old.store.everything(None).await.unwrap();
        let mut put = 0;
        for item in items {
            put += u32::from(new.restore_item_of(item, &restoring(from)).await?.is_new);
        }
        Ok::<_, StoreError>(put)
    };
    // Where the old key service is not at hand, a space is refused and not copied as it is.
    let keyless = Store::new(old.dynamo.client(), &old.store.table);
    assert!(matches!(restore(&keyless).await, Err(StoreError::Unavailable { .. })));
    assert!(restore(&old.store).await.unwrap() > 0);
    assert_eq!(texts(&new, scheme).await, texts(&old.store, scheme).await);
    assert_eq!(restore(&old.store).await.unwrap(), 0, "done again it changes nothing");
    // A copy that DynamoDB made has another name; its keys are those of the table that it is a copy of.
    let copied = dynamo_copy(&old).await;
    let (third, keys) = (testkit::Dynamo::start().await, KeyService::start().await);
    third.table().await;
    third.table().await;
    let third = process(&third, &keys, &third.table().await);
    for item in copied.everything(None).await.unwrap().0 {
        third.restore_item_of(item, &restoring(&copied)).await.unwrap();
    }
    assert_eq!(texts(&third, scheme).await, texts(&old.store, scheme).await);
    // As it was, the item would open in no other table.
    let (items, _) = old.store.everything(None).await.unwrap();
    let other = process(&dynamo, &old.keys, &dynamo.table().await);
    for item in items {
        other.restore_item(item).await.unwrap();
    }
    let outcome = other.numbering(&gtin(), scheme).await;
    assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}");
}
