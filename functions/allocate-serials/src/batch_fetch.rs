//! `GET /{id}/batch-document`: the document of a decision about the end of a run.
//!
//! Query: `revision` (the latest when left out), `format` = `json` | `html`, else as `Accept` says; JSON when
//! that says nothing. The document is at most some hundred kilobytes, so it is answered inline. Its SHA-256 is
//! the `ETag`, and it is answered only if it has that hash.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use edge::{Caller, Problem, QueryText, Scope};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use store::closing::{Closing, content_sha256};
use utoipa::IntoParams;

use crate::Hub;
use crate::close::failed;
use crate::openapi::DocumentWord;
use crate::review::BrokenDocument;

/// A page of ours loads nothing and runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentQuery {
    /// The decision; the latest when left out.
    #[param(minimum = 1, maximum = 100)]
    revision: Option<u32>,
    #[param(inline, value_type = Option<DocumentWord>)]
    format: Option<String>,
}

pub(crate) async fn fetch(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    query: QueryText,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::AllocationsRead)?;
    let query = query.parse::<DocumentQuery>()?;
    let html = wants_html(&query, &headers)?;
    let allocation = hub.allocation(&caller, &id).await?;
    let found = match query.revision {
        Some(number) => hub.store.closing_fetch(&allocation.id, number).await,
        None => hub.store.closing_last(&allocation.id).await,
    };
    let closing = found.map_err(failed)?.ok_or_else(|| {
        Problem::not_found().detail("There is no such decision about the end of the run.")
    })?;
    let sha = if html { &closing.document.html } else { &closing.document.json };
    let tag = format!("\"{sha}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let bytes = checked(&hub, &closing, html).await?;
    let content_type = if html { "text/html; charset=utf-8" } else { "application/json" };
    let about = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((about, [(header::ETAG, tag)], bytes).into_response())
}

async fn checked(hub: &Hub, closing: &Closing, html: bool) -> Result<Vec<u8>, Problem> {
    let sha = if html { &closing.document.html } else { &closing.document.json };
    let bytes = hub.objects.batch_fetch(closing, html).await.map_err(failed)?;
    let bytes = bytes.filter(|bytes| content_sha256(bytes) == *sha);
    bytes.ok_or_else(|| Problem::internal(&BrokenDocument(closing.object_key(html))))
}

/// The explicit parameter wins over the `Accept` header.
fn wants_html(query: &DocumentQuery, headers: &HeaderMap) -> Result<bool, Problem> {
    match query.format.as_deref() {
        Some("html") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => {
            Err(Problem::bad_request("The format is not known.")
                .violation("?format", "json or html"))
        }
        None => {
            let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
            let first = accept.unwrap_or_default().split([',', ';']).next().unwrap_or_default();
            Ok(first.trim() == "text/html")
        }
    }
}
