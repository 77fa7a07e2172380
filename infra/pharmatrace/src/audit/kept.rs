//! The kept bytes of a document: fetched, hashed as they came and inflated, and read while they pass.
//!
//! The object streams through a blocking thread, so memory does not depend on its size (I10).

use std::io::{self, BufRead, BufReader, Read};

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use epcis::{Failure, Limits};
use linefiles::results::{self, Peeked, is_result_file};
use sha2::{Digest, Sha256};
use store::objects::is_missing;
use store::{Objects, StoreError};
use tokio::runtime::Handle;

use super::owners::LookupError;
use super::reread::{Reread, Unsaid};

const BUFFER_BYTES: usize = 64 << 10;

/// What the bytes are.
#[derive(Debug)]
pub struct Reading {
    /// Of the bytes as kept, hex.
    pub raw_sha256: String,
    /// Of the inflated bytes, hex; of the kept ones where they cannot be inflated.
    pub content_sha256: String,
    /// How many are kept.
    pub bytes: u64,
    /// What the document says, or why it cannot be read; `None` if nobody asked.
    pub said: Option<Result<Reread, String>>,
}

/// The kept bytes named `raw_sha256`, read into `reread` if there is one; `None` when nothing is kept there.
///
/// # Errors
/// Table or bucket cannot be read.
pub async fn read(
    objects: &Objects,
    raw_sha256: &str,
    reread: Option<Reread>,
) -> Result<Option<Reading>, StoreError> {
    let key = format!("documents/{raw_sha256}");
    let call = objects.s3.get_object().bucket(&*objects.buckets.documents).key(key);
    match call.send().await {
        Ok(output) => read_stream(output.body, reread).await.map(Some),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => {
            let detail = aws_sdk_s3::error::DisplayErrorContext(&error).to_string();
            Err(StoreError::Unavailable { operation: "GetObject", detail })
        }
    }
}

/// The same from a stream.
///
/// # Errors
/// Table or stream cannot be read.
pub async fn read_stream(body: ByteStream, reread: Option<Reread>) -> Result<Reading, StoreError> {
    let runtime = Handle::current();
    let thread = tokio::task::spawn_blocking(move || {
        let input = Pull {
            runtime,
            body,
            current: Bytes::new(),
            hash: Sha256::new(),
            bytes: 0,
            fault: None,
        };
        read_all(input, reread)
    });
    thread.await.map_err(|error| StoreError::Unavailable {
        operation: "reading a document",
        detail: error.to_string(),
    })?
}

fn read_all(mut input: Pull, reread: Option<Reread>) -> Result<Reading, StoreError> {
    let limits = Limits::default();
    let (content, said) = {
        let inflated = Hashing { inner: epcis::inflate(&mut input, &limits), hash: Sha256::new() };
        let mut inflated = BufReader::with_capacity(BUFFER_BYTES, inflated);
        let said = match reread {
            None => None,
            Some(mut reread) => match read_document(&mut inflated, &limits, &mut reread) {
                Ok(()) => Some(Ok(reread)),
                Err(Unread::Store(error)) => return Err(error),
                Err(Unread::Document(detail)) => Some(Err(detail)),
            },
        };
        // The hash covers all of it, also what the reader did not get to.
        let whole = io::copy(&mut inflated, &mut io::sink()).is_ok();
        let hash = inflated.into_inner().hash.finalize();
        (whole.then(|| HEXLOWER.encode(&hash)), said)
    };
    // Behind a broken gzip stream there may be more.
    let rest = io::copy(&mut input, &mut io::sink());
    if let Some(detail) = input.fault.or_else(|| rest.err().map(|error| error.to_string())) {
        return Err(StoreError::Unavailable { operation: "GetObject body", detail });
    }
    let raw_sha256 = HEXLOWER.encode(&input.hash.finalize());
    let content_sha256 = content.unwrap_or_else(|| raw_sha256.clone());
    Ok(Reading { raw_sha256, content_sha256, bytes: input.bytes, said })
}

/// Why a document was not read to its end.
enum Unread {
    Store(StoreError),
    Document(String),
}

impl From<Unsaid> for Unread {
    fn from(unsaid: Unsaid) -> Self {
        match unsaid {
            Unsaid::Lookup(LookupError::Store(error)) => Self::Store(error),
            said @ (Unsaid::Lookup(LookupError::TooScattered)
            | Unsaid::NoTime(_)
            | Unsaid::TooManyBlocks) => Self::Document(said.to_string()),
        }
    }
}

/// Reads events or the rows of a result file, whichever it has.
fn read_document(
    input: &mut impl BufRead,
    limits: &Limits,
    reread: &mut Reread,
) -> Result<(), Unread> {
    let mut peeked = Peeked::new(input);
    if !is_result_file(peeked.first_line()) {
        return match epcis::read(peeked, limits, reread) {
            Ok(_) => Ok(()),
            Err(Failure::Sink(unsaid)) => Err(unsaid.into()),
            Err(Failure::Read(error)) => Err(Unread::Document(error.to_string())),
        };
    }
    let rows = results::Limits { rows_max: limits.events_max, ..results::Limits::default() };
    match results::read(&mut peeked, &rows, &mut |row: &results::Row<'_>| reread.row(row)) {
        Ok(_) => Ok(()),
        Err(results::Failure::Sink(unsaid)) => Err(unsaid.into()),
        Err(other) => Err(Unread::Document(other.to_string())),
    }
}

/// The stream as a blocking reader that hashes what it hands out.
struct Pull {
    runtime: Handle,
    body: ByteStream,
    current: Bytes,
    hash: Sha256,
    bytes: u64,
    /// Why the stream broke off: that is no fault of the document.
    fault: Option<String>,
}

impl Read for Pull {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let len = available.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..len), available.get(..len)) {
            to.copy_from_slice(from);
        }
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for Pull {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() {
            match self.runtime.block_on(self.body.next()) {
                None => break,
                Some(Ok(chunk)) => {
                    self.hash.update(&chunk);
                    let len = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                    self.bytes = self.bytes.saturating_add(len);
                    self.current = chunk;
                }
                Some(Err(error)) => {
                    self.fault = Some(error.to_string());
                    return Err(io::Error::other(error));
                }
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        drop(self.current.split_to(amount.min(self.current.len())));
    }
}

/// Hashes what passes through.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buf)?;
        self.hash.update(buf.get(..len).unwrap_or_default());
        Ok(len)
    }
}
