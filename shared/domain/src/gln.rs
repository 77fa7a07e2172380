//! GLN: the Global Location Number, 13 digits of text, and its EPC form SGLN.

use std::fmt;
use std::str::FromStr;

use crate::check_digit::{check_digit, is_valid};

/// A GLN with a correct check digit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gln([u8; 13]);

/// Why a text is no GLN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlnError {
    /// The text does not have 13 digits.
    #[error("a GLN has 13 digits")]
    Form,
    /// The last digit is not the check digit of the others.
    #[error("the check digit of the GLN is wrong, it must be {expected}")]
    CheckDigit {
        /// The digit that the others demand.
        expected: char,
    },
}

impl Gln {
    /// Reads a GLN of exactly 13 digits.
    pub fn parse(text: &str) -> Result<Self, GlnError> {
        let digits: [u8; 13] = text.as_bytes().try_into().map_err(|_| GlnError::Form)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(GlnError::Form);
        }
        if !is_valid(&digits) {
            let [body @ .., _] = digits;
            return Err(GlnError::CheckDigit { expected: char::from(check_digit(&body)) });
        }
        Ok(Self(digits))
    }

    /// The GLN in a location identifier as events carry it: an SGLN URN (its `urn:` may be missing, as
    /// some lines write it), a Digital Link with `/414/`, or the bare 13 digits. `None` for anything
    /// else, such as the name of a line.
    #[must_use]
    pub fn from_location(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((_, rest)) = text.split_once("/414/") {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            return Self::parse(rest.get(..end)?).ok();
        }
        let urn = text.strip_prefix("urn:").unwrap_or(text);
        let Some(body) = urn.strip_prefix("epc:id:sgln:") else {
            return Self::parse(text).ok();
        };
        let mut parts = body.splitn(3, '.');
        let (prefix, reference) = (parts.next()?, parts.next()?);
        let mut digits = format!("{prefix}{reference}").into_bytes();
        if digits.len() != 12 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        digits.push(check_digit(&digits));
        Some(Self(digits.try_into().ok()?))
    }

    /// The 13 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Gln {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Gln {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gln({self})")
    }
}

impl FromStr for Gln {
    type Err = GlnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glns_are_checked() {
        assert_eq!(Gln::parse("0313000000018").unwrap().as_str(), "0313000000018");
        assert_eq!(Gln::parse("0313000000019"), Err(GlnError::CheckDigit { expected: '8' }));
        assert_eq!(Gln::parse("031300000001"), Err(GlnError::Form));
        assert_eq!(Gln::parse("031300000001x"), Err(GlnError::Form));
    }

    #[test]
    fn locations_in_every_spelling_give_the_gln() {
        let check = |text: &str, gln: Option<&str>| {
            assert_eq!(Gln::from_location(text).map(|g| g.to_string()).as_deref(), gln, "{text}");
        };
        check("urn:epc:id:sgln:0313000.00001.0", Some("0313000000018"));
        check(" epc:id:sgln:0313000.00001.0 ", Some("0313000000018"));
        check("urn:epc:id:sgln:0313000.00001.room/7", Some("0313000000018"));
        check("https://id.gs1.org/414/0313000000018", Some("0313000000018"));
        check("https://id.gs1.org/414/0313000000018/254/A7?x=1", Some("0313000000018"));
        check("0313000000018", Some("0313000000018"));
        check("ML-150", None);
        check("N/A", None);
        check("urn:epc:id:sgln:0313000.0001.0", None);
        check("", None);
    }
}
