//! Numbers that are held for a confirmation: confirmed in time, or given up by the sweep.
//!
//! The end of a hold is a condition of its confirmation, and the sweep gives up only what is still
//! unconfirmed, so the two cannot both happen (I1). Nothing ends by itself: a number that was given up says so
//! in its range (I2).

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::allocation::{Allocation, AllocationStatus, Hold, Transition};
use domain::ids::AllocationId;

use super::{ChangeError, from_item, time_key};
use crate::Store;
use crate::attention::Queue;
use crate::error::{StoreError, sdk_error};
use crate::item::{key, text};
use crate::keys::{Pk, Sk};
use crate::pool::{built, is_cancelled};

/// How often a confirmation is tried again after a conflicting transaction.
const CONFIRM_TRIES: u32 = 4;
/// Who gives held numbers up, in audit records.
const SWEEP: &str = "hub/sweep-reservations";

/// Why a reservation was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// Too late: the numbers are given up.
    #[error("the hold ended at {ends_at}")]
    Ended {
        /// When.
        ends_at: String,
    },
    /// Its life cycle does not have this, or the store failed.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl From<StoreError> for ConfirmError {
    fn from(error: StoreError) -> Self {
        Self::Change(error.into())
    }
}

impl Store {
    /// Confirms an allocation, with its audit record (I11). Done twice it changes nothing, nor for one that
    /// was given for good at once.
    pub async fn allocation_confirm(
        &self,
        id: &AllocationId,
        (actor, now, reason): (&str, &str, Option<&str>),
    ) -> Result<Allocation, ConfirmError> {
        for _ in 0..CONFIRM_TRIES {
            let missing = || StoreError::NotFound { what: "the allocation" };
            let mut current = self.allocation_fetch(id).await?.ok_or_else(missing)?;
            let target = current.status.after(Transition::Confirm).map_err(ChangeError::from)?;
            let waits = current.status == AllocationStatus::PendingConfirmation
                || current.status == AllocationStatus::Active;
            let Some(hold) = current.hold.clone().filter(|_| waits && current.is_unconfirmed())
            else {
                return Ok(current);
            };
            if target != current.status && hold.ends_at.as_str() <= now {
                return Err(ConfirmError::Ended { ends_at: hold.ends_at });
            }
            let writes = vec![
                self.confirm_write(&current, target, now)?,
                self.turn_record(id, (current.status, target), (actor, now, reason)).await?,
            ];
            match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
                Ok(_) => {
                    current.status = target;
                    current.hold = Some(Hold { confirmed_at: Some(now.to_owned()), ..hold });
                    return Ok(current);
                }
                Err(error) if is_cancelled(&error) => {}
                Err(error) => return Err(sdk_error("TransactWriteItems confirm", &error).into()),
            }
        }
        Err(StoreError::Conflict { what: "the allocation" }.into())
    }

    fn confirm_write(
        &self,
        current: &Allocation,
        target: AllocationStatus,
        now: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        // I1: only from the state judged above, and not once the sweep may have given the numbers up.
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Allocation(current.id.clone()), &Sk::Allocation)))
            .update_expression(
                "SET #status = :target, confirmed_at = :now, attention_pk = :queue, \
                 attention_sk = :place",
            )
            .condition_expression("#status = :seen AND attribute_not_exists(confirmed_at)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":target", text(target.as_str()))
            .expression_attribute_values(":seen", text(current.status.as_str()))
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":queue", text(Queue::OpenAllocation.as_str()))
            .expression_attribute_values(":place", text(time_key(current)))
            .build()
            .map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Allocations whose hold has ended at `now`, the longest ended first, `most` at the most. Read from an
    /// index, so one may have been confirmed just now.
    pub async fn holds_ended(&self, now: &str, most: i32) -> Result<Vec<AllocationId>, StoreError> {
        // `$` comes right behind `#`, so holds that end at this very moment are among them.
        let last = format!("{now}$");
        let page = self.attention_page(Queue::Held, Some(&last), None, most).await?;
        page.items.iter().map(|item| Ok(from_item(item)?.id)).collect()
    }

    /// Gives up numbers whose hold has ended; what was confirmed, used or voided meanwhile stays as it is
    /// and is refused. Done twice it changes nothing.
    pub async fn allocation_expire(
        &self,
        id: &AllocationId,
        now: &str,
    ) -> Result<Allocation, ChangeError> {
        self.allocation_give_up(id, Transition::Expire, "expired", (SWEEP, now)).await
    }
}
