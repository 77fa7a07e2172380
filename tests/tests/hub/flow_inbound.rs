//! A hub that files are dropped into, and the function that reads them, in this process as well.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_s3::primitives::ByteStream;
use data_encoding::HEXLOWER;
use edge::Clock;
use pharmatrace::local::{REGION, SYSTEM};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::{Buckets, Objects, Store};
use testkit::Faults;

use crate::flow_kit::{ALLOCATIONS, Hub, LINE, NOW, text};

pub const DOCUMENTS: &str = "/api/v1/l3/documents";
const PATIENCE: Duration = Duration::from_mins(1);
const ILMD: &str = "<extension><ilmd><c:lotNumber>LOT42</c:lotNumber>\
    <c:itemExpirationDate>2028-10-31</c:itemExpirationDate></ilmd></extension>";

/// A commissioning document of the serials from `first`.
pub fn document(first: u64, count: u64) -> Vec<u8> {
    let epc = |index| format!("urn:epc:id:sgtin:0313000.000777.{index:012}");
    document_of(&(first..first + count).map(epc).collect::<Vec<_>>())
}

/// A commissioning document of these serials.
pub fn document_of(epcs: &[String]) -> Vec<u8> {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:EPCISDocument schemaVersion=\"1.2\" \
         xmlns:e=\"urn:epcglobal:epcis:xsd:1\" xmlns:c=\"urn:epcglobal:cbv:mda\"><EPCISBody>\
         <EventList>\n<ObjectEvent><eventTime>2026-11-03T10:00:00Z</eventTime>\
         <eventTimeZoneOffset>+00:00</eventTimeZoneOffset><epcList>",
    );
    for epc in epcs {
        write!(out, "<epc>{epc}</epc>").unwrap();
    }
    out.push_str(
        "</epcList><action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>\
         <disposition>urn:epcglobal:cbv:disp:active</disposition>",
    );
    out.push_str(ILMD);
    out.push_str("</ObjectEvent>\n</EventList></EPCISBody></e:EPCISDocument>\n");
    out.into_bytes()
}

pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// A hub, its S3, and what a test does with both.
pub struct Plant {
    pub hub: Hub,
    pub s3: aws_sdk_s3::Client,
}

impl Plant {
    pub async fn start() -> Self {
        let hub = Hub::start().await;
        hub.pool().await;
        let s3 = hub.cloud.hub.s3().await.unwrap();
        Self { hub, s3 }
    }

    pub async fn reserve(&self, id: &str, quantity: u64) -> String {
        self.reserve_for(SYSTEM, id, quantity).await
    }

