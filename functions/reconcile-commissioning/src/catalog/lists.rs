//! Imported serials: which list of a product has a text, and where in it.
//!
//! A text that no list of the product looks like is told without a read. For the others the list's index is
//! asked once, and the segment that was found is kept: files name neighbours.

use domain::list::ListShape;
use domain::pool::Scheme;
use store::list::ListReader;
use store::pool::Boundary;

use super::{Catalog, Found, LookupError, PoolEntry};

/// Objects of lists that are read for one document (I10): a hundred strangers in a list of as many imports, each
/// asked, or some thousand segments.
pub const LIST_READS_MAX: u64 = 10_000;

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
        if list.reader.is_none() {
            let Some(objects) = &self.objects else { return Ok(None) };
            let reader = self.store.list_reader(objects, &state.pool.id);
            list.reader = Some(self.runtime.block_on(reader)?);
        }
        let Some(reader) = &mut list.reader else { return Ok(None) };
        let before = reader.reads();
        let index = self.runtime.block_on(reader.index_of(serial))?;
        self.list_reads = self.list_reads.saturating_add(reader.reads().saturating_sub(before));
        if self.list_reads > LIST_READS_MAX {
            return Err(LookupError::TooScattered);
        }
        Ok(index)
    }

    /// Whether a way is that of a list, whose indexes tell nothing to who reads a finding.
    #[must_use]
    pub fn is_list(&self, way: usize) -> bool {
        self.ways.get(way).is_some_and(|way| matches!(way.spelling.scheme, Scheme::List { .. }))
    }
}
