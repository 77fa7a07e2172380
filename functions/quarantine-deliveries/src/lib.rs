//! `quarantine-deliveries`: what died in the inbound queue becomes a quarantined document (I6).
//!
//! **Input.** Records of the inbound queue's dead-letter queue: messages that `reconcile-commissioning`
//! gave back twenty times. **Output.** A quarantined document with the code `dead-letter`, which waits for
//! somebody like every other; the object's bytes under `documents/<raw_sha256>`. What is no message of ours
//! becomes a document of the kind `message`: its own bytes are kept. `POST …/documents/{sha256}/reprocess`
//! reads any of them again.
//!
//! - Nothing is parsed here: what killed the reader must not kill this function as well. A document that
//!   nobody could name by its content is named by the bytes as they came, until it is read.
//! - A record that fails here comes back after the queue's visibility timeout. From the
//!   [`DELIVERIES_MAX`]-th delivery on only the message itself is kept, which takes neither its object nor
//!   the time to read it; so no record turns for ever. When not even that can be written, the record stays
//!   in the queue until it is 14 days old, counted from its first day in the inbound queue: seven days at
//!   least. Nothing rings at the first failure, whose record is invisible then; `inbound-dlq-age` does after
//!   an hour.
//! - Done twice, everything here is done once.

mod object;

use aws_lambda_events::sqs::SqsMessage;
use domain::ids::SystemId;
use edge::{Clock, Measures, Metric};
use store::document::{Document, DocumentError, Judgement};
use store::inbound::{self, NotOurs, Work};
use store::kept::MESSAGE_KIND;
use store::meter::Meter;
use store::settle::Refusal;
use store::time::rfc3339_ms;
use store::{Objects, Store, StoreError};

/// Deliveries after which only the message is kept: the inbound queue's twenty and five here.
pub const DELIVERIES_MAX: u32 = 25;

/// What the function works on.
#[derive(Debug, Clone)]
pub struct Hub {
    /// The table.
    pub store: Store,
    /// The buckets.
    pub objects: Objects,
    /// The time.
    pub clock: Clock,
}

/// One dead message.
struct Dead<'a> {
    hub: &'a Hub,
    now: String,
    meter: Meter,
    error: DocumentError,
}

/// Keeps what one dead record is about.
///
/// # Errors
/// A store failed: the record is delivered again.
pub async fn keep(hub: &Hub, record: SqsMessage) -> Result<(), StoreError> {
    let body = record.body.as_deref().unwrap_or_default();
    let attribute = |name: &str| record.attributes.get(name).map(String::as_str);
    let deliveries = attribute("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    let dead = Dead {
        hub,
        now: rfc3339_ms(hub.clock.now()),
        meter: Meter::default(),
        error: DocumentError::new("dead-letter", message_of(&record)),
    };
    let work = match inbound::parse(body) {
        Ok(work) if deliveries.unwrap_or(0) < DELIVERIES_MAX => work,
        Ok(_) => {
            return dead.message(body, "and it could not be recorded as what it announces").await;
        }
        Err(NotOurs) => return dead.message(body, "and it is no message of the hub").await,
    };
    for work in work {
        match work {
            Work::Object(notice) => dead.object(&notice).await?,
            Work::Again { content_sha256, system_id } => {
                if !dead.again(&content_sha256, &system_id).await? {
                    dead.message(body, "and there is no such document").await?;
                }
            }
        }
    }
    Ok(())
}

/// What is known of a dead message, for people. The log of the reading function names the fault.
fn message_of(record: &SqsMessage) -> String {
    let id = record.message_id.as_deref().unwrap_or("without id");
    format!("the delivery failed again and again and was given up; message {id}")
}

impl Dead<'_> {
    /// A request to judge a document again died: the document waits for somebody from now on. `false`
    /// when there is no such document.
    async fn again(&self, sha: &str, system: &SystemId) -> Result<bool, StoreError> {
        let Some(document) = self.hub.store.document_fetch(sha).await? else {
            return Ok(false);
        };
        // A message that was sent twice, and whose other copy was worked off, changes nothing.
        let waits =
            |judgement: &Judgement| judgement.next_try_at.is_some() || judgement.is_unfinished();
        if document.judgement(system).is_some_and(waits) && !document.is_refused() {
            self.refuse(&document, system).await?;
        }
        Ok(true)
    }

    /// A message that is kept as it is.
    async fn message(&self, body: &str, why: &str) -> Result<(), StoreError> {
        let sha = object::sha256(body.as_bytes());
        self.hub.objects.bytes_put(&sha, body.as_bytes().to_vec()).await?;
        let system = SystemId::unknown();
        let document = Document {
            raw_sha256: Some(sha.clone()),
            ..Document::new(&sha, MESSAGE_KIND, &system, &self.now)
        };
        let message = format!("{}, {why}", self.error.message);
        let error = DocumentError::new(&self.error.code, message);
        let dead = Dead { error, now: self.now.clone(), meter: self.meter.clone(), hub: self.hub };
        dead.refuse(&document, &system).await
    }

    async fn refuse(&self, document: &Document, system: &SystemId) -> Result<(), StoreError> {
        let refusal = Refusal { system, error: &self.error, metrics: None, now: &self.now };
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        let done = store.document_refuse(objects, document, &refusal, &self.meter).await?;
        let sha = &done.content_sha256;
        tracing::warn!(document.sha256 = sha, kind = done.kind, "dead delivery");
        let measures = Measures::of("dead-delivery").about("document.sha256", sha.as_str());
        edge::emit(&measures.with(Metric::DeadDeliveries, 1_u64));
        Ok(())
    }
}
