//! The functions in this process, over a table, buckets and a queue of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_dynamodb::config::SharedHttpClient;
use domain::webhook::AllowedHosts;
use edge::{App, AuthorizerContext, Clock, Entropy, HttpEvent, TenantProfile, app};
use http_body_util::BodyExt;
use serde_json::Value;
use store::client::AwsSettings;
use store::jobs::Jobs;
use store::kms::Kms;
use store::system::System;
use store::time::rfc3339_ms;
use store::{Buckets, Objects, Store};
use sweep_reservations::Sweeper;
use testkit::{Dynamo, Faults, KeyService, Shelf, TestClock};
use time::Duration;

/// As the template has it for documents of a quarter of an hour.
const PATIENCE: Duration = Duration::minutes(135);
/// Where line systems put files.
pub const INBOUND: &str = "inbound";
/// Where what was received is kept.
pub const DOCUMENTS: &str = "documents";
/// The systems that exist.
pub const SYSTEMS: [&str; 2] = ["L1", "L2"];

/// A hub of one test.
pub struct Plant {
    pub dynamo: Dynamo,
    pub table: String,
    pub shelf: Shelf,
    pub hands: TestClock,
    /// The key service, and the connection that all processes have to it.
    pub keys: KeyService,
    https: SharedHttpClient,
    /// Random bytes drawn so far, as every run draws them.
    drawn: Arc<AtomicU64>,
}

/// A process of the hub: its clients and what it has read.
pub struct Process {
    pub store: Store,
    pub objects: Objects,
    sqs: aws_sdk_sqs::Client,
    clock: Clock,
    door: App,
}

/// What a request led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The problem's kind; empty where there is none.
    pub problem: String,
    pub body: Value,
}

impl Plant {
    pub async fn start() -> Self {
        let (dynamo, hands) = (Dynamo::start().await, TestClock::default());
        let table = dynamo.table().await;
        let shelf = Shelf::new(&hands);
        let (keys, https) = (KeyService::start().await, store::client::https());
        let plant = Self { dynamo, table, shelf, hands, keys, https, drawn: Arc::default() };
        let store = Store::new(plant.dynamo.client(), &plant.table);
        for id in SYSTEMS {
            let system = System {
                id: domain::ids::SystemId::parse(id).unwrap(),
                kind: "rest".to_owned(),
                line_glns: Vec::new(),
                created_at: rfc3339_ms(plant.hands.now()),
            };
            store.system_create(&system, "test").await.unwrap();
        }
        plant
    }

    /// A process that has read nothing yet; its calls pass through `faults`.
    pub fn process(&self, faults: Option<&Faults>) -> Process {
        let (dynamo, http) = match faults {
            None => (self.dynamo.client(), self.shelf.http()),
            Some(faults) => (
                self.dynamo.client_with(faults),
                SharedHttpClient::new(faults.around(self.shelf.http())),
            ),
        };
        let endpoint = Some("http://127.0.0.1:9".to_owned());
        let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
        let buckets = Buckets {
            inbound: INBOUND.into(),
            outbound: "outbound".into(),
            documents: DOCUMENTS.into(),
        };
        let store = Store::new(dynamo, &self.table).with_kms(self.kms(faults));
        let objects = Objects { s3: quick(&store::client::s3(&settings, &http)), buckets };
        let sqs = store::client::sqs(&settings, &http);
        let hands = self.hands.clone();
        let clock = Clock::from_fn(move || hands.now());
        let door = self.door(&store, &objects, &sqs, &clock);
        Process { store, objects, sqs, clock, door }
    }

    /// The key service as a process reaches it.
    pub fn kms(&self, faults: Option<&Faults>) -> Kms {
        let endpoint = Some(self.keys.endpoint().to_owned());
        let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
        let http = match faults {
            None => self.https.clone(),
            Some(faults) => SharedHttpClient::new(faults.around(self.https.clone())),
        };
        Kms::new(&settings, &http, self.keys.key_arn())
    }

