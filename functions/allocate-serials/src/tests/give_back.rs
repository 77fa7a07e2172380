//! Unused numbers are given up: what is asked in which words, and what is answered.

use testkit::{Shelf, TestClock};

use super::*;

/// A world whose buckets are there.
async fn shelved() -> World {
    shelved_again(world().await)
}

/// The same for another process.
fn shelved_again(world: World) -> World {
    let nowhere = Some("http://127.0.0.1:9".to_owned());
    let settings = AwsSettings::new("eu-central-1", nowhere, ("test", "test"), None);
    let buckets = Buckets { inbound: "i".into(), outbound: "o".into(), documents: "d".into() };
    let shelf = Shelf::new(&TestClock::default());
    let objects = Objects { s3: s3(&settings, &shelf.http()), buckets };
    let jobs = Jobs { sqs: sqs(&settings, &shelf.http()), url: "http://127.0.0.1:9/jobs".into() };
    let clock = Clock::fixed(datetime!(2026-11-23 10:00 UTC));
    let router = router(Hub::new(world.store.clone(), objects, jobs, clock.clone()));
    World { app: app(router, TenantProfile::Manufacturer, clock), ..world }
}

impl World {
    async fn give_back(&self, id: &str, key: &str, body: &Value) -> (u16, Value) {
        let event = HttpEvent::new("POST", &format!("{ROOT}/{id}/return"))
            .header("idempotency-key", key)
            .json(body)
            .caller(&caller("allocations:write"));
        self.send(event).await
    }
}

async fn reserved(world: &World, request_id: &str, quantity: u64) -> String {
    let (status, made) = world.post(ROOT, &body(request_id, quantity)).await;
    assert_eq!(status, 201);
    let id = made["allocation_id"].as_str().unwrap().to_owned();
    assert_eq!(made["links"]["return"], format!("{ROOT}/{id}/return"));
    id
}

#[tokio::test]
async fn numbers_are_given_up_by_list_by_range_and_all_at_once() {
    let world = shelved().await;
    let id = reserved(&world, "R1", 100).await;
    let list = json!({ "serials": ["000000001003", "000000001001", "000000001001"],
        "fate": "destroy", "reason": "torn" });
    let ranges = json!({ "ranges": [{ "from": "000000001010", "to": "000000001019" }],
        "fate": "return", "reason": "order cut short" });
    let all = json!({ "all_unused": true, "fate": "deactivate", "reason": "end of order" });
    for (key, body, taken) in [("K1", &list, 2), ("K2", &ranges, 10), ("K3", &all, 88)] {
        let (status, first) = world.give_back(&id, key, body).await;
        assert_eq!((status, &first["taken"]), (200, &json!(taken)), "{first}");
        assert_eq!((&first["used_meanwhile"], &first["fate"]), (&json!(0), &body["fate"]));
        let (status, mut again) = world.give_back(&id, key, body).await;
        assert_eq!((status, &again["replay"]), (200, &Value::Bool(true)));
        again.as_object_mut().unwrap().remove("replay");
        assert_eq!(again, first);
    }
    let (status, refused) = world.give_back(&id, "K2", &list).await;
    assert_eq!((status, slug(&refused)), (409, "idempotency-key-reuse"));
    let (_, balance) = world.get(&format!("{ROOT}/{id}/reconciliation"), "").await;
    let found = ["returned", "deactivated", "destroyed", "outstanding"].map(|name| &balance[name]);
    assert_eq!(found, [&json!(10), &json!(88), &json!(2), &json!(0)]);
    assert_eq!((&balance["balanced"], &balance["documents_total"]), (&json!(true), &json!(3)));
}

