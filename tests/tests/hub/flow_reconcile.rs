//! Files dropped into the inbound bucket: what they do to the ledger, once, whatever happens on the
//! way (I5), and that none is lost (I6).

use aws_lambda_events::sqs::SqsMessage;
use edge::Clock;
use pharmatrace::local::SYSTEM;
use serde_json::{Value, json};
use testkit::Faults;

use crate::flow_inbound::{
    DOCUMENTS, Plant, announce, arrivals, codes, document, gzip, is_settled, sha256,
};
use crate::flow_kit::NOW;

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
        let function = plant.broken(&Faults::none().dies_after(k));
        let outcome = reconcile_commissioning::handle(&function, record.clone()).await;
        assert!(outcome.is_err(), "the crash did not come before the end");
        posted = plant.hub.store.audit().await.unwrap().postings;
        if posted > 0 {
            break;
        }
    }
    assert!(posted < 4, "the crash did not come between two blocks");
    // Four more arrive while the first is delivered again.
    let function = plant.function();
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
    two_systems_at_once(&plant, 100_000).await;
    plant.stop().await;
}

/// Each of two systems reports its own half of one content, at the same moment: the report has both.
async fn two_systems_at_once(plant: &Plant, mut next: u64) {
    plant.hub.credential("L2", &["uploads:write"], &[]).await;
    for round in 0..5 {
        let own = plant.reserve(&format!("own-{round}"), 10).await;
        let other = plant.reserve_for("L2", &format!("other-{round}"), 10).await;
        let bytes = document(next, 20);
        next += 20;
        let mut deliveries = tokio::task::JoinSet::new();
        for system in [SYSTEM, "L2"] {
            let record = plant.quiet_of(system, &format!("{round}.xml"), &bytes).await;
            let function = plant.function();
            deliveries.spawn(async move {
                Box::pin(reconcile_commissioning::handle(&function, record)).await.unwrap();
            });
        }
        deliveries.join_all().await;
        let (view, report) =
            (plant.settled(&sha256(&bytes)).await, plant.report(&sha256(&bytes)).await);
        let mut expected = [own, other];
        expected.sort();
        let expected: Vec<Value> = expected
            .iter()
            .map(|id| json!({"allocation_id": id, "newly_commissioned": 10, "repeated": 0}))
            .collect();
        for told in [&view, &report] {
            assert_eq!(told["status"], "reconciled", "{told}");
            assert_eq!(told["allocations"], json!(expected), "{told}");
            assert_eq!(told["serials"]["newly_commissioned"], 20, "{told}");
        }
    }
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
    let time = "<eventTime>2026-11-03T10:00:00Z</eventTime>";
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
        ("bad-time.xml", with("2026-11-03T10:00:00Z", "yesterday"), "bad-event-time", true),
        ("cut.json", b"{\"type\":\"EPCISDocument\",\"epcisBody\":{".to_vec(), "truncated", true),
    ]
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
    let function = plant.function();
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
    let mut function = plant.function();
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
