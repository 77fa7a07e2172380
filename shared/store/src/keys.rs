//! All key text of the table. The delimiter `#` is in no identifier that a key carries.

mod entity;
pub mod listing;

use std::fmt;
use std::str::FromStr;

use domain::gln::Gln;
use domain::gtin::Gtin14;
use domain::ids::{AllocationId, PoolId, SystemId};
use domain::object_key::ObjectKey;
use domain::space::SpaceId;

pub use self::entity::entity_name;

/// A partition key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pk {
    /// A pool and its ranges.
    Pool(PoolId),
    /// The list of all pools.
    Registry,
    /// The pools of a GTIN, its spaces, and their guard.
    Gtin(Gtin14),
    /// All pools of SSCCs, and their guard: an SSCC does not say how long its company prefix is.
    Sscc,
    /// What is known of a product.
    Product(Gtin14),
    /// An allocation and the documents that touched it.
    Allocation(AllocationId),
    /// A block of 32,768 numbers of an allocation.
    Block(AllocationId, u32),
    /// What became of a run of a pool that was offered again, by its first index.
    Run(PoolId, u128),
    /// A received document, by the SHA-256 (hex) of its inflated bytes.
    Document(String),
    /// The way from the SHA-256 of the received bytes to the document.
    Raw(String),
    /// An arrival, by its hash (hex).
    Arrival(String),
    /// An export that is written in the background: the allocation and the kind of file.
    Export(AllocationId, String),
    /// What was done about a finding, by its id.
    Finding(String),
    /// What findings of several documents are about, by its hash.
    Subject(String),
    /// A packaging line and its minutes.
    Line(Gln),
    /// The list of all lines.
    Lines,
    /// The tenant's webhook.
    Webhook,
    /// The seals of the days of audit records.
    Seals,
    /// How far sweeps have come.
    Sweep,
    /// A connected system.
    System(SystemId),
    /// A credential, by its id.
    Credential(String),
    /// A signed-in browser, by the SHA-256 (hex) of its token.
    Session(String),
}

/// A sort key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sk {
    /// The webhook item itself.
    Webhook,
    /// The pool item itself.
    Pool,
    /// How far the reservations of a pool were told as events.
    Told,
    /// What the sweep saw of a pool.
    Watch,
    /// An event of a pool, by its number, from 1.
    PoolEvent(u64),
    /// A range, by its first index.
    Range(u128),
    /// A run of numbers that were returned, by its first index.
    Returned(u128),
    /// Returned numbers that belong to another allocation since, by the first index.
    Reoffer(u128),
    /// Numbers that were imported together: the first index, and the SHA-256 (hex) of their file.
    Import(u128, String),
    /// In the registry: a pool.
    RegistryPool(PoolId),
    /// The version that creations of pools of one GTIN compare.
    Guard,
    /// In a GTIN's partition: a pool by its lower boundary.
    Boundary(u128, PoolId),
    /// In a GTIN's partition: a space.
    Space(SpaceId),
    /// The allocation item itself.
    Allocation,
    /// How far the allocation is used.
    Fill,
    /// A decision about the end of the allocation's run, by its number, from 1.
    Closing(u32),
    /// The product item itself.
    Product,
    /// What is known of a block.
    State,
    /// A document's posting in a block, or its link from an allocation.
    DocumentOf(String),
    /// A change of numbers of an allocation, by its id.
    NumberChange(String),
    /// The document item itself.
    Document,
    /// Blocks of an allocation that a document is about to touch, first and last.
    Plan(AllocationId, u32, u32),
    /// A finding of a document, by its id.
    Finding(String),
    /// An arrival of a document, by its hash.
    ArrivalOf(String),
    /// The raw alias itself.
    Raw,
    /// The arrival pointer itself.
    Arrival,
    /// The export item itself.
    Export,
    /// When the hub announced an arrival by itself.
    Notice,
    /// How far the search for lost notices has come.
    NoticeSweep,
    /// The way from a finding's id to its document.
    FindingHome,
    /// The latest finding about a subject.
    Subject,
    /// The seal of a day, `YYYY-MM-DD`.
    Seal(String),
    /// A change of the partition's entity, by its place in the chain, from 1.
    Audit(u64),
    /// The line item itself.
    Line,
    /// In the list of lines: a line.
    LineOf(Gln),
    /// A minute of a line, by its start in milliseconds since 1970.
    Minute(u64),
    /// The system item itself.
    System,
    /// The credential item itself.
    Credential,
    /// The session item itself.
    Session,
}

