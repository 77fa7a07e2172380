//! What becomes of a serial that an event names: looked up at once, or kept until its space's batch is
//! deciphered.

use domain::finding::Code;
use domain::gtin::Gtin14;

use super::Fold;
use crate::catalog::{Found, Reach};
use crate::event::Miss;
use crate::pending::Space;
use crate::stop::Stop;

/// Letters and digits stand for themselves in every form of an identifier.
pub(super) fn is_plain(serial: &str) -> bool {
    (1..=20).contains(&serial.len()) && serial.bytes().all(|it| it.is_ascii_alphanumeric())
}

impl Fold {
    pub(super) fn serial(
        &mut self,
        gtin: Gtin14,
        number: usize,
        serial: &str,
        text: &str,
    ) -> Result<(), Stop> {
        let found = self.catalog.find(number, serial)?;
        if let Found::InSpace { way } = found {
            return self.wait(Space { way, gtin, number }, serial);
        }
        self.found(gtin, found, text)
    }

    /// Keeps a text of a space until it is deciphered with others.
    pub(super) fn wait(&mut self, space: Space, serial: &str) -> Result<(), Stop> {
        let Some(cipher) = self.catalog.cipher(space.way) else { return Ok(()) };
        if self.pending.push(space, cipher, serial) { self.decipher(space.way) } else { Ok(()) }
    }

    pub(super) fn decipher(&mut self, way: usize) -> Result<(), Stop> {
        let Some(indexes) = self.pending.take(way) else { return Ok(()) };
        let Space { gtin, number, .. } = indexes.space;
        let mut reach: Option<Reach> = None;
        for index in indexes.iter() {
            // Most texts of a batch are of one allocation.
            if let Some((near, place)) = reach.and_then(|near| Some((near, near.place(index)?))) {
                self.mine(near.allocation, place)?;
                continue;
            }
            let found = self.catalog.find_index(number, way, index)?;
            if let Found::Mine { .. } = found {
                reach = self.catalog.reach(number, way, index);
            }
            // Whatever it is, its index tells it.
            self.found(gtin, found, "")?;
        }
        Ok(())
    }

    fn found(&mut self, gtin: Gtin14, found: Found, text: &str) -> Result<(), Stop> {
        let miss = |code, provisional, allocation, way| Miss {
            code,
            provisional,
            allocation,
            gtin: Some(gtin),
            way,
        };
        match found {
            Found::Mine { allocation, index } => return self.mine(allocation, index),
            Found::Foreign { allocation, index } => {
                let scheme = self.catalog.allocation(allocation).map(|a| a.scheme);
                let way = scheme.and_then(|scheme| self.catalog.ways().number(scheme));
                let code = Code::NotProvisionedForLocation;
                self.index_miss(miss(code, false, Some(allocation), way), index);
            }
            Found::Void { allocation, index, way } => {
                let code = Code::WrongAllocationState;
                self.index_miss(miss(code, false, allocation, Some(way)), index);
            }
            Found::Unreserved { index, way, provisional } => {
                self.index_miss(miss(Code::NotReserved, provisional, None, Some(way)), index);
            }
            Found::Stripped => {
                self.text_miss(miss(Code::LeadingZeroStripped, false, None, None), text);
            }
            Found::NotOfScheme | Found::InSpace { .. } => {
                self.text_miss(miss(Code::NotReserved, false, None, None), text);
            }
            Found::UnknownGtin => {
                self.text_miss(miss(Code::UnknownGtin, true, None, None), text);
            }
        }
        Ok(())
    }
}
