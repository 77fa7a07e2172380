//! Folds the events of a document into what is to be posted, while it streams by.
//!
//! - I10: memory follows the blocks a document touches (at most [`BLOCKS_MAX`], and
//!   [`SETS_BYTES_MAX`] bytes of sets) and the capped findings, never its size.
//! - Nothing is written here: a document that turns out to be unreadable leaves no trace in the
//!   ledger.
//! - Readable events that reconciliation refuses: an event that states a fact but has no event time,
//!   or one that cannot be read. Without it a fact has no place among the others.

mod claims;
mod held;
mod rows;
mod serials;
mod ssccs;

use domain::bitmap::place;
use domain::epc::{Epc, EpcError, parse_epc};
use domain::fact::{Happening, Words, fact_of};
use domain::finding::{Code, IndexRuns, Samples};
use domain::ledger::Draft;
use epcis::{EpcList, EventHead, EventKind, Sink};
use rustc_hash::FxHashMap;

use crate::catalog::Catalog;
use crate::event::{EventBuffer, Miss};
use crate::held::{Beside, Held, Said};
use crate::pending::{Kept, Pending};
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

/// What a whole document says.
#[derive(Debug)]
pub struct Folded {
    /// What was looked up.
    pub catalog: Catalog,
    /// What is to be posted.
    pub slots: Vec<Slot>,
    /// Serials that are not posted, by what is found about them.
    pub misses: Vec<(Miss, IndexRuns, Samples)>,
    /// Counts.
    pub totals: Totals,
}

/// The fold of one document.
#[derive(Debug)]
pub struct Fold {
    catalog: Catalog,
    slots: Vec<Slot>,
    misses: Vec<(Miss, IndexRuns, Samples)>,
    totals: Totals,
    received_ms: i64,
    /// What is remarked about the serials of each allocation, commissioned ones or others, in an event that says
    /// what `said` holds.
    remarked: FxHashMap<(usize, bool), Vec<Code>>,
    said: Said,
    /// The event before said a time that was yet to come.
    was_ahead: bool,
    slot_of: FxHashMap<(usize, u32), usize>,
    hot_slot: Option<(usize, u32, usize)>,
    miss_of: FxHashMap<Miss, usize>,
    event: EventBuffer,
    /// Its place while something is made of events that are held, and theirs otherwise.
    aside: EventBuffer,
    held: Held,
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
            was_ahead: false,
            slot_of: FxHashMap::default(),
            hot_slot: None,
            miss_of: FxHashMap::default(),
            event: EventBuffer::default(),
            aside: EventBuffer::default(),
            held: Held::default(),
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
            match self.pending.again(number, serial) {
                Kept::Not => {}
                Kept::Waits => return Ok(()),
                Kept::Full(way) => return self.full(way),
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
            Ok(Epc::Sscc(sscc)) => self.sscc(&sscc),
            Ok(Epc::Other) => {
                self.event.others = self.event.others.saturating_add(1);
                Ok(())
            }
            Err(EpcError::CheckDigit) => {
                self.unreadable(Code::BadCheckDigit, text);
                Ok(())
            }
            Err(EpcError::SsccCheckDigit) => {
                self.unreadable(Code::InvalidSsccCheckDigit, text);
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
        self.text_miss(Miss::about(code), text);
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
        if head.kind == EventKind::Aggregation {
            self.packed(head)?;
        }
        let stated = fact_of(&Words {
            happening,
            action: head.action.as_deref(),
            biz_step: head.biz_step.as_deref().filter(|text| !text.is_empty()),
            disposition: head.disposition.as_deref(),
        });
        self.end(stated, (head, &Beside::of(head)))
    }
}
