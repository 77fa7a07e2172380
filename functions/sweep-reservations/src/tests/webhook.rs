//! Events at a webhook: signed, taken once, tried again, given up.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use store::kms::Kms;
use testkit::{Dynamo, KeyService};

use super::*;
use crate::hook::signature;

const BEGIN: OffsetDateTime = datetime!(2026-11-23 10:01 UTC);

/// What a receiver gets: headers in lower case, and the body.
struct Got {
    headers: HashMap<String, String>,
    body: String,
}

/// A receiver that answers every call with the status at hand.
struct Receivers {
    url: String,
    status: Arc<AtomicU16>,
    got: Mutex<Receiver<Got>>,
}

fn serve(answer: &'static str) -> Receivers {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
    let status = Arc::new(AtomicU16::new(204));
    let (sender, got) = channel();
    let of_thread = status.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let split = |line: &str| {
                let (name, value) = line.split_once(": ")?;
                Some((name.to_lowercase(), value.to_owned()))
            };
            let headers: HashMap<_, _> = head.lines().skip(1).filter_map(split).collect();
            let mut body = vec![0; headers["content-length"].parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            let status = of_thread.load(Ordering::Relaxed);
            let frame = format!("HTTP/1.1 {status} x\r\n{answer}connection: close\r\n\r\n");
            // Before the answer: whoever has the answer finds here what was sent.
            if sender.send(Got { headers, body: String::from_utf8(body).unwrap() }).is_err() {
                return;
            }
            stream.write_all(frame.as_bytes()).unwrap();
        }
    });
    Receivers { url, status, got: Mutex::new(got) }
}

struct Bench {
    store: Store,
    pool: PoolId,
    hook: Receivers,
    secret: String,
    queue: Receivers,
    _keys: KeyService,
    _dynamo: Dynamo,
}

impl Bench {
    /// A pool that has just become low, and a webhook.
    async fn start() -> Self {
        let (dynamo, keys) = (Dynamo::start().await, KeyService::start().await);
        let endpoint = Some(keys.endpoint().to_owned());
        let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
        let kms = Kms::new(&settings, &https(), keys.key_arn());
        let store = Store::new(dynamo.client(), &dynamo.table().await).with_kms(kms);
        let hook = serve("content-length: 0\r\n");
        let by = ("L1/c", "2026-11-23T10:00:00.000Z");
        let (_, secret) = store.webhook_set(Some(&hook.url), by).await.unwrap();
        let secret = secret.unwrap().reveal().to_owned();
        let pool = PoolId::from_entropy([1; 17]);
        let draft = PoolDraft {
            name: "pool".into(),
            key: gtin().into(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 12 },
            from: 0,
            to: 999,
            max_request: 1_000,
            threshold: 400,
            eu_rules: false,
            policy: PoolPolicy::default(),
        };
        store.pool_create(pool.clone(), draft, by.1).await.unwrap();
        let request = request("R1", 601);
        store.reserve(&request, std::slice::from_ref(&pool), by.1).await.unwrap();
        let queue = serve("content-type: application/x-amz-json-1.0\r\ncontent-length: 0\r\n");
        queue.status.store(200, Ordering::Relaxed);
        Self { store, pool, hook, secret, queue, _keys: keys, _dynamo: dynamo }
    }

    /// A run at this minute, where the stack allows these hosts.
    async fn run_with(&self, minute: i64, hosts: &str) -> Sweep {
        let queue = Some(self.queue.url.clone());
        let settings = AwsSettings::new("eu-central-1", queue, ("test", "test"), None);
        let sweeper = Sweeper {
            sqs: sqs(&settings, &https()),
            pool_events_queue_url: self.queue.url.clone(),
            webhook_hosts: AllowedHosts::parse(hosts),
            ..sweeper(&self.store, BEGIN.saturating_add(Duration::minutes(minute)))
        };
        let mut done = Sweep::default();
        pools::sweep(&sweeper, &mut done).await.unwrap();
        events::send(&sweeper, &mut done).await.unwrap();
        done
    }

