//! The functions in this process, over clients whose calls are counted.

use authorize_request::Authorizer;
use aws_sdk_dynamodb::config::SharedHttpClient;
use edge::{App, AuthorizerContext, Clock, Entropy, HttpEvent, TenantProfile, app};
use http_body_util::BodyExt;
use pharmatrace::local::REGION;
use serde_json::Value;
use store::client::AwsSettings;
use store::jobs::Jobs;
use store::{Buckets, Objects, Store};
use sweep_reservations::Sweeper;
use testkit::{Call, Dynamo, Faults, TestClock};
use time::Duration;

use crate::flow_kit::Hub;

/// As the template has it for documents of a quarter of an hour.
const PATIENCE: Duration = Duration::minutes(135);

/// A local cloud for buckets and queues, and the functions over tables of their own.
pub struct Bench {
    hub: Hub,
    dynamo: Dynamo,
}

/// The functions over one table.
pub struct Plant {
    /// The table, not counted: for what a test prepares.
    pub store: Store,
    /// Sets the time.
    pub hands: TestClock,
    /// Counts.
    faults: Faults,
    counted: Store,
    objects: Objects,
    sqs: aws_sdk_sqs::Client,
    queue_url: String,
    doors: Vec<(&'static str, App)>,
}

impl Bench {
    pub async fn start() -> Self {
        Self { hub: Hub::start().await, dynamo: Dynamo::start().await }
    }

    pub async fn stop(self) {
        self.hub.stop().await;
    }

    /// The functions over a fresh table, with a process of their own that has read nothing.
    pub async fn plant(&self) -> Plant {
        let table = self.dynamo.table().await;
        let faults = Faults::none();
        let hub = &self.hub.cloud.hub;
        let key = hub.aws.clone().unwrap();
        let keys = (key.access_key_id.as_str(), key.secret_access_key.as_str());
        let settings = AwsSettings::new(REGION, hub.endpoint_url.clone(), keys, None);
        let http = aws_smithy_http_client::Builder::new().build_http();
        let http = SharedHttpClient::new(faults.around(http));
        let buckets = Buckets {
            inbound: hub.buckets.inbound.as_str().into(),
            outbound: hub.buckets.outbound.as_str().into(),
            documents: hub.buckets.documents.as_str().into(),
        };
        let mut plant = Plant {
            store: Store::new(self.dynamo.client(), &table),
            hands: TestClock::default(),
            counted: Store::new(self.dynamo.client_with(&faults), &table),
            objects: Objects { s3: store::client::s3(&settings, &http), buckets },
            sqs: store::client::sqs(&settings, &http),
            queue_url: String::new(),
            doors: Vec::new(),
            faults,
        };
        // A queue that no function listens to.
        let queue = plant.sqs.create_queue().queue_name("costs").send().await.unwrap();
        plant.queue_url = queue.queue_url.unwrap();
        plant.doors = plant.doors();
        plant
    }
}

impl Plant {
    fn doors(&self) -> Vec<(&'static str, App)> {
        let (store, objects) = (|| self.counted.clone(), || self.objects.clone());
        let clock = || self.clock();
        let jobs = || self.jobs();
        let profile = TenantProfile::Manufacturer;
        let sign_in =
            report_operations::SignIn { entropy: Entropy::system(), secure: true, profile };
        let queue = report_operations::JudgeQueue {
            sqs: self.sqs.clone(),
            url: self.queue_url.clone(),
            patience: PATIENCE,
        };
        let routers = [
            (
                "/api/v1/l3/allocations",
                allocate_serials::router(allocate_serials::Hub::new(
                    store(),
                    objects(),
                    jobs(),
                    clock(),
                )),
            ),
            (
                "/export",
                export_allocation::router(export_allocation::Hub {
                    store: store(),
                    objects: objects(),
                    jobs: jobs(),
                    clock: clock(),
                }),
            ),
            (
                "/api/v1/l3/pools",
                manage_pools::router(manage_pools::Hub {
                    store: store(),
                    objects: objects(),
                    clock: clock(),
                    entropy: Entropy::system(),
                    webhook_hosts: domain::webhook::AllowedHosts::default(),
                }),
            ),
            (
                "/api/v1/l3/uploads",
                exchange_serials::router(exchange_serials::Hub {
                    objects: objects(),
                    clock: clock(),
                    entropy: Entropy::system(),
                }),
            ),
            (
                "/api/v1/plant-floor",
                ingest_telemetry::router(ingest_telemetry::Hub { store: store(), clock: clock() }),
            ),
            (
                "/",
                report_operations::router(report_operations::Hub {
                    store: store(),
                    objects: objects(),
                    queue,
                    clock: clock(),
                    contact_email: None,
                    sign_in,
                }),
            ),
        ];
        routers.map(|(path, router)| (path, app(router, profile, clock()))).into()
    }

    fn door(&self, path: &str) -> &App {
        let serves = |(name, _): &&(&str, App)| match *name {
            "/export" => path.ends_with("/export"),
            prefix => !path.ends_with("/export") && path.starts_with(prefix),
        };
        &self.doors.iter().find(serves).unwrap().1
    }

    pub fn clock(&self) -> Clock {
        let hands = self.hands.clone();
        Clock::from_fn(move || hands.now())
    }

    /// One request and its calls.
    pub async fn ask(&self, method: &str, target: &str, body: Option<&Value>) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let caller = AuthorizerContext {
            system: "L1".to_owned(),
            credential: "c".to_owned(),
            scopes: "operator".to_owned(),
            ..AuthorizerContext::default()
        };
        let mut event = HttpEvent::new(method, path).query(query).caller(&caller);
        if let Some(body) = body {
            event = event.json(body);
        }
        self.faults.reset();
        let response = self.door(path).handle(event.request().unwrap()).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status, body, calls: self.faults.calls() }
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, None).await
    }

    pub async fn post(&self, target: &str, body: &Value) -> Answer {
        self.ask("POST", target, Some(body)).await
    }

    /// What something else calls.
    pub async fn counted<T>(&self, work: impl Future<Output = T>) -> (T, Vec<Call>) {
        self.faults.reset();
        let outcome = work.await;
        (outcome, self.faults.calls())
    }

    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    fn jobs(&self) -> Jobs {
        Jobs { sqs: self.sqs.clone(), url: self.queue_url.as_str().into() }
    }

    pub fn exporter(&self) -> write_exports::Hub {
        write_exports::Hub {
            store: self.counted.clone(),
            objects: self.objects.clone(),
            jobs: self.jobs(),
            clock: self.clock(),
            part_bytes_min: store::upload::PART_BYTES_MIN,
        }
    }

    pub fn authorizer(&self) -> Authorizer {
        Authorizer { store: self.counted.clone(), clock: self.clock() }
    }

    pub fn reconciler(&self) -> reconcile_commissioning::Hub {
        reconcile_commissioning::Hub {
            store: self.counted.clone(),
            objects: self.objects.clone(),
            clock: self.clock(),
            patience: PATIENCE,
        }
    }

    pub fn sweeper(&self) -> Sweeper {
        Sweeper {
            store: self.counted.clone(),
            objects: self.objects.clone(),
            sqs: self.sqs.clone(),
            inbound_queue_url: self.queue_url.clone(),
            pool_events_queue_url: self.queue_url.clone(),
            webhook_hosts: domain::webhook::AllowedHosts::default(),
            clock: self.clock(),
            patience: PATIENCE,
        }
    }
}

/// What a request led to.
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub calls: Vec<Call>,
}

impl Answer {
    /// The answer, if its status is this one.
    #[track_caller]
    pub fn with(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}
