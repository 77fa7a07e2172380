//! Files of numbers that are to be imported, one a line, as CSV.
//!
//! - The first line names the columns, in any order: the serial number, and where there are such the crypto key
//!   and the crypto code. A column of another name refuses the file: nothing is left out unseen.
//! - I7: values are handed out as written, white space included; RFC 4180, divided by `,`, `;` or a tab.
//! - I10: bytes are pushed as they come and memory is one record, whatever the file.
//! - What is wrong with the file as a whole refuses it; what is wrong with a line goes to whoever collects that.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use domain::list::{Row, RowError};

/// Bytes of one record's values.
const RECORD_BYTES_MAX: usize = 4 << 10;
/// Columns of a file: the three that are known, and room to say that one is not.
const COLUMNS_MAX: usize = 8;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What each column may be called, in whatever case.
const NAMES: [&[&str]; 3] = [
    &["SerialNumber", "serial_number", "serial"],
    &["CryptoKey", "crypto_key"],
    &["CryptoCode", "crypto_code"],
];

/// A file that is refused whatever its lines are. Its message never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ImportFault {
    /// The line, from 1.
    pub line: u64,
    /// One sentence for people.
    pub message: &'static str,
}

/// Takes each line behind the first: its number in the file, and its row.
pub type Lines<'l> = &'l mut dyn FnMut(u64, Result<Row<'_>, RowError>);

/// Reads a file that comes in pieces.
#[derive(Debug)]
pub struct ImportReader {
    /// Made with the first line, which says what divides the values.
    core: Option<Reader>,
    /// The beginning of the file until its first line is whole.
    head: Vec<u8>,
    record: Box<Record>,
    /// Where the three columns stand, and how many there are.
    columns: Option<([Option<usize>; 3], usize)>,
    /// Line ends that were taken.
    lines: u64,
}

#[derive(Debug)]
struct Record {
    text: [u8; RECORD_BYTES_MAX],
    ends: [usize; COLUMNS_MAX],
    /// Bytes and values that are there.
    filled: (usize, usize),
    /// The line that it began in; `None` before it has begun.
    line: Option<u64>,
}

impl Default for ImportReader {
    fn default() -> Self {
        let record = Record {
            text: [0; RECORD_BYTES_MAX],
            ends: [0; COLUMNS_MAX],
            filled: (0, 0),
            line: None,
        };
        let (head, record) = (Vec::new(), Box::new(record));
        Self { core: None, head, record, columns: None, lines: 0 }
    }
}

impl ImportReader {
    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// What was handed out before is then void.
    pub fn push(&mut self, bytes: &[u8], each: Lines<'_>) -> Result<(), ImportFault> {
        if self.core.is_some() {
            return self.feed(bytes, each);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() > RECORD_BYTES_MAX || self.head.contains(&b'\n') {
            return self.begin(each);
        }
        Ok(())
    }

    /// The file is over.
    ///
    /// # Errors
    /// As [`ImportReader::push`].
    pub fn finish(&mut self, each: Lines<'_>) -> Result<(), ImportFault> {
        if self.core.is_none() {
            self.begin(each)?;
        }
        if self.record.line.is_some() {
            // What makes the last line whole where the file does not end in a line end.
            self.records(b"\n", each)?;
        }
        if self.record.line.is_some() {
            return Err(self.fault("the file ends inside quotes"));
        }
        if self.columns.is_none() {
            return Err(self.fault("the file is empty"));
        }
        Ok(())
    }

    fn begin(&mut self, each: Lines<'_>) -> Result<(), ImportFault> {
        let head = std::mem::take(&mut self.head);
        let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&head);
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let count = |delimiter: u8| memchr::memchr_iter(delimiter, line).count();
        let delimiter = [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter));
        self.core = Some(ReaderBuilder::new().delimiter(delimiter.unwrap_or(b',')).build());
        self.feed(head, each)
    }

    fn feed(&mut self, bytes: &[u8], each: Lines<'_>) -> Result<(), ImportFault> {
        // An empty input means the end to the reader of records.
        if bytes.is_empty() { Ok(()) } else { self.records(bytes, each) }
    }

    fn records(&mut self, mut bytes: &[u8], each: Lines<'_>) -> Result<(), ImportFault> {
        loop {
            if self.record.line.is_none() {
                bytes = self.skip_line_ends(bytes);
                if bytes.is_empty() {
                    return Ok(());
                }
                self.record.line = Some(self.lines.saturating_add(1));
            }
            let Some(core) = self.core.as_mut() else { return Ok(()) };
            let record = &mut *self.record;
            let text = record.text.get_mut(record.filled.0..).unwrap_or_default();
            let ends = record.ends.get_mut(record.filled.1..).unwrap_or_default();
            let (result, taken, written, values) = core.read_record(bytes, text, ends);
            record.filled.0 = record.filled.0.saturating_add(written);
            record.filled.1 = record.filled.1.saturating_add(values);
            let (raw, rest) = bytes.split_at_checked(taken).unwrap_or((bytes, &[]));
            let ends = u64::try_from(memchr::memchr_iter(b'\n', raw).count()).unwrap_or(u64::MAX);
            self.lines = self.lines.saturating_add(ends);
            bytes = rest;
            match result {
                ReadRecordResult::InputEmpty => return Ok(()),
                ReadRecordResult::OutputFull => {
                    return Err(self.fault("the line has more than 4096 bytes"));
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(self.fault("the line has more than 8 values"));
                }
                ReadRecordResult::Record | ReadRecordResult::End => self.take(each)?,
            }
        }
    }

    /// Takes blank lines and what is left of the line end before.
    fn skip_line_ends<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let over = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
        let (ends, rest) = bytes.split_at_checked(over.unwrap_or(bytes.len())).unwrap_or_default();
        let lines = u64::try_from(memchr::memchr_iter(b'\n', ends).count()).unwrap_or(u64::MAX);
        self.lines = self.lines.saturating_add(lines);
        rest
    }

    /// A whole record: the first one names the columns.
    fn take(&mut self, each: Lines<'_>) -> Result<(), ImportFault> {
        let line = self.record.line.unwrap_or_default();
        if let Some((places, columns)) = self.columns {
            each(line, self.record.row(&places, columns));
        } else {
            let columns = self.record.columns().map_err(|message| ImportFault { line, message })?;
            self.columns = Some((columns, self.record.filled.1));
        }
        (self.record.filled, self.record.line) = ((0, 0), None);
        Ok(())
    }

    fn fault(&self, message: &'static str) -> ImportFault {
        let line = self.record.line.unwrap_or_else(|| self.lines.saturating_add(1));
        ImportFault { line, message }
    }
}

