//! The hub's HTTP functions over a table in process, with something in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use domain::finding::{Code, Subject};
use domain::gtin::Gtin14;
use domain::ids::{AllocationId, PoolId, RequestId, SystemId};
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest, Terms};
use edge::{App, Clock, Entropy, TenantProfile, app};
use http_body_util::BodyExt;
use lambda_http::Request;
use sha2::{Digest, Sha256};
use store::client::{AwsSettings, https, s3, sqs};
use store::credential::{Credential, Secret};
use store::document::{Document, DocumentStatus};
use store::finding::FindingRecord;
use store::jobs::Jobs;
use store::kms::Kms;
use store::meter::Meter;
use store::session::Session;
use store::{Buckets, Objects, Store};
use testkit::{Dynamo, KeyService};
use time::macros::datetime;
use tokio::runtime::Runtime;

const AT: &str = "2026-11-23T09:00:00.000Z";
const SENT: &str = "2026-11-23T09:30:00.000Z";

pub struct World {
    runtime: Runtime,
    door: App,
    names: [(&'static str, String); 6],
    _dynamo: Dynamo,
    _keys: KeyService,
}

impl World {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let dynamo = runtime.block_on(Dynamo::start());
        let keys = runtime.block_on(KeyService::start());
        let settings = local(keys.endpoint());
        let kms = Kms::new(&settings, &https(), keys.key_arn());
        let store = Store::new(dynamo.client(), &runtime.block_on(dynamo.table())).with_kms(kms);
        let door = door(&store);
        let names = runtime.block_on(fill(&store));
        Self { runtime, door, names, _dynamo: dynamo, _keys: keys }
    }

    /// The text with what its names stand for.
    pub fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.names {
            if text.contains(name) {
                text = text.replace(name, value);
            }
        }
        text
    }

    /// Status, content type and body.
    pub fn handle(&self, request: Request) -> (u16, String, Vec<u8>) {
        self.runtime.block_on(async {
            let response = self.door.handle(request).await;
            let status = response.status().as_u16();
            let content_type = response.headers().get("content-type");
            let content_type = content_type.and_then(|value| value.to_str().ok());
            let content_type = content_type.unwrap_or_default().to_owned();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (status, content_type, body.to_vec())
        })
    }
}

fn local(endpoint: &str) -> AwsSettings {
    AwsSettings::new("eu-central-1", Some(endpoint.to_owned()), ("test", "test"), None)
}

/// Every HTTP function behind one door. No bucket and no queue is reached: a call would fail.
fn door(store: &Store) -> App {
    let settings = local("http://127.0.0.1:9");
    let buckets =
        Buckets { inbound: "in".into(), outbound: "out".into(), documents: "docs".into() };
    let objects = Objects { s3: s3(&settings, &https()), buckets };
    let sqs = sqs(&settings, &https());
    let jobs = Jobs { sqs: sqs.clone(), url: Arc::from("") };
    let clock = Clock::fixed(datetime!(2026-11-23 10:00 UTC));
    let drawn = AtomicU64::new(0);
    let entropy = Entropy::from_fn(move |bytes| {
        let next = drawn.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        bytes.iter_mut().zip(next.iter().cycle()).for_each(|(byte, next)| *byte = *next);
    });
    let profile = TenantProfile::Manufacturer;
    let router: Router = manage_pools::router(manage_pools::Hub {
        store: store.clone(),
        objects: objects.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        webhook_hosts: domain::webhook::AllowedHosts::default(),
    })
    .merge(allocate_serials::router(allocate_serials::Hub::new(
        store.clone(),
        objects.clone(),
        jobs.clone(),
        clock.clone(),
    )))
    .merge(export_allocation::router(export_allocation::Hub {
        store: store.clone(),
        objects: objects.clone(),
        jobs,
        clock: clock.clone(),
    }))
    .merge(exchange_serials::router(exchange_serials::Hub {
        objects: objects.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
    }))
    .merge(ingest_telemetry::router(ingest_telemetry::Hub {
        store: store.clone(),
        clock: clock.clone(),
    }))
    .merge(report_operations::router(report_operations::Hub {
        store: store.clone(),
        objects,
        queue: report_operations::JudgeQueue {
            sqs,
            url: String::new(),
            patience: time::Duration::minutes(135),
        },
        clock: clock.clone(),
        contact_email: None,
        sign_in: report_operations::SignIn { entropy, secure: true, profile },
    }));
    app(router, profile, clock)
}

