//! Imported serials: which list of a product has a text, and where in it.
//!
//! A text that no list of the product looks like is told without a read. For the others the list's index is
//! asked once, and the segment that was found is kept: files name neighbours.

use std::collections::VecDeque;

use domain::list::ListShape;
use domain::pool::Scheme;
use store::list::ListReader;
use store::pool::Boundary;

use super::{Catalog, Found, LookupError, PoolEntry};

/// Objects of lists that are read for one document (I10): a hundred strangers in a list of as many imports, each
/// asked, or some thousand segments.
pub const LIST_READS_MAX: u64 = 10_000;

/// Bytes of lists that are kept for one document: what one list may keep at most, with segments of the longest
/// texts (I10).
const LIST_BYTES_KEPT: usize = 16_000_000;

/// A pool by the number of its GTIN, and its own there.
type Place = (usize, usize);

/// The lists that are kept, the last used one first.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// Objects that were read, of all lists.
    reads: u64,
    hot: VecDeque<Place>,
}

impl Opened {
    /// Notes that a list was used, and tells which ones are to be forgotten: a document may name any number of
    /// lists.
    fn used(&mut self, own: Place, bytes: impl Fn(Place) -> usize) -> VecDeque<Place> {
        self.hot.retain(|other| *other != own);
        self.hot.push_front(own);
        let mut total = 0_usize;
        let over = self.hot.iter().position(|place| {
            total = total.saturating_add(bytes(*place));
            total > LIST_BYTES_KEPT
        });
        let kept = over.unwrap_or(self.hot.len()).max(1);
        self.hot.split_off(kept)
    }
}

/// A list, as far as the document needed it.
#[derive(Debug)]
pub(super) struct Listed {
    shape: ListShape,
    reader: Option<ListReader>,
}

impl Listed {
    /// What a pool claims, where it has a list.
    pub(super) fn of(boundary: &Boundary) -> Option<Box<Self>> {
        let shape = boundary.list_shape()?.clone();
        Some(Box::new(Self { shape, reader: None }))
    }
}

impl Catalog {
    /// Looks a text up in the lists of a product.
    pub(super) fn find_listed(
        &mut self,
        gtin: usize,
        serial: &str,
    ) -> Result<Option<Found>, LookupError> {
        let count = self.pools.get(gtin).map_or(0, Vec::len);
        for number in 0..count {
            let Some(index) = self.list_index((gtin, number), serial)? else { continue };
            let pools = self.pools.get(gtin).map_or(&[][..], Vec::as_slice);
            let Some(way) = pools.get(number).map(|entry| entry.way) else { continue };
            return self.find_in((gtin, number), index, way).map(Some);
        }
        Ok(None)
    }

    fn list_index(
        &mut self,
        (gtin, number): (usize, usize),
        serial: &str,
    ) -> Result<Option<u128>, LookupError> {
        let entry = self.pools.get_mut(gtin).and_then(|pools| pools.get_mut(number));
        let Some(PoolEntry { state, list: Some(list), .. }) = entry else { return Ok(None) };
        if !list.shape.admits(serial) {
            return Ok(None);
        }
        let mut opened = 0;
        if list.reader.is_none() {
            let Some(objects) = &self.objects else { return Ok(None) };
            let reader = self.store.list_reader(objects, &state.pool.id);
            list.reader = Some(self.runtime.block_on(reader)?);
            // To read what its imports are is a read as well, and done again for a list that was forgotten.
            opened = 1;
        }
        let Some(reader) = &mut list.reader else { return Ok(None) };
        let before = reader.reads();
        let index = self.runtime.block_on(reader.index_of(serial))?;
        let reads = reader.reads().saturating_sub(before).saturating_add(opened);
        self.opened.reads = self.opened.reads.saturating_add(reads);
        if self.opened.reads > LIST_READS_MAX {
            return Err(LookupError::TooScattered);
        }
        if reads > 0 || self.opened.hot.front() != Some(&(gtin, number)) {
            self.forget_cold((gtin, number));
        }
        Ok(index)
    }

    /// Forgets the lists that were used longest ago, where all together are too large.
    fn forget_cold(&mut self, used: Place) {
        let pools = &self.pools;
        let bytes = |(gtin, number): Place| {
            let entry = pools.get(gtin).and_then(|pools| pools.get(number));
            let reader = entry.and_then(|entry| entry.list.as_ref()?.reader.as_ref());
            reader.map_or(0, ListReader::bytes_kept)
        };
        for (gtin, number) in self.opened.used(used, bytes) {
            let entry = self.pools.get_mut(gtin).and_then(|pools| pools.get_mut(number));
            if let Some(list) = entry.and_then(|entry| entry.list.as_mut()) {
                list.reader = None;
            }
        }
    }

    /// Whether a way is that of a list, whose indexes tell nothing to who reads a finding.
    #[must_use]
    pub fn is_list(&self, way: usize) -> bool {
        self.ways.get(way).is_some_and(|way| matches!(way.spelling.scheme, Scheme::List { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::{LIST_BYTES_KEPT, Opened};

    #[test]
    fn lists_together_keep_no_more_than_one_may() {
        let mut opened = Opened::default();
        let quarter = |_| LIST_BYTES_KEPT / 4;
        for number in 0..4 {
            assert!(opened.used((0, number), quarter).is_empty());
        }
        assert!(opened.used((0, 0), quarter).is_empty());
        assert_eq!(opened.used((1, 0), quarter), [(0, 1)]);
        for number in 0..80 {
            opened.used((2, number), quarter);
        }
        assert_eq!(opened.hot, [(2, 79), (2, 78), (2, 77), (2, 76)]);
        // The one in use stays, however large.
        assert_eq!(opened.used((3, 0), |_| LIST_BYTES_KEPT + 1).len(), 4);
        assert_eq!(opened.hot, [(3, 0)]);
    }
}
