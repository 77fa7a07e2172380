//! The turns of an allocation that leave it open, and its close by the hub: each with its audit record (I11).

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::allocation::{Allocation, AllocationStatus, Transition};
use domain::ids::AllocationId;

use super::{ChangeError, time_key};
use crate::Store;
use crate::attention::Queue;
use crate::audit_record::HUB;
use crate::error::{StoreError, sdk_error};
use crate::item::{key, text};
use crate::keys::{Pk, Sk};
use crate::pause::pause;
use crate::pool::{built, is_cancelled};

/// How often a turn is tried again after a conflicting transaction. States only move forward, so few tries
/// meet another state; the rest are for many callers at once.
const TURN_TRIES: u32 = 12;
/// The step of the pauses between these tries, milliseconds.
const TURN_PAUSE_MS: u64 = 5;

impl Store {
    /// Applies `Export`, `Activate` or `Close` for the hub itself; done twice it changes nothing.
    pub async fn allocation_advance(
        &self,
        id: &AllocationId,
        transition: Transition,
        now: &str,
    ) -> Result<Allocation, ChangeError> {
        self.allocation_advance_by(id, transition, (HUB, now)).await
    }

    /// The same for `actor`.
    pub async fn allocation_advance_by(
        &self,
        id: &AllocationId,
        transition: Transition,
        (actor, now): (&str, &str),
    ) -> Result<Allocation, ChangeError> {
        for attempt in 0..TURN_TRIES {
            let missing = || StoreError::NotFound { what: "the allocation" };
            let mut current = self.allocation_fetch(id).await?.ok_or_else(missing)?;
            let target = current.status.after(transition)?;
            if target == current.status {
                return Ok(current);
            }
            let writes = vec![
                self.turn_write(&current, target, now)?,
                self.turn_record(id, (current.status, target), (actor, now, None)).await?,
            ];
            match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
                Ok(_) => {
                    current.status = target;
                    if target == AllocationStatus::Closed {
                        current.closed_at = Some(now.to_owned());
                    }
                    return Ok(current);
                }
                Err(error) if is_cancelled(&error) => pause(attempt, TURN_PAUSE_MS).await,
                Err(error) => return Err(sdk_error("TransactWriteItems turn", &error).into()),
            }
        }
        Err(StoreError::Conflict { what: "the allocation" }.into())
    }

    /// One that stays open is put into its queue again, which heals one that was made before there was a
    /// queue; one that ends leaves it.
    fn turn_write(
        &self,
        current: &Allocation,
        target: AllocationStatus,
        now: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let ends = target == AllocationStatus::Closed;
        let change = if ends {
            "SET #status = :target, closed_at = :now REMOVE attention_pk, attention_sk"
        } else {
            "SET #status = :target, attention_pk = :queue, attention_sk = :place"
        };
        // The life cycle of design I4: the write holds only if the state is still the one judged.
        let mut update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Allocation(current.id.clone()), &Sk::Allocation)))
            .update_expression(change)
            .condition_expression("#status = :seen")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":target", text(target.as_str()))
            .expression_attribute_values(":seen", text(current.status.as_str()));
        update = if ends {
            update.expression_attribute_values(":now", text(now))
        } else {
            update
                .expression_attribute_values(":queue", text(Queue::OpenAllocation.as_str()))
                .expression_attribute_values(":place", text(time_key(current)))
        };
        let update = update.build().map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
