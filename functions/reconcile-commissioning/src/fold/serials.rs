//! What becomes of a serial that an event names: looked up at once, or kept until its space's batch is
//! deciphered.

use domain::bitmap::place;
use domain::finding::Code;
use domain::gtin::Gtin14;

use super::Fold;
use crate::catalog::{Found, Spelling};
use crate::event::Miss;
use crate::pending::{Kept, Space};
use crate::stop::{SCATTERED, Stop};

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
    fn wait(&mut self, space: Space, serial: &str) -> Result<(), Stop> {
        let Some(cipher) = self.catalog.cipher(space.way) else { return Ok(()) };
        match self.pending.push(space, cipher, serial) {
            Kept::Full(way) => self.full(way),
            // The catalog asked the space whether it has the text.
            Kept::Waits | Kept::Not => Ok(()),
        }
    }

    /// A batch is full.
    pub(super) fn full(&mut self, way: usize) -> Result<(), Stop> {
        if self.held.is_empty() { self.decipher(way) } else { self.settle() }
    }

    /// Deciphers what waits of a way, all of it named by the event at hand.
    pub(super) fn decipher(&mut self, way: usize) -> Result<(), Stop> {
        self.pending.decipher(way);
        self.indexes(way, usize::MAX)
    }

    /// Looks up the next indexes that were deciphered of a way, at most so many.
    pub(super) fn indexes(&mut self, way: usize, count: usize) -> Result<(), Stop> {
        let Some(mut batch) = self.pending.take(way) else { return Ok(()) };
        let Space { gtin, number, .. } = batch.space;
        let (found, reach) = batch.next(count);
        for index in found {
            // Most texts of a space are of one allocation.
            if let Some((near, place)) = reach.and_then(|near| Some((near, near.place(*index)?))) {
                self.near(near.allocation, place)?;
                continue;
            }
            let found = self.catalog.find_index(number, way, *index)?;
            if let Found::Mine { .. } = found {
                *reach = self.catalog.reach(number, way, *index);
            }
            // Whatever it is, its index tells it.
            self.found(gtin, found, "")?;
        }
        self.pending.give_back(batch);
        Ok(())
    }

    /// A serial of an allocation, mostly in the block where the one before lies.
    #[inline]
    fn near(&mut self, allocation: usize, index: u64) -> Result<(), Stop> {
        let (block, offset) = place(u128::from(index)).ok_or(SCATTERED)?;
        let slot = self.slot(allocation, block)?;
        if !self.event.hit_again(slot, offset) {
            self.event.hit(slot, offset);
        }
        Ok(())
    }

    pub(super) fn found(
        &mut self,
        gtin: impl Into<Option<Gtin14>>,
        found: Found,
        text: &str,
    ) -> Result<(), Stop> {
        let gtin = gtin.into();
        let miss = |code, provisional, allocation, way| Miss {
            code,
            provisional,
            allocation,
            gtin,
            way,
            parent: false,
        };
        match found {
            Found::Mine { allocation, index } => return self.mine(allocation, index),
            Found::Foreign { allocation, index } => {
                let other = self.catalog.allocation(allocation);
                let spelling = other.map(|other| Spelling::of(other.key, other.scheme));
                let way = spelling.and_then(|spelling| self.catalog.ways().number(spelling));
                let code = Code::NotProvisionedForLocation;
                self.told_miss(miss(code, false, Some(allocation), way), index, text);
            }
            Found::Void { allocation, index, way } => {
                let code = Code::WrongAllocationState;
                self.told_miss(miss(code, false, allocation, Some(way)), index, text);
            }
            Found::Unreserved { index, way, provisional } => {
                let miss = miss(Code::NotReserved, provisional, None, Some(way));
                self.told_miss(miss, index, text);
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

    /// A number that is told by its index, or by its text where that was imported.
    fn told_miss(&mut self, miss: Miss, index: u128, text: &str) {
        if miss.way.is_some_and(|way| self.catalog.is_list(way)) {
            self.text_miss(Miss { way: None, ..miss }, text);
        } else {
            self.index_miss(miss, index);
        }
    }
}
