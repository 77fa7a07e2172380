//! Files for and from line systems: the numbers of an allocation as CSV and JSON, and as [`results`] what
//! became of them.
//!
//! Text is kept byte for byte (I7): a serial number that begins with `=`, `+` or `-` is quoted like every
//! other value and never altered, so a spreadsheet may take it for a formula; line software does not.
//! Memory does not grow with the size of the allocation (I10): rows are rendered in pieces, each of them
//! by itself, so that a file can be continued at any of its pieces.
//! The crate does not know where the bytes go or come from.

pub mod imports;
mod kind;
mod list_cells;
mod piece;
pub mod results;
mod row;

use domain::allocation::Allocation;
use domain::numbering::Numbering;
use domain::pool::Scheme;

pub use crate::kind::{FileKind, NoKind};
pub use crate::piece::Pieces;
use crate::row::RowWriter;

/// Counts the changes of any byte of a file, be it by this crate or by the compressor: a file that is begun by
/// one release is continued only by one of the same number (I5).
pub const RENDERER: u32 = 1;

/// Rows of a piece.
pub const PIECE_ROWS: u64 = 4_096;

/// Which columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// All columns, one row a number.
    Full,
    /// The serial number alone, one a line.
    Bare,
    /// One row for the whole range.
    Range,
}

/// Which syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, UTF-8 without byte order mark, CRLF.
    Csv,
    /// One JSON object.
    Json,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 3] = [Self::Full, Self::Bare, Self::Range];

    /// Whether it tells the numbers of a scheme: two ends tell all between them only where texts are
    /// consecutive.
    #[must_use]
    pub const fn tells(self, scheme: Scheme) -> bool {
        !matches!((self, scheme), (Self::Range, Scheme::Randomised { .. } | Scheme::List { .. }))
    }

    /// The word in queries and keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Bare => "bare",
            Self::Range => "range",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == text)
    }
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Json];

    /// The word in queries, and the ending of keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }

    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// The numbers of an allocation on their way into a file.
pub struct Export<'a> {
    allocation: &'a Allocation,
    numbering: &'a Numbering,
    kind: FileKind,
}

impl<'a> Export<'a> {
    /// An export of an allocation, not compressed.
    #[must_use]
    pub fn new(
        allocation: &'a Allocation,
        numbering: &'a Numbering,
        profile: Profile,
        format: Format,
    ) -> Self {
        Self::of(allocation, numbering, FileKind { profile, format, gzip: false })
    }

    /// An export of an allocation, whose numbering is given and whose scheme the profile tells.
    #[must_use]
    pub const fn of(allocation: &'a Allocation, numbering: &'a Numbering, kind: FileKind) -> Self {
        Self { allocation, numbering, kind }
    }

    /// The same export over other texts: those of the rows that are to be rendered.
    #[must_use]
    pub const fn over<'n>(&self, numbering: &'n Numbering) -> Export<'n>
    where
        'a: 'n,
    {
        Export { allocation: self.allocation, numbering, kind: self.kind }
    }

    /// The first index and how many there are.
    #[must_use]
    pub const fn range(&self) -> (u128, u64) {
        (self.allocation.start, self.allocation.size)
    }

    /// Where the file stands in the outbound bucket.
    #[must_use]
    pub fn key(&self) -> String {
        let (a, kind) = (self.allocation, self.kind);
        format!("outbound/{}/{}.{kind}", a.system_id, a.id)
    }

    /// The media type.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        self.kind.content_type()
    }

    /// What stands in the manifest beside the file: `sha256` in hexadecimal, `created_at` RFC 3339.
    #[must_use]
    pub fn manifest(&self, sha256: &str, created_at: &str) -> Vec<u8> {
        let manifest = serde_json::json!({
            "allocation_id": self.allocation.id.as_str(),
            "row_count": self.row_count(),
            "sha256": sha256,
            "profile": self.kind.profile.as_str(),
            "created_at": created_at,
        });
        manifest.to_string().into_bytes()
    }

    /// Rows without a header: numbers, or 1 for the profile `range`.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        match self.kind.profile {
            Profile::Full | Profile::Bare => self.allocation.size,
            Profile::Range => 1,
        }
    }

    /// The size of the whole file in bytes, before it is compressed, known beforehand; of imported numbers, whose
    /// texts differ in length, the most it can be. Otherwise all rows of one
    /// allocation are as long as its first, since all its serial numbers have one length and only letters and
    /// digits.
    #[must_use]
    pub fn byte_count(&self) -> u64 {
        let rows = self.rows();
        let length = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            write(&mut bytes);
            u64::try_from(bytes.len()).unwrap_or(u64::MAX)
        };
        let first = length(&|out| rows.rows(out, 0, 1));
        // A later row with what separates it from the one before.
        let later = length(&|out| rows.rows(out, 1, 1));
        let count = self.row_count();
        // Texts that were imported have other lengths: what is missing is counted at its most.
        let cells = count.saturating_mul(rows.cells_max());
        length(&|out| rows.open(out))
            .saturating_add(cells)
            .saturating_add(first.saturating_mul(count.min(1)))
            .saturating_add(later.saturating_mul(count.saturating_sub(1)))
            .saturating_add(length(&|out| rows.close(out)))
    }

    fn rows(&self) -> RowWriter<'a> {
        let of = (self.allocation, self.numbering);
        RowWriter::new(of, self.kind.profile, self.kind.format)
    }

    /// The file in pieces of a few megabytes at most, whose ends are told by rows.
    #[must_use]
    pub fn pieces(&self) -> Pieces<'a> {
        Pieces::new(self.rows(), self.row_count(), self.kind.gzip)
    }

    /// The same, one after the other.
    #[must_use]
    pub fn batches(&self) -> Batches<'a> {
        Batches { pieces: self.pieces(), next: Some(0) }
    }

    /// The whole file; for exports that are known to be small.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (mut pieces, mut next, mut bytes) = (self.pieces(), Some(0), Vec::new());
        while let Some(row) = next {
            next = pieces.append(row, &mut bytes);
        }
        bytes
    }
}

/// An iterator over the pieces of a file.
pub struct Batches<'a> {
    pieces: Pieces<'a>,
    next: Option<u64>,
}

impl Iterator for Batches<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let row = self.next?;
        let mut bytes = Vec::new();
        self.next = self.pieces.append(row, &mut bytes);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests;
