//! Documents that are judged again: parked ones whose time has come, and those that somebody asked for.
//!
//! What is read is the kept bytes; of a document that was never read, the object of its arrival; of a
//! message that was none of ours, the message. Where the bytes turn out to be another document than the
//! one that stands for them, that one is recorded as if it had just arrived, and the other is superseded.

use domain::ids::SystemId;
use store::StoreError;
use store::arrival::Arrival;
use store::document::{Document, DocumentError, Judgement};
use store::inbound::{self, Notice};
use store::kept::MESSAGE_KIND;
use store::number_change;
use store::time::parse_rfc3339;

use crate::outcome::{Gain, Outcome};
use crate::process::{Run, process};

/// Runs that may begin without one that ends; a message is delivered as often before it is given up.
const TRIES_MAX: u64 = 20;

impl Run<'_> {
    pub(crate) async fn again(&self, sha: &str, system: &SystemId) -> Result<Outcome, StoreError> {
        let missing = StoreError::NotFound { what: "the document" };
        let document = self.hub.store.document_fetch(sha).await?.ok_or(missing)?;
        let now = self.now_text();
        // What waits says when; what a crash left unfinished is finished.
        let waits = |judgement: &Judgement| {
            judgement.is_unfinished()
                || judgement.next_try_at.as_deref().is_some_and(|at| at <= now.as_str())
        };
        let judgement = document.judgement(system).filter(|judgement| waits(judgement));
        let Some(tries) =
            judgement.map(|judgement| judgement.tries).filter(|_| !document.is_refused())
        else {
            return Ok(Outcome::Redelivered { content_sha256: sha.to_owned() });
        };
        if tries >= TRIES_MAX {
            let message = format!("its reading began {tries} times and never ended");
            let error = DocumentError::new("dead-letter", message);
            return self.quarantine(&document, system, error, 0).await;
        }
        let until = self.until();
        let begin = |document: &mut Document| {
            // I6: from here on it is due again when this run does not come to its end.
            if let Some(judgement) = document.judgement_mut(system, &now).filter(|one| waits(one)) {
                judgement.begin(&until);
            }
        };
        let document = self.hub.store.document_change(sha, None, &self.meter, begin).await?;
        if document.kind == MESSAGE_KIND {
            return Box::pin(self.message_again(document, system)).await;
        }
        if document.kind == number_change::KIND {
            return self.change_again(sha).await;
        }
        let Some(raw) = document.raw_sha256.clone() else {
            return Box::pin(self.arrival_again(&document, system)).await;
        };
        let missing = StoreError::NotFound { what: "the kept bytes of the document" };
        let body = self.hub.objects.bytes_kept(&raw).await?.ok_or(missing)?;
        let first = document.judgement(system).and_then(|j| parse_rfc3339(&j.first_at));
        let reading = self.read(body, system, first.unwrap_or(self.now)).await?;
        if reading.content_sha256 == sha {
            return Box::pin(self.judge(reading, document, system)).await;
        }
        let real = self.receive(&reading, system).await?;
        // I8: each system has the arrivals that are its own; another one's come with its own message.
        let arrivals = self.hub.store.arrival_list(sha).await?;
        for arrival in arrivals.into_iter().filter(|arrival| arrival.system_id == *system) {
            self.hub.store.arrival_record(&arrival, &real.content_sha256, &self.meter).await?;
        }
        let of = (real.content_sha256.as_str(), system, now.as_str());
        self.hub.store.repeated_transmission(of, &self.meter).await?;
        let outcome = Box::pin(self.judge(reading, real, system)).await?;
        self.supersede((sha, outcome.content_sha256()), system).await?;
        Ok(outcome)
    }

    /// A change of numbers that the hub recorded, and that nobody completed.
    async fn change_again(&self, sha: &str) -> Result<Outcome, StoreError> {
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        store.number_change_resume(objects, sha, &self.now_text()).await?;
        Ok(Outcome::Redelivered { content_sha256: sha.to_owned() })
    }

    /// A document whose object was never read: the object may be there by now.
    async fn arrival_again(
        &self,
        document: &Document,
        system: &SystemId,
    ) -> Result<Outcome, StoreError> {
        let sha = document.content_sha256.as_str();
        let arrivals = self.hub.store.arrival_list(sha).await?;
        let arrival = arrivals.first().ok_or(StoreError::NotFound { what: "the arrival" })?;
        let now = Arrival { at: self.now_text(), ..arrival.clone() };
        match Box::pin(self.fresh(&Notice::of(arrival), &now)).await? {
            None => self.gone(&now).await,
            Some(outcome) => {
                // Too large, still: it is the same document.
                if outcome.content_sha256() != sha {
                    self.supersede((sha, outcome.content_sha256()), system).await?;
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
        self.supersede((&document.content_sha256, real), system).await
    }

    async fn supersede(
        &self,
        (sha, real): (&str, &str),
        system: &SystemId,
    ) -> Result<Outcome, StoreError> {
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        let now = self.now_text();
        let of = (system, now.as_str());
        let done = store.document_supersede(objects, (sha, real), of, &self.meter).await?;
        Ok(Outcome::Done(Box::new(done), Gain::default()))
    }
}
