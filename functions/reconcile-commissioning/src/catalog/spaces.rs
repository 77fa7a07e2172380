//! Random serials: which space has a text, and which allocation an index.

use std::sync::Arc;

use domain::space::SpaceCipher;

use super::{Catalog, Found, LookupError, PoolEntry, What};

/// Indexes of a space that are all of one allocation of the sender.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    first: u128,
    /// How many follow the first, and how many of the allocation lie before it.
    more: u64,
    before: u64,
    /// The number of the allocation in the catalog.
    pub allocation: usize,
}

impl Reach {
    /// An index counted from the allocation's start, if it is one of them.
    #[inline]
    #[must_use]
    pub fn place(&self, index: u128) -> Option<u64> {
        let distance = u64::try_from(index.wrapping_sub(self.first)).ok()?;
        (distance <= self.more).then(|| self.before.saturating_add(distance))
    }
}

impl Catalog {
    /// Deciphers the texts of a way that is a space's.
    #[must_use]
    pub fn cipher(&self, way: usize) -> Option<&Arc<SpaceCipher>> {
        self.ways.get(way)?.numbering.cipher()
    }

    /// Looks an index of a GTIN's space up.
    pub fn find_index(
        &mut self,
        gtin: usize,
        way: usize,
        index: u128,
    ) -> Result<Found, LookupError> {
        let holds = |entry: &PoolEntry| {
            let draft = &entry.state.pool.draft;
            entry.way == way && (draft.from..=draft.to).contains(&index)
        };
        let pools = self.pools.get(gtin).map_or(&[][..], Vec::as_slice);
        match pools.iter().position(holds) {
            Some(number) => self.find_in((gtin, number), index, way),
            None => Ok(Found::Unreserved { index, way, provisional: false }),
        }
    }

    /// The indexes around one that was found to be in an allocation of the sender. Pools of a space share
    /// none, so it does not matter which of them would be asked first.
    #[must_use]
    pub fn reach(&self, gtin: usize, way: usize, index: u128) -> Option<Reach> {
        let pools = self.pools.get(gtin)?;
        let holds = |entry: &&PoolEntry| {
            let draft = &entry.state.pool.draft;
            entry.way == way && (draft.from..=draft.to).contains(&index)
        };
        let entry = pools.iter().find(holds)?;
        let span = entry.spans.get(entry.hot)?;
        let What::Mine(allocation) = span.what else { return None };
        let draft = &entry.state.pool.draft;
        let first = span.first.max(draft.from);
        let more = span.last.min(draft.to).checked_sub(first)?;
        let reach = Reach {
            first,
            more: u64::try_from(more).ok()?,
            before: u64::try_from(first.checked_sub(span.start)?).ok()?,
            allocation,
        };
        reach.place(index).map(|_| reach)
    }
}
