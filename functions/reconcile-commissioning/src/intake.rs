//! Streams an object into the reader and the fold, hashing both what came and what it inflates to.
//!
//! The async side fetches chunks and hashes them; a blocking thread inflates, hashes again, parses
//! and folds. A bounded channel joins them, so memory does not depend on the object (I10). A fetch
//! that breaks off is an error of the intake, never the end of the document.

use std::io::{self, BufRead, BufReader, Read};

use aws_sdk_s3::primitives::ByteStream;
use data_encoding::HEXLOWER;
use epcis::{DocumentSummary, Failure, Inflate, Kind, Limits, ReadErrorCode};
use linefiles::results::{self, Peeked, is_result_file};
use sha2::{Digest, Sha256};
use store::StoreError;
use store::document::DocumentError;
use tokio::sync::mpsc;

use crate::fold::{Fold, Folded, Rows};
use crate::stop::Stop;

/// Chunks between the two sides; S3 hands out some tens of KiB each.
const CHUNKS: usize = 8;
const BUFFER_BYTES: usize = 64 << 10;
/// The kind of a result file.
const RESULT_CSV: &str = "result-csv";

/// A document that was read to its end or refused.
#[derive(Debug)]
pub struct Reading {
    /// Of the received bytes, hex.
    pub raw_sha256: String,
    /// Of the inflated bytes, hex; of the received ones where there is nothing to inflate or
    /// inflating fails.
    pub content_sha256: String,
    /// Received bytes.
    pub bytes: u64,
    /// What it is; `unknown` when it was refused before that was clear.
    pub kind: &'static str,
    /// What the document says, or why it is refused.
    pub outcome: Result<Box<Folded>, DocumentError>,
}

type Chunk = Result<bytes::Bytes, ()>;

/// The blocking end of the channel.
struct ChannelRead {
    chunks: mpsc::Receiver<Chunk>,
    current: bytes::Bytes,
}

impl Read for ChannelRead {
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

impl BufRead for ChannelRead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                None => break,
                Some(Ok(chunk)) => self.current = chunk,
                Some(Err(())) => return Err(io::Error::other("the object could not be fetched")),
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        drop(self.current.split_to(amount.min(self.current.len())));
    }
}

/// Hashes what is inflated. A plain text is hashed where it is fetched, and not twice.
struct Hashing {
    inner: Inflate<ChannelRead>,
    hash: Sha256,
}

impl Read for Hashing {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buf)?;
        if self.inner.is_gzip() {
            self.hash.update(buf.get(..len).unwrap_or_default());
        }
        Ok(len)
    }
}

/// Reads one object to its end.
///
/// # Errors
/// The object or the store could not be read: try again. A document that is wrong is no error.
pub async fn read(body: ByteStream, fold: Fold, limits: Limits) -> Result<Reading, StoreError> {
    let (sender, chunks) = mpsc::channel::<Chunk>(CHUNKS);
    let reader = tokio::task::spawn_blocking(move || {
        let input = ChannelRead { chunks, current: bytes::Bytes::new() };
        parse(input, fold, &limits)
    });
    let fetched = fetch(body, &sender).await;
    drop(sender);
    let parsed = reader.await.map_err(|error| StoreError::Unavailable {
        operation: "reading the document",
        detail: error.to_string(),
    })?;
    let (raw_sha256, bytes) = fetched?;
    let (content, kind, outcome) = parsed?;
    let content_sha256 = content.unwrap_or_else(|| raw_sha256.clone());
    Ok(Reading { raw_sha256, content_sha256, bytes, kind, outcome })
}

/// Passes all chunks on and hashes them, also when nobody reads them any more.
async fn fetch(
    mut body: ByteStream,
    sender: &mpsc::Sender<Chunk>,
) -> Result<(String, u64), StoreError> {
    let mut hash = Sha256::new();
    let mut bytes = 0_u64;
    while let Some(chunk) = body.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                // Whether the other side still listens does not matter: the run fails either way.
                sender.send(Err(())).await.unwrap_or_default();
                return Err(StoreError::Unavailable {
                    operation: "GetObject body",
                    detail: error.to_string(),
                });
            }
        };
        hash.update(&chunk);
        bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        // A reader that gave up has closed its end.
        sender.send(Ok(chunk)).await.unwrap_or_default();
    }
    Ok((HEXLOWER.encode(&hash.finalize()), bytes))
}

