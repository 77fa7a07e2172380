//! The texts of consecutive indexes of a list, as far as they were read.

use std::sync::OnceLock;

use super::{Row, text_hash};
use crate::serial::SERIAL_LENGTH_MAX;

/// The longest texts of a list, in bytes; 0 where it has none of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Longest {
    /// Of the serial numbers.
    pub serial: usize,
    /// Of the crypto keys.
    pub key: usize,
    /// Of the crypto codes.
    pub code: usize,
}

impl Longest {
    /// Whether some number has a crypto key or code.
    #[must_use]
    pub const fn has_crypto(&self) -> bool {
        self.key > 0 || self.code > 0
    }

    /// The longer one of each kind.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self {
            serial: self.serial.max(other.serial),
            key: self.key.max(other.key),
            code: self.code.max(other.code),
        }
    }

    /// Of a row.
    #[must_use]
    pub const fn of(row: &Row<'_>) -> Self {
        Self { serial: row.serial.len(), key: row.key.len(), code: row.code.len() }
    }
}

/// Texts of consecutive indexes. Of other indexes of the list it knows nothing: who asks for texts reads them
/// first.
#[derive(Debug, Default)]
pub struct ListTexts {
    longest: Longest,
    first: u128,
    /// The rows behind each other.
    rows: Vec<u8>,
    /// Where each row begins.
    starts: Vec<usize>,
    /// Hashes and places, sorted; made when somebody asks for the index of a text.
    hashes: OnceLock<Vec<(u64, usize)>>,
}

/// Rows one after the other; behind the last one they are empty.
#[derive(Debug)]
pub struct ListRun<'n> {
    texts: &'n ListTexts,
    index: u128,
}

const NONE: Row<'static> = Row { serial: "", key: "", code: "" };

impl ListTexts {
    /// Of no index yet.
    #[must_use]
    pub fn none(longest: Longest) -> Self {
        Self { longest, ..Self::default() }
    }

    /// Texts from an index on.
    #[must_use]
    pub fn from(first: u128, longest: Longest) -> Self {
        Self { longest, first, ..Self::default() }
    }

    /// Appends a row.
    pub fn push(&mut self, row: &Row<'_>) {
        self.starts.push(self.rows.len());
        row.put(&mut self.rows);
        self.hashes = OnceLock::new();
    }

    /// The longest texts of the whole list.
    #[must_use]
    pub const fn longest(&self) -> Longest {
        self.longest
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Whether all of these indexes are known.
    #[must_use]
    pub fn covers(&self, index: u128, count: u64) -> bool {
        let end = self.first.saturating_add(u128::try_from(self.len()).unwrap_or_default());
        index >= self.first && index.saturating_add(u128::from(count)) <= end
    }

    /// The row of an index; empty for an index that is not known.
    #[must_use]
    pub fn row(&self, index: u128) -> Row<'_> {
        let place = index.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        place.map_or(NONE, |place| self.at(place))
    }

    fn at(&self, place: usize) -> Row<'_> {
        let bytes = self.starts.get(place).and_then(|start| self.rows.get(*start..));
        bytes.and_then(Row::take).map_or(NONE, |(row, _)| row)
    }

    /// The index of a text, if it is among these.
    #[must_use]
    pub fn index_of(&self, serial: &str) -> Option<u128> {
        let is_text = (1..=SERIAL_LENGTH_MAX).contains(&serial.len());
        if is_text { self.index_of_hash(text_hash(serial), serial) } else { None }
    }

    /// The same for who knows the hash of the text.
    #[must_use]
    pub fn index_of_hash(&self, hash: u64, serial: &str) -> Option<u128> {
        let hashes = self.hashes.get_or_init(|| {
            let places = 0..self.len();
            let mut hashes: Vec<(u64, usize)> =
                places.map(|place| (text_hash(self.at(place).serial), place)).collect();
            hashes.sort_unstable();
            hashes
        });
        let from = hashes.partition_point(|(known, _)| *known < hash);
        let alike = hashes.iter().skip(from).take_while(|(known, _)| *known == hash);
        let place =
            alike.map(|(_, place)| *place).find(|place| self.at(*place).serial == serial)?;
        Some(self.first.saturating_add(u128::try_from(place).ok()?))
    }

    /// The rows from an index on.
    #[must_use]
    pub const fn run(&self, index: u128) -> ListRun<'_> {
        ListRun { texts: self, index }
    }
}

impl<'n> ListRun<'n> {
    /// The row at hand.
    #[must_use]
    pub fn row(&self) -> Row<'n> {
        self.texts.row(self.index)
    }

    /// Goes on to the next index.
    pub fn advance(&mut self) {
        self.index = self.index.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(first: u128, serials: &[&str]) -> ListTexts {
        let mut texts = ListTexts::from(first, Longest::default());
        for serial in serials {
            texts.push(&Row { serial, key: "K", code: "" });
        }
        texts
    }

    #[test]
    fn texts_are_found_by_index_and_indexes_by_text() {
        let known = texts(7, &["abc", "ABC", "007", "7", "a%\"/"]);
        for (index, serial) in (7_u128..).zip(["abc", "ABC", "007", "7", "a%\"/"]) {
            assert_eq!(known.row(index).serial, serial);
            assert_eq!(known.index_of(serial), Some(index));
        }
        for stranger in ["", "ab", "07", "aBC", &"a".repeat(21)] {
            assert_eq!(known.index_of(stranger), None, "{stranger}");
        }
        assert_eq!((known.row(6), known.row(12)), (NONE, NONE));
    }

    #[test]
    fn what_is_covered_is_known_whole() {
        let known = texts(7, &["a", "b", "c"]);
        assert!(known.covers(7, 3) && known.covers(8, 2) && known.covers(10, 0));
        assert!(!known.covers(6, 2) && !known.covers(8, 3) && !known.covers(u128::MAX, 1));
        assert!(ListTexts::none(Longest::default()).is_empty());
    }

    #[test]
    fn a_text_that_is_added_later_is_found_too() {
        let mut known = texts(1, &["a"]);
        assert_eq!(known.index_of("b"), None);
        known.push(&Row { serial: "b", key: "", code: "" });
        assert_eq!((known.index_of("b"), known.len()), (Some(2), 2));
    }
}
