//! A file in pieces, each of which can be written by itself: rows are counted, so nothing has to be known
//! of the pieces before it. Compressed, each piece is a gzip member of its own, and a reader takes the
//! members for one file (RFC 1952, 2.2).

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

use crate::PIECE_ROWS;
use crate::row::RowWriter;

/// Rows differ in a few digits: the second level leaves half of what the first does at two thirds of its
/// speed, and no higher one finds more (253, 379 and at level 6 66 MB/s of rows).
const LEVEL: Compression = Compression::new(2);

/// The pieces of a file.
pub struct Pieces<'a> {
    rows: RowWriter<'a>,
    row_count: u64,
    gzip: bool,
    /// A piece before it is compressed, kept for its memory.
    plain: Vec<u8>,
}

impl<'a> Pieces<'a> {
    pub(crate) const fn new(rows: RowWriter<'a>, row_count: u64, gzip: bool) -> Self {
        Self { rows, row_count, gzip, plain: Vec::new() }
    }

    /// Rows of the whole file.
    #[must_use]
    pub const fn row_count(&self) -> u64 {
        self.row_count
    }

    /// Appends the piece that begins with row `first`, 0 or a number that this method gave: the first row
    /// of the next piece, `None` behind the last. The same bytes every time.
    pub fn append(&mut self, first: u64, out: &mut Vec<u8>) -> Option<u64> {
        if !self.gzip {
            return self.render(first, out);
        }
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        let next = self.render(first, &mut plain);
        // No time and no name in the member's head: the bytes follow from the rows alone.
        let mut member = GzBuilder::new().write(out, LEVEL);
        // Writing into memory cannot fail.
        member.write_all(&plain).unwrap_or_default();
        member.finish().map(drop).unwrap_or_default();
        self.plain = plain;
        next
    }

    fn render(&self, first: u64, out: &mut Vec<u8>) -> Option<u64> {
        if first == 0 {
            self.rows.open(out);
        }
        let end = first.saturating_add(PIECE_ROWS).min(self.row_count);
        self.rows.rows(out, first, end.saturating_sub(first));
        if end < self.row_count {
            return Some(end);
        }
        self.rows.close(out);
        None
    }
}