    pub async fn reserve_for(&self, system: &str, id: &str, quantity: u64) -> String {
        let body = json!({
            "request_id": id, "gtin": crate::flow_kit::GTIN, "quantity": quantity,
            "system_id": system,
            "lot": "LOT42", "expiry": "2028-10-31", "line_gln": LINE,
        });
        let answer = self.hub.api.post(ALLOCATIONS, &body).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.json());
        text(&answer.json(), "allocation_id")
    }

    /// Drops bytes under a key; the version.
    pub async fn drop_at(&self, key: &str, bytes: &[u8]) -> String {
        let bucket = &self.hub.cloud.hub.buckets.inbound;
        let body = ByteStream::from(bytes.to_vec());
        let put = self.s3.put_object().bucket(bucket).key(key).body(body);
        put.send().await.unwrap().version_id.unwrap_or_default()
    }

    pub async fn drop(&self, name: &str, bytes: &[u8]) -> String {
        self.drop_at(&format!("inbound/{SYSTEM}/{name}"), bytes).await
    }

    /// The document once `done` says so.
    pub async fn until(&self, sha: &str, done: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        loop {
            tick.tick().await;
            let answer = self.hub.api.get(&format!("{DOCUMENTS}/{sha}")).await.unwrap();
            let view = answer.json();
            assert!(answer.status < 500, "{view}");
            if answer.status == 200 && done(&view) {
                return view;
            }
            assert!(started.elapsed() < PATIENCE, "{sha} never came there: {view}");
        }
    }

    /// The document once it has come to rest.
    pub async fn settled(&self, sha: &str) -> Value {
        self.until(sha, is_settled).await
    }

    pub async fn balance(&self, allocation: &str) -> Value {
        let path = format!("{ALLOCATIONS}/{allocation}/reconciliation");
        let answer = self.hub.api.get(&path).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }

    pub async fn kept(&self, raw_sha256: &str) -> Vec<u8> {
        let bucket = &self.hub.cloud.hub.buckets.documents;
        let key = format!("documents/{raw_sha256}");
        let object = self.s3.get_object().bucket(bucket).key(key).send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    }

    /// The function itself, in this process.
    pub fn function(&self) -> reconcile_commissioning::Hub {
        let hub = &self.hub.cloud.hub;
        let buckets = Buckets {
            inbound: hub.buckets.inbound.as_str().into(),
            outbound: hub.buckets.outbound.as_str().into(),
            documents: hub.buckets.documents.as_str().into(),
        };
        reconcile_commissioning::Hub {
            store: self.hub.store.clone(),
            objects: Objects { s3: self.s3.clone(), buckets },
            clock: Clock::fixed(NOW),
            patience: time::Duration::minutes(135),
        }
    }

    /// The same with a DynamoDB and an S3 that fail as planned. It does not repeat a failed call: a
    /// process that is dead does not either.
    pub fn broken(&self, faults: &Faults) -> reconcile_commissioning::Hub {
        let hub = &self.hub.cloud.hub;
        let http = aws_smithy_http_client::Builder::new().build_http();
        let http = aws_sdk_dynamodb::config::SharedHttpClient::new(faults.around(http));
        let key = hub.aws.clone().unwrap();
        let keys = (key.access_key_id.as_str(), key.secret_access_key.as_str());
        let settings =
            store::client::AwsSettings::new(REGION, hub.endpoint_url.clone(), keys, None);
        let once = aws_sdk_dynamodb::config::retry::RetryConfig::disabled();
        let dynamo = store::client::dynamo(&settings, &http);
        let dynamo = dynamo.config().to_builder().retry_config(once.clone()).build();
        let s3 = store::client::s3(&settings, &http);
        let s3 = s3.config().to_builder().retry_config(once).build();
        let calm = self.function();
        reconcile_commissioning::Hub {
            store: Store::new(aws_sdk_dynamodb::Client::from_conf(dynamo), &hub.table),
            objects: Objects { s3: aws_sdk_s3::Client::from_conf(s3), ..calm.objects },
            clock: calm.clock,
            patience: calm.patience,
        }
    }

    /// Puts bytes where no notification tells of them, and gives the record that announces them: a
    /// delivery that this test makes itself.
    pub async fn quiet(&self, name: &str, bytes: &[u8]) -> SqsMessage {
        self.quiet_of(SYSTEM, name, bytes).await
    }

    /// The same under the prefix of a system.
    pub async fn quiet_of(&self, system: &str, name: &str, bytes: &[u8]) -> SqsMessage {
        let bucket = &self.hub.cloud.hub.buckets.outbound;
        let key = format!("inbound/{system}/{name}");
        let body = ByteStream::from(bytes.to_vec());
        let put = self.s3.put_object().bucket(bucket).key(&key).body(body).send().await.unwrap();
        announce(bucket, &key, &put.version_id.unwrap_or_default())
    }

    /// The report of a document as S3 has it.
    pub async fn report(&self, sha: &str) -> Value {
        self.function().objects.report_fetch(sha).await.unwrap().unwrap()
    }

    pub async fn stop(self) {
        let audit = pharmatrace::audit::quiet(&self.hub.cloud.hub).await.unwrap();
        assert_eq!(audit.breaches, []);
        self.hub.stop().await;
    }
}

/// The queue record that announces an object version.
pub fn announce(bucket: &str, key: &str, version: &str) -> SqsMessage {
    let body = json!({"Records": [{
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": bucket},
            "object": {"key": key, "versionId": version, "sequencer": "0"},
        },
    }]});
    let mut message = SqsMessage::default();
    message.body = Some(body.to_string());
    message
}

pub fn is_settled(view: &Value) -> bool {
    matches!(view["status"].as_str(), Some("reconciled" | "parked" | "quarantined"))
}

pub fn arrivals(view: &Value) -> usize {
    view["arrivals"].as_array().map_or(0, Vec::len)
}

pub fn codes(view: &Value) -> Vec<&str> {
    view["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
