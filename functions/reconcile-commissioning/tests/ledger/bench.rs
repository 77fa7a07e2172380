//! A table with a pool, allocations of two systems, and documents as text.

use aws_sdk_s3::primitives::ByteStream;
use domain::allocation::{Allocation, Transition};
use domain::finding::Finding;
use domain::gln::Gln;
use domain::ids::{PoolId, RequestId, SystemId};
use domain::ledger::{Balance, Bucket};
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest, Terms};
use reconcile_commissioning::apply::{Applied, Applier};
use reconcile_commissioning::catalog::Catalog;
use reconcile_commissioning::fold::Fold;
use reconcile_commissioning::intake::{self, Reading};
use reconcile_commissioning::plan::Plan;
use store::document::DocumentError;
use store::meter::Meter;
use store::{Store, StoreError};
use testkit::Dynamo;
use time::OffsetDateTime;
use time::macros::datetime;

pub const GTIN: &str = "00313000007772";
pub const STEM: &str = "urn:epc:id:sgtin:0313000.000777.";
pub const LINE: &str = "0313000000018";
pub const PLANT: &str = "0313000000001";
pub const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
pub const NOW_TEXT: &str = "2026-11-23T12:00:00.000Z";

/// A server, a table, one pool of 12-digit serials from 1000 to 999,999.
pub struct Bench {
    pub dynamo: Dynamo,
    pub table: String,
    pub store: Store,
    pub pool: PoolId,
}

/// What a document led to.
#[derive(Debug)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub applied: Applied,
    pub unmatched: u64,
    pub provisional: u64,
    pub write_units: u64,
}

impl Report {
    /// Code, severity, count, provisional and first range or sample of each finding, in order.
    pub fn lines(&self) -> Vec<String> {
        let line = |f: &Finding| {
            let what = f.ranges.first().map(|r| format!("{}-{}", r.from, r.to));
            let what = what.or_else(|| f.samples.first().cloned()).unwrap_or_default();
            let provisional = if f.provisional { " provisional" } else { "" };
            let (code, severity) = (f.code.as_str(), f.severity.as_str());
            format!("{severity} {code} {}{provisional} {what}", f.count)
        };
        self.findings.iter().map(line).collect()
    }
}

pub fn system(text: &str) -> SystemId {
    SystemId::parse(text).unwrap()
}

impl Bench {
    pub async fn start() -> Self {
        let dynamo = Dynamo::start().await;
        let table = dynamo.table().await;
        let store = Store::new(dynamo.client(), &table);
        let bench = Self { dynamo, table, store, pool: PoolId::from_entropy([7; 17]) };
        bench.pool(bench.pool.clone(), GTIN, (1_000, 199_999_999)).await;
        bench
    }

