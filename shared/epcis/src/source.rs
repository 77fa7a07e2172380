//! The bytes under both readers: one buffer, checked UTF-8, and the place of every byte.
//!
//! Invariants: memory is one buffer whatever the input (I10); what is handed out is UTF-8 without
//! forbidden control characters and never ends inside a character; a fault in the bytes is
//! reported only when the reader gets there, so results do not depend on how the bytes came in.
//!
//! What is here is kept as text, so that it is checked once and no value out of it is checked again.

use std::io::{self, BufRead, Read};
use std::mem;
use std::string::FromUtf8Error;

use crate::error::{Position, ReadError, ReadErrorCode};
use crate::gzip::inflate_fault;
use crate::limits::Limits;

pub(crate) struct Source<R> {
    inner: R,
    /// What is here.
    text: String,
    pos: usize,
    /// Bytes behind it that begin a character; the next fill begins with them.
    carry: Vec<u8>,
    buffer_bytes: usize,
    /// Offset of the first byte that is here.
    base: u64,
    /// A resolved place; places are resolved forwards only.
    known_offset: u64,
    known_line: u64,
    known_line_start: u64,
    /// Offset of the token being read, and its place once the buffer has moved on.
    mark: u64,
    mark_position: Option<Position>,
    token_bytes_max: u64,
    exhausted: bool,
    /// A fault behind what is here, told when the reader arrives there.
    pending: Option<(ReadErrorCode, String)>,
    fault: Option<ReadError>,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(inner: R, limits: &Limits) -> Self {
        Self {
            inner,
            text: String::new(),
            pos: 0,
            carry: Vec::with_capacity(4),
            buffer_bytes: limits.buffer_bytes.max(16),
            base: 0,
            known_offset: 0,
            known_line: 1,
            known_line_start: 0,
            mark: 0,
            mark_position: None,
            token_bytes_max: u64::try_from(limits.token_bytes_max).unwrap_or(u64::MAX),
            exhausted: false,
            pending: None,
            fault: None,
        }
    }

