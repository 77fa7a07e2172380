//! The writer in this process: it dies at every single call, or is told that its time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use aws_lambda_events::sqs::SqsMessage;
use domain::ids::AllocationId;
use edge::Clock;
use pharmatrace::local::REGION;
use store::export_job::ExportState;
use store::jobs::{ExportMessage, Jobs};
use store::{Buckets, Objects, Store};
use testkit::Faults;
use time::Duration;

use super::{ASKS, Exports, PATIENCE, hash_of_bare};
use crate::flow_inbound::sha256;

const FILE: &str = "bare.csv";
/// Rows of each file: a dozen parts, so that two notes are made on the way.
const ROWS: u64 = 100_000;
/// The least size of a part: two pieces.
const PART_BYTES: u64 = 100_000;
/// Calls that no run of the function reaches.
const CALLS_MAX: usize = 100;

/// The function itself with a DynamoDB, an S3 and an SQS that fail as planned, and that nobody asks twice.
fn writer(exports: &Exports, faults: &Faults, clock: Clock) -> write_exports::Hub {
    let hub = &exports.hub.cloud.hub;
    let http = aws_smithy_http_client::Builder::new().build_http();
    let http = aws_sdk_dynamodb::config::SharedHttpClient::new(faults.around(http));
    let key = hub.aws.clone().unwrap();
    let keys = (key.access_key_id.as_str(), key.secret_access_key.as_str());
    let settings = store::client::AwsSettings::new(REGION, hub.endpoint_url.clone(), keys, None);
    let once = aws_sdk_dynamodb::config::retry::RetryConfig::disabled();
    let dynamo = store::client::dynamo(&settings, &http).config().to_builder();
    let dynamo = aws_sdk_dynamodb::Client::from_conf(dynamo.retry_config(once.clone()).build());
    let s3 = store::client::s3(&settings, &http).config().to_builder();
    let s3 = aws_sdk_s3::Client::from_conf(s3.retry_config(once.clone()).build());
    let sqs = store::client::sqs(&settings, &http).config().to_builder();
    let sqs = aws_sdk_sqs::Client::from_conf(sqs.retry_config(once).build());
    let buckets = Buckets {
        inbound: hub.buckets.inbound.as_str().into(),
        outbound: hub.buckets.outbound.as_str().into(),
        documents: hub.buckets.documents.as_str().into(),
    };
    write_exports::Hub {
        store: Store::new(dynamo, &hub.table),
        objects: Objects { s3, buckets },
        jobs: Jobs { sqs, url: hub.queues.jobs.as_str().into() },
        clock,
        part_bytes_min: PART_BYTES,
    }
}

/// A job of which no message was sent, and the record of one.
async fn asked(exports: &Exports, id: &str) -> SqsMessage {
    let allocation_id: AllocationId = id.parse().unwrap();
    let now = pharmatrace::wiring::now();
    exports.hub.store.export_request(&allocation_id, FILE, now).await.unwrap();
    let mut record = SqsMessage::default();
    record.message_id = Some(format!("message of {id}"));
    let message = ExportMessage { allocation_id, file: FILE.to_owned() };
    record.body = Some(message.body());
    record
}

/// The file is there once, with a manifest that is true, and its job says so.
async fn is_whole(exports: &Exports, id: &str, first: u64, cut: &str) {
    let key = format!("outbound/{ASKS}/{id}.{FILE}");
    let bytes = exports.outbound(&key).await.unwrap_or_else(|| panic!("{cut}: no file"));
    assert_eq!(sha256(&bytes), hash_of_bare(first, ROWS), "{cut}");
    assert_eq!(exports.manifest(&key, &bytes).await["row_count"], ROWS, "{cut}");
    exports.is_written_once(&key).await;
    let job = exports.hub.store.export_fetch(&id.parse().unwrap(), FILE).await.unwrap().unwrap();
    assert_eq!((job.state, job.checkpoint.row), (ExportState::Done, ROWS), "{cut}");
}

