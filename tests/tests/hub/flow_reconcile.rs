//! Files dropped into the inbound bucket: what they do to the ledger, once, whatever happens on the
//! way (I5), and that none is lost (I6).

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

const DOCUMENTS: &str = "/api/v1/l3/documents";
const PATIENCE: Duration = Duration::from_mins(1);
const ILMD: &str = "<extension><ilmd><c:lotNumber>LOT42</c:lotNumber>\
    <c:itemExpirationDate>2028-10-31</c:itemExpirationDate></ilmd></extension>";

/// A commissioning document of the serials from `first`.
fn document(first: u64, count: u64) -> Vec<u8> {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:EPCISDocument schemaVersion=\"1.2\" \
         xmlns:e=\"urn:epcglobal:epcis:xsd:1\" xmlns:c=\"urn:epcglobal:cbv:mda\"><EPCISBody>\
         <EventList>\n<ObjectEvent><eventTime>2026-11-23T10:00:00Z</eventTime>\
         <eventTimeZoneOffset>+00:00</eventTimeZoneOffset><epcList>",
    );
    for index in first..first + count {
        write!(out, "<epc>urn:epc:id:sgtin:0313000.000777.{index:012}</epc>").unwrap();
    }
    out.push_str(
        "</epcList><action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>\
         <disposition>urn:epcglobal:cbv:disp:active</disposition>",
    );
    out.push_str(ILMD);
    out.push_str("</ObjectEvent>\n</EventList></EPCISBody></e:EPCISDocument>\n");
    out.into_bytes()
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// A hub, its S3, and what a test does with both.
struct Plant {
    hub: Hub,
    s3: aws_sdk_s3::Client,
}

impl Plant {
    async fn start() -> Self {
        let hub = Hub::start().await;
        hub.pool().await;
        let s3 = hub.cloud.hub.s3().await.unwrap();
        Self { hub, s3 }
    }

    async fn reserve(&self, id: &str, quantity: u64) -> String {
        let body = json!({
            "request_id": id, "gtin": crate::flow_kit::GTIN, "quantity": quantity,
            "lot": "LOT42", "expiry": "2028-10-31", "line_gln": LINE,
        });
        let answer = self.hub.api.post(ALLOCATIONS, &body).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.json());
        text(&answer.json(), "allocation_id")
    }

    /// Drops bytes under a key; the version.
    async fn drop_at(&self, key: &str, bytes: &[u8]) -> String {
        let bucket = &self.hub.cloud.hub.buckets.inbound;
        let body = ByteStream::from(bytes.to_vec());
        let put = self.s3.put_object().bucket(bucket).key(key).body(body);
        put.send().await.unwrap().version_id.unwrap_or_default()
    }

    async fn drop(&self, name: &str, bytes: &[u8]) -> String {
        self.drop_at(&format!("inbound/{SYSTEM}/{name}"), bytes).await
    }

    /// The document once `done` says so.
    async fn until(&self, sha: &str, done: impl Fn(&Value) -> bool) -> Value {
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
    async fn settled(&self, sha: &str) -> Value {
        self.until(sha, is_settled).await
    }

    async fn balance(&self, allocation: &str) -> Value {
        let path = format!("{ALLOCATIONS}/{allocation}/reconciliation");
        let answer = self.hub.api.get(&path).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }

    async fn kept(&self, raw_sha256: &str) -> Vec<u8> {
        let bucket = &self.hub.cloud.hub.buckets.documents;
        let key = format!("documents/{raw_sha256}");
        let object = self.s3.get_object().bucket(bucket).key(key).send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    }

    /// The function itself, in this process, with a DynamoDB that fails as planned.
    fn function(&self, faults: &Faults) -> reconcile_commissioning::Hub {
        let hub = &self.hub.cloud.hub;
        let http = aws_smithy_http_client::Builder::new().build_http();
        let http = aws_sdk_dynamodb::config::SharedHttpClient::new(faults.around(http));
        let key = hub.aws.clone().unwrap();
        let keys = (key.access_key_id.as_str(), key.secret_access_key.as_str());
        let settings =
            store::client::AwsSettings::new(REGION, hub.endpoint_url.clone(), keys, None);
        let buckets = Buckets {
            inbound: hub.buckets.inbound.as_str().into(),
            outbound: hub.buckets.outbound.as_str().into(),
            documents: hub.buckets.documents.as_str().into(),
        };
        reconcile_commissioning::Hub {
            store: Store::new(store::client::dynamo(&settings, &http), &hub.table),
            objects: Objects { s3: self.s3.clone(), buckets },
            clock: Clock::fixed(NOW),
        }
    }

    /// Puts bytes where no notification tells of them, and gives the record that announces them: a
    /// delivery that this test makes itself.
    async fn quiet(&self, name: &str, bytes: &[u8]) -> SqsMessage {
        let (bucket, key) =
            (&self.hub.cloud.hub.buckets.outbound, format!("inbound/{SYSTEM}/{name}"));
        let body = ByteStream::from(bytes.to_vec());
        let put = self.s3.put_object().bucket(bucket).key(&key).body(body).send().await.unwrap();
        announce(bucket, &key, &put.version_id.unwrap_or_default())
    }

    async fn stop(self) {
        let audit = self.hub.store.audit().await.unwrap();
        assert_eq!(audit.breaches, []);
        self.hub.stop().await;
    }
}

