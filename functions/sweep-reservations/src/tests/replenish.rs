//! Pools that run low: what is told, once each, and how they are extended.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use domain::policy::{AutoExtend, PoolPolicy};
use domain::pool::PoolStatus;
use serde_json::{Value, json};
use store::keys::Pk;
use store::pool::PoolChange;
use testkit::Dynamo;
use time::OffsetDateTime;

use super::*;

const BEGIN: OffsetDateTime = datetime!(2026-11-23 10:01 UTC);

struct Bench {
    store: Store,
    pool: PoolId,
    queue: String,
    messages: Receiver<Value>,
    _dynamo: Dynamo,
}

/// Enough of SQS to take messages.
fn serve_queue() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, messages) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            let length = head.split("content-length:").nth(1).unwrap().lines().next().unwrap();
            let mut body = vec![0; length.trim().parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            let sent: Value = serde_json::from_slice(&body).unwrap();
            let message = serde_json::from_str(sent["MessageBody"].as_str().unwrap()).unwrap();
            let answer = r#"{"MessageId":"1"}"#;
            let frame = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n{answer}",
                answer.len()
            );
            stream.write_all(frame.as_bytes()).unwrap();
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    (address, messages)
}

async fn bench(threshold: u128, policy: PoolPolicy) -> Bench {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let pool = PoolId::from_entropy([1; 17]);
    let draft = PoolDraft { threshold, policy, ..draft() };
    store.pool_create(pool.clone(), draft, &rfc3339_ms(BEGIN)).await.unwrap();
    let (queue, messages) = serve_queue();
    Bench { store, pool, queue, messages, _dynamo: dynamo }
}

