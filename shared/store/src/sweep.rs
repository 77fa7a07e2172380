//! The sweeper's part of the protocol: entries that nobody finished become void ranges.

use domain::ids::PoolId;

use crate::Store;
use crate::error::StoreError;
use crate::pool::PoolState;

/// What one sweep of one pool did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Entries whose range was declared void.
    pub voided: u32,
    /// Entries that were recorded after all and only had to be removed.
    pub closed: u32,
}

impl Store {
    /// Deals with the entries of a pool that were opened before `before` (RFC 3339 UTC). It only voids, it
    /// never completes: safety comes from the conditions, the age only serves progress (I2). An audit record
    /// that a crash left waiting in the pool's item is put into its chain (I11).
    pub async fn pool_sweep(
        &self,
        id: &PoolId,
        before: &str,
        now: &str,
    ) -> Result<Swept, StoreError> {
        match self.pool_fetch(id).await? {
            Some(state) => self.pool_sweep_of(&state, (before, now)).await,
            None => Ok(Swept::default()),
        }
    }

    /// The same for a pool that was just read.
    pub async fn pool_sweep_of(
        &self,
        state: &PoolState,
        (before, now): (&str, &str),
    ) -> Result<Swept, StoreError> {
        let (mut swept, id) = (Swept::default(), &state.pool.id);
        if let Some(record) = &state.record {
            self.pool_record_keep(id, record, now).await?;
        }
        for entry in state.open.iter().filter(|entry| entry.opened_at.as_str() < before) {
            if self.range_void_of(&state.pool, entry, ("unfinished", now)).await? {
                swept.voided = swept.voided.saturating_add(1);
            } else {
                swept.closed = swept.closed.saturating_add(1);
            }
            self.entry_close(id, entry).await?;
        }
        Ok(swept)
    }
}
