//! SSCC: the Serial Shipping Container Code, 18 digits of text.

mod prefix;
mod run;

use std::fmt;
use std::str::FromStr;

use crate::check_digit::{check_digit, is_valid};

pub use self::prefix::{COMPANY_PREFIX_DIGITS, SsccPrefix, SsccPrefixError};
pub use self::run::SsccRun;

/// Digits of an SSCC before its check digit.
const SSCC_BODY: usize = 17;

/// An SSCC with a correct check digit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sscc([u8; 18]);

/// Why a text is no SSCC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SsccError {
    /// The text does not have 18 digits.
    #[error("an SSCC has 18 digits")]
    Form,
    /// The last digit is not the check digit of the others.
    #[error("the check digit of the SSCC is wrong")]
    CheckDigit,
}

impl Sscc {
    /// How many digits an SSCC has.
    pub const DIGITS: usize = 18;

    /// Reads an SSCC of exactly 18 digits.
    pub fn parse(text: &str) -> Result<Self, SsccError> {
        let digits: [u8; 18] = text.as_bytes().try_into().map_err(|_| SsccError::Form)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(SsccError::Form);
        }
        if is_valid(&digits) { Ok(Self(digits)) } else { Err(SsccError::CheckDigit) }
    }

    /// Reads the URN parts `company prefix` and `extension digit + serial reference` (17 digits).
    pub(crate) fn from_urn_parts(prefix: &str, reference: &str) -> Option<Self> {
        let (extension, serial) = reference.split_at_checked(1)?;
        let mut digits = format!("{extension}{prefix}{serial}").into_bytes();
        if digits.len() != 17 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        digits.push(check_digit(&digits));
        Some(Self(digits.try_into().ok()?))
    }

    /// The 18 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Sscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Sscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sscc({self})")
    }
}

impl FromStr for Sscc {
    type Err = SsccError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssccs_are_checked() {
        assert_eq!(Sscc::parse("306141410000004172").unwrap().as_str(), "306141410000004172");
        assert_eq!(Sscc::parse("306141410000004173"), Err(SsccError::CheckDigit));
        assert_eq!(Sscc::parse("30614141000000417"), Err(SsccError::Form));
        let sscc = Sscc::from_urn_parts("0614141", "3000000417").unwrap();
        assert_eq!(sscc.as_str(), "306141410000004172");
    }
}
