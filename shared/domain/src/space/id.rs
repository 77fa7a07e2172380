//! The name of a space: it follows from the product and the form, so a form of a product has one space,
//! and with it one key, for ever.

use std::fmt;
use std::str::FromStr;

use super::SpaceForm;
use crate::gtin::Gtin14;
use crate::ids::{base32_lower, length_prefixed_sha256};

/// Characters of an id.
const LENGTH: usize = 26;

/// The space of a product and a form: 26 base32 characters in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpaceId([u8; LENGTH]);

/// Why a text names no space.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a space id has 26 base32 characters (a-z, 2-7)")]
pub struct SpaceIdError;

impl SpaceId {
    /// The space that texts of this form belong to.
    #[must_use]
    pub fn of(gtin: &Gtin14, form: &SpaceForm) -> Self {
        let alphabet = form.alphabet().to_string();
        let parts = [
            b"space".as_slice(),
            gtin.as_bytes(),
            form.prefix().as_bytes(),
            alphabet.as_bytes(),
            &[form.length()],
        ];
        let text = base32_lower(&length_prefixed_sha256(&parts));
        let mut id = [b'a'; LENGTH];
        for (place, byte) in id.iter_mut().zip(text.bytes()) {
            *place = byte;
        }
        Self(id)
    }

    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, SpaceIdError> {
        let known = |byte: &u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(byte);
        let id: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| SpaceIdError)?;
        if id.iter().all(known) { Ok(Self(id)) } else { Err(SpaceIdError) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for SpaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SpaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpaceId({self})")
    }
}

impl FromStr for SpaceId {
    type Err = SpaceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::{Alphabet, Characters};

    #[test]
    fn another_product_prefix_alphabet_or_length_is_another_space() {
        let gtin = |text| Gtin14::parse(text).unwrap();
        let form = |prefix, characters: &[Characters], length| {
            SpaceForm::new(prefix, Alphabet::of(characters, false).unwrap(), length).unwrap()
        };
        let (digits, upper) = (&[Characters::Digits][..], &[Characters::Upper][..]);
        let one = gtin("00313000007772");
        let mut ids = vec![
            SpaceId::of(&one, &form("", digits, 12)),
            SpaceId::of(&one, &form("1", digits, 12)),
            SpaceId::of(&one, &form("", digits, 13)),
            SpaceId::of(&one, &form("", upper, 12)),
            SpaceId::of(&gtin("00313000007789"), &form("", digits, 12)),
        ];
        assert_eq!(ids[0], SpaceId::of(&one, &form("", digits, 12)), "the same for ever");
        assert!(ids.iter().all(|id| SpaceId::parse(id.as_str()) == Ok(*id)));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 5);
    }

    #[test]
    fn the_id_of_a_form_is_never_another_one() {
        let alphabet = Alphabet::of(&[Characters::Digits], true).unwrap();
        let form = SpaceForm::new("A1", alphabet, 12).unwrap();
        let gtin = Gtin14::parse("00313000007772").unwrap();
        assert_eq!(SpaceId::of(&gtin, &form).as_str(), "4qju3jn7vhvufmqjs2tytzolxd");
    }

    #[test]
    fn other_texts_name_no_space() {
        for bad in ["", "a", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxy1", "a#b"] {
            assert_eq!(SpaceId::parse(bad), Err(SpaceIdError), "{bad}");
        }
    }
}
