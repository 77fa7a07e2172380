//! I6: runs that begin and never end, and one file that two systems sent before anybody could read it.

use domain::ids::SystemId;
use edge::Clock;
use reconcile_commissioning::{Hub, handle};
use store::document::{Document, DocumentError, DocumentStatus};
use store::document_action::{Action, By};
use store::inbound::again_message;
use store::meter::Meter;
use store::settle::Refusal;
use store::time::rfc3339_ms;
use testkit::Faults;

use super::*;
use crate::flow_inbound::gzip;

/// Calls after which the function has certainly begun to post.
const CALLS_MAX: usize = 60;

fn now_in(plant: &Plant, hub: Hub) -> Hub {
    Hub { clock: Clock::fixed(Clock::system().now()), patience: plant.function().patience, ..hub }
}

/// A run dies while it applies; nobody asks for the document any more but the sweep.
pub(super) async fn a_run_that_never_ends(files: &Files) {
    let (plant, bytes) = (&files.plant, document(40, 10));
    let sha = sha256(&bytes);
    let record = plant.quiet("cut.xml", &bytes).await;
    let stored = async || plant.hub.store.document_fetch(&sha).await.unwrap();
    for call in 1..CALLS_MAX {
        let hub = now_in(plant, plant.broken(&Faults::none().dies_before(call)));
        assert!(handle(&hub, record.clone()).await.is_err(), "call {call}");
        if stored().await.is_some_and(|document| document.is_in_part()) {
            break;
        }
    }
    assert_eq!(stored().await.unwrap().status(), DocumentStatus::Applying);
    assert_eq!(files.sweep_in(Duration::minutes(1)).await.retried, 0, "it may still be running");
    // Asked for again it dies again, until it is given up and seen.
    let again = again_message(&sha, &SystemId::parse(SYSTEM).unwrap());
    let mut message = aws_lambda_events::sqs::SqsMessage::default();
    message.body = Some(again);
    for _ in 0..20 {
        let hub = now_in(plant, plant.broken(&Faults::none().dies_before(5)));
        handle(&hub, message.clone()).await.unwrap_err();
    }
    handle(&now_in(plant, plant.function()), message).await.unwrap();
    let view = plant.settled(&sha).await;
    assert_eq!(view["error"]["code"], "dead-letter", "{view}");
    let (status, refused) = files.act(&sha, "reject").await;
    assert_eq!((status, problem(&refused).as_str()), (409, "document-state"), "{refused}");
    // It is asked for, the message is lost, and the sweep makes up for it.
    let at = Clock::system().now();
    let (now, until) = (rfc3339_ms(at), rfc3339_ms(at + Duration::minutes(135)));
    let by = By { actor: "test", now: &now, until: &until };
    plant.hub.store.document_act(&sha, &Action::Reprocess, by).await.unwrap();
    assert_eq!(files.sweep_in(Duration::minutes(130)).await.retried, 0);
    assert_eq!(files.sweep_in(Duration::minutes(140)).await.retried, 1);
    let view = plant.until(&sha, |view| view["status"] == "reconciled").await;
    assert_eq!(view["serials"]["newly_commissioned"], 10, "{view}");
    assert_eq!(files.sweep_in(Duration::minutes(300)).await.retried, 0);
}

/// Both deliveries died; whichever is read first, the file is judged for both.
pub(super) async fn a_file_of_two_systems(files: &Files) {
    let systems = [SYSTEM, "GHOST"];
    for (first, order) in [(50, [0, 1]), (55, [1, 0])] {
        let plain = document(first, 5);
        let (zipped, content) = (gzip(&plain), sha256(&plain));
        let raw = sha256(&zipped);
        for system in systems {
            dead(files, system, &zipped).await;
        }
        let hub = now_in(&files.plant, files.plant.function());
        let now = rfc3339_ms(hub.clock.now());
        let by = By { actor: "test", now: &now, until: &now };
        hub.store.document_act(&raw, &Action::Reprocess, by).await.unwrap();
        for turn in order {
            let mut message = aws_lambda_events::sqs::SqsMessage::default();
            message.body = Some(again_message(&raw, &SystemId::parse(systems[turn]).unwrap()));
            let before = hub.store.document_fetch(&raw).await.unwrap().unwrap();
            assert_eq!(before.resolution, None, "it is over only when both were read");
            handle(&hub, message).await.unwrap();
        }
        let document = hub.store.document_fetch(&content).await.unwrap().unwrap();
        for system in systems {
            let judgement = document.judgement(&SystemId::parse(system).unwrap()).unwrap();
            assert_eq!(judgement.status, DocumentStatus::Reconciled, "{system} of {order:?}");
        }
        let view = files.plant.settled(&content).await;
        assert_eq!(arrivals(&view), 2, "{view}");
        // Each system sent it once.
        assert!(!codes(&view).contains(&"DUPLICATE_TRANSMISSION"), "{view}");
        let over = files.plant.settled(&raw).await;
        assert_eq!(over["resolution"]["action"], "superseded", "{over}");
    }
}

/// A delivery of these bytes that died before anybody could read them.
async fn dead(files: &Files, system: &str, bytes: &[u8]) {
    let hub = now_in(&files.plant, files.plant.function());
    let (raw, meter) = (sha256(bytes), Meter::default());
    let record = files.plant.quiet_of(system, &format!("{raw}.gz"), bytes).await;
    let work = inbound::parse(record.body.as_deref().unwrap()).unwrap();
    let [Work::Object(notice)] = work.as_slice() else { panic!("{work:?}") };
    let (system, now) = (SystemId::parse(system).unwrap(), rfc3339_ms(hub.clock.now()));
    let size = u64::try_from(bytes.len()).unwrap();
    assert!(hub.objects.bytes_keep(notice, &raw, size).await.unwrap());
    let arrival = notice.arrival(&system, &now);
    hub.store.arrival_record(&arrival, &raw, &meter).await.unwrap();
    let document =
        Document { raw_sha256: Some(raw.clone()), ..Document::new(&raw, "unknown", &system, &now) };
    let error = DocumentError::new("dead-letter", "a test");
    let refusal = Refusal { system: &system, error: &error, metrics: None, now: &now };
    hub.store.document_refuse(&hub.objects, &document, &refusal, &meter).await.unwrap();
    hub.store.arrival_point(&arrival, &raw, &meter).await.unwrap();
}
