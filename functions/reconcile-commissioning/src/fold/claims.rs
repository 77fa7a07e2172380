//! What becomes of what an event named, once it is known what the event states.

use domain::bitmap::Offset;
use domain::fact::Fact;
use domain::finding::Code;
use domain::ledger::Claim;

use super::{Fold, SETS_BYTES_MAX};
use crate::event::{Miss, Named};
use crate::held::{Beside, Stated};
use crate::remarks::{self, term};
use crate::stop::{SCATTERED, Stop};

impl Fold {
    /// What an event states about what it named, which the buffer holds.
    pub(super) fn apply(&mut self, stated: &Stated, beside: &Beside<'_>) -> Result<(), Stop> {
        let fact = stated.statement.fact;
        if stated.is_error {
            for (slot, named) in self.event.take_sets() {
                if let Some(slot) = self.slots.get_mut(slot) {
                    slot.draft.retract(fact, &named.once);
                }
            }
            return Ok(());
        }
        let claim = Claim {
            fact,
            lot: term(beside.lot),
            expiry: term(beside.expiry),
            time_ms: stated.time_ms,
            ordinal: stated.ordinal,
            is_bare: stated.statement.is_bare,
        };
        self.forget_remarks(&claim, beside);
        if self.event.has_sets() {
            for (slot, named) in self.event.take_sets() {
                self.state(slot, &named, &claim, beside)?;
            }
        } else {
            let single = std::mem::take(&mut self.event.single);
            for (slot, offset) in &single {
                self.state_one(*slot, *offset, &claim, beside)?;
            }
            // Given back for its room, which the next event needs again.
            self.event.single = single;
        }
        self.keep_misses(fact);
        Ok(())
    }

    fn state_one(
        &mut self,
        slot: usize,
        offset: Offset,
        claim: &Claim<'_>,
        beside: &Beside<'_>,
    ) -> Result<(), Stop> {
        let marked = self.remarks(slot, claim, beside);
        let is_commissioned = claim.fact == Fact::Commissioned;
        let Some(slot) = self.slots.get_mut(slot) else {
            return Ok(());
        };
        let before = slot.draft.heap_bytes();
        slot.draft.assert_one(claim, offset);
        if marked {
            let one = [offset].into_iter().collect();
            for code in self.remarked.get(&(slot.allocation, is_commissioned)).into_iter().flatten()
            {
                slot.draft.mark(*code, &one);
            }
        }
        let after = slot.draft.heap_bytes();
        self.grow(before, after)
    }

    fn state(
        &mut self,
        slot: usize,
        named: &Named,
        claim: &Claim<'_>,
        beside: &Beside<'_>,
    ) -> Result<(), Stop> {
        let marked = self.remarks(slot, claim, beside);
        let is_commissioned = claim.fact == Fact::Commissioned;
        let Some(slot) = self.slots.get_mut(slot) else {
            return Ok(());
        };
        let before = slot.draft.heap_bytes();
        slot.draft.assert_all(claim, &named.once);
        slot.draft.mark(Code::DuplicateInFile, &named.twice);
        if marked {
            for code in self.remarked.get(&(slot.allocation, is_commissioned)).into_iter().flatten()
            {
                slot.draft.mark(*code, &named.once);
            }
        }
        let after = slot.draft.heap_bytes();
        self.grow(before, after)
    }

    fn grow(&mut self, before: usize, after: usize) -> Result<(), Stop> {
        self.heap_bytes = self.heap_bytes.saturating_add(after).saturating_sub(before);
        if self.heap_bytes > SETS_BYTES_MAX { Err(SCATTERED) } else { Ok(()) }
    }

    /// Remarks hold for events that say the same.
    fn forget_remarks(&mut self, claim: &Claim<'_>, beside: &Beside<'_>) {
        let is_ahead = remarks::is_ahead(claim.time_ms, self.received_ms);
        if is_ahead != self.was_ahead || !self.said.is(beside) {
            self.was_ahead = is_ahead;
            self.said.keep(beside);
            self.remarked.clear();
        }
    }

    /// Whether there is something to remark about serials of this slot's allocation in this event;
    /// worked out once for events that say the same.
    fn remarks(&mut self, slot: usize, claim: &Claim<'_>, beside: &Beside<'_>) -> bool {
        let is_commissioned = claim.fact == Fact::Commissioned;
        if !is_commissioned && beside.allocation.is_none() {
            return false;
        }
        let Some(number) = self.slots.get(slot).map(|slot| slot.allocation) else {
            return false;
        };
        if let Some(codes) = self.remarked.get(&(number, is_commissioned)) {
            return !codes.is_empty();
        }
        let allocation = self.catalog.allocation(number);
        let codes = allocation.map(|it| remarks::of(it, claim, beside, self.received_ms));
        let codes = codes.unwrap_or_default();
        let any = !codes.is_empty();
        self.remarked.insert((number, is_commissioned), codes);
        any
    }

    /// Commissioned serials that are not posted become findings; of the other facts only what another
    /// system's numbers are told.
    fn keep_misses(&mut self, fact: Fact) {
        let told = |miss: &Miss| {
            fact == Fact::Commissioned || miss.code == Code::NotProvisionedForLocation
        };
        for (number, runs) in self.event.runs.drain() {
            if let Some((miss, kept, _)) = self.misses.get_mut(number)
                && told(miss)
            {
                kept.merge(&runs);
            }
        }
        for (number, texts) in self.event.texts.drain() {
            if let Some((miss, _, kept)) = self.misses.get_mut(number)
                && told(miss)
            {
                kept.merge(&texts);
            }
        }
    }
}