/// The prefix of all ranges of a pool.
pub const RANGE_PREFIX: &str = "RANGE#";
/// The prefix of the runs of a pool that were returned.
pub const RETURNED_PREFIX: &str = "RETURNED#";
/// The prefix of the ranges of a pool that were offered again.
pub const REOFFER_PREFIX: &str = "REOFFER#";
/// The prefix of the imports of a pool.
pub const IMPORT_PREFIX: &str = "IMPORT#";
/// The prefix of all pools of a GTIN and of the registry.
pub const POOL_PREFIX: &str = "POOL#";
/// The prefix of postings in a block and of documents at an allocation.
pub const DOC_PREFIX: &str = "DOC#";
/// The prefix of a document's plan runs.
pub const PLAN_PREFIX: &str = "PLAN#";
/// The prefix of a document's findings.
pub const FINDING_PREFIX: &str = "FINDING#";
/// The prefix of the lines in their list.
pub const LINE_PREFIX: &str = "LINE#";
/// The prefix of the minutes of a line.
pub const MINUTE_PREFIX: &str = "MINUTE#";
/// The prefix of the seals of days.
pub const SEAL_PREFIX: &str = "DAY#";
/// The prefix of an entity's audit records.
pub const AUDIT_PREFIX: &str = "AUDIT#";
/// The prefix of the changes of an allocation's numbers.
pub const CHANGE_PREFIX: &str = "CHANGE#";
/// The prefix of the decisions about the end of a run.
pub const CLOSING_PREFIX: &str = "CLOSING#";
/// The prefix of a document's arrivals.
pub const ARRIVAL_PREFIX: &str = "ARRIVAL#";

impl fmt::Display for Pk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(id) => write!(f, "POOL#{id}"),
            Self::Registry => f.write_str("REGISTRY"),
            Self::Gtin(gtin) => write!(f, "GTIN#{gtin}"),
            Self::Sscc => f.write_str("SSCC"),
            Self::Product(gtin) => write!(f, "PRODUCT#{gtin}"),
            Self::Allocation(id) => write!(f, "ALLOC#{id}"),
            Self::Block(id, number) => write!(f, "BLOCK#{id}#{number:08}"),
            Self::Run(id, start) => write!(f, "RUN#{id}-{start:020}"),
            Self::Document(sha) => write!(f, "DOC#{sha}"),
            Self::Raw(sha) => write!(f, "RAW#{sha}"),
            Self::Arrival(hash) => write!(f, "ARRIVAL#{hash}"),
            Self::Export(id, file) => write!(f, "EXPORT#{id}#{file}"),
            Self::Finding(id) => write!(f, "FINDING#{id}"),
            Self::Subject(hash) => write!(f, "SUBJECT#{hash}"),
            Self::Line(gln) => write!(f, "{LINE_PREFIX}{gln}"),
            Self::Lines => f.write_str("LINES"),
            Self::Webhook => f.write_str("WEBHOOK"),
            Self::Seals => f.write_str("SEALS"),
            Self::Sweep => f.write_str("SWEEP"),
            Self::System(id) => write!(f, "SYSTEM#{id}"),
            Self::Credential(id) => write!(f, "CREDENTIAL#{id}"),
            Self::Session(hash) => write!(f, "SESSION#{hash}"),
        }
    }
}

