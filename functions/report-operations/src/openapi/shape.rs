//! The shapes of answers that are put together where the table is read. They are only described here; the
//! flow over the whole document holds them against real answers, in which no other member may appear.
#![expect(dead_code, reason = "only the schemas are used")]

use edge::openapi::{AllocationId, Sha256, SystemId, Time};
use service::finding::FindingView;
use store::document::DocumentStatus;
use utoipa::ToSchema;

edge::words! {
    DocumentStatusWord = DocumentStatus::ALL.map(DocumentStatus::as_str),
        "`parked`: applied as far as possible, the rest is tried again at `next_try_at`.";
    Ok = ["ok"], "It answers.";
}

/// The health of the hub.
#[derive(ToSchema)]
pub(super) struct Health {
    #[schema(value_type = Ok)]
    status: String,
}

/// A document as lists show it.
#[derive(ToSchema)]
pub(crate) struct DocumentSummary {
    #[schema(value_type = Sha256)]
    content_sha256: String,
    /// Null where the bytes were never seen.
    #[schema(required, value_type = Option<Sha256>)]
    raw_sha256: Option<String>,
    /// What its content is.
    kind: String,
    #[schema(value_type = DocumentStatusWord)]
    status: String,
    #[schema(value_type = SystemId)]
    system_id: String,
    #[schema(value_type = Time)]
    received_at: String,
    events: u64,
    /// Why it was refused.
    #[schema(required)]
    error: Option<DocumentError>,
    /// Why it is not simply done.
    #[schema(required)]
    reason: Option<String>,
    #[schema(required, value_type = Option<Time>)]
    next_try_at: Option<String>,
    #[schema(required, value_type = Option<Time>)]
    reconciled_at: Option<String>,
    /// The latest event time in it.
    #[schema(required)]
    last_event_at: Option<String>,
    #[schema(required)]
    resolution: Option<DocumentResolution>,
    #[schema(required)]
    metrics: Option<DocumentMetrics>,
}

/// A document with its report.
#[derive(ToSchema)]
pub(super) struct Document {
    #[serde(flatten)]
    summary: DocumentSummary,
    arrivals: Vec<DocumentArrival>,
    serials: DocumentSerials,
    allocations: Vec<DocumentAllocation>,
    findings: Vec<FindingView>,
}

/// Why a document was refused; line and column are of the inflated text.
#[derive(ToSchema)]
struct DocumentError {
    code: String,
    message: String,
    #[schema(required)]
    line: Option<u64>,
    #[schema(required)]
    column: Option<u64>,
}

/// What somebody decided about a document.
#[derive(ToSchema)]
struct DocumentResolution {
    action: String,
    #[schema(value_type = Time)]
    at: String,
    by: String,
    reason: String,
}

/// What reading it took.
#[derive(ToSchema)]
struct DocumentMetrics {
    bytes: u64,
    seconds: f64,
    write_units: u64,
    vm_hwm_kib: u64,
}

/// One delivery of it.
#[derive(ToSchema)]
struct DocumentArrival {
    key: String,
    #[schema(required)]
    version_id: Option<String>,
    #[schema(value_type = Time)]
    at: String,
}

/// Serials in its commissioning events.
#[derive(ToSchema)]
struct DocumentSerials {
    named: u64,
    matched: u64,
    newly_commissioned: u64,
    repeated: u64,
    provisional: u64,
}

/// What it did to an allocation.
#[derive(ToSchema)]
struct DocumentAllocation {
    #[schema(value_type = AllocationId)]
    allocation_id: String,
    newly_commissioned: u64,
    repeated: u64,
}
