//! Reservations are told as EPCIS events, for pools that ask for it: one object for each allocation.

use store::StoreError;
use store::pool::PoolState;

use crate::{Sweep, Sweeper};

/// Reservations of a pool that are told in one run; the rest follows in the next.
const TOLD_MAX: i32 = 100;

/// Tells what is not told yet of a pool that was just read.
pub(crate) async fn tell(
    sweeper: &Sweeper,
    state: &PoolState,
    done: &mut Sweep,
) -> Result<(), StoreError> {
    let (store, pool) = (&sweeper.store, &state.pool.id);
    let Some(untold) = store.reservations_untold(state, TOLD_MAX).await? else { return Ok(()) };
    for id in &untold.allocations {
        let missing = StoreError::NotFound { what: "the allocation of a range" };
        let allocation = store.allocation_fetch(id).await?.ok_or(missing)?;
        let document = store::reservation_event::document(&allocation);
        if sweeper.objects.reservation_event_put(id, document).await? {
            done.reservations = done.reservations.saturating_add(1);
        }
    }
    // Objects first: a run that is cut short puts them again, which changes nothing.
    store.reservations_told(pool, &untold).await.map(|_| ())
}
