//! The routes of the end of a batch.

use edge::openapi::{AllocationId, Answer, RequestId, Route};
use edge::{ProblemKind, Scope};
use http::Method;
use serde_json::json;

use crate::answer::AllocationView;
use crate::batch_fetch::DocumentQuery;
use crate::close_body::CloseBody;
use crate::review::ReviewBody;

const CLOSE: &str = "/api/v1/l3/allocations/{id}/close";
const REVIEW: &str = "/api/v1/l3/allocations/{id}/review";
const DOCUMENT: &str = "/api/v1/l3/allocations/{id}/batch-document";
const ID: &str = "The allocation.";

pub(super) fn close() -> Route {
    Route::new(&Method::POST, CLOSE, "allocation_close", &[Scope::AllocationsWrite])
        .says(
            "End the run",
            "The quantity of the allocation's GTIN is compared with the ledger, and the yield with what the \
             product allows. What fits closes the allocation, and numbers that were not used are \
             deactivated; what does not makes it wait for a review (`pending_review`), with findings. The \
             same request again is answered the same; with a key also after the run was reopened.",
        )
        .path::<AllocationId>("id", ID)
        .header::<RequestId>("Idempotency-Key", "The caller's name for this request.")
        .optional_body::<CloseBody>(json!({
            "lot": "LOT42",
            "production": [{
                "packaging_code_type": "GTIN-14",
                "packaging_code": "00313000007772",
                "packaging_level": "EA",
                "quantity_reported": 4_980,
            }],
            "unused": "deactivate",
            "reason": "end of batch",
        }))
        .answers(
            Answer::json::<AllocationView>(200, "The allocation, with how its run ended.")
                .with_header("Idempotent-Replay", "`true` where this request had ended it before."),
        )
        .refuses(&[
            ProblemKind::AllocationState,
            ProblemKind::IdempotencyKeyReuse,
            ProblemKind::Unprocessable,
        ])
}

/// The form of the page by which a run is reviewed.
pub(super) fn review_form() -> Route {
    Route::page(&Method::POST, "/operations/reviews/{id}", "page_review_act")
        .says("Review the end of a run", "From the form of the page only.")
        .path::<AllocationId>("id", ID)
        .form(&["form_token", "decision", "reason"])
}

pub(super) fn review() -> Route {
    Route::new(&Method::POST, REVIEW, "allocation_review", &[Scope::FindingsWrite])
        .says(
            "Review the end of a run",
            "Needs another credential than the run was closed with. `accept` closes the allocation, `reopen` \
             lets the run go on. Either way the findings of the end are resolved with this reason.",
        )
        .path::<AllocationId>("id", ID)
        .body::<ReviewBody>(json!({ "decision": "accept", "reason": "two packs were broken" }))
        .answers(
            Answer::json::<AllocationView>(200, "The allocation as it is now.")
                .with_header("Idempotent-Replay", "`true` where this review was made before."),
        )
        .refuses(&[ProblemKind::AllocationState])
}

pub(super) fn document() -> Route {
    let tag = "The SHA-256 of the answer, in quotes.";
    Route::new(&Method::GET, DOCUMENT, "allocation_batch_document", &[Scope::AllocationsRead])
        .says(
            "Fetch the document of serialization",
            "What was decided about the end of the run and on which counts: JSON, or a page that prints.",
        )
        .path::<AllocationId>("id", ID)
        .query::<DocumentQuery>()
        .answers(
            Answer::empty(200, "The document.").any_json().text("text/html").with_header("ETag", tag),
        )
        .answers(Answer::empty(304, "The caller has it.").with_header("ETag", tag))
}
