//! The report of a document: `reports/<content_sha256>.json` in the documents bucket.
//!
//! It is what `GET /documents/{sha256}` answers; status, arrivals and findings go on living in the
//! table, so an answer takes those from there and the rest from the report.

use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};

use crate::arrival::Arrival;
use crate::document::Document;
use crate::error::{StoreError, sdk_error};
use crate::finding::{FindingRecord, finding_view};
use crate::objects::Objects;

/// What a document did to an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationTally {
    /// The allocation.
    pub allocation_id: String,
    /// Serials that no document had commissioned.
    pub newly_commissioned: u64,
    /// Serials that were commissioned with the same lot and expiry.
    pub repeated: u64,
}

/// The whole answer about a document.
#[must_use]
pub fn document_view(
    document: &Document,
    arrivals: &[Arrival],
    findings: &[FindingRecord],
    allocations: &Value,
) -> Value {
    let arrival = |a: &Arrival| json!({"key": a.key, "version_id": a.version_id, "at": a.at});
    let serials = document.serials();
    let mut view = document_summary(document);
    let more = json!({
        "arrivals": arrivals.iter().map(arrival).collect::<Vec<_>>(),
        "serials": {
            "named": serials.named,
            "matched": serials.matched,
            "newly_commissioned": serials.newly_commissioned,
            "repeated": serials.repeated,
            "provisional": serials.provisional,
        },
        "allocations": allocations,
        "findings": findings.iter().map(|r| finding_view(&r.finding)).collect::<Vec<_>>(),
    });
    if let (Some(view), Value::Object(more)) = (view.as_object_mut(), more) {
        view.extend(more);
    }
    view
}

/// What lists show of a document.
#[must_use]
pub fn document_summary(document: &Document) -> Value {
    let error = document
        .error
        .as_ref()
        .map(|e| json!({"code": e.code, "message": e.message, "line": e.line, "column": e.column}));
    let metrics = document.metrics.map(|m| {
        json!({
            "bytes": m.bytes,
            "seconds": seconds(m.milliseconds),
            "write_units": m.write_units,
            "vm_hwm_kib": m.vm_hwm_kib,
        })
    });
    json!({
        "content_sha256": document.content_sha256,
        "raw_sha256": document.raw_sha256,
        "kind": document.kind,
        "status": document.status().as_str(),
        "system_id": document.system_id.as_str(),
        "received_at": document.received_at,
        "events": document.events,
        "error": error,
        "next_try_at": document.next_try_at(),
        "reconciled_at": document.reconciled_at(),
        "metrics": metrics,
    })
}

/// Milliseconds as seconds, a JSON number with three decimals.
fn seconds(milliseconds: u64) -> Value {
    let text = format!("{}.{:03}", milliseconds / 1_000, milliseconds % 1_000);
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// The tallies of a report that was written before, as JSON; an empty list when there is none.
#[must_use]
pub fn tallies_of(report: Option<&Value>) -> Value {
    report.and_then(|report| report.get("allocations")).cloned().unwrap_or_else(|| json!([]))
}

/// Tallies as a report shows them, replacing those of the same allocations in `before`.
#[must_use]
pub fn merge_tallies(before: &Value, tallies: &[AllocationTally]) -> Value {
    let id = |entry: &Value| entry.get("allocation_id").and_then(Value::as_str).map(str::to_owned);
    let kept = before.as_array().into_iter().flatten().filter(|entry| {
        tallies.iter().all(|tally| id(entry).as_deref() != Some(&tally.allocation_id))
    });
    let new = tallies.iter().map(|tally| {
        json!({
            "allocation_id": tally.allocation_id,
            "newly_commissioned": tally.newly_commissioned,
            "repeated": tally.repeated,
        })
    });
    let mut all: Vec<Value> = kept.cloned().chain(new).collect();
    all.sort_by_key(id);
    all.into()
}

fn report_key(content_sha256: &str) -> String {
    format!("reports/{content_sha256}.json")
}

impl Objects {
    /// The report of a document; `None` when it was not written yet.
    pub async fn report_fetch(&self, content_sha256: &str) -> Result<Option<Value>, StoreError> {
        let key = report_key(content_sha256);
        let bytes = self.get_small(&self.buckets.documents, &key).await?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Writes the report of a document. It is replaced when a parked document was judged again.
    pub async fn report_put(&self, content_sha256: &str, report: &Value) -> Result<(), StoreError> {
        self.s3
            .put_object()
            .bucket(&*self.buckets.documents)
            .key(report_key(content_sha256))
            .content_type("application/json")
            .body(ByteStream::from(report.to_string().into_bytes()))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| sdk_error("PutObject report", &error))
    }
}
