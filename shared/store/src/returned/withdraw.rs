//! Runs of which nothing more is offered, because a number of them turned up or may have been given out.
//!
//! What became of a run is in a chain of its own, `RUN#<pool>-<start>`: the one that gave the numbers back may
//! not exist, or may turn at the same moment.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::allocation::{Allocation, Reuse};
use domain::bitmap::{BLOCK_SIZE, BlockSet, Offset};
use domain::ids::PoolId;

use super::{ReturnedRun, base, from_item};
use crate::Store;
use crate::audit_record::{AuditRecord, HUB};
use crate::block::Place;
use crate::error::{StoreError, sdk_error};
use crate::item::{key, number, text};
use crate::keys::{Pk, Sk};
use crate::pause::pause;
use crate::pool::{built, is_cancelled};

/// How often runs are read again when others take of them.
const WITHDRAW_TRIES: u32 = 20;
/// The step of the pauses between these tries, milliseconds.
const WITHDRAW_PAUSE_MS: u64 = 5;

/// Why a run is withdrawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Withdrawal<'a> {
    /// The document that named a number, or another word for what did.
    pub(crate) word: &'a str,
    /// The reason for the audit record.
    pub(crate) reason: &'a str,
    /// RFC 3339.
    pub(crate) now: &'a str,
}

impl Withdrawal<'_> {
    /// I11: what was still to be offered of the run, and that it is not any more.
    pub(crate) fn record(&self, run: &ReturnedRun) -> AuditRecord {
        let before = format!("offered from {} to {}", run.next, run.end().saturating_sub(1));
        let after = format!("withdrawn for {}", self.word);
        AuditRecord::new(self.now, HUB, "withdraw", 1)
            .because(Some(self.reason))
            .changing(Some(&before), Some(&after))
    }
}

impl Store {
    /// Withdraws the runs of a block that hold one of these numbers: a posting is going to name them. Next to
    /// no posting does, and nothing is read for the others. It comes before the posting: a run that is
    /// withdrawn for a posting that fails is merely not offered.
    ///
    /// # Errors
    /// `Conflict` when one of the numbers belongs to another allocation by now.
    pub(crate) async fn returned_withdraw(
        &self,
        place: Place<'_>,
        (named, now): (&BlockSet, &str),
    ) -> Result<(), StoreError> {
        if named.is_empty() {
            return Ok(());
        }
        let allocation = self.allocation_fetch(place.allocation).await?;
        let Some(allocation) = allocation.filter(|one| one.reuse == Reuse::Gave) else {
            return Ok(());
        };
        for attempt in 0..WITHDRAW_TRIES {
            let mut quiet = true;
            for run in self.returned_of(&allocation, place.block).await? {
                let first = base((allocation.start, place.block));
                if inside(named, first, (run.start, run.next)) {
                    return Err(StoreError::Conflict { what: "numbers that were offered again" });
                }
                if inside(named, first, (run.next, run.end())) && run.withdrawn_by.is_none() {
                    let by = Withdrawal {
                        word: place.content_sha256,
                        reason: "a document names its numbers",
                        now,
                    };
                    quiet &= self.returned_end(&allocation.pool_id, &run, by).await?;
                }
            }
            if quiet {
                return Ok(());
            }
            pause(attempt, WITHDRAW_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "returned numbers" })
    }

    /// Withdraws a run, with its audit record (I11); `false` when the run is not as it was read.
    pub(super) async fn returned_end(
        &self,
        pool: &PoolId,
        run: &ReturnedRun,
        by: Withdrawal<'_>,
    ) -> Result<bool, StoreError> {
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Pool(pool.clone()), &Sk::Returned(run.start))))
            .update_expression("SET withdrawn_by = :word REMOVE list_pk, list_sk")
            // I1: nothing was taken since it was read, so no number that is used belongs to anybody else.
            .condition_expression("#next = :seen AND attribute_not_exists(withdrawn_by)")
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":seen", number(run.next))
            .expression_attribute_values(":word", text(by.word))
            .build()
            .map_err(|error| built(&error))?;
        let pk = Pk::Run(pool.clone(), run.start);
        let writes = vec![
            TransactWriteItem::builder().update(update).build(),
            // A run is withdrawn once, so its record is the first and the last of its chain.
            self.audit_first(&pk, by.record(run))?,
        ];
        match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_cancelled(&error) => Ok(false),
            Err(error) => Err(sdk_error("TransactWriteItems returned run", &error)),
        }
    }

    /// The runs that a block of an allocation gave back. Consistent.
    async fn returned_of(
        &self,
        allocation: &Allocation,
        block: u32,
    ) -> Result<Vec<ReturnedRun>, StoreError> {
        let first = base((allocation.start, block));
        let last = first.saturating_add(u128::from(BLOCK_SIZE)).saturating_sub(1);
        // A block has at most 16,384 runs of 300 bytes; a page has 1 MB.
        let (mut runs, mut start) = (Vec::new(), None);
        loop {
            let keys = (&Sk::Returned(first), &Sk::Returned(last));
            let query = self.keys_between(&allocation.pool_id, keys);
            let output = query.set_exclusive_start_key(start).send().await;
            let output = output.map_err(|error| sdk_error("Query returned runs", &error))?;
            for item in output.items() {
                runs.push(from_item(item)?);
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(runs);
            }
        }
    }
}

/// Whether one of a block's numbers lies in a span of indexes whose end is not included.
fn inside(named: &BlockSet, first: u128, (from, to): (u128, u128)) -> bool {
    let offset =
        |index: u128| u32::try_from(index.saturating_sub(first)).ok().and_then(Offset::new);
    let last = to.checked_sub(1).filter(|last| *last >= from);
    match last.and_then(|last| Some((offset(from)?, offset(last)?))) {
        Some((low, high)) => named.intersects(&BlockSet::span(low, high)),
        None => false,
    }
}
