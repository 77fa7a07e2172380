//! `GET /openapi.json`: the description of the whole API, as a tidy test of the repository keeps it.

use axum::response::{IntoResponse, Response};
use edge::Caller;
use http::header;

/// The snapshot of what all functions say.
pub(crate) const DOCUMENT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/openapi.json"));

/// `GET /openapi.json`, for every credential (I8).
pub(crate) async fn fetch(_caller: Caller) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}
