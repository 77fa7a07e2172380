//! Numbers that an allocation gave back: whose they are since. Nothing is read for the other allocations.

use domain::allocation::Reuse;
use domain::ids::PoolId;
use store::range::Range;

use super::{Catalog, LookupError, Span, What};

impl Catalog {
    pub(super) fn span_of(&mut self, range: Range) -> Result<Span, LookupError> {
        let last = range.start.saturating_add(u128::from(range.size)).saturating_sub(1);
        let what = self.what(range.kind)?;
        Ok(Span { first: range.start, last, start: range.start, what })
    }

    /// Whether some numbers of the span may belong to another allocation since.
    pub(super) fn gave_back(&self, span: &Span) -> bool {
        let (What::Mine(number) | What::Foreign(number) | What::Void(Some(number))) = span.what
        else {
            return false;
        };
        self.allocation(number).is_some_and(|allocation| allocation.reuse == Reuse::Gave)
    }

    /// The part of an allocation's span around an index that was not offered again, or what the index belongs
    /// to since.
    pub(super) fn owned_since(
        &mut self,
        pool: &PoolId,
        span: &Span,
        index: u128,
    ) -> Result<Span, LookupError> {
        if let Some(range) = self.runtime.block_on(self.store.reoffer_of(pool, index))? {
            return self.span_of(range);
        }
        let ends = (index, span.last);
        let next = self.runtime.block_on(self.store.reoffers_between(pool, ends, 1))?;
        let last = next.first().map_or(span.last, |next| next.start.saturating_sub(1));
        // What lies before the index is looked up when a document names it.
        Ok(Span { first: index, last, ..*span })
    }
}
