//! Pools as people look at them: with what the sweep saw of them, their latest events and newest ranges.
//!
//! Everything is read with caps, and nothing here decides anything.

use std::collections::HashMap;

use domain::ids::PoolId;
use domain::pool::INDEX_LIMIT;
use domain::watch::Watch;

use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key, text};
use crate::keys::{Pk, Sk};
use crate::pool_event::PoolEvent;
use crate::pool_item::{PoolState, from_item};
use crate::pool_watch;
use crate::range::{Range, from_item as range_from};
use crate::scorecard::{ITEMS_MAX, Reading};
use crate::{Page, Store};

/// Pools whose ids are read in one page of the registry.
const POOL_PAGE: i32 = 100;

/// A pool and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPool {
    /// The pool with its open entries.
    pub state: PoolState,
    /// What the sweep saw last; `None` of a pool that nobody watches.
    pub watch: Option<Watch>,
    /// How many events it had so far.
    pub events: u64,
}

impl Store {
    /// Pools by id with what was seen of them, 2,000 at the most; consistent.
    pub async fn pools_seen(&self) -> Result<Reading<SeenPool>, StoreError> {
        let mut items = Vec::new();
        let mut after: Option<PoolId> = None;
        loop {
            let page = self.pool_ids(POOL_PAGE, after.as_ref()).await?;
            items.extend(self.pools_with_watches(&page.items).await?);
            after = page.next.and(page.items.last().cloned());
            let truncated = items.len() >= ITEMS_MAX && after.is_some();
            if truncated || after.is_none() {
                return Ok(Reading { items, truncated });
            }
        }
    }

    /// One pool with what was seen of it; consistent.
    pub async fn pool_seen(&self, id: &PoolId) -> Result<Option<SeenPool>, StoreError> {
        Ok(self.pools_with_watches(std::slice::from_ref(id)).await?.pop())
    }

    async fn pools_with_watches(&self, ids: &[PoolId]) -> Result<Vec<SeenPool>, StoreError> {
        let of = |id: &PoolId, sk: &Sk| key(&Pk::Pool(id.clone()), sk);
        let keys = ids.iter().flat_map(|id| [of(id, &Sk::Pool), of(id, &Sk::Watch)]).collect();
        let mut watches: HashMap<String, Item> = HashMap::new();
        let mut states = Vec::new();
        for item in self.batch_get("BatchGetItem pools seen", keys).await? {
            let reader = Reader::raw(&item);
            if reader.text("sk")? == Sk::Watch.to_string() {
                watches.insert(reader.text("pk")?.to_owned(), item);
            } else {
                states.push(from_item(&item)?);
            }
        }
        states.sort_by(|a, b| a.pool.id.as_str().cmp(b.pool.id.as_str()));
        let seen = states.into_iter().map(|state| {
            let watch = watches.get(&Pk::Pool(state.pool.id.clone()).to_string());
            let stored = watch.map(pool_watch::from_item).transpose()?;
            let events = stored.as_ref().map_or(0, |stored| stored.events);
            Ok(SeenPool { state, watch: stored.map(|stored| stored.watch), events })
        });
        Ok(seen.collect::<Result<Vec<SeenPool>, Corrupt>>()?)
    }

    /// Events of pools by their numbers, the newest first; those that are not there are left out. Consistent.
    pub async fn pool_events_numbered(
        &self,
        wanted: impl IntoIterator<Item = (PoolId, u64)>,
    ) -> Result<Vec<PoolEvent>, StoreError> {
        let keys =
            wanted.into_iter().map(|(id, number)| key(&Pk::Pool(id), &Sk::PoolEvent(number)));
        let mut events = Vec::new();
        for item in self.batch_get("BatchGetItem pool events", keys.collect()).await? {
            events.push(PoolEvent::from_item(&item)?);
        }
        events.sort_by_key(|event| std::cmp::Reverse(event.number));
        Ok(events)
    }

