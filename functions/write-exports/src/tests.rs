use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_s3::config::retry::RetryConfig;
use domain::gtin::Gtin14;
use domain::ids::{AllocationId, PoolId, RequestId, SystemId};
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest, Terms};
use store::Buckets;
use store::client::{AwsSettings, https, s3, sqs};
use store::export_job::{ExportState, IDLE_RUNS_MAX};
use store::jobs::ExportMessage;
use store::upload::PART_BYTES_MIN;
use testkit::Dynamo;
use time::Duration;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);
const FILE: &str = "full.csv.gz";

fn later(minutes: i64) -> OffsetDateTime {
    NOW.saturating_add(Duration::minutes(minutes))
}

/// A hub without S3 and SQS: a call to them fails at once.
async fn hub(dynamo: &Dynamo) -> Hub {
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let nowhere = Some("http://127.0.0.1:9".to_owned());
    let settings = AwsSettings::new("eu-central-1", nowhere, ("test", "test"), None);
    let buckets = Buckets { inbound: "i".into(), outbound: "o".into(), documents: "d".into() };
    let config = s3(&settings, &https()).config().to_builder();
    let s3 = aws_sdk_s3::Client::from_conf(config.retry_config(RetryConfig::disabled()).build());
    let jobs = Jobs { sqs: sqs(&settings, &https()), url: "http://127.0.0.1:9/jobs".into() };
    let (objects, clock) = (Objects { s3, buckets }, Clock::fixed(NOW));
    Hub { store, objects, jobs, clock, part_bytes_min: PART_BYTES_MIN }
}

async fn reserve(store: &Store) -> AllocationId {
    let gtin = Gtin14::parse("00313000007772").unwrap();
    let draft = PoolDraft {
        name: "pool".into(),
        key: gtin.into(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        eu_rules: false,
        from: 1_000,
        to: 200_000_000,
        max_request: 100_000_000,
        threshold: 0,
        policy: domain::policy::PoolPolicy::default(),
    };
    let pool = PoolId::from_entropy([1; 17]);
    let now = "2026-11-23T10:00:00.000Z";
    store.pool_create(pool.clone(), draft, now).await.unwrap();
    let request = ReserveRequest {
        requester: SystemId::parse("L1").unwrap(),
        credential: None,
        request_id: RequestId::parse("R1").unwrap(),
        key: gtin.into(),
        quantity: 100_000_000,
        pool_id: None,
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: Details::default(),
        terms: Terms::default(),
    };
    store.reserve(&request, &[pool], now).await.unwrap().allocation.id
}

fn record(id: &AllocationId) -> SqsMessage {
    let message = ExportMessage { allocation_id: id.clone(), file: FILE.to_owned() };
    let mut record = SqsMessage::default();
    record.message_id = Some("m1".to_owned());
    record.body = Some(message.body());
    record
}

fn sample(text: &str) -> SqsMessage {
    let mut event: SqsEvent = serde_json::from_str(text).unwrap();
    event.records.remove(0)
}

#[tokio::test]
async fn the_sample_events_are_answered() {
    let dynamo = Dynamo::start().await;
    let hub = hub(&dynamo).await;
    let export = sample(include_str!("../../../events/write-exports/export.json"));
    assert!(handle(&hub, &export, NOW).await.is_ok(), "nobody asked for it: nothing to do");
    let not_ours = sample(include_str!("../../../events/write-exports/not-ours.json"));
    let outcome = handle(&hub, &not_ours, NOW).await;
    assert!(matches!(outcome, Err(Failure::NotOurs(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_job_that_never_gets_on_is_given_up_and_says_why() {
    let dynamo = Dynamo::start().await;
    let hub = hub(&dynamo).await;
    let id = reserve(&hub.store).await;
    hub.store.export_request(&id, FILE, NOW).await.unwrap();
    for _ in 0..IDLE_RUNS_MAX {
        let outcome = handle(&hub, &record(&id), later(15)).await;
        assert!(matches!(outcome, Err(Failure::Store(_))), "{outcome:?}");
    }
    handle(&hub, &record(&id), later(15)).await.unwrap();
    let job = hub.store.export_fetch(&id, FILE).await.unwrap().unwrap();
    assert_eq!(job.state, ExportState::Failed);
    assert_eq!(job.error.as_deref(), Some("HeadObject failed: the connection failed"));
    handle(&hub, &record(&id), NOW).await.unwrap();
    let (again, must_send) = hub.store.export_request(&id, FILE, later(10)).await.unwrap();
    assert_eq!((again.state, must_send), (ExportState::Queued, true), "asked for again later");
}

#[tokio::test]
async fn numbers_that_were_given_up_are_not_written() {
    let dynamo = Dynamo::start().await;
    let hub = hub(&dynamo).await;
    let id = reserve(&hub.store).await;
    hub.store.export_request(&id, FILE, NOW).await.unwrap();
    let at = ("test", "2026-11-23T10:00:00.000Z");
    hub.store.allocation_void(&id, "test", at).await.unwrap();
    handle(&hub, &record(&id), later(15)).await.unwrap();
    let job = hub.store.export_fetch(&id, FILE).await.unwrap().unwrap();
    assert_eq!(job.state, ExportState::Failed);
}
