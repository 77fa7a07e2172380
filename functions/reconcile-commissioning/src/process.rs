//! One piece of work from the notice to the judgement.

use std::time::Instant;

use aws_sdk_s3::primitives::ByteStream;
use domain::ids::SystemId;
use epcis::Limits;
use store::StoreError;
use store::arrival::Arrival;
use store::document::{Document, DocumentError, Metrics};
use store::inbound::{Notice, Work};
use store::kept::OBJECT_BYTES_MAX;
use store::meter::Meter;
use store::time::rfc3339_ms;
use time::OffsetDateTime;
use tokio::runtime::Handle;

use crate::Hub;
use crate::catalog::Catalog;
use crate::fold::Fold;
use crate::intake::{self, Reading};
use crate::measures;
use crate::outcome::{Gain, Outcome};

/// One run: what is the same for all its steps.
pub(crate) struct Run<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) meter: Meter,
    pub(crate) started: Instant,
    pub(crate) now: OffsetDateTime,
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
    pub(crate) fn now_text(&self) -> String {
        rfc3339_ms(self.now)
    }

    /// When this run should long have ended.
    pub(crate) fn until(&self) -> String {
        rfc3339_ms(self.now.saturating_add(self.hub.patience))
    }

    pub(crate) async fn object(&self, notice: &Notice) -> Result<Outcome, StoreError> {
        // What nobody put is kept and shown under a name that no credential has.
        let system = notice.system().unwrap_or_else(SystemId::unknown);
        let arrival = notice.arrival(&system, &self.now_text());
        let store = &self.hub.store;
        if let Some(sha) = store.arrival_document(&arrival.hash()).await?
            && let Some(document) = store.document_fetch(&sha).await?
            && is_settled(&document, &system)
        {
            return Ok(Outcome::Redelivered { content_sha256: sha });
        }
        match Box::pin(self.fresh(notice, &arrival)).await? {
            Some(outcome) => Ok(outcome),
            None => self.gone(&arrival).await,
        }
    }

    /// Reads an announced object, records its arrival and judges it; `None` when it is gone.
    pub(crate) async fn fresh(
        &self,
        notice: &Notice,
        arrival: &Arrival,
    ) -> Result<Option<Outcome>, StoreError> {
        let (store, system) = (&self.hub.store, &arrival.system_id);
        let Some(object) = self.hub.objects.object_announced(notice).await? else {
            return Ok(None);
        };
        if object.bytes > OBJECT_BYTES_MAX {
            return self.oversized(arrival, object.bytes).await.map(Some);
        }
        let reading = self.read(object.body, system, self.now).await?;
        let kept = self.hub.objects.bytes_keep(notice, &reading.raw_sha256, reading.bytes).await?;
        if !kept {
            return Ok(None);
        }
        let document = self.receive(&reading, system).await?;
        store.arrival_record(arrival, &document.content_sha256, &self.meter).await?;
        let now = self.now_text();
        let of = (document.content_sha256.as_str(), system, now.as_str());
        store.repeated_transmission(of, &self.meter).await?;
        store.arrival_point(arrival, &document.content_sha256, &self.meter).await?;
        Box::pin(self.judge(reading, document, system)).await.map(Some)
    }

    pub(crate) async fn read(
        &self,
        body: ByteStream,
        system: &SystemId,
        received: OffsetDateTime,
    ) -> Result<Reading, StoreError> {
        let catalog = Catalog::new(self.hub.store.clone(), Handle::current(), system.clone())
            .with_objects(self.hub.objects.clone())
            .judging(&self.now_text());
        let received_ms = received.unix_timestamp_nanos().div_euclid(1_000_000);
        let fold = Fold::new(catalog, i64::try_from(received_ms).unwrap_or(i64::MAX));
        intake::read(body, fold, Limits::default()).await
    }

    /// Records the document, or finds what an earlier delivery recorded.
    pub(crate) async fn receive(
        &self,
        reading: &Reading,
        system: &SystemId,
    ) -> Result<Document, StoreError> {
        let (sha, now) = (&reading.content_sha256, self.now_text());
        let fresh = Document {
            raw_sha256: Some(reading.raw_sha256.clone()),
            events: reading.outcome.as_ref().map_or(0, |fold| fold.totals.events),
            ..Document::new(sha, reading.kind, system, &now)
        };
        let store = &self.hub.store;
        store.raw_alias_put(&reading.raw_sha256, sha, &self.meter).await?;
        let until = self.until();
        let change = |document: &mut Document| {
            let is_refused = document.is_refused();
            if let Some(judgement) = document.judgement_mut(system, &now)
                && judgement.is_unfinished()
                && !is_refused
            {
                judgement.begin(&until);
            }
        };
        store.document_change(sha, Some(&fresh), &self.meter, change).await
    }

    /// An object version that does not exist any more: recorded, and not asked for again.
    pub(crate) async fn gone(&self, arrival: &Arrival) -> Result<Outcome, StoreError> {
        let store = &self.hub.store;
        if store.arrival_document(&arrival.hash()).await?.is_none() {
            edge::emit(&measures::gone(&arrival.hash()));
        }
        let document = store.document_gone(&self.hub.objects, arrival, &self.meter).await?;
        Ok(Outcome::Done(Box::new(document), Gain::default()))
    }

    /// An object that no delivery could read to its end: it stays where it was put.
    async fn oversized(&self, arrival: &Arrival, bytes: u64) -> Result<Outcome, StoreError> {
        let message = format!(
            "the object has {bytes} bytes; it was not read and stays in the inbound bucket"
        );
        let error = DocumentError::new("too-large", message);
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        let document = store.document_unread(objects, arrival, &error, &self.meter).await?;
        Ok(Outcome::Done(Box::new(document), Gain::default()))
    }

    pub(crate) fn metrics(&self, bytes: u64) -> Metrics {
        let milliseconds = self.started.elapsed().as_millis();
        Metrics {
            bytes,
            milliseconds: u64::try_from(milliseconds).unwrap_or(u64::MAX),
            write_units: self.meter.units(),
            vm_hwm_kib: edge::telemetry::vm_hwm_kib(),
        }
    }
}

/// Whether nothing is to be done for this system until the time of its next try has come.
pub(crate) fn is_settled(document: &Document, system: &SystemId) -> bool {
    document.is_refused() || document.judgement(system).is_some_and(|found| !found.is_unfinished())
}
