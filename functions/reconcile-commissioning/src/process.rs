//! One piece of work from the notice to the report.

use std::time::Instant;

use data_encoding::HEXLOWER;
use domain::finding::{Code, Subject};
use domain::ids::{SystemId, length_prefixed_sha256};
use epcis::Limits;
use store::StoreError;
use store::arrival::Arrival;
use store::document::{Document, DocumentError, DocumentStatus, Judgement, Metrics, SerialCounts};
use store::finding::FindingRecord;
use store::meter::Meter;
use store::report::{document_view, merge_tallies, tallies_of};
use store::time::{parse_rfc3339, rfc3339_ms};
use time::{Duration, OffsetDateTime};
use tokio::runtime::Handle;

use crate::Hub;
use crate::apply::{Applied, Applier};
use crate::catalog::Catalog;
use crate::fold::Fold;
use crate::intake::{self, Reading};
use crate::message::{Notice, Work};
use crate::objects;
use crate::outcome::Outcome;
use crate::plan::Plan;

/// Provisional serials are tried again this often …
const TRY_EVERY: Duration = Duration::minutes(15);
/// … for this long after the system's first copy came; then their findings are final.
const TRY_FOR: Duration = Duration::hours(4);

/// One run: what is the same for all its steps.
struct Run<'a> {
    hub: &'a Hub,
    meter: Meter,
    started: Instant,
    now: OffsetDateTime,
}

/// Does one piece of work.
///
/// # Errors
/// A store failed: the whole of it is to be done again.
pub async fn process(hub: &Hub, work: Work) -> Result<Outcome, StoreError> {
    let now = hub.clock.now();
    let run = Run { hub, meter: Meter::default(), started: Instant::now(), now };
    match work {
        Work::Object(notice) => run.object(&notice).await,
        Work::Again { content_sha256, system_id } => run.again(&content_sha256, &system_id).await,
    }
}

