//! The pages for people.

use edge::ProblemKind;
use edge::openapi::{AllocationId, Answer, PoolId, Route, Sha256};
use http::Method;
use utoipa::ToSchema;

use crate::findings::openapi::FindingIdForm;

edge::words! {
    DocumentVerb = ["retry", "reject", "reprocess"], "What is done about a document.";
}

/// The number of a decision.
#[derive(Debug, ToSchema)]
#[schema(minimum = 1, maximum = 100)]
pub(super) struct Revision(#[expect(dead_code, reason = "only its schema is used")] u32);

/// The routes of the pages.
pub(super) fn routes() -> Vec<Route> {
    let (get, post) = (Method::GET, Method::POST);
    let html = |words: &str| Answer::empty(200, words).text("text/html");
    let shown = |path: &str, id: &str, summary: &str| {
        Route::page(&get, path, id).says(summary, "").answers(html("The page."))
    };
    let done = |path: &str, id: &str, summary: &str| {
        Route::page(&post, path, id)
            .says(summary, "From the form of the page only.")
            .path::<FindingIdForm>("id", "The finding.")
            .form(&["form_token", "reason"])
            .refuses(&[ProblemKind::Unprocessable])
    };
    vec![
        shown("/operations", "page_scorecard", "Show the scorecard"),
        shown("/operations/api-docs", "page_api", "Browse this document"),
        shown("/operations/allocations/{id}", "page_allocation", "Show an allocation")
            .path::<AllocationId>("id", "The allocation."),
        shown(
            "/operations/allocations/{id}/batch-document/{revision}",
            "page_batch_document",
            "Show a batch document as it was kept",
        )
        .path::<AllocationId>("id", "The allocation.")
        .path::<Revision>("revision", "The decision."),
        shown("/operations/pools", "page_pools", "Show all pools"),
        shown("/operations/pools/{id}", "page_pool", "Show a pool")
            .path::<PoolId>("id", "The pool."),
        shown("/operations/spaces", "page_spaces", "Show the spaces of random numbers"),
        shown("/operations/holds", "page_holds", "Show what waits for a confirmation"),
        shown("/operations/reviews", "page_reviews", "Show what waits for a review"),
        shown("/operations/reviews/{id}", "page_review", "Show a run that waits for a review")
            .path::<AllocationId>("id", "The allocation."),
        shown("/operations/documents/{sha256}", "page_document", "Show a document")
            .path::<Sha256>("sha256", "The SHA-256 of the content or of the bytes as received."),
        Route::page(&post, "/operations/documents/{sha256}/{verb}", "page_document_act")
            .says("Retry, reject or read a document again", "From the form of the page only.")
            .path::<Sha256>("sha256", "The SHA-256 of the content.")
            .path::<DocumentVerb>("verb", "What to do.")
            .form(&["form_token"])
            .refuses(&[ProblemKind::Unprocessable]),
        shown("/operations/findings/{id}", "page_finding", "Show a finding")
            .path::<FindingIdForm>("id", "The finding."),
        done("/operations/findings/{id}/acknowledge", "page_acknowledge", "Acknowledge a finding"),
        done("/operations/findings/{id}/resolve", "page_resolve", "Resolve a finding"),
        Route::open_page(&get, "/operations/sign-in", "page_sign_in")
            .says("Show the sign-in", "")
            .answers(html("The form.")),
        Route::open_page(&post, "/operations/sign-in", "page_signed_in")
            .says("Sign in", "Sets the cookie of a session of half an hour.")
            .form(&["token", "next"])
            .answers(
                Answer::empty(303, "To the page that was asked for.")
                    .with_header("Location", "Relative to the page.")
                    .with_header("Set-Cookie", "The session."),
            )
            .refuses(&[ProblemKind::CapabilityNotEnabled, ProblemKind::Unavailable]),
        Route::page(&post, "/operations/sign-out", "page_sign_out")
            .says("Sign out", "")
            .form(&["form_token"]),
        Route::open_page(&get, "/operations/icon.svg", "page_icon")
            .says("Fetch the icon", "")
            .answers(Answer::empty(200, "The icon.").text("image/svg+xml")),
    ]
}
