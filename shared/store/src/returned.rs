//! Numbers that were returned and may be offered again (decision 24).
//!
//! - A run `POOL#p / RETURNED#<start>` is put once, by the very transaction that posts that its numbers are
//!   returned, against the state of their block. From then on its cursor `next` only moves up, or the run is
//!   withdrawn; it never goes away. It lies within one block of one allocation.
//! - What is taken of runs is an allocation like any other with the range `POOL#p / REOFFER#<start>`. The
//!   pool's own cursor never moves back, and its ranges never change.
//! - I1: a returned number may turn up on a pack all the same. Before a posting that says so is made, the run
//!   is withdrawn, only if nothing was taken since it was read; where the number was taken, the posting is not
//!   made: its document looked the number up before that, and is read again.
//! - Runs that can be offered are listed in an index. It may lag: the condition of the taking decides.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::allocation::{Allocation, Reuse};
use domain::bitmap::{BLOCK_SIZE, BlockSet, Offset};
use domain::ids::{AllocationId, PoolId};

use crate::Store;
use crate::block::Place;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key, new_item, number, put_some, text};
use crate::keys::{Pk, RETURNED_PREFIX, Sk, listing};
use crate::pause::pause;
use crate::pool::built;

const ENTITY: &str = "returned-run";
/// Runs that one change offers of one block, the longest of them; what else is returned stays returned. A
/// transaction has room for no more.
pub const RUNS_MAX: usize = 64;
/// How often runs are read again when others take of them.
const WITHDRAW_TRIES: u32 = 20;
/// The step of the pauses between these tries, milliseconds.
const WITHDRAW_PAUSE_MS: u64 = 5;

/// A run of numbers that were returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnedRun {
    /// The first index.
    pub start: u128,
    /// How many.
    pub size: u64,
    /// The first one that was not offered again yet.
    pub next: u128,
    /// Who returned them.
    pub of: AllocationId,
    /// The document that named one of its numbers all the same: nothing more of it is offered.
    pub withdrawn_by: Option<String>,
}

impl ReturnedRun {
    /// The index behind the last.
    #[must_use]
    pub fn end(&self) -> u128 {
        self.start.saturating_add(u128::from(self.size))
    }

    /// How many can be offered.
    #[must_use]
    pub fn free(&self) -> u64 {
        let rest = self.end().saturating_sub(self.next);
        if self.withdrawn_by.is_some() { 0 } else { u64::try_from(rest).unwrap_or(0) }
    }
}

/// Where what is returned of a block is offered again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer<'a> {
    /// The pool.
    pub(crate) pool: &'a PoolId,
    /// The index of the allocation's first number.
    pub(crate) start: u128,
    /// RFC 3339.
    pub(crate) now: &'a str,
}

fn to_item(pool: &PoolId, run: &ReturnedRun, now: &str) -> Item {
    let mut item = new_item(&Pk::Pool(pool.clone()), &Sk::Returned(run.start), ENTITY);
    let fields = [
        ("pool_id", text(pool.as_str())),
        ("start", number(run.start)),
        ("size", number(run.size)),
        ("next", number(run.next)),
        ("of", text(run.of.as_str())),
        ("created_at", text(now)),
        ("list_pk", text(listing::returned(pool))),
        ("list_sk", text(format!("{:020}", run.start))),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "withdrawn_by", run.withdrawn_by.as_deref());
    item
}

fn from_item(item: &Item) -> Result<ReturnedRun, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    Ok(ReturnedRun {
        start: reader.parsed("start")?,
        size: reader.parsed("size")?,
        next: reader.parsed("next")?,
        of: reader.typed("of")?,
        withdrawn_by: reader.optional_text("withdrawn_by")?.map(str::to_owned),
    })
}

fn base((start, block): (u128, u32)) -> u128 {
    start.saturating_add(u128::from(block).saturating_mul(BLOCK_SIZE.into()))
}

impl Store {
    /// Puts the runs of what a posting returns of a block; they belong into its transaction.
    pub(crate) fn returned_puts(
        &self,
        place: Place<'_>,
        offer: Offer<'_>,
        returned: &BlockSet,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let first = base((offer.start, place.block));
        let mut runs: Vec<(u16, u16)> = returned.runs().collect();
        runs.sort_by_key(|(low, high)| std::cmp::Reverse(high.saturating_sub(*low)));
        runs.truncate(RUNS_MAX);
        let put = |(low, high): &(u16, u16)| {
            let start = first.saturating_add(u128::from(*low));
            let run = ReturnedRun {
                start,
                size: u64::from(high.saturating_sub(*low)).saturating_add(1),
                next: start,
                of: place.allocation.clone(),
                withdrawn_by: None,
            };
            // I1: numbers are offered once; none of them was returned before.
            self.put_new(to_item(offer.pool, &run, offer.now))
        };
        runs.iter().map(put).collect()
    }

