//! Ranges that become void, and are offered again where their pool says so (decision 24).
//!
//! - I2: the record of the range stays for ever and says that it is void. It is what keeps a late step 3 of the
//!   first caller from making its allocation on these numbers: that puts the same key, only if absent.
//! - I1: the run is put by the very write that makes the range void, under that write's condition. So there is no
//!   run over a range that is somebody's, and none is put twice.
//! - Numbers that were handed to a line are not offered, whoever gives them up: they may be on labels. An entry
//!   that nobody finished was never told to anybody; neither was one that came twice.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::allocation::{Allocation, AllocationStatus, Reuse};
use domain::ids::{AllocationId, PoolId};
use domain::pool::Pool;

use super::{ReturnedRun, Withdrawal, from_item, to_item};
use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::keys::{Pk, Sk};
use crate::pause::pause;
use crate::pool::{OpenEntry, is_cancelled};
use crate::range::{self, Range, RangeKind};

/// How often a range is declared void again after a conflicting transaction.
const VOID_TRIES: u32 = 6;
/// How often a run is read again when others take of it.
const WITHDRAW_TRIES: u32 = 20;
/// The step of the pauses between these tries, milliseconds.
const PAUSE_MS: u64 = 10;

fn void_of(entry: &OpenEntry, reason: &str) -> Range {
    let allocation_id = Some(entry.allocation_id.clone());
    let kind = RangeKind::Void { reason: reason.to_owned(), allocation_id };
    Range { start: entry.start, size: entry.size, kind }
}

/// Whether numbers of an allocation in this state are such that nobody may have printed them. Held numbers must not
/// be; those of a reservation are told by its answer, which may be all that a line needs.
const fn may_be_unseen(status: AllocationStatus) -> bool {
    matches!(status, AllocationStatus::PendingConfirmation)
}

impl Store {
    /// Declares the numbers of an entry void if its range has no record yet. I2: an existing record always
    /// wins, so a late or repeated call can never take numbers from an allocation.
    pub async fn range_void(
        &self,
        pool: &PoolId,
        entry: &OpenEntry,
        reason: &str,
        now: &str,
    ) -> Result<bool, StoreError> {
        let item = range::to_item(pool, &void_of(entry, reason), now);
        let call = self.dynamo.put_item().table_name(&*self.table).set_item(Some(item));
        let absent = "attribute_not_exists(pk)";
        match call.condition_expression(absent).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error("PutItem void range", &error)),
        }
    }

    /// The same, with the numbers offered again where the pool says so.
    ///
    /// # Errors
    /// `Conflict` when other transactions were in the way many times: nothing was done.
    pub async fn range_void_of(
        &self,
        pool: &Pool,
        entry: &OpenEntry,
        (reason, now): (&str, &str),
    ) -> Result<bool, StoreError> {
        let id = &pool.id;
        if !pool.draft.policy.reoffer.offers_void() {
            return self.range_void(id, entry, reason, now).await;
        }
        for attempt in 0..VOID_TRIES {
            let writes = vec![
                // I2: a record that is there wins, and then nothing is offered.
                self.put_new(range::to_item(id, &void_of(entry, reason), now))?,
                self.void_put((id, entry.start, entry.size), &entry.allocation_id, now)?,
            ];
            match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
                Ok(_) => return Ok(true),
                Err(error) if is_cancelled(&error) => {}
                Err(error) => return Err(sdk_error("TransactWriteItems void range", &error)),
            }
            let (pk, sk) = (Pk::Pool(id.clone()), Sk::Range(entry.start));
            if self.item_fetch("GetItem range", &pk, &sk).await?.is_some() {
                return Ok(false);
            }
            pause(attempt, PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the range" })
    }

    /// Puts the run of a range that becomes void; it belongs into that write.
    pub(crate) fn void_put(
        &self,
        (pool, start, size): (&PoolId, u128, u64),
        of: &AllocationId,
        now: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let run = ReturnedRun {
            start,
            size,
            next: start,
            of: of.clone(),
            is_void: true,
            withdrawn_by: None,
        };
        // I1: numbers are offered once.
        self.put_new(to_item(pool, &run, now))
    }

    /// Whether the numbers of an allocation that somebody gives up, as it was read, are offered again.
    pub(crate) async fn void_offers(&self, allocation: &Allocation) -> Result<bool, StoreError> {
        // What was offered a second time is not offered a third time.
        if !may_be_unseen(allocation.status) || allocation.reuse != Reuse::None {
            return Ok(false);
        }
        let pool = self.pool_fetch(&allocation.pool_id).await?;
        Ok(pool.is_some_and(|state| state.pool.draft.policy.reoffer.offers_void()))
    }

    /// Whether a void range, by its first index, is or was offered again. One of its numbers turned up: where it is
    /// nobody's yet, nothing more of the range is offered. Afterwards no number of the range changes its owner.
    ///
    /// # Errors
    /// `Conflict` when others took of it many times meanwhile.
    pub async fn void_named(
        &self,
        pool: &PoolId,
        (start, index): (u128, u128),
        (word, now): (&str, &str),
    ) -> Result<bool, StoreError> {
        let (pk, sk) = (Pk::Pool(pool.clone()), Sk::Returned(start));
        for attempt in 0..WITHDRAW_TRIES {
            let item = self.item_fetch("GetItem void run", &pk, &sk).await?;
            let Some(run) = item.as_ref().map(from_item).transpose()? else { return Ok(false) };
            if run.free() == 0 || index < run.next {
                return Ok(true);
            }
            let by = Withdrawal { word, reason: "a document names a number that is void", now };
            if self.returned_end(pool, &run, by).await? {
                return Ok(true);
            }
            pause(attempt, PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "a void range" })
    }
}
