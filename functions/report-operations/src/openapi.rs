//! What this function says of its routes.

mod pages;
mod shape;

use edge::openapi::{Answer, Part, Route, Sha256, part};
use edge::{ProblemKind, Scope};
use http::Method;

pub(crate) use self::shape::DocumentStatusWord;
pub(crate) use self::shape::DocumentSummary;
use self::shape::{Document, Health};
use crate::scorecard::Scorecard;
use crate::{audit, documents, findings};

/// The routes of [`crate::router`] as OpenAPI.
#[must_use]
pub fn openapi() -> Part {
    let get = Method::GET;
    let mut routes = findings::routes();
    routes.extend(documents::actions::routes());
    routes.extend(audit::openapi::routes());
    routes.extend(pages::routes());
    routes.extend(vec![
        Route::new(&get, "/api/v1/l3/documents", "document_list", &[Scope::DocumentsRead])
            .says("List documents", "Newest first; may lag a moment.")
            .query::<documents::ListQuery>()
            .answers(Answer::list::<DocumentSummary>("One page.")),
        Route::new(
            &get,
            "/api/v1/l3/documents/{sha256}",
            "document_fetch",
            &[Scope::DocumentsRead],
        )
        .says("Fetch a document and its report", "")
        .path::<Sha256>("sha256", "The SHA-256 of the content or of the bytes as received.")
        .answers(Answer::json::<Document>(200, "The document.")),
        Route::new(&get, "/api/v1/operations/scorecard", "scorecard_fetch", &[Scope::ReportsRead])
            .says("Fetch the scorecard", "What the people on shift have to know, as numbers.")
            .answers(Answer::json::<Scorecard>(200, "The scorecard."))
            .refuses(&[ProblemKind::Validation]),
        Route::new(&get, "/openapi.json", "openapi_fetch", &[])
            .says("Fetch this document", "Any valid credential will do.")
            .answers(Answer::empty(200, "OpenAPI 3.1.").any_json()),
        Route::open(&get, "/health", "health_fetch")
            .says("Ask whether the hub answers", "Needs no credential and says nothing more.")
            .answers(Answer::json::<Health>(200, "It does."))
            .refuses(&[ProblemKind::Internal]),
    ]);
    part("report-operations", "What came back from the lines and what is wrong with it.", routes)
}
