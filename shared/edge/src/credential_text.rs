//! How a credential is written in an `Authorization` header. Parsing only: nothing here knows
//! whether the credential exists.
//!
//! `Bearer tp_<id>_<secret>` or `Basic base64(<id>:<secret>)`; id and secret are lower-case
//! base32 (`a`–`z`, `2`–`7`), so neither holds `_` or `:`.

use data_encoding::BASE64;

/// Longest id, in characters.
pub const ID_CHARACTERS_MAX: usize = 64;
/// Longest secret, in characters.
pub const SECRET_CHARACTERS_MAX: usize = 128;
/// Longest header value looked at, in bytes.
pub const HEADER_BYTES_MAX: usize = 512;

/// An id and a secret as presented. `Debug` is absent on purpose: the secret stays out of logs.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialText {
    id: String,
    secret: String,
}

impl CredentialText {
    /// Reads the value of an `Authorization` header; `None` if it is no credential of ours.
    #[must_use]
    pub fn parse_header(value: &str) -> Option<Self> {
        if value.len() > HEADER_BYTES_MAX {
            return None;
        }
        let (scheme, rest) = value.trim().split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            Self::parse_token(rest)
        } else if scheme.eq_ignore_ascii_case("basic") {
            let decoded = String::from_utf8(BASE64.decode(rest.as_bytes()).ok()?).ok()?;
            let (id, secret) = decoded.split_once(':')?;
            Self::from_parts(id, secret)
        } else {
            None
        }
    }

    /// Reads `tp_<id>_<secret>`.
    #[must_use]
    pub fn parse_token(token: &str) -> Option<Self> {
        let (id, secret) = token.strip_prefix("tp_")?.split_once('_')?;
        Self::from_parts(id, secret)
    }

    fn from_parts(id: &str, secret: &str) -> Option<Self> {
        let well_formed =
            is_base32(id, ID_CHARACTERS_MAX) && is_base32(secret, SECRET_CHARACTERS_MAX);
        well_formed.then(|| Self { id: id.to_owned(), secret: secret.to_owned() })
    }

    /// The public half.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The secret half; hash it, never log it.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

fn is_base32(text: &str, characters_max: usize) -> bool {
    !text.is_empty()
        && text.len() <= characters_max
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

#[cfg(test)]
mod tests {
    use super::{BASE64, CredentialText};
    use proptest::prelude::*;

    fn check(value: &str, expected: Option<(&str, &str)>) {
        let parsed = CredentialText::parse_header(value);
        let found = parsed.as_ref().map(|text| (text.id(), text.secret()));
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn bearer_and_basic_carry_the_same_credential() {
        check("Bearer tp_abc2_def7", Some(("abc2", "def7")));
        check("bearer  tp_abc2_def7 ", Some(("abc2", "def7")));
        check(&format!("Basic {}", BASE64.encode(b"abc2:def7")), Some(("abc2", "def7")));
    }

    #[test]
    fn anything_else_is_no_credential() {
        let long = format!("Bearer tp_a_{}", "b".repeat(129));
        let wide = format!("Bearer tp_{}_b", "a".repeat(65));
        let not_text = format!("Basic {}", BASE64.encode(&[0xff, b':', 0xfe]));
        for value in [
            "",
            "Bearer",
            "Bearer tp_abc",
            "Bearer tp_abc_",
            "Bearer tp__abc",
            "Bearer tp_ABC_def",
            "Bearer tp_abc_de1",
            "Bearer tp_abc_def_ghi",
            "Bearer xx_abc_def",
            "Basic abc:def",
            "Basic ????",
            "Digest abc",
            long.as_str(),
            wide.as_str(),
            not_text.as_str(),
        ] {
            check(value, None);
        }
    }

    proptest! {
        #[test]
        fn no_header_value_panics(value in ".*") {
            let parsed = CredentialText::parse_header(&value);
            prop_assert!(parsed.is_none_or(|text| !text.id().is_empty()));
        }
    }
}
