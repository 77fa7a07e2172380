//! Result files: what became of the numbers, one a row, as CSV.
//!
//! - The first line names the columns, in any order; `,`, `;` or a tab divides them, whichever the first
//!   line has most of. A file is told by that line, never by its name.
//! - I10: memory is one record, whatever the file; records, columns and rows have limits.
//! - I7: values are handed out as written, only the white space around them is dropped; a quote or a line
//!   end inside quotes is part of the value (RFC 4180).
//! - What is wrong with the file as a whole refuses it, with line and column. What is wrong with a number is
//!   left to whoever knows the numbers.
//!
//! The columns are those of the file that went down to the line, so that it may come back with `Status` and
//! `EventTime`, and those of other systems' result files under their own names.

mod head;
mod record;
mod status;

use std::fmt;
use std::io::{self, BufRead};

use self::head::{BYTE_ORDER_MARK, Columns, delimiter};
pub use self::head::{Column, Peeked, is_result_file};
use self::record::{Record, Records};
pub use self::status::Status;

/// Limits of one file. `Default` gives those of the hub.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one record's values.
    pub record_bytes_max: usize,
    /// Columns.
    pub columns_max: usize,
    /// Rows behind the first line.
    pub rows_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { record_bytes_max: 64 << 10, columns_max: 64, rows_max: 10_000_000 }
    }
}

/// What can be wrong with a file; shown in kebab case, which outside tools may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultCode {
    /// A column that is needed is not there.
    MissingColumn,
    /// Two columns of the same meaning.
    DuplicateColumn,
    /// More columns than the limit.
    TooManyColumns,
    /// A row has more or fewer values than there are columns.
    WrongColumns,
    /// A row without a number.
    MissingSerial,
    /// A status that is none of those known.
    UnknownStatus,
    /// A record exceeds the limit.
    TokenTooLarge,
    /// More rows than the limit.
    TooManyEvents,
    /// The file ends inside quotes.
    Truncated,
    /// A record is not UTF-8.
    WrongEncoding,
    /// There are no rows.
    NoEvents,
}

impl ResultCode {
    /// The kebab-case text of the code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingColumn => "missing-column",
            Self::DuplicateColumn => "duplicate-column",
            Self::TooManyColumns => "too-many-columns",
            Self::WrongColumns => "wrong-columns",
            Self::MissingSerial => "missing-serial",
            Self::UnknownStatus => "unknown-status",
            Self::TokenTooLarge => "token-too-large",
            Self::TooManyEvents => "too-many-events",
            Self::Truncated => "truncated",
            Self::WrongEncoding => "wrong-encoding",
            Self::NoEvents => "no-events",
        }
    }
}

/// Line and column in bytes, from 1, a byte order mark not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column in bytes.
    pub column: u64,
}

/// A file that is refused. Its message never repeats a serial number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct ResultError {
    /// What kind of fault.
    pub code: ResultCode,
    /// One sentence for people.
    pub message: String,
    /// Where.
    pub place: Place,
}

impl ResultError {
    pub(crate) fn new(code: ResultCode, place: Place, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place }
    }
}

/// Reading stopped.
#[derive(Debug)]
pub enum Failure<E> {
    /// The file is refused.
    Refused(ResultError),
    /// The bytes failed to arrive, or cannot be inflated.
    Io(io::Error),
    /// Whoever takes the rows refused one.
    Sink(E),
}

impl<E> From<ResultError> for Failure<E> {
    fn from(error: ResultError) -> Self {
        Self::Refused(error)
    }
}

impl<E> From<io::Error> for Failure<E> {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Sink(error) => error.fmt(f),
        }
    }
}

/// One row: what became of one number.
#[derive(Debug)]
pub struct Row<'a> {
    /// Counted from 1, the first line not among them.
    pub ordinal: u64,
    /// What became of it.
    pub status: Status,
    record: &'a Record,
    columns: &'a Columns,
}

impl<'a> Row<'a> {
    /// A value without the white space around it; empty where the file has no such column.
    #[must_use]
    pub fn get(&self, column: Column) -> &'a str {
        self.columns.of(column).map_or("", |at| self.record.get(at))
    }

    /// Where the value stands; where there is none, where the row begins.
    #[must_use]
    pub fn place(&self, column: Column) -> Place {
        self.record.place(self.columns.of(column).unwrap_or(0))
    }
}

/// Reads a whole file, already inflated, and hands its rows out one by one; gives their number.
///
/// # Errors
/// What was handed out before is then void.
pub fn read<E>(
    input: &mut dyn BufRead,
    limits: &Limits,
    each: &mut dyn FnMut(&Row<'_>) -> Result<(), E>,
) -> Result<u64, Failure<E>> {
    let mut input = Peeked::new(input);
    if input.first_line().starts_with(BYTE_ORDER_MARK) {
        input.consume(BYTE_ORDER_MARK.len());
    }
    let delimiter = delimiter(input.peeked());
    let mut records = Records::new(input, delimiter, limits);
    let mut record = Record::new(limits);
    if !records.next(&mut record)? {
        return Err(nothing(&records).into());
    }
    let columns = Columns::of_header(&record)?;
    let mut ordinal = 0_u64;
    while records.next(&mut record)? {
        ordinal = ordinal.saturating_add(1);
        let start = record.place(0);
        if ordinal > limits.rows_max {
            let message = format!("more than {} rows", limits.rows_max);
            return Err(ResultError::new(ResultCode::TooManyEvents, start, message).into());
        }
        if record.len() != columns.len() {
            let message = format!("{} values for {} columns", record.len(), columns.len());
            return Err(ResultError::new(ResultCode::WrongColumns, start, message).into());
        }
        each(&row(ordinal, &record, &columns)?).map_err(Failure::Sink)?;
    }
    if ordinal == 0 {
        return Err(nothing(&records).into());
    }
    Ok(ordinal)
}

fn row<'a>(ordinal: u64, record: &'a Record, columns: &'a Columns) -> Result<Row<'a>, ResultError> {
    let mut row = Row { ordinal, status: Status::Reserved, record, columns };
    let text = row.get(Column::Status);
    row.status = Status::parse(text).ok_or_else(|| {
        let message = "the status is none of those that a result file may have";
        ResultError::new(ResultCode::UnknownStatus, row.place(Column::Status), message)
    })?;
    if row.get(Column::Serial).is_empty() && row.get(Column::Epc).is_empty() {
        let message = "the row has no serial number";
        return Err(ResultError::new(ResultCode::MissingSerial, record.place(0), message));
    }
    Ok(row)
}

fn nothing<R: BufRead>(records: &Records<R>) -> ResultError {
    ResultError::new(ResultCode::NoEvents, records.here(), "the file has no rows")
}

#[cfg(test)]
mod tests;
