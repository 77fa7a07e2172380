//! `write-exports`: files that are too large for an answer, jobs queue → outbound bucket.
//!
//! **Input.** Queue records `{"export":{"allocation_id","file"}}`, `file` being the end of the file's name,
//! such as `full.csv.gz`; the job itself is an item (`store::export_job`). **Output.** The file under
//! `outbound/<system>/` with its manifest, and the job's progress.
//!
//! - I5: a file is written once. Its bytes follow from the allocation alone, it appears as a whole and only
//!   if its key is free, and its manifest comes last. A run that dies leaves its parts in S3 and a checkpoint
//!   in its job; the next one goes on from there with the same upload (`store::upload`).
//! - A message is hidden for [`HIDDEN_SECONDS`] at a time while its run lives, so what a crash cut is taken
//!   up within that time, though the queue's own timeout is made for the longest run.
//! - Before Lambda ends an invocation the run stores what it has and hands the job on with a new message.
//! - After [`store::export_job::IDLE_RUNS_MAX`] runs without progress the job is given up, and says so.
//! - I9: log lines name the allocation and counts, never serials. I10: memory is that of four parts.
//!
//! The crate does not know what a row looks like (`linefiles`) or how parts are kept (`store`).

mod alive;
mod rows;
mod run;
mod write;

use aws_lambda_events::sqs::SqsMessage;
use edge::Clock;
use store::jobs::{Jobs, NotOurs};
use store::{Objects, Store, StoreError};
use time::OffsetDateTime;

pub use alive::HIDDEN_SECONDS;

/// What the function works on.
#[derive(Debug, Clone)]
pub struct Hub {
    /// The table.
    pub store: Store,
    /// The buckets.
    pub objects: Objects,
    /// The queue.
    pub jobs: Jobs,
    /// The time.
    pub clock: Clock,
    /// The least size of a part, bytes (`store::upload::PART_BYTES_MIN`).
    pub part_bytes_min: u64,
}

/// Why a record is delivered again.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It is no message of ours; after the queue's last try it lies in the dead letter queue.
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
    /// A store failed; passing.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another run has taken the job, since this one showed no sign of life; it keeps the message hidden.
    #[error("another run has taken the job over")]
    Lost,
}

/// Handles one queue record that Lambda lets run until `ends_at`; see [`handle`].
///
/// # Errors
/// As [`handle`].
pub async fn consume(
    hub: &Hub,
    record: SqsMessage,
    ends_at: OffsetDateTime,
) -> Result<(), Failure> {
    let _alive = alive::keep_hidden(&hub.jobs, record.receipt_handle.as_deref()).await;
    handle(hub, &record, ends_at).await
}

/// Does what one queue record asks for.
///
/// # Errors
/// The record is to be delivered again.
pub async fn handle(
    hub: &Hub,
    record: &SqsMessage,
    ends_at: OffsetDateTime,
) -> Result<(), Failure> {
    let message = store::jobs::parse(record.body.as_deref().unwrap_or_default())?;
    let kind = message.file.parse().map_err(|_| NotOurs)?;
    let by = record.message_id.as_deref().ok_or(NotOurs)?;
    match run::take(hub, &message, by).await? {
        Some(job) => run::run(hub, job, kind, ends_at).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
