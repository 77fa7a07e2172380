//! A table, buckets and files of numbers.

use std::fmt::Write as _;
use std::ops::Range;

use domain::ids::{PoolId, RequestId, SystemId};
use domain::list::{FIRST, ListId, Row, RowError};
use domain::policy::PoolPolicy;
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest, Terms};
use store::client::{AwsSettings, https, s3};
use store::kms::Kms;
use store::list::{ENTRIES_MAX, ImportError, Outcome, Refusal, Step};
use store::{Buckets, Objects, Store};
use testkit::{Dynamo, Faults, KeyService, Shelf, TestClock};

pub const NOW: &str = "2026-11-03T12:00:00.000Z";

pub struct Bench {
    dynamo: Dynamo,
    table: String,
    keys: KeyService,
    pub shelf: Shelf,
    pub store: Store,
    pub objects: Objects,
}

/// A file of numbers `<prefix>00000000` and so on.
pub fn file(prefix: &str, numbers: Range<u32>) -> String {
    let mut text = "serial\n".to_owned();
    for number in numbers {
        writeln!(text, "{prefix}{number:08}").unwrap();
    }
    text
}

pub fn draft(scheme: Scheme, (from, to): (u128, u128)) -> PoolDraft {
    PoolDraft {
        name: "a pool".into(),
        key: "00313000007772".parse().unwrap(),
        company_prefix_length: 7,
        scheme,
        from,
        to,
        max_request: 10_000_000,
        threshold: 0,
        eu_rules: false,
        policy: PoolPolicy::default(),
    }
}

pub fn request(id: &str, quantity: u64, terms: Terms) -> ReserveRequest {
    ReserveRequest {
        requester: SystemId::parse("L1").unwrap(),
        credential: None,
        request_id: RequestId::parse(id).unwrap(),
        key: "00313000007772".parse().unwrap(),
        quantity,
        pool_id: None,
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: Details::default(),
        terms,
    }
}

pub fn id(number: u8) -> PoolId {
    PoolId::from_entropy([number; 17])
}

impl Bench {
    pub async fn new() -> Self {
        let (dynamo, keys) = (Dynamo::start().await, KeyService::start().await);
        let table = dynamo.table().await;
        let shelf = Shelf::new(&TestClock::default());
        let endpoint = Some(keys.endpoint().to_owned());
        let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
        let kms = Kms::new(&settings, &https(), keys.key_arn());
        let store = Store::new(dynamo.client(), &table).with_kms(kms);
        let objects = objects(&shelf, &Faults::none());
        Self { dynamo, table, keys, shelf, store, objects }
    }

    /// Another process, whose calls break on demand.
    pub fn process(&self, faults: &Faults) -> (Store, Objects) {
        let store = Store::new(self.dynamo.client_with(faults), &self.table);
        (store, objects(&self.shelf, faults))
    }

    /// A pool with an empty list.
    pub async fn list(&self, number: u8) -> PoolId {
        let id = id(number);
        let draft = draft(Scheme::List { list: ListId::of(&id) }, (FIRST, 0));
        draft.check().unwrap();
        let pool = self.store.pool_create(id.clone(), draft, NOW).await.unwrap();
        assert_eq!(pool.remaining, 0);
        assert!(self.keys.key_arn().starts_with("arn:"));
        id
    }

    pub async fn import(&self, pool: &PoolId, text: &str) -> Result<Outcome, ImportError> {
        self.import_in_parts(pool, text, ENTRIES_MAX).await
    }

    pub async fn import_in_parts(
        &self,
        pool: &PoolId,
        text: &str,
        entries_max: usize,
    ) -> Result<Outcome, ImportError> {
        import((&self.store, &self.objects), pool, text, entries_max).await
    }

    pub async fn refusal(&self, pool: &PoolId, text: &str, entries_max: usize) -> Refusal {
        match self.import_in_parts(pool, text, entries_max).await {
            Err(ImportError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    /// The books balance.
    pub async fn holds(&self) {
        assert_eq!(self.store.audit().await.unwrap().breaches, []);
    }
}

fn objects(shelf: &Shelf, faults: &Faults) -> Objects {
    let http = aws_sdk_s3::config::SharedHttpClient::new(faults.around(shelf.http()));
    let endpoint = Some("http://localhost".to_owned());
    let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
    let buckets = Buckets {
        inbound: "inbound".into(),
        outbound: "outbound".into(),
        documents: "documents".into(),
    };
    Objects { s3: s3(&settings, &http), buckets }
}

/// A line without quotes; what reads real files is tested where it is (`linefiles::imports`).
fn row(line: &str, columns: usize) -> Result<Row<'_>, RowError> {
    let values: Vec<&str> = line.split(',').collect();
    if values.len() != columns {
        return Err(RowError::Columns { values: values.len(), columns });
    }
    let value = |at: usize| values.get(at).copied().unwrap_or_default();
    Ok(Row { serial: value(0), key: value(1), code: value(2) })
}

/// Imports a text as a function does it.
pub async fn import(
    (store, objects): (&Store, &Objects),
    pool: &PoolId,
    text: &str,
    entries_max: usize,
) -> Result<Outcome, ImportError> {
    let mut importing = store.list_import(objects, pool, ("L1/c", NOW), entries_max).await?;
    loop {
        importing.bytes(text.as_bytes());
        let columns = text.lines().next().unwrap().split(',').count();
        for (line, text) in (1..).zip(text.lines()).skip(1) {
            importing.row(line, row(text, columns));
            if line % 10_000 == 0 {
                importing.drain().await?;
            }
        }
        if let Step::Done(outcome) = importing.end_pass().await? {
            return Ok(*outcome);
        }
    }
}
