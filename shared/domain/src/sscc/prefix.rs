//! Extension digit and GS1 company prefix: what the SSCCs of one pool have in common.

use std::fmt;
use std::str::FromStr;

use super::{SSCC_BODY, Sscc};
use crate::check_digit::check_digit;

/// The digits that a company prefix may have.
pub const COMPANY_PREFIX_DIGITS: std::ops::RangeInclusive<u8> = 6..=12;
/// Digits of an SSCC that are neither extension nor check digit.
const PREFIX_AND_REFERENCE: u8 = 16;

/// An extension digit and a GS1 company prefix of 6 to 12 digits. Written `<company prefix>.<extension digit>`,
/// as an SSCC's URN begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SsccPrefix {
    /// The extension digit, the company prefix, and zeros.
    digits: [u8; 13],
    /// Digits of the company prefix.
    length: u8,
}

/// Why something is no company prefix with an extension digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SsccPrefixError {
    /// The company prefix has another form.
    #[error("a GS1 company prefix has 6 to 12 digits")]
    CompanyPrefix,
    /// The extension digit is none.
    #[error("the extension digit is 0 to 9")]
    Extension,
}

impl SsccPrefix {
    /// Reads a company prefix and takes an extension digit.
    pub fn parse(company_prefix: &str, extension_digit: u8) -> Result<Self, SsccPrefixError> {
        let wrong = SsccPrefixError::CompanyPrefix;
        let length = u8::try_from(company_prefix.len()).map_err(|_| wrong)?;
        let is_digits = company_prefix.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits || !COMPANY_PREFIX_DIGITS.contains(&length) {
            return Err(wrong);
        }
        if extension_digit > 9 {
            return Err(SsccPrefixError::Extension);
        }
        let mut digits = [b'0'; 13];
        let extension = b'0'.saturating_add(extension_digit);
        for (slot, byte) in
            digits.iter_mut().zip([extension].into_iter().chain(company_prefix.bytes()))
        {
            *slot = byte;
        }
        Ok(Self { digits, length })
    }

    /// The company prefix.
    #[must_use]
    pub fn company_prefix(&self) -> &str {
        let digits = self.digits.get(1..self.digit_count()).unwrap_or_default();
        std::str::from_utf8(digits).unwrap_or_default()
    }

    /// Digits of the company prefix, 6 to 12.
    #[must_use]
    pub const fn company_prefix_length(&self) -> u8 {
        self.length
    }

    /// The extension digit, 0 to 9.
    #[must_use]
    pub const fn extension_digit(&self) -> u8 {
        let [extension, ..] = self.digits;
        extension.saturating_sub(b'0')
    }

    /// The digits of a serial reference, 4 to 10.
    #[must_use]
    pub const fn reference_digits(&self) -> u8 {
        PREFIX_AND_REFERENCE.saturating_sub(self.length)
    }

    /// How many serial references there are.
    #[must_use]
    pub fn capacity(&self) -> u128 {
        10_u128.saturating_pow(u32::from(self.reference_digits()))
    }

    /// An SSCC without its check digit as a number: what serial references of several company prefixes are
    /// compared by.
    #[must_use]
    pub fn body(&self, reference: u128) -> u128 {
        let prefix = self.digits.iter().take(self.digit_count());
        let number = prefix.fold(0_u128, |number, digit| {
            number.saturating_mul(10).saturating_add(u128::from(digit.saturating_sub(b'0')))
        });
        number.saturating_mul(self.capacity()).saturating_add(reference)
    }

    /// The SSCC of a serial reference below [`Self::capacity`]; of a greater one its last digits count.
    #[must_use]
    pub fn sscc(&self, reference: u128) -> Sscc {
        let mut digits = [b'0'; 18];
        let (body, check) = digits.split_at_mut(SSCC_BODY);
        let mut rest = reference;
        let count = usize::from(self.reference_digits());
        for digit in body.iter_mut().rev().take(count) {
            *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or_default());
            rest /= 10;
        }
        for (slot, byte) in body.iter_mut().zip(self.digits.iter().take(self.digit_count())) {
            *slot = *byte;
        }
        for slot in check {
            *slot = check_digit(body);
        }
        Sscc(digits)
    }

    /// The serial reference of an SSCC of this prefix.
    #[must_use]
    pub fn reference(&self, sscc: &Sscc) -> Option<u128> {
        let (prefix, rest) = sscc.0.split_at_checked(self.digit_count())?;
        let own = self.digits.iter().take(self.digit_count());
        if !own.eq(prefix) {
            return None;
        }
        let digits = rest.iter().take(usize::from(self.reference_digits()));
        Some(digits.fold(0, |number, digit| {
            number.saturating_mul(10).saturating_add(u128::from(digit.saturating_sub(b'0')))
        }))
    }

    /// Extension digit and company prefix.
    fn digit_count(&self) -> usize {
        usize::from(self.length).saturating_add(1)
    }
}

