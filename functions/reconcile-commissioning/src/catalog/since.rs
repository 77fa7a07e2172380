//! Numbers that an allocation gave back: whose they are since. Nothing is read for the other allocations.

use domain::allocation::Reuse;
use domain::ids::PoolId;
use store::range::{Range, RangeKind};

use super::{Catalog, LookupError, RANGES_MAX, Span, What};

/// Parts of allocations that gave numbers back that one document may touch.
const PARTS_MAX: usize = 10_000;

impl Catalog {
    /// The same for documents that are judged at a time (RFC 3339): what they name of void ranges is offered to
    /// nobody any more.
    #[must_use]
    pub fn judging(self, now: &str) -> Self {
        Self { now: Some(now.to_owned()), ..self }
    }

    /// Whether numbers of a void range belong to others since. One of its numbers is on a pack: what is left of it
    /// is withdrawn before anything is remembered of it, so that what is remembered stays true.
    pub(super) fn named_void(
        &self,
        pool: &PoolId,
        range: &Range,
        index: u128,
    ) -> Result<bool, LookupError> {
        let (RangeKind::Void { .. }, Some(now)) = (&range.kind, &self.now) else {
            return Ok(false);
        };
        let word = format!("a document of {}", self.sender);
        let named = self.store.void_named(pool, (range.start, index), (&word, now));
        Ok(self.runtime.block_on(named)?)
    }

    pub(super) fn span_of(&mut self, range: Range) -> Result<Span, LookupError> {
        let last = range.start.saturating_add(u128::from(range.size)).saturating_sub(1);
        let what = self.what(range.kind)?;
        Ok(Span { first: range.start, last, start: range.start, what, is_part: false })
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
        let before = self.runtime.block_on(self.store.reoffer_before(pool, index))?;
        let mut first = span.first;
        if let Some(range) = before {
            if range.contains(index) {
                return self.span_of(range);
            }
            first = first.max(range.start.saturating_add(range.size.into()));
        }
        // The whole stretch around the index: documents name their numbers in any order.
        let ends = (index, span.last);
        let next = self.runtime.block_on(self.store.reoffers_between(pool, ends, 1))?;
        let last = next.first().map_or(span.last, |next| next.start.saturating_sub(1));
        Ok(Span { first, last, is_part: true, ..*span })
    }

    /// Counts what is remembered. The parts of an allocation that others cut numbers out of have a limit of their
    /// own: they are one range, however many they are.
    pub(super) fn count(&mut self, span: &Span) -> Result<(), LookupError> {
        let (count, most) =
            if span.is_part { (&mut self.parts, PARTS_MAX) } else { (&mut self.spans, RANGES_MAX) };
        *count = count.saturating_add(1);
        if *count > most { Err(LookupError::TooScattered) } else { Ok(()) }
    }
}
