//! Items as they are, from one table into another: for a restore into a new stack.
//!
//! Nothing of the target is ever overwritten: an item is put only where there is none. An item that is there
//! already must be the same, which makes a restore that broke off repeatable; anything else means that the
//! target is in use, and ends the restore. Two things are the new stack's own: where its sweep stands, and a
//! system that its first operator made. A space's key is sealed anew, for its new table and by the key service
//! of the new stack, so that the copy does not lean on what is left of the old one.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::Item;
use crate::keys::Pk;

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

    /// Puts an item of the table `from`, with the keys of spaces sealed anew; `false` when it is there already.
    ///
    /// # Errors
    /// `Conflict` when another item is there, `Corrupt` when a key does not open.
    pub async fn restore_item_of(&self, item: Item, from: &Self) -> Result<bool, StoreError> {
        let moved = self.space_moved(&item, from).await?;
        self.restore_item(moved.unwrap_or(item)).await
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
                let same = failed.item.as_ref() == Some(&item) || is_system(&item);
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
