//! Queue batches with partial failures: a record that fails comes back, the others do not.

use std::fmt::Display;
use std::future::Future;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use thiserror::Error;
use tracing::Instrument as _;

/// A failed record cannot be named, so the whole batch has to come back.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a record without message id failed")]
pub struct Unnamed;

/// Handles the records one after the other. An `Err` of `handle` means "deliver again" and is
/// logged here, once; poison is not an error but must be put in quarantine by `handle`.
///
/// # Errors
/// [`Unnamed`]; Lambda then delivers the whole batch again.
pub async fn run<F, Fut, E>(event: SqsEvent, handle: F) -> Result<SqsBatchResponse, Unnamed>
where
    F: Fn(SqsMessage) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Display,
{
    let mut response = SqsBatchResponse::default();
    for record in event.records {
        let message_id = record.message_id.clone().filter(|id| !id.is_empty());
        let span = tracing::info_span!("record", message_id);
        let Err(error) = handle(record).instrument(span).await else {
            continue;
        };
        let message_id = message_id.ok_or(Unnamed)?;
        tracing::warn!(message_id, error = %error, "record will be delivered again");
        response.add_failure(message_id);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::{SqsEvent, SqsMessage, Unnamed, run};

    fn event(ids: &[Option<&str>]) -> SqsEvent {
        let mut event = SqsEvent::default();
        for id in ids {
            let mut message = SqsMessage::default();
            message.message_id = id.map(str::to_owned);
            message.body = id.map(str::to_owned);
            event.records.push(message);
        }
        event
    }

    async fn failing_b(message: SqsMessage) -> Result<(), String> {
        if message.body.as_deref() == Some("a") { Ok(()) } else { Err("later".into()) }
    }

    #[tokio::test]
    async fn only_the_failed_record_comes_back() {
        let response = run(event(&[Some("a"), Some("b"), Some("a")]), failing_b).await.unwrap();
        let failed: Vec<_> =
            response.batch_item_failures.iter().map(|f| f.item_identifier.as_str()).collect();
        assert_eq!(failed, ["b"]);
    }

    #[tokio::test]
    async fn a_failed_record_without_id_brings_the_batch_back() {
        assert_eq!(run(event(&[Some("a"), None]), failing_b).await.unwrap_err(), Unnamed);
        assert_eq!(run(event(&[Some("")]), failing_b).await.unwrap_err(), Unnamed);
    }
}
