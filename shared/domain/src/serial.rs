//! Serial numbers: 1 to 20 characters of the GS1 AI-encodable character set 82.

use std::fmt;
use std::str::FromStr;

/// The longest serial number of AI (21), in characters.
pub const SERIAL_LENGTH_MAX: usize = 20;

/// A serial number as it is printed; case and leading zeros matter (I7).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SerialNumber(String);

/// Why a text is no serial number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SerialError {
    /// Empty, or more than 20 characters.
    #[error("a serial number has 1 to 20 characters, not {0}")]
    Length(usize),
    /// A character outside the set 82.
    #[error("the character {0:?} is not in the GS1 character set 82")]
    Character(char),
}

/// Whether the byte is in the GS1 AI-encodable character set 82 (General Specifications, figure 7.11-1).
#[must_use]
pub const fn is_ai82(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'"'
                | b'%'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'-'
                | b'.'
                | b'/'
                | b'_'
                | b':'
                | b';'
                | b'<'
                | b'='
                | b'>'
                | b'?'
        )
}

/// Checks length and characters of a serial or lot text of up to 20 characters of set 82.
pub fn check_ai82(text: &str) -> Result<(), SerialError> {
    if let Some(stranger) = text.chars().find(|c| !u8::try_from(*c).is_ok_and(is_ai82)) {
        return Err(SerialError::Character(stranger));
    }
    if text.is_empty() || text.len() > SERIAL_LENGTH_MAX {
        return Err(SerialError::Length(text.len()));
    }
    Ok(())
}

impl SerialNumber {
    /// Reads a serial number, keeping it byte for byte.
    pub fn parse(text: &str) -> Result<Self, SerialError> {
        check_ai82(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The text as printed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SerialNumber {
    type Err = SerialError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Consecutive indexes as decimal texts of one width, counted up in place: nothing is formatted twice.
#[derive(Debug, Clone)]
pub struct DecimalRun {
    /// Right-aligned; the text is the last `width` bytes.
    digits: [u8; SERIAL_LENGTH_MAX],
    width: usize,
}

impl DecimalRun {
    /// Begins at an index, padded with zeros to `width`. Indexes are below 10^20.
    #[must_use]
    pub fn new(index: u128, width: u8) -> Self {
        let mut digits = [b'0'; SERIAL_LENGTH_MAX];
        let mut rest = index;
        let mut length = 0_usize;
        for digit in digits.iter_mut().rev() {
            if rest == 0 {
                break;
            }
            *digit = b'0'.wrapping_add(u8::try_from(rest % 10).unwrap_or_default());
            rest /= 10;
            length = length.saturating_add(1);
        }
        Self { digits, width: usize::from(width).max(length).min(SERIAL_LENGTH_MAX) }
    }

    /// The text of the index at hand.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(SERIAL_LENGTH_MAX.saturating_sub(self.width)..).unwrap_or_default()
    }

    /// Goes on to the next index.
    #[inline]
    pub fn advance(&mut self) {
        let mut length = 0_usize;
        for digit in self.digits.iter_mut().rev() {
            length = length.saturating_add(1);
            if *digit < b'9' {
                *digit = digit.wrapping_add(1);
                break;
            }
            *digit = b'0';
        }
        self.width = self.width.max(length);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::numbering::Numbering;
    use crate::pool::INDEX_LIMIT;

    proptest! {
        #[test]
        fn a_run_writes_what_the_scheme_writes(
            seed in any::<u128>(),
            digits in 0_u32..=20,
            width in 1_u8..=20,
        ) {
            // Ends of decades are where carries happen.
            let limit = 10_u128.pow(digits);
            let last = INDEX_LIMIT.saturating_sub(200);
            for start in [seed.checked_rem(limit).unwrap(), limit.saturating_sub(100)] {
                let mut run = DecimalRun::new(start.min(last), width);
                for index in (start.min(last)..).take(200) {
                    let text = Numbering::sequential(width).text_of(index);
                    prop_assert_eq!(run.as_bytes(), text.as_bytes());
                    run.advance();
                }
            }
        }
    }

    #[test]
    fn the_set_has_82_characters() {
        assert_eq!((0..=u8::MAX).filter(|byte| is_ai82(*byte)).count(), 82);
    }

    #[test]
    fn serials_are_kept_as_text() {
        assert_eq!(SerialNumber::parse("007aB+=").unwrap().as_str(), "007aB+=");
        assert_eq!(SerialNumber::parse(""), Err(SerialError::Length(0)));
        assert_eq!(SerialNumber::parse(&"1".repeat(21)), Err(SerialError::Length(21)));
        assert_eq!(SerialNumber::parse("a b"), Err(SerialError::Character(' ')));
        assert_eq!(SerialNumber::parse("a#b"), Err(SerialError::Character('#')));
        assert_eq!(SerialNumber::parse("é"), Err(SerialError::Character('é')));
    }
}
