//! Numbers that were held for a confirmation which never came are given up.

use domain::allocation::TransitionError;
use store::StoreError;
use store::allocation::ChangeError;
use store::time::rfc3339_ms;

use crate::{Sweep, Sweeper};

/// Holds ended in one run; the rest follows in the next.
const ENDED_MAX: i32 = 500;

/// Gives up what nobody has confirmed in time.
pub(crate) async fn end(sweeper: &Sweeper, done: &mut Sweep) -> Result<(), StoreError> {
    let now = rfc3339_ms(sweeper.clock.now());
    for id in sweeper.store.holds_ended(&now, ENDED_MAX).await? {
        match sweeper.store.allocation_expire(&id, &now).await {
            Ok(allocation) => {
                let (pool, size) = (&allocation.pool_id, allocation.size);
                tracing::info!(allocation.id = %id, pool.id = %pool, size, "hold ended");
                done.expired = done.expired.saturating_add(1);
            }
            // The index lagged: it was confirmed or used in time, or voided.
            Err(ChangeError::Transition(TransitionError { .. })) => {}
            Err(ChangeError::Store(error)) => {
                tracing::warn!(allocation.id = %id, %error, "hold not ended");
                done.failed = done.failed.saturating_add(1);
            }
        }
    }
    Ok(())
}