/// 1,000 numbers.
fn draft() -> PoolDraft {
    PoolDraft {
        name: "pool".into(),
        key: gtin().into(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        from: 0,
        to: 999,
        max_request: 1_000,
        threshold: 0,
        eu_rules: false,
        policy: PoolPolicy::default(),
    }
}

impl Bench {
    async fn reserve(&self, id: &str, quantity: u64) {
        let request = request(id, quantity);
        let pools = std::slice::from_ref(&self.pool);
        self.store.reserve(&request, pools, &rfc3339_ms(BEGIN)).await.unwrap();
    }

    fn sweeper(&self, minute: i64) -> Sweeper {
        let settings =
            AwsSettings::new("eu-central-1", Some(self.queue.clone()), ("test", "test"), None);
        let url = format!("{}/000000000000/pool-events", self.queue);
        Sweeper {
            sqs: sqs(&settings, &https()),
            pool_events_queue_url: url,
            ..sweeper(&self.store, BEGIN.saturating_add(Duration::minutes(minute)))
        }
    }

    /// The types of the messages that a run at this minute sends.
    async fn told(&self, minute: i64) -> Vec<String> {
        self.run(minute).await.iter().map(|one| one["type"].as_str().unwrap().to_owned()).collect()
    }

    async fn run(&self, minute: i64) -> Vec<Value> {
        let (sweeper, mut done) = (self.sweeper(minute), Sweep::default());
        pools::sweep(&sweeper, &mut done).await.unwrap();
        events::send(&sweeper, &mut done).await.unwrap();
        assert_eq!(done.failed, 0);
        (0..done.told).map(|_| self.messages.recv().unwrap()).collect()
    }

    async fn last(&self) -> (u128, u128) {
        let pool = self.store.pool_fetch(&self.pool).await.unwrap().unwrap().pool;
        (pool.draft.to, pool.remaining)
    }
}

#[tokio::test]
async fn each_crossing_is_sent_once_and_only_once() {
    let bench = bench(400, PoolPolicy::default()).await;
    assert!(bench.told(0).await.is_empty());
    bench.reserve("R1", 601).await;
    let sent = bench.run(1).await;
    assert_eq!(sent.len(), 1);
    let pool = &sent[0]["pool"];
    assert_eq!(sent[0]["type"], "pool.low");
    assert_eq!(sent[0]["id"], json!(format!("{}.1", bench.pool)));
    assert_eq!((&pool["remaining"], &pool["gtin"]), (&json!("399"), &json!("00313000007772")));
    assert!(bench.told(2).await.is_empty());
    bench.reserve("R2", 399).await;
    assert_eq!(bench.told(3).await, ["pool.exhausted"]);
    assert!(bench.told(4).await.is_empty());
    let grown = PoolChange { to: Some(1_999), ..PoolChange::default() };
    bench.store.pool_change(&bench.pool, &grown, ("L1/c", &rfc3339_ms(BEGIN))).await.unwrap();
    let sent = bench.run(5).await;
    assert_eq!(sent[0]["extended_from"], "999");
    assert_eq!(
        (&sent[0]["type"], &sent[1]["type"]),
        (&json!("pool.extended"), &json!("pool.replenished"))
    );
    assert!(bench.told(6).await.is_empty());
}

#[tokio::test]
async fn two_looks_at_once_tell_a_crossing_once() {
    let bench = bench(400, PoolPolicy::default()).await;
    bench.reserve("R1", 601).await;
    let pool = bench.store.pool_fetch(&bench.pool).await.unwrap().unwrap().pool;
    let at = rfc3339_ms(BEGIN);
    let look = || bench.store.pool_look(&pool, (&at, 1));
    let looks = tokio::join!(look(), look(), look());
    let told: usize = [looks.0, looks.1, looks.2]
        .into_iter()
        .filter_map(Result::unwrap)
        .map(|look| look.told.len())
        .sum();
    assert_eq!(told, 1);
    assert_eq!(bench.told(1).await, ["pool.low"]);
}

#[tokio::test]
async fn what_the_queue_does_not_take_is_sent_again_with_the_same_bytes() {
    let mut bench = bench(400, PoolPolicy::default()).await;
    bench.reserve("R1", 601).await;
    let queue = std::mem::replace(&mut bench.queue, "http://127.0.0.1:9".to_owned());
    let (sweeper, mut done) = (bench.sweeper(1), Sweep::default());
    pools::sweep(&sweeper, &mut done).await.unwrap();
    events::send(&sweeper, &mut done).await.unwrap();
    assert_eq!((done.told, done.failed), (0, 1));
    bench.queue = queue;
    assert!(bench.run(1).await.is_empty(), "it rests for a minute");
    assert_eq!(bench.run(2).await[0]["at"], json!(rfc3339_ms(BEGIN + Duration::minutes(1))));
    assert!(bench.run(9).await.is_empty());
}

#[tokio::test]
async fn a_low_pool_grows_by_itself_up_to_its_ceiling_and_leaves_a_record() {
    let auto_extend = Some(AutoExtend { by: 1_000, ceiling: 2_499 });
    let bench = bench(400, PoolPolicy { auto_extend, ..PoolPolicy::default() }).await;
    bench.reserve("R1", 601).await;
    assert_eq!(bench.told(1).await, ["pool.low", "pool.extended", "pool.replenished"]);
    assert_eq!(bench.last().await, (1_999, 1_399));
    let chain = bench.store.audit_records(&Pk::Pool(bench.pool.clone()), 10).await.unwrap();
    let last = chain.last().unwrap();
    assert_eq!((last.actor.as_str(), last.action.as_str()), ("hub", "change"));
    assert!(last.after.as_deref().unwrap().contains("to 1999"));
    // The next step ends at the ceiling, and there is none after it.
    bench.reserve("R2", 1_000).await;
    assert_eq!(bench.told(2).await, ["pool.low", "pool.extended", "pool.replenished"]);
    assert_eq!(bench.last().await, (2_499, 899));
    bench.reserve("R3", 899).await;
    assert_eq!(bench.told(3).await, ["pool.exhausted"]);
    assert!(bench.told(4).await.is_empty());
    assert_eq!(bench.last().await, (2_499, 0));
    assert_eq!(bench.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn a_suspended_pool_is_told_but_not_extended() {
    let auto_extend = Some(AutoExtend { by: 1_000, ceiling: 2_499 });
    let bench = bench(400, PoolPolicy { auto_extend, ..PoolPolicy::default() }).await;
    bench.reserve("R1", 601).await;
    let suspend = PoolChange { status: Some(PoolStatus::Suspended), ..PoolChange::default() };
    bench.store.pool_change(&bench.pool, &suspend, ("L1/c", &rfc3339_ms(BEGIN))).await.unwrap();
    assert_eq!(bench.told(1).await, ["pool.low"]);
    assert_eq!(bench.last().await, (999, 399));
}

#[tokio::test]
async fn i1_numbers_up_to_a_ceiling_are_nobody_elses() {
    let auto_extend = Some(AutoExtend { by: 1_000, ceiling: 2_499 });
    let bench = bench(400, PoolPolicy { auto_extend, ..PoolPolicy::default() }).await;
    let other = PoolId::from_entropy([2; 17]);
    let beside = |from, to| PoolDraft { from, to, ..draft() };
    let now = rfc3339_ms(BEGIN);
    assert!(bench.store.pool_create(other.clone(), beside(2_499, 3_000), &now).await.is_err());
    bench.store.pool_create(other.clone(), beside(2_500, 3_000), &now).await.unwrap();
    // A ceiling that is taken back frees what was not used.
    let mut shrink = PoolChange::default();
    shrink.policy.auto_extend = Some(None);
    bench.store.pool_change(&bench.pool, &shrink, ("L1/c", &now)).await.unwrap();
    let third = PoolId::from_entropy([3; 17]);
    bench.store.pool_create(third, beside(1_000, 2_499), &now).await.unwrap();
    // One that would reach into another pool is refused.
    let mut grow = PoolChange::default();
    grow.policy.auto_extend = Some(Some(AutoExtend { by: 1, ceiling: 1_000 }));
    assert!(bench.store.pool_change(&bench.pool, &grow, ("L1/c", &now)).await.is_err());
    assert_eq!(bench.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn a_pool_is_low_when_it_does_not_last_the_hours_it_shall() {
    let policy = PoolPolicy { threshold_hours: Some(10), ..PoolPolicy::default() };
    let bench = bench(0, policy).await;
    assert!(bench.told(0).await.is_empty());
    bench.reserve("R1", 60).await;
    // 60 in three hours are 20 an hour: 940 last 47 hours.
    assert!(bench.told(180).await.is_empty());
    bench.reserve("R2", 540).await;
    // 600 in five hours: 400 last three.
    let sent = bench.run(300).await;
    assert_eq!((&sent[0]["type"], &sent[0]["hours_left"]), (&json!("pool.low"), &json!(3)));
    assert_eq!(sent[0]["reserved_last_24_hours"], "600");
    // A day later nothing is used any more.
    assert_eq!(bench.told(300 + 25 * 60).await, ["pool.replenished"]);
}
