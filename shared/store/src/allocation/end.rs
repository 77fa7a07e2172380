//! The ends of an allocation that give its numbers up: voided, expired, each with its audit record (I11).

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::allocation::{Allocation, AllocationStatus, Reuse, Transition};
use domain::ids::AllocationId;

use super::ChangeError;
use crate::Store;
use crate::audit_record::AuditRecord;
use crate::error::{StoreError, sdk_error};
use crate::item::{key, number, text};
use crate::keys::{Pk, Sk};
use crate::pool::{built, is_cancelled};

/// How often an end is tried again after a conflicting transaction.
const TURN_TRIES: u32 = 4;

impl Store {
    /// I11: who made an allocation turn, in the transaction that does. Each turn comes once, so it needs no
    /// version.
    pub(super) async fn turn_record(
        &self,
        id: &AllocationId,
        (before, after): (AllocationStatus, AllocationStatus),
        (actor, now, reason): (&str, &str, Option<&str>),
    ) -> Result<TransactWriteItem, StoreError> {
        let record = AuditRecord::new(now, actor, after.as_str(), 0)
            .because(reason)
            .changing(Some(before.as_str()), Some(after.as_str()));
        self.audit_next(&Pk::Allocation(id.clone()), record).await
    }

    /// Gives an allocation up: the allocation and its range become void together, with an audit record (I11).
    /// Done twice it changes nothing; refused once a number was reported as used.
    pub async fn allocation_void(
        &self,
        id: &AllocationId,
        reason: &str,
        by: (&str, &str),
    ) -> Result<Allocation, ChangeError> {
        self.allocation_give_up(id, Transition::Void, reason, by).await
    }

    /// [`Transition::Void`] or [`Transition::Expire`]: the allocation and its range become void together.
    pub(super) async fn allocation_give_up(
        &self,
        id: &AllocationId,
        transition: Transition,
        reason: &str,
        (actor, now): (&str, &str),
    ) -> Result<Allocation, ChangeError> {
        for _ in 0..TURN_TRIES {
            let missing = || StoreError::NotFound { what: "the allocation" };
            let mut current = self.allocation_fetch(id).await?.ok_or_else(missing)?;
            let target = current.status.after(transition)?;
            if target == current.status {
                return Ok(current);
            }
            let mut writes = self.void_writes(&current, target, reason)?;
            if self.void_offers(&current).await? {
                // I1: in the write that makes them void, from the very state that was judged.
                let range = (&current.pool_id, current.start, current.size);
                writes.push(self.void_put(range, &current.id, now)?);
            }
            let turn = (current.status, target);
            writes.push(self.turn_record(id, turn, (actor, now, Some(reason))).await?);
            match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
                Ok(_) => {
                    current.status = target;
                    return Ok(current);
                }
                Err(error) if is_cancelled(&error) => {}
                Err(error) => return Err(sdk_error("TransactWriteItems void", &error).into()),
            }
        }
        Err(StoreError::Conflict { what: "the allocation" }.into())
    }

    fn void_writes(
        &self,
        allocation: &Allocation,
        target: AllocationStatus,
        reason: &str,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        // I1: from the very state that was judged, so numbers that were confirmed or used meanwhile stay.
        let status = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Allocation(allocation.id.clone()), &Sk::Allocation)))
            .update_expression("SET #status = :target REMOVE attention_pk, attention_sk")
            .condition_expression("#status = :seen")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":target", text(target.as_str()))
            .expression_attribute_values(":seen", text(allocation.status.as_str()));
        let own = match allocation.reuse {
            Reuse::Took => Sk::Reoffer(allocation.start),
            Reuse::None | Reuse::Gave => Sk::Range(allocation.start),
        };
        // I2: the range stays, of the same size, and says that nobody may use it.
        let range = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Pool(allocation.pool_id.clone()), &own)))
            .update_expression("SET kind = :void, reason = :reason")
            .condition_expression("allocation_id = :id AND #size = :size")
            .expression_attribute_names("#size", "size")
            .expression_attribute_values(":void", text("void"))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":id", text(allocation.id.as_str()))
            .expression_attribute_values(":size", number(allocation.size));
        [status, range]
            .into_iter()
            .map(|update| {
                let update = update.build().map_err(|error| built(&error))?;
                Ok(TransactWriteItem::builder().update(update).build())
            })
            .collect()
    }
}
