//! A table that is restored into another one hands nothing out that the lost one may have handed out after the
//! copy was made (I1), and says so (I11).

use domain::policy::{AutoExtend, Reoffer};
use domain::pool::Pool;
use store::client::{AwsSettings, https};
use store::item::Item;
use store::kms::Kms;
use store::pool::PoolChange;
use store::restore::{Passed, Restoring};
use store::{Store, StoreError};
use testkit::{Dynamo, KeyService};

use super::hub::{draft, reserve_request};
use super::*;

/// A copy of a hub's table as it is at this moment, and an empty table.
struct Copied {
    _dynamo: Dynamo,
    copy: Store,
    new: Store,
    items: Vec<Item>,
}

async fn copy_of(hub: &Hub) -> Copied {
    let dynamo = Dynamo::start().await;
    let (one, other) = (dynamo.table().await, dynamo.table().await);
    let (copy, new) = (Store::new(dynamo.client(), &one), Store::new(dynamo.client(), &other));
    let items = hub.store.everything(None).await.unwrap().0;
    for item in &items {
        copy.restore_item(item.clone()).await.unwrap();
    }
    Copied { _dynamo: dynamo, copy, new, items }
}

impl Copied {
    async fn put(&self, skip: u64) -> Result<Vec<Passed>, StoreError> {
        let (actor, now) = ("operator".to_owned(), LATER.to_owned());
        let of = Restoring { from: self.copy.clone(), skip, actor, now };
        let mut all = Vec::new();
        for item in &self.items {
            all.push(self.new.restore_item_of(item.clone(), &of).await?);
        }
        Ok(all)
    }
}

async fn pool(store: &Store, hub: &Hub) -> Pool {
    store.pool_fetch(&hub.pool).await.unwrap().unwrap().pool
}

async fn holds(store: &Store, hub: &Hub) {
    // What waits in the pool's item is put into its chain by the sweep.
    for _ in 0..2 {
        assert_eq!(store.audit().await.unwrap().breaches, []);
        store.pool_sweep(&hub.pool, NOW, LATER).await.unwrap();
    }
}

#[tokio::test]
async fn i1_pool_that_was_extended_after_the_copy_skips_beyond_its_end() {
    let extends = AutoExtend { by: 100, ceiling: 299 };
    let policy = PoolPolicy { auto_extend: Some(extends), ..PoolPolicy::default() };
    // Skipped, and the last number, the cursor and what remains after that.
    for (skip, expected) in [
        (0, (0, 99, 90, 10)),
        (5, (5, 99, 95, 5)),
        (150, (150, 239, 240, 0)),
        (1_000, (210, 299, 300, 0)),
    ] {
        let hub = Hub::of(PoolDraft { to: 99, ..draft(policy) }).await;
        hub.reserve("R", 90).await;
        let copied = copy_of(&hub).await;
        let new = &copied.new;
        // The lost stack goes on: it extends the pool and hands its numbers out.
        let extend = PoolChange { extend: true, ..PoolChange::default() };
        hub.store.pool_change(&hub.pool, &extend, ("hub", NOW)).await.unwrap();
        let lost = hub.reserve("S", 100).await;
        let passed = copied.put(skip).await.unwrap();
        let skipped: Vec<u64> = passed.iter().filter_map(|one| one.skipped).collect();
        let found = pool(new, &hub).await;
        let told = (skipped[0], found.draft.to, found.cursor, found.remaining);
        assert_eq!((skipped.len(), told), (1, expected), "{skip}");
        // Done again it changes nothing; with another count it is another restore.
        let again = copied.put(skip).await.unwrap();
        assert!(again.iter().all(|one| !one.is_new), "{skip}");
        let other = copied.put(skip + 1).await;
        assert_eq!(other.is_err(), found.cursor < 300, "{skip}: {other:?}");
        if skip >= lost.size {
            let mut moved = PoolChange { to: Some(399), ..PoolChange::default() };
            moved.policy.auto_extend = Some(None);
            new.pool_change(&hub.pool, &moved, ("x", LATER)).await.unwrap();
            let request = reserve_request("T", 10);
            let fresh =
                new.reserve(&request, std::slice::from_ref(&hub.pool), LATER).await.unwrap();
            assert!(fresh.allocation.start > lost.last(), "{skip}");
        }
        holds(new, &hub).await;
    }
}