    async fn run(&self, minute: i64) -> Sweep {
        self.run_with(minute, "http://127.0.0.1").await
    }

    fn got(&self) -> Option<Got> {
        self.hook.got.lock().unwrap().try_recv().ok()
    }
}

#[tokio::test]
async fn an_event_is_signed_and_taken_once() {
    let bench = Bench::start().await;
    let done = bench.run(0).await;
    assert_eq!((done.told, done.hooked, done.failed), (1, 1, 0));
    let Got { headers, body } = bench.got().unwrap();
    let time = &headers["pharmatrace-timestamp"];
    assert_eq!(time, &BEGIN.unix_timestamp().to_string());
    assert_eq!(headers["pharmatrace-signature"], signature(&bench.secret, time, &body));
    assert_eq!(headers["pharmatrace-event"], "pool.low");
    assert_eq!(headers["pharmatrace-event-id"], format!("{}.1", bench.pool));
    assert_eq!(headers["content-type"], "application/json");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["id"], format!("{}.1", bench.pool));
    bench.run(1).await;
    bench.run(600).await;
    assert!(bench.got().is_none());
}

#[tokio::test]
async fn what_is_not_taken_comes_again_with_the_same_bytes_and_is_given_up_in_the_end() {
    let bench = Bench::start().await;
    bench.hook.status.store(500, Ordering::Relaxed);
    assert_eq!(bench.run(0).await.hooked, 0);
    let first = bench.got().unwrap();
    assert_eq!(bench.run(0).await, Sweep { pools: 1, ..Sweep::default() }, "it rests");
    bench.run(1).await;
    let second = bench.got().unwrap();
    assert_eq!(first.body, second.body);
    assert_eq!(first.headers["pharmatrace-event-id"], second.headers["pharmatrace-event-id"]);
    // A redirect is no acceptance, and nobody follows it.
    bench.hook.status.store(302, Ordering::Relaxed);
    let (mut calls, mut lost) = (2, 0);
    for hour in 1..24 {
        let done = bench.run(hour * 60).await;
        // A lone event rings the alarm of what is lost.
        let line = measures::of(&done).line("a-stack", 0);
        assert_eq!((line["WebhookLost"].as_u64(), done.failed), (Some(done.lost.into()), 0));
        lost += done.lost;
        calls += u32::from(bench.got().is_some());
    }
    assert_eq!((calls, lost), (events::ATTEMPTS_MAX, 1));
    let due = bench.store.pool_events_due("2027-01-01T00:00:00.000Z", 10).await.unwrap();
    assert_eq!(due, [], "it waits no more");
}

#[tokio::test]
async fn a_host_that_is_allowed_no_more_is_not_called_and_a_later_permission_counts() {
    let bench = Bench::start().await;
    assert_eq!(bench.run_with(0, "hooks.example.com").await.hooked, 0);
    assert!(bench.got().is_none());
    assert_eq!(bench.run(1).await.hooked, 1);
    assert!(bench.got().is_some());
}

#[tokio::test]
async fn a_webhook_that_is_switched_off_is_not_called() {
    let bench = Bench::start().await;
    bench.store.webhook_set(None, ("L1/c", "2026-11-23T10:00:30.000Z")).await.unwrap();
    let done = bench.run(0).await;
    assert_eq!((done.told, done.hooked, done.failed), (1, 0, 0));
    assert!(bench.got().is_none());
}

#[tokio::test]
async fn a_secret_that_was_moved_to_another_address_does_not_open() {
    let bench = Bench::start().await;
    let mut webhook = bench.store.webhook_fetch().await.unwrap().unwrap();
    assert!(bench.store.webhook_secret(&webhook).await.unwrap().is_some());
    webhook.url = Some("https://evil.example/".to_owned());
    assert!(bench.store.webhook_secret(&webhook).await.unwrap().is_none());
}