    fn door(
        &self,
        store: &Store,
        objects: &Objects,
        sqs: &aws_sdk_sqs::Client,
        clock: &Clock,
    ) -> App {
        let drawn = self.drawn.clone();
        let entropy = Entropy::from_fn(move |bytes| {
            let next = drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            bytes.iter_mut().zip(next.iter().cycle()).for_each(|(byte, next)| *byte = *next);
        });
        let jobs = Jobs { sqs: sqs.clone(), url: "http://127.0.0.1:9/jobs".into() };
        let (store, objects, clock) = (|| store.clone(), || objects.clone(), || clock.clone());
        let router = manage_pools::router(manage_pools::Hub {
            store: store(),
            objects: objects(),
            clock: clock(),
            entropy,
            webhook_hosts: AllowedHosts::default(),
        })
        .merge(allocate_serials::router(allocate_serials::Hub::new(
            store(),
            objects(),
            jobs.clone(),
            clock(),
        )))
        .merge(export_allocation::router(export_allocation::Hub {
            store: store(),
            objects: objects(),
            jobs,
            clock: clock(),
        }));
        app(router, TenantProfile::Manufacturer, clock())
    }
}

/// The same client with short pauses before it tries again.
fn quick(s3: &aws_sdk_s3::Client) -> aws_sdk_s3::Client {
    let retry = aws_sdk_s3::config::retry::RetryConfig::standard()
        .with_initial_backoff(std::time::Duration::from_millis(1))
        .with_max_backoff(std::time::Duration::from_millis(2));
    aws_sdk_s3::Client::from_conf(s3.config().to_builder().retry_config(retry).build())
}

impl Process {
    /// One request of a system.
    pub async fn ask(&self, of: &str, route: (&str, &str), body: Option<&Value>) -> Answer {
        self.ask_once(of, route, body, None).await
    }

    /// One request of a system that gives it a name.
    pub async fn ask_once(
        &self,
        of: &str,
        route: (&str, &str),
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Answer {
        let (method, target) = route;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // Another person of the same system has another credential.
        let (system, credential) = of.split_once('/').unwrap_or((of, "c"));
        let caller = AuthorizerContext {
            system: system.to_owned(),
            credential: credential.to_owned(),
            scopes: "operator".to_owned(),
            ..AuthorizerContext::default()
        };
        let mut event = HttpEvent::new(method, path).query(query).caller(&caller);
        if let Some(body) = body {
            event = event.json(body);
        }
        if let Some(key) = key {
            event = event.header("idempotency-key", key);
        }
        let response = self.door.handle(event.request().unwrap()).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let kind = body["type"].as_str().filter(|_| status >= 400).unwrap_or_default();
        let problem = kind.rsplit('/').next().unwrap_or_default().to_owned();
        Answer { status, problem, body }
    }

    /// One delivery of a message of the inbound queue; why it is to be delivered again.
    pub async fn deliver(&self, message: &str) -> Result<(), String> {
        let hub = reconcile_commissioning::Hub {
            store: self.store.clone(),
            objects: self.objects.clone(),
            clock: self.clock.clone(),
            patience: PATIENCE,
        };
        let mut record = SqsMessage::default();
        record.body = Some(message.to_owned());
        let outcome = Box::pin(reconcile_commissioning::handle(&hub, record)).await;
        outcome.map_err(|error| error.to_string())
    }

    /// One run of the sweep.
    pub async fn sweep(&self) {
        let sweeper = Sweeper {
            store: self.store.clone(),
            objects: self.objects.clone(),
            sqs: self.sqs.clone(),
            inbound_queue_url: "http://127.0.0.1:9/inbound".to_owned(),
            pool_events_queue_url: "http://127.0.0.1:9/pool-events".to_owned(),
            webhook_hosts: AllowedHosts::default(),
            clock: self.clock.clone(),
            patience: PATIENCE,
        };
        let done = Box::pin(sweep_reservations::sweep(&sweeper)).await.unwrap();
        assert_eq!(done.failed, 0, "{done:?}");
    }
}
