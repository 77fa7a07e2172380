//! Ranges of a pool, and the reads that several nouns share.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use domain::ids::{AllocationId, PoolId};

use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key, new_item, number, text};
use crate::keys::{Pk, RANGE_PREFIX, REOFFER_PREFIX, Sk};
use crate::{Page, Store};

pub(crate) const ENTITY: &str = "range";

/// What became of a range below a pool's cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeKind {
    /// It belongs to an allocation.
    Allocation(AllocationId),
    /// Nobody may use it.
    Void {
        /// Why.
        reason: String,
        /// The allocation that had or would have had it.
        allocation_id: Option<AllocationId>,
    },
}

/// A range of indexes of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The first index.
    pub start: u128,
    /// How many.
    pub size: u64,
    /// What became of it.
    pub kind: RangeKind,
}

impl Range {
    /// Whether the index lies in the range.
    #[must_use]
    pub fn contains(&self, index: u128) -> bool {
        index >= self.start && index.saturating_sub(self.start) < u128::from(self.size)
    }
}

pub(crate) fn to_item(pool: &PoolId, range: &Range, now: &str) -> Item {
    to_item_at(pool, (range, Sk::Range(range.start)), now)
}

/// The same under another key.
pub(crate) fn to_item_at(pool: &PoolId, (range, sk): (&Range, Sk), now: &str) -> Item {
    let mut item = new_item(&Pk::Pool(pool.clone()), &sk, ENTITY);
    item.insert("pool_id".to_owned(), text(pool.as_str()));
    item.insert("start".to_owned(), number(range.start));
    item.insert("size".to_owned(), number(range.size));
    item.insert("created_at".to_owned(), text(now));
    match &range.kind {
        RangeKind::Allocation(id) => {
            item.insert("kind".to_owned(), text("allocation"));
            item.insert("allocation_id".to_owned(), text(id.as_str()));
        }
        RangeKind::Void { reason, allocation_id } => {
            item.insert("kind".to_owned(), text("void"));
            item.insert("reason".to_owned(), text(reason.as_str()));
            if let Some(id) = allocation_id {
                item.insert("allocation_id".to_owned(), text(id.as_str()));
            }
        }
    }
    item
}

pub(crate) fn from_item(item: &Item) -> Result<Range, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let kind = match reader.text("kind")? {
        "allocation" => RangeKind::Allocation(reader.typed("allocation_id")?),
        "void" => RangeKind::Void {
            reason: reader.text("reason")?.to_owned(),
            allocation_id: reader.optional_typed("allocation_id")?,
        },
        _ => return Err(reader.corrupt("kind", "is unknown")),
    };
    Ok(Range { start: reader.parsed("start")?, size: reader.parsed("size")?, kind })
}

impl Store {
    /// The range that an index lies in; `None` if no range record covers it. Strongly consistent.
    pub async fn range_of(&self, pool: &PoolId, index: u128) -> Result<Option<Range>, StoreError> {
        self.range_holding(pool, (Sk::Range(0), Sk::Range(index)), index).await
    }

    /// Where a returned index belongs since; `None` if it was not offered again. Strongly consistent. To be asked
    /// only where the allocation of its range gave numbers back.
    pub async fn reoffer_of(
        &self,
        pool: &PoolId,
        index: u128,
    ) -> Result<Option<Range>, StoreError> {
        self.range_holding(pool, (Sk::Reoffer(0), Sk::Reoffer(index)), index).await
    }

    /// The last range that was offered again and begins at an index or before it, whether it has the index or
    /// not. Strongly consistent.
    pub async fn reoffer_before(
        &self,
        pool: &PoolId,
        index: u128,
    ) -> Result<Option<Range>, StoreError> {
        self.range_before(pool, (Sk::Reoffer(0), Sk::Reoffer(index))).await
    }

    /// What was offered again of `first` to `last`, in order; at most `limit`. Consistent.
    pub async fn reoffers_between(
        &self,
        pool: &PoolId,
        (first, last): (u128, u128),
        limit: i32,
    ) -> Result<Vec<Range>, StoreError> {
        let query = self.keys_between(pool, (&Sk::Reoffer(first), &Sk::Reoffer(last)));
        let output = query.limit(limit).send().await;
        let output = output.map_err(|error| sdk_error("Query reoffers", &error))?;
        let ranges: Result<Vec<Range>, Corrupt> = output.items().iter().map(from_item).collect();
        Ok(ranges?)
    }

