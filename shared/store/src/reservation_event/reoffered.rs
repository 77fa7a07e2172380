//! Reservations of numbers that were offered again, from their queue.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::ids::{AllocationId, PoolId};

use crate::attention::Queue;
use crate::error::sdk_error;
use crate::item::{Corrupt, Item, Reader, key, text};
use crate::keys::{Pk, Sk};
use crate::range::{self, RangeKind};
use crate::{Store, StoreError};

/// What was offered again and is still to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reoffered {
    /// The pool.
    pub pool: PoolId,
    /// The allocation that has the numbers; `None` when it was given up before it was told.
    pub allocation: Option<AllocationId>,
    start: u128,
}

impl Store {
    /// At most `limit` reservations of numbers that were offered again and are still to be told. Read from the
    /// index: one that is missed now is found by the next sweep.
    pub async fn reoffers_untold(&self, limit: i32) -> Result<Vec<Reoffered>, StoreError> {
        let page = self.attention_page(Queue::Reoffer, None, None, limit).await?;
        let found: Result<Vec<Reoffered>, Corrupt> = page.items.iter().map(from_item).collect();
        Ok(found?)
    }

    /// Keeps that it was told; done twice it changes nothing.
    pub async fn reoffer_told(&self, told: &Reoffered) -> Result<(), StoreError> {
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Pool(told.pool.clone()), &Sk::Reoffer(told.start))))
            .update_expression("REMOVE attention_pk, attention_sk")
            // I6: only what waits to be told leaves its queue; no stump of an item appears.
            .condition_expression("attention_pk = :queue")
            .expression_attribute_values(":queue", text(Queue::Reoffer.as_str()))
            .send()
            .await;
        let gone = UpdateItemError::is_conditional_check_failed_exception;
        match outcome {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(gone) => Ok(()),
            Err(error) => Err(sdk_error("UpdateItem reoffer told", &error)),
        }
    }
}

fn from_item(item: &Item) -> Result<Reoffered, Corrupt> {
    let found = range::from_item(item)?;
    let allocation = match found.kind {
        RangeKind::Allocation(id) => Some(id),
        RangeKind::Void { .. } => None,
    };
    let pool = Reader::raw(item).typed("pool_id")?;
    Ok(Reoffered { pool, allocation, start: found.start })
}
