//! Logistic units: SSCCs of ours are numbers of an allocation like any other, and what things are packed into
//! must have been reserved (decision 30).

use domain::epc::{Epc, EpcError, parse_epc};
use domain::finding::Code;
use domain::gtin::Gtin14;
use domain::sscc::{Sscc, SsccError};
use epcis::EventHead;

use super::Fold;
use crate::catalog::Found;
use crate::event::Miss;
use crate::stop::Stop;

impl Fold {
    /// An SSCC that an event or a row names. Those of company prefixes without a pool are counted.
    pub(super) fn sscc(&mut self, sscc: &Sscc) -> Result<(), Stop> {
        if let Some(found) = self.catalog.find_sscc(sscc)? {
            return self.found(None, found, sscc.as_str());
        }
        self.event.others = self.event.others.saturating_add(1);
        Ok(())
    }

    /// The same by its 18 digits.
    pub(super) fn sscc_digits(&mut self, digits: &str) -> Result<(), Stop> {
        match Sscc::parse(digits) {
            Ok(sscc) => self.sscc(&sscc),
            Err(SsccError::CheckDigit | SsccError::Form) => {
                self.unreadable(Code::InvalidSsccCheckDigit, digits);
                Ok(())
            }
        }
    }

    /// Something was packed into a parent, or taken out of it; only what was packed is judged. Whether the parent
    /// was ever commissioned is not: that may be reported later.
    pub(super) fn packed(&mut self, head: &EventHead) -> Result<(), Stop> {
        let adds = head.action.as_deref() == Some("ADD") && head.error_declaration.is_none();
        let Some(text) = head.parent_id.as_deref().filter(|text| adds && !text.is_empty()) else {
            return Ok(());
        };
        match parse_epc(text) {
            Ok(Epc::Sscc(sscc)) => match self.catalog.find_sscc(&sscc)? {
                Some(found) => self.parent(None, found, text),
                None => self.other(),
            },
            Ok(Epc::Sgtin(sgtin)) => {
                let number = self.catalog.gtin(&sgtin.gtin)?;
                let found = match self.catalog.find(number, &sgtin.serial)? {
                    Found::InSpace { way } => self.in_space((number, way), &sgtin.serial)?,
                    told @ (Found::Mine { .. }
                    | Found::Foreign { .. }
                    | Found::Void { .. }
                    | Found::Unreserved { .. }
                    | Found::Stripped
                    | Found::NotOfScheme
                    | Found::UnknownGtin) => told,
                };
                self.parent(Some(sgtin.gtin), found, text);
            }
            Err(EpcError::SsccCheckDigit) => {
                let miss = Miss { parent: true, ..Miss::about(Code::InvalidSsccCheckDigit) };
                self.parent_text(miss, text);
            }
            Ok(Epc::Other)
            | Err(
                EpcError::CheckDigit
                | EpcError::NotUri
                | EpcError::SgtinParts
                | EpcError::Serial
                | EpcError::Gtin
                | EpcError::Sscc
                | EpcError::ClassNotInstance,
            ) => self.other(),
        }
        Ok(())
    }

    fn other(&mut self) {
        self.event.others = self.event.others.saturating_add(1);
    }

    /// Parents are few, so each is deciphered alone.
    fn in_space(&mut self, (number, way): (usize, usize), serial: &str) -> Result<Found, Stop> {
        let index = self.catalog.cipher(way).and_then(|cipher| cipher.index_of(serial));
        match index {
            Some(index) => Ok(self.catalog.find_index(number, way, index)?),
            None => Ok(Found::NotOfScheme),
        }
    }

    fn parent(&mut self, gtin: Option<Gtin14>, found: Found, text: &str) {
        let about = |code| Miss { gtin, parent: true, ..Miss::about(code) };
        match found {
            // Who packs is not always who commissions.
            Found::Mine { .. } | Found::Foreign { .. } => {}
            Found::UnknownGtin => self.other(),
            Found::Void { allocation, index, way } => {
                let miss = about(Code::WrongAllocationState);
                self.parent_index(Miss { allocation, way: Some(way), ..miss }, index, text);
            }
            Found::Unreserved { index, way, provisional } => {
                let miss = about(Code::NotReserved);
                self.parent_index(Miss { provisional, way: Some(way), ..miss }, index, text);
            }
            Found::Stripped => self.parent_text(about(Code::LeadingZeroStripped), text),
            Found::NotOfScheme | Found::InSpace { .. } => {
                self.parent_text(about(Code::NotReserved), text);
            }
        }
    }

    /// Told at once: what an aggregation says of its parent depends on nothing else in the event.
    fn parent_index(&mut self, miss: Miss, index: u128, text: &str) {
        if miss.way.is_some_and(|way| self.catalog.is_list(way)) {
            return self.parent_text(Miss { way: None, ..miss }, text);
        }
        let number = self.miss_number(miss);
        if let Some((_, runs, _)) = self.misses.get_mut(number) {
            runs.insert(index);
        }
    }

    fn parent_text(&mut self, miss: Miss, text: &str) {
        let number = self.miss_number(miss);
        if let Some((_, _, samples)) = self.misses.get_mut(number) {
            samples.add(text);
        }
    }
}
