//! What a reader tells its sink: entries, event heads, and what the document was.

use std::fmt;

use time::OffsetDateTime;

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// `ObjectEvent`.
    Object,
    /// `AggregationEvent`.
    Aggregation,
    /// `TransactionEvent`.
    Transaction,
    /// `TransformationEvent`.
    Transformation,
    /// `AssociationEvent` (EPCIS 2.0).
    Association,
    /// `QuantityEvent` (EPCIS 1.0, deprecated since).
    Quantity,
    /// An entry of a JSON event list whose type is missing or unknown. It is counted; it asserts
    /// nothing that the hub knows.
    Unknown,
}

impl EventKind {
    /// The kind named by an element or by the JSON `type`.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"ObjectEvent" => Some(Self::Object),
            b"AggregationEvent" => Some(Self::Aggregation),
            b"TransactionEvent" => Some(Self::Transaction),
            b"TransformationEvent" => Some(Self::Transformation),
            b"AssociationEvent" => Some(Self::Association),
            b"QuantityEvent" => Some(Self::Quantity),
            _ => None,
        }
    }
}

/// The list in which an instance identifier stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EpcList {
    /// `epcList`.
    Epcs,
    /// `childEPCs`.
    Children,
    /// `inputEPCList` of a transformation.
    Inputs,
    /// `outputEPCList` of a transformation.
    Outputs,
}

impl EpcList {
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"epcList" => Some(Self::Epcs),
            b"childEPCs" => Some(Self::Children),
            b"inputEPCList" => Some(Self::Inputs),
            b"outputEPCList" => Some(Self::Outputs),
            _ => None,
        }
    }
}

/// The statement that an earlier event was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorDeclaration {
    /// When it was declared, if given and readable.
    pub declaration_time: Option<OffsetDateTime>,
    /// Why, as written (a CBV URI or word).
    pub reason: Option<String>,
}

/// Everything of an event but its lists of identifiers, which were handed over before it.
///
/// A text that was present but empty is `Some("")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventHead {
    /// Number of the event in its document, from 0.
    pub ordinal: u64,
    /// Its type.
    pub kind: EventKind,
    /// `eventTime` in UTC, microseconds; a time without zone is read as UTC. Absent when missing
    /// or unreadable.
    pub event_time: Option<OffsetDateTime>,
    /// True when there was an `eventTime`, readable or not.
    pub time_text_present: bool,
    /// `action` as written: ADD, OBSERVE, DELETE.
    pub action: Option<String>,
    /// `bizStep` without its CBV prefix.
    pub biz_step: Option<String>,
    /// `disposition` without its CBV prefix.
    pub disposition: Option<String>,
    /// `readPoint/id` as written.
    pub read_point: Option<String>,
    /// `bizLocation/id` as written.
    pub biz_location: Option<String>,
    /// `eventID`.
    pub event_id: Option<String>,
    /// `errorDeclaration`.
    pub error_declaration: Option<ErrorDeclaration>,
    /// Lot, from wherever the dialect keeps it.
    pub lot: Option<String>,
    /// Expiry as `YYYY-MM-DD` where its text allows, otherwise as written.
    pub expiry: Option<String>,
    /// `parentID`.
    pub parent_id: Option<String>,
    /// Number of quantity elements (classes, not instances).
    pub quantity_elements: u64,
    /// Line of the event's first byte in the inflated text.
    pub line: u64,
    /// Column of the event's first byte.
    pub column: u64,
}

impl Default for EventHead {
    fn default() -> Self {
        Self::new()
    }
}

impl EventHead {
    /// The head of an event that says nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ordinal: 0,
            kind: EventKind::Unknown,
            event_time: None,
            time_text_present: false,
            action: None,
            biz_step: None,
            disposition: None,
            read_point: None,
            biz_location: None,
            event_id: None,
            error_declaration: None,
            lot: None,
            expiry: None,
            parent_id: None,
            quantity_elements: 0,
            line: 0,
            column: 0,
        }
    }

    /// Becomes the same as another, in the strings that are here already.
    pub(crate) fn copy(&mut self, from: &Self) {
        self.ordinal = from.ordinal;
        self.kind = from.kind;
        self.event_time = from.event_time;
        self.time_text_present = from.time_text_present;
        self.action.clone_from(&from.action);
        self.biz_step.clone_from(&from.biz_step);
        self.disposition.clone_from(&from.disposition);
        self.read_point.clone_from(&from.read_point);
        self.biz_location.clone_from(&from.biz_location);
        self.event_id.clone_from(&from.event_id);
        self.error_declaration.clone_from(&from.error_declaration);
        self.lot.clone_from(&from.lot);
        self.expiry.clone_from(&from.expiry);
        self.parent_id.clone_from(&from.parent_id);
        self.quantity_elements = from.quantity_elements;
        self.line = from.line;
        self.column = from.column;
    }
}

/// Receives what a document says, in document order, while it is read.
///
/// Two implementations: the facts of `inspect` and the fold of the reconciliation. When reading
/// fails, everything the sink was told is void.
pub trait Sink {
    /// Why the sink stops the reading.
    type Error;

    /// An instance identifier of the event whose `event` follows; trimmed, possibly empty.
    ///
    /// # Errors
    /// Whatever makes the sink stop.
    fn epc(&mut self, list: EpcList, text: &str) -> Result<(), Self::Error>;

    /// The class of a quantity element of the event whose `event` follows; possibly empty.
    ///
    /// # Errors
    /// Whatever makes the sink stop.
    fn class(&mut self, _text: &str) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The end of an event.
    ///
    /// # Errors
    /// Whatever makes the sink stop.
    fn event(&mut self, head: &EventHead) -> Result<(), Self::Error>;
}

/// What an input is, told by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// EPCIS 1.0 to 1.2 as XML.
    EpcisXml1,
    /// EPCIS 2.0 as XML.
    EpcisXml2,
    /// EPCIS 2.0 as JSON or JSON-LD.
    EpcisJson,
    /// A master data document as XML.
    EpcisMasterData,
    /// Well-formed XML or JSON of another purpose.
    Unknown,
}

impl Kind {
    /// The kebab-case text of the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EpcisXml1 => "epcis-xml-1",
            Self::EpcisXml2 => "epcis-xml-2",
            Self::EpcisJson => "epcis-json",
            Self::EpcisMasterData => "epcis-masterdata",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a document was, known when its last byte was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSummary {
    /// What it is.
    pub kind: Kind,
    /// Name of the document element, or the JSON `type`: `EPCISDocument`, `EPCISQueryDocument`,
    /// an event type for a bare event, `array` and `object` for JSON without a type.
    pub document: String,
    /// `schemaVersion` as written.
    pub schema_version: Option<String>,
    /// Number of events handed to the sink.
    pub events: u64,
    /// Events that stood outside any event list, and were therefore not read.
    pub events_outside_list: u64,
    /// True when there was a (bare) document type declaration.
    pub doctype: bool,
}