    /// Withdraws the runs of a block that hold one of these numbers: a posting is going to name them. Next to
    /// no posting does, and nothing is read for the others. It comes before the posting: a run that is
    /// withdrawn for a posting that fails is merely not offered.
    ///
    /// # Errors
    /// `Conflict` when one of the numbers belongs to another allocation by now.
    pub(crate) async fn returned_withdraw(
        &self,
        place: Place<'_>,
        named: &BlockSet,
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
                    let of = (&allocation.pool_id, place.content_sha256);
                    quiet &= self.returned_end(of, &run).await?;
                }
            }
            if quiet {
                return Ok(());
            }
            pause(attempt, WITHDRAW_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "returned numbers" })
    }

    /// `false` when the run is not as it was read.
    async fn returned_end(
        &self,
        (pool, content_sha256): (&PoolId, &str),
        run: &ReturnedRun,
    ) -> Result<bool, StoreError> {
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Pool(pool.clone()), &Sk::Returned(run.start))))
            .update_expression("SET withdrawn_by = :document REMOVE list_pk, list_sk")
            // I1: nothing was taken since it was read, so no number that is used belongs to anybody else.
            .condition_expression("#next = :seen AND attribute_not_exists(withdrawn_by)")
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":seen", number(run.next))
            .expression_attribute_values(":document", text(content_sha256))
            .send()
            .await;
        let passing = |error: &UpdateItemError| {
            error.is_conditional_check_failed_exception()
                || error.is_transaction_conflict_exception()
        };
        match outcome {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(passing) => Ok(false),
            Err(error) => Err(sdk_error("UpdateItem returned run", &error)),
        }
    }

    /// Moves the cursor of a run to `to`, for an allocation that the same transaction makes.
    pub(crate) fn returned_take(
        &self,
        pool: &PoolId,
        run: &ReturnedRun,
        to: u128,
    ) -> Result<TransactWriteItem, StoreError> {
        // What is used up is listed no more.
        let change = if to >= run.end() {
            "SET #next = :to REMOVE list_pk, list_sk"
        } else {
            "SET #next = :to"
        };
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Pool(pool.clone()), &Sk::Returned(run.start))))
            .update_expression(change)
            // I1: what is taken was free, and none of the run was used.
            .condition_expression("#next = :seen AND attribute_not_exists(withdrawn_by)")
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":seen", number(run.next))
            .expression_attribute_values(":to", number(to))
            .build()
            .map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().update(update).build())
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
            let output = self
                .dynamo
                .query()
                .table_name(&*self.table)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .expression_attribute_values(
                    ":pk",
                    text(Pk::Pool(allocation.pool_id.clone()).to_string()),
                )
                .expression_attribute_values(":first", text(Sk::Returned(first).to_string()))
                .expression_attribute_values(":last", text(Sk::Returned(last).to_string()))
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .send()
                .await
                .map_err(|error| sdk_error("Query returned runs", &error))?;
            for item in output.items() {
                runs.push(from_item(item)?);
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(runs);
            }
        }
    }

    /// Runs of a pool that can be offered, by first index: a page of the index, so one may be used up or
    /// withdrawn by now, and the newest may be missing.
    pub(crate) async fn returned_free(
        &self,
        pool: &PoolId,
    ) -> Result<Vec<ReturnedRun>, StoreError> {
        let page = self.listing_page(&listing::returned(pool), None, None).await?;
        let runs: Result<Vec<ReturnedRun>, Corrupt> = page.items.iter().map(from_item).collect();
        let mut runs = runs?;
        runs.sort_by_key(|run| run.start);
        Ok(runs)
    }

    /// All runs of a pool that were ever returned, in order. Consistent.
    pub async fn returned_list(&self, pool: &PoolId) -> Result<Vec<ReturnedRun>, StoreError> {
        let items = self.partition(&Pk::Pool(pool.clone()), RETURNED_PREFIX).await?;
        let runs: Result<Vec<ReturnedRun>, Corrupt> = items.iter().map(from_item).collect();
        Ok(runs?)
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
