//! What a list says of its texts to other sources of the product: for each length the characters of each
//! position, and the least and the greatest of its decimal numbers.
//!
//! A space or a sequential pool that comes later is compared with that, not with each text: it may be refused
//! though no text is in both, and is never admitted when one is (I1).

use std::collections::BTreeMap;

use crate::serial::SERIAL_LENGTH_MAX;
use crate::space::{Clash, SpaceForm, TextShape, separate};

/// What the texts of one length have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct OfLength {
    /// The characters of each position, one bit for each.
    sets: [u128; SERIAL_LENGTH_MAX],
    /// The least and the greatest of the texts that are all digits.
    decimals: Option<(u128, u128)>,
}

/// What the texts of a list have, by their length; it only ever grows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListShape(BTreeMap<u8, OfLength>);

/// The number of a text of up to 20 digits.
fn decimal(text: &str) -> Option<u128> {
    let digits = text.len() <= SERIAL_LENGTH_MAX && text.bytes().all(|it| it.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn hull(one: Option<(u128, u128)>, other: Option<(u128, u128)>) -> Option<(u128, u128)> {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}

impl ListShape {
    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a text of set 82.
    pub fn add(&mut self, text: &str) {
        let Ok(length) = u8::try_from(text.len()) else { return };
        let of = self.0.entry(length).or_default();
        for (set, byte) in of.sets.iter_mut().zip(text.bytes()) {
            *set |= 1_u128.checked_shl(u32::from(byte)).unwrap_or_default();
        }
        of.decimals = hull(of.decimals, decimal(text).map(|number| (number, number)));
    }

    /// Adds all of another one's.
    pub fn join(&mut self, other: &Self) {
        for (length, theirs) in &other.0 {
            let of = self.0.entry(*length).or_default();
            for (set, more) in of.sets.iter_mut().zip(theirs.sets) {
                *set |= more;
            }
            of.decimals = hull(of.decimals, theirs.decimals);
        }
    }

    /// Whether a text like this one may be in the list.
    #[must_use]
    pub fn admits(&self, text: &str) -> bool {
        let of = u8::try_from(text.len()).ok().and_then(|length| self.0.get(&length));
        of.is_some_and(|of| {
            let mut sets = text.bytes().zip(of.sets);
            sets.all(|(byte, set)| set.checked_shr(u32::from(byte)).is_some_and(|it| it & 1 == 1))
        })
    }

    /// Proves that a space cannot print what is in the list, case folded, or names two texts that may meet.
    pub fn apart_from_space(&self, form: &SpaceForm) -> Result<(), Clash> {
        let space = TextShape::of_space(form);
        for (length, of) in &self.0 {
            let sets = of.sets.into_iter().take(usize::from(*length));
            separate(&space, &TextShape::of_sets(sets))?;
        }
        Ok(())
    }

    /// Whether decimal numbers of a width, from the first to the last, lie apart from those of the list.
    #[must_use]
    pub fn is_apart_from_decimals(&self, width: u8, (first, last): (u128, u128)) -> bool {
        let own = self.0.get(&width).and_then(|of| of.decimals);
        own.is_none_or(|(least, greatest)| last < least || greatest < first)
    }

    /// As bytes, from which [`ListShape::from_bytes`] makes it again.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (length, of) in &self.0 {
            bytes.push(*length);
            // No decimal number is that large.
            let (least, greatest) = of.decimals.unwrap_or((u128::MAX, u128::MAX));
            bytes.extend(least.to_be_bytes());
            bytes.extend(greatest.to_be_bytes());
            let sets = of.sets.iter().take(usize::from(*length));
            sets.for_each(|set| bytes.extend(set.to_be_bytes()));
        }
        bytes
    }

    /// Reads the bytes; `None` for others.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut shape = BTreeMap::new();
        while let Some((length, rest)) = bytes.split_first() {
            let (least, rest) = rest.split_first_chunk::<16>()?;
            let (greatest, mut rest) = rest.split_first_chunk::<16>()?;
            let ends = (u128::from_be_bytes(*least), u128::from_be_bytes(*greatest));
            let mut of = OfLength { decimals: Some(ends), ..OfLength::default() };
            of.decimals = of.decimals.filter(|ends| *ends != (u128::MAX, u128::MAX));
            let sets = of.sets.get_mut(..usize::from(*length))?;
            for set in sets {
                let (value, behind) = rest.split_first_chunk::<16>()?;
                *set = u128::from_be_bytes(*value);
                rest = behind;
            }
            shape.insert(*length, of);
            bytes = rest;
        }
        Some(Self(shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Alphabet;

    fn shape(texts: &[&str]) -> ListShape {
        let mut shape = ListShape::default();
        for text in texts {
            shape.add(text);
        }
        shape
    }

    fn form(prefix: &str, alphabet: &str, length: u8) -> SpaceForm {
        SpaceForm::new(prefix, Alphabet::custom(alphabet).unwrap(), length).unwrap()
    }

    #[test]
    fn a_space_that_could_print_a_text_is_refused_with_both() {
        let list = shape(&["A00000000001", "B00000000002"]);
        let digits = "0123456789";
        assert_eq!(list.apart_from_space(&form("", digits, 12)), Ok(()), "position 1");
        assert_eq!(list.apart_from_space(&form("C", digits, 11)), Ok(()), "position 1");
        assert_eq!(list.apart_from_space(&form("A", digits, 12)), Ok(()), "length");
        let clash = list.apart_from_space(&form("a", digits, 11)).unwrap_err();
        assert_eq!((clash.one.as_str(), &clash.other[..1]), ("a00000000001", "A"));
        assert_eq!(ListShape::default().apart_from_space(&form("a", digits, 11)), Ok(()));
    }

    #[test]
    fn decimal_numbers_are_compared_by_width_and_ends() {
        let list = shape(&["0100", "0200", "020x", "99"]);
        let check = |width, ends, apart| {
            assert_eq!(list.is_apart_from_decimals(width, ends), apart, "{width} {ends:?}");
        };
        check(4, (0, 99), true);
        check(4, (201, 9_999), true);
        check(4, (0, 100), false);
        check(4, (150, 160), false);
        check(4, (200, 300), false);
        check(3, (0, 999), true);
        check(2, (99, 99), false);
    }

    #[test]
    fn only_texts_alike_are_admitted() {
        let list = shape(&["AB", "CD"]);
        assert!(["AB", "AD", "CB"].iter().all(|text| list.admits(text)));
        assert!(["", "A", "BA", "ab", "ABC"].iter().all(|text| !list.admits(text)));
    }

    #[test]
    fn a_shape_comes_back_from_its_bytes_and_grows() {
        let mut one = shape(&["7", "0007", "a+b"]);
        assert_eq!(ListShape::from_bytes(&one.to_bytes()), Some(one.clone()));
        assert_eq!(ListShape::from_bytes(&[]), Some(ListShape::default()));
        let bytes = one.to_bytes();
        assert_eq!(ListShape::from_bytes(&bytes[1..]), None);
        assert_eq!(ListShape::from_bytes(&bytes[..bytes.len() - 1]), None);
        one.join(&shape(&["9", "x"]));
        assert_eq!(one, shape(&["x", "9", "7", "0007", "a+b"]));
    }
}
