//! I6: what becomes of a dead message: of each kind, and whatever became of its document meanwhile.

use aws_lambda_events::sqs::SqsMessage;
use domain::ids::SystemId;
use quarantine_deliveries::{DELIVERIES_MAX, Hub, keep};
use reconcile_commissioning::handle;
use store::document::{Document, DocumentStatus};
use store::inbound::again_message;
use store::meter::Meter;

use super::*;

fn hub(plant: &Plant) -> Hub {
    let function = plant.function();
    Hub { store: function.store, objects: function.objects, clock: function.clock }
}

fn message(body: &str) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.body = Some(body.to_owned());
    message
}

/// The version of a document: it counts up with every write.
async fn version(plant: &Plant, sha: &str) -> u64 {
    plant.hub.store.document_fetch(sha).await.unwrap().unwrap().version
}

pub(super) async fn dead_messages_of_each_kind(files: &Files) {
    let plant = &files.plant;
    a_message_that_could_not_be_recorded(plant).await;
    a_notice_of_what_was_judged_meanwhile(plant).await;
    a_request_to_judge(plant).await;
}

/// However often it comes, the last delivery keeps the message alone, and no record turns for ever.
async fn a_message_that_could_not_be_recorded(plant: &Plant) {
    let mut record = plant.quiet("dead-for-ever.xml", &document(60, 5)).await;
    let body = record.body.clone().unwrap();
    for (count, kept) in [(DELIVERIES_MAX - 1, false), (DELIVERIES_MAX, true)] {
        record.attributes.insert("ApproximateReceiveCount".to_owned(), count.to_string());
        keep(&hub(plant), record.clone()).await.unwrap();
        let sha = sha256(body.as_bytes());
        let found = plant.hub.store.document_fetch(&sha).await.unwrap();
        assert_eq!(found.is_some_and(|document| document.kind == "message"), kept, "{count}");
    }
    assert_eq!(plant.kept(&sha256(body.as_bytes())).await, body.as_bytes());
}

/// A copy more of a file that somebody came to an end with changes nothing of it.
async fn a_notice_of_what_was_judged_meanwhile(plant: &Plant) {
    let bytes = document(65, 5);
    let record = plant.quiet("judged.xml", &bytes).await;
    handle(&plant.function(), record.clone()).await.unwrap();
    let sha = sha256(&bytes);
    let before = version(plant, &sha).await;
    keep(&hub(plant), record).await.unwrap();
    // Another delivery of the same bytes, unread: it is recorded and told, and nothing is refused.
    keep(&hub(plant), plant.quiet("judged-too.xml", &bytes).await).await.unwrap();
    assert_eq!(version(plant, &sha).await, before);
    let view = plant.settled(&sha).await;
    assert_eq!((&view["status"], arrivals(&view)), (&json!("reconciled"), 2), "{view}");
    assert!(codes(&view).contains(&"DUPLICATE_TRANSMISSION"), "{view}");
}

/// A request to judge: what is unfinished is refused, what is done is left alone, and what is not there
/// is kept as the message that it is.
async fn a_request_to_judge(plant: &Plant) {
    let system = SystemId::parse(SYSTEM).unwrap();
    let (sha, now) = (sha256(b"unfinished"), "2026-11-03T10:00:00.000Z");
    let body = again_message(&sha, &system);
    keep(&hub(plant), message(&body)).await.unwrap();
    let unknown = sha256(body.as_bytes());
    let kept = plant.hub.store.document_fetch(&unknown).await.unwrap().unwrap();
    assert_eq!((kept.kind.as_str(), kept.status()), ("message", DocumentStatus::Quarantined));
    let fresh = Document::new(&sha, "epcis-xml-1", &system, now);
    let begin = |document: &mut Document| {
        document.judgement_mut(&system, now).unwrap().begin(now);
    };
    let meter = Meter::default();
    plant.hub.store.document_change(&sha, Some(&fresh), &meter, begin).await.unwrap();
    keep(&hub(plant), message(&body)).await.unwrap();
    let refused = plant.hub.store.document_fetch(&sha).await.unwrap().unwrap();
    assert_eq!(refused.refusal().unwrap().code, "dead-letter");
    assert_eq!((refused.status(), refused.next_try_at()), (DocumentStatus::Quarantined, None));
    keep(&hub(plant), message(&body)).await.unwrap();
    assert_eq!(version(plant, &sha).await, refused.version, "it was worked off");
}
