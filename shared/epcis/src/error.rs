//! What can be wrong with an input: a stable code, a sentence, and the place in the inflated text.

use std::fmt;

/// Why an input could not be read; shown in kebab case, which outside tools may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadErrorCode {
    /// The document type declaration declares an entity, or the text uses an undeclared one.
    EntityDeclaration,
    /// The XML breaks a rule of XML 1.0.
    NotWellFormed,
    /// The input ends inside a document.
    Truncated,
    /// The input is not UTF-8, or declares another encoding.
    WrongEncoding,
    /// Elements or values are nested deeper than the limit.
    TooDeep,
    /// One tag, text, comment, string or number exceeds its limit.
    TokenTooLarge,
    /// One tag has more attributes, or more bytes of them, than the limit.
    TooManyAttributes,
    /// The document has more events than the limit.
    TooManyEvents,
    /// The JSON breaks a rule of RFC 8259.
    NotJson,
    /// The input is neither XML nor a JSON object or array, or names serials outside any event.
    NotEpcis,
    /// The gzip stream is broken: header, checksum, length or an early end.
    BadGzip,
    /// The inflated text exceeds the limit.
    InflatedTooLarge,
    /// The gzip stream inflates more strongly than an honest document does.
    RatioTooHigh,
    /// The bytes could not be fetched. The only code that says nothing about the document.
    Io,
}

impl ReadErrorCode {
    /// The kebab-case text of the code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EntityDeclaration => "entity-declaration",
            Self::NotWellFormed => "not-well-formed",
            Self::Truncated => "truncated",
            Self::WrongEncoding => "wrong-encoding",
            Self::TooDeep => "too-deep",
            Self::TokenTooLarge => "token-too-large",
            Self::TooManyAttributes => "too-many-attributes",
            Self::TooManyEvents => "too-many-events",
            Self::NotJson => "not-json",
            Self::NotEpcis => "not-epcis",
            Self::BadGzip => "bad-gzip",
            Self::InflatedTooLarge => "inflated-too-large",
            Self::RatioTooHigh => "ratio-too-high",
            Self::Io => "io",
        }
    }

    /// True when another attempt on the same bytes may succeed: the bytes never arrived.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Io)
    }
}

impl fmt::Display for ReadErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in the inflated text. Both numbers count from 1; the column counts bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column in bytes, from 1, a byte order mark not counted.
    pub column: u64,
}

/// An input that could not be read. Its message never repeats a serial number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ReadError {
    /// What kind of fault.
    pub code: ReadErrorCode,
    /// One sentence for people.
    pub message: String,
    /// Line in the inflated text, from 1; absent where the bytes could not be fetched.
    pub line: Option<u64>,
    /// Column in bytes, from 1.
    pub column: Option<u64>,
}

impl ReadError {
    /// A stop without a cause, which no path leads to.
    pub(crate) fn unknown() -> Self {
        let message = "reading stopped without a cause".to_owned();
        Self { code: ReadErrorCode::Io, message, line: None, column: None }
    }

    pub(crate) fn at(code: ReadErrorCode, position: Position, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            line: Some(position.line),
            column: Some(position.column),
        }
    }
}

/// Reading stopped: because of the input, or because the sink said so.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// The input could not be read.
    Read(ReadError),
    /// The sink refused an entry or an event.
    Sink(E),
}

impl<E> From<ReadError> for Failure<E> {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}
