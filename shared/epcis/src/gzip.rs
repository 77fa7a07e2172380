//! Gzip told by its magic number, with a cap on the inflated size and on the ratio.
//!
//! Invariant I10: neither a bomb nor an endless stream of members gets past its limit. What is
//! wrong with the stream travels as an [`io::Error`] that carries a [`InflateFault`], so that the
//! reader can tell a broken document from bytes that failed to arrive.

use std::io::{self, BufRead, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use crate::error::ReadErrorCode;
use crate::limits::Limits;

/// What is wrong with a gzip stream; the payload of the [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct InflateFault {
    pub(crate) code: ReadErrorCode,
    message: String,
}

/// Counts the compressed bytes and remembers whether they failed to arrive.
struct Tap<R> {
    inner: R,
    bytes: u64,
    failed: bool,
}

impl<R: BufRead> Read for Tap<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf);
        match &read {
            Ok(n) => self.bytes = self.bytes.saturating_add(u64::try_from(*n).unwrap_or(u64::MAX)),
            Err(_) => self.failed = true,
        }
        read
    }
}

impl<R: BufRead> BufRead for Tap<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let filled = self.inner.fill_buf();
        self.failed = filled.is_err();
        filled
    }

    fn consume(&mut self, amount: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(amount).unwrap_or(u64::MAX));
        self.inner.consume(amount);
    }
}

type Headed<R> = Chain<Cursor<Vec<u8>>, R>;

enum State<R: BufRead> {
    Unknown(R),
    Plain(Headed<R>),
    Gzip(Box<MultiGzDecoder<Tap<Headed<R>>>>),
    Moving,
}

/// A reader of the inflated text; see [`inflate`].
pub struct Inflate<R: BufRead> {
    state: State<R>,
    limits: Limits,
    bytes: u64,
}

/// The plain text of `input`: inflated when it starts with the gzip magic number, else unchanged.
///
/// Concatenated members are one text. The reader fails with an [`io::Error`] of kind
/// `InvalidData` on a broken stream and beyond the limits of size and ratio; [`crate::read`] turns
/// that into a located error.
pub fn inflate<R: BufRead>(input: R, limits: &Limits) -> Inflate<R> {
    Inflate { state: State::Unknown(input), limits: limits.clone(), bytes: 0 }
}

impl<R: BufRead> Inflate<R> {
    fn sniff(mut input: R) -> io::Result<State<R>> {
        let mut head = Vec::with_capacity(2);
        while head.len() < 2 {
            let byte = match input.fill_buf() {
                Ok(available) => available.first().copied(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let Some(byte) = byte else { break };
            head.push(byte);
            input.consume(1);
        }
        let gzip = head == [0x1f, 0x8b];
        let headed = Cursor::new(head).chain(input);
        Ok(if gzip {
            let tap = Tap { inner: headed, bytes: 0, failed: false };
            State::Gzip(Box::new(MultiGzDecoder::new(tap)))
        } else {
            State::Plain(headed)
        })
    }

    /// True once the input has shown the gzip magic number.
    #[must_use]
    pub fn is_gzip(&self) -> bool {
        matches!(self.state, State::Gzip(_))
    }

    fn check(&self, compressed: Option<u64>) -> io::Result<()> {
        if self.bytes > self.limits.inflated_bytes_max {
            return Err(fault(
                ReadErrorCode::InflatedTooLarge,
                format!("the text exceeds {} bytes", self.limits.inflated_bytes_max),
            ));
        }
        let Some(compressed) = compressed else {
            return Ok(());
        };
        let allowed = compressed.saturating_mul(self.limits.ratio_max);
        if self.bytes > self.limits.ratio_free_bytes && self.bytes > allowed {
            return Err(fault(
                ReadErrorCode::RatioTooHigh,
                format!("the gzip stream inflates more than {}:1", self.limits.ratio_max),
            ));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let State::Unknown(_) = self.state
            && let State::Unknown(input) = std::mem::replace(&mut self.state, State::Moving)
        {
            self.state = Self::sniff(input)?;
        }
        let (read, compressed) = match &mut self.state {
            State::Plain(input) => (input.read(buf)?, None),
            State::Gzip(decoder) => {
                let read = decoder.read(buf);
                let tap = decoder.get_ref();
                match read {
                    Ok(read) => (read, Some(tap.bytes)),
                    Err(error) if tap.failed || error.kind() == io::ErrorKind::Interrupted => {
                        return Err(error);
                    }
                    Err(error) => {
                        let message = format!("the gzip stream is broken: {error}");
                        return Err(fault(ReadErrorCode::BadGzip, message));
                    }
                }
            }
            State::Unknown(_) | State::Moving => {
                return Err(io::Error::other("the input failed before its first bytes"));
            }
        };
        self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        self.check(compressed)?;
        Ok(read)
    }
}

fn fault(code: ReadErrorCode, message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, InflateFault { code, message })
}
