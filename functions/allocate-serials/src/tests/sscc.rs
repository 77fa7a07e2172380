//! SSCCs: reserved like serial numbers, of a company prefix and an extension digit.

use super::*;

const PREFIX: &str = "0355555";

/// A world with a pool of 1,000 SSCCs, besides that of serial numbers.
async fn world_of_ssccs() -> (World, PoolId) {
    let world = world().await;
    let draft = PoolDraft {
        name: "pallets".into(),
        key: "0355555.1".parse().unwrap(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 9 },
        eu_rules: false,
        from: 1_000,
        to: 1_999,
        max_request: 600,
        threshold: 0,
        policy: domain::policy::PoolPolicy { reservation_events: true, ..Default::default() },
    };
    let id = PoolId::from_entropy([7; 17]);
    world.store.pool_create(id.clone(), draft, "2026-11-23T09:00:00.000Z").await.unwrap();
    (world, id)
}

fn ssccs(request_id: &str, quantity: u64) -> Value {
    json!({ "request_id": request_id, "encoding": "SSCC", "company_prefix": PREFIX,
        "extension_digit": 1, "quantity": quantity, "line_gln": LINE })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[tokio::test]
async fn ssccs_are_reserved_once_per_request_and_told_with_their_check_digits() {
    let (world, pool) = world_of_ssccs().await;
    let (status, first) = world.post(ROOT, &ssccs("S1", 500)).await;
    assert_eq!(status, 201, "{first}");
    assert_eq!((&first["encoding"], &first["gtin"]), (&json!("SSCC"), &Value::Null));
    assert_eq!((&first["company_prefix"], &first["extension_digit"]), (&json!(PREFIX), &json!(1)));
    assert_eq!(
        first["range"],
        json!({
            "from": "103555550000010002", "to": "103555550000014994",
            "from_epc": "urn:epc:id:sscc:0355555.1000001000",
            "to_epc": "urn:epc:id:sscc:0355555.1000001499",
        })
    );
    assert_eq!(first["pool"]["id"], json!(pool.as_str()));
    let (status, again) = world.post(ROOT, &ssccs("S1", 500)).await;
    assert_eq!((status, &again["allocation_id"]), (200, &first["allocation_id"]));
    // The same id for serial numbers, or for another extension digit, is another request.
    for other in [body("S1", 500), with(ssccs("S1", 500), "extension_digit", 2.into())] {
        let (status, refused) = world.post(ROOT, &other).await;
        assert_eq!((status, slug(&refused)), (409, "idempotency-key-reuse"));
    }
    let query = "company_prefix=0355555&extension_digit=1";
    let (_, listed) = world.get(ROOT, query).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    for (query, count) in
        [("gtin=00313000007772", 0), ("company_prefix=0355555&extension_digit=2", 0)]
    {
        let (_, listed) = world.get(ROOT, query).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), count, "{query}");
    }
    for query in
        ["company_prefix=0355555", "extension_digit=1", "company_prefix=1&extension_digit=1"]
    {
        assert_eq!(world.get(ROOT, query).await.0, 400, "{query}");
    }
    assert_eq!(world.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn lists_holds_and_parts_of_ssccs_go_through_the_same_steps() {
    let (world, _) = world_of_ssccs().await;
    let list = with(ssccs("S1", 2), "mode", "list".into());
    let (status, told) = world.post(ROOT, &list).await;
    assert_eq!(
        (status, &told["serials"]),
        (201, &json!(["103555550000010002", "103555550000010019"]))
    );
    let (status, held) = world.post(ROOT, &with(ssccs("S2", 500), "hold_minutes", 5.into())).await;
    assert_eq!((status, &held["status"]), (201, &json!("pending_confirmation")));
    let (status, part) =
        world.post(ROOT, &with(ssccs("S3", 600), "allow_partial", true.into())).await;
    assert_eq!((status, &part["granted"], &part["action_code"]), (201, &json!(498), &json!("P")));
    let (status, refused) = world.post(ROOT, &ssccs("S4", 1)).await;
    assert_eq!((status, slug(&refused)), (422, "insufficient-serial-numbers"));
    let random = with(ssccs("S5", 1), "mode", "random".into());
    let (status, refused) = world.post(ROOT, &random).await;
    assert_eq!((status, slug(&refused)), (422, "mode-not-allowed"));
    assert_eq!(world.store.audit().await.unwrap().breaches, []);
}

async fn give_back(world: &World, id: &str, body: &Value) -> (u16, Value) {
    let event = HttpEvent::new("POST", &format!("{ROOT}/{id}/return"));
    let event = event.header("idempotency-key", "K1").json(body);
    world.send(event.caller(&caller("allocations:write"))).await
}

#[tokio::test]
async fn unused_ssccs_are_given_back_by_their_text() {
    let (world, _) = world_of_ssccs().await;
    let (_, first) = world.post(ROOT, &ssccs("S1", 10)).await;
    let id = first["allocation_id"].as_str().unwrap();
    let wrong =
        json!({ "serials": ["103555550000010004"], "fate": "deactivate", "reason": "torn" });
    assert_eq!(give_back(&world, id, &wrong).await.0, 422, "another check digit");
    let back = json!({ "ranges": [{ "from": "103555550000010002", "to": "103555550000010026" }],
        "fate": "deactivate", "reason": "torn" });
    let (status, answer) = give_back(&world, id, &back).await;
    assert_eq!(status, 200, "{answer}");
    let path = format!("{ROOT}/{id}/reconciliation");
    let (_, books) = world.get(&path, "").await;
    assert_eq!((&books["deactivated"], &books["outstanding"]), (&json!(3), &json!(7)));
    assert_eq!((&books["gtin"], &books["company_prefix"]), (&Value::Null, &json!(PREFIX)));
    assert_eq!(world.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn requests_for_ssccs_that_are_wrong_are_refused_by_name() {
    let (world, pool) = world_of_ssccs().await;
    let check = async |body: Value, status: u16, pointer: &str| {
        let (got, answer) = world.post(ROOT, &body).await;
        assert_eq!(got, status, "{answer}");
        assert_eq!(answer["violations"][0]["pointer"].as_str().unwrap_or_default(), pointer);
    };
    let base = || ssccs("S1", 5);
    check(with(base(), "gtin", "00313000007772".into()), 400, "/gtin").await;
    check(with(base(), "company_prefix", "03555".into()), 400, "/company_prefix").await;
    check(with(base(), "extension_digit", 10.into()), 400, "/extension_digit").await;
    check(with(base(), "encoding", "CN_EDMC".into()), 400, "/encoding").await;
    check(with(base(), "encoding", Value::Null), 400, "/company_prefix").await;
    check(with(base(), "extension_digit", 2.into()), 404, "").await;
    let other = with(body("S1", 5), "pool_id", json!(pool.as_str()));
    check(other, 422, "/pool_id").await;
    assert_eq!(world.store.pool_fetch(&pool).await.unwrap().unwrap().pool.reserved(), 0);
}

#[tokio::test]
async fn the_sample_of_a_reservation_of_ssccs_is_answered() {
    let (world, _) = world_of_ssccs().await;
    let event = include_str!("../../../../events/allocate-serials/reserve-ssccs.json");
    let request = edge::event::request_of_json(event).unwrap();
    assert_eq!(world.app.handle(request).await.status().as_u16(), 201);
}
