//! From a reading to what the document comes to: reconciled, parked or quarantined.

use domain::ids::SystemId;
use store::StoreError;
use store::document::{
    Document, DocumentError, DocumentStatus, Judgement, ResolutionKind, SerialCounts,
};
use store::settle::Refusal;
use store::time::{parse_rfc3339, rfc3339_ms};
use time::{Duration, OffsetDateTime};

use crate::apply::{Applied, Applier};
use crate::fold::Folded;
use crate::intake::Reading;
use crate::measures;
use crate::outcome::{Gain, Outcome};
use crate::plan::Plan;
use crate::process::{Run, is_settled};
use crate::totals::Totals;

/// Provisional serials are tried again this often …
const TRY_EVERY: Duration = Duration::minutes(15);
/// … for this long after the system's first copy came; then their findings are final.
const TRY_FOR: Duration = Duration::hours(4);

/// What a reading said about the document itself.
#[derive(Debug, Clone)]
struct Said {
    kind: &'static str,
    events: u64,
    last_event_at: Option<String>,
    bytes: u64,
}

impl Run<'_> {
    pub(crate) async fn judge(
        &self,
        mut reading: Reading,
        document: Document,
        system: &SystemId,
    ) -> Result<Outcome, StoreError> {
        if reading.outcome.is_ok()
            && let Err(error) = self.sender(system).await?
        {
            reading.outcome = Err(error);
        }
        let bytes = reading.bytes;
        match reading.outcome {
            Err(error) => self.quarantine(&document, system, error, bytes).await,
            Ok(fold) => {
                // A parked document is judged again when its time has come, not when a copy arrives.
                let due = |judgement: &Judgement| {
                    judgement.next_try_at.as_deref().is_some_and(|at| at <= &*self.now_text())
                };
                let is_due = document.judgement(system).is_some_and(due);
                if is_settled(&document, system) && !is_due {
                    return Ok(Outcome::Redelivered { content_sha256: document.content_sha256 });
                }
                let said = Said {
                    kind: reading.kind,
                    events: fold.totals.events,
                    last_event_at: last_event_at(&fold.totals),
                    bytes,
                };
                Box::pin(self.reconcile(*fold, document, system, said)).await
            }
        }
    }

    /// Whether the system may send anything: it was created, and its prefix is its own.
    async fn sender(&self, system: &SystemId) -> Result<Result<(), DocumentError>, StoreError> {
        if *system == SystemId::unknown() {
            let message = "the key does not lie below inbound/<system>/";
            return Ok(Err(DocumentError::new("no-system", message)));
        }
        if self.hub.store.system_fetch(system).await?.is_none() {
            let message = format!("there is no system {system}; create it and read the file again");
            return Ok(Err(DocumentError::new("no-system", message)));
        }
        Ok(Ok(()))
    }

    async fn reconcile(
        &self,
        folded: Folded,
        document: Document,
        system: &SystemId,
        said: Said,
    ) -> Result<Outcome, StoreError> {
        let (store, sha) = (&self.hub.store, document.content_sha256.as_str());
        let mut plan = Plan::of(folded, self.is_last_try(&document, system));
        let applier = Applier {
            store: store.clone(),
            meter: self.meter.clone(),
            content_sha256: sha.to_owned(),
            now: self.now_text(),
        };
        let before = self.posted(sha).await?;
        applier.prepare(&mut plan).await?;
        let posts = !plan.allocations.is_empty();
        let applying = |document: &mut Document| {
            if let Some(judgement) = document.judgement_mut(system, &self.now_text())
                && judgement.status == DocumentStatus::Received
            {
                judgement.status = DocumentStatus::Applying;
                judgement.is_in_part |= posts;
            }
        };
        store.document_change(sha, None, &self.meter, applying).await?;
        let effect = applier.apply(&mut plan).await?;
        for (other, of) in &effect.unsettled {
            store.document_recall((other, of), &applier.now, &self.meter).await?;
        }
        let serials = counts(&plan, &effect);
        let findings = plan.findings.finish((sha, system.as_str()));
        let of = (sha, system, applier.now.as_str());
        let known = store.document_findings(sha).await?;
        store.findings_replace(of, &findings, &self.meter).await?;
        let kept = store.document_findings(sha).await?;
        edge::emit(&measures::findings(sha, &measures::opened(&known, &kept, system)));
        let is_parked = |judgement: &Judgement| judgement.status == DocumentStatus::Parked;
        let gain = Gain {
            commissioned: self.posted(sha).await?.saturating_sub(before),
            was_parked: document.judgement(system).is_some_and(is_parked),
        };
        match self.finish(sha, system, serials, said).await? {
            Outcome::Done(document, _) => Ok(Outcome::Done(document, gain)),
            other @ Outcome::Redelivered { .. } => Ok(other),
        }
    }

    /// Serials that the document has commissioned so far, for whomever.
    async fn posted(&self, sha: &str) -> Result<u64, StoreError> {
        let tallies = self.hub.store.document_tallies(sha).await?;
        Ok(tallies.iter().map(|tally| tally.newly_commissioned).fold(0, u64::saturating_add))
    }

    /// Whether provisional serials are final now: their time is over, or somebody gave the document up.
    fn is_last_try(&self, document: &Document, system: &SystemId) -> bool {
        let rejected = |document: &Document| {
            let kind = document.resolution.as_ref().map(|resolution| resolution.kind);
            kind == Some(ResolutionKind::Rejected)
        };
        let first = document.judgement(system).and_then(|j| parse_rfc3339(&j.first_at));
        let deadline = first.unwrap_or(self.now).checked_add(TRY_FOR);
        rejected(document) || deadline.is_none_or(|deadline| self.now >= deadline)
    }

    async fn finish(
        &self,
        sha: &str,
        system: &SystemId,
        serials: SerialCounts,
        said: Said,
    ) -> Result<Outcome, StoreError> {
        let end = self.hub.clock.now();
        let now = rfc3339_ms(end);
        let next = end.checked_add(TRY_EVERY).map(rfc3339_ms);
        let metrics = self.metrics(said.bytes);
        let change = |document: &mut Document| {
            let Some(judgement) = document.judgement_mut(system, &now) else {
                return;
            };
            if judgement.status == DocumentStatus::Reconciled {
                return; // Another delivery was faster; its numbers are these.
            }
            judgement.serials = serials;
            // Another document came between the blocks and the end of this run: what it settles is due now.
            let recalled = judgement.is_recalled.then(|| now.clone());
            judgement.is_recalled = false;
            let parked = recalled.is_some() || serials.provisional > 0;
            judgement.status =
                if parked { DocumentStatus::Parked } else { DocumentStatus::Reconciled };
            judgement.end(recalled.or_else(|| next.clone()).filter(|_| parked));
            judgement.is_in_part = false;
            judgement.reconciled_at = Some(now.clone()).filter(|_| !parked);
            judgement.error = None;
            // It was refused when it was read first, and is readable now.
            document.error = None;
            said.kind.clone_into(&mut document.kind);
            document.events = said.events;
            document.last_event_at.clone_from(&said.last_event_at);
            document.metrics = Some(metrics);
        };
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        let of = (sha, None, now.as_str());
        let done = store.document_settle(objects, of, &self.meter, change).await?;
        Ok(Outcome::Done(Box::new(done), Gain::default()))
    }

    pub(crate) async fn quarantine(
        &self,
        document: &Document,
        system: &SystemId,
        error: DocumentError,
        bytes: u64,
    ) -> Result<Outcome, StoreError> {
        let (metrics, now) = (Some(self.metrics(bytes)), self.now_text());
        let refusal = Refusal { system, error: &error, metrics, now: &now };
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        let done = store.document_refuse(objects, document, &refusal, &self.meter).await?;
        Ok(Outcome::Done(Box::new(done), Gain::default()))
    }
}

fn counts(plan: &Plan, applied: &Applied) -> SerialCounts {
    SerialCounts {
        named: applied.matched.saturating_add(plan.unmatched),
        matched: applied.matched,
        newly_commissioned: applied.newly_commissioned,
        repeated: applied.repeated,
        provisional: plan.provisional,
    }
}

fn last_event_at(totals: &Totals) -> Option<String> {
    let nanoseconds = i128::from(totals.last_event_ms?).checked_mul(1_000_000)?;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok().map(rfc3339_ms)
}
