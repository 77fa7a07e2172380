//! Reserving a range: the protocol of four steps that holds I1, I2 and I3.
//!
//! 1. `reservation_find`: a replay finds its allocation.
//! 2. `reservation_open`: one conditional write moves the cursor and notes the entry.
//! 3. `reservation_record`: allocation and range, both only if absent.
//! 4. `entry_close`: the entry goes.
//!
//! A crash between any two leaves an entry that the same request resumes
//! or that the sweeper turns into a void range.

mod again;
mod choice;
mod judge;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::allocation::Allocation;
use domain::ids::PoolId;
use domain::pool::{OPEN_LIMIT, Pool, PoolStatus};
use domain::request::{Mode, ReserveRequest};

use self::judge::{judge, new_allocation, record_of};
use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::{key, number, text};
use crate::keys::{Pk, Sk};
use crate::pause::pause;
use crate::pool::is_cancelled;
use crate::pool_item::{OpenEntry, entry_info, from_item};
use crate::range::{Range, RangeKind};

/// How often step 3 is sent again when another transaction held one of its items.
const RECORD_TRIES: u32 = 6;
/// The step of the pauses between these tries, milliseconds.
const RECORD_PAUSE_MS: u64 = 15;

/// Why numbers were not reserved.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// The request id was used before with another body (I3).
    #[error("the request id was used before for another request")]
    IdReuse,
    /// No pool of this id, or none for this key.
    #[error("no pool serves this request")]
    NoPool,
    /// The pool's numbers are those of something else.
    #[error("the pool serves another GTIN or company prefix")]
    OtherKey,
    /// The pool is suspended.
    #[error("the pool is suspended")]
    Inactive,
    /// The pool's numbers cannot be told as the request wants them.
    #[error("the numbers of this pool are {scheme}, they are not told as `{}`", .mode.as_str())]
    ModeNotAllowed {
        /// What was asked for.
        mode: Mode,
        /// The pool's scheme.
        scheme: &'static str,
    },
    /// The quantity exceeds what one request may ask of the pool.
    #[error("one request may ask for at most {max} numbers of this pool")]
    SizeLimit {
        /// The pool's limit.
        max: u64,
    },
    /// Fewer numbers are left.
    #[error("{available} numbers are left")]
    Insufficient {
        /// How many.
        available: u128,
    },
    /// Too many reservations of the pool are open at once.
    #[error("too many reservations of this pool are in progress")]
    TooManyOpen,
    /// The sweeper took the entry twice while this call was at work.
    #[error("the reservation was taken back while it was being recorded")]
    Swept,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReserveError {
    /// Whether a pool refused, as opposed to a call that failed or a request that is wrong in itself.
    const fn is_refusal(&self) -> bool {
        match self {
            Self::NoPool
            | Self::OtherKey
            | Self::Inactive
            | Self::ModeNotAllowed { .. }
            | Self::SizeLimit { .. }
            | Self::Insufficient { .. }
            | Self::TooManyOpen => true,
            Self::IdReuse | Self::Swept | Self::Store(_) => false,
        }
    }
}

/// An entry that this request may record.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// The pool as it was right after the cursor moved.
    pub pool: Pool,
    /// The entry: its start and size count, not the caller's.
    pub entry: OpenEntry,
}

/// What step 3 came to.
#[derive(Debug)]
enum Recorded {
    Done(Box<Allocation>),
    SweptOnce,
}

/// An allocation and whether it was there before this call.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The allocation.
    pub allocation: Allocation,
    /// The pool after the reservation; `None` on a replay.
    pub pool: Option<Pool>,
}

impl Outcome {
    /// Whether the allocation was there before this call.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        self.pool.is_none()
    }
}