    /// Fills the buffer for the first time, and takes a byte order mark away. UTF-16 and UTF-32
    /// are told by their marks or by the zero bytes around the first character.
    pub(crate) fn open(&mut self) -> Result<(), ReadError> {
        let mut bytes = self.read_full();
        let wide = bytes.starts_with(&[0xff, 0xfe])
            || bytes.starts_with(&[0xfe, 0xff])
            || matches!(bytes.as_slice(), [0, ..] | [_, 0, ..]);
        if wide {
            let start = Position { line: 1, column: 1 };
            let message = "the text is UTF-16 or UTF-32; only UTF-8 is read";
            return Err(ReadError::at(ReadErrorCode::WrongEncoding, start, message));
        }
        if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
            bytes.drain(..3);
        }
        self.accept(bytes);
        Ok(())
    }

    /// Offset of the next byte.
    #[inline]
    pub(crate) fn offset(&self) -> u64 {
        self.base.saturating_add(wide(self.pos))
    }

    /// Bytes that are here without reading further; refills when there are none.
    #[inline]
    pub(crate) fn available(&mut self) -> Result<&[u8], ReadError> {
        if self.pos >= self.text.len() {
            self.refill()?;
        }
        Ok(self.bytes_here())
    }

    /// Text that is here, perhaps none; never reads.
    #[inline]
    pub(crate) fn window(&self) -> &str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    #[inline]
    fn bytes_here(&self) -> &[u8] {
        self.text.as_bytes().get(self.pos..).unwrap_or_default()
    }

    /// Takes bytes that `available` or `window` showed.
    #[inline]
    pub(crate) fn advance(&mut self, amount: usize) {
        self.pos = self.pos.saturating_add(amount).min(self.text.len());
    }

    /// The next byte that is not white space, left untaken.
    pub(crate) fn peek_visible(&mut self) -> Result<Option<u8>, ReadError> {
        loop {
            self.mark();
            let available = self.available()?;
            if available.is_empty() {
                return Ok(None);
            }
            let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            let spaces = available.iter().take_while(|byte| is_space(byte)).count();
            let next = available.get(spaces).copied();
            self.advance(spaces);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    /// Begins a token here: its length is limited from here, its place is remembered.
    #[inline]
    pub(crate) fn mark(&mut self) {
        self.mark = self.offset();
        self.mark_position = None;
    }

    /// Offset of the mark.
    #[inline]
    pub(crate) fn mark_offset(&self) -> u64 {
        self.mark
    }

    /// What was taken since `offset`, if it is still here.
    #[inline]
    pub(crate) fn since(&self, offset: u64) -> Option<&str> {
        let from = offset.checked_sub(self.base).and_then(|it| usize::try_from(it).ok())?;
        self.text.get(from..self.pos)
    }

    /// Bytes since the mark.
    #[inline]
    pub(crate) fn token_bytes(&self) -> u64 {
        self.offset().saturating_sub(self.mark)
    }

    #[inline]
    pub(crate) fn token_is_too_large(&self) -> bool {
        self.token_bytes() > self.token_bytes_max
    }

    /// Place of the mark.
    pub(crate) fn mark_position(&mut self) -> Position {
        match self.mark_position {
            Some(position) => position,
            None => self.resolve(self.mark),
        }
    }

    /// Place of the next byte.
    pub(crate) fn here(&mut self) -> Position {
        let offset = self.offset();
        self.resolve(offset)
    }

    /// True when every byte of the input was taken.
    pub(crate) fn is_at_end(&self) -> bool {
        self.exhausted && self.pos >= self.text.len() && self.pending.is_none()
    }

    /// The fault that made `fill_buf` fail.
    pub(crate) fn take_fault(&mut self) -> Option<ReadError> {
        self.fault.take()
    }

    pub(crate) fn too_large(&mut self) -> ReadError {
        let message = format!("one token exceeds {} bytes", self.token_bytes_max);
        ReadError::at(ReadErrorCode::TokenTooLarge, self.mark_position(), message)
    }

    fn resolve(&mut self, offset: u64) -> Position {
        let from = self.known_offset.saturating_sub(self.base);
        let to = offset.saturating_sub(self.base);
        let (from, to) = (narrow(from), narrow(to));
        if let Some(bytes) = self.text.as_bytes().get(from..to)
            && offset > self.known_offset
        {
            let lines = memchr::memchr_iter(b'\n', bytes).count();
            self.known_line = self.known_line.saturating_add(wide(lines));
            if let Some(last) = memchr::memrchr(b'\n', bytes) {
                let start = self.known_offset.saturating_add(wide(last)).saturating_add(1);
                self.known_line_start = start;
            }
            self.known_offset = offset;
        }
        let column = offset.saturating_sub(self.known_line_start).saturating_add(1);
        Position { line: self.known_line, column }
    }

    #[cold]
    fn refill_or_keep_fault(&mut self) -> io::Result<()> {
        self.refill().map_err(|error| {
            self.fault = Some(error);
            io::Error::other("see the fault of the source")
        })
    }

    #[cold]
    fn refill(&mut self) -> Result<(), ReadError> {
        if let Some((code, message)) = self.pending.take() {
            let here = self.here();
            let error = if code.is_passing() {
                ReadError { code, message, line: None, column: None }
            } else {
                ReadError::at(code, here, message)
            };
            return Err(error);
        }
        if self.exhausted {
            return Ok(());
        }
        if self.token_is_too_large() {
            return Err(self.too_large());
        }
        if self.mark_position.is_none() && self.mark >= self.base {
            self.mark_position = Some(self.resolve(self.mark));
        }
        let position = self.base.saturating_add(wide(self.text.len()));
        self.resolve(position);
        self.base = position;
        let bytes = self.read_full();
        self.accept(bytes);
        if self.text.is_empty() && self.pending.is_some() {
            return self.refill();
        }
        Ok(())
    }

    /// What was carried, and what is read until the buffer is full, the input ends, or it fails.
    fn read_full(&mut self) -> Vec<u8> {
        // What is there is written over; mostly the buffer has its full length already.
        let mut bytes = mem::take(&mut self.text).into_bytes();
        bytes.resize(self.buffer_bytes, 0);
        let mut filled = self.carry.len();
        if let Some(front) = bytes.get_mut(..filled) {
            front.copy_from_slice(&self.carry);
        }
        self.carry.clear();
        while let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) {
            match self.inner.read(free) {
                Ok(0) => {
                    self.exhausted = true;
                    break;
                }
                Ok(read) => filled = filled.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let code = inflate_fault(&error).unwrap_or(ReadErrorCode::Io);
                    self.pending = Some((code, error.to_string()));
                    self.exhausted = true;
                    break;
                }
            }
        }
        bytes.truncate(filled);
        bytes
    }

    /// Judges what was read and hands out the good part.
    fn accept(&mut self, bytes: Vec<u8>) {
        self.pos = 0;
        self.text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => self.whole_characters(error),
        };
        if let Some(at) = forbidden_control(self.text.as_bytes()) {
            self.text.truncate(at);
            self.carry.clear();
            let message = "a control character is not allowed".to_owned();
            self.pending = Some((ReadErrorCode::NotWellFormed, message));
            self.exhausted = true;
        }
    }

    /// The text before what is no character, or only the beginning of one.
    #[cold]
    fn whole_characters(&mut self, error: FromUtf8Error) -> String {
        let fault = error.utf8_error();
        let mut bytes = error.into_bytes();
        let whole = fault.valid_up_to();
        if fault.error_len().is_some() || (self.exhausted && self.pending.is_none()) {
            let message = "the text is not UTF-8".to_owned();
            self.pending = Some((ReadErrorCode::WrongEncoding, message));
            self.exhausted = true;
        } else {
            self.carry.extend_from_slice(bytes.get(whole..).unwrap_or_default());
        }
        bytes.truncate(whole);
        // Rare enough to be checked again.
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// Both XML 1.0 and JSON forbid the control characters below the space but tab and line ends.
fn forbidden_control(bytes: &[u8]) -> Option<usize> {
    let is_forbidden = |byte: &u8| *byte < 0x20 && !matches!(*byte, b'\t' | b'\n' | b'\r');
    let mut at = 0usize;
    for block in bytes.chunks(256) {
        // Without an early exit inside the block the compiler compares many bytes at once.
        let bad = block.iter().fold(0u8, |bad, byte| bad | u8::from(is_forbidden(byte)));
        if bad != 0 {
            return block.iter().position(is_forbidden).map(|in_block| at.saturating_add(in_block));
        }
        at = at.saturating_add(block.len());
    }
    None
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn narrow(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Source<R> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.pos >= self.text.len() {
            self.refill_or_keep_fault()?;
        }
        Ok(self.bytes_here())
    }

    #[inline]
    fn consume(&mut self, amount: usize) {
        self.advance(amount);
    }
}