type Parsed = (Option<String>, &'static str, Result<Box<Folded>, DocumentError>);

fn parse(input: ChannelRead, mut fold: Fold, limits: &Limits) -> Result<Parsed, StoreError> {
    let inflated = Hashing { inner: epcis::inflate(input, limits), hash: Sha256::new() };
    let mut input = BufReader::with_capacity(BUFFER_BYTES, inflated);
    let mut peeked = Peeked::new(&mut input);
    let outcome = if is_result_file(peeked.first_line()) {
        read_rows(&mut peeked, &mut fold, limits)
    } else {
        read_events(&mut peeked, &mut fold, limits)
    };
    // The name of the document covers all of it, also what the reader did not get to.
    let whole = io::copy(&mut peeked, &mut io::sink()).is_ok();
    let Hashing { inner, hash } = input.into_inner();
    let content = (whole && inner.is_gzip()).then(|| HEXLOWER.encode(&hash.finalize()));
    let (kind, outcome) = outcome?;
    let folded = match outcome {
        Ok(()) => fold.finish().map_or_else(|stop| stopped(stop).map(Err), |it| Ok(Ok(it)))?,
        Err(refusal) => Err(refusal),
    };
    Ok((content, kind, folded.map(Box::new)))
}

/// The kind of a document, and why it is refused if it is.
type Told = (&'static str, Result<(), DocumentError>);

fn read_events(
    input: &mut impl BufRead,
    fold: &mut Fold,
    limits: &Limits,
) -> Result<Told, StoreError> {
    let outcome = epcis::read(input, limits, fold);
    // What waits comes before whatever is wrong with the rest of the document.
    let outcome = match outcome {
        Err(Failure::Sink(_)) => outcome,
        Ok(_) | Err(Failure::Read(_)) => fold.settle().map_err(Failure::Sink).and(outcome),
    };
    match outcome {
        Ok(summary) => Ok((summary.kind.as_str(), acceptable(&summary))),
        Err(Failure::Sink(stop)) => Ok((Kind::Unknown.as_str(), Err(stopped(stop)?))),
        Err(Failure::Read(error)) if error.code == ReadErrorCode::Io => {
            Err(StoreError::Unavailable { operation: "GetObject body", detail: error.message })
        }
        Err(Failure::Read(error)) => {
            let refusal = DocumentError {
                code: error.code.as_str().to_owned(),
                message: error.message,
                line: error.line,
                column: error.column,
            };
            Ok((Kind::Unknown.as_str(), Err(refusal)))
        }
    }
}

fn read_rows(
    input: &mut impl BufRead,
    fold: &mut Fold,
    limits: &Limits,
) -> Result<Told, StoreError> {
    let mut rows = Rows::new(fold);
    let own = results::Limits { rows_max: limits.events_max, ..results::Limits::default() };
    let outcome = results::read(input, &own, &mut |row: &results::Row<'_>| rows.row(row));
    let outcome = match outcome {
        Err(results::Failure::Sink(_)) => outcome,
        Ok(_) | Err(results::Failure::Refused(_) | results::Failure::Io(_)) => {
            fold.settle().map_err(results::Failure::Sink).and(outcome)
        }
    };
    let refusal = match outcome {
        Ok(_) => return Ok((RESULT_CSV, Ok(()))),
        Err(results::Failure::Sink(stop)) => stopped(stop)?,
        Err(results::Failure::Refused(error)) => DocumentError {
            code: error.code.as_str().to_owned(),
            message: error.message,
            line: Some(error.place.line),
            column: Some(error.place.column),
        },
        Err(results::Failure::Io(error)) => {
            let detail = error.to_string();
            let Some(code) = epcis::inflate_fault(&error) else {
                return Err(StoreError::Unavailable { operation: "GetObject body", detail });
            };
            DocumentError::new(code.as_str(), detail)
        }
    };
    Ok((RESULT_CSV, Err(refusal)))
}

/// Why a fold did not go on, where that is the document's fault.
fn stopped(stop: Stop) -> Result<DocumentError, StoreError> {
    match stop {
        Stop::Store(error) => Err(error),
        Stop::Refused { code, message, at } => Ok(refused(code, message, at)),
    }
}

fn refused(code: &str, message: &str, at: Option<(u64, u64)>) -> DocumentError {
    DocumentError {
        code: code.to_owned(),
        message: message.to_owned(),
        line: at.map(|(line, _)| line),
        column: at.map(|(_, column)| column),
    }
}

/// Readable documents that reconciliation refuses all the same; see the crate's documentation.
fn acceptable(summary: &DocumentSummary) -> Result<(), DocumentError> {
    match summary.kind {
        Kind::EpcisMasterData => {
            Err(refused("master-data", "the document holds master data and no events", None))
        }
        Kind::Unknown => Err(refused("not-epcis", "the document is no EPCIS document", None)),
        Kind::EpcisXml1 | Kind::EpcisXml2 | Kind::EpcisJson => {
            if summary.events_outside_list > 0 {
                let message = "events stand outside the event list and would be overlooked";
                Err(refused("events-outside-list", message, None))
            } else if summary.events == 0 {
                Err(refused("no-events", "the document holds no events", None))
            } else {
                Ok(())
            }
        }
    }
}
