//! Records of CSV, one at a time, with the place of each value.

use std::io::{self, BufRead};

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use super::{Failure, Limits, Place, ResultCode, ResultError};

/// The values of one record.
#[derive(Debug)]
pub(super) struct Record {
    /// As long as a record may be.
    text: Vec<u8>,
    /// Where each value ends in the text, and where it began in the file.
    values: Vec<(usize, Place)>,
}

impl Record {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { text: vec![0; limits.record_bytes_max], values: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    fn bytes(&self, at: usize) -> &[u8] {
        let end = |at: usize| self.values.get(at).map(|(end, _)| *end);
        let from = at.checked_sub(1).and_then(end).unwrap_or(0);
        end(at).and_then(|end| self.text.get(from..end)).unwrap_or_default()
    }

    /// A value without the white space around it; every record that was handed out is UTF-8.
    pub(super) fn get(&self, at: usize) -> &str {
        std::str::from_utf8(self.bytes(at)).unwrap_or_default().trim()
    }

    /// Where a value began.
    pub(super) fn place(&self, at: usize) -> Place {
        self.values.get(at).map_or(Place { line: 1, column: 1 }, |(_, place)| *place)
    }

    fn filled(&self) -> usize {
        self.values.last().map_or(0, |(end, _)| *end)
    }
}

/// Reads records.
pub(super) struct Records<R> {
    input: R,
    core: Reader,
    columns_max: usize,
    line: u64,
    /// Bytes of the line that were taken.
    taken: u64,
}

/// A value that was read.
struct Value {
    end: usize,
    /// It is the last of its record.
    is_last: bool,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(input: R, delimiter: u8, limits: &Limits) -> Self {
        let core = ReaderBuilder::new().delimiter(delimiter).build();
        Self { input, core, columns_max: limits.columns_max, line: 1, taken: 0 }
    }

    /// The place of the next byte.
    pub(super) fn here(&self) -> Place {
        Place { line: self.line, column: self.taken.saturating_add(1) }
    }

    /// Reads the next record that is not blank; `false` at the end.
    pub(super) fn next<E>(&mut self, record: &mut Record) -> Result<bool, Failure<E>> {
        record.values.clear();
        if !self.skip_line_ends()? {
            return Ok(false);
        }
        loop {
            let place = self.here();
            let Some(value) = self.value(record, place)? else {
                break;
            };
            if record.len() >= self.columns_max {
                let message = format!("more than {} columns", self.columns_max);
                let code = ResultCode::TooManyColumns;
                return Err(ResultError::new(code, place, message).into());
            }
            record.values.push((value.end, place));
            if value.is_last {
                break;
            }
        }
        let wrong = |at: &usize| std::str::from_utf8(record.bytes(*at)).is_err();
        if let Some(at) = (0..record.len()).find(wrong) {
            let code = ResultCode::WrongEncoding;
            return Err(ResultError::new(code, record.place(at), "the text is not UTF-8").into());
        }
        Ok(record.len() > 0)
    }

    /// Reads one value behind those that the record has.
    fn value<E>(&mut self, record: &mut Record, place: Place) -> Result<Option<Value>, Failure<E>> {
        let mut filled = record.filled();
        let (mut quotes, mut is_quoted, mut is_first) = (0_usize, false, true);
        loop {
            let available = filled_buf(&mut self.input)?;
            let is_end = available.is_empty();
            let room = record.text.get_mut(filled..).unwrap_or_default();
            let (outcome, taken, written) = self.core.read_field(available, room);
            let raw = available.get(..taken).unwrap_or_default();
            is_quoted |= is_first && raw.first() == Some(&b'"');
            is_first &= raw.is_empty();
            if is_quoted {
                quotes = quotes.saturating_add(memchr::memchr_iter(b'"', raw).count());
            }
            let lines = memchr::memchr_iter(b'\n', raw).count();
            if let Some(last) = raw.iter().rposition(|byte| *byte == b'\n') {
                self.line = self.line.saturating_add(wide(lines));
                self.taken = wide(taken.saturating_sub(last).saturating_sub(1));
            } else {
                self.taken = self.taken.saturating_add(wide(taken));
            }
            self.input.consume(taken);
            filled = filled.saturating_add(written);
            match outcome {
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => {
                    let message = format!("a record exceeds {} bytes", record.text.len());
                    return Err(ResultError::new(ResultCode::TokenTooLarge, place, message).into());
                }
                ReadFieldResult::Field { .. } if is_end && quotes % 2 == 1 => {
                    let message = "the file ends inside quotes";
                    return Err(ResultError::new(ResultCode::Truncated, place, message).into());
                }
                ReadFieldResult::Field { record_end } => {
                    return Ok(Some(Value { end: filled, is_last: record_end }));
                }
                ReadFieldResult::End => return Ok(None),
            }
        }
    }

    /// Takes blank lines and what is left of the line end before; `false` at the end of the input.
    fn skip_line_ends(&mut self) -> io::Result<bool> {
        loop {
            let available = filled_buf(&mut self.input)?;
            if available.is_empty() {
                return Ok(false);
            }
            let ends = available.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
            let (mut taken, mut lines) = (0_usize, 0_u64);
            for byte in ends {
                taken = taken.saturating_add(1);
                lines = lines.saturating_add(u64::from(*byte == b'\n'));
            }
            let is_over = taken < available.len();
            self.input.consume(taken);
            self.line = self.line.saturating_add(lines);
            if taken > 0 {
                self.taken = 0;
            }
            if is_over {
                return Ok(true);
            }
        }
    }
}

fn filled_buf<R: BufRead>(input: &mut R) -> io::Result<&[u8]> {
    // Twice, as a borrow that is returned cannot be given back in a loop.
    while let Err(error) = input.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    input.fill_buf()
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
