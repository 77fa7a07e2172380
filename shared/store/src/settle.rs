//! The last step of a document: its report, then its status. Where a document is done, its report is
//! there.
//!
//! I5: several workers may settle one document at the same moment, each for the system that it judged.
//! A report is put only if nobody put one since its mark was read, and it is put together after that; so
//! the last one put knows everything that was written before any of the others.

use data_encoding::HEXLOWER;
use domain::finding::{Change, Code, FindingStatus, Note, Subject};
use domain::ids::{SystemId, length_prefixed_sha256};

use crate::arrival::Arrival;
use crate::audit_record::HUB;
use crate::document::{
    Document, DocumentError, DocumentStatus, Judgement, Metrics, Resolution, ResolutionKind,
};
use crate::error::StoreError;
use crate::finding::{Asked, FindingError, FindingRecord};
use crate::meter::Meter;
use crate::objects::Objects;
use crate::report::{document_view, tallies_view};
use crate::{Store, pause};

/// How often a report is put together again when another worker came between.
const SETTLE_TRIES: u32 = 20;
/// The step of the pauses between these tries, milliseconds.
const SETTLE_PAUSE_MS: u64 = 10;

/// Why a document is refused, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// The system that sent it.
    pub system: &'a SystemId,
    /// Why.
    pub error: &'a DocumentError,
    /// What finding that out took.
    pub metrics: Option<Metrics>,
    /// RFC 3339.
    pub now: &'a str,
}

impl Refusal<'_> {
    /// Marks the document. What was applied stays told, and so does what was refused before.
    fn mark(&self, document: &mut Document) {
        let done = |status| matches!(status, DocumentStatus::Reconciled | DocumentStatus::Parked);
        let any_done = document.judgements.iter().any(|judgement| done(judgement.status));
        let Some(judgement) = document.judgement_mut(self.system, self.now) else {
            return;
        };
        judgement.end(None);
        if judgement.status == DocumentStatus::Reconciled {
            return;
        }
        if self.error.is_of_sender() || any_done {
            judgement.status = DocumentStatus::Quarantined;
            judgement.error = Some(self.error.clone());
        } else if document.error.is_none() {
            document.error = Some(self.error.clone());
        }
        document.metrics = self.metrics.or(document.metrics);
    }
}

