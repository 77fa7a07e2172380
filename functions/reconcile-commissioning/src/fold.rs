//! Folds the events of a document into what is to be posted, while it streams by.
//!
//! - I10: memory follows the blocks a document touches (at most [`BLOCKS_MAX`], and
//!   [`SETS_BYTES_MAX`] bytes of sets) and the capped findings, never its size.
//! - Nothing is written here: a document that turns out to be unreadable leaves no trace in the
//!   ledger.
//! - Readable events that reconciliation refuses: an event that states a fact but has no event time,
//!   or one that cannot be read. Without it a fact has no place among the others.

mod serials;

mod rows;

use domain::bitmap::{Offset, place};
use domain::epc::{Epc, EpcError, parse_epc};
use domain::fact::{Fact, Happening, Statement, Words, fact_of};
use domain::finding::{Code, IndexRuns, Samples};
use domain::ledger::{Claim, Draft};
use epcis::{EpcList, EventHead, EventKind, Sink};
use rustc_hash::FxHashMap;

use crate::catalog::Catalog;
use crate::event::{EventBuffer, Miss, Named};
use crate::pending::{Pending, Space};
use crate::remarks::{self, Said, event_time_ms, term};
use crate::stem::Stem;
use crate::stop::{SCATTERED, Stop};
use crate::totals::Totals;

pub use self::rows::Rows;

/// Blocks that one document may touch.
pub const BLOCKS_MAX: usize = 100_000;
/// Bytes of sets that one document may need.
pub const SETS_BYTES_MAX: usize = 128 << 20;

/// One block and what the document says about it.
#[derive(Debug)]
pub struct Slot {
    /// The number of the allocation in the catalog.
    pub allocation: usize,
    /// The block in it.
    pub block: u32,
    /// What is to be posted.
    pub draft: Draft,
}

/// The fold of one document.
#[derive(Debug)]
pub struct Fold {
    /// What was looked up.
    pub catalog: Catalog,
    /// What is to be posted.
    pub slots: Vec<Slot>,
    /// Serials that are not posted, by what is found about them.
    pub misses: Vec<(Miss, IndexRuns, Samples)>,
    /// Counts.
    pub totals: Totals,
    received_ms: i64,
    /// What is remarked about the serials of each allocation in an event that says what `said` holds.
    remarked: FxHashMap<usize, Vec<Code>>,
    said: Said,
    slot_of: FxHashMap<(usize, u32), usize>,
    hot_slot: Option<(usize, u32, usize)>,
    miss_of: FxHashMap<Miss, usize>,
    event: EventBuffer,
    pending: Pending,
    stem: Stem,
    heap_bytes: usize,
}

impl Fold {
    /// A fold of a document that was received at `received_ms` (milliseconds since 1970).
    #[must_use]
    pub fn new(catalog: Catalog, received_ms: i64) -> Self {
        Self {
            catalog,
            slots: Vec::new(),
            misses: Vec::new(),
            totals: Totals::default(),
            received_ms,
            remarked: FxHashMap::default(),
            said: Said::default(),
            slot_of: FxHashMap::default(),
            hot_slot: None,
            miss_of: FxHashMap::default(),
            event: EventBuffer::default(),
            pending: Pending::default(),
            stem: Stem::default(),
            heap_bytes: 0,
        }
    }

    /// Deciphers so many texts of a space at once, 1 to 64. What comes out is the same.
    #[must_use]
    pub fn deciphering(mut self, texts: usize) -> Self {
        self.pending.limit(texts);
        self
    }

    fn instance(&mut self, text: &str) -> Result<(), Stop> {
        if let Some((gtin, number, serial)) = self.stem.strip(text) {
            if let Some((allocation, index)) = self.catalog.near(number, serial) {
                return self.mine(allocation, u128::from(index));
            }
            if let Some(way) = self.catalog.near_space(number, serial) {
                return self.wait(Space { way, gtin, number }, serial);
            }
            if serials::is_plain(serial) {
                return self.serial(gtin, number, serial, text);
            }
        }
        match parse_epc(text) {
            Ok(Epc::Sgtin(sgtin)) => {
                let number = self.catalog.gtin(&sgtin.gtin)?;
                self.stem.remember(text, &sgtin, number);
                self.serial(sgtin.gtin, number, &sgtin.serial, text)
            }
            Ok(Epc::Sscc(_) | Epc::Other) => {
                self.event.others = self.event.others.saturating_add(1);
                Ok(())
            }
            Err(EpcError::CheckDigit) => {
                self.unreadable(Code::BadCheckDigit, text);
                Ok(())
            }
            Err(
                EpcError::NotUri
                | EpcError::SgtinParts
                | EpcError::Serial
                | EpcError::Gtin
                | EpcError::Sscc
                | EpcError::ClassNotInstance,
            ) => {
                self.unreadable(Code::InvalidEpcUri, text);
                Ok(())
            }
        }
    }

    fn unreadable(&mut self, code: Code, text: &str) {
        let miss = Miss { code, provisional: false, allocation: None, gtin: None, way: None };
        self.text_miss(miss, text);
    }

    fn mine(&mut self, allocation: usize, index: u128) -> Result<(), Stop> {
        let (block, offset) = place(index).ok_or(SCATTERED)?;
        let slot = self.slot(allocation, block)?;
        self.event.hit(slot, offset);
        Ok(())
    }

