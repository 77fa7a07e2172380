//! Files that are written in the background: where they are, or how far they have come.

use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::allocation::Allocation;
use edge::{Problem, ProblemKind};
use http::{HeaderValue, StatusCode, header};
use linefiles::{Export, FileKind};
use serde::Serialize;
use service::store_problem;
use store::StoreError;
use store::export_job::{ExportJob, ExportState, REST};
use store::publish::manifest_key;
use store::time::{parse_rfc3339, rfc3339_ms};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::Hub;

/// Bytes that a worker writes in a second, at least; for the time to ask again.
const BYTES_PER_SECOND: u64 = 40_000_000;
/// The longest time until somebody is to ask again, seconds.
const RETRY_SECONDS_MAX: u64 = 30;

/// Where a file was put that is too large for an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportPlace {
    /// The object in the outbound bucket.
    key: String,
    /// The object with row count and SHA-256.
    manifest: String,
    row_count: u64,
}

/// How far a file has come that is written in the background.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportProgress {
    /// `queued` or `writing`.
    status: &'static str,
    /// The object in the outbound bucket, once it is there.
    key: String,
    /// Rows that are stored.
    rows: u64,
    row_count: u64,
    /// Bytes that are stored.
    bytes: u64,
    /// Of the rows, rounded down.
    percent: u64,
    requested_at: String,
    /// When it was heard of last.
    updated_at: String,
}

/// 303 when the file is there, else 202: whoever asks first has it written.
pub(crate) async fn answer(
    hub: &Hub,
    (allocation, kind): (&Allocation, FileKind),
    export: &Export<'_>,
    now: OffsetDateTime,
) -> Result<Response, Problem> {
    let failed = |error: StoreError| store_problem(&error);
    let key = export.key();
    if hub.objects.is_published(&key).await.map_err(failed)? {
        return redirect(hub, export, key).await.map_err(failed);
    }
    let asked = (&allocation.id, kind.to_string());
    let asked = hub.jobs.export_ask(&hub.store, (asked.0, &asked.1), now).await;
    let job = asked.map_err(failed)?;
    if job.state == ExportState::Failed {
        return Err(given_up(&job, now));
    }
    let retry = HeaderValue::from(retry_seconds(&job, export));
    let place = HeaderValue::try_from(own_address(allocation, kind)).map_err(|_| {
        failed(StoreError::Unavailable {
            operation: "answering",
            detail: "no header value".to_owned(),
        })
    })?;
    let headers = [(header::LOCATION, place), (header::RETRY_AFTER, retry)];
    Ok((StatusCode::ACCEPTED, headers, Json(progress(&job, export))).into_response())
}

async fn redirect(hub: &Hub, export: &Export<'_>, key: String) -> Result<Response, StoreError> {
    let address = hub.objects.presigned_get(&hub.objects.buckets.outbound, &key).await?;
    let location = HeaderValue::try_from(address).map_err(|_| StoreError::Unavailable {
        operation: "presigning GetObject",
        detail: "the address is no header value".to_owned(),
    })?;
    let manifest = manifest_key(&key);
    let body = Json(ExportPlace { manifest, key, row_count: export.row_count() });
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)], body).into_response())
}

/// This export's own address: the durable one, in one form however it was asked for.
fn own_address(allocation: &Allocation, kind: FileKind) -> String {
    let (id, format, profile) = (&allocation.id, kind.format.as_str(), kind.profile.as_str());
    let gzip = if kind.gzip { "&gzip=true" } else { "" };
    format!("/api/v1/l3/allocations/{id}/export?format={format}&profile={profile}{gzip}")
}

fn progress(job: &ExportJob, export: &Export<'_>) -> ExportProgress {
    let (rows, row_count) = (job.checkpoint.row, export.row_count());
    ExportProgress {
        // A file whose job says that it is done, and that is not there, is about to be.
        status: if job.state == ExportState::Queued { "queued" } else { "writing" },
        key: export.key(),
        rows,
        row_count,
        bytes: job.checkpoint.bytes,
        percent: rows.saturating_mul(100).checked_div(row_count).unwrap_or(0),
        requested_at: job.requested_at.clone(),
        updated_at: job.updated_at.clone(),
    }
}

/// When the rest could be written.
fn retry_seconds(job: &ExportJob, export: &Export<'_>) -> u64 {
    let rows_left = export.row_count().saturating_sub(job.checkpoint.row);
    let row_bytes = export.byte_count().checked_div(export.row_count()).unwrap_or(0);
    let seconds = rows_left.saturating_mul(row_bytes).div_euclid(BYTES_PER_SECOND);
    seconds.clamp(1, RETRY_SECONDS_MAX)
}

/// A job that was given up rests; after that whoever asks starts it again.
fn given_up(job: &ExportJob, now: OffsetDateTime) -> Problem {
    let failed_at = parse_rfc3339(&job.updated_at).unwrap_or(now);
    let again_at = failed_at.saturating_add(REST);
    let rest = again_at.unix_timestamp().saturating_sub(now.unix_timestamp());
    let seconds = u32::try_from(rest).unwrap_or(0).max(1);
    Problem::new(ProblemKind::ExportFailed)
        .detail(
            "The file could not be written. Asked for again after `retry_at`, it is tried anew.",
        )
        .with("failed_at", job.updated_at.as_str())
        .with("retry_at", rfc3339_ms(again_at))
        .retry_after_seconds(seconds)
}
