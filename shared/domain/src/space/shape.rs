//! Which texts can be printed, and that two sources of serial numbers cannot print the same (I1).
//!
//! Every source prints texts of one length, and each position has its own set of characters: the prefix of
//! a space one, its random part the alphabet, a decimal number the ten digits. Such sets of texts have a
//! text in common exactly if the lengths are the same and the sets have a character in common at every
//! position. So the comparison below misses nothing and refuses nothing without need. To fold case is to
//! fold each position, so the same holds for readers who take `a` for `A`.

use super::SpaceForm;
use super::alphabet::bit;
use crate::serial::SERIAL_LENGTH_MAX;

/// The characters that each position of a text may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextShape {
    /// One bit for each ASCII character, by position.
    positions: [u128; SERIAL_LENGTH_MAX],
    length: u8,
}

/// Why two sources cannot print the same text. Positions count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separation {
    /// Their texts have different lengths.
    Length,
    /// They have no character in common at this position, which is in the prefix of both or of one.
    Position(u8),
}

/// Two texts that are the same to a reader who does not heed case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{one:?} and {other:?} could both be printed, and only case tells them apart, if anything")]
pub struct Clash {
    /// A text of the one source.
    pub one: String,
    /// A text of the other.
    pub other: String,
}

impl TextShape {
    /// What a space prints.
    #[must_use]
    pub fn of_space(form: &SpaceForm) -> Self {
        let prefix = form.prefix().bytes().map(bit);
        let random = std::iter::repeat_n(form.alphabet().set(), usize::from(form.length()));
        Self::of_sets(prefix.chain(random))
    }

    /// What a run of decimal numbers of a fixed width prints, 1 to 20 digits.
    #[must_use]
    pub fn of_decimals(width: u8) -> Self {
        let digits = (b'0'..=b'9').map(bit).fold(0, |set, bit| set | bit);
        Self::of_sets(std::iter::repeat_n(digits, usize::from(width)))
    }

    pub(crate) fn of_sets(sets: impl Iterator<Item = u128>) -> Self {
        let mut shape = Self { positions: [0; SERIAL_LENGTH_MAX], length: 0 };
        for (place, set) in shape.positions.iter_mut().zip(sets) {
            *place = set;
            shape.length = shape.length.saturating_add(1);
        }
        shape
    }

    fn sets(&self) -> impl Iterator<Item = u128> {
        self.positions.into_iter().take(usize::from(self.length))
    }

    /// Whether the text could be printed, or one that differs from it in case only.
    #[must_use]
    pub fn admits_folded(&self, text: &str) -> bool {
        let letter = |byte: u8| fold(bit(byte));
        text.len() == usize::from(self.length)
            && text.bytes().zip(self.sets()).all(|(byte, set)| fold(set) & letter(byte) != 0)
    }
}

/// Proves that two sources cannot print the same text, case folded, or names two texts.
pub fn separate(one: &TextShape, other: &TextShape) -> Result<Separation, Clash> {
    if one.length != other.length {
        return Ok(Separation::Length);
    }
    let mut clash = Clash { one: String::new(), other: String::new() };
    for (position, (left, right)) in (1_u8..).zip(one.sets().zip(other.sets())) {
        let common = fold(left) & fold(right);
        if common == 0 {
            return Ok(Separation::Position(position));
        }
        clash.one.extend(first_folding_to(left, common));
        clash.other.extend(first_folding_to(right, common));
    }
    Err(clash)
}

/// Each upper-case letter as its lower-case one, 32 places further on.
fn fold(set: u128) -> u128 {
    let upper = (b'A'..=b'Z').map(bit).fold(0, |set, bit| set | bit);
    (set & !upper) | ((set & upper) << 32)
}

/// A character of the set that folds to the first of `common`.
fn first_folding_to(set: u128, common: u128) -> Option<char> {
    let first = common & common.wrapping_neg();
    (0..128).find(|byte| set & bit(*byte) != 0 && fold(bit(*byte)) == first).map(char::from)
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
