//! Spaces: all texts of one form, of which a keyed permutation hands out one after the other.
//!
//! A pool of the randomised scheme is a range of indexes of a space. The text of an index is the space's
//! prefix and FF1 of the index, so nothing is stored per serial number, two pools of a space cannot
//! collide (I1), and the index of a text is found without a search.
//!
//! - [`SpaceForm`]: prefix, [`Alphabet`] and length, with the rules of the standard.
//! - [`TextShape`]: which texts a space or a run of decimal numbers can print, and the proof that two
//!   of them have no text in common, even to a reader who does not heed case.
//! - [`check_density`]: how much of a space may be given out before guessing becomes likely.
//! - [`SpaceCipher`]: indexes to texts and back, many at a time.
//!
//! A key belongs to one space for ever: a new key under the same form would print texts that were printed
//! before. What is secret is the key and the order of what was not yet printed.

mod alphabet;
mod cipher;
mod density;
mod digits;
#[cfg(test)]
mod guess_tests;
mod id;
mod shape;
#[cfg(test)]
mod tests;

use std::fmt;

pub use self::alphabet::{Alphabet, AlphabetError, Characters};
pub use self::cipher::{SpaceCipher, SpaceKey, TextBatch, TextRun};
pub use self::density::{DensityError, GUESS_ODDS, PoolShare, check_density, density_limit};
pub use self::id::{SpaceId, SpaceIdError};
pub use self::shape::{Clash, Separation, TextShape, separate};

use crate::serial::SERIAL_LENGTH_MAX;

/// The fewest texts of a space, NIST SP 800-38G revision 1: with fewer, FF1 can be told from chance.
pub const CAPACITY_MIN: u128 = 1_000_000;

/// What the texts of a space look like: a fixed prefix, then `length` characters of the alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpaceForm {
    prefix: Prefix,
    alphabet: Alphabet,
    length: u8,
}

/// Up to 18 letters and digits before the random part.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Prefix {
    bytes: [u8; SERIAL_LENGTH_MAX],
    length: u8,
}

/// Why there is no space of this form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpaceError {
    /// A character of the prefix that is no letter and no digit.
    #[error("the prefix has letters and digits only, not {0:?}")]
    Prefix(char),
    /// The random part is too short or too long.
    #[error("the random part has 2 to 20 characters, not {0}")]
    Length(u8),
    /// Prefix and random part are longer than a serial number.
    #[error(
        "the prefix has {prefix} characters and the random part {length}: together they have at most 20"
    )]
    TooLong {
        /// Characters of the prefix.
        prefix: usize,
        /// Characters of the random part.
        length: u8,
    },
    /// The form has fewer texts than [`CAPACITY_MIN`].
    #[error(
        "the space has {capacity} texts, it must have at least 1000000: {least_length} characters"
    )]
    TooFew {
        /// How many texts it has.
        capacity: u128,
        /// The least length of the random part over this alphabet.
        least_length: u8,
    },
}

impl SpaceForm {
    /// Checks the rules of a form.
    pub fn new(prefix: &str, alphabet: Alphabet, length: u8) -> Result<Self, SpaceError> {
        if let Some(stranger) = prefix.chars().find(|c| !c.is_ascii_alphanumeric()) {
            return Err(SpaceError::Prefix(stranger));
        }
        if !(2..=20).contains(&length) {
            return Err(SpaceError::Length(length));
        }
        let mut bytes = [0; SERIAL_LENGTH_MAX];
        let room = SERIAL_LENGTH_MAX.saturating_sub(usize::from(length));
        let place = bytes.get_mut(..prefix.len()).filter(|place| place.len() <= room);
        let too_long = SpaceError::TooLong { prefix: prefix.len(), length };
        place.ok_or(too_long)?.copy_from_slice(prefix.as_bytes());
        let prefix_length = u8::try_from(prefix.len()).unwrap_or_default();
        let prefix = Prefix { bytes, length: prefix_length };
        let form = Self { prefix, alphabet, length };
        let capacity = form.capacity();
        if capacity < CAPACITY_MIN {
            let enough = |length: &u8| power(alphabet, *length) >= CAPACITY_MIN;
            let least_length = (2..=20).find(enough).unwrap_or(20);
            return Err(SpaceError::TooFew { capacity, least_length });
        }
        Ok(form)
    }

    /// What every text of the space begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.prefix.as_str()
    }

    /// The characters of the random part.
    #[must_use]
    pub fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    /// How many random characters follow the prefix.
    #[must_use]
    pub fn length(&self) -> u8 {
        self.length
    }

    /// How many characters a text has, prefix included.
    #[must_use]
    pub fn text_length(&self) -> usize {
        self.prefix().len().saturating_add(usize::from(self.length))
    }

    /// How many texts, and so indexes, the space has.
    #[must_use]
    pub fn capacity(&self) -> u128 {
        power(self.alphabet, self.length)
    }
}

fn power(alphabet: Alphabet, length: u8) -> u128 {
    // At most 62^20, below 2^120.
    u128::from(alphabet.size()).saturating_pow(u32::from(length))
}

impl Prefix {
    #[inline]
    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
