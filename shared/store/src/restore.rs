//! Items from one table into another: for a restore into a new stack.
//!
//! Nothing of the target is ever overwritten: an item is put only where there is none. An item that is there
//! already must be the same, which makes a restore that broke off repeatable; anything else means that the
//! target is in use, and ends the restore. Two things are the new stack's own: where its sweep stands, and a
//! system that its first operator made. A space's key is sealed anew, for its new table and by the key service
//! of the new stack, so that the copy does not lean on what is left of the old one.
//!
//! I1: what the lost stack handed out after the copy was made is in no item of it. So whatever could hand out
//! such numbers a second time is changed on its way (`restore/changed.rs`), and never stands in the new table as
//! it was.

mod changed;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::Item;
use crate::keys::{Pk, Sk};

/// What is restored, and how.
#[derive(Debug, Clone)]
pub struct Restoring {
    /// The table that is copied.
    pub from: Store,
    /// Numbers that each pool skips: as many as it may have handed out after the copy was made. 0 says that
    /// nothing at all was handed out.
    pub skip: u64,
    /// Who restores, for the audit records.
    pub actor: String,
    /// RFC 3339.
    pub now: String,
}

/// What became of an item.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is said of another kind of item, and counted"
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// It was not there before.
    pub is_new: bool,
    /// Of a pool: numbers that were skipped.
    pub skipped: Option<u64>,
    /// Of a pool: it offered numbers again, and does not any more.
    pub reoffers_no_more: bool,
    /// Of a run of numbers that were to be offered again: it is withdrawn.
    pub is_withdrawn: bool,
    /// Of the webhook: it is switched off, for its secret opens in the old stack only.
    pub is_switched_off: bool,
}

impl Store {
    /// One page of everything in the table after `start`, and where the next one begins. Consistent.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn everything(
        &self,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let call = self.dynamo.scan().table_name(&*self.table).consistent_read(true);
        let output = call.set_exclusive_start_key(start).send().await;
        let output = output.map_err(|error| sdk_error("Scan", &error))?;
        Ok((output.items.unwrap_or_default(), output.last_evaluated_key))
    }

    /// Puts an item of another table, changed where it must be.
    ///
    /// # Errors
    /// `Conflict` when another item is there, `Corrupt` when a key does not open.
    pub async fn restore_item_of(&self, item: Item, of: &Restoring) -> Result<Passed, StoreError> {
        match (pk_of(&item), sk_of(&item)) {
            (Some(Pk::Pool(_)), Some(Sk::Pool)) => self.restore_pool(item, of).await,
            (Some(Pk::Pool(id)), Some(Sk::Returned(_))) => self.restore_run((&id, item), of).await,
            (Some(Pk::Webhook), Some(Sk::Webhook)) => self.restore_webhook(item, of).await,
            _ => {
                let moved = self.space_moved(&item, &of.from).await?;
                let is_new = self.restore_item(moved.unwrap_or(item)).await?;
                Ok(Passed { is_new, ..Passed::default() })
            }
        }
    }

    /// Puts an item of another table as it is; `false` when the same item is there already.
    ///
    /// # Errors
    /// `Conflict` when another item is there.
    pub async fn restore_item(&self, item: Item) -> Result<bool, StoreError> {
        let outcome = self
            .dynamo
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item.clone()))
            // I1 to I6 hold in the copied table; they go on holding because nothing is overwritten.
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = outcome else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                let there = failed.item.as_ref().map(changed::without_its_record);
                let same = there == Some(changed::without_its_record(&item)) || is_system(&item);
                let conflict = StoreError::Conflict { what: "an item of the restored table" };
                if same { Ok(false) } else { Err(conflict) }
            }
            _ => Err(sdk_error("PutItem restored", &error)),
        }
    }
}

fn pk_of(item: &Item) -> Option<Pk> {
    item.get("pk").and_then(|value| value.as_s().ok())?.parse().ok()
}

fn sk_of(item: &Item) -> Option<Sk> {
    item.get("sk").and_then(|value| value.as_s().ok())?.parse().ok()
}

fn is_system(item: &Item) -> bool {
    matches!(pk_of(item), Some(Pk::System(_)))
}

/// Whether an item is about the stack itself, and not about what it keeps.
#[must_use]
pub fn is_own(item: &Item) -> bool {
    pk_of(item) == Some(Pk::Sweep)
}

/// Whether an item makes somebody work on others: the list of pools, and what waits for attention. Such
/// items are put last, when everything that they lead to is there.
#[must_use]
pub fn wakes(item: &Item) -> bool {
    item.contains_key("attention_pk") || pk_of(item) == Some(Pk::Registry)
}