#[tokio::test]
async fn i1_more_than_one_request_may_ask_for_is_skipped_and_a_resting_pool_rests() {
    let hub = Hub::of(PoolDraft { max_request: 10, ..draft(PoolPolicy::default()) }).await;
    let rest =
        PoolChange { status: Some(domain::pool::PoolStatus::Suspended), ..PoolChange::default() };
    hub.store.pool_change(&hub.pool, &rest, ("x", NOW)).await.unwrap();
    let copied = copy_of(&hub).await;
    let new = &copied.new;
    copied.put(500).await.unwrap();
    let found = pool(new, &hub).await;
    assert_eq!((found.cursor, found.status.as_str()), (500, "suspended"));
    holds(new, &hub).await;
    let records = new.audit_records(&Pk::Pool(hub.pool.clone()), 10).await.unwrap();
    let last = records.last().unwrap();
    assert_eq!((last.action.as_str(), last.actor.as_str()), ("restore", "operator"));
}

#[tokio::test]
async fn i1_runs_that_may_have_been_taken_are_offered_to_nobody_in_a_restored_table() {
    let policy = PoolPolicy { reoffer: Reoffer::Returned, ..PoolPolicy::default() };
    let hub = Hub::new(policy).await;
    let first = hub.reserve("R", 100).await;
    let asked = (Selection::Runs(vec![(0, 9), (20, 29)]), Fate::Return);
    hub.give_up(&first, "K", asked).await.unwrap();
    let one = hub.store.reserve_again(&reserve_request("S", 4), &hub.pool, NOW).await.unwrap();
    assert_eq!(one.unwrap().allocation.start, 0);
    let copied = copy_of(&hub).await;
    let new = &copied.new;
    // The lost stack offers what is left of them.
    hub.store.reserve_again(&reserve_request("T", 6), &hub.pool, NOW).await.unwrap().unwrap();
    let passed = copied.put(50).await.unwrap();
    assert_eq!(passed.iter().filter(|one| one.is_withdrawn).count(), 2);
    assert_eq!(passed.iter().filter(|one| one.reoffers_no_more).count(), 1);
    assert!(copied.put(50).await.unwrap().iter().all(|one| !one.is_new));
    holds(new, &hub).await;
    // Also not when numbers are offered again on somebody's word.
    let mut change = PoolChange::default();
    change.policy.reoffer = Some(Reoffer::Returned);
    new.pool_change(&hub.pool, &change, ("x", LATER)).await.unwrap();
    let none = new.reserve_again(&reserve_request("U", 1), &hub.pool, LATER).await.unwrap();
    assert!(none.is_none(), "{none:?}");
    let record = new.audit_records(&Pk::Run(hub.pool.clone(), 20), 10).await.unwrap();
    assert_eq!(record.len(), 1, "I11");
    holds(new, &hub).await;
    // A stack that moves, and lost nothing, keeps them.
    let copied = copy_of(&hub).await;
    let moved = &copied.new;
    copied.put(0).await.unwrap();
    let kept = moved.reserve_again(&reserve_request("V", 10), &hub.pool, LATER).await.unwrap();
    assert_eq!(kept.unwrap().allocation.start, 20);
    holds(moved, &hub).await;
}

#[tokio::test]
async fn webhook_of_the_lost_stack_is_off_until_it_is_set_anew() {
    let hub = hub().await;
    let keys = KeyService::start().await;
    let endpoint = Some(keys.endpoint().to_owned());
    let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
    let with_keys =
        |store: &Store| store.clone().with_kms(Kms::new(&settings, &https(), keys.key_arn()));
    let url = Some("https://events.example/hook");
    with_keys(&hub.store).webhook_set(url, ("L1/c", NOW)).await.unwrap();
    let copied = copy_of(&hub).await;
    let new = &copied.new;
    for is_new in [true, false] {
        let passed = copied.put(0).await.unwrap();
        let off: Vec<&Passed> = passed.iter().filter(|one| one.is_switched_off).collect();
        assert_eq!(off.iter().map(|one| one.is_new).collect::<Vec<_>>(), [is_new]);
    }
    assert_eq!(new.webhook_fetch().await.unwrap().unwrap().url, None);
    holds(new, &hub).await;
    let (webhook, secret) = with_keys(new).webhook_set(url, ("L1/c", LATER)).await.unwrap();
    let opened = with_keys(new).webhook_secret(&webhook).await.unwrap().unwrap();
    assert_eq!(opened.reveal(), secret.unwrap().reveal());
    let records = new.audit_records(&Pk::Webhook, 10).await.unwrap();
    let actions: Vec<&str> = records.iter().map(|one| one.action.as_str()).collect();
    assert_eq!(actions, ["set", "restore", "set"]);
    holds(new, &hub).await;
}
