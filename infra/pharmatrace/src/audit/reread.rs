//! What a document says about reserved serials, read from its bytes once more.
//!
//! The facts of its events are worked out with the rules of the domain and nothing of the function that
//! posts them. Memory follows the blocks that are named (I10).

use std::collections::BTreeMap;

use domain::bitmap::BlockSet;
use domain::epc::{Epc, parse_epc};
use domain::fact::{Happening, Statement, Words, fact_of};
use domain::gtin::Gtin14;
use domain::ledger::{Claim, Draft};
use epcis::{EpcList, EventHead, EventKind, Sink};
use linefiles::results::{Column, Row};

use super::owners::{BlockKey, LookupError, Owners};

/// Blocks that one document may touch; no document is posted that touches more.
const BLOCKS_MAX: usize = 100_000;
/// Bytes that a posting keeps of a lot or an expiry.
const TERM_BYTES_MAX: usize = 64;

/// Why a document says nothing that could be compared.
#[derive(Debug, thiserror::Error)]
pub enum Unsaid {
    /// A fact without a time has no place among the others: such a document is never posted.
    #[error("event {0} states a fact, but not when")]
    NoTime(u64),
    /// More than [`BLOCKS_MAX`].
    #[error("it names more than {BLOCKS_MAX} blocks")]
    TooManyBlocks,
    /// A serial could not be looked up.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

/// What is to be found in the postings of a document.
#[derive(Debug)]
pub struct Reread {
    /// Knows whose a serial is.
    pub owners: Owners,
    /// What the document says, by block.
    pub blocks: BTreeMap<BlockKey, Draft>,
    /// Events read.
    pub events: u64,
    /// The serials that the event at hand names; its head follows them.
    named: BTreeMap<BlockKey, BlockSet>,
}

impl Reread {
    /// Nothing read yet.
    #[must_use]
    pub fn new(owners: Owners) -> Self {
        Self { owners, blocks: BTreeMap::new(), events: 0, named: BTreeMap::new() }
    }

    /// Takes a row of a result file.
    ///
    /// # Errors
    /// As for an event.
    pub fn row(&mut self, row: &Row<'_>) -> Result<(), Unsaid> {
        self.events = self.events.saturating_add(1);
        let Some(stated) = row.status.statement() else { return Ok(()) };
        let (gtin, serial) = (row.get(Column::Gtin), row.get(Column::Serial));
        if gtin.is_empty() || serial.is_empty() {
            let epc = row.get(Column::Epc);
            self.epc(EpcList::Epcs, epc)?;
            if epc.is_empty()
                && let Some((key, offset)) = self.owners.find(None, serial)?
            {
                self.named.entry(key).or_default().insert(offset);
            }
        } else if let Ok(gtin) = Gtin14::parse_padded(gtin)
            && let Some((key, offset)) = self.owners.find(Some(gtin), serial)?
        {
            self.named.entry(key).or_default().insert(offset);
        }
        let text = |column| Some(row.get(column).to_owned());
        let mut head = EventHead::new();
        head.ordinal = row.ordinal.saturating_sub(1);
        head.event_time = epcis::moment(row.get(Column::EventTime));
        head.lot = text(Column::Lot);
        let (mut date, expiry) = ([0; 10], row.get(Column::Expiry));
        head.expiry = Some(epcis::date(expiry, &mut date).unwrap_or(expiry).to_owned());
        self.state(stated, &head)
    }

    fn state(&mut self, stated: Statement, head: &EventHead) -> Result<(), Unsaid> {
        let time = head.event_time.ok_or(Unsaid::NoTime(head.ordinal))?;
        let time_ms = time.unix_timestamp_nanos().div_euclid(1_000_000);
        let term = |text: &Option<String>| {
            text.as_deref().filter(|text| !text.is_empty()).map(|text| kept(text).to_owned())
        };
        let (lot, expiry) = (term(&head.lot), term(&head.expiry));
        let claim = Claim {
            fact: stated.fact,
            lot: lot.as_deref(),
            expiry: expiry.as_deref(),
            time_ms: i64::try_from(time_ms).map_err(|_| Unsaid::NoTime(head.ordinal))?,
            ordinal: head.ordinal.saturating_add(1),
            is_bare: stated.is_bare,
        };
        for (key, serials) in std::mem::take(&mut self.named) {
            let draft = self.blocks.entry(key).or_default();
            if head.error_declaration.is_some() {
                draft.retract(stated.fact, &serials);
            } else {
                draft.assert_all(&claim, &serials);
            }
        }
        if self.blocks.len() > BLOCKS_MAX { Err(Unsaid::TooManyBlocks) } else { Ok(()) }
    }
}

impl Sink for Reread {
    type Error = Unsaid;

    fn epc(&mut self, list: EpcList, text: &str) -> Result<(), Unsaid> {
        if list != EpcList::Epcs {
            return Ok(());
        }
        let found = match parse_epc(text) {
            Ok(Epc::Sgtin(sgtin)) => self.owners.find(Some(sgtin.gtin), &sgtin.serial)?,
            Ok(Epc::Sscc(sscc)) => self.owners.find(None, sscc.as_str())?,
            Ok(Epc::Other) | Err(_) => None,
        };
        if let Some((key, offset)) = found {
            self.named.entry(key).or_default().insert(offset);
            if self.named.len() > BLOCKS_MAX {
                return Err(Unsaid::TooManyBlocks);
            }
        }
        Ok(())
    }

    fn event(&mut self, head: &EventHead) -> Result<(), Unsaid> {
        self.events = self.events.saturating_add(1);
        let stated = fact_of(&Words {
            happening: match head.kind {
                EventKind::Object => Happening::Object,
                EventKind::Transaction => Happening::Transaction,
                EventKind::Aggregation
                | EventKind::Transformation
                | EventKind::Association
                | EventKind::Quantity
                | EventKind::Unknown => Happening::Other,
            },
            action: head.action.as_deref(),
            biz_step: head.biz_step.as_deref().filter(|text| !text.is_empty()),
            disposition: head.disposition.as_deref(),
        });
        if let Some(stated) = stated {
            self.state(stated, head)?;
        }
        self.named.clear();
        Ok(())
    }
}

/// What a posting keeps of a lot or an expiry, cut between characters.
fn kept(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TERM_BYTES_MAX)).unwrap_or(text)
}
