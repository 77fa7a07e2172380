//! The rows of a file, whose texts are read first where they were imported.

use std::sync::Arc;

use domain::list::{ListTexts, SEGMENT_ROWS};
use domain::numbering::Numbering;
use linefiles::{Export, PIECE_ROWS, Pieces};
use store::StoreError;
use store::list::ListReader;

/// The rows of an export.
pub(crate) struct Rows<'a> {
    pub(crate) export: &'a Export<'a>,
    pieces: Pieces<'a>,
    /// Reads imported texts, where there are such.
    reader: Option<ListReader>,
    /// Those that were read: as many as a segment has (I10).
    texts: Arc<ListTexts>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(export: &'a Export<'a>, reader: Option<ListReader>) -> Self {
        Self { export, pieces: export.pieces(), reader, texts: Arc::default() }
    }

    /// Appends the piece that begins with a row; gives the first row of the next one.
    pub(crate) async fn append(
        &mut self,
        first: u64,
        out: &mut Vec<u8>,
    ) -> Result<Option<u64>, StoreError> {
        let Some(reader) = &mut self.reader else { return Ok(self.pieces.append(first, out)) };
        let (start, size) = self.export.range();
        let (index, left) = (start.saturating_add(first.into()), size.saturating_sub(first));
        if !self.texts.covers(index, left.min(PIECE_ROWS)) {
            // What was read before makes room first.
            self.texts = Arc::default();
            let count = left.min(SEGMENT_ROWS.into());
            self.texts = Arc::new(reader.texts_of((index, count), (start, size)).await?);
        }
        let numbering = Numbering::List(Arc::clone(&self.texts));
        Ok(self.export.over(&numbering).pieces().append(first, out))
    }
}
