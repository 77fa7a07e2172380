//! `reconcile-commissioning`: what lines report back, S3 → queue → ledger.
//!
//! **Input.** Queue records that hold the S3 event of an object version under `inbound/<system>/…`,
//! or `{"reprocess":{"content_sha256","system_id"}}` for a document that is to be judged again.
//! **Output.** Postings and states of ledger blocks, the document with its arrivals and findings, the
//! received bytes under `documents/<raw_sha256>` and the report under `reports/<content_sha256>.json`.
//!
//! - I5: a document takes effect once. Its arrival, its plan, every block and every finding are
//!   written under keys that follow from its content, each only if absent or unchanged; so a second
//!   delivery, five at once, or one after a crash at any call end in the same ledger and report.
//! - I6: a document is reconciled, parked with the time of its next try, or quarantined with code,
//!   line and column; the received bytes are kept before anything is said about them. What is no
//!   message of ours goes to the dead-letter queue.
//! - I9: log lines name documents and counts, never serials.
//! - I10: memory follows the blocks touched, not the size of the input.
//!
//! **Readable documents that are quarantined**, nothing of them being applied: `master-data` (no
//! events by its kind), `not-epcis` (XML or JSON of another purpose), `no-events` (an empty event
//! list), `events-outside-list` (events that a reader could overlook), `missing-event-time` and
//! `bad-event-time` (an event that states a fact, but not when), `too-scattered` (more than 100,000
//! blocks or 1,000 ranges), `no-system` (the key names no system, or one that was never created). `gone`
//! is a notice whose object version does not exist any more; `too-large` also one of more than 20 GiB,
//! which is not read at all. Result files have refusals of their own (`linefiles::results::ResultCode`).
//!
//! The crate does not know how a document is written (`epcis`, `linefiles`), what facts mean for a serial
//! (`domain`), or how an item looks (`store`).

mod again;
pub mod apply;
pub mod catalog;
pub mod event;
pub mod fold;
mod held;
pub mod intake;
mod measures;
mod outcome;
mod pending;
pub mod plan;
mod process;
mod remarks;
pub mod stem;
pub mod stop;
pub mod totals;
mod verdict;

use aws_lambda_events::sqs::SqsMessage;
use edge::Clock;
use store::inbound;
use store::{Objects, Store, StoreError};
use time::Duration;

pub use outcome::Outcome;

/// After so many seconds a record that met a passing fault is delivered again.
const RETRY_SECONDS: i32 = 30;

/// What the function works on.
#[derive(Debug, Clone)]
pub struct Hub {
    /// The table.
    pub store: Store,
    /// The buckets.
    pub objects: Objects,
    /// The time.
    pub clock: Clock,
    /// After so long a run that has begun is taken for dead (see `store::document_queue::patience`).
    pub patience: Duration,
}

/// Why a record is delivered again.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It is no message of ours; after the queue's last try it lies in the dead-letter queue, whose own
    /// consumer keeps it.
    #[error(transparent)]
    NotOurs(#[from] inbound::NotOurs),
    /// A store failed; passing.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The queue that records come from.
#[derive(Debug, Clone)]
pub struct Queue {
    /// The SQS client.
    pub sqs: aws_sdk_sqs::Client,
    /// The queue's address.
    pub url: String,
}

impl Queue {
    /// Lets a record that failed come back in [`RETRY_SECONDS`]; the queue's own
    /// timeout is made for the longest document. That it cannot be shortened is no failure.
    pub async fn retry_soon(&self, receipt_handle: Option<String>) {
        let outcome = self
            .sqs
            .change_message_visibility()
            .queue_url(&self.url)
            .set_receipt_handle(receipt_handle)
            .visibility_timeout(RETRY_SECONDS)
            .send()
            .await;
        if outcome.is_err() {
            tracing::warn!("the record comes back only after the queue's timeout");
        }
    }
}

/// Handles one queue record; see [`handle`]. What fails comes back soon: a passing fault is over by then,
/// and what is no message of ours is dead, kept and seen after ten minutes instead of thirty hours.
///
/// # Errors
/// As [`handle`].
pub async fn consume(hub: &Hub, queue: &Queue, record: SqsMessage) -> Result<(), Failure> {
    let receipt_handle = record.receipt_handle.clone();
    // Boxed: the future of a whole run is large.
    let outcome = Box::pin(handle(hub, record)).await;
    if outcome.is_err() {
        Box::pin(queue.retry_soon(receipt_handle)).await;
    }
    outcome
}

/// Does what one queue record asks for.
///
/// # Errors
/// The record is to be delivered again. Documents that are wrong are no errors: they are quarantined.
pub async fn handle(hub: &Hub, record: SqsMessage) -> Result<(), Failure> {
    for work in inbound::parse(record.body.as_deref().unwrap_or_default())? {
        // Boxed: the future of a whole run is large.
        let outcome = Box::pin(process::process(hub, work)).await?;
        outcome.log();
    }
    Ok(())
}
