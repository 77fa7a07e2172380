//! Files on their way to the hub, and what the hub reports of them.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use super::Show;
use super::view::{expect, list, show_report, text, unexpected};
use crate::api::Api;
use crate::error::CommandError;
use crate::hub::Hub;

/// How long a document may take from the drop to its report.
const DOCUMENT_SECONDS_MAX: u64 = 180;
const POLL: Duration = Duration::from_millis(250);

/// A file of the caller's own: dropped as it is, its report printed.
pub(super) async fn own_file(
    hub: &Hub,
    api: &Api,
    show: &mut Show,
    path: &Path,
) -> Result<(), CommandError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    show.doing(&format!("dropping {name}"));
    let bytes = std::fs::read(path).map_err(CommandError::io(path.display().to_string()))?;
    let prefix = hub.system.as_ref().map_or("inbound/", |system| system.inbound_prefix.as_str());
    let put = hub.s3().await?.put_object().bucket(&hub.buckets.inbound);
    let key = format!("{prefix}{name}");
    put.key(key).body(bytes.clone().into()).send().await.map_err(|error| {
        CommandError::Failed(format!(
            "dropping {name}: {}",
            aws_sdk_s3::error::DisplayErrorContext(error)
        ))
    })?;
    let report = report(api, &bytes, 1).await?;
    let known =
        ["reconciled", "parked", "quarantined"].contains(&text(&report, "/status").as_str());
    show.check(format!("{name} ends in a known state"), true, known);
    show_report(show, &name, &report)
}

pub(super) async fn upload(line: &Api, name: &str, bytes: Vec<u8>) -> Result<(), CommandError> {
    let slot = line.post("/api/v1/l3/uploads", &json!({ "file_name": name })).await?;
    expect(&slot, 201, "the upload")?;
    let put = line.put_presigned(&text(&slot.json(), "/url"), Bytes::from(bytes)).await?;
    expect(&put, 200, "the presigned address")
}

/// The report of a document by the hash of its bytes, as soon as it has all its arrivals and is not being
/// worked on any more.
pub(super) async fn report(
    api: &Api,
    bytes: &[u8],
    arrivals: usize,
) -> Result<Value, CommandError> {
    let sha = data_encoding::HEXLOWER.encode(&Sha256::digest(bytes));
    let path = format!("/api/v1/l3/documents/{sha}");
    let started = Instant::now();
    loop {
        let answer = api.get(&path).await?;
        let document = answer.json();
        let status = text(&document, "/status");
        let done = ["reconciled", "parked", "quarantined"].contains(&status.as_str());
        if answer.status == 200 && done && list(&document, "/arrivals").len() >= arrivals {
            return Ok(document);
        }
        if started.elapsed() > Duration::from_secs(DOCUMENT_SECONDS_MAX) {
            return Err(unexpected(&answer, "a report in time"));
        }
        sleep(POLL).await;
    }
}
