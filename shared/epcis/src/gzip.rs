//! Gzip told by its magic number, with a cap on the inflated size and on the ratio.
//!
//! Invariant I10: neither a bomb nor an endless stream of members gets past its limit. What is
//! wrong with the stream travels as an [`io::Error`] that carries a [`InflateFault`], so that the
//! reader can tell a broken document from bytes that failed to arrive. What is judged does not depend
//! on the pieces in which the bytes come or are asked for: the inflater takes whole blocks and gives
//! whole blocks, and the limits are looked at between them.

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

/// What is wrong with a gzip stream, where that is why reading failed; `None` where bytes did not arrive.
#[must_use]
pub fn inflate_fault(error: &io::Error) -> Option<ReadErrorCode> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<InflateFault>()).map(|fault| fault.code)
}

/// Bytes that the inflater is given at a time, and gives at a time.
const BLOCK_BYTES: usize = 16 << 10;

/// Hands out the compressed bytes in whole blocks, counts those taken, and keeps why they ended.
struct Tap<R> {
    inner: R,
    block: Vec<u8>,
    at: usize,
    taken: u64,
    /// The bytes failed to arrive; told behind those that did.
    failure: Option<io::Error>,
    failed: bool,
}

impl<R: Read> Tap<R> {
    fn new(inner: R) -> Self {
        let block = Vec::with_capacity(BLOCK_BYTES);
        Self { inner, block, at: 0, taken: 0, failure: None, failed: false }
    }

    fn refill(&mut self) {
        self.block.clear();
        self.at = 0;
        let most = u64::try_from(BLOCK_BYTES).unwrap_or(u64::MAX);
        // Reads on until the block is full or the input ends, whatever the pieces.
        if let Err(error) = self.inner.by_ref().take(most).read_to_end(&mut self.block) {
            self.failure = Some(error);
        }
    }
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Tap<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.block.len() {
            if self.failure.is_none() {
                self.refill();
            }
            if self.at >= self.block.len()
                && let Some(failure) = self.failure.take()
            {
                self.failed = true;
                return Err(failure);
            }
        }
        Ok(self.block.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at = self.at.saturating_add(amount);
        self.taken = self.taken.saturating_add(u64::try_from(amount).unwrap_or(u64::MAX));
    }
}

type Headed<R> = Chain<Cursor<Vec<u8>>, R>;

enum State<R: BufRead> {
    Unknown(R),
    Plain(Headed<R>),
    Gzip(Box<Packed<Headed<R>>>),
    Moving,
}

/// A gzip stream, inflated block by block.
struct Packed<R: BufRead> {
    decoder: MultiGzDecoder<Tap<R>>,
    block: Vec<u8>,
    at: usize,
    end: usize,
    /// What ended the stream; told behind the text before it.
    failure: Option<io::Error>,
}

impl<R: BufRead> Packed<R> {
    fn new(input: R) -> Self {
        let decoder = MultiGzDecoder::new(Tap::new(input));
        Self { decoder, block: vec![0; BLOCK_BYTES], at: 0, end: 0, failure: None }
    }

    /// Inflates until the block is full or the stream ends; gives its length.
    fn refill(&mut self) -> usize {
        (self.at, self.end) = (0, 0);
        while let Some(free) = self.block.get_mut(self.end..).filter(|free| !free.is_empty()) {
            match self.decoder.read(free) {
                Ok(0) => break,
                Ok(read) => self.end = self.end.saturating_add(read),
                Err(error) => {
                    self.failure = Some(self.judged(error));
                    break;
                }
            }
        }
        self.end
    }

    fn judged(&self, error: io::Error) -> io::Error {
        if self.decoder.get_ref().failed {
            return error;
        }
        fault(ReadErrorCode::BadGzip, format!("the gzip stream is broken: {error}"))
    }

    fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut left = self.block.get(self.at..self.end).unwrap_or_default();
        if left.is_empty()
            && let Some(failure) = self.failure.take()
        {
            return Err(failure);
        }
        let read = left.read(buf)?;
        self.at = self.at.saturating_add(read);
        Ok(read)
    }
}

/// A reader of the inflated text; see [`inflate`].
pub struct Inflate<R: BufRead> {
    state: State<R>,
    told: Told,
}

/// The bytes that were inflated, and how many may be.
struct Told {
    limits: Limits,
    bytes: u64,
}

/// The plain text of `input`: inflated when it starts with the gzip magic number, else unchanged.
///
/// Concatenated members are one text. The reader fails with an [`io::Error`] of kind
/// `InvalidData` on a broken stream and beyond the limits of size and ratio; [`crate::read`] turns
/// that into a located error.
pub fn inflate<R: BufRead>(input: R, limits: &Limits) -> Inflate<R> {
    Inflate { state: State::Unknown(input), told: Told { limits: limits.clone(), bytes: 0 } }
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
        Ok(if gzip { State::Gzip(Box::new(Packed::new(headed))) } else { State::Plain(headed) })
    }

    /// True once the input has shown the gzip magic number.
    #[must_use]
    pub fn is_gzip(&self) -> bool {
        matches!(self.state, State::Gzip(_))
    }
}

impl Told {
    /// Counts text before it is handed out.
    fn add(&mut self, bytes: usize, compressed: Option<u64>) -> io::Result<()> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
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
        match &mut self.state {
            State::Plain(input) => {
                let read = input.read(buf)?;
                self.told.add(read, None)?;
                Ok(read)
            }
            State::Gzip(packed) => {
                if packed.is_empty() && packed.failure.is_none() {
                    let inflated = packed.refill();
                    let taken = packed.decoder.get_ref().taken;
                    // What exceeds a limit is not handed out, whoever reads on.
                    self.told.add(inflated, Some(taken)).inspect_err(|_| packed.end = 0)?;
                }
                packed.read(buf)
            }
            State::Unknown(_) | State::Moving => {
                Err(io::Error::other("the input failed before its first bytes"))
            }
        }
    }
}

fn fault(code: ReadErrorCode, message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, InflateFault { code, message })
}