impl Store {
    /// Reserves a range once per request id: all four steps. `pools` are tried in their order.
    pub async fn reserve(
        &self,
        request: &ReserveRequest,
        pools: &[PoolId],
        now: &str,
    ) -> Result<Outcome, ReserveError> {
        if let Some(allocation) = self.reservation_find(request).await? {
            return Ok(Outcome { allocation, pool: None });
        }
        // Once more from the start if the sweeper took the entry; then the caller repeats.
        for _ in 0..2 {
            let reservation = match self.reservation_open_any(request, pools, now).await {
                Ok(reservation) => reservation,
                Err(refused) if refused.is_refusal() => {
                    // I3: another copy of this request may have taken the last numbers just now.
                    let made = self.reservation_find(request).await?.ok_or(refused)?;
                    return Ok(Outcome { allocation: made, pool: None });
                }
                Err(failed) => return Err(failed),
            };
            let recorded = self.reservation_record(request, &reservation, now).await?;
            self.entry_close(&reservation.pool.id, &reservation.entry).await?;
            match recorded {
                Recorded::Done(allocation) => {
                    let own = allocation.pool_id == reservation.pool.id
                        && allocation.start == reservation.entry.start;
                    return Ok(Outcome {
                        allocation: *allocation,
                        pool: own.then_some(reservation.pool),
                    });
                }
                Recorded::SweptOnce => {}
            }
        }
        Err(ReserveError::Swept)
    }

    /// Step 1: the allocation of this request, if it was made before.
    pub async fn reservation_find(
        &self,
        request: &ReserveRequest,
    ) -> Result<Option<Allocation>, ReserveError> {
        match self.allocation_fetch(&request.allocation_id()).await? {
            Some(stored) if stored.request_hash != request.hash() => Err(ReserveError::IdReuse),
            stored => Ok(stored),
        }
    }

    /// Step 2 for all that is asked for.
    pub async fn reservation_open(
        &self,
        request: &ReserveRequest,
        pool: &PoolId,
        now: &str,
    ) -> Result<Reservation, ReserveError> {
        self.cursor_move(request, (pool, request.quantity), now).await
    }