    fn slot(&mut self, allocation: usize, block: u32) -> Result<usize, Stop> {
        if let Some((known, known_block, slot)) = self.hot_slot
            && known == allocation
            && known_block == block
        {
            return Ok(slot);
        }
        let fresh = self.slots.len();
        let slot = *self.slot_of.entry((allocation, block)).or_insert(fresh);
        if slot == fresh {
            if fresh >= BLOCKS_MAX {
                return Err(SCATTERED);
            }
            self.slots.push(Slot { allocation, block, draft: Draft::default() });
        }
        self.hot_slot = Some((allocation, block, slot));
        Ok(slot)
    }

    fn miss_number(&mut self, miss: Miss) -> usize {
        let fresh = self.misses.len();
        let number = *self.miss_of.entry(miss.clone()).or_insert(fresh);
        if number == fresh {
            self.misses.push((miss, IndexRuns::default(), Samples::default()));
        }
        number
    }

    fn index_miss(&mut self, miss: Miss, index: u128) {
        let number = self.miss_number(miss);
        self.event.runs.entry(number).or_default().insert(index);
    }

    fn text_miss(&mut self, miss: Miss, text: &str) {
        let number = self.miss_number(miss);
        self.event.texts.entry(number).or_default().add(text);
    }

    fn apply(&mut self, stated: Statement, head: &EventHead, time_ms: i64) -> Result<(), Stop> {
        let fact = stated.fact;
        if head.error_declaration.is_some() {
            for (slot, named) in self.event.take_sets() {
                if let Some(slot) = self.slots.get_mut(slot) {
                    slot.draft.retract(fact, &named.once);
                }
            }
            return Ok(());
        }
        let claim = Claim {
            fact,
            lot: term(head.lot.as_deref()),
            expiry: term(head.expiry.as_deref()),
            time_ms,
            ordinal: head.ordinal.saturating_add(1),
            is_bare: stated.is_bare,
        };
        if !self.said.again(claim.time_ms, head, self.received_ms) {
            self.remarked.clear();
        }
        if self.event.has_sets() {
            for (slot, named) in self.event.take_sets() {
                self.state(slot, &named, &claim, head)?;
            }
        } else {
            let single = std::mem::take(&mut self.event.single);
            for (slot, offset) in &single {
                self.state_one(*slot, *offset, &claim, head)?;
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
        head: &EventHead,
    ) -> Result<(), Stop> {
        let marked = self.remarks(slot, claim, head);
        let Some(slot) = self.slots.get_mut(slot) else {
            return Ok(());
        };
        let before = slot.draft.heap_bytes();
        slot.draft.assert_one(claim, offset);
        if marked {
            let one = [offset].into_iter().collect();
            for code in self.remarked.get(&slot.allocation).into_iter().flatten() {
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
        head: &EventHead,
    ) -> Result<(), Stop> {
        let marked = self.remarks(slot, claim, head);
        let Some(slot) = self.slots.get_mut(slot) else {
            return Ok(());
        };
        let before = slot.draft.heap_bytes();
        slot.draft.assert_all(claim, &named.once);
        slot.draft.mark(Code::DuplicateInFile, &named.twice);
        if marked {
            for code in self.remarked.get(&slot.allocation).into_iter().flatten() {
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

    /// Whether there is something to remark about serials of this slot's allocation in this event;
    /// worked out once for events that say the same.
    fn remarks(&mut self, slot: usize, claim: &Claim<'_>, head: &EventHead) -> bool {
        if claim.fact != Fact::Commissioned {
            return false;
        }
        let Some(number) = self.slots.get(slot).map(|slot| slot.allocation) else {
            return false;
        };
        if let Some(codes) = self.remarked.get(&number) {
            return !codes.is_empty();
        }
        let allocation = self.catalog.allocation(number);
        let codes = allocation.map(|it| remarks::of(it, claim, head, self.received_ms));
        let codes = codes.unwrap_or_default();
        let any = !codes.is_empty();
        self.remarked.insert(number, codes);
        any
    }

    /// The end of an event that states something about what it named, or nothing.
    fn end(&mut self, stated: Option<Statement>, head: &EventHead) -> Result<(), Stop> {
        self.totals.events = self.totals.events.saturating_add(1);
        while let Some(way) = self.pending.next() {
            self.decipher(way)?;
        }
        if let Some(stated) = stated {
            let time_ms = event_time_ms(head)?;
            self.totals.last_event_ms = self.totals.last_event_ms.max(Some(time_ms));
            self.apply(stated, head, time_ms)?;
        }
        self.totals.others = self.totals.others.saturating_add(self.event.others);
        self.event.clear();
        Ok(())
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

impl Sink for Fold {
    type Error = Stop;

    fn epc(&mut self, list: EpcList, text: &str) -> Result<(), Stop> {
        if list == EpcList::Epcs {
            return self.instance(text);
        }
        self.event.others = self.event.others.saturating_add(1);
        Ok(())
    }

    fn event(&mut self, head: &EventHead) -> Result<(), Stop> {
        let happening = match head.kind {
            EventKind::Object => Happening::Object,
            EventKind::Transaction => Happening::Transaction,
            EventKind::Aggregation
            | EventKind::Transformation
            | EventKind::Association
            | EventKind::Quantity
            | EventKind::Unknown => Happening::Other,
        };
        let stated = fact_of(&Words {
            happening,
            action: head.action.as_deref(),
            biz_step: head.biz_step.as_deref().filter(|text| !text.is_empty()),
            disposition: head.disposition.as_deref(),
        });
        self.end(stated, head)
    }
}
