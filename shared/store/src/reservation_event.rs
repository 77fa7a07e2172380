//! Reservations that are told as events: how far a pool has been told, and the one object of each allocation.
//!
//! The ranges of a pool are its reservations in order, and none below the least open entry is still to come (I2).
//! So one number says what was told, the path of a reservation knows nothing of it, and a run that is cut
//! short puts the same objects again, which stay as they are.
//!
//! Numbers that are offered again lie below that number. Their ranges wait in a queue of the index until they
//! were told.

mod document;
mod reoffered;

use aws_sdk_s3::primitives::ByteStream;
use domain::ids::{AllocationId, PoolId};

use crate::item::{Item, Reader, new_item, number, text};
use crate::keys::{Pk, Sk};
use crate::meter::Meter;
use crate::pool::PoolState;
use crate::range::RangeKind;
use crate::{Objects, Store, StoreError};

pub use self::document::{NAMED_MAX, document};
pub use self::reoffered::Reoffered;

const ENTITY: &str = "pool-told";

/// The object about an allocation, in the documents bucket.
#[must_use]
pub fn event_key(id: &AllocationId) -> String {
    format!("reservations/{id}.jsonld")
}

/// The numbers of a pool whose reservations can be told, as they were when the pool was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pool: PoolId,
    from: u128,
    /// The least number below which a range may still be missing.
    end: u128,
}

impl Settled {
    /// Those of a pool that was just read.
    #[must_use]
    pub fn of(state: &PoolState) -> Self {
        let pool = &state.pool;
        let open = state.open.iter().map(|entry| entry.start).min();
        let end = open.unwrap_or(pool.cursor).min(pool.cursor);
        Self { pool: pool.id.clone(), from: pool.draft.from, end }
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &PoolId {
        &self.pool
    }
}

/// Reservations of a pool that are still to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// The allocations, in the order of their numbers; void ranges are left out.
    pub allocations: Vec<AllocationId>,
    /// The number below which all is told then.
    upto: u128,
    version: u64,
}

impl Store {
    /// At most `limit` reservations of a pool that are still to be told; `None` when all are.
    pub async fn reservations_untold(
        &self,
        Settled { pool, from, end }: &Settled,
        limit: i32,
    ) -> Result<Option<Untold>, StoreError> {
        let (begin, version) = match self.told_item(pool).await? {
            Some(item) => {
                let reader = Reader::new(&item, ENTITY)?;
                (reader.parsed("upto")?, reader.parsed("version")?)
            }
            None => (*from, 0_u64),
        };
        if begin >= *end {
            return Ok(None);
        }
        // Every range begins where the one before ends, so the first untold one begins at `begin`.
        let page = self.range_list(pool, limit, begin.checked_sub(1)).await?;
        let mut untold = Untold { allocations: Vec::new(), upto: begin, version };
        for range in page.items.into_iter().filter(|range| range.start < *end) {
            untold.upto = range.start.saturating_add(u128::from(range.size));
            if let RangeKind::Allocation(id) = range.kind {
                untold.allocations.push(id);
            }
        }
        Ok((untold.upto > begin).then_some(untold))
    }

    async fn told_item(&self, id: &PoolId) -> Result<Option<Item>, StoreError> {
        self.item_fetch("GetItem pool told", &Pk::Pool(id.clone()), &Sk::Told).await
    }

    /// Keeps that these were told; `false` when another run was quicker.
    pub async fn reservations_told(
        &self,
        id: &PoolId,
        untold: &Untold,
    ) -> Result<bool, StoreError> {
        let mut item = new_item(&Pk::Pool(id.clone()), &Sk::Told, ENTITY);
        item.insert("pool_id".to_owned(), text(id.as_str()));
        item.insert("upto".to_owned(), number(untold.upto));
        item.insert("version".to_owned(), number(untold.version.saturating_add(1)));
        // I6: what was told only moves up, from what was read.
        self.put_version("PutItem pool told", item, untold.version, &Meter::default()).await
    }
}

impl Objects {
    /// Puts the event of an allocation; one that is there stays.
    pub async fn reservation_event_put(
        &self,
        id: &AllocationId,
        document: String,
    ) -> Result<bool, StoreError> {
        let body = ByteStream::from(document.into_bytes());
        let bucket = &*self.buckets.documents;
        self.put_once(bucket, &event_key(id), "application/ld+json", body).await
    }
}
