//! Streaming readers of EPCIS documents: XML 1.0 to 2.0 and JSON-LD 2.0, plain or gzip.
//!
//! A reader hands each identifier and each event to a [`Sink`] while the bytes go by.
//!
//! Invariants: I7 (identifiers reach the sink as written, only the white space around them is
//! dropped), I10 (constant memory: one buffer, one token, one event head; every limit has an error
//! code). Tolerant where real files are odd (prefixes, namespaces, byte order mark, line ends,
//! dialects of lot and expiry), strict where a misread would hide serials (well-formedness,
//! truncation, encoding, entities).
//!
//! The crate does not know what an event means for the ledger, which serials exist, where the
//! bytes come from, or what time it is.

mod cbv;
mod draft;
mod error;
mod event;
pub mod facts;
mod gzip;
mod json;
mod limits;
mod lot;
mod moment;
mod source;
mod xml;

use std::io::{BufRead, Read};

pub use cbv::word as cbv_word;
pub use error::{Failure, Position, ReadError, ReadErrorCode};
pub use event::{DocumentSummary, EpcList, ErrorDeclaration, EventHead, EventKind, Kind, Sink};
pub use gzip::{Inflate, inflate, inflate_fault};
pub use limits::Limits;
pub use moment::{date, parse as moment};

use source::Source;

/// Reads a whole document, already inflated (see [`inflate`]), and tells the sink what it says.
///
/// # Errors
/// [`Failure::Read`] with code and place when the input cannot be read to its end,
/// [`Failure::Sink`] when the sink stops. What the sink was told before is then void.
pub fn read<R: BufRead, S: Sink>(
    mut input: R,
    limits: &Limits,
    sink: &mut S,
) -> Result<DocumentSummary, Failure<S::Error>> {
    let mut relay = Relay { sink, refusal: None };
    let outcome = read_any(&mut input, limits, &mut relay);
    outcome.map_err(|failure| match (failure, relay.refusal) {
        (Failure::Sink(Stopped), Some(refusal)) => Failure::Sink(refusal),
        (Failure::Sink(Stopped), None) => Failure::Read(ReadError::unknown()),
        (Failure::Read(error), _) => Failure::Read(error),
    })
}

/// [`read`] without its type parameters, so that the readers are compiled once, in this crate and
/// with its optimisation, whatever that of the caller.
fn read_any(
    input: &mut dyn Read,
    limits: &Limits,
    sink: &mut dyn Sink<Error = Stopped>,
) -> Result<DocumentSummary, Failure<Stopped>> {
    let mut source = Source::new(input, limits);
    source.open()?;
    match source.peek_visible()? {
        Some(b'<') => xml::read(source, limits, sink),
        Some(b'{' | b'[') => json::read(source, limits, sink),
        _ => Err(ReadError::at(
            ReadErrorCode::NotEpcis,
            source.here(),
            "the input is neither XML nor a JSON object or array",
        )
        .into()),
    }
}

/// The sink refused; why is kept in the relay.
struct Stopped;

/// Passes on to a sink of any type, and keeps why it refused.
struct Relay<'a, S: Sink> {
    sink: &'a mut S,
    refusal: Option<S::Error>,
}

impl<S: Sink> Relay<'_, S> {
    fn passed(&mut self, outcome: Result<(), S::Error>) -> Result<(), Stopped> {
        outcome.map_err(|refusal| {
            self.refusal = Some(refusal);
            Stopped
        })
    }
}

impl<S: Sink> Sink for Relay<'_, S> {
    type Error = Stopped;

    fn epc(&mut self, list: EpcList, text: &str) -> Result<(), Stopped> {
        let outcome = self.sink.epc(list, text);
        self.passed(outcome)
    }

    fn class(&mut self, text: &str) -> Result<(), Stopped> {
        let outcome = self.sink.class(text);
        self.passed(outcome)
    }

    fn event(&mut self, head: &EventHead) -> Result<(), Stopped> {
        let outcome = self.sink.event(head);
        self.passed(outcome)
    }
}
