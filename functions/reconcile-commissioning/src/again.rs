//! Documents that are judged again: parked ones whose time has come, and those that somebody asked for.
//!
//! What is read is the kept bytes; of a document that was never read, the object of its arrival; of a
//! message that was none of ours, the message. Where the bytes turn out to be another document than the
//! one that stands for them, that one is recorded as if it had just arrived, and the other is superseded.

use domain::ids::SystemId;
use store::StoreError;
use store::arrival::Arrival;
use store::document::{Document, DocumentError, DocumentStatus, Judgement};
use store::inbound::{self, Notice};
use store::kept::MESSAGE_KIND;
use store::time::parse_rfc3339;

use crate::outcome::Outcome;
use crate::process::{Run, process};

impl Run<'_> {
    pub(crate) async fn again(&self, sha: &str, system: &SystemId) -> Result<Outcome, StoreError> {
        let missing = StoreError::NotFound { what: "the document" };
        let document = self.hub.store.document_fetch(sha).await?.ok_or(missing)?;
        let now = self.now_text();
        // What waits says when; what a crash left unfinished is finished.
        let waits = |judgement: &Judgement| match judgement.next_try_at.as_deref() {
            Some(at) => at <= now.as_str(),
            None => matches!(judgement.status, DocumentStatus::Received | DocumentStatus::Applying),
        };
        if document.is_refused() || !document.judgement(system).is_some_and(waits) {
            return Ok(Outcome::Redelivered { content_sha256: sha.to_owned() });
        }
        if document.kind == MESSAGE_KIND {
            return Box::pin(self.message_again(document, system)).await;
        }
        let Some(raw) = document.raw_sha256.clone() else {
            return Box::pin(self.arrival_again(&document)).await;
        };
        let missing = StoreError::NotFound { what: "the kept bytes of the document" };
        let body = self.hub.objects.bytes_kept(&raw).await?.ok_or(missing)?;
        let first = document.judgement(system).and_then(|j| parse_rfc3339(&j.first_at));
        let reading = self.read(body, system, first.unwrap_or(self.now)).await?;
        if reading.content_sha256 == sha {
            return Box::pin(self.judge(reading, document, system)).await;
        }
        let real = self.receive(&reading, system).await?;
        for arrival in self.hub.store.arrival_list(sha).await? {
            self.hub.store.arrival_record(&arrival, &real.content_sha256, &self.meter).await?;
        }
        self.repeated_transmission(&real).await?;
        let outcome = Box::pin(self.judge(reading, real, system)).await?;
        self.supersede(sha, outcome.content_sha256()).await?;
        Ok(outcome)
    }

    /// A document whose object was never read: the object may be there by now.
    async fn arrival_again(&self, document: &Document) -> Result<Outcome, StoreError> {
        let sha = document.content_sha256.as_str();
        let arrivals = self.hub.store.arrival_list(sha).await?;
        let arrival = arrivals.first().ok_or(StoreError::NotFound { what: "the arrival" })?;
        let now = Arrival { at: self.now_text(), ..arrival.clone() };
        match Box::pin(self.fresh(&Notice::of(arrival), &now)).await? {
            None => self.gone(&now).await,
            Some(outcome) => {
                // Too large, still: it is the same document.
                if outcome.content_sha256() != sha {
                    self.supersede(sha, outcome.content_sha256()).await?;
                }
                Ok(outcome)
            }
        }
    }

    /// A message that was not understood: a later release may understand it.
    async fn message_again(
        &self,
        document: Document,
        system: &SystemId,
    ) -> Result<Outcome, StoreError> {
        let raw = document.raw_sha256.as_deref().unwrap_or(&document.content_sha256);
        let missing = StoreError::NotFound { what: "the kept message" };
        let body = self.hub.objects.message_kept(raw).await?.ok_or(missing)?;
        let work = String::from_utf8(body).ok().and_then(|text| inbound::parse(&text).ok());
        let Some(work) = work else {
            let error = DocumentError::new("dead-letter", inbound::NotOurs.to_string());
            return self.quarantine(&document, system, error, 0).await;
        };
        let mut last = None;
        for work in work {
            last = Some(Box::pin(process(self.hub, work)).await?);
        }
        let real = last.as_ref().map_or("nothing", Outcome::content_sha256);
        self.supersede(&document.content_sha256, real).await
    }

    async fn supersede(&self, sha: &str, real: &str) -> Result<Outcome, StoreError> {
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        let now = self.now_text();
        let done = store.document_supersede(objects, (sha, real), &now, &self.meter).await?;
        Ok(Outcome::Done(Box::new(done)))
    }
}
