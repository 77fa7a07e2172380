//! The report of a document: `reports/<content_sha256>.json` in the documents bucket.
//!
//! It is what `GET /documents/{sha256}` answers; status, arrivals and findings go on living in the
//! table, so an answer takes those from there and the rest from the report.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};

use crate::arrival::Arrival;
use crate::document::{Document, DocumentStatus, Resolution};
use crate::error::{StoreError, sdk_error};
use crate::finding::{FindingRecord, finding_view};
use crate::objects::{Objects, is_taken};

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
        .refusal()
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
        "reason": reason(document),
        "next_try_at": document.next_try_at(),
        "reconciled_at": document.reconciled_at(),
        "last_event_at": document.last_event_at,
        "resolution": document.resolution.as_ref().map(resolution),
        "metrics": metrics,
    })
}

fn resolution(resolution: &Resolution) -> Value {
    json!({
        "action": resolution.kind.as_str(),
        "at": resolution.at,
        "by": resolution.by,
        "reason": resolution.reason,
    })
}

/// Why a document is not simply done, for people; `None` when it is.
fn reason(document: &Document) -> Option<String> {
    let provisional = document.serials().provisional;
    if let Some(error) = document.refusal() {
        return Some(error.message.clone());
    }
    match document.status() {
        DocumentStatus::Parked => {
            Some(format!("{provisional} serials wait for a reservation or a pool that covers them"))
        }
        DocumentStatus::Received | DocumentStatus::Applying if document.next_try_at().is_some() => {
            Some("it is being read or waits to be; it is sent again after its next try".to_owned())
        }
        DocumentStatus::Received
        | DocumentStatus::Applying
        | DocumentStatus::Reconciled
        | DocumentStatus::Quarantined => None,
    }
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

/// Tallies as a report shows them.
#[must_use]
pub fn tallies_view(tallies: &[AllocationTally]) -> Value {
    let view = |tally: &AllocationTally| {
        json!({
            "allocation_id": tally.allocation_id,
            "newly_commissioned": tally.newly_commissioned,
            "repeated": tally.repeated,
        })
    };
    tallies.iter().map(view).collect()
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

    /// The mark of a document's report as it is now; `None` when there is none.
    pub async fn report_mark(&self, content_sha256: &str) -> Result<Option<String>, StoreError> {
        let key = report_key(content_sha256);
        let head = self.s3.head_object().bucket(&*self.buckets.documents).key(key).send().await;
        match head {
            Ok(head) => Ok(head.e_tag),
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => {
                Ok(None)
            }
            Err(error) => Err(sdk_error("HeadObject report", &error)),
        }
    }

    /// Writes the report of a document unless it was written since its mark was read; `false` then, and
    /// what the report says is to be put together again.
    pub async fn report_put(
        &self,
        content_sha256: &str,
        report: &Value,
        mark: Option<String>,
    ) -> Result<bool, StoreError> {
        let put = self
            .s3
            .put_object()
            .bucket(&*self.buckets.documents)
            .key(report_key(content_sha256))
            .content_type("application/json")
            .body(ByteStream::from(report.to_string().into_bytes()));
        let put = match mark {
            Some(mark) => put.if_match(mark),
            None => put.if_none_match("*"),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if is_taken(&error) || error.code() == Some("ConditionalRequestConflict") =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error("PutObject report", &error)),
        }
    }
}
