//! I6: what does not simply arrive and fit. A poison file, a dead delivery, a lost notification, a deleted
//! object, a file before its reservation: each ends where it should, is seen over the API and on the
//! scorecard, and is resolved by its documented action.

use pharmatrace::local::{REGION, SYSTEM};
use serde_json::{Value, json};
use store::Objects;
use store::inbound::{self, Work};
use store::keys::Pk;
use sweep_reservations::{Sweeper, sweep};
use time::Duration;

use crate::flow_inbound::{DOCUMENTS, Plant, announce, arrivals, codes, document, sha256};
use crate::flow_kit::problem;

mod dead;
mod unfinished;

/// The plant, and its hub's queues.
struct Files {
    plant: Plant,
    sqs: aws_sdk_sqs::Client,
}

impl Files {
    async fn start() -> Self {
        let plant = Plant::start().await;
        let hub = &plant.hub.cloud.hub;
        let key = hub.aws.clone().unwrap();
        let keys = (key.access_key_id.as_str(), key.secret_access_key.as_str());
        let endpoint = hub.endpoint_url.clone();
        let settings = store::client::AwsSettings::new(REGION, endpoint, keys, None);
        let sqs = store::client::sqs(&settings, &store::client::https());
        Self { plant, sqs }
    }

    /// `POST /documents/{sha}/{verb}`: status and answer.
    async fn act(&self, sha: &str, verb: &str) -> (u16, Value) {
        let body = if verb == "reject" { json!({"reason": "not to be mended"}) } else { json!({}) };
        let path = format!("{DOCUMENTS}/{sha}/{verb}");
        let answer = self.plant.hub.api.post(&path, &body).await.unwrap();
        (answer.status, answer.json())
    }

    /// The documents of a status, by hash.
    async fn listed(&self, status: &str) -> Vec<String> {
        let path = format!("{DOCUMENTS}?status={status}&limit=200");
        let list = self.plant.hub.api.get(&path).await.unwrap().json();
        let items = list["items"].as_array().unwrap_or_else(|| panic!("{list}"));
        items.iter().map(|item| item["content_sha256"].as_str().unwrap().to_owned()).collect()
    }

    /// The hashes in a queue of the scorecard.
    async fn waiting(&self, queue: &str) -> Vec<String> {
        let card = self.plant.hub.api.get("/api/v1/operations/scorecard").await.unwrap().json();
        let rows = card["files"][queue]["documents"].as_array().unwrap_or_else(|| panic!("{card}"));
        rows.iter().map(|row| row["content_sha256"].as_str().unwrap().to_owned()).collect()
    }

    /// What people did about a document, in order, as its audit records tell; the hub's own judgements stand
    /// between.
    async fn actions(&self, sha: &str) -> Vec<String> {
        let entity = Pk::Document(sha.to_owned());
        let records = self.plant.hub.store.audit_records(&entity, 20).await.unwrap();
        let actions = records.into_iter().map(|record| record.action.clone());
        actions.filter(|action| action != "judge").collect()
    }

    async fn send(&self, queue: &str, body: &str) {
        self.sqs.send_message().queue_url(queue).message_body(body).send().await.unwrap();
    }

    /// Puts a file into the inbound bucket and loses its notification.
    async fn drop_unheard(&self, name: &str, bytes: &[u8]) -> String {
        let (s3, bucket) = (&self.plant.s3, &self.plant.hub.cloud.hub.buckets.inbound);
        let was = s3.get_bucket_notification_configuration().bucket(bucket).send().await.unwrap();
        let none = aws_sdk_s3::types::NotificationConfiguration::builder();
        let put = s3.put_bucket_notification_configuration().bucket(bucket);
        put.notification_configuration(none.build()).send().await.unwrap();
        let version = self.plant.drop(name, bytes).await;
        let again = aws_sdk_s3::types::NotificationConfiguration::builder();
        let again = again.set_queue_configurations(was.queue_configurations);
        let put = s3.put_bucket_notification_configuration().bucket(bucket);
        put.notification_configuration(again.build()).send().await.unwrap();
        version
    }

