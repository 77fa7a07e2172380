//! The end of a batch next to what else is done with its numbers at that time, and with callers that die.

use domain::fact::Fact;
use domain::give_back::Fate;
use domain::ids::{AllocationId, RequestId, SystemId};
use edge::HttpEvent;
use serde_json::json;
use store::number_change::{Request, Selection};
use testkit::Faults;

use super::closing::offering;
use super::*;

const NOW: &str = "2026-11-23T10:00:00.000Z";
const LATER: &str = "2026-11-23T11:00:00.000Z";

impl World {
    /// A process that dies when its `k`-th call was served.
    fn dying(&self, k: usize) -> Store {
        let client = self.dynamo.client_with(&Faults::none().dies_after(k));
        Store::new(client, &self.store.table)
    }

    fn objects(&self) -> Objects {
        let nowhere = Some("http://127.0.0.1:9".to_owned());
        let settings = AwsSettings::new("eu-central-1", nowhere, ("test", "test"), None);
        let buckets = Buckets { inbound: "i".into(), outbound: "o".into(), documents: "d".into() };
        Objects { s3: s3(&settings, &self.shelf.http()), buckets }
    }

    async fn balance(&self, id: &AllocationId) -> Value {
        self.get(&format!("{ROOT}/{id}/reconciliation"), "").await.1
    }
}

#[tokio::test]
async fn what_was_given_back_by_one_that_died_is_in_the_batch_document() {
    let world = offering().await;
    let objects = world.objects();
    let mut unfinished = 0;
    for k in 1..=32 {
        let id = world.reserved_some(&format!("R{k}"), 10).await;
        let (requester, key) = (SystemId::parse("L1").unwrap(), RequestId::parse("K").unwrap());
        let request = Request {
            requester: &requester,
            actor: "L1/c",
            key: &key,
            selection: Selection::Runs(vec![(0, 3)]),
            fate: Fate::Return,
            reason: "order cut short",
        };
        let died = world.dying(k).numbers_give_up(&objects, &id, &request, NOW).await.is_err();
        let closed = world.close(&id, &json!({ "reason": "end" })).await;
        assert_eq!((closed.0, &closed.1["status"]), (200, &json!("closed")), "{k}: {closed:?}");
        let counted = world.balance(&id).await["returned"].clone();
        unfinished += u32::from(died && counted == 4);
        // Whatever completes what was left undone has nothing to do.
        for due in world.store.documents_due(LATER, 100).await.unwrap() {
            let sha = &due.content_sha256;
            world.store.number_change_resume(&objects, sha, LATER).await.unwrap();
        }
        assert_eq!(world.balance(&id).await["returned"], counted, "{k}");
        let (_, seen) = world.get(&format!("{ROOT}/{id}"), "").await;
        assert_eq!(seen["closing"]["ledger_changed"], json!(false), "{k}");
    }
    assert!(unfinished > 0, "nobody died with a change that was recorded");
    world.holds().await;
}

#[tokio::test]
async fn change_that_is_recorded_behind_the_count_has_the_end_decided_again() {
    let world = offering().await;
    let id = world.reserved_some("R1", 10).await;
    let seen = world.store.closing_seen(&id).await.unwrap().unwrap();
    let (requester, key) = (SystemId::parse("L1").unwrap(), RequestId::parse("K").unwrap());
    let request = Request {
        requester: &requester,
        actor: "L1/c",
        key: &key,
        selection: Selection::Runs(vec![(0, 3)]),
        fate: Fate::Return,
        reason: "order cut short",
    };
    // The allocation is active before and after: its state alone tells nothing.
    world.told(&id, Fact::Commissioned, (9, 9)).await;
    let active = world.store.closing_seen(&id).await.unwrap().unwrap();
    assert!(active.place() > seen.place());
    world.store.numbers_give_up(&world.objects(), &id, &request, NOW).await.unwrap();
    let after = world.store.closing_seen(&id).await.unwrap().unwrap();
    assert_eq!(active.allocation.status, after.allocation.status);
    assert_eq!(after.place(), active.place() + 1, "so a decision on what was seen before fails");
}

#[tokio::test]
async fn numbers_that_come_to_be_unused_again_do_not_keep_a_run_from_its_end() {
    let world = offering().await;
    let report = json!({ "unused": "return" });
    let (mut k, mut given) = (0, 0);
    loop {
        k += 5;
        assert!(k < 100, "the end of a run has fewer calls");
        let id = world.reserved_some(&format!("R{k}"), 6).await;
        world.told(&id, Fact::Commissioned, (0, 3)).await;
        let app = app_at(
            (&world.dying(k), &world.shelf),
            TenantProfile::Manufacturer,
            datetime!(2026-11-23 10:00 UTC),
        );
        let close = HttpEvent::new("POST", &format!("{ROOT}/{id}/close")).json(&report);
        let close = close.caller(&caller("allocations:write")).request().unwrap();
        let done = app.handle(close).await.status().is_success();
        let before = world.balance(&id).await["returned"].clone();
        let open = world.get(&format!("{ROOT}/{id}"), "").await.1["status"] == "active";
        if open {
            world.taken_back(&id, 3).await;
        }
        let (status, closed) = world.close(&id, &report).await;
        assert_eq!((status, &closed["status"]), (200, &json!("closed")), "{k}: {closed}");
        if open {
            assert_eq!(world.balance(&id).await["returned"], 3, "{k}");
            given += u32::from(before == 2);
        }
        if done {
            break;
        }
    }
    assert!(given > 0, "nobody died between what was given back and the end");
    world.holds().await;
}

#[tokio::test]
async fn key_of_one_system_is_not_that_of_another() {
    let world = world().await;
    let id = world.reserved_some("R1", 10).await;
    let close = |system: &'static str, reason: &'static str| {
        let caller = AuthorizerContext { system: system.into(), ..caller("allocations:write") };
        HttpEvent::new("POST", &format!("{ROOT}/{id}/close"))
            .header("idempotency-key", "E1")
            .json(&json!({ "reason": reason, "production": [{ "packaging_code": "00313000007772",
                "packaging_level": "EA", "quantity_reported": 1 }] }))
            .caller(&caller)
    };
    assert_eq!(world.send(close("L1", "over")).await.1["status"], "pending_review");
    assert_eq!(world.review(&id, "other", "reopen").await.1["status"], "active");
    // The same system's key is its own request for ever.
    assert_eq!(world.send(close("L1", "over")).await.1["replay"], true);
    let (status, reused) = world.send(close("L1", "done")).await;
    assert_eq!((status, slug(&reused)), (409, "idempotency-key-reuse"));
    // Another system's key of the same text is another one.
    let (status, closed) = world.send(close("L2", "done")).await;
    assert_eq!((status, &closed["status"]), (200, &json!("pending_review")), "{closed}");
}
