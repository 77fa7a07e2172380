use edge::HttpEvent;
use serde_json::{Value, json};
use store::document_action::{Action, By};
use store::keys::Pk;

use super::{Bench, DOCUMENTS, bench, bound, context, sha, slug};

async fn act(bench: &Bench, n: u8, verb: &str, scopes: &str) -> (u16, Value) {
    let path = format!("{DOCUMENTS}/{}/{verb}", sha(n));
    let event = HttpEvent::new("POST", &path).caller(&context(scopes));
    let event = if verb == "reject" { event.json(&json!({"reason": "a test"})) } else { event };
    bench.send(event).await
}

#[tokio::test]
async fn what_waits_is_tried_given_up_or_read_again_and_nothing_else() {
    // 1 is reconciled, 2 quarantined, 3 parked for one of its systems.
    for (n, verb, status) in [
        (1, "retry", 409),
        (1, "reject", 409),
        (1, "reprocess", 202),
        (2, "retry", 409),
        (2, "reject", 202),
        (2, "reprocess", 202),
        (3, "retry", 202),
        (3, "reject", 202),
        (3, "reprocess", 202),
        (9, "retry", 404),
    ] {
        let bench = bench().await;
        let (found, body) = act(&bench, n, verb, "findings:write").await;
        assert_eq!(found, status, "{n} {verb}: {body}");
        match status {
            409 => assert_eq!(slug(&body), "document-state"),
            202 => {
                let again = act(&bench, n, verb, "findings:write").await;
                assert_eq!(again, (202, body), "{n} {verb} twice");
                let entity = Pk::Document(sha(n));
                let records = bench.store.audit_records(&entity, 9).await.unwrap();
                assert_eq!(records.len(), 1, "{n} {verb}");
                assert_eq!((records[0].action.as_str(), records[0].actor.as_str()), (verb, "L1/"));
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_document_read_again_waits_without_error_and_one_given_up_says_why() {
    let bench = bench().await;
    let (_, view) = act(&bench, 2, "reject", "operator").await;
    assert_eq!(
        (&view["status"], &view["resolution"]["reason"]),
        (&json!("quarantined"), &json!("a test"))
    );
    let (_, view) = act(&bench, 2, "reprocess", "operator").await;
    assert_eq!((&view["status"], &view["error"]), (&json!("received"), &Value::Null), "{view}");
    assert_eq!((&view["resolution"], view["next_try_at"].is_string()), (&Value::Null, true));
    // Until it was read it can be neither tried nor given up.
    assert_eq!(act(&bench, 2, "retry", "operator").await.0, 409);
    assert_eq!(act(&bench, 2, "reject", "operator").await.0, 409);
    let (_, view) = act(&bench, 3, "reject", "operator").await;
    assert_eq!((&view["status"], view["next_try_at"].is_string()), (&json!("parked"), true));
}

#[tokio::test]
async fn i8_acting_takes_the_scope_and_a_document_of_ones_own() {
    let bench = bench().await;
    assert_eq!(act(&bench, 3, "retry", "documents:read reports:read").await.0, 403);
    for (system, n, status) in [("L2", 1, 404), ("L2", 2, 409), ("L2", 3, 403)] {
        let path = format!("{DOCUMENTS}/{}/retry", sha(n));
        let event = HttpEvent::new("POST", &path).caller(&bound("findings:write", system));
        assert_eq!(bench.send(event).await.0, status, "{system} {n}");
    }
    let path = format!("{DOCUMENTS}/{}/reject", sha(2));
    for body in [json!({}), json!({"reason": ""}), json!({"reason": "x", "why": 1})] {
        let event = HttpEvent::new("POST", &path).caller(&context("operator")).json(&body);
        assert_eq!(bench.send(event).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn what_says_more_than_an_action_takes_is_refused() {
    let bench = bench().await;
    for (verb, body, status) in [
        ("retry", json!({"a": 1}), 400),
        ("reprocess", json!({"reason": "x"}), 400),
        ("retry", json!({}), 202),
    ] {
        let path = format!("{DOCUMENTS}/{}/{verb}", sha(3));
        let event = HttpEvent::new("POST", &path).caller(&context("operator")).json(&body);
        assert_eq!(bench.send(event).await.0, status, "{verb} {body}");
    }
}

#[tokio::test]
async fn of_two_actions_at_once_both_are_kept_in_order() {
    let bench = bench().await;
    let by =
        By { actor: "L1/a", now: "2026-11-23T10:00:00.000Z", until: "2026-11-23T12:15:00.000Z" };
    let document = sha(1);
    let reprocess = || bench.store.document_act(&document, &Action::Reprocess, by);
    let (one, other) = tokio::join!(reprocess(), reprocess());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((&one.0, one.1 != other.1), (&other.0, true));
    let entity = Pk::Document(sha(1));
    assert_eq!(bench.store.audit_records(&entity, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_sample_event_gives_a_document_up() {
    let bench = bench().await;
    let event = include_str!("../../../../events/report-operations/reject-document.json");
    let request = edge::event::request_of_json(event).unwrap();
    assert_eq!(bench.door.handle(request).await.status().as_u16(), 202);
    let stored = bench.store.document_fetch(&sha(2)).await.unwrap().unwrap();
    assert_eq!(stored.resolution.unwrap().by, "line-3/c7");
}
