//! How the run of an allocation ended, as answers about the allocation say it.

use domain::allocation::AllocationStatus;
use domain::closing::Decision;
use edge::openapi::{Sha256, Time};
use serde::Serialize;
use store::closing::Closing;
use utoipa::ToSchema;

use crate::openapi::ResultWord;

/// How the run ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Closing)]
pub(crate) struct ClosingView {
    /// The revision of the batch document: each decision makes one.
    revision: u32,
    #[schema(value_type = ResultWord)]
    result: &'static str,
    #[schema(value_type = Time)]
    at: String,
    /// `<system>/<credential>` of who decided.
    by: String,
    #[schema(required)]
    reason: Option<String>,
    /// Findings of the end of the batch: under `/api/v1/findings/{id}`.
    findings: Vec<String>,
    /// Whether a file has changed the ledger since it was counted: the batch document is not written anew.
    ledger_changed: bool,
    document: DocumentLink,
}

/// The batch document and what its bytes must hash to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchDocumentLink)]
struct DocumentLink {
    href: String,
    #[schema(value_type = Sha256)]
    sha256: String,
    #[schema(value_type = Sha256)]
    html_sha256: String,
}

impl ClosingView {
    pub(crate) fn new(closing: &Closing, ledger_changed: bool) -> Self {
        let number = closing.number;
        let href = format!(
            "/api/v1/l3/allocations/{}/batch-document?revision={number}",
            closing.allocation
        );
        Self {
            revision: number,
            result: result(closing),
            at: closing.at.clone(),
            by: closing.actor.clone(),
            reason: closing.reason.clone(),
            findings: closing.findings.clone(),
            ledger_changed,
            document: DocumentLink {
                href,
                sha256: closing.document.json.clone(),
                html_sha256: closing.document.html.clone(),
            },
        }
    }
}

/// What came of a decision.
pub(crate) fn result(closing: &Closing) -> &'static str {
    match (closing.decision, closing.status == AllocationStatus::PendingReview) {
        (Decision::Reopen, _) => "reopened",
        (Decision::Close, true) => "pending_review",
        (Decision::Close, false) | (Decision::Accept, _) => "accepted",
    }
}
