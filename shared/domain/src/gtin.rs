//! GTIN-14: the Global Trade Item Number, kept as 14 characters of text.

use std::fmt;
use std::str::FromStr;

use crate::check_digit::{check_digit, is_valid};

/// A GTIN in its 14-character form with a correct check digit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gtin14([u8; 14]);

/// Why a text is no GTIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GtinError {
    /// The text has another length than a GTIN may have.
    #[error(
        "a GTIN has 14 digits (8, 12 or 13 where shorter forms are accepted), not {0} characters"
    )]
    Length(usize),
    /// The text has a character that is no digit.
    #[error("a GTIN consists of digits only")]
    NotDigits,
    /// The last digit is not the check digit of the others.
    #[error("the check digit is {found}, it must be {expected}")]
    CheckDigit {
        /// The digit that was given.
        found: char,
        /// The digit that the others demand.
        expected: char,
    },
}

impl Gtin14 {
    /// Reads a GTIN of exactly 14 digits.
    pub fn parse(text: &str) -> Result<Self, GtinError> {
        let bytes: [u8; 14] =
            text.as_bytes().try_into().map_err(|_| GtinError::Length(text.chars().count()))?;
        Self::from_digits(bytes)
    }

    /// Reads a GTIN-8, -12, -13 or -14 and pads it with zeros on the left.
    pub fn parse_padded(text: &str) -> Result<Self, GtinError> {
        if !matches!(text.len(), 8 | 12 | 13 | 14) {
            return Err(GtinError::Length(text.chars().count()));
        }
        let mut digits = [b'0'; 14];
        let start = 14_usize.saturating_sub(text.len());
        for (slot, byte) in digits.iter_mut().skip(start).zip(text.bytes()) {
            *slot = byte;
        }
        Self::from_digits(digits)
    }

    /// Completes 13 digits (indicator, company prefix, item reference) with their check digit.
    pub fn from_body(body: &[u8]) -> Result<Self, GtinError> {
        if body.len() != 13 {
            return Err(GtinError::Length(body.len()));
        }
        if !body.iter().all(u8::is_ascii_digit) {
            return Err(GtinError::NotDigits);
        }
        let mut digits = [b'0'; 14];
        for (slot, byte) in digits.iter_mut().zip(body.iter().chain(&[check_digit(body)])) {
            *slot = *byte;
        }
        Ok(Self(digits))
    }

    fn from_digits(digits: [u8; 14]) -> Result<Self, GtinError> {
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(GtinError::NotDigits);
        }
        if !is_valid(&digits) {
            let [body @ .., found] = digits;
            let expected = check_digit(&body);
            return Err(GtinError::CheckDigit {
                found: char::from(found),
                expected: char::from(expected),
            });
        }
        Ok(Self(digits))
    }

    /// The 14 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The 14 digits as ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 14] {
        &self.0
    }
}

impl fmt::Display for Gtin14 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Gtin14 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gtin14({self})")
    }
}

impl FromStr for Gtin14 {
    type Err = GtinError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let got =
            Gtin14::parse_padded(text).map(|gtin| gtin.to_string()).map_err(|e| e.to_string());
        match expected {
            Ok(gtin) => assert_eq!(got.as_deref(), Ok(gtin), "{text}"),
            Err(part) => assert!(got.clone().unwrap_err().contains(part), "{text}: {got:?}"),
        }
    }

    #[test]
    fn gtins_of_every_length_are_padded_and_checked() {
        check("00313000007772", Ok("00313000007772"));
        check("313000007772", Ok("00313000007772"));
        check("0313000007772", Ok("00313000007772"));
        check("96385074", Ok("00000096385074"));
        check("00313000007773", Err("must be 2"));
        check("0031300000777", Err("check digit"));
        check("003130000077", Err("check digit"));
        check("0031300000777a", Err("digits only"));
        check("", Err("not 0 characters"));
        check("003130000077720", Err("not 15 characters"));
    }

    #[test]
    fn strict_parse_refuses_shorter_forms() {
        assert_eq!(Gtin14::parse("313000007772"), Err(GtinError::Length(12)));
    }

    #[test]
    fn body_is_completed() {
        assert_eq!(Gtin14::from_body(b"0031300000777").unwrap().as_str(), "00313000007772");
        assert_eq!(Gtin14::from_body(b"003130000077"), Err(GtinError::Length(12)));
        assert_eq!(Gtin14::from_body(b"00313000007x7"), Err(GtinError::NotDigits));
    }
}
