//! `GET /api/v1/l3/allocations/{id}/export`: the numbers of an allocation as a file.
//!
//! Query: `format` = `csv` (default) | `json`, or `Accept: text/csv` | `application/json`; `profile` =
//! `full` (default) | `bare` | `range`; `gzip` = `false` (default) | `true`: a compressed file, whatever
//! `Accept-Encoding` says, since the file is also what stands in S3.
//!
//! Statuses: 200 with the file up to 4 MB, counted before it is compressed. A larger one is written in the
//! background, which is asked for by one message (decision 0016): 202 with its progress, `Location` (this
//! address) and `Retry-After` until it is there, then 303 to a presigned address. 400 for an unknown
//! parameter; 422 for the profile `range` of random numbers; 404 for an allocation that is not there or not the caller's line; 409 `allocation-state` for
//! one whose numbers must not be handed out, 409 `export-failed` while a job that was given up rests.
//! Idempotent: the bytes of an export never change; the first export makes a reserved allocation `exported`.

mod background;
mod openapi;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::allocation::{Allocation, Reuse, Transition};
use domain::ids::AllocationId;
use edge::{Caller, Clock, Problem, ProblemKind, QueryText, Scope};
use http::{HeaderMap, HeaderValue, header};
use linefiles::{Export, FileKind, Format, Profile};
use serde::Deserialize;
use service::store_problem;
use store::allocation::ChangeError;
use store::jobs::Jobs;
use store::time::rfc3339_ms;
use store::{Objects, Store};
use utoipa::IntoParams;

pub use crate::openapi::openapi;
use crate::openapi::{FormatWord, ProfileWord};

/// The largest file answered inline, bytes.
pub const INLINE_BYTES_MAX: u64 = 4_000_000;

/// What the handler works with.
#[derive(Clone)]
pub struct Hub {
    /// The table.
    pub store: Store,
    /// The buckets.
    pub objects: Objects,
    /// Where large files are asked for.
    pub jobs: Jobs,
    /// The time.
    pub clock: Clock,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ExportQuery {
    #[param(inline, value_type = Option<FormatWord>)]
    format: Option<String>,
    #[param(inline, value_type = Option<ProfileWord>)]
    profile: Option<String>,
    /// A compressed file: gzip, `application/gzip`.
    gzip: Option<bool>,
}

/// The routes of this function.
pub fn router(hub: Hub) -> Router {
    Router::new().route("/api/v1/l3/allocations/{id}/export", get(export)).with_state(hub)
}

async fn export(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    query: QueryText,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::AllocationsRead)?;
    let kind = choice(&query.parse::<ExportQuery>()?, &headers)?;
    let allocation = fetch(&hub, &caller, &id).await?;
    if allocation.reuse == Reuse::Gave {
        return Err(given_back());
    }
    if !kind.profile.tells(allocation.scheme) {
        return Err(no_range());
    }
    let outline = hub.store.numbering_outline(&hub.objects, &allocation).await;
    let (numbering, _) = outline.map_err(|error| store_problem(&error))?;
    let export = Export::of(&allocation, &numbering, kind);
    let bytes = export.byte_count();
    let now = hub.clock.now();
    // What was given up is refused by the life cycle, also when it is given up just now.
    let at = rfc3339_ms(now);
    let by = (caller.actor(), at);
    let by = (by.0.as_str(), by.1.as_str());
    let advanced = hub.store.allocation_advance_by(&allocation.id, Transition::Export, by).await;
    // I1: numbers may have been given back since the first look.
    if advanced.map_err(|error| change_problem(&error))?.reuse == Reuse::Gave {
        return Err(given_back());
    }
    tracing::info!(allocation.id = %allocation.id, bytes, file = %kind, "export");
    if bytes <= INLINE_BYTES_MAX {
        let whole = hub.store.numbering_whole(&hub.objects, &allocation).await;
        return Ok(inline(&export.over(&whole.map_err(|error| store_problem(&error))?)));
    }
    background::answer(&hub, (&allocation, kind), &export, now).await
}

/// The explicit parameter wins over the `Accept` header.
fn choice(query: &ExportQuery, headers: &HeaderMap) -> Result<FileKind, Problem> {
    let refused = |pointer: &str, detail: &str| {
        Problem::bad_request("The export is not known.").violation(pointer, detail)
    };
    let profile = match query.profile.as_deref() {
        None => Profile::Full,
        Some(text) => {
            Profile::parse(text).ok_or_else(|| refused("?profile", "one of full, bare, range"))?
        }
    };
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let format = match query.format.as_deref() {
        Some(text) => Format::parse(text).ok_or_else(|| refused("?format", "one of csv, json"))?,
        None => accept.map_or(Format::Csv, accepted),
    };
    Ok(FileKind { profile, format, gzip: query.gzip.unwrap_or(false) })
}

/// The known media type that an `Accept` header likes best (RFC 9110, 12.5.1), the first of equals; CSV
/// when it names none of ours, since the file is what was asked for.
fn accepted(accept: &str) -> Format {
    let mut best = (0, Format::Csv);
    for entry in accept.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let format = match parts.next().unwrap_or_default() {
            "text/csv" => Format::Csv,
            "application/json" => Format::Json,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1_000, thousandths);
        if weight > best.0 {
            best = (weight, format);
        }
    }
    best.1
}

/// A weight of 0 to 1 with up to three digits behind the point, in thousandths; 0 for anything else.
fn thousandths(weight: &str) -> u32 {
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" if digits && rest.bytes().all(|byte| byte == b'0') => 1_000,
        "0" if digits => format!("{rest:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

async fn fetch(hub: &Hub, caller: &Caller, id: &str) -> Result<Allocation, Problem> {
    let id = AllocationId::parse(id).map_err(|_| Problem::not_found())?;
    let found = hub.store.allocation_fetch(&id).await.map_err(|error| store_problem(&error))?;
    let line =
        |a: &Allocation| caller.may_use_line(a.line_gln.as_ref().map(domain::gln::Gln::as_str));
    found.filter(line).ok_or_else(Problem::not_found)
}

/// I1: a file of all its numbers would have some that may belong to others.
fn given_back() -> Problem {
    let detail = "Numbers of the allocation were given back and may be offered again.";
    Problem::new(ProblemKind::AllocationState).detail(detail)
}

fn no_range() -> Problem {
    Problem::unprocessable("The first and the last of random numbers tell nothing of the others.")
        .violation("?profile", "full or bare where the numbers are random")
}

fn inline(export: &Export<'_>) -> Response {
    let content_type = HeaderValue::from_static(export.content_type());
    ([(header::CONTENT_TYPE, content_type)], export.to_bytes()).into_response()
}

fn change_problem(error: &ChangeError) -> Problem {
    match error {
        ChangeError::Transition(refused) => Problem::new(ProblemKind::AllocationState)
            .detail(refused.to_string())
            .with("status_now", refused.status.as_str()),
        ChangeError::Store(error) => store_problem(error),
    }
}

#[cfg(test)]
mod tests;
