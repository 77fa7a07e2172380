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
//! - Numbers of a void range that no line ever had are such a run too, where the pool says so: it is put by the
//!   very write that makes the range void (`returned/void.rs`).
//! - Runs that can be offered are listed in an index, by how much of them is left. It may lag: the condition of
//!   the taking decides.

mod free;
mod void;
mod withdraw;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::bitmap::{BLOCK_SIZE, BlockSet};
use domain::ids::{AllocationId, PoolId};

pub(crate) use self::withdraw::Withdrawal;
use crate::Store;
use crate::block::Place;
use crate::error::StoreError;
use crate::item::{Corrupt, Item, Reader, key, new_item, number, put_some, text};
use crate::keys::{Pk, RETURNED_PREFIX, Sk, listing};
use crate::pool::built;

const ENTITY: &str = "returned-run";
/// Runs that one change offers of one block, the longest of them; what else is returned stays returned. A
/// transaction has room for no more.
pub const RUNS_MAX: usize = 64;

/// A run of numbers that were returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnedRun {
    /// The first index.
    pub start: u128,
    /// How many.
    pub size: u64,
    /// The first one that was not offered again yet.
    pub next: u128,
    /// Who returned them; of a void range, who had or would have had it.
    pub of: AllocationId,
    /// It is a void range, whole.
    pub is_void: bool,
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
        ("list_sk", text(free::place(run.free(), run.start))),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "source", run.is_void.then_some("void"));
    put_some(&mut item, "withdrawn_by", run.withdrawn_by.as_deref());
    item
}

pub(crate) fn from_item(item: &Item) -> Result<ReturnedRun, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    Ok(ReturnedRun {
        start: reader.parsed("start")?,
        size: reader.parsed("size")?,
        next: reader.parsed("next")?,
        of: reader.typed("of")?,
        is_void: match reader.optional_text("source")? {
            None => false,
            Some("void") => true,
            Some(_) => return Err(reader.corrupt("source", "is unknown")),
        },
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
                is_void: false,
                withdrawn_by: None,
            };
            // I1: numbers are offered once; none of them was returned before.
            self.put_new(to_item(offer.pool, &run, offer.now))
        };
        runs.iter().map(put).collect()
    }

    /// Moves the cursor of a run to `to`, for an allocation that the same transaction makes.
    pub(crate) fn returned_take(
        &self,
        pool: &PoolId,
        run: &ReturnedRun,
        to: u128,
    ) -> Result<TransactWriteItem, StoreError> {
        // What is used up is listed no more.
        let rest = ReturnedRun { next: to, ..run.clone() }.free();
        let change = if rest == 0 {
            "SET #next = :to REMOVE list_pk, list_sk"
        } else {
            "SET #next = :to, list_sk = :place"
        };
        let mut update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Pool(pool.clone()), &Sk::Returned(run.start))))
            .update_expression(change)
            // I1: what is taken was free, and none of the run was used.
            .condition_expression("#next = :seen AND attribute_not_exists(withdrawn_by)")
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":seen", number(run.next))
            .expression_attribute_values(":to", number(to));
        if rest > 0 {
            let place = text(free::place(rest, run.start));
            update = update.expression_attribute_values(":place", place);
        }
        let update = update.build().map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// All runs of a pool that were ever returned, in order. Consistent.
    pub async fn returned_list(&self, pool: &PoolId) -> Result<Vec<ReturnedRun>, StoreError> {
        let items = self.partition(&Pk::Pool(pool.clone()), RETURNED_PREFIX).await?;
        let runs: Result<Vec<ReturnedRun>, Corrupt> = items.iter().map(from_item).collect();
        Ok(runs?)
    }
}