impl Record {
    fn bytes(&self, at: usize) -> &[u8] {
        let end = |at: usize| self.ends.get(at).copied();
        let from = at.checked_sub(1).and_then(end).unwrap_or(0);
        end(at).and_then(|end| self.text.get(from..end)).unwrap_or_default()
    }

    fn columns(&self) -> Result<[Option<usize>; 3], &'static str> {
        let mut places = [None; 3];
        for at in 0..self.filled.1 {
            let name = std::str::from_utf8(self.bytes(at)).unwrap_or_default().trim();
            let named = |names: &&[&str]| names.iter().any(|one| one.eq_ignore_ascii_case(name));
            let column = NAMES.iter().position(named);
            let place = column.and_then(|column| places.get_mut(column));
            let place = place.ok_or(
                "a column is none of SerialNumber, CryptoKey and CryptoCode; the first line names them",
            )?;
            if place.replace(at).is_some() {
                return Err("two columns have the same meaning");
            }
        }
        if places.first().copied().flatten().is_none() {
            return Err("there is no column SerialNumber");
        }
        Ok(places)
    }

    fn row(&self, places: &[Option<usize>; 3], columns: usize) -> Result<Row<'_>, RowError> {
        let values = self.filled.1;
        if values != columns {
            return Err(RowError::Columns { values, columns });
        }
        let text = |place: Option<usize>| {
            let bytes = place.map(|at| self.bytes(at)).unwrap_or_default();
            std::str::from_utf8(bytes).map_err(|_| RowError::Encoding)
        };
        let [serial, key, code] = *places;
        Ok(Row { serial: text(serial)?, key: text(key)?, code: text(code)? })
    }
}

#[cfg(test)]
mod tests;
