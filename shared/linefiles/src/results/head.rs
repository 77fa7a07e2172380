//! The first line: whether a file is a result file, what divides its values, and where they stand.

use std::io::{self, BufRead, Cursor, Read};

use super::record::Record;
use super::{Place, ResultCode, ResultError};

/// Bytes of the first line that are looked at.
const LINE_BYTES_MAX: usize = 16 << 10;
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A column that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The trade item.
    Gtin,
    /// The serial number.
    Serial,
    /// The number as an EPC, where GTIN and serial number are missing.
    Epc,
    /// What became of it.
    Status,
    /// When, ISO 8601 with offset.
    EventTime,
    /// The lot.
    Lot,
    /// The expiry: `YYYY-MM-DD`, `YYYYMMDD` or `YYMMDD` as in AI (17).
    Expiry,
    /// The line, by its GLN.
    LineGln,
    /// The allocation that the number is said to belong to.
    AllocationId,
}

/// The names, in whatever case: those of our own files, then those of other systems' result files.
const NAMES: [(Column, &[&str]); 9] = [
    (Column::Gtin, &["GTIN"]),
    (Column::Serial, &["SerialNumber", "Serial", "Id"]),
    (Column::Epc, &["EPC"]),
    (Column::Status, &["Status"]),
    (Column::EventTime, &["EventTime"]),
    (Column::Lot, &["Lot", "Batch"]),
    (Column::Expiry, &["Expiry", "ExpiryDate", "ExpirationDate"]),
    (Column::LineGln, &["LineGLN"]),
    (Column::AllocationId, &["AllocationId"]),
];

impl Column {
    fn of_name(name: &str) -> Option<Self> {
        let named = |names: &&[&str]| names.iter().any(|one| one.eq_ignore_ascii_case(name));
        NAMES.iter().find(|(_, names)| named(names)).map(|(column, _)| *column)
    }

    /// The name of our own files.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(column, _)| *column == self);
        found.and_then(|(_, names)| names.first()).copied().unwrap_or_default()
    }

    const fn place(self) -> usize {
        match self {
            Self::Gtin => 0,
            Self::Serial => 1,
            Self::Epc => 2,
            Self::Status => 3,
            Self::EventTime => 4,
            Self::Lot => 5,
            Self::Expiry => 6,
            Self::LineGln => 7,
            Self::AllocationId => 8,
        }
    }
}

/// Where each column stands.
#[derive(Debug, Default)]
pub(super) struct Columns {
    places: [Option<usize>; 9],
    len: usize,
}

impl Columns {
    /// Reads the first record; columns of other names are left alone.
    pub(super) fn of_header(record: &Record) -> Result<Self, ResultError> {
        let mut columns = Self { len: record.len(), ..Self::default() };
        for at in 0..record.len() {
            let Some(column) = Column::of_name(record.get(at)) else { continue };
            let Some(place) = columns.places.get_mut(column.place()) else { continue };
            if place.is_some() {
                let message = format!("two columns say {}", column.name());
                let code = ResultCode::DuplicateColumn;
                return Err(ResultError::new(code, record.place(at), message));
            }
            *place = Some(at);
        }
        let missing = |names: &str| {
            let message = format!("there is no column {names}");
            ResultError::new(ResultCode::MissingColumn, Place { line: 1, column: 1 }, message)
        };
        let has = |column| columns.of(column).is_some();
        if !(has(Column::Serial) || has(Column::Epc)) {
            return Err(missing("SerialNumber"));
        }
        if !(has(Column::Gtin) || has(Column::Epc)) {
            return Err(missing("GTIN"));
        }
        if let Some(name) = [Column::Status, Column::EventTime].into_iter().find(|it| !has(*it)) {
            return Err(missing(name.name()));
        }
        Ok(columns)
    }

    pub(super) fn of(&self, column: Column) -> Option<usize> {
        self.places.get(column.place()).copied().flatten()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

/// What divides the values: of `,`, `;` and tab the one that the first line has most of.
pub(super) fn delimiter(line: &[u8]) -> u8 {
    let count = |delimiter: u8| memchr::memchr_iter(delimiter, line).count();
    // Of equals the last one counts: none of them at all is a file of one column.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// Whether a first line is that of a result file: some value of it is the name of a column.
#[must_use]
pub fn is_result_file(line: &[u8]) -> bool {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    let delimiter = delimiter(line);
    let Ok(text) = std::str::from_utf8(line) else { return false };
    text.split(char::from(delimiter))
        .any(|name| Column::of_name(name.trim().trim_matches('"').trim()).is_some())
}

/// An input whose first line was looked at and not taken. Where it begins with markup nothing is looked at
/// beyond that.
#[derive(Debug)]
pub struct Peeked<R> {
    head: Cursor<Vec<u8>>,
    /// Why the bytes behind the head did not arrive.
    fault: Option<io::Error>,
    inner: R,
}

impl<R: BufRead> Peeked<R> {
    /// Nothing looked at yet.
    pub const fn new(inner: R) -> Self {
        Self { head: Cursor::new(Vec::new()), fault: None, inner }
    }

    /// Looks at the first line that is not blank, or at the first 16 KiB of it. White space and a byte order
    /// mark before it belong to it.
    pub fn first_line(&mut self) -> &[u8] {
        let head = self.head.get_mut();
        while head.len() < LINE_BYTES_MAX && self.fault.is_none() {
            let available = match self.inner.fill_buf() {
                Ok([]) => break,
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.fault = Some(error);
                    break;
                }
            };
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |end| end.saturating_add(1));
            let taken = taken.min(LINE_BYTES_MAX.saturating_sub(head.len()));
            head.extend_from_slice(available.get(..taken).unwrap_or_default());
            self.inner.consume(taken);
            let visible = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
            match visible {
                [] => {}
                [b'<' | b'{' | b'[', ..] => break,
                line if line.ends_with(b"\n") => break,
                _ => {}
            }
        }
        self.peeked()
    }

    /// What was looked at and not taken since.
    pub fn peeked(&self) -> &[u8] {
        let from = usize::try_from(self.head.position()).unwrap_or(usize::MAX);
        self.head.get_ref().get(from..).unwrap_or_default()
    }
}

impl<R: BufRead> Read for Peeked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.peeked().is_empty() {
            return self.head.read(buf);
        }
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => self.inner.read(buf),
        }
    }
}

impl<R: BufRead> BufRead for Peeked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let from = usize::try_from(self.head.position()).unwrap_or(usize::MAX);
        if from < self.head.get_ref().len() {
            return Ok(self.head.get_ref().get(from..).unwrap_or_default());
        }
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => self.inner.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        if self.peeked().is_empty() {
            self.inner.consume(amount);
        } else {
            self.head.consume(amount);
        }
    }
}