    pub async fn pool(&self, id: PoolId, gtin: &str, (from, to): (u128, u128)) {
        let draft = PoolDraft {
            name: "pool".to_owned(),
            key: gtin.parse().unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 12 },
            eu_rules: false,
            from,
            to,
            max_request: 100_000_000,
            threshold: 0,
            policy: domain::policy::PoolPolicy::default(),
        };
        self.store.pool_create(id, draft, NOW_TEXT).await.unwrap();
    }

    /// Reserves for a system: lot `LOT42`, expiry 2028-10-31, our line and plant.
    pub async fn reserve(&self, request: &str, of: &str, quantity: u64) -> Allocation {
        self.reserve_on(request, of, quantity, Terms::default()).await
    }

    /// The same on other terms.
    pub async fn reserve_on(
        &self,
        request: &str,
        of: &str,
        quantity: u64,
        terms: Terms,
    ) -> Allocation {
        let (request, pools) = (self.request((request, of), quantity, terms), [self.pool.clone()]);
        self.store.reserve(&request, &pools, NOW_TEXT).await.unwrap().allocation
    }

    pub fn request(
        &self,
        (request, of): (&str, &str),
        quantity: u64,
        terms: Terms,
    ) -> ReserveRequest {
        let details = Details {
            lot: Some("LOT42".to_owned()),
            expiry: Some("2028-10-31".to_owned()),
            ..Details::default()
        };
        ReserveRequest {
            requester: system(of),
            credential: None,
            request_id: RequestId::parse(request).unwrap(),
            key: GTIN.parse().unwrap(),
            quantity,
            pool_id: Some(self.pool.clone()),
            system_id: None,
            line_gln: Some(Gln::parse(LINE).unwrap()),
            plant_gln: Some(Gln::parse(PLANT).unwrap()),
            details,
            terms,
        }
    }

    pub async fn close(&self, allocation: &Allocation) {
        let close = self.store.allocation_advance(&allocation.id, Transition::Close, NOW_TEXT);
        close.await.unwrap();
    }

    /// Reads a document as sent by a system.
    pub async fn read(&self, of: &str, text: &str) -> Reading {
        let runtime = tokio::runtime::Handle::current();
        let catalog = Catalog::new(self.store.clone(), runtime, system(of)).judging(NOW_TEXT);
        let ms = i64::try_from(NOW.unix_timestamp_nanos() / 1_000_000).unwrap();
        let body = ByteStream::from(text.as_bytes().to_vec());
        intake::read(body, Fold::new(catalog, ms), epcis::Limits::default()).await.unwrap()
    }

    /// Reads a document that is refused.
    pub async fn refused(&self, of: &str, text: &str) -> DocumentError {
        self.read(of, text).await.outcome.unwrap_err()
    }

    /// Reads, judges and posts a document.
    pub async fn send(&self, of: &str, text: &str) -> Report {
        self.send_over(&self.store, of, text).await.unwrap()
    }

    /// The same with another client, whose calls may fail.
    pub async fn send_over(
        &self,
        store: &Store,
        of: &str,
        text: &str,
    ) -> Result<Report, StoreError> {
        let reading = self.read(of, text).await;
        let mut plan = Plan::of(*reading.outcome.unwrap(), false);
        let applier = Applier {
            store: store.clone(),
            meter: Meter::default(),
            content_sha256: reading.content_sha256.clone(),
            now: NOW_TEXT.to_owned(),
        };
        applier.prepare(&mut plan).await?;
        let effect = applier.apply(&mut plan).await?;
        let (unmatched, provisional) = (plan.unmatched, plan.provisional);
        let findings = plan.findings.finish((&reading.content_sha256, of));
        let of = (reading.content_sha256.as_str(), &system(of), NOW_TEXT);
        store.findings_replace(of, &findings, &applier.meter).await?;
        let write_units = applier.meter.units();
        Ok(Report { findings, applied: effect, unmatched, provisional, write_units })
    }

    pub async fn balance(&self, allocation: &Allocation) -> Balance {
        let allocation = self.store.allocation_fetch(&allocation.id).await.unwrap().unwrap();
        let balance = self.store.allocation_balance(&allocation).await.unwrap();
        assert!(balance.holds(), "I4: {balance:?}");
        balance
    }

    pub async fn count(&self, allocation: &Allocation, bucket: Bucket) -> u64 {
        self.balance(allocation).await.buckets.get(bucket)
    }
}

/// Serial texts of a run of indexes.
pub fn serials(from: u128, to: u128) -> Vec<String> {
    (from..=to).map(|index| format!("{STEM}{index:012}")).collect()
}

/// An event to be written as XML.
#[derive(Clone)]
pub struct Event {
    pub action: &'static str,
    pub step: &'static str,
    pub time: &'static str,
    pub epcs: Vec<String>,
    pub ilmd: &'static str,
    pub places: &'static str,
    pub error: bool,
}

pub const ILMD: &str = "<extension><ilmd><c:lotNumber>LOT42</c:lotNumber>\
    <c:itemExpirationDate>2028-10-31</c:itemExpirationDate></ilmd></extension>";
pub const PLACES: &str = "<readPoint><id>urn:epc:id:sgln:0313000.00001.4</id></readPoint>";

/// A commissioning event as it should be.
pub fn commission(epcs: Vec<String>) -> Event {
    Event {
        action: "ADD",
        step: "commissioning",
        time: "2026-11-23T10:00:00.000Z",
        epcs,
        ilmd: ILMD,
        places: PLACES,
        error: false,
    }
}

/// An event that ends serials.
pub fn end(step: &'static str, time: &'static str, epcs: Vec<String>) -> Event {
    Event { action: "DELETE", step, time, ilmd: "", ..commission(epcs) }
}

/// An EPCIS 1.2 document.
pub fn document(events: &[Event]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:EPCISDocument schemaVersion=\"1.2\" \
         xmlns:e=\"urn:epcglobal:epcis:xsd:1\" xmlns:c=\"urn:epcglobal:cbv:mda\">\
         <EPCISBody><EventList>\n",
    );
    for event in events {
        out.push_str("<ObjectEvent><eventTime>");
        out.push_str(event.time);
        out.push_str("</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>");
        if event.error {
            out.push_str(
                "<baseExtension><errorDeclaration><declarationTime>2026-11-23T11:00:00Z\
                 </declarationTime><reason>urn:epcglobal:cbv:er:did_not_occur</reason>\
                 </errorDeclaration></baseExtension>",
            );
        }
        out.push_str("<epcList>");
        for epc in &event.epcs {
            out.push_str("<epc>");
            out.push_str(epc);
            out.push_str("</epc>");
        }
        let (action, step) = (event.action, event.step);
        let parts = [
            "</epcList><action>",
            action,
            "</action><bizStep>urn:epcglobal:cbv:bizstep:",
            step,
            "</bizStep>",
            event.places,
            event.ilmd,
            "</ObjectEvent>\n",
        ];
        out.push_str(&parts.concat());
    }
    out.push_str("</EventList></EPCISBody></e:EPCISDocument>\n");
    out
}