#[tokio::test]
async fn wrong_bodies_name_what_is_wrong_and_change_nothing() {
    let world = shelved().await;
    let id = reserved(&world, "R1", 100).await;
    let with = |selection: Value| {
        let mut body = json!({ "fate": "return", "reason": "x" });
        body.as_object_mut().unwrap().extend(selection.as_object().unwrap().clone());
        body
    };
    let range = |from: &str, to: &str| with(json!({ "ranges": [{ "from": from, "to": to }] }));
    let many: Vec<String> = (0..10_001).map(|n| format!("{n:012}")).collect();
    let (first, last) = ("000000001000", "000000001099");
    let cases = [
        (with(json!({})), 400, "validation"),
        (with(json!({ "all_unused": false })), 400, "validation"),
        (with(json!({ "all_unused": true, "serials": [first] })), 400, "validation"),
        (with(json!({ "all_unused": true, "fate": "sell" })), 400, "validation"),
        (with(json!({ "all_unused": true, "reason": "" })), 400, "validation"),
        (with(json!({ "all_unused": true, "reason": "a\u{0}" })), 400, "validation"),
        (with(json!({ "all_unused": true, "lot": "L" })), 400, "validation"),
        (with(json!({ "serials": [] })), 422, "size-limit"),
        (with(json!({ "serials": many })), 422, "size-limit"),
        (with(json!({ "serials": [first, "1001"] })), 422, "validation"),
        (with(json!({ "serials": ["000000001100"] })), 422, "validation"),
        (with(json!({ "serials": ["00000000100x"] })), 422, "validation"),
        (range(last, first), 422, "validation"),
        (range(first, "000000001100"), 422, "validation"),
        (range("000000000999", last), 422, "validation"),
    ];
    for (body, status, kind) in cases {
        let (got, answer) = world.give_back(&id, "K", &body).await;
        assert_eq!((got, slug(&answer)), (status, kind), "{body}");
    }
    let (_, refused) =
        world.give_back(&id, "K", &with(json!({ "serials": [first, "1001"] }))).await;
    let told = &refused["violations"][0];
    assert_eq!(told["pointer"], "/serials/1");
    assert_eq!(told["detail"], "\"1001\" is no serial number of this allocation");
    let (_, refused) = world.give_back(&id, "K", &with(json!({ "serials": vec!["x"; 30] }))).await;
    let named = refused["violations"].as_array().unwrap().len();
    assert_eq!((named, &refused["count"]), (20, &json!(30)));
    let all = with(json!({ "all_unused": true }));
    let path = format!("{ROOT}/{id}/return");
    assert_eq!(world.post(&path, &all).await.0, 400, "the key is needed");
    assert_eq!(world.give_back(&id, "a b", &all).await.0, 400);
    assert_eq!(world.give_back(&"B".repeat(26), "K", &all).await.0, 404);
    assert_eq!(world.give_back(&id, "K", &all).await.0, 200);
    // What is given up is not unused any more.
    let (status, refused) = world.give_back(&id, "L", &range(first, last)).await;
    assert_eq!((status, &refused["count"]), (422, &json!(100)));
    assert_eq!(refused["serials"].as_array().unwrap().len(), 20);
    assert_eq!(refused["serials"][0], first);
}

#[tokio::test]
async fn allocations_that_are_over_give_nothing_up() {
    let world = shelved().await;
    let id = reserved(&world, "R1", 10).await;
    let all = json!({ "all_unused": true, "fate": "return", "reason": "x" });
    let (status, _) = world.post(&format!("{ROOT}/{id}/void"), &json!({})).await;
    assert_eq!(status, 200);
    let (status, refused) = world.give_back(&id, "K", &all).await;
    assert_eq!((status, slug(&refused)), (409, "allocation-state"));
    assert_eq!(refused["status_now"], "voided");
}

#[tokio::test]
async fn pool_that_offers_again_serves_from_what_was_returned_first() {
    let world = shelved().await;
    let id = reserved(&world, "R1", 100).await;
    let pool = PoolId::from_entropy([1; 17]);
    let mut change = store::pool::PoolChange::default();
    change.policy.reoffer = Some(domain::policy::Reoffer::Returned);
    world.store.pool_change(&pool, &change, ("x", "2026-11-23T09:30:00.000Z")).await.unwrap();
    // Known as it was for a minute; another process knows it at once.
    let world = shelved_again(world);
    let ranges = json!({ "ranges": [{ "from": "000000001010", "to": "000000001019" }],
        "fate": "return", "reason": "order cut short" });
    let (_, change) = world.give_back(&id, "K", &ranges).await;
    assert_eq!((&change["taken"], &change["offered_again"]), (&json!(10), &json!(true)));
    let (status, second) = world.post(ROOT, &body("R2", 10)).await;
    assert_eq!((status, &second["range"]["from"]), (201, &json!("000000001010")));
    let (status, again) = world.post(ROOT, &body("R2", 10)).await;
    assert_eq!((status, &again["allocation_id"]), (200, &second["allocation_id"]));
    let (_, third) = world.post(ROOT, &body("R3", 10)).await;
    assert_eq!(third["range"]["from"], "000000001100", "none is left, so the cursor serves");
    assert_eq!(world.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn sample_event_is_answered() {
    let world = shelved().await;
    let event = include_str!("../../../../events/allocate-serials/return.json");
    let request = edge::event::request_of_json(event).unwrap();
    // The sample names nobody's allocation.
    assert_eq!(world.app.handle(request).await.status().as_u16(), 404);
}