    /// A run of the sweep as it will be in a while, at a minute when no day is sealed: what these tests do
    /// later is recorded under the day of their own clocks, which it might have closed.
    async fn sweep_in(&self, ahead: Duration) -> sweep_reservations::Sweep {
        let then = edge::Clock::system().now() + ahead;
        let then = if then.minute() < 5 { then - Duration::minutes(5) } else { then };
        let Objects { s3, buckets } = self.plant.function().objects;
        let sweeper = Sweeper {
            store: self.plant.hub.store.clone(),
            objects: Objects { s3, buckets },
            sqs: self.sqs.clone(),
            inbound_queue_url: self.plant.hub.cloud.hub.queues.inbound.clone(),
            pool_events_queue_url: self.plant.hub.cloud.hub.queues.pool_events.clone(),
            webhook_hosts: domain::webhook::AllowedHosts::default(),
            clock: edge::Clock::fixed(then),
            patience: Duration::minutes(135),
        };
        sweep(&sweeper).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_simply_fit_ends_where_it_should_and_is_resolved_by_hand() {
    let files = Files::start().await;
    let allocation = files.plant.reserve("R1", 100).await;
    a_poison_file(&files).await;
    a_file_before_its_reservation(&files).await;
    a_dead_delivery(&files).await;
    a_dead_message_of_nobody(&files).await;
    a_lost_notification(&files).await;
    a_deleted_object(&files).await;
    a_system_that_nobody_created(&files).await;
    an_object_too_large_for_one_copy(&files).await;
    unfinished::a_run_that_never_ends(&files).await;
    unfinished::a_file_of_two_systems(&files).await;
    assert_eq!(files.waiting("waiting").await, Vec::<String>::new());
    assert_eq!(files.waiting("refused").await, Vec::<String>::new());
    dead::dead_messages_of_each_kind(&files).await;
    let balance = files.plant.balance(&allocation).await;
    assert_eq!((&balance["commissioned"], &balance["outstanding"]), (&json!(55), &json!(45)));
    files.plant.stop().await;
}

/// Quarantined with its place; rejected, it waits no more, and its bytes stay.
async fn a_poison_file(files: &Files) {
    let bytes = document(0, 10)[..300].to_vec();
    let sha = sha256(&bytes);
    files.plant.drop("poison.xml", &bytes).await;
    let view = files.plant.settled(&sha).await;
    assert_eq!(
        (&view["status"], &view["error"]["code"]),
        (&json!("quarantined"), &json!("truncated"))
    );
    assert_eq!(view["reason"], view["error"]["message"]);
    assert_eq!(files.waiting("refused").await, [sha.as_str()]);
    assert_eq!(files.act(&sha, "retry").await.0, 409);
    // Read again it is as truncated as before.
    assert_eq!(files.act(&sha, "reprocess").await.0, 202);
    let view = files.plant.until(&sha, |view| view["status"] == "quarantined").await;
    assert_eq!(view["error"]["code"], "truncated", "{view}");
    for _ in 0..2 {
        let (status, view) = files.act(&sha, "reject").await;
        assert_eq!((status, &view["status"]), (202, &json!("quarantined")), "{view}");
        assert_eq!(view["resolution"]["action"], "rejected", "{view}");
        assert_eq!(view["resolution"]["reason"], "not to be mended", "{view}");
    }
    let (status, refused) = files.act(&sha, "retry").await;
    assert_eq!((status, problem(&refused).as_str()), (409, "document-state"));
    assert_eq!(files.actions(&sha).await, ["reprocess", "reject"]);
    assert_eq!(files.waiting("refused").await, Vec::<String>::new());
    assert_eq!(files.plant.kept(&sha).await, bytes);
}

/// Parked; tried again by hand once it is reserved. One that never will be is given up: final.
async fn a_file_before_its_reservation(files: &Files) {
    let (early, never) = (document(100, 10), document(500_000, 10));
    for bytes in [&early, &never] {
        files.plant.drop(&format!("{}.xml", bytes.len()), bytes).await;
        let view = files.plant.settled(&sha256(bytes)).await;
        assert_eq!(view["status"], "parked", "{view}");
        assert!(view["next_try_at"].is_string() && view["reason"].is_string(), "{view}");
    }
    let (early, never) = (sha256(&early), sha256(&never));
    assert_eq!(files.listed("parked").await.len(), 2);
    assert_eq!(files.waiting("waiting").await.len(), 2);
    files.plant.reserve("R2", 10).await;
    assert_eq!(files.act(&early, "retry").await.0, 202);
    let view = files.plant.until(&early, |view| view["status"] == "reconciled").await;
    assert_eq!((&view["serials"]["newly_commissioned"], codes(&view)), (&json!(10), vec![]));
    let (status, view) = files.act(&never, "reject").await;
    assert_eq!(status, 202, "{view}");
    let view = files.plant.until(&never, |view| view["status"] == "reconciled").await;
    assert_eq!(view["findings"][0]["code"], "NOT_RESERVED", "{view}");
    assert_eq!(view["findings"][0]["provisional"], false, "{view}");
    assert_eq!(files.act(&never, "retry").await.0, 409);
    assert_eq!(files.waiting("waiting").await, Vec::<String>::new());
}

/// A notice that died: the object is kept and quarantined, and takes effect once when it is read again.
async fn a_dead_delivery(files: &Files) {
    let plain = document(0, 10);
    let zipped = crate::flow_inbound::gzip(&plain);
    let version = files.drop_unheard("dead.xml.gz", &zipped).await;
    let bucket = &files.plant.hub.cloud.hub.buckets.inbound;
    let record = announce(bucket, &format!("inbound/{SYSTEM}/dead.xml.gz"), &version);
    let dlq = &files.plant.hub.cloud.hub.queues.inbound_dlq;
    files.send(dlq, record.body.as_deref().unwrap()).await;
    let raw = sha256(&zipped);
    let view = files.plant.until(&raw, |view| view["status"] == "quarantined").await;
    assert_eq!((&view["error"]["code"], arrivals(&view)), (&json!("dead-letter"), 1), "{view}");
    assert_eq!(files.waiting("refused").await, [raw.as_str()]);
    assert_eq!(files.plant.kept(&raw).await, zipped);
    for _ in 0..2 {
        assert_eq!(files.act(&raw, "reprocess").await.0, 202);
    }
    let content = sha256(&plain);
    let view = files.plant.until(&content, |view| view["status"] == "reconciled").await;
    assert_eq!(
        (&view["serials"]["newly_commissioned"], arrivals(&view)),
        (&json!(10), 1),
        "{view}"
    );
    let dead = files.plant.until(&raw, |view| view["resolution"].is_object()).await;
    assert_eq!(dead["resolution"]["action"], "superseded", "{dead}");
    assert_eq!(dead["resolution"]["reason"], content.as_str(), "{dead}");
    assert_eq!(files.act(&raw, "reprocess").await.0, 409);
    // Read once more it is what it was.
    assert_eq!(files.act(&content, "reprocess").await.0, 202);
    let again = files.plant.until(&content, |view| view["status"] == "reconciled").await;
    assert_eq!(again["serials"], view["serials"]);
    assert_eq!(again["allocations"], view["allocations"]);
}

/// A message that is none of ours is kept as it is.
async fn a_dead_message_of_nobody(files: &Files) {
    let body = "no message of the hub";
    files.send(&files.plant.hub.cloud.hub.queues.inbound_dlq, body).await;
    let sha = sha256(body.as_bytes());
    let view = files.plant.until(&sha, |view| view["status"] == "quarantined").await;
    assert_eq!((&view["kind"], &view["error"]["code"]), (&json!("message"), &json!("dead-letter")));
    assert_eq!(files.plant.kept(&sha).await, body.as_bytes());
    assert_eq!(files.act(&sha, "reprocess").await.0, 202);
    let view = files.plant.until(&sha, |view| view["next_try_at"].is_null()).await;
    assert_eq!(view["status"], "quarantined", "{view}");
    assert_eq!(files.act(&sha, "reject").await.0, 202);
}

/// Announced by the sweep once it is old enough; the late notification is no second arrival.
async fn a_lost_notification(files: &Files) {
    let bytes = document(10, 10);
    let sha = sha256(&bytes);
    let version = files.drop_unheard("lost ä+1.xml", &bytes).await;
    assert_eq!(files.sweep_in(Duration::minutes(10)).await.announced, 0, "it is too young");
    assert_eq!(files.sweep_in(Duration::minutes(30)).await.announced, 1);
    let view = files.plant.settled(&sha).await;
    assert_eq!((&view["status"], arrivals(&view)), (&json!("reconciled"), 1), "{view}");
    assert_eq!(files.sweep_in(Duration::minutes(120)).await.announced, 0, "it has arrived");
    let bucket = &files.plant.hub.cloud.hub.buckets.inbound;
    // As S3 writes it: the key is encoded, and this time there is a sequencer.
    let late = announce(bucket, &format!("inbound/{SYSTEM}/lost+%C3%A4%2B1.xml"), &version);
    let function = files.plant.function();
    reconcile_commissioning::handle(&function, late).await.unwrap();
    let view = files.plant.settled(&sha).await;
    assert_eq!((arrivals(&view), codes(&view)), (1, vec![]), "{view}");
    assert_eq!(files.waiting("refused").await, Vec::<String>::new());
}

/// Recorded with its finding; read after all when the object comes back, or given up.
async fn a_deleted_object(files: &Files) {
    let plant = &files.plant;
    let (buckets, queues) = (&plant.hub.cloud.hub.buckets, &plant.hub.cloud.hub.queues);
    let (bucket, queue) = (&buckets.inbound, &queues.inbound);
    let bytes = document(20, 10);
    let mut gone = Vec::new();
    for name in ["back.xml", "never.xml"] {
        let key = format!("inbound/{SYSTEM}/{name}");
        let record = announce(bucket, &key, "");
        let body = record.body.unwrap();
        files.send(queue, &body).await;
        let work = inbound::parse(&body).unwrap();
        let [Work::Object(notice)] = work.as_slice() else { panic!("{work:?}") };
        let arrival = notice.arrival(&notice.system().unwrap(), "").hash();
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
        let sha = loop {
            tick.tick().await;
            if let Some(sha) = plant.hub.store.arrival_document(&arrival).await.unwrap() {
                break sha;
            }
        };
        let view = plant.settled(&sha).await;
        assert_eq!(
            (&view["error"]["code"], codes(&view)),
            (&json!("gone"), vec!["GONE"]),
            "{view}"
        );
        assert_eq!(view["findings"][0]["status"], "open", "{view}");
        gone.push(sha);
    }
    assert_eq!(files.waiting("refused").await.len(), 2);
    files.drop_unheard("back.xml", &bytes).await;
    assert_eq!(files.act(&gone[0], "reprocess").await.0, 202);
    let view = plant.settled(&sha256(&bytes)).await;
    assert_eq!((&view["status"], arrivals(&view)), (&json!("reconciled"), 1), "{view}");
    let back = plant.until(&gone[0], |view| view["resolution"].is_object()).await;
    assert_eq!(back["resolution"]["action"], "superseded", "{back}");
    // Given up, looked for once more and still not there, it is as open as it was; then given up for good.
    assert_eq!(files.act(&gone[1], "reject").await.0, 202);
    assert_eq!(files.act(&gone[1], "reprocess").await.0, 202);
    let view = plant.until(&gone[1], |view| view["status"] == "quarantined").await;
    assert_eq!(view["findings"][0]["status"], "open", "{view}");
    assert_eq!(files.act(&gone[1], "reject").await.0, 202);
    for sha in &gone {
        let view = plant.settled(sha).await;
        assert_eq!(view["findings"][0]["status"], "resolved", "{view}");
    }
}

/// Kept and told; read once its system exists.
async fn a_system_that_nobody_created(files: &Files) {
    let bytes = document(30, 5);
    let sha = sha256(&bytes);
    files.plant.drop_at("inbound/GHOST/file.xml", &bytes).await;
    let view = files.plant.settled(&sha).await;
    assert_eq!(
        (&view["status"], &view["error"]["code"]),
        (&json!("quarantined"), &json!("no-system"))
    );
    assert_eq!(view["system_id"], "GHOST", "{view}");
    files.plant.hub.credential("GHOST", &["documents:read"], &[]).await;
    assert_eq!(files.act(&sha, "reprocess").await.0, 202);
    let view = files.plant.until(&sha, |view| view["status"] == "reconciled").await;
    // The numbers are another system's.
    assert_eq!(codes(&view), ["NOT_PROVISIONED_FOR_LOCATION"], "{view}");
}

/// What is too large for one call is copied in parts; here the parts are small instead.
async fn an_object_too_large_for_one_copy(files: &Files) {
    let bytes = document(90, 10);
    let record = files.plant.quiet("large.xml", &bytes).await;
    let work = inbound::parse(record.body.as_deref().unwrap()).unwrap();
    let [Work::Object(notice)] = work.as_slice() else { panic!("{work:?}") };
    let (objects, sha) = (files.plant.function().objects, sha256(&bytes));
    let whole = u64::try_from(bytes.len()).unwrap();
    for _ in 0..2 {
        assert!(objects.bytes_keep_in_parts(notice, &sha, (whole, 300)).await.unwrap());
        assert_eq!(files.plant.kept(&sha).await, bytes);
    }
}
