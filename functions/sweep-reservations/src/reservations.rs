//! Reservations are told as EPCIS events, for pools that ask for it: one object for each allocation.
//!
//! They come last in a run and have one budget, so that a backlog of many pools keeps the sweep from nothing
//! else; the pools take turns.

use domain::ids::{AllocationId, PoolId};
use store::StoreError;
use store::reservation_event::{Reoffered, Settled, document};

use crate::{Sweep, Sweeper};

/// Reservations that are told in one run, of all pools together: about 20 seconds. The rest follows in the next.
pub(crate) const TOLD_MAX: u32 = 500;
/// Reservations of one pool that are told in one run.
pub(crate) const POOL_TOLD_MAX: u32 = 100;
/// Failures after which the rest is left to the next run: what stands in the way of one stands in that of all.
const FAILURES_MAX: u32 = 3;

/// What a run may still do.
struct Budget {
    left: u32,
    failures: u32,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.left == 0 || self.failures == FAILURES_MAX
    }

    fn failed(&mut self, (pool, error): (&PoolId, &StoreError), done: &mut Sweep) {
        tracing::warn!(pool.id = %pool, %error, "reservations not told");
        done.failed = done.failed.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
    }
}

/// Tells what is not told yet of numbers that were offered again, and of pools that were read in this run.
pub(crate) async fn tell(
    sweeper: &Sweeper,
    settled: &[Settled],
    done: &mut Sweep,
) -> Result<(), StoreError> {
    let mut budget = Budget { left: TOLD_MAX, failures: 0 };
    reoffered(sweeper, &mut budget, done).await?;
    // Whoever came last a minute ago comes first in some minute.
    let minute = sweeper.clock.now().unix_timestamp().div_euclid(60);
    let first = usize::try_from(minute).unwrap_or(0).checked_rem(settled.len()).unwrap_or(0);
    for one in settled.iter().cycle().skip(first).take(settled.len()) {
        if budget.is_spent() {
            break;
        }
        match of_pool(sweeper, one, (budget.left.min(POOL_TOLD_MAX), &mut *done)).await {
            Ok(told) => budget.left = budget.left.saturating_sub(told),
            Err(error) => budget.failed((one.pool(), &error), done),
        }
    }
    Ok(())
}

/// How many were looked at.
async fn of_pool(
    sweeper: &Sweeper,
    settled: &Settled,
    (most, done): (u32, &mut Sweep),
) -> Result<u32, StoreError> {
    let limit = i32::try_from(most).unwrap_or(i32::MAX);
    let untold = sweeper.store.reservations_untold(settled, limit).await?;
    let Some(untold) = untold else { return Ok(0) };
    for id in &untold.allocations {
        put(sweeper, id, done).await?;
    }
    // Objects first: a run that is cut short puts them again, which changes nothing.
    sweeper.store.reservations_told(settled.pool(), &untold).await?;
    Ok(u32::try_from(untold.allocations.len()).unwrap_or(u32::MAX))
}

async fn reoffered(
    sweeper: &Sweeper,
    budget: &mut Budget,
    done: &mut Sweep,
) -> Result<(), StoreError> {
    let limit = i32::try_from(POOL_TOLD_MAX).unwrap_or(i32::MAX);
    for one in sweeper.store.reoffers_untold(limit).await? {
        if budget.is_spent() {
            break;
        }
        match one_reoffered(sweeper, &one, done).await {
            Ok(()) => budget.left = budget.left.saturating_sub(1),
            Err(error) => budget.failed((&one.pool, &error), done),
        }
    }
    Ok(())
}

async fn one_reoffered(
    sweeper: &Sweeper,
    one: &Reoffered,
    done: &mut Sweep,
) -> Result<(), StoreError> {
    // What was given up before it was told is not told.
    if let Some(id) = &one.allocation {
        put(sweeper, id, done).await?;
    }
    sweeper.store.reoffer_told(one).await
}

async fn put(sweeper: &Sweeper, id: &AllocationId, done: &mut Sweep) -> Result<(), StoreError> {
    let missing = StoreError::NotFound { what: "the allocation of a range" };
    let allocation = sweeper.store.allocation_fetch(id).await?.ok_or(missing)?;
    if sweeper.objects.reservation_event_put(id, document(&allocation)).await? {
        done.reservations = done.reservations.saturating_add(1);
    }
    Ok(())
}
