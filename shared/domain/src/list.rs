//! Numbers that were imported: a list is what a pool has instead of a rule by which indexes become texts.
//!
//! The index of a number is its place in the order of import, from 1. Ranges, ledgers and allocations work on
//! indexes and know nothing of lists. Here is what a row of a list is, how rows lie behind each other in a
//! segment, the texts of some consecutive indexes ([`ListTexts`]), and what a list says of itself to other
//! sources of the same product ([`ListShape`]).

mod row;
mod shape;
mod texts;

use std::fmt;
use std::str::FromStr;

pub use self::row::{CRYPTO_LENGTH_MAX, Row, RowError};
pub use self::shape::ListShape;
pub use self::texts::{ListRun, ListTexts, Longest};

use crate::ids::PoolId;

/// Rows of a segment: as many as a block of the ledger has.
pub const SEGMENT_ROWS: u32 = 32_768;
/// Rows of one import.
pub const IMPORT_ROWS_MAX: u32 = 4_000_000;
/// The first index of a list.
pub const FIRST: u128 = 1;

/// Characters of an id.
const LENGTH: usize = 26;

/// The list of a pool, which is named like it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListId([u8; LENGTH]);

impl ListId {
    /// The list of a pool.
    #[must_use]
    pub fn of(pool: &PoolId) -> Self {
        let mut id = [b'A'; LENGTH];
        for (place, byte) in id.iter_mut().zip(pool.as_str().bytes()) {
            *place = byte;
        }
        Self(id)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for ListId {
    type Err = crate::ids::IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        PoolId::parse(text).map(|pool| Self::of(&pool))
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ListId({self})")
    }
}

/// What an index of texts is sorted by: the first 64 bits of SHA-256. Texts of one hash are told apart by
/// whoever finds two of them.
#[must_use]
pub fn text_hash(text: &str) -> u64 {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_named_like_its_pool() {
        let pool = PoolId::from_entropy([5; 17]);
        let list = ListId::of(&pool);
        assert_eq!(list.as_str(), pool.as_str());
        assert_eq!(list.as_str().parse(), Ok(list));
        assert!("abc".parse::<ListId>().is_err());
    }

    #[test]
    fn hashes_are_the_beginning_of_sha_256() {
        // The digest of "abc" begins so (FIPS 180-2, B.1).
        assert_eq!(text_hash("abc"), 0xba78_16bf_8f01_cfea);
    }
}