    /// Step 2: moves the cursor by `quantity` and notes the entry in one conditional write.
    async fn cursor_move(
        &self,
        request: &ReserveRequest,
        (pool, quantity): (&PoolId, u64),
        now: &str,
    ) -> Result<Reservation, ReserveError> {
        let id = request.allocation_id();
        let info = entry_info(request, quantity, now);
        // I1: right-hand sides read the item as it was, so the entry holds the cursor that this very write
        // moves. I3: an entry of the same allocation is never moved again. A pool never changes its scheme.
        let [scheme, other_scheme, third_scheme] = request.terms.mode.schemes();
        let (of, value) = crate::key_item::attribute(request.key);
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Pool(pool.clone()), &Sk::Pool)))
            .update_expression(
                "SET #cursor = #cursor + :n, #remaining = #remaining - :n, \
                 #os.#a = #cursor, #oi.#a = :info",
            )
            .condition_expression(
                "#of = :of AND #scheme IN (:scheme, :other_scheme, :third_scheme) \
                 AND #status = :active AND #remaining >= :n AND #mr >= :n \
                 AND attribute_not_exists(#os.#a) AND size(#os) < :max_open",
            )
            .expression_attribute_names("#cursor", "cursor")
            .expression_attribute_names("#remaining", "remaining")
            .expression_attribute_names("#os", "open_start")
            .expression_attribute_names("#oi", "open_info")
            .expression_attribute_names("#a", id.as_str())
            .expression_attribute_names("#of", of)
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#mr", "max_request")
            .expression_attribute_names("#scheme", "scheme")
            .expression_attribute_values(":n", number(quantity))
            .expression_attribute_values(":info", AttributeValue::M(info))
            .expression_attribute_values(":of", text(value))
            .expression_attribute_values(":scheme", text(scheme))
            .expression_attribute_values(":other_scheme", text(other_scheme))
            .expression_attribute_values(":third_scheme", text(third_scheme))
            .expression_attribute_values(":active", text(PoolStatus::Active.as_str()))
            .expression_attribute_values(":max_open", number(OPEN_LIMIT))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match outcome {
            Ok(output) => {
                let item = output.attributes.unwrap_or_default();
                let state = from_item(&item).map_err(StoreError::from)?;
                let entry = state.entry(&id).cloned();
                let gone = StoreError::Conflict { what: "the reservation's entry" };
                Ok(Reservation { entry: entry.ok_or(gone)?, pool: state.pool })
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let item = failed.item.as_ref().ok_or(ReserveError::NoPool)?;
                    judge(request, quantity, item)
                }
                _ => Err(sdk_error("UpdateItem reserve", &error).into()),
            },
        }
    }

    /// Step 3: puts the allocation and its range, both only if absent.
    async fn reservation_record(
        &self,
        request: &ReserveRequest,
        reservation: &Reservation,
        now: &str,
    ) -> Result<Recorded, ReserveError> {
        let allocation = new_allocation(request, reservation, now);
        let (pool, entry) = (&reservation.pool.id, &reservation.entry);
        let range = Range {
            start: entry.start,
            size: entry.size,
            kind: RangeKind::Allocation(allocation.id.clone()),
        };
        for attempt in 0..RECORD_TRIES {
            // I3: one allocation per id. I2: one record per start. I11. Labelled: allocation, range, audit.
            let writes = vec![
                self.put_new(crate::allocation::to_item(&allocation))?,
                self.put_new(crate::range::to_item(pool, &range, now))?,
                self.audit_first(
                    &Pk::Allocation(allocation.id.clone()),
                    record_of(&allocation, request),
                )?,
            ];
            let call = self.dynamo.transact_write_items().set_transact_items(Some(writes));
            match call.send().await {
                Ok(_) => return Ok(Recorded::Done(Box::new(allocation))),
                Err(error) if is_cancelled(&error) => {}
                Err(error) => return Err(sdk_error("TransactWriteItems record", &error).into()),
            }
            if let Some(recorded) = self.judge_cancelled(request, reservation, now).await? {
                return Ok(recorded);
            }
            pause(attempt, RECORD_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the allocation" }.into())
    }

    /// Step 3 was called off: what stands there instead? `None` means nothing, so it was a conflict.
    async fn judge_cancelled(
        &self,
        request: &ReserveRequest,
        reservation: &Reservation,
        now: &str,
    ) -> Result<Option<Recorded>, ReserveError> {
        let (pool, entry) = (&reservation.pool.id, &reservation.entry);
        if let Some(stored) = self.allocation_fetch(&entry.allocation_id).await? {
            let own = stored.pool_id == *pool && stored.start == entry.start;
            if !own {
                let why = ("duplicate-request", now);
                self.range_void_of(&reservation.pool, entry, why).await?;
            }
            if stored.request_hash != request.hash() {
                self.entry_close(pool, entry).await?;
                return Err(ReserveError::IdReuse);
            }
            return Ok(Some(Recorded::Done(Box::new(stored))));
        }
        let (pk, sk) = (Pk::Pool(pool.clone()), Sk::Range(entry.start));
        let range = self.item_fetch("GetItem range", &pk, &sk).await?;
        Ok(range.map(|_| Recorded::SweptOnce))
    }

    /// Step 4: removes an entry. The condition names its start, so that a late call never removes a newer
    /// entry of the same request; a failed condition means it is gone already.
    pub async fn entry_close(&self, pool: &PoolId, entry: &OpenEntry) -> Result<(), StoreError> {
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Pool(pool.clone()), &Sk::Pool)))
            .update_expression("REMOVE #os.#a, #oi.#a")
            .condition_expression("#os.#a = :start")
            .expression_attribute_names("#os", "open_start")
            .expression_attribute_names("#oi", "open_info")
            .expression_attribute_names("#a", entry.allocation_id.as_str())
            .expression_attribute_values(":start", number(entry.start))
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(sdk_error("UpdateItem close entry", &error)),
        }
    }
}