/// The queue record that announces an object version.
fn announce(bucket: &str, key: &str, version: &str) -> SqsMessage {
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

fn is_settled(view: &Value) -> bool {
    matches!(view["status"].as_str(), Some("reconciled" | "parked" | "quarantined"))
}

fn arrivals(view: &Value) -> usize {
    view["arrivals"].as_array().map_or(0, Vec::len)
}

fn codes(view: &Value) -> Vec<&str> {
    view["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_delivered_five_times_with_a_crash_takes_effect_once() {
    let plant = Plant::start().await;
    let allocation = plant.reserve("R1", 100_000).await;
    let bytes = document(0, 100_000);
    let sha = sha256(&bytes);
    // The first delivery dies between the first and the last block.
    let record = plant.quiet("crash.xml", &bytes).await;
    let mut posted = 0;
    for k in 1.. {
        let function = plant.function(&Faults::none().dies_after(k));
        let outcome = reconcile_commissioning::handle(&function, record.clone()).await;
        assert!(outcome.is_err(), "the crash did not come before the end");
        posted = plant.hub.store.audit().await.unwrap().postings;
        if posted > 0 {
            break;
        }
    }
    assert!(posted < 4, "the crash did not come between two blocks");
    // Four more arrive while the first is delivered again.
    let function = plant.function(&Faults::none());
    let again = reconcile_commissioning::handle(&function, record.clone());
    let others = async {
        for n in 0..4 {
            plant.drop(&format!("copy {n}+ä.xml"), &bytes).await;
        }
    };
    let (again, ()) = tokio::join!(again, others);
    again.unwrap();
    let view = plant.until(&sha, |view| is_settled(view) && arrivals(view) == 5).await;
    assert_eq!(view["status"], "reconciled", "{view}");
    assert_eq!(view["serials"]["newly_commissioned"], 100_000);
    assert_eq!(view["serials"]["repeated"], 0);
    assert_eq!(codes(&view), ["DUPLICATE_TRANSMISSION"]);
    let expected =
        json!([{"allocation_id": allocation, "newly_commissioned": 100_000, "repeated": 0}]);
    assert_eq!(view["allocations"], expected);
    let balance = plant.balance(&allocation).await;
    assert_eq!((&balance["commissioned"], &balance["outstanding"]), (&json!(100_000), &json!(0)));
    let units = view["metrics"]["write_units"].as_u64().unwrap();
    assert!(units <= 60, "{units} write units for a tenth of a million serials");
    assert_eq!(plant.kept(&sha).await, bytes);
    assert_eq!(plant.hub.store.audit().await.unwrap().postings, 4);
    // A delivery of what is done changes nothing.
    reconcile_commissioning::handle(&function, record).await.unwrap();
    assert_eq!(plant.settled(&sha).await, view);
    plant.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_call_of_the_whole_function_is_healed() {
    let plant = Plant::start().await;
    for k in 1..100_u64 {
        let first = (k - 1) * 10;
        let allocation = plant.reserve(&format!("R{k}"), 10).await;
        // Half of it matched, half of it early or another allocation's.
        let bytes = document(first + 5, 10);
        let sha = sha256(&bytes);
        let record = plant.quiet(&format!("{k}.xml"), &bytes).await;
        let dies = usize::try_from(k).unwrap();
        let faults = Faults::none();
        let faults = if k % 2 == 0 { faults.dies_before(dies) } else { faults.dies_after(dies) };
        let broken = plant.function(&faults);
        let survived = reconcile_commissioning::handle(&broken, record.clone()).await.is_ok();
        let calm = plant.function(&Faults::none());
        reconcile_commissioning::handle(&calm, record).await.unwrap();
        let view = plant.settled(&sha).await;
        assert_eq!(view["status"], "parked", "call {k}: {view}");
        assert_eq!(arrivals(&view), 1, "call {k}: {view}");
        assert_eq!(codes(&view), ["NOT_RESERVED", "OVER_RUN"], "call {k}: {view}");
        assert_eq!(view["serials"]["newly_commissioned"], 5, "call {k}: {view}");
        assert_eq!(plant.balance(&allocation).await["commissioned"], 5, "call {k}");
        assert_eq!(plant.kept(&sha).await, bytes);
        if survived {
            return plant.stop().await;
        }
    }
    panic!("the function never came to its end");
}

/// A bad input, its error code, and whether line and column are told.
type Case = (&'static str, Vec<u8>, &'static str, bool);

fn bad_inputs() -> Vec<Case> {
    let good = document(0, 10);
    let text = String::from_utf8(good.clone()).unwrap();
    let with = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    let zipped = gzip(&good);
    let entity = "<!DOCTYPE x [<!ENTITY a \"b\">]><e:EPCISDocument";
    let deep = format!("<a>{}</a>", "<b>".repeat(100)).into_bytes();
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let time = "<eventTime>2026-11-23T10:00:00Z</eventTime>";
    vec![
        ("empty.xml", Vec::new(), "not-epcis", true),
        ("words.txt", b"these are words".to_vec(), "not-epcis", true),
        ("zeros.bin", vec![0; 1_000], "wrong-encoding", true),
        ("other.xml", b"<order><line/></order>".to_vec(), "not-epcis", false),
        ("other.json", b"{\"orders\":[]}".to_vec(), "not-epcis", false),
        ("cut.xml", good[..good.len() - 60].to_vec(), "truncated", true),
        ("cut.xml.gz", zipped[..zipped.len() / 2].to_vec(), "bad-gzip", true),
        ("entity.xml", with("<e:EPCISDocument", entity), "entity-declaration", true),
        ("open.xml", with("</epcList>", "</epcLis>"), "not-well-formed", true),
        ("deep.xml", deep, "too-deep", true),
        (
            "latin.xml",
            with("encoding=\"UTF-8\"", "encoding=\"ISO-8859-1\""),
            "wrong-encoding",
            true,
        ),
        ("utf16.xml", utf16, "wrong-encoding", true),
        ("no-time.xml", with(time, ""), "missing-event-time", true),
        ("bad-time.xml", with("2026-11-23T10:00:00Z", "yesterday"), "bad-event-time", true),
        ("cut.json", b"{\"type\":\"EPCISDocument\",\"epcisBody\":{".to_vec(), "truncated", true),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_inputs_are_quarantined_with_their_place_and_kept() {
    let plant = Plant::start().await;
    let allocation = plant.reserve("R1", 10).await;
    let cases = bad_inputs();
    for (name, bytes, ..) in &cases {
        plant.drop(name, bytes).await;
    }
    let mut wrong = Vec::new();
    for (name, bytes, code, located) in &cases {
        let raw = sha256(bytes);
        let view = plant.settled(&raw).await;
        let error = &view["error"];
        let place = (error["line"].is_u64(), error["column"].is_u64());
        let as_told = view["status"] == "quarantined"
            && error["code"] == *code
            && place == (*located, *located)
            && view["raw_sha256"] == raw.as_str();
        if !as_told {
            wrong.push(format!("{name}: {view}"));
        }
        assert_eq!(&plant.kept(&raw).await, bytes, "{name}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Strange keys and what is fine come to their end all the same.
    plant.drop_at("inbound/no-folder.xml", &document(0, 1)).await;
    let view = plant.settled(&sha256(&document(0, 1))).await;
    assert_eq!(view["error"]["code"], "no-system", "{view}");
    assert_eq!(plant.balance(&allocation).await["outstanding"], 10, "nothing was applied");
    let good = gzip(&document(0, 10));
    plant.drop("a b+c/ü&%41.xml.gz", &good).await;
    // Found under the hash of what came, named by the hash of what it inflates to.
    let view = plant.settled(&sha256(&good)).await;
    assert_eq!(view["status"], "reconciled", "{view}");
    assert_eq!(view["content_sha256"], sha256(&document(0, 10)).as_str());
    assert_eq!(plant.balance(&allocation).await["commissioned"], 10);
    plant.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_gone_is_recorded_and_not_asked_for_again() {
    let plant = Plant::start().await;
    let function = plant.function(&Faults::none());
    let bucket = &plant.hub.cloud.hub.buckets.inbound;
    let record = announce(bucket, &format!("inbound/{SYSTEM}/never.xml"), "");
    for _ in 0..2 {
        reconcile_commissioning::handle(&function, record.clone()).await.unwrap();
    }
    let listed = plant.hub.api.get(DOCUMENTS).await.unwrap().json();
    let gone: Vec<&Value> = listed["items"].as_array().unwrap().iter().collect();
    assert_eq!(gone.len(), 1, "{listed}");
    assert_eq!(gone[0]["error"]["code"], "gone");
    assert_eq!(gone[0]["status"], "quarantined");
    plant.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn early_serials_are_parked_and_applied_once_they_are_reserved() {
    let plant = Plant::start().await;
    plant.reserve("R1", 10).await;
    let bytes = document(5, 10);
    let sha = sha256(&bytes);
    plant.drop("early.xml", &bytes).await;
    let view = plant.settled(&sha).await;
    assert_eq!(view["status"], "parked", "{view}");
    assert_eq!(codes(&view), ["NOT_RESERVED", "OVER_RUN"]);
    assert_eq!(view["serials"]["newly_commissioned"], 5);
    assert_eq!(view["serials"]["provisional"], 5);
    assert!(view["next_try_at"].is_string());
    let later = plant.reserve("R2", 10).await;
    let again = json!({"reprocess": {"content_sha256": sha, "system_id": SYSTEM}});
    let mut record = SqsMessage::default();
    record.body = Some(again.to_string());
    let mut function = plant.function(&Faults::none());
    // Until its time comes a parked document is left alone.
    function.clock = Clock::from_fn(|| NOW - time::Duration::days(1));
    reconcile_commissioning::handle(&function, record.clone()).await.unwrap();
    assert_eq!(plant.settled(&sha).await["status"], "parked");
    function.clock = Clock::from_fn(|| time::macros::datetime!(2099-01-01 0:00 UTC));
    reconcile_commissioning::handle(&function, record.clone()).await.unwrap();
    let view = plant.until(&sha, |view| view["status"] == "reconciled").await;
    assert_eq!(codes(&view), Vec::<&str>::new());
    assert_eq!(view["serials"]["provisional"], 0);
    assert_eq!(plant.balance(&later).await["commissioned"], 5);
    plant.stop().await;
}
