//! The sparse index `attention`: what somebody or something still has to look at.
//!
//! An item carries `attention_pk` and `attention_sk` only while it is unfinished, so reading a queue
//! costs what is in it and not what ever was. Read from an index, a queue may lag a moment: whoever
//! acts on an entry does so with a condition on the item itself.

use aws_sdk_dynamodb::types::{AttributeValue, Select};

use crate::error::sdk_error;
use crate::item::{Item, text};
use crate::{Page, Store, StoreError};

/// The index's name in the template.
pub const INDEX: &str = "attention";
/// The index's partition key attribute.
pub const PK: &str = "attention_pk";
/// The index's sort key attribute.
pub const SK: &str = "attention_sk";

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Allocations that are reserved, exported or active, by creation time.
    OpenAllocation,
    /// Allocations that wait for a confirmation, by the end of their hold.
    Held,
    /// Parked documents, by the time of their next try.
    Parked,
    /// Documents whose reading was asked for or has begun, by the time when it should long have ended.
    Unfinished,
    /// Quarantined documents nobody has dealt with, by time of receipt.
    Quarantined,
    /// Findings that are open or acknowledged, by time.
    Finding,
    /// Events of pools that are still to be sent, by the time of their next try.
    PoolEvent,
    /// Numbers that were offered again and are still to be told as reserved, by the time of their reservation.
    Reoffer,
}

impl Queue {
    /// The partition key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAllocation => "OPEN_ALLOCATION",
            Self::Held => "HELD_ALLOCATION",
            Self::Parked => "PARKED",
            Self::Unfinished => "UNFINISHED",
            Self::Quarantined => "QUARANTINED",
            Self::Finding => "FINDING",
            Self::PoolEvent => "POOL_EVENT",
            Self::Reoffer => "REOFFER",
        }
    }

    /// The two attributes that put an item into this queue; `sort` is `<time>#<id>`.
    #[must_use]
    pub fn attributes(self, sort: &str) -> [(String, AttributeValue); 2] {
        [(PK.to_owned(), text(self.as_str())), (SK.to_owned(), text(sort))]
    }
}

impl Store {
    /// One page of a queue, the least key first: entries above `after` and not above `last`. Eventually
    /// consistent, as every secondary index. `next` is the key after which the next page begins.
    pub async fn attention_page(
        &self,
        queue: Queue,
        last: Option<&str>,
        after: Option<&str>,
        limit: i32,
    ) -> Result<Page<Item>, StoreError> {
        let last = last.unwrap_or("\u{10FFFF}");
        if after.is_some_and(|after| after >= last) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        // `BETWEEN` includes its lower end; the entry there was in the page before and is dropped below.
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .index_name(INDEX)
            .key_condition_expression(
                "attention_pk = :pk AND attention_sk BETWEEN :first AND :last",
            )
            .expression_attribute_values(":pk", text(queue.as_str()))
            .expression_attribute_values(":first", text(after.unwrap_or("!")))
            .expression_attribute_values(":last", text(last))
            .limit(limit.saturating_add(1))
            .send()
            .await
            .map_err(|error| sdk_error("Query attention", &error))?;
        let sort_key = |item: &Item| item.get(SK).and_then(|v| v.as_s().ok()).cloned();
        let next = output.last_evaluated_key.as_ref().and_then(sort_key);
        let mut items = output.items.unwrap_or_default();
        items.retain(|item| after.is_none() || sort_key(item).as_deref() != after);
        Ok(Page { items, next })
    }

    /// How many entries a queue has, `most` at the most. Eventually consistent: it is for people and
    /// alarms, and nothing is decided by it.
    pub async fn attention_count(&self, queue: Queue, most: i32) -> Result<u64, StoreError> {
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .index_name(INDEX)
            .select(Select::Count)
            .key_condition_expression("attention_pk = :pk")
            .expression_attribute_values(":pk", text(queue.as_str()))
            .limit(most)
            .send()
            .await
            .map_err(|error| sdk_error("Query attention count", &error))?;
        Ok(u64::try_from(output.count()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use testkit::Dynamo;

    use super::Queue;
    use crate::Store;
    use crate::item::new_item;
    use crate::keys::{Pk, Sk};
    use crate::meter::Meter;

    #[tokio::test]
    async fn a_queue_is_counted_up_to_the_most_asked_for() {
        let dynamo = Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        for number in 0..5 {
            let sha = format!("{number:064}");
            let mut item = new_item(&Pk::Document(sha.clone()), &Sk::Document, "document");
            item.extend(Queue::Parked.attributes(&sha));
            assert!(store.put_if_absent("test", item, &Meter::default()).await.unwrap());
        }
        for (queue, most, expected) in
            [(Queue::Parked, 100, 5), (Queue::Parked, 3, 3), (Queue::Quarantined, 100, 0)]
        {
            assert_eq!(store.attention_count(queue, most).await.unwrap(), expected, "{queue:?}");
        }
    }
}
