//! How the indexes of a pool become serial texts and back, with all that is needed to do so.
//!
//! A [`Scheme`] says how numbers look and is stored with pools and allocations; a numbering is what a
//! scheme becomes once the key of its space is at hand. So what works on indexes alone never needs a key.

use std::sync::Arc;

use crate::list::{ListRun, ListTexts};
use crate::object_key::ObjectKey;
use crate::pool::{Scheme, SerialMatch};
use crate::serial::DecimalRun;
use crate::space::{SpaceCipher, TextRun};
use crate::sscc::{Sscc, SsccPrefix, SsccRun};

/// Indexes to texts and back.
#[derive(Debug, Clone)]
pub enum Numbering {
    /// Decimal, zero-padded to a fixed width of 1 to 20 characters.
    Sequential {
        /// The width in characters.
        width: u8,
    },
    /// The permutation of a space.
    Randomised(Arc<SpaceCipher>),
    /// SSCCs of a company prefix: an index is a serial reference, its text the 18 digits.
    Sscc(SsccPrefix),
    /// Imported texts, as far as they were read.
    List(Arc<ListTexts>),
}

/// The texts of consecutive indexes.
#[derive(Debug)]
pub enum SerialRun<'n> {
    /// Counted up in place.
    Decimal(DecimalRun),
    /// Enciphered many at a time; boxed for it holds as many texts.
    Space(Box<TextRun<'n>>),
    /// Counted up in place, each with its check digit.
    Sscc(SsccRun),
    /// Copied from what was read.
    List(ListRun<'n>),
}

impl Numbering {
    /// Decimal numbers of a width.
    #[must_use]
    pub const fn sequential(width: u8) -> Self {
        Self::Sequential { width }
    }

    /// The numbering of what is numbered by a scheme that needs no secret key.
    #[must_use]
    pub const fn keyless(of: ObjectKey, scheme: Scheme) -> Option<Self> {
        match (of, scheme) {
            (ObjectKey::Gtin(_), Scheme::Sequential { width }) => Some(Self::Sequential { width }),
            (ObjectKey::Sscc(prefix), Scheme::Sequential { .. }) => Some(Self::Sscc(prefix)),
            (_, Scheme::Randomised { .. } | Scheme::List { .. }) => None,
        }
    }

    /// Whether consecutive indexes have consecutive texts, so that two ends tell a range.
    #[must_use]
    pub const fn is_sequential(&self) -> bool {
        matches!(self, Self::Sequential { .. } | Self::Sscc(_))
    }

    /// The permutation, where it is one.
    #[must_use]
    pub const fn cipher(&self) -> Option<&Arc<SpaceCipher>> {
        match self {
            Self::Sequential { .. } | Self::Sscc(_) | Self::List(_) => None,
            Self::Randomised(cipher) => Some(cipher),
        }
    }

    /// The characters of a text; of an imported one at most.
    #[must_use]
    pub fn text_length(&self) -> usize {
        match self {
            Self::Sequential { width } => usize::from(*width),
            Self::Randomised(cipher) => cipher.form().text_length(),
            Self::Sscc(_) => Sscc::DIGITS,
            Self::List(texts) => texts.longest().serial,
        }
    }

    /// The serial text of an index.
    #[must_use]
    pub fn text_of(&self, index: u128) -> String {
        match self {
            Self::Sequential { width } => {
                format!("{index:0width$}", width = usize::from(*width))
            }
            Self::Randomised(cipher) => cipher.text_of(index),
            Self::Sscc(prefix) => prefix.sscc(index).to_string(),
            Self::List(texts) => texts.row(index).serial.to_owned(),
        }
    }

    /// The index of a serial text.
    #[must_use]
    pub fn index_of(&self, serial: &str) -> SerialMatch {
        match self {
            Self::Sequential { width } => decimal_index(*width, serial),
            Self::Randomised(cipher) => {
                cipher.index_of(serial).map_or(SerialMatch::NotOfScheme, SerialMatch::Index)
            }
            Self::Sscc(prefix) => {
                let index = Sscc::parse(serial).ok().and_then(|sscc| prefix.reference(&sscc));
                index.map_or(SerialMatch::NotOfScheme, SerialMatch::Index)
            }
            Self::List(texts) => {
                texts.index_of(serial).map_or(SerialMatch::NotOfScheme, SerialMatch::Index)
            }
        }
    }

    /// The texts of `count` indexes from `index` on.
    #[must_use]
    pub fn run(&self, index: u128, count: u64) -> SerialRun<'_> {
        match self {
            Self::Sequential { width } => SerialRun::Decimal(DecimalRun::new(index, *width)),
            Self::Randomised(cipher) => SerialRun::Space(Box::new(cipher.run(index, count))),
            Self::Sscc(prefix) => SerialRun::Sscc(SsccRun::new(prefix, index)),
            Self::List(texts) => SerialRun::List(texts.run(index)),
        }
    }

    /// The same, one text after the other.
    #[must_use]
    pub fn texts(&self, index: u128, count: u64) -> Vec<String> {
        let mut run = self.run(index, count);
        let text = |run: &SerialRun<'_>| run.as_bytes().iter().copied().map(char::from).collect();
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(text(&run));
            run.advance();
        }
        texts
    }
}

