//! A pool runs low on the local cloud: the scheduled sweep extends it and tells the queue and a signed webhook, each
//! event once; a reservation is told as an event, and dropped as a file it commissions nothing.

use std::collections::HashMap;
use std::time::Duration;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use pharmatrace::local::REGION;
use serde_json::{Value, json};
use sha2::Sha256;
use store::client::{AwsSettings, https, sqs};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::flow_kit::{ALLOCATIONS, GTIN, Hub, POOLS, reservation, text};
use crate::flow_plant::{drop_file, settled, sha256};

/// The schedule runs every minute.
const PATIENCE: Duration = Duration::from_mins(3);

/// Headers, in lower case, and the body of a call; it is answered with 204.
async fn received(mut stream: TcpStream) -> (HashMap<String, String>, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let split = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_lowercase(), value.to_owned()))
    };
    let headers: HashMap<String, String> = head.lines().skip(1).filter_map(split).collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    stream.write_all(b"HTTP/1.1 204 x\r\nconnection: close\r\n\r\n").await.unwrap();
    (headers, String::from_utf8(body).unwrap())
}

fn signature(secret: &str, time: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    format!("v1={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

/// The next so many events at the webhook; each bears the signature of its secret.
async fn hooked(listener: &TcpListener, secret: &str, count: usize) -> Vec<Value> {
    let mut events = Vec::new();
    while events.len() < count {
        let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap();
        let (headers, body) = received(accepted.unwrap().0).await;
        let time = &headers["pharmatrace-timestamp"];
        assert_eq!(headers["pharmatrace-signature"], signature(secret, time, &body));
        let event: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(headers["pharmatrace-event-id"], text(&event, "id"));
        events.push(event);
    }
    events
}

/// The next so many events of the queue.
async fn queued(hub: &Hub, count: usize) -> Vec<Value> {
    let keys = hub.cloud.hub.aws.clone().unwrap();
    let keys = (keys.access_key_id.as_str(), keys.secret_access_key.as_str());
    let settings = AwsSettings::new(REGION, hub.cloud.hub.endpoint_url.clone(), keys, None);
    let (sqs, url) = (sqs(&settings, &https()), hub.cloud.hub.queues.pool_events.clone());
    let mut events = Vec::new();
    while events.len() < count {
        let receive = sqs.receive_message().queue_url(&url).wait_time_seconds(20);
        let got = tokio::time::timeout(PATIENCE, receive.send()).await.unwrap().unwrap();
        for message in got.messages() {
            events.push(serde_json::from_str(message.body().unwrap()).unwrap());
            let receipt = message.receipt_handle().unwrap();
            sqs.delete_message().queue_url(&url).receipt_handle(receipt).send().await.unwrap();
        }
    }
    events
}

fn sorted(events: &[Value]) -> Vec<String> {
    let mut events: Vec<String> = events.iter().map(ToString::to_string).collect();
    events.sort();
    events
}

#[tokio::test]
async fn a_low_pool_is_extended_and_told_once_to_the_queue_and_to_the_webhook() {
    let hub = Hub::start().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let set = async |url: &str| {
        let body = json!({ "url": url });
        hub.api.call(Method::PUT, &format!("{POOLS}/webhook"), Some(&body)).await.unwrap()
    };
    assert_eq!(set("https://169.254.169.254/latest").await.status, 422);
    assert_eq!(set("http://localhost:1/").await.status, 422);
    let webhook = set(&url).await;
    assert_eq!(webhook.status, 200, "{}", webhook.json());
    let secret = text(&webhook.json(), "secret");
    let draft = json!({
        "name": "low", "gtin": GTIN, "company_prefix_length": 7, "scheme": "sequential",
        "width": 12, "from": "0", "to": "999", "threshold": 400, "reservation_events": true,
        "auto_extend": {"by": 1_000, "ceiling": "1499"},
    });
    assert_eq!(hub.api.post(POOLS, &draft).await.unwrap().status, 201);
    let reserved = hub.api.post(ALLOCATIONS, &reservation("R1", 601)).await.unwrap();
    assert_eq!(reserved.status, 201, "{}", reserved.json());
    let events = hooked(&listener, &secret, 3).await;
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let mut ordered = types.clone();
    ordered.sort_unstable();
    assert_eq!(ordered, ["pool.extended", "pool.low", "pool.replenished"]);
    assert_eq!(sorted(&queued(&hub, 3).await), sorted(&events), "the queue has the same");
    let key = text(&reserved.json(), "reservation_event");
    let objects = hub.cloud.hub.objects().await.unwrap();
    let told = objects.get_small(&objects.buckets.documents, &key).await.unwrap().unwrap();
    drop_file(&objects, "reservation.jsonld", &told).await;
    let report = settled(&hub.api, &sha256(&told), 1).await;
    assert_eq!(report["status"], "reconciled", "{report}");
    assert_eq!((&report["findings"], &report["allocations"]), (&json!([]), &json!([])));
    let pool = hub.api.get(POOLS).await.unwrap().json()["items"][0].clone();
    assert_eq!((&pool["to"], &pool["remaining"]), (&json!("1499"), &json!("899")));
    let audit = hub.api.get(&format!("/api/v1/audit?entity=pool:{}", text(&pool, "id"))).await;
    let audit = audit.unwrap().json();
    assert_eq!(audit["items"][1]["actor"], "hub", "{audit}");
    assert_eq!(hub.store.audit().await.unwrap().breaches, []);
    hub.stop().await;
}
