//! I5, I6: the function that reads what lines report dies at every single call to DynamoDB and S3, once
//! before the call leaves and once after it was served; the next delivery ends where an uncut one ends.

use aws_lambda_events::sqs::SqsMessage;
use edge::Clock;
use pharmatrace::local::SYSTEM;
use serde_json::{Value, json};
use store::inbound::{self, Work};
use testkit::Faults;
use time::macros::datetime;

use crate::flow_inbound::{Plant, announce, arrivals, codes, document, sha256};

/// Calls that no run of the function reaches.
const CALLS_MAX: usize = 150;

/// One delivery to be cut: the record, and the document that it leads to.
struct Delivery {
    record: SqsMessage,
    sha: String,
}

/// Every cut until the function comes to its end: a fresh delivery, cut, then delivered again. Gives the
/// number of calls and which of them went to S3.
async fn every_cut(
    plant: &Plant,
    deliver: impl AsyncFn(usize) -> Delivery,
    ends: impl AsyncFn(usize, &Delivery, &str),
) -> (usize, usize) {
    let at = |hub: reconcile_commissioning::Hub| reconcile_commissioning::Hub {
        clock: Clock::fixed(datetime!(2099-01-01 0:00 UTC)),
        ..hub
    };
    let mut turn = 0;
    for call in 1..CALLS_MAX {
        for served in [false, true] {
            turn += 1;
            let cut = format!("cut {} call {call}", if served { "after" } else { "before" });
            let delivery = deliver(turn).await;
            let faults = Faults::none();
            let faults = if served { faults.dies_after(call) } else { faults.dies_before(call) };
            let broken = at(plant.broken(&faults));
            let record = delivery.record.clone();
            let survived = reconcile_commissioning::handle(&broken, record.clone()).await.is_ok();
            let calm = at(plant.function());
            reconcile_commissioning::handle(&calm, record).await.unwrap();
            ends(turn, &delivery, &cut).await;
            if survived {
                let http = ["GET", "PUT", "HEAD", "POST", "DELETE"];
                let operations = faults.operations();
                let s3 = operations.iter().filter(|name| http.contains(&name.as_str())).count();
                return (call - 1, s3);
            }
        }
    }
    panic!("the function never came to its end");
}

/// What the report in S3 says is what the table says.
async fn told_alike(plant: &Plant, sha: &str) -> Value {
    let view = plant.settled(sha).await;
    let report = plant.report(sha).await;
    for member in ["status", "error", "serials", "allocations", "findings", "arrivals", "kind"] {
        assert_eq!(report[member], view[member], "{member} of {sha}");
    }
    view
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_call_of_the_whole_function_is_healed() {
    let plant = Plant::start().await;
    // A document half of which is matched and half of which is unreserved for ever.
    let made = async |turn: usize| {
        let first = u64::try_from(turn).unwrap() * 10 - 10;
        plant.reserve(&format!("R{turn}"), 10).await;
        let bytes = document(first + 5, 10);
        let record = plant.quiet(&format!("{turn}.xml"), &bytes).await;
        Delivery { record, sha: sha256(&bytes) }
    };
    let (calls, s3) = every_cut(&plant, made, async |turn, delivery, cut| {
        let view = told_alike(&plant, &delivery.sha).await;
        assert_eq!(view["status"], "parked", "{cut}: {view}");
        assert_eq!(arrivals(&view), 1, "{cut}: {view}");
        assert_eq!(codes(&view), ["NOT_RESERVED", "OVER_RUN"], "{cut}: {view}");
        assert_eq!(view["serials"]["newly_commissioned"], 5, "{cut}: {view}");
        assert_eq!(view["allocations"][0]["newly_commissioned"], 5, "{cut}: {view}");
        let first = u64::try_from(turn).unwrap() * 10 - 10;
        assert_eq!(plant.kept(&delivery.sha).await, document(first + 5, 10));
    })
    .await;
    assert!(calls > 25 && s3 >= 5, "only {calls} calls were cut, {s3} of them to S3");
    a_refused_file(&plant).await;
    a_deleted_object(&plant).await;
    plant.stop().await;
}

/// A file that cannot be read is quarantined once, with its bytes.
async fn a_refused_file(plant: &Plant) {
    let bytes = |turn: usize| format!("<order number=\"{turn}\"/>").into_bytes();
    let made = async |turn: usize| {
        let record = plant.quiet(&format!("bad-{turn}.xml"), &bytes(turn)).await;
        Delivery { record, sha: sha256(&bytes(turn)) }
    };
    let (calls, s3) = every_cut(plant, made, async |turn, delivery, cut| {
        let view = told_alike(plant, &delivery.sha).await;
        assert_eq!(view["error"]["code"], "not-epcis", "{cut}: {view}");
        assert_eq!(arrivals(&view), 1, "{cut}: {view}");
        assert_eq!(plant.kept(&delivery.sha).await, bytes(turn));
    })
    .await;
    assert!(calls > 15 && s3 >= 5, "only {calls} calls were cut, {s3} of them to S3");
}

/// A notice whose object is not there any more is recorded once, with its finding.
async fn a_deleted_object(plant: &Plant) {
    let bucket = &plant.hub.cloud.hub.buckets.inbound;
    let made = async |turn: usize| {
        let key = format!("inbound/{SYSTEM}/never-{turn}.xml");
        let record = announce(bucket, &key, "");
        let work = inbound::parse(record.body.as_deref().unwrap()).unwrap();
        let [Work::Object(notice)] = work.as_slice() else { panic!("{work:?}") };
        let arrival = notice.arrival(&notice.system().unwrap(), "");
        let record = announce(bucket, &key, "");
        // Its name follows from its arrival, and the uncut run below tells it.
        Delivery { record, sha: arrival.hash() }
    };
    let (calls, s3) = every_cut(plant, made, async |_, delivery, cut| {
        let sha = plant.hub.store.arrival_document(&delivery.sha).await.unwrap().unwrap();
        let view = told_alike(plant, &sha).await;
        assert_eq!(view["error"]["code"], "gone", "{cut}: {view}");
        assert_eq!(view["raw_sha256"], json!(null), "{cut}: {view}");
        assert_eq!((codes(&view), arrivals(&view)), (vec!["GONE"], 1), "{cut}: {view}");
    })
    .await;
    assert!(calls > 10 && s3 >= 3, "only {calls} calls were cut, {s3} of them to S3");
}
