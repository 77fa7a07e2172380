//! How numbers are wanted: held for a confirmation, fewer than asked for, told one by one.

use super::*;

const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

fn held(request_id: &str, minutes: u32) -> Value {
    let mut body = body(request_id, 5);
    body["hold_minutes"] = minutes.into();
    body
}

fn path(answer: &Value, verb: &str) -> String {
    format!("{ROOT}/{}{verb}", answer["allocation_id"].as_str().unwrap())
}

impl World {
    /// The same table at another time.
    fn at(self, now: OffsetDateTime) -> Self {
        Self { app: app_at((&self.store, &self.shelf), TenantProfile::Manufacturer, now), ..self }
    }
}

#[tokio::test]
async fn held_numbers_are_kept_once_they_are_confirmed() {
    let world = world().await;
    let (status, made) = world.post(ROOT, &held("R1", 120)).await;
    assert_eq!((status, &made["status"]), (201, &json!("pending_confirmation")));
    assert_eq!(made["expires_at"], "2026-11-23T12:00:00.000Z");
    let (status, again) = world.post(ROOT, &held("R1", 120)).await;
    assert_eq!((status, &again["allocation_id"]), (200, &made["allocation_id"]));
    assert_eq!(world.post(ROOT, &held("R1", 121)).await.0, 409);
    // What may be taken back is not closed as if it had been used.
    let (status, refused) = world.post(&path(&made, "/close"), &json!({})).await;
    assert_eq!((status, slug(&refused)), (409, "allocation-state"));
    for _ in 0..2 {
        let (status, kept) = world.post(&path(&made, "/confirm"), &json!({})).await;
        assert_eq!(
            (status, &kept["status"], &kept["expires_at"]),
            (200, &json!("reserved"), &Value::Null)
        );
    }
    let entity =
        Pk::Allocation(AllocationId::parse(made["allocation_id"].as_str().unwrap()).unwrap());
    let records = world.store.audit_records(&entity, 10).await.unwrap();
    assert_eq!(records.len(), 2, "I11: one record of the reservation, one of its confirmation");
    assert_eq!(records[1].before.as_deref(), Some("pending_confirmation"));
    let ended = world.store.holds_ended("2026-11-24T00:00:00.000Z", 10).await.unwrap();
    assert!(ended.is_empty(), "nothing waits for the sweep");
}

#[tokio::test]
async fn a_confirmation_comes_too_late_at_the_very_end_of_the_hold() {
    let world = world().await;
    let (_, made) = world.post(ROOT, &held("R1", 120)).await;
    let world = world.at(NOON);
    let (status, refused) = world.post(&path(&made, "/confirm"), &json!({})).await;
    assert_eq!((status, slug(&refused)), (409, "allocation-state"));
    assert_eq!(refused["ended_at"], "2026-11-23T12:00:00.000Z");
    let ended = world.store.holds_ended("2026-11-23T12:00:00.000Z", 10).await.unwrap();
    assert_eq!(ended.len(), 1);
    for _ in 0..2 {
        let given_up =
            world.store.allocation_expire(&ended[0], "2026-11-23T12:00:30.000Z").await.unwrap();
        assert_eq!(given_up.status, domain::allocation::AllocationStatus::Expired);
    }
    let (_, now) = world.get(&path(&made, ""), "").await;
    assert_eq!(now["status"], "expired");
    assert_eq!(world.post(&path(&made, "/confirm"), &json!({})).await.0, 409);
    assert_eq!(world.post(&path(&made, "/void"), &json!({})).await.0, 409);
    // The request keeps its answer for ever (I3), and the numbers are gone for good (I1, I2).
    let (status, again) = world.post(ROOT, &held("R1", 120)).await;
    assert_eq!((status, &again["status"]), (200, &json!("expired")));
    let (_, other) = world.post(ROOT, &body("R2", 1)).await;
    assert_eq!(other["range"]["from"], "000000001005");
    let (_, balance) = world.get(&path(&made, "/reconciliation"), "").await;
    assert_eq!((&balance["deactivated"], &balance["balanced"]), (&json!(5), &json!(true)));
    assert_eq!(world.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn numbers_confirmed_while_the_sweep_is_on_its_way_stay() {
    let world = world().await;
    let (_, made) = world.post(ROOT, &held("R1", 120)).await;
    let ended = world.store.holds_ended("2026-11-23T12:00:00.000Z", 10).await.unwrap();
    assert_eq!(world.post(&path(&made, "/confirm"), &json!({})).await.0, 200);
    let refused = world.store.allocation_expire(&ended[0], "2026-11-23T12:00:30.000Z").await;
    assert!(matches!(refused, Err(store::allocation::ChangeError::Transition(_))));
    let (_, now) = world.get(&path(&made, ""), "").await;
    assert_eq!(now["status"], "reserved");
}

#[tokio::test]
async fn held_numbers_may_be_voided() {
    let world = world().await;
    let (_, made) = world.post(ROOT, &held("R1", 120)).await;
    let (status, voided) =
        world.post(&path(&made, "/void"), &json!({ "reason": "no order" })).await;
    assert_eq!((status, &voided["status"]), (200, &json!("voided")));
    assert!(world.store.holds_ended("2026-11-24T00:00:00.000Z", 10).await.unwrap().is_empty());
    assert_eq!(world.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn fewer_numbers_are_given_where_that_will_do() {
    let world = world().await;
    assert_eq!(world.post(ROOT, &body("R1", 500)).await.0, 201);
    assert_eq!(world.post(ROOT, &body("R2", 460)).await.0, 201);
    world.pool(2, 5_000, 5_004).await;
    let mut partial = body("R3", 100);
    partial["allow_partial"] = true.into();
    let (status, given) = world.post(ROOT, &partial).await;
    assert_eq!((status, &given["granted"], &given["requested"]), (201, &json!(40), &json!(100)));
    assert_eq!((&given["action_code"], &given["pool"]["remaining"]), (&json!("P"), &json!("0")));
    assert_eq!(given["range"]["to"], "000000001999");
    let (status, again) = world.post(ROOT, &partial).await;
    assert_eq!((status, &again["granted"], &again["requested"]), (200, &json!(40), &json!(100)));
    // Then what the other pool has, then nothing.
    partial["request_id"] = "R4".into();
    assert_eq!(world.post(ROOT, &partial).await.1["granted"], 5);
    partial["request_id"] = "R5".into();
    let (status, refused) = world.post(ROOT, &partial).await;
    assert_eq!((status, slug(&refused)), (422, "insufficient-serial-numbers"));
    // Too much is still too much.
    partial["quantity"] = 501.into();
    assert_eq!(world.post(ROOT, &partial).await.0, 422);
    assert_eq!(world.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn numbers_are_told_one_by_one_where_they_are_few() {
    let world = world().await;
    let mut list = body("R1", 3);
    list["mode"] = "list".into();
    let (_, told) = world.post(ROOT, &list).await;
    assert_eq!(told["mode"], "list");
    assert_eq!(told["serials"], json!(["000000001000", "000000001001", "000000001002"]));
    let (_, again) = world.get(&path(&told, ""), "").await;
    assert_eq!(again["serials"], told["serials"]);
    let (_, range) = world.post(ROOT, &body("R2", 3)).await;
    assert_eq!((&range["mode"], &range["serials"]), (&json!("range"), &Value::Null));
}