impl fmt::Display for Sk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool => f.write_str("POOL"),
            Self::Webhook => f.write_str("WEBHOOK"),
            Self::Told => f.write_str("TOLD"),
            Self::Watch => f.write_str("WATCH"),
            Self::PoolEvent(number) => write!(f, "EVENT#{number:012}"),
            Self::Range(start) => write!(f, "{RANGE_PREFIX}{start:020}"),
            Self::Returned(start) => write!(f, "{RETURNED_PREFIX}{start:020}"),
            Self::Reoffer(start) => write!(f, "{REOFFER_PREFIX}{start:020}"),
            Self::Import(first, sha) => write!(f, "{IMPORT_PREFIX}{first:020}#{sha}"),
            Self::RegistryPool(id) => write!(f, "{POOL_PREFIX}{id}"),
            Self::Guard => f.write_str("GUARD"),
            Self::Boundary(from, id) => write!(f, "{POOL_PREFIX}{from:020}#{id}"),
            Self::Space(id) => write!(f, "SPACE#{id}"),
            Self::Allocation => f.write_str("ALLOC"),
            Self::Fill => f.write_str("FILL"),
            Self::Closing(number) => write!(f, "{CLOSING_PREFIX}{number:04}"),
            Self::Product => f.write_str("PRODUCT"),
            Self::State => f.write_str("STATE"),
            Self::DocumentOf(sha) => write!(f, "{DOC_PREFIX}{sha}"),
            Self::NumberChange(id) => write!(f, "{CHANGE_PREFIX}{id}"),
            Self::Document => f.write_str("DOC"),
            Self::Plan(id, first, last) => write!(f, "{PLAN_PREFIX}{id}#{first:08}-{last:08}"),
            Self::Finding(id) => write!(f, "{FINDING_PREFIX}{id}"),
            Self::ArrivalOf(hash) => write!(f, "{ARRIVAL_PREFIX}{hash}"),
            Self::Raw => f.write_str("RAW"),
            Self::Arrival => f.write_str("ARRIVAL"),
            Self::Export => f.write_str("EXPORT"),
            Self::Notice => f.write_str("NOTICE"),
            Self::NoticeSweep => f.write_str("NOTICES"),
            Self::FindingHome => f.write_str("FINDING"),
            Self::Subject => f.write_str("SUBJECT"),
            Self::Seal(day) => write!(f, "{SEAL_PREFIX}{day}"),
            Self::Audit(place) => write!(f, "{AUDIT_PREFIX}{place:012}"),
            Self::Line => f.write_str("LINE"),
            Self::LineOf(gln) => write!(f, "{LINE_PREFIX}{gln}"),
            Self::Minute(start_ms) => write!(f, "{MINUTE_PREFIX}{start_ms:015}"),
            Self::System => f.write_str("SYSTEM"),
            Self::Credential => f.write_str("CREDENTIAL"),
            Self::Session => f.write_str("SESSION"),
        }
    }
}

impl From<ObjectKey> for Pk {
    /// Where the pools of a key take turns.
    fn from(key: ObjectKey) -> Self {
        match key {
            ObjectKey::Gtin(gtin) => Self::Gtin(gtin),
            ObjectKey::Sscc(_) => Self::Sscc,
        }
    }
}

/// A text that is no key of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no key of this table")]
pub struct KeyError(String);

fn token(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned())
}

fn digits<T: FromStr>(text: &str, width: usize) -> Option<T> {
    let all_digits = text.len() == width && text.bytes().all(|b| b.is_ascii_digit());
    if all_digits { text.parse().ok() } else { None }
}

fn pk_of(text: &str) -> Option<Pk> {
    let mut parts = text.split('#');
    let (kind, rest): (&str, Vec<&str>) = (parts.next()?, parts.collect());
    Some(match (kind, rest.as_slice()) {
        ("POOL", [id]) => Pk::Pool(PoolId::parse(id).ok()?),
        ("REGISTRY", []) => Pk::Registry,
        ("GTIN", [gtin]) => Pk::Gtin(Gtin14::parse(gtin).ok()?),
        ("SSCC", []) => Pk::Sscc,
        ("PRODUCT", [gtin]) => Pk::Product(Gtin14::parse(gtin).ok()?),
        ("ALLOC", [id]) => Pk::Allocation(AllocationId::parse(id).ok()?),
        ("BLOCK", [id, number]) => Pk::Block(AllocationId::parse(id).ok()?, digits(number, 8)?),
        ("RUN", [run]) => {
            let (id, start) = run.split_once('-')?;
            Pk::Run(PoolId::parse(id).ok()?, digits(start, 20)?)
        }
        ("DOC", [sha]) => Pk::Document(token(sha)?),
        ("RAW", [sha]) => Pk::Raw(token(sha)?),
        ("ARRIVAL", [hash]) => Pk::Arrival(token(hash)?),
        ("EXPORT", [id, file]) => Pk::Export(AllocationId::parse(id).ok()?, token(file)?),
        ("FINDING", [id]) => Pk::Finding(token(id)?),
        ("SUBJECT", [hash]) => Pk::Subject(token(hash)?),
        ("LINE", [gln]) => Pk::Line(Gln::parse(gln).ok()?),
        ("LINES", []) => Pk::Lines,
        ("WEBHOOK", []) => Pk::Webhook,
        ("SEALS", []) => Pk::Seals,
        ("SWEEP", []) => Pk::Sweep,
        ("SYSTEM", [id]) => Pk::System(SystemId::parse(id).ok()?),
        ("CREDENTIAL", [id]) => Pk::Credential(token(id)?),
        ("SESSION", [hash]) => Pk::Session(token(hash)?),
        _ => return None,
    })
}

