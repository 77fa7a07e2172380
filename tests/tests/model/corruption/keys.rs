//! Corruptions of what random numbers are made with: one a test.

use store::Store;
use store::audit::Invariant;

use super::{Books, GTIN, bytes, step, word};
use crate::op::{Op, PoolWish};
use crate::spaces::FORMS;

/// Books with two pools of random numbers, each of its own space; gives the names of the spaces.
async fn with_spaces() -> (Books, [String; 2]) {
    let mut books = Books::clean().await;
    for space in [0, 1] {
        let wish = PoolWish { space: Some(space), ..PoolWish::plain(GTIN, (0, 999), 100) };
        step(&mut books.doing, Op::CreatePool(wish)).await;
    }
    let audit = books.audit().await;
    assert_eq!(audit.breaches, []);
    assert_eq!((audit.spaces, audit.keys_opened, audit.unchecked.len()), (2, 2, 0));
    let mut names = Vec::new();
    for form in &FORMS[..2] {
        let spaces = books.doing.live.store.space_list(&GTIN.parse().unwrap()).await.unwrap();
        let own = spaces.iter().find(|space| space.form.prefix() == form.prefix);
        names.push(format!("SPACE#{}", own.unwrap().id));
    }
    (books, names.try_into().unwrap())
}

fn product() -> String {
    format!("GTIN#{GTIN}")
}

/// The process may have the key in memory: the audit does not believe that.
#[tokio::test]
async fn flipped_byte_of_a_sealed_key_is_found() {
    for part in ["key_sealed", "key_nonce", "key_blob"] {
        let (books, [space, _]) = with_spaces().await;
        let item = books.item(&product(), &space).await;
        let mut sealed = item[part].as_b().unwrap().clone().into_inner();
        *sealed.last_mut().unwrap() ^= 1;
        books.set((&product(), &space), part, bytes(sealed)).await;
        books.are_broken(Invariant::Disjoint, &space, "its key cannot be trusted").await;
    }
}

/// Each of the two would open as what it is, at its own place.
#[tokio::test]
async fn sealed_keys_that_changed_places_are_found() {
    let (books, spaces) = with_spaces().await;
    let [one, other] = &spaces;
    let (first, second) = (books.item(&product(), one).await, books.item(&product(), other).await);
    for (space, from) in [(one, &second), (other, &first)] {
        for part in ["key_sealed", "key_nonce", "key_blob"] {
            books.set((&product(), space), part, from[part].clone()).await;
        }
    }
    for space in &spaces {
        books.are_broken(Invariant::Disjoint, space, "its key cannot be trusted").await;
    }
}

#[tokio::test]
async fn space_that_was_removed_is_found() {
    let (books, [space, _]) = with_spaces().await;
    books.delete(&product(), &space).await;
    books.are_broken(Invariant::Disjoint, &space, "its item with the key is missing").await;
}

#[tokio::test]
async fn form_of_a_space_that_was_altered_is_found() {
    let (books, [_, space]) = with_spaces().await;
    books.set((&product(), &space), "prefix", word("S")).await;
    books.are_broken(Invariant::Readable, &space, "is not that of product and form").await;
}

/// Whoever may not open keys is told so, and that is no breach.
#[tokio::test]
async fn keys_that_nobody_may_open_are_not_said_to_hold() {
    let (books, spaces) = with_spaces().await;
    let plant = &books.doing.plant;
    let blind = Store::new(plant.dynamo.client(), &plant.table);
    let audit = blind.audit().await.unwrap();
    assert_eq!(audit.breaches, []);
    assert_eq!((audit.spaces, audit.keys_opened), (2, 0));
    for space in &spaces {
        let own = audit.unchecked.iter().find(|key| key.subject.contains(space));
        assert!(own.unwrap().why.contains("without one"), "{:?}", audit.unchecked);
    }
    // Nor does a refusal of the key service say that a key is wrong.
    plant.keys.fail(&[(400, "AccessDeniedException")]);
    let audit = books.audit().await;
    assert_eq!(audit.breaches, []);
    assert_eq!((audit.keys_opened, audit.unchecked.len()), (1, 1));
    assert!(audit.unchecked[0].why.contains("AccessDenied"), "{:?}", audit.unchecked);
}
