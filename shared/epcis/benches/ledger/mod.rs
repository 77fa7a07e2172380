//! What a reconciliation does with each serial, without its store: text → GTIN and serial → index →
//! block → set, one set of fresh serials per event, joined with what the document said before.

use domain::bitmap::{BlockSet, Offset, place};
use domain::epc::{Epc, parse_epc};
use domain::gtin::Gtin14;
use domain::numbering::Numbering;
use domain::pool::SerialMatch;
use epcis::{EpcList, EventHead, Sink};

/// The sets of a document, by block.
#[derive(Default)]
pub struct Ledger {
    blocks: Vec<BlockSet>,
    event: Vec<(u32, Offset)>,
    stem: String,
    gtin: Option<Gtin14>,
}

impl Ledger {
    /// All serials in the sets.
    pub fn serials(&self) -> u64 {
        self.blocks.iter().map(|set| u64::from(set.len())).sum()
    }

    fn serial(&mut self, serial: &str) {
        let numbering = Numbering::sequential(12);
        if let SerialMatch::Index(index) = numbering.index_of(serial)
            && let Some(at) = place(index)
        {
            self.event.push(at);
        }
    }
}

impl Sink for Ledger {
    type Error = std::convert::Infallible;

    fn epc(&mut self, _list: EpcList, text: &str) -> Result<(), Self::Error> {
        if let Some(serial) = text.strip_prefix(self.stem.as_str())
            && !self.stem.is_empty()
            && (1..=20).contains(&serial.len())
            && serial.bytes().all(|byte| byte.is_ascii_digit())
        {
            self.serial(serial);
        } else if let Ok(Epc::Sgtin(sgtin)) = parse_epc(text) {
            self.stem.clear();
            self.stem.push_str(&text[..text.len() - sgtin.serial.len()]);
            self.gtin = Some(sgtin.gtin);
            self.serial(&sgtin.serial);
        }
        Ok(())
    }

    fn event(&mut self, _head: &EventHead) -> Result<(), Self::Error> {
        for (block, offset) in self.event.drain(..) {
            let block = block as usize;
            if self.blocks.len() <= block {
                self.blocks.resize(block + 1, BlockSet::new());
            }
            self.blocks[block].insert(offset);
        }
        Ok(())
    }
}
