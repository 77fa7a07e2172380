//! A row of a list, and how rows lie behind each other in a segment.

use crate::serial::{SerialError, check_ai82, is_ai82};

/// Characters of a crypto key or code: what a company's own AI (91 to 99) may carry.
pub const CRYPTO_LENGTH_MAX: usize = 90;

/// A number with what belongs to it; empty where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// The serial number.
    pub serial: &'a str,
    /// The crypto key, AI (91), byte for byte.
    pub key: &'a str,
    /// The crypto code, AI (92), byte for byte.
    pub code: &'a str,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The number is none.
    #[error(transparent)]
    Serial(#[from] SerialError),
    /// The crypto key or code has other characters, or too many of them.
    #[error("the {0} has at most 90 characters of the GS1 character set 82")]
    Crypto(&'static str),
    /// It has not one value for each column.
    #[error("the line has {values} values for {columns} columns")]
    Columns {
        /// How many it has.
        values: usize,
        /// How many it should have.
        columns: usize,
    },
    /// It is no text.
    #[error("the line is not UTF-8")]
    Encoding,
}

impl<'a> Row<'a> {
    /// Checks the rules of a row.
    pub fn check(&self) -> Result<(), RowError> {
        check_ai82(self.serial)?;
        for (name, text) in [("crypto key", self.key), ("crypto code", self.code)] {
            if text.len() > CRYPTO_LENGTH_MAX || !text.bytes().all(is_ai82) {
                return Err(RowError::Crypto(name));
            }
        }
        Ok(())
    }

    /// Appends the row: each of its texts behind its length, one byte.
    pub fn put(&self, out: &mut Vec<u8>) {
        for text in [self.serial, self.key, self.code] {
            let text = text.as_bytes();
            let text = text.get(..text.len().min(CRYPTO_LENGTH_MAX)).unwrap_or_default();
            out.push(u8::try_from(text.len()).unwrap_or_default());
            out.extend_from_slice(text);
        }
    }

    /// The first row of the bytes and what is behind it; `None` where they do not begin with a row.
    #[must_use]
    pub fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (serial, bytes) = text(bytes)?;
        let (key, bytes) = text(bytes)?;
        let (code, bytes) = text(bytes)?;
        Some((Self { serial, key, code }, bytes))
    }
}

fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, bytes) = bytes.split_first()?;
    let (text, bytes) = bytes.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(text).ok()?, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_put() {
        let rows = [
            Row { serial: "007aB+=", key: "", code: "" },
            Row { serial: "a,\"/%", key: "92A0", code: "MEUCIQ+/=" },
        ];
        let mut bytes = Vec::new();
        for row in &rows {
            row.put(&mut bytes);
        }
        let (first, rest) = Row::take(&bytes).unwrap();
        assert_eq!((first, Row::take(rest).unwrap()), (rows[0], (rows[1], &[][..])));
        assert_eq!(Row::take(&bytes[..3]), None);
        assert_eq!(Row::take(&[]), None);
    }

    #[test]
    fn rows_are_checked() {
        let row = Row { serial: "A", key: "k", code: "c" };
        assert_eq!(row.check(), Ok(()));
        let check = |row: Row<'_>| row.check().unwrap_err();
        assert_eq!(check(Row { serial: "", ..row }), RowError::Serial(SerialError::Length(0)));
        let long = "9".repeat(21);
        assert_eq!(check(Row { serial: &long, ..row }), RowError::Serial(SerialError::Length(21)));
        let stranger = RowError::Serial(SerialError::Character('ä'));
        assert_eq!(check(Row { serial: "ä", ..row }), stranger);
        let most = "k".repeat(CRYPTO_LENGTH_MAX);
        assert_eq!(Row { key: &most, code: &most, ..row }.check(), Ok(()));
        let long = format!("{most}k");
        assert_eq!(check(Row { key: &long, ..row }), RowError::Crypto("crypto key"));
        assert_eq!(check(Row { code: "a b", ..row }), RowError::Crypto("crypto code"));
    }
}
