//! Pools of SSCCs: a company prefix and an extension digit in the place of a GTIN.

use super::*;

fn draft() -> Value {
    json!({
        "name": "Pallets", "encoding": "SSCC", "company_prefix": "0355555", "extension_digit": 1,
        "from": "1000", "to": "1999", "max_request": 500, "threshold": 10
    })
}

#[tokio::test]
async fn a_pool_of_ssccs_is_answered_found_and_changed() {
    let bench = bench().await;
    let (status, pool) = bench.operator("POST", POOLS, Some(&draft())).await;
    assert_eq!(status, 201, "{pool}");
    let expected = json!({
        "id": pool["id"], "name": "Pallets", "status": "active", "encoding": "SSCC", "gtin": null,
        "company_prefix": "0355555", "extension_digit": 1, "company_prefix_length": 7,
        "scheme": "sequential", "width": 9, "from": "1000", "to": "1999", "cursor": "1000",
        "remaining": "1000", "reserved": "0", "below_threshold": false, "max_request": 500,
        "threshold": 10, "open_reservations": 0, "created_at": "2026-11-23T10:00:00.000Z",
        "space": null, "eu_rules": false, "threshold_hours": null, "auto_extend": null,
        "reservation_events": false, "reoffer": "never"
    });
    assert_eq!(pool, expected);
    let path = format!("{POOLS}/{}", pool["id"].as_str().unwrap());
    assert_eq!(bench.operator("GET", &path, None).await, (200, expected.clone()));
    let listed = json!({"items": [expected], "next_cursor": null});
    assert_eq!(bench.operator("GET", POOLS, None).await, (200, listed));
    let change = json!({ "to": "2999", "status": "suspended" });
    let (status, changed) = bench.operator("PATCH", &path, Some(&change)).await;
    let now = (&changed["to"], &changed["remaining"], &changed["status"]);
    assert_eq!((status, now), (200, (&json!("2999"), &json!("2000"), &json!("suspended"))));
    let beyond = json!({ "to": "1000000000" });
    let (status, refused) = bench.operator("PATCH", &path, Some(&beyond)).await;
    assert_eq!((status, &refused["violations"][0]["pointer"]), (422, &json!("/to")));
    assert_eq!(bench.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn i1_no_two_pools_of_ssccs_overlap_however_long_their_prefixes_are() {
    let bench = bench().await;
    assert_eq!(bench.operator("POST", POOLS, Some(&draft())).await.0, 201);
    let check = async |body: Value, expected: u16| {
        let (status, answer) = bench.operator("POST", POOLS, Some(&body)).await;
        assert_eq!(status, expected, "{answer}");
        if status == 409 {
            assert_eq!(slug(&answer), "pool-overlap");
        }
    };
    check(draft(), 409).await;
    check(with(draft(), "from", "1999".into()), 409).await;
    // Serial references 1000 to 1999 of 0355555 are 000 to 999 of 0355555000001.
    let longer = |from: &str, to: &str| {
        let body = with(draft(), "company_prefix", "035555500000".into());
        with(with(body, "from", from.into()), "to", to.into())
    };
    check(longer("1999", "2500"), 409).await;
    check(longer("2000", "2500"), 201).await;
    check(with(draft(), "extension_digit", 2.into()), 201).await;
    check(with(draft(), "company_prefix", "0355556".into()), 201).await;
    assert_eq!(bench.store.audit().await.unwrap().breaches, []);
}

#[tokio::test]
async fn what_is_none_of_ssccs_is_refused_by_name() {
    let bench = bench().await;
    let check = async |name: &str, value: Value, status: u16, pointer: &str| {
        let body = with(draft(), name, value);
        let (got, answer) = bench.operator("POST", POOLS, Some(&body)).await;
        assert_eq!(
            (got, &answer["violations"][0]["pointer"]),
            (status, &json!(pointer)),
            "{answer}"
        );
    };
    check("company_prefix", json!("03555"), 400, "/company_prefix").await;
    check("company_prefix", json!("0355555555555"), 400, "/company_prefix").await;
    check("company_prefix", json!("03555x5"), 400, "/company_prefix").await;
    check("company_prefix", Value::Null, 400, "/company_prefix").await;
    check("extension_digit", json!(10), 400, "/extension_digit").await;
    check("extension_digit", Value::Null, 400, "/extension_digit").await;
    check("gtin", json!("00313000007772"), 400, "/gtin").await;
    check("encoding", json!("SGTIN"), 400, "/company_prefix").await;
    check("encoding", Value::Null, 400, "/company_prefix").await;
    check("company_prefix_length", json!(7), 400, "/company_prefix_length").await;
    check("width", json!(9), 400, "/width").await;
    check("length", json!(9), 400, "/length").await;
    check("scheme", json!("randomised"), 422, "/scheme").await;
    check("scheme", json!("list"), 422, "/scheme").await;
    check("eu_rules", json!(true), 422, "/eu_rules").await;
    check("to", json!("1000000000"), 422, "/to").await;
    check("to", Value::Null, 400, "/to").await;
    let (_, pools) = bench.operator("GET", POOLS, None).await;
    assert_eq!(pools["items"], json!([]), "nothing was created");
}