impl fmt::Display for SsccPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.company_prefix(), self.extension_digit())
    }
}

impl FromStr for SsccPrefix {
    type Err = SsccPrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (prefix, extension) = text.split_once('.').ok_or(SsccPrefixError::CompanyPrefix)?;
        let [digit @ b'0'..=b'9'] = extension.as_bytes() else {
            return Err(SsccPrefixError::Extension);
        };
        Self::parse(prefix, digit.saturating_sub(b'0'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::epc::{Epc, parse_epc, sscc_urn_text};

    fn prefix(text: &str) -> SsccPrefix {
        text.parse().unwrap()
    }

    #[test]
    fn an_sscc_is_made_of_its_parts() {
        // GS1 General Specifications: extension 3, company prefix 0614141, serial reference 000000417.
        let known = prefix("0614141.3");
        assert_eq!(known.sscc(417).as_str(), "306141410000004172");
        assert_eq!(known.reference(&known.sscc(417)), Some(417));
        assert_eq!((known.company_prefix(), known.extension_digit()), ("0614141", 3));
        assert_eq!((known.reference_digits(), known.capacity()), (9, 1_000_000_000));
        assert_eq!(prefix("0614142.3").reference(&known.sscc(417)), None);
        assert_eq!(prefix("0614141.4").reference(&known.sscc(417)), None);
    }

    #[test]
    fn wrong_parts_are_named() {
        let check = |company, extension, error| {
            assert_eq!(SsccPrefix::parse(company, extension), Err(error), "{company} {extension}");
        };
        let (form, digit) = (SsccPrefixError::CompanyPrefix, SsccPrefixError::Extension);
        check("06141", 1, form);
        check("0614141000000", 1, form);
        check("06141x1", 1, form);
        check("", 1, form);
        check("0614141", 10, digit);
        for text in ["0614141", "0614141.", "0614141.10", "0614141.x", ".1", "0614141.1.1"] {
            assert!(text.parse::<SsccPrefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn nested_company_prefixes_have_one_body_for_one_sscc() {
        let (short, long) = (prefix("061414.1"), prefix("06141412.1"));
        let sscc = long.sscc(77);
        let reference = short.reference(&sscc).unwrap();
        assert_eq!(short.sscc(reference), sscc);
        assert_eq!(short.body(reference), long.body(77));
    }

    proptest! {
        #[test]
        fn index_and_text_are_each_others_inverse(
            company in "[0-9]{6,12}", extension in 0_u8..=9, seed in any::<u128>(),
        ) {
            let prefix = SsccPrefix::parse(&company, extension).unwrap();
            prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
            let reference = seed.checked_rem(prefix.capacity()).unwrap();
            let sscc = prefix.sscc(reference);
            // What is written reads back with a right check digit, in all spellings.
            prop_assert_eq!(Sscc::parse(sscc.as_str()), Ok(sscc));
            prop_assert_eq!(prefix.reference(&sscc), Some(reference));
            let urn = sscc_urn_text(&sscc, prefix.company_prefix_length()).unwrap();
            prop_assert_eq!(parse_epc(&urn), Ok(Epc::Sscc(sscc)));
            let link = format!("https://id.gs1.org/00/{sscc}");
            prop_assert_eq!(parse_epc(&link), Ok(Epc::Sscc(sscc)));
            prop_assert_eq!(sscc.as_str()[..17].parse::<u128>().unwrap(), prefix.body(reference));
        }

        #[test]
        fn another_check_digit_is_refused(
            company in "[0-9]{6,12}", reference in 0_u128..10_000, add in 1_u8..=9,
        ) {
            let sscc = SsccPrefix::parse(&company, 0).unwrap().sscc(reference);
            let (body, check) = sscc.as_str().split_at(17);
            let wrong = check.parse::<u8>().unwrap().saturating_add(add) % 10;
            let refused = Sscc::parse(&format!("{body}{wrong}"));
            prop_assert_eq!(refused, Err(crate::sscc::SsccError::CheckDigit));
        }
    }
}
