//! What the numbers of a pool are numbers of: a trade item, or the logistic units of a company.

use std::fmt;
use std::str::FromStr;

use crate::epc::{DIGITAL_LINK_ROOT, digital_link_text, sgtin_urn_text, sscc_urn_text};
use crate::gtin::{Gtin14, GtinError};
use crate::sscc::{Sscc, SsccPrefix, SsccPrefixError};

/// The key whose instances a pool numbers. Pools of different keys have nothing in common, but for company
/// prefixes of which one begins with the other ([`SsccPrefix::body`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKey {
    /// Serial numbers of a trade item (SGTIN).
    Gtin(Gtin14),
    /// Serial references of a company prefix and an extension digit (SSCC).
    Sscc(SsccPrefix),
}

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectKeyError {
    /// It is no GTIN.
    #[error(transparent)]
    Gtin(#[from] GtinError),
    /// It is no company prefix with an extension digit.
    #[error(transparent)]
    Sscc(#[from] SsccPrefixError),
}

impl ObjectKey {
    /// The trade item; `None` of logistic units.
    #[must_use]
    pub const fn gtin(&self) -> Option<Gtin14> {
        match self {
            Self::Gtin(gtin) => Some(*gtin),
            Self::Sscc(_) => None,
        }
    }

    /// Company prefix and extension digit; `None` of a trade item.
    #[must_use]
    pub const fn sscc(&self) -> Option<SsccPrefix> {
        match self {
            Self::Gtin(_) => None,
            Self::Sscc(prefix) => Some(*prefix),
        }
    }

    /// An index as it is compared with those of other keys that could write the same text.
    #[must_use]
    pub fn comparable(&self, index: u128) -> u128 {
        match self {
            Self::Gtin(_) => index,
            Self::Sscc(prefix) => prefix.body(index),
        }
    }

    /// The EPC URN of one of its numbers; `None` where the prefix length or the number has none.
    #[must_use]
    pub fn urn_text(&self, company_prefix_length: u8, number: &str) -> Option<String> {
        match self {
            Self::Gtin(gtin) => sgtin_urn_text(gtin, company_prefix_length, number),
            Self::Sscc(_) => sscc_urn_text(&Sscc::parse(number).ok()?, company_prefix_length),
        }
    }

    /// The EPC of one of its numbers: its URN, or its Digital Link where it has no URN.
    #[must_use]
    pub fn epc_text(&self, company_prefix_length: u8, number: &str) -> String {
        self.urn_text(company_prefix_length, number).unwrap_or_else(|| match self {
            Self::Gtin(gtin) => digital_link_text(gtin, number),
            Self::Sscc(_) => format!("{DIGITAL_LINK_ROOT}/00/{number}"),
        })
    }

    /// What people call a key of this kind.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Gtin(_) => "GTIN",
            Self::Sscc(_) => "Company prefix and extension digit",
        }
    }

    /// The word used in items, requests and answers.
    #[must_use]
    pub const fn encoding(&self) -> &'static str {
        match self {
            Self::Gtin(_) => "SGTIN",
            Self::Sscc(_) => "SSCC",
        }
    }
}

impl From<Gtin14> for ObjectKey {
    fn from(gtin: Gtin14) -> Self {
        Self::Gtin(gtin)
    }
}

impl From<&Gtin14> for ObjectKey {
    fn from(gtin: &Gtin14) -> Self {
        Self::Gtin(*gtin)
    }
}

impl From<SsccPrefix> for ObjectKey {
    fn from(prefix: SsccPrefix) -> Self {
        Self::Sscc(prefix)
    }
}

impl From<&Self> for ObjectKey {
    fn from(key: &Self) -> Self {
        *key
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gtin(gtin) => write!(f, "{gtin}"),
            Self::Sscc(prefix) => write!(f, "{prefix}"),
        }
    }
}

impl FromStr for ObjectKey {
    type Err = ObjectKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('.') {
            return Ok(Self::Sscc(text.parse()?));
        }
        Ok(Self::Gtin(Gtin14::parse(text)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_epc_of_its_kind() {
        let check = |key: &str, length: u8, number: &str, epc: &str| {
            let key: ObjectKey = key.parse().unwrap();
            assert_eq!(key.epc_text(length, number), epc);
            assert_eq!(key.urn_text(length, number).is_some(), epc.starts_with("urn:"));
        };
        check("00313000007772", 7, "a/b", "urn:epc:id:sgtin:0313000.000777.a%2Fb");
        check("00313000007772", 5, "a/b", "https://id.gs1.org/01/00313000007772/21/a%2Fb");
        check("0614141.3", 7, "306141410000004172", "urn:epc:id:sscc:0614141.3000000417");
        check("0614141.3", 5, "306141410000004172", "https://id.gs1.org/00/306141410000004172");
    }

    #[test]
    fn a_key_is_read_as_it_is_written_and_says_what_it_is_of() {
        for (text, encoding) in [("00313000007772", "SGTIN"), ("0355555.1", "SSCC")] {
            let key: ObjectKey = text.parse().unwrap();
            assert_eq!((key.to_string().as_str(), key.encoding()), (text, encoding));
            assert_eq!(
                (key.gtin().is_some(), key.sscc().is_some()),
                (text.len() == 14, text.len() != 14)
            );
        }
        for text in
            ["", "0313000007772", "00313000007773", "0355555", "0355555.", ".1", "035555.12"]
        {
            assert!(text.parse::<ObjectKey>().is_err(), "{text}");
        }
    }
}
