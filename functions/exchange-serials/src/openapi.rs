//! What this function says of its route.

use edge::openapi::{Answer, Part, Route, part};
use edge::{ProblemKind, Scope};
use http::Method;
use serde_json::json;

use crate::upload::{UploadBody, UploadView};

edge::words! {
    UploadMethod = ["PUT"], "How to send the file.";
}

/// The route of [`crate::router`] as OpenAPI.
#[must_use]
pub fn openapi() -> Part {
    let example = json!({ "file_name": "lot42.xml", "content_type": "application/xml" });
    part(
        "exchange-serials",
        "What line systems exchange with the hub beside allocations.",
        vec![
            Route::new(
                &Method::POST,
                "/api/v1/l3/uploads",
                "upload_create",
                &[Scope::UploadsWrite],
            )
            .says(
                "Get an address to send a file to",
                "A presigned PUT into the caller's own prefix, up to 5 GiB within 15 minutes. Each call \
                 gives another key.",
            )
            .optional_body::<UploadBody>(example)
            .answers(Answer::json::<UploadView>(201, "Where to send the file."))
            .refuses(&[ProblemKind::SizeLimit]),
        ],
    )
}
