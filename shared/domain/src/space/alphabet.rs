//! Which characters the random part of a serial number has.

use std::fmt;

/// Characters that are taken for one another in print or by hand: `1 I J L`, `0 O Q` and `U V`. The digits
/// and the `V` stay.
const LOOK_ALIKES: &str = "IJLOQUijloqu";

/// A set of ASCII letters and digits: the European rules know no others, and they need no escape in
/// CSV, JSON, URNs and Digital Links.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Alphabet {
    /// One bit for each ASCII character.
    set: u128,
}

/// The usual parts of an alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Characters {
    /// `0` to `9`.
    Digits,
    /// `A` to `Z`.
    Upper,
    /// `a` to `z`.
    Lower,
}

/// Why a text is no alphabet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlphabetError {
    /// A character that is no ASCII letter and no digit.
    #[error("an alphabet has letters and digits only, not {0:?}")]
    Character(char),
    /// A character is there twice.
    #[error("{0:?} is in the alphabet twice")]
    Twice(char),
    /// One character or none.
    #[error("an alphabet has at least 2 characters, not {0}")]
    TooFew(usize),
}

impl Alphabet {
    /// The parts together, without the characters that look like others unless they are wanted.
    pub fn of(parts: &[Characters], look_alikes: bool) -> Result<Self, AlphabetError> {
        let characters = (0..=u8::MAX).filter(|byte| {
            parts.iter().any(|part| part.contains(*byte))
                && (look_alikes || !LOOK_ALIKES.as_bytes().contains(byte))
        });
        Self::of_size(characters.fold(0, |set, byte| set | bit(byte)))
    }

    /// Any letters and digits, in any order: the set counts, the permutation is the key's.
    pub fn custom(characters: &str) -> Result<Self, AlphabetError> {
        let mut set = 0;
        for character in characters.chars() {
            let byte = u8::try_from(character).ok().filter(u8::is_ascii_alphanumeric);
            let bit = bit(byte.ok_or(AlphabetError::Character(character))?);
            if set & bit != 0 {
                return Err(AlphabetError::Twice(character));
            }
            set |= bit;
        }
        Self::of_size(set)
    }

    fn of_size(set: u128) -> Result<Self, AlphabetError> {
        let alphabet = Self { set };
        if alphabet.size() < 2 {
            return Err(AlphabetError::TooFew(usize::from(alphabet.size())));
        }
        Ok(alphabet)
    }

    /// How many characters there are, 2 to 62.
    #[must_use]
    pub fn size(self) -> u8 {
        u8::try_from(self.set.count_ones()).unwrap_or_default()
    }

    /// The characters in ASCII order: the digit `n` of the random part is the `n`-th of them.
    pub fn characters(self) -> impl Iterator<Item = u8> {
        (0..128).filter(move |byte| self.set & bit(*byte) != 0)
    }

    /// One bit for each ASCII character.
    pub(super) fn set(self) -> u128 {
        self.set
    }
}

impl Characters {
    fn contains(self, byte: u8) -> bool {
        match self {
            Self::Digits => byte.is_ascii_digit(),
            Self::Upper => byte.is_ascii_uppercase(),
            Self::Lower => byte.is_ascii_lowercase(),
        }
    }
}

/// The bit of an ASCII character; none of another byte.
pub(super) fn bit(byte: u8) -> u128 {
    1_u128.checked_shl(u32::from(byte)).unwrap_or_default()
}

/// All characters, ready to be read again by [`Alphabet::custom`].
impl fmt::Display for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.characters().try_for_each(|byte| fmt::Write::write_char(f, char::from(byte)))
    }
}

impl fmt::Debug for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alphabet({self})")
    }
}
