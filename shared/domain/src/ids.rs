//! Identifiers of our own: pools, allocations, systems, requests.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, Specification};
use sha2::{Digest, Sha256};

/// Why a text is no identifier of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} has {rule}")]
pub struct IdError {
    kind: &'static str,
    rule: &'static str,
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $test:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Reads the identifier.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let test: fn(&str) -> bool = $test;
                if test(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { kind: $kind, rule: $rule })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    };
}

text_id!(
    /// A pool: chosen by the hub when the pool is created, 26 base32 characters.
    PoolId,
    "a pool id",
    "26 base32 characters (A-Z, 2-7)",
    is_base32_26
);
text_id!(
    /// An allocation: derived from the caller's system and request id, 26 base32 characters.
    AllocationId,
    "an allocation id",
    "26 base32 characters (A-Z, 2-7)",
    is_base32_26
);
text_id!(
    /// A connected system, such as a packaging line: chosen by the operator.
    SystemId,
    "a system id",
    "1 to 64 characters out of letters, digits, '-', '_' and '.', the first a letter or digit",
    |text| {
        text.len() <= 64
            && text.bytes().all(is_name_byte)
            && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
    }
);
text_id!(
    /// The caller's name for a request; the same name always means the same request (I3).
    RequestId,
    "a request id",
    "1 to 64 printable ASCII characters without spaces",
    |text| !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic())
);

fn is_base32_26(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b))
}

/// SHA-256 over parts, each preceded by its length (8 bytes, big endian), so that no two lists of parts
/// give the same input.
#[must_use]
pub fn length_prefixed_sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hash.update(length.to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn base32_26(bytes: &[u8]) -> String {
    let mut text = BASE32_NOPAD.encode(bytes);
    text.truncate(26);
    text
}

impl AllocationId {
    /// The identity of a request: a replay finds its own allocation (I3).
    #[must_use]
    pub fn of_request(system: &SystemId, request: &RequestId) -> Self {
        let hash =
            length_prefixed_sha256(&[system.as_str().as_bytes(), request.as_str().as_bytes()]);
        Self(base32_26(&hash))
    }
}

impl SystemId {
    /// The name that deliveries of nobody are kept under. No system may have it.
    #[must_use]
    pub fn unknown() -> Self {
        Self("unknown".to_owned())
    }
}

impl PoolId {
    /// A pool id out of 17 random bytes.
    #[must_use]
    pub fn from_entropy(entropy: [u8; 17]) -> Self {
        Self(base32_26(&entropy))
    }
}

/// Base32 in lower case without padding, as credentials use it.
#[must_use]
pub fn base32_lower(bytes: &[u8]) -> String {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.encoding().map_or_else(|_| String::new(), |encoding| encoding.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_identity_is_injective_over_the_boundary() {
        let id = |system: &str, request: &str| {
            AllocationId::of_request(
                &SystemId::parse(system).unwrap(),
                &RequestId::parse(request).unwrap(),
            )
        };
        assert_eq!(id("L1", "R1"), id("L1", "R1"));
        assert_ne!(id("L1", "1R"), id("L11", "R"));
        assert!(AllocationId::parse(id("L1", "R1").as_str()).is_ok());
    }

    #[test]
    fn ids_refuse_what_could_leave_their_key() {
        for bad in ["", "a/b", "a#b", "..%2f", "-x", ".", "..", "a b", "ü"] {
            assert!(SystemId::parse(bad).is_err(), "{bad}");
        }
        assert!(PoolId::parse("A").is_err());
        assert!(PoolId::parse("abcdefghijklmnopqrstuvwxyz").is_err());
        assert!(PoolId::parse(PoolId::from_entropy([7; 17]).as_str()).is_ok());
    }
}