impl SerialRun<'_> {
    /// The text of the index at hand.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Decimal(run) => run.as_bytes(),
            Self::Space(run) => run.as_bytes(),
            Self::Sscc(run) => run.as_bytes(),
            Self::List(run) => run.row().serial.as_bytes(),
        }
    }

    /// Goes on to the next index.
    #[inline]
    pub fn advance(&mut self) {
        match self {
            Self::Decimal(run) => run.advance(),
            Self::Space(run) => run.advance(),
            Self::Sscc(run) => run.advance(),
            Self::List(run) => run.advance(),
        }
    }
}

/// The index of a decimal text of this width.
fn decimal_index(width: u8, serial: &str) -> SerialMatch {
    let bytes = serial.as_bytes();
    if bytes.is_empty() || bytes.len() > usize::from(width) {
        return SerialMatch::NotOfScheme;
    }
    // At most 20 digits: 19 fit a u64, the twentieth is added in u128.
    let mut high: u64 = 0;
    let (head, tail) = bytes.split_at(bytes.len().min(19));
    for byte in head {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return SerialMatch::NotOfScheme;
        }
        high = high.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    let mut index = u128::from(high);
    for byte in tail {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return SerialMatch::NotOfScheme;
        }
        index = index.wrapping_mul(10).wrapping_add(u128::from(digit));
    }
    if bytes.len() == usize::from(width) {
        SerialMatch::Index(index)
    } else {
        SerialMatch::LeadingZeroStripped(index)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gtin::Gtin14;
    use crate::pool::INDEX_LIMIT;
    use crate::space::{Alphabet, Characters, SpaceForm, SpaceKey};

    fn randomised(prefix: &str, length: u8) -> Numbering {
        let gtin = Gtin14::parse("00313000007772").unwrap();
        let alphabet = Alphabet::of(&[Characters::Digits, Characters::Upper], false).unwrap();
        let form = SpaceForm::new(prefix, alphabet, length).unwrap();
        let cipher = SpaceCipher::new(form, &gtin, &SpaceKey::from_bytes([7; 32])).unwrap();
        Numbering::Randomised(Arc::new(cipher))
    }

    #[test]
    fn texts_of_the_scheme_are_told_from_others() {
        let numbering = Numbering::sequential(12);
        let check = |text: &str, expected: SerialMatch| {
            assert_eq!(numbering.index_of(text), expected, "{text}");
        };
        check("000000010000", SerialMatch::Index(10_000));
        check("10000", SerialMatch::LeadingZeroStripped(10_000));
        check("0", SerialMatch::LeadingZeroStripped(0));
        check("0010000", SerialMatch::LeadingZeroStripped(10_000));
        check("00000001000a", SerialMatch::NotOfScheme);
        check("0000000010000", SerialMatch::NotOfScheme);
        check("", SerialMatch::NotOfScheme);
        let widest = Numbering::sequential(20);
        let last = INDEX_LIMIT - 1;
        assert_eq!(widest.index_of(&"9".repeat(20)), SerialMatch::Index(last));
        assert_eq!(widest.text_of(last), "9".repeat(20));
    }

    #[test]
    fn an_sscc_is_its_serial_reference_or_nothing() {
        let numbering = Numbering::Sscc("0614141.3".parse().unwrap());
        let check = |text: &str, expected: SerialMatch| {
            assert_eq!(numbering.index_of(text), expected, "{text}");
        };
        check("306141410000004172", SerialMatch::Index(417));
        // Another check digit, extension digit, company prefix, and no SSCC at all.
        check("306141410000004173", SerialMatch::NotOfScheme);
        check("406141410000004179", SerialMatch::NotOfScheme);
        check("306141420000004171", SerialMatch::NotOfScheme);
        check("417", SerialMatch::NotOfScheme);
        assert_eq!(numbering.text_of(417).len(), numbering.text_length());
        assert!(numbering.is_sequential());
    }

    #[test]
    fn a_text_of_a_space_is_its_index_or_nothing() {
        let numbering = randomised("7", 10);
        let text = numbering.text_of(12_345);
        assert_eq!(text.len(), numbering.text_length());
        assert_eq!(numbering.index_of(&text), SerialMatch::Index(12_345));
        // Nothing is stripped from a random text: a shorter one is another text.
        assert_eq!(numbering.index_of(&text[1..]), SerialMatch::NotOfScheme);
        assert_eq!(numbering.index_of(&text.to_lowercase()), SerialMatch::NotOfScheme);
    }

    proptest! {
        #[test]
        fn index_and_text_are_each_others_inverse(width in 1_u8..=20, seed in any::<u128>()) {
            let numbering = Numbering::sequential(width);
            let index = seed.checked_rem(Scheme::Sequential { width }.capacity()).unwrap();
            let text = numbering.text_of(index);
            prop_assert_eq!(text.len(), usize::from(width));
            prop_assert_eq!(numbering.index_of(&text), SerialMatch::Index(index));
        }

        #[test]
        fn a_run_writes_what_single_texts_are(start in 0_u128..1_000_000, count in 0_u64..200) {
            let ssccs = Numbering::Sscc("06141412.3".parse().unwrap());
            for numbering in [Numbering::sequential(9), randomised("A", 8), ssccs] {
                let alone: Vec<String> =
                    (start..).take(usize::try_from(count).unwrap()).map(|i| numbering.text_of(i)).collect();
                prop_assert_eq!(numbering.texts(start, count), alone);
            }
        }
    }
}