    async fn range_holding(
        &self,
        pool: &PoolId,
        keys: (Sk, Sk),
        index: u128,
    ) -> Result<Option<Range>, StoreError> {
        let range = self.range_before(pool, keys).await?;
        Ok(range.filter(|range| range.contains(index)))
    }

    async fn range_before(
        &self,
        pool: &PoolId,
        (first, last): (Sk, Sk),
    ) -> Result<Option<Range>, StoreError> {
        let query = self.keys_between(pool, (&first, &last)).scan_index_forward(false);
        let output = query.limit(1).send().await;
        let output = output.map_err(|error| sdk_error("Query range", &error))?;
        Ok(output.items().first().map(from_item).transpose()?)
    }

    /// A query of the items of a pool from one key to another, both included; strongly consistent.
    pub(crate) fn keys_between(
        &self,
        pool: &PoolId,
        (first, last): (&Sk, &Sk),
    ) -> QueryFluentBuilder {
        self.dynamo
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(Pk::Pool(pool.clone()).to_string()))
            .expression_attribute_values(":first", text(first.to_string()))
            .expression_attribute_values(":last", text(last.to_string()))
            .consistent_read(true)
    }

    /// One page of a pool's ranges in order; consistent. `after` is the last start of the page before.
    pub async fn range_list(
        &self,
        pool: &PoolId,
        limit: i32,
        after: Option<u128>,
    ) -> Result<Page<Range>, StoreError> {
        self.ranges_after(pool, (RANGE_PREFIX, limit), after.map(Sk::Range)).await
    }

    /// The same of what was offered again.
    pub async fn reoffer_list(
        &self,
        pool: &PoolId,
        limit: i32,
        after: Option<u128>,
    ) -> Result<Page<Range>, StoreError> {
        self.ranges_after(pool, (REOFFER_PREFIX, limit), after.map(Sk::Reoffer)).await
    }

    async fn ranges_after(
        &self,
        pool: &PoolId,
        (prefix, limit): (&str, i32),
        after: Option<Sk>,
    ) -> Result<Page<Range>, StoreError> {
        let page = self.keys_after(&Pk::Pool(pool.clone()), prefix, limit, after.as_ref()).await?;
        let items: Result<Vec<Range>, Corrupt> = page.items.iter().map(from_item).collect();
        let items = items?;
        let next = page.next.and(items.last()).map(|range| range.start.to_string());
        Ok(Page { items, next })
    }

    /// One item; strongly consistent.
    pub(crate) async fn item_fetch(
        &self,
        operation: &'static str,
        pk: &Pk,
        sk: &Sk,
    ) -> Result<Option<Item>, StoreError> {
        let output = self
            .dynamo
            .get_item()
            .table_name(&*self.table)
            .set_key(Some(key(pk, sk)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| sdk_error(operation, &error))?;
        Ok(output.item)
    }

    /// All items of a partition whose sort key has a prefix, in order; strongly consistent. Only for
    /// partitions that are small by construction.
    pub(crate) async fn partition(&self, pk: &Pk, prefix: &str) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let mut call = self
                .dynamo
                .query()
                .table_name(&*self.table)
                .expression_attribute_values(":pk", text(pk.to_string()))
                .set_exclusive_start_key(start)
                .consistent_read(true);
            call = if prefix.is_empty() {
                call.key_condition_expression("pk = :pk")
            } else {
                call.key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                    .expression_attribute_values(":prefix", text(prefix))
            };
            let output = call.send().await.map_err(|error| sdk_error("Query partition", &error))?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// One page of a partition's items with a sort-key prefix, after a key; strongly consistent. `next` is
    /// the sort key to go on from.
    pub(crate) async fn keys_after(
        &self,
        pk: &Pk,
        prefix: &str,
        limit: i32,
        after: Option<&Sk>,
    ) -> Result<Page<Item>, StoreError> {
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(pk.to_string()))
            .expression_attribute_values(":prefix", text(prefix))
            .set_exclusive_start_key(after.map(|sk| key(pk, sk)))
            .limit(limit)
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| sdk_error("Query page", &error))?;
        let next = output
            .last_evaluated_key
            .and_then(|last| last.get("sk").and_then(|sk| sk.as_s().ok()).cloned());
        Ok(Page { items: output.items.unwrap_or_default(), next })
    }
}