/// I5: cut before and after each call, then delivered again.
pub async fn a_crash_at_any_call_is_healed(exports: &Exports) {
    let ends_at = pharmatrace::wiring::now() + Duration::hours(1);
    let calm = writer(exports, &Faults::none(), Clock::system());
    for call in 1..CALLS_MAX {
        let mut survived = 0;
        for served in [false, true] {
            let cut = format!("cut {} call {call}", if served { "after" } else { "before" });
            let (id, first) = exports.reserve(&cut.replace(' ', "-"), ROWS).await;
            let record = asked(exports, &id).await;
            let faults = Faults::none();
            let faults = if served { faults.dies_after(call) } else { faults.dies_before(call) };
            let broken = writer(exports, &faults, Clock::system());
            survived += u32::from(write_exports::handle(&broken, &record, ends_at).await.is_ok());
            write_exports::handle(&calm, &record, ends_at).await.unwrap();
            is_whole(exports, &id, first, &cut).await;
            // A second copy of the message changes nothing.
            let mut copy = record.clone();
            copy.message_id = Some("another".to_owned());
            write_exports::handle(&calm, &copy, ends_at).await.unwrap();
            is_whole(exports, &id, first, &cut).await;
        }
        if survived == 2 {
            assert!(call > 20, "only {call} calls were cut");
            return;
        }
    }
    panic!("the function never came to its end");
}

/// I5: what a release with another renderer stored is no part of the file, noted or not.
pub async fn a_file_that_another_release_began_is_begun_anew(exports: &Exports) {
    let ends_at = pharmatrace::wiring::now() + Duration::hours(1);
    for call in 10..CALLS_MAX {
        let (id, first) = exports.reserve(&format!("other-release-{call}"), ROWS).await;
        let record = asked(exports, &id).await;
        let broken = writer(exports, &Faults::none().dies_after(call), Clock::system());
        assert!(write_exports::handle(&broken, &record, ends_at).await.is_err(), "call {call}");
        let calm = writer(exports, &Faults::none(), Clock::system());
        let allocation: AllocationId = id.parse().unwrap();
        let mut job = calm.store.export_fetch(&allocation, FILE).await.unwrap().unwrap();
        if job.checkpoint.parts == 0 {
            continue;
        }
        assert_eq!(job.renderer, linefiles::RENDERER);
        job.renderer = linefiles::RENDERER - 1;
        calm.store.export_put(&mut job).await.unwrap();
        let key = format!("outbound/{ASKS}/{id}.{FILE}");
        let part = calm.objects.s3.upload_part().bucket(&*calm.objects.buckets.outbound).key(key);
        let part = part.set_upload_id(job.upload_id).part_number(1);
        let other = vec![b'x'; usize::try_from(PART_BYTES).unwrap()];
        part.body(other.into()).send().await.unwrap();
        write_exports::handle(&calm, &record, ends_at).await.unwrap();
        return is_whole(exports, &id, first, "another release").await;
    }
    panic!("no run noted a part");
}

/// A run whose time is over leaves a message behind; the deployed function takes it and goes on.
pub async fn what_an_invocation_cannot_finish_is_handed_on(exports: &Exports) {
    let (id, first) = exports.reserve("handed-on", ROWS).await;
    let record = asked(exports, &id).await;
    let now = pharmatrace::wiring::now();
    // A second passes at each look at the clock.
    let seconds = Arc::new(AtomicI64::new(0));
    let clock =
        Clock::from_fn(move || now + Duration::seconds(seconds.fetch_add(1, Ordering::Relaxed)));
    let writer = writer(exports, &Faults::none(), clock);
    write_exports::handle(&writer, &record, now + Duration::seconds(66)).await.unwrap();
    let allocation: AllocationId = id.parse().unwrap();
    let handed_on = exports.hub.store.export_fetch(&allocation, FILE).await.unwrap().unwrap();
    assert!((1..12).contains(&handed_on.checkpoint.parts), "{handed_on:?}");
    let started = Instant::now();
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
    loop {
        tick.tick().await;
        let job = exports.hub.store.export_fetch(&allocation, FILE).await.unwrap().unwrap();
        if job.state == ExportState::Done {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "nobody went on: {job:?}");
    }
    is_whole(exports, &id, first, "handed on").await;
}
