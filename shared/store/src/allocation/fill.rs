//! How far an allocation is used: a cache on its item, computed from the states of its blocks.
//!
//! It is never counted up. Whoever has posted to blocks reads all of them and writes what they say; the
//! sum of the blocks' versions only grows, so the condition on it lets what was read last win, and the
//! one who posts last has read everything.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use domain::allocation::Allocation;
use domain::bitmap::BLOCK_SIZE;
use domain::ledger::{Balance, Bucket};

use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key, number, text};
use crate::keys::{Pk, Sk};
use crate::meter::Meter;

/// How far an allocation is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fill {
    /// Numbers of which anything is known.
    pub used: u64,
    /// Numbers that are on a pack now.
    pub commissioned: u64,
    /// When this was computed, RFC 3339; `None` while nothing was ever posted.
    pub at: Option<String>,
}

/// The fill an allocation's item carries.
pub(crate) fn fill_from(item: &Item) -> Result<Fill, Corrupt> {
    let reader = Reader::raw(item);
    let Some(at) = reader.optional_text("fill_at")? else {
        return Ok(Fill::default());
    };
    Ok(Fill {
        used: reader.parsed("fill_used")?,
        commissioned: reader.parsed("fill_commissioned")?,
        at: Some(at.to_owned()),
    })
}

impl Store {
    /// Computes the fill of an allocation from its blocks and keeps it on the item. To be called after
    /// the last block of a document was posted; done twice it changes nothing.
    pub async fn allocation_fill_update(
        &self,
        allocation: &Allocation,
        now: &str,
        meter: &Meter,
    ) -> Result<(), StoreError> {
        let blocks = allocation.size.div_ceil(u64::from(BLOCK_SIZE));
        let last = u32::try_from(blocks.saturating_sub(1)).unwrap_or(u32::MAX);
        let states = self.block_list(&allocation.id, 0, last).await?;
        let version =
            states.iter().fold(0_u64, |sum, (_, state)| sum.saturating_add(state.version));
        let states = states.iter().map(|(block, state)| (*block, state));
        let balance = Balance::of(allocation.size, false, states);
        let used = allocation.size.saturating_sub(balance.buckets.get(Bucket::Outstanding));
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Allocation(allocation.id.clone()), &Sk::Allocation)))
            .update_expression(
                "SET fill_used = :used, fill_commissioned = :commissioned, fill_at = :now, \
                 fill_version = :version",
            )
            // A cache of I4: what was computed from later states of the blocks stands, and no stump of an
            // item appears for an allocation that is not there.
            .condition_expression(
                "attribute_exists(pk) AND \
                 (attribute_not_exists(fill_version) OR fill_version < :version)",
            )
            .expression_attribute_values(":used", number(used))
            .expression_attribute_values(
                ":commissioned",
                number(balance.buckets.get(Bucket::Commissioned)),
            )
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":version", number(version))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match outcome {
            Ok(output) => {
                meter.add(output.consumed_capacity());
                Ok(())
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(sdk_error("UpdateItem fill", &error)),
        }
    }
}