impl Store {
    /// Writes the report of a document as `change` leaves it at `now`, then the document itself. `change` may
    /// run several times; `fresh` is the document when none is stored yet.
    ///
    /// # Errors
    /// `NotFound` when there is no document and no `fresh` one; `Conflict` after many tries.
    pub async fn document_settle(
        &self,
        objects: &Objects,
        (sha, fresh, now): (&str, Option<&Document>, &str),
        meter: &Meter,
        mut change: impl FnMut(&mut Document),
    ) -> Result<Document, StoreError> {
        for attempt in 0..SETTLE_TRIES {
            let mark = objects.report_mark(sha).await?;
            let stored = self.document_fetch(sha).await?;
            let missing = StoreError::NotFound { what: "the document" };
            let mut shown = stored.or_else(|| fresh.cloned()).ok_or(missing)?;
            change(&mut shown);
            let arrivals = self.arrival_list(sha).await?;
            let findings = self.document_findings(sha).await?;
            let tallies = self.document_tallies(sha).await?;
            let view = document_view(&shown, &arrivals, &findings, &tallies_view(&tallies));
            if objects.report_put(sha, &view, mark).await? {
                let done = self.document_judge(sha, (fresh, Some(now)), meter, &mut change).await?;
                shown.version = done.version;
                if shown == done {
                    return Ok(done);
                }
            }
            pause::pause(attempt, SETTLE_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the report" })
    }

    /// Refuses a document for a system: nothing more of it is applied, and it waits for somebody.
    pub async fn document_refuse(
        &self,
        objects: &Objects,
        document: &Document,
        refusal: &Refusal<'_>,
        meter: &Meter,
    ) -> Result<Document, StoreError> {
        let of = (document.content_sha256.as_str(), Some(document), refusal.now);
        self.document_settle(objects, of, meter, |document| refusal.mark(document)).await
    }

    /// Tells once that a system sent the same content more than once. What another system sent is no
    /// repetition; each reports for itself.
    pub async fn repeated_transmission(
        &self,
        (sha, system, now): (&str, &SystemId, &str),
        meter: &Meter,
    ) -> Result<(), StoreError> {
        let arrivals = self.arrival_list(sha).await?;
        if arrivals.iter().filter(|arrival| arrival.system_id == *system).count() < 2 {
            return Ok(());
        }
        let code = Code::DuplicateTransmission;
        let subject = Subject { code, provisional: false, allocation_id: None, gtin: None };
        let record = FindingRecord {
            content_sha256: sha.to_owned(),
            system_id: system.clone(),
            at: now.to_owned(),
            finding: subject.finding((sha, system.as_str()), 1),
        };
        self.finding_put(&record, meter).await
    }

    /// Records an announced object version that does not exist any more; it is not asked for again.
    pub async fn document_gone(
        &self,
        objects: &Objects,
        arrival: &Arrival,
        meter: &Meter,
    ) -> Result<Document, StoreError> {
        let sha = unread_name(arrival);
        let system = &arrival.system_id;
        let code = Code::Gone;
        let subject = Subject { code, provisional: false, allocation_id: None, gtin: None };
        let record = FindingRecord {
            content_sha256: sha.clone(),
            system_id: system.clone(),
            at: arrival.at.clone(),
            finding: subject.finding((&sha, system.as_str()), 1),
        };
        self.finding_put(&record, meter).await?;
        // Somebody was done with it, had it looked for once more, and it is still not there.
        let again = (arrival.at.as_str(), "looked for once more, and still gone");
        self.finding_reopen(&record.finding.id, again).await?;
        let error =
            DocumentError::new("gone", "the announced object version does not exist any more");
        self.document_unread(objects, arrival, &error, meter).await
    }

    /// Records an announced object version whose bytes nobody could read. Its name follows from its
    /// arrival, since there is no content to name it by.
    pub async fn document_unread(
        &self,
        objects: &Objects,
        arrival: &Arrival,
        error: &DocumentError,
        meter: &Meter,
    ) -> Result<Document, StoreError> {
        let (sha, system) = (unread_name(arrival), &arrival.system_id);
        self.arrival_record(arrival, &sha, meter).await?;
        let document = Document::new(&sha, "unknown", system, &arrival.at);
        let refusal = Refusal { system, error, metrics: None, now: &arrival.at };
        let document = self.document_refuse(objects, &document, &refusal, meter).await?;
        self.arrival_point(arrival, &sha, meter).await?;
        Ok(document)
    }

    /// Ends the waiting of a document for a system, after its bytes were read under another name for that
    /// system. Once that was done for all that sent it, nobody has to look at it any more.
    pub async fn document_supersede(
        &self,
        objects: &Objects,
        (sha, real): (&str, &str),
        (system, now): (&SystemId, &str),
        meter: &Meter,
    ) -> Result<Document, StoreError> {
        self.finding_gone_resolve(sha, HUB, (now, "the file was read after all")).await?;
        let change = |document: &mut Document| {
            // I6: another system's copy of the same bytes still waits for its own judgement.
            if let Some(judgement) = document.judgement_mut(system, now) {
                judgement.end(None);
                judgement.status = DocumentStatus::Quarantined;
                judgement.error = None;
                judgement.is_in_part = false;
            }
            let waits = |judgement: &Judgement| {
                judgement.is_unfinished()
                    || judgement.next_try_at.is_some()
                    || judgement.error.is_some()
            };
            if document.judgements.iter().any(waits) {
                return;
            }
            document.resolution = Some(Resolution {
                kind: ResolutionKind::Superseded,
                at: now.to_owned(),
                by: HUB.to_owned(),
                reason: real.to_owned(),
            });
        };
        self.document_settle(objects, (sha, None, now), meter, change).await
    }

    /// Resolves what is said about a file that was gone, once its document was dealt with.
    pub async fn finding_gone_resolve(
        &self,
        sha: &str,
        actor: &str,
        (now, reason): (&str, &str),
    ) -> Result<(), StoreError> {
        for record in self.document_findings(sha).await? {
            let Ok(note) = Note::parse(reason) else { continue };
            let open = record.finding.status != FindingStatus::Resolved;
            if record.finding.code != Code::Gone || !open {
                continue;
            }
            let asked = Asked { actor, now, reason: None };
            match self.finding_change(&record.finding.id, &Change::Resolve(note), asked).await {
                // Whatever forbids it, somebody dealt with it already.
                Ok(_) | Err(FindingError::Refused(_)) => {}
                Err(FindingError::Store(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The name of a document that was never read, 64 hex digits like every other.
fn unread_name(arrival: &Arrival) -> String {
    HEXLOWER.encode(&length_prefixed_sha256(&[b"gone", arrival.hash().as_bytes()]))
}