    /// Ranges of a pool, the newest first: those below `before`, `limit` at the most. Consistent. `next` is what
    /// the next page is to be before.
    pub async fn ranges_newest(
        &self,
        pool: &PoolId,
        limit: i32,
        before: Option<u128>,
    ) -> Result<Page<Range>, StoreError> {
        let last = before.unwrap_or(INDEX_LIMIT).min(INDEX_LIMIT).checked_sub(1);
        let Some(last) = last else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(Pk::Pool(pool.clone()).to_string()))
            .expression_attribute_values(":first", text(Sk::Range(0).to_string()))
            .expression_attribute_values(":last", text(Sk::Range(last).to_string()))
            .scan_index_forward(false)
            .limit(limit)
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| sdk_error("Query newest ranges", &error))?;
        let more = output.last_evaluated_key.is_some();
        let ranges: Result<Vec<Range>, Corrupt> = output.items().iter().map(range_from).collect();
        let items = ranges?;
        let next = items.last().filter(|_| more).map(|range| range.start.to_string());
        Ok(Page { items, next })
    }
}

#[cfg(test)]
mod tests {
    use domain::policy::PoolPolicy;
    use domain::pool::{PoolDraft, Scheme};
    use testkit::Dynamo;

    use super::*;
    use crate::meter::Meter;
    use crate::range::{RangeKind, to_item};

    const NOW: &str = "2026-11-03T10:00:00.000Z";

    fn id(n: u8) -> PoolId {
        PoolId::from_entropy([n; 17])
    }

    async fn store_with(pools: u8) -> (Dynamo, Store) {
        let dynamo = Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        for n in 0..pools {
            let from = u128::from(n).saturating_mul(1_000);
            let draft = PoolDraft {
                name: format!("pool {n}"),
                key: "00313000007772".parse().unwrap(),
                company_prefix_length: 7,
                scheme: Scheme::Sequential { width: 12 },
                eu_rules: false,
                from,
                to: from.saturating_add(99),
                max_request: 100,
                threshold: if n % 2 == 0 { 1_000 } else { 0 },
                policy: PoolPolicy::default(),
            };
            store.pool_create(id(n), draft, NOW).await.unwrap();
        }
        (dynamo, store)
    }

    #[tokio::test]
    async fn pools_are_read_page_by_page_with_what_was_seen_of_them() {
        let (_dynamo, store) = store_with(120).await;
        for n in 0..120 {
            let pool = store.pool_fetch(&id(n)).await.unwrap().unwrap().pool;
            store.pool_look(&pool, (NOW, 1)).await.unwrap();
        }
        let seen = store.pools_seen().await.unwrap();
        assert_eq!((seen.items.len(), seen.truncated), (120, false));
        assert!(seen.items.is_sorted_by_key(|one| one.state.pool.id.as_str().to_owned()));
        for one in &seen.items {
            let is_watched = one.state.pool.is_watched();
            assert_eq!((one.watch.is_some(), one.events > 0), (is_watched, is_watched));
        }
        let wanted = [(id(0), 1), (id(2), 1), (id(1), 1), (id(0), 2)];
        let events = store.pool_events_numbered(wanted).await.unwrap();
        let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["pool.low", "pool.low"]);
        assert_eq!(store.pool_seen(&id(200)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_newest_ranges_come_first_and_the_rest_page_by_page() {
        let (_dynamo, store) = store_with(2).await;
        for start in [0, 10, 20, 30] {
            let kind = RangeKind::Void { reason: "r".to_owned(), allocation_id: None };
            let item = to_item(&id(0), &Range { start, size: 10, kind }, NOW);
            assert!(store.put_if_absent("test", item, &Meter::default()).await.unwrap());
        }
        let mut starts = Vec::new();
        let mut before = None;
        while starts.len() < 9 {
            let page = store.ranges_newest(&id(0), 3, before).await.unwrap();
            starts.extend(page.items.iter().map(|range| range.start));
            let Some(next) = page.next else { break };
            before = Some(next.parse().unwrap());
        }
        assert_eq!(starts, [30, 20, 10, 0]);
        assert!(store.ranges_newest(&id(0), 3, Some(0)).await.unwrap().items.is_empty());
        assert!(store.ranges_newest(&id(1), 3, None).await.unwrap().items.is_empty());
    }
}
