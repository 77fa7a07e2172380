//! The numbers of a new allocation as a file under the line system's own prefix.

use domain::allocation::{Allocation, AllocationStatus};
use linefiles::{Export, Format, Profile};
use store::system::System;

use crate::Hub;

/// The largest file written while the caller waits, bytes: about 650,000 numbers and 2 s at the 71 MB/s
/// that a function reaches towards S3. A larger one is written when the allocation is exported.
const DROP_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Puts the file once. A failure does not undo the reservation: it is logged, the same request sent again
/// drops the file again, and the export route writes the very same object.
pub(crate) async fn drop_file(hub: &Hub, system: &System, allocation: &Allocation, now: &str) {
    let held = allocation.status == AllocationStatus::PendingConfirmation;
    if held || allocation.status.is_given_up() {
        return;
    }
    let export = Export::new(allocation, Profile::Full, Format::Csv);
    let bytes = export.byte_count();
    if bytes > DROP_BYTES_MAX {
        tracing::info!(allocation.id = %allocation.id, bytes, "file left to the export");
        return;
    }
    let key = export.key();
    let outcome = hub
        .objects
        .publish_once(&key, export.content_type(), export.batches(), |published| {
            export.manifest(&published.sha256, now)
        })
        .await;
    if let Err(error) = outcome {
        tracing::warn!(allocation.id = %allocation.id, system = %system.id, %error, "no file dropped");
    }
}