fn sk_of(text: &str) -> Option<Sk> {
    let mut parts = text.split('#');
    let (kind, rest): (&str, Vec<&str>) = (parts.next()?, parts.collect());
    Some(match (kind, rest.as_slice()) {
        ("POOL", []) => Sk::Pool,
        ("WEBHOOK", []) => Sk::Webhook,
        ("TOLD", []) => Sk::Told,
        ("WATCH", []) => Sk::Watch,
        ("EVENT", [number]) => Sk::PoolEvent(digits(number, 12)?),
        ("RANGE", [start]) => Sk::Range(digits(start, 20)?),
        ("RETURNED", [start]) => Sk::Returned(digits(start, 20)?),
        ("REOFFER", [start]) => Sk::Reoffer(digits(start, 20)?),
        ("IMPORT", [first, sha]) => Sk::Import(digits(first, 20)?, token(sha)?),
        ("POOL", [id]) => Sk::RegistryPool(PoolId::parse(id).ok()?),
        ("GUARD", []) => Sk::Guard,
        ("POOL", [from, id]) => Sk::Boundary(digits(from, 20)?, PoolId::parse(id).ok()?),
        ("SPACE", [id]) => Sk::Space(SpaceId::parse(id).ok()?),
        ("ALLOC", []) => Sk::Allocation,
        ("FILL", []) => Sk::Fill,
        ("CLOSING", [number]) => Sk::Closing(digits(number, 4)?),
        ("PRODUCT", []) => Sk::Product,
        ("STATE", []) => Sk::State,
        ("DOC", [sha]) => Sk::DocumentOf(token(sha)?),
        ("CHANGE", [id]) => Sk::NumberChange(token(id)?),
        ("DOC", []) => Sk::Document,
        ("PLAN", [id, run]) => {
            let (first, last) = run.split_once('-')?;
            Sk::Plan(AllocationId::parse(id).ok()?, digits(first, 8)?, digits(last, 8)?)
        }
        ("FINDING", [id]) => Sk::Finding(token(id)?),
        ("ARRIVAL", [hash]) => Sk::ArrivalOf(token(hash)?),
        ("RAW", []) => Sk::Raw,
        ("ARRIVAL", []) => Sk::Arrival,
        ("EXPORT", []) => Sk::Export,
        ("NOTICE", []) => Sk::Notice,
        ("NOTICES", []) => Sk::NoticeSweep,
        ("FINDING", []) => Sk::FindingHome,
        ("SUBJECT", []) => Sk::Subject,
        ("DAY", [day]) => Sk::Seal(crate::time::date_of(day).map(crate::time::date_text)?),
        ("AUDIT", [place]) => Sk::Audit(digits(place, 12)?),
        ("LINE", []) => Sk::Line,
        ("LINE", [gln]) => Sk::LineOf(Gln::parse(gln).ok()?),
        ("MINUTE", [start]) => Sk::Minute(digits(start, 15)?),
        ("SYSTEM", []) => Sk::System,
        ("CREDENTIAL", []) => Sk::Credential,
        ("SESSION", []) => Sk::Session,
        _ => return None,
    })
}

impl FromStr for Pk {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        pk_of(text).ok_or_else(|| KeyError(text.to_owned()))
    }
}

impl FromStr for Sk {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        sk_of(text).ok_or_else(|| KeyError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
