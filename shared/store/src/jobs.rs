//! The `jobs` queue: work that may outlast a call. So far that is writing exports.

use std::sync::Arc;

use domain::ids::AllocationId;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::export_job::ExportJob;

/// The queue.
#[derive(Debug, Clone)]
pub struct Jobs {
    /// The SQS client.
    pub sqs: aws_sdk_sqs::Client,
    /// The queue's address.
    pub url: Arc<str>,
}

/// A message: a file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportMessage {
    /// The allocation.
    pub allocation_id: AllocationId,
    /// The kind of file.
    pub file: String,
}

/// A text that is no message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message asks for no export")]
pub struct NotOurs;

#[derive(Deserialize)]
struct Body {
    export: ExportBody,
}

#[derive(Deserialize)]
struct ExportBody {
    allocation_id: String,
    file: String,
}

/// Reads a message of the queue.
///
/// # Errors
/// [`NotOurs`]: it stays in the queue until it is dead, and somebody looks at it.
pub fn parse(body: &str) -> Result<ExportMessage, NotOurs> {
    let Body { export } = serde_json::from_str(body).map_err(|_| NotOurs)?;
    let allocation_id = AllocationId::parse(&export.allocation_id).map_err(|_| NotOurs)?;
    Ok(ExportMessage { allocation_id, file: export.file })
}

impl ExportMessage {
    /// The message as the queue carries it.
    #[must_use]
    pub fn body(&self) -> String {
        let Self { allocation_id, file } = self;
        json!({ "export": { "allocation_id": allocation_id.as_str(), "file": file } }).to_string()
    }
}

impl Jobs {
    /// Asks for a file that is not there: its job is written down, and its message sent unless one is on
    /// its way. Asked again it is the same job.
    pub async fn export_ask(
        &self,
        store: &Store,
        (allocation, file): (&AllocationId, &str),
        now: OffsetDateTime,
    ) -> Result<ExportJob, StoreError> {
        let (mut job, must_send) = store.export_request(allocation, file, now).await?;
        if must_send {
            self.export_send(store, &mut job).await?;
        }
        Ok(job)
    }

    /// Sends the message of a job. When that fails, whoever asks next sends it.
    pub async fn export_send(&self, store: &Store, job: &mut ExportJob) -> Result<(), StoreError> {
        let (allocation_id, file) = (job.allocation_id.clone(), job.file.clone());
        let message = ExportMessage { allocation_id, file };
        let send = self.sqs.send_message().queue_url(&*self.url).message_body(message.body());
        send.send().await.map_err(|error| sdk_error("SendMessage", &error))?;
        store.export_sent(job).await
    }

    /// Hides a message that is being worked on for so many seconds from now.
    pub async fn hide(&self, receipt: &str, seconds: i32) -> Result<(), StoreError> {
        let call = self.sqs.change_message_visibility().queue_url(&*self.url);
        let outcome = call.receipt_handle(receipt).visibility_timeout(seconds).send().await;
        outcome.map(|_| ()).map_err(|error| sdk_error("ChangeMessageVisibility", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_and_strange_ones_are_told() {
        let allocation_id = AllocationId::parse(&"A".repeat(26)).unwrap();
        let message = ExportMessage { allocation_id, file: "full.csv.gz".into() };
        assert_eq!(parse(&message.body()), Ok(message));
        let lower = r#"{"export":{"allocation_id":"a","file":"full.csv"}}"#;
        for text in ["", "{}", r#"{"export":{}}"#, lower, r#"{"reprocess":{}}"#] {
            assert_eq!(parse(text), Err(NotOurs), "{text}");
        }
    }
}