impl Run<'_> {
    fn now_text(&self) -> String {
        rfc3339_ms(self.now)
    }

    async fn object(&self, notice: &Notice) -> Result<Outcome, StoreError> {
        let named = notice.system();
        let system = match &named {
            Some(system) => system.clone(),
            // Kept and shown under a name that no credential has.
            None => SystemId::parse("unknown")
                .map_err(|_| StoreError::NotFound { what: "the system" })?,
        };
        let arrival = Arrival {
            system_id: system.clone(),
            bucket: notice.bucket.clone(),
            key: notice.key.clone(),
            version_id: notice.version_id.clone(),
            sequencer: notice.sequencer.clone(),
            at: self.now_text(),
        };
        let store = &self.hub.store;
        if let Some(sha) = store.arrival_document(&arrival.hash()).await?
            && let Some(document) = store.document_fetch(&sha).await?
            && is_settled(&document, &system)
        {
            return Ok(Outcome::Redelivered { content_sha256: sha });
        }
        let Some(body) = objects::announced(&self.hub.objects, notice).await? else {
            return self.gone(&arrival).await;
        };
        let mut reading = self.read(body, &system, self.now).await?;
        if !objects::keep(&self.hub.objects, notice, &reading.raw_sha256).await? {
            return self.gone(&arrival).await;
        }
        if named.is_none() {
            reading.outcome = Err(DocumentError {
                code: "no-system".to_owned(),
                message: "the key does not lie below inbound/<system>/".to_owned(),
                line: None,
                column: None,
            });
        }
        let document = self.receive(&reading, &system).await?;
        store.arrival_record(&arrival, &document.content_sha256, &self.meter).await?;
        self.repeated_transmission(&document).await?;
        store.arrival_point(&arrival, &document.content_sha256, &self.meter).await?;
        Box::pin(self.judge(reading, document, &system)).await
    }

    async fn again(&self, sha: &str, system: &SystemId) -> Result<Outcome, StoreError> {
        let missing = StoreError::NotFound { what: "the document" };
        let document = self.hub.store.document_fetch(sha).await?.ok_or(missing)?;
        let now = self.now_text();
        let later = |j: &Judgement| j.next_try_at.as_deref().is_some_and(|at| at > now.as_str());
        let waits = |j: &Judgement| j.status != DocumentStatus::Reconciled && !later(j);
        if is_refused(&document) || !document.judgement(system).is_some_and(waits) {
            return Ok(Outcome::Redelivered { content_sha256: sha.to_owned() });
        }
        let raw = document.raw_sha256.clone().unwrap_or_default();
        let missing = StoreError::NotFound { what: "the kept bytes of the document" };
        let body = objects::kept(&self.hub.objects, &raw).await?.ok_or(missing)?;
        let first = document.judgement(system).and_then(|j| parse_rfc3339(&j.first_at));
        let reading = self.read(body, system, first.unwrap_or(self.now)).await?;
        Box::pin(self.judge(reading, document, system)).await
    }

    async fn read(
        &self,
        body: aws_sdk_s3::primitives::ByteStream,
        system: &SystemId,
        received: OffsetDateTime,
    ) -> Result<Reading, StoreError> {
        let catalog = Catalog::new(self.hub.store.clone(), Handle::current(), system.clone());
        let received_ms = received.unix_timestamp_nanos().div_euclid(1_000_000);
        let fold = Fold::new(catalog, i64::try_from(received_ms).unwrap_or(i64::MAX));
        intake::read(body, fold, Limits::default()).await
    }

    /// Records the document, or finds what an earlier delivery recorded.
    async fn receive(&self, reading: &Reading, system: &SystemId) -> Result<Document, StoreError> {
        let now = self.now_text();
        let fresh = Document {
            content_sha256: reading.content_sha256.clone(),
            raw_sha256: Some(reading.raw_sha256.clone()),
            kind: reading.kind.to_owned(),
            system_id: system.clone(),
            received_at: now.clone(),
            events: reading.outcome.as_ref().map_or(0, |fold| fold.totals.events),
            error: None,
            judgements: Vec::new(),
            metrics: None,
            version: 0,
        };
        let store = &self.hub.store;
        store.raw_alias_put(&reading.raw_sha256, &reading.content_sha256, &self.meter).await?;
        let change = |document: &mut Document| {
            document.judgement_mut(system, &now);
        };
        let sha = &reading.content_sha256;
        store.document_change(sha, Some(&fresh), &self.meter, change).await
    }

    /// Another arrival of the same content: told once.
    async fn repeated_transmission(&self, document: &Document) -> Result<(), StoreError> {
        let sha = &document.content_sha256;
        if self.hub.store.arrival_list(sha).await?.len() < 2 {
            return Ok(());
        }
        let code = Code::DuplicateTransmission;
        let subject = Subject { code, provisional: false, allocation_id: None, gtin: None };
        let record = FindingRecord {
            content_sha256: sha.clone(),
            system_id: document.system_id.clone(),
            at: self.now_text(),
            finding: subject.finding((sha, document.system_id.as_str()), 1),
        };
        self.hub.store.finding_put(&record, &self.meter).await
    }

    async fn judge(
        &self,
        reading: Reading,
        document: Document,
        system: &SystemId,
    ) -> Result<Outcome, StoreError> {
        let bytes = reading.bytes;
        match reading.outcome {
            Err(error) => self.quarantine(&document, system, error, bytes).await,
            Ok(fold) => {
                // A parked document is judged again when its time has come, not when a copy arrives.
                let done = is_settled(&document, system)
                    && document
                        .judgement(system)
                        .and_then(|judgement| judgement.next_try_at.as_deref())
                        .is_none_or(|at| at > self.now_text().as_str());
                if done {
                    return Ok(Outcome::Redelivered { content_sha256: document.content_sha256 });
                }
                Box::pin(self.reconcile(*fold, document, system, bytes)).await
            }
        }
    }

    async fn reconcile(
        &self,
        fold: Fold,
        document: Document,
        system: &SystemId,
        bytes: u64,
    ) -> Result<Outcome, StoreError> {
        let (store, sha) = (&self.hub.store, document.content_sha256.as_str());
        let first = document.judgement(system).and_then(|j| parse_rfc3339(&j.first_at));
        let deadline = first.unwrap_or(self.now).checked_add(TRY_FOR);
        let last_try = deadline.is_none_or(|deadline| self.now >= deadline);
        let mut plan = Plan::of(fold, last_try);
        let applier = Applier {
            store: store.clone(),
            meter: self.meter.clone(),
            content_sha256: sha.to_owned(),
            now: self.now_text(),
        };
        applier.prepare(&mut plan).await?;
        let applying = |document: &mut Document| {
            if let Some(judgement) = document.judgement_mut(system, &self.now_text())
                && judgement.status == DocumentStatus::Received
            {
                judgement.status = DocumentStatus::Applying;
            }
        };
        store.document_change(sha, None, &self.meter, applying).await?;
        let effect = applier.apply(&mut plan).await?;
        let serials = counts(&plan, &effect);
        let findings = plan.findings.finish((sha, system.as_str()));
        let of = (sha, system, applier.now.as_str());
        store.findings_replace(of, &findings, &self.meter).await?;
        self.finish(&document, system, (serials, &effect), bytes).await
    }

    /// Writes the report, then the status: where a document is done, its report is there.
    async fn finish(
        &self,
        document: &Document,
        system: &SystemId,
        what: (SerialCounts, &Applied),
        bytes: u64,
    ) -> Result<Outcome, StoreError> {
        let (serials, applied) = what;
        let sha = document.content_sha256.as_str();
        let parked = serials.provisional > 0;
        let end = self.hub.clock.now();
        let now = rfc3339_ms(end);
        let next = end.checked_add(TRY_EVERY).map(rfc3339_ms);
        let metrics = self.metrics(bytes);
        let change = |document: &mut Document| {
            let Some(judgement) = document.judgement_mut(system, &now) else {
                return;
            };
            if judgement.status == DocumentStatus::Reconciled {
                return; // Another delivery was faster; its numbers are these.
            }
            judgement.serials = serials;
            judgement.status =
                if parked { DocumentStatus::Parked } else { DocumentStatus::Reconciled };
            judgement.next_try_at = next.clone().filter(|_| parked);
            judgement.reconciled_at = Some(now.clone()).filter(|_| !parked);
            // What was refused of another sender is no word on this one.
            document.error = document.error.take().filter(|error| !error.is_of_sender());
            document.metrics = Some(metrics);
        };
        let store = &self.hub.store;
        let missing = StoreError::NotFound { what: "the document" };
        let mut done = store.document_fetch(sha).await?.ok_or(missing)?;
        change(&mut done);
        let before = self.hub.objects.report_fetch(sha).await?;
        let tallies = merge_tallies(&tallies_of(before.as_ref()), &applied.tallies);
        let arrivals = store.arrival_list(sha).await?;
        let findings = store.document_findings(sha).await?;
        let view = document_view(&done, &arrivals, &findings, &tallies);
        self.hub.objects.report_put(sha, &view).await?;
        let done = store.document_change(sha, None, &self.meter, change).await?;
        Ok(Outcome::Done(Box::new(done)))
    }

    async fn quarantine(
        &self,
        document: &Document,
        system: &SystemId,
        error: DocumentError,
        bytes: u64,
    ) -> Result<Outcome, StoreError> {
        let (metrics, now) = (self.metrics(bytes), self.now_text());
        let change = |document: &mut Document| {
            if error.is_of_sender()
                && let Some(judgement) = document.judgement_mut(system, &now)
                && !is_done(judgement)
            {
                judgement.status = DocumentStatus::Quarantined;
            }
            // What was applied for another system stays told: only an untouched document is refused.
            if document.error.is_none() && !document.judgements.iter().any(is_done) {
                document.error = Some(error.clone());
                document.metrics = Some(metrics);
            }
        };
        let store = &self.hub.store;
        let sha = document.content_sha256.as_str();
        let mut done = document.clone();
        change(&mut done);
        let arrivals = store.arrival_list(sha).await?;
        let findings = store.document_findings(sha).await?;
        let before = self.hub.objects.report_fetch(sha).await?;
        let view = document_view(&done, &arrivals, &findings, &tallies_of(before.as_ref()));
        self.hub.objects.report_put(sha, &view).await?;
        let done = store.document_change(sha, Some(document), &self.meter, change).await?;
        Ok(Outcome::Done(Box::new(done)))
    }

    /// An object version that does not exist any more: recorded, and not asked for again.
    async fn gone(&self, arrival: &Arrival) -> Result<Outcome, StoreError> {
        let hash = length_prefixed_sha256(&[b"gone", arrival.hash().as_bytes()]);
        let mut document = Document {
            content_sha256: HEXLOWER.encode(&hash),
            raw_sha256: None,
            kind: "unknown".to_owned(),
            system_id: arrival.system_id.clone(),
            received_at: self.now_text(),
            events: 0,
            error: None,
            judgements: Vec::new(),
            metrics: None,
            version: 0,
        };
        if let Some(stored) = self.hub.store.document_fetch(&document.content_sha256).await? {
            document = stored;
        }
        let error = DocumentError {
            code: "gone".to_owned(),
            message: "the announced object version does not exist any more".to_owned(),
            line: None,
            column: None,
        };
        let outcome = self.quarantine(&document, &arrival.system_id, error, 0).await?;
        let sha = &document.content_sha256;
        self.hub.store.arrival_record(arrival, sha, &self.meter).await?;
        self.hub.store.arrival_point(arrival, sha, &self.meter).await?;
        Ok(outcome)
    }

    fn metrics(&self, bytes: u64) -> Metrics {
        let milliseconds = self.started.elapsed().as_millis();
        Metrics {
            bytes,
            milliseconds: u64::try_from(milliseconds).unwrap_or(u64::MAX),
            write_units: self.meter.units(),
            vm_hwm_kib: vm_hwm_kib(),
        }
    }
}

/// Whether nothing is to be done for this system until a parked document's time has come.
fn is_settled(document: &Document, system: &SystemId) -> bool {
    let refused = |judgement: &Judgement| judgement.status == DocumentStatus::Quarantined;
    is_refused(document)
        || document.judgement(system).is_some_and(|found| is_done(found) || refused(found))
}

/// Whether its bytes are refused, whoever sends them.
fn is_refused(document: &Document) -> bool {
    document.error.as_ref().is_some_and(|error| !error.is_of_sender())
}

fn is_done(judgement: &Judgement) -> bool {
    matches!(judgement.status, DocumentStatus::Reconciled | DocumentStatus::Parked)
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

/// High-water mark of this process's memory; 0 where the system does not tell.
fn vm_hwm_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
