//! Pools, one by one: reservations that nobody finished become void, an audit record that waits is kept, and
//! whoever wants to know is told how the pool fares. A pool that is low is extended where its policy says so.
//! Whose reservations are to be told is only noted: that comes last in a run.

use domain::ids::PoolId;
use domain::pool::{Pool, PoolStatus};
use domain::replenish::Level;
use store::StoreError;
use store::audit_record::HUB;
use store::pool::{PoolChange, PoolError};
use store::pool_watch::Look;
use store::reservation_event::Settled;
use store::sweep::Swept;
use store::time::{epoch_ms, rfc3339_ms};
use time::OffsetDateTime;

use crate::{Sweep, Sweeper, UNFINISHED_AGE};

/// Pools read per page of the registry.
const PAGE: i32 = 100;
/// A pool without thresholds is looked at once in so many minutes: it can only be exhausted, or extended then.
const UNWATCHED_MINUTES: u8 = 10;

/// Sweeps all pools, and gives those whose reservations are to be told; one that fails does not stop the rest.
pub(crate) async fn sweep(sweeper: &Sweeper, done: &mut Sweep) -> Result<Vec<Settled>, StoreError> {
    let now = sweeper.clock.now();
    let mut settled = Vec::new();
    let mut after: Option<PoolId> = None;
    loop {
        let page = sweeper.store.pool_ids(PAGE, after.as_ref()).await?;
        for pool in &page.items {
            done.pools = done.pools.saturating_add(1);
            match one(sweeper, pool, (now, done)).await {
                Ok((Swept { voided, closed }, told)) => {
                    settled.extend(told);
                    done.voided = done.voided.saturating_add(voided);
                    done.closed = done.closed.saturating_add(closed);
                }
                Err(error) => {
                    tracing::warn!(pool.id = %pool, %error, "pool not swept");
                    done.failed = done.failed.saturating_add(1);
                }
            }
        }
        after = page.items.last().cloned();
        if page.next.is_none() || after.is_none() {
            return Ok(settled);
        }
    }
}

async fn one(
    sweeper: &Sweeper,
    id: &PoolId,
    (now, done): (OffsetDateTime, &mut Sweep),
) -> Result<(Swept, Option<Settled>), StoreError> {
    let state = sweeper.store.pool_fetch(id).await?;
    let Some(state) = state else { return Ok((Swept::default(), None)) };
    let before = rfc3339_ms(now.saturating_sub(UNFINISHED_AGE));
    let swept = sweeper.store.pool_sweep_of(&state, (&before, &rfc3339_ms(now))).await?;
    let pool = &state.pool;
    let is_watched = pool.is_watched() || pool.remaining == 0;
    if is_watched || now.minute().is_multiple_of(UNWATCHED_MINUTES) {
        look(sweeper, pool, (now, &mut *done)).await?;
    }
    Ok((swept, pool.draft.policy.reservation_events.then(|| Settled::of(&state))))
}

/// Looks at a pool, and once more after it was extended.
async fn look(
    sweeper: &Sweeper,
    pool: &Pool,
    (now, done): (OffsetDateTime, &mut Sweep),
) -> Result<(), StoreError> {
    let at = (rfc3339_ms(now), epoch_ms(now));
    let Some(seen) = look_once(sweeper, pool, &at).await? else { return Ok(()) };
    let is_due = seen.level != Level::Ok && pool.status == PoolStatus::Active;
    if !is_due || pool.draft.policy.extended(pool.draft.to).is_none() {
        return Ok(());
    }
    let extend = PoolChange { extend: true, ..PoolChange::default() };
    match sweeper.store.pool_change(&pool.id, &extend, (HUB, &at.0)).await {
        Ok(extended) => {
            done.extended = done.extended.saturating_add(1);
            look_once(sweeper, &extended, &at).await.map(|_| ())
        }
        Err(PoolError::Store(error)) => Err(error),
        // Its ceiling is claimed, so that only a rule that came later stands against it.
        Err(refused) => {
            let error = refused.for_log();
            tracing::warn!(pool.id = %pool.id, error, "pool not extended");
            done.failed = done.failed.saturating_add(1);
            Ok(())
        }
    }
}

async fn look_once(
    sweeper: &Sweeper,
    pool: &Pool,
    (now, now_ms): &(String, u64),
) -> Result<Option<Look>, StoreError> {
    let seen = sweeper.store.pool_look(pool, (now, *now_ms)).await?;
    for told in seen.iter().flat_map(|seen| &seen.told) {
        tracing::info!(pool.id = %pool.id, event = told.as_str(), "pool event");
    }
    Ok(seen)
}