/// A pool, an allocation, a quarantined document with a finding, and somebody signed in.
async fn fill(store: &Store) -> [(&'static str, String); 6] {
    let system = SystemId::parse("L1").unwrap();
    let gtin = Gtin14::parse("00313000007772").unwrap();
    let draft = PoolDraft {
        name: "pool".to_owned(),
        key: gtin.into(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        eu_rules: false,
        from: 1_000,
        to: 200_000_000,
        max_request: 500,
        threshold: 0,
        policy: domain::policy::PoolPolicy::default(),
    };
    let pool = PoolId::from_entropy([200; 17]);
    store.pool_create(pool.clone(), draft, AT).await.unwrap();
    let request = ReserveRequest {
        requester: system.clone(),
        credential: None,
        request_id: RequestId::parse("R1").unwrap(),
        key: gtin.into(),
        quantity: 10,
        pool_id: None,
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: Details::default(),
        terms: Terms::default(),
    };
    store.reserve(&request, std::slice::from_ref(&pool), AT).await.unwrap();
    let allocation = AllocationId::of_request(&system, &request.request_id);
    let (document, finding) = quarantined(store, &system).await;
    let (session, form) = signed_in(store, &system).await;
    [
        ("{pool}", pool.to_string()),
        ("{allocation}", allocation.to_string()),
        ("{finding}", finding),
        ("{document}", document),
        ("{session}", session),
        ("{form}", form),
    ]
}

async fn quarantined(store: &Store, system: &SystemId) -> (String, String) {
    let (sha, meter) = ("02".repeat(32), Meter::default());
    let document = Document {
        raw_sha256: Some("66".repeat(32)),
        judgements: Vec::new(),
        ..Document::new(&sha, "epcis-xml-1", system, SENT)
    };
    let change = |stored: &mut Document| {
        stored.judgement_mut(system, SENT).unwrap().status = DocumentStatus::Quarantined;
    };
    store.document_change(&sha, Some(&document), &meter, change).await.unwrap();
    let subject =
        Subject { code: Code::NotReserved, provisional: false, allocation_id: None, gtin: None };
    let finding = subject.finding((&sha, system.as_str()), 3);
    let id = finding.id.clone();
    let record = FindingRecord {
        content_sha256: sha.clone(),
        system_id: system.clone(),
        at: SENT.to_owned(),
        finding,
    };
    store.finding_put(&record, &meter).await.unwrap();
    (sha, id)
}

async fn signed_in(store: &Store, system: &SystemId) -> (String, String) {
    let hash: [u8; 32] = Sha256::digest(b"bbbbbbbb").into();
    let mut credential = Credential::new("aaaaaaaa", system.clone(), hash, AT);
    credential.scopes = vec!["operator".to_owned()];
    store.credential_create(&credential, "test").await.unwrap();
    let token = BASE32_NOPAD.encode(&[7; 32]).to_lowercase();
    let hex = |text: &str| HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    let session = Session {
        token_sha256: hex(&token),
        credential_id: credential.id,
        secret_fingerprint: credential.secrets.last().map(Secret::fingerprint).unwrap(),
        created_at: AT.to_owned(),
        expires_at: "2026-11-23T10:30:00.000Z".to_owned(),
    };
    store.session_create(&session).await.unwrap();
    let form = hex(&format!("form {token}"));
    (token, form)
}
