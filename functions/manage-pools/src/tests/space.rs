//! Randomised pools and their spaces over HTTP.

use super::*;

fn random() -> Value {
    json!({
        "name": "EU pool", "gtin": "00313000007772", "company_prefix_length": 7,
        "scheme": "randomised", "alphabet": { "sets": ["digits", "upper"] }, "length": 12,
        "eu_rules": true
    })
}

fn without(mut base: Value, name: &str) -> Value {
    base.as_object_mut().unwrap().remove(name);
    base
}

#[tokio::test]
async fn a_randomised_pool_is_answered_with_its_space_and_found_again() {
    let bench = bench().await;
    let (status, pool) = bench.operator("POST", POOLS, Some(&random())).await;
    assert_eq!(status, 201, "{pool}");
    assert_eq!((&pool["scheme"], &pool["width"]), (&json!("randomised"), &Value::Null));
    assert_eq!((&pool["from"], &pool["to"]), (&json!("0"), &json!("999999")));
    assert_eq!((&pool["eu_rules"], &pool["remaining"]), (&json!(true), &json!("1000000")));
    let space = &pool["space"];
    assert_eq!(space["alphabet"], "0123456789ABCDEFGHKMNPRSTVWXYZ");
    assert_eq!((&space["prefix"], &space["length"]), (&json!(""), &json!(12)));
    assert_eq!(space["capacity"], 30_u128.pow(12).to_string());
    assert_eq!(space["one_in"], (30_u128.pow(12) / 1_000_000).to_string());
    let path = format!("{POOLS}/{}", pool["id"].as_str().unwrap());
    assert_eq!(bench.operator("GET", &path, None).await, (200, pool.clone()));
    assert_eq!(bench.operator("GET", POOLS, None).await.1["items"], json!([pool]));
    // Once more, and the boundaries of the first are met.
    let (status, again) = bench.operator("POST", POOLS, Some(&random())).await;
    assert_eq!((status, slug(&again), &again["pool_id"]), (409, "pool-overlap", &pool["id"]));
    assert_eq!(bench.keys.calls(), ["GenerateDataKey"], "one key, and it is not opened here");
}

#[tokio::test]
async fn spaces_are_listed_with_what_their_pools_take_and_without_a_key() {
    let bench = bench().await;
    let first = bench.operator("POST", POOLS, Some(&random())).await.1;
    let second = with(with(random(), "from", json!("5000000")), "eu_rules", json!(false));
    let second = bench.operator("POST", POOLS, Some(&second)).await.1;
    let other = with(with(random(), "prefix", json!("H")), "eu_rules", json!(false));
    let other = with(with(other, "to", json!("9")), "alphabet", json!("XYZ01"));
    assert_eq!(bench.operator("POST", POOLS, Some(&other)).await.0, 201);
    let wide = bench.operator("POST", POOLS, Some(&with(draft(), "width", json!(13)))).await;
    assert_eq!(wide.0, 201, "{}", wide.1);
    reserve(&bench.store, &PoolId::parse(first["id"].as_str().unwrap()).unwrap(), "R1", 25).await;
    let path = format!("{POOLS}/spaces");
    let list = |gtin: &str| HttpEvent::get(&path).query(&format!("gtin={gtin}"));
    let (status, page) = bench.send(&list("313000007772").caller(&context("pools:read"))).await;
    assert_eq!(status, 200, "{page}");
    let spaces = page["items"].as_array().unwrap();
    assert_eq!((spaces.len(), &page["next_cursor"]), (2, &Value::Null));
    let space = spaces.iter().find(|space| space["prefix"] == "").unwrap();
    assert_eq!(space["pools"], json!([first["id"], second["id"]]));
    assert_eq!((&space["claimed"], &space["reserved"]), (&json!("2000000"), &json!("25")));
    assert_eq!((&space["eu_rules"], &space["id"]), (&json!(true), &first["space"]["id"]));
    assert_eq!(space["limit"], ((30_u128.pow(12) - 1) / 10_000).to_string());
    assert_eq!(space["one_in"], (30_u128.pow(12) / 2_000_000).to_string());
    let plain = spaces.iter().find(|space| space["prefix"] == "H").unwrap();
    assert_eq!((&plain["alphabet"], &plain["limit"]), (&json!("01XYZ"), &plain["capacity"]));
    assert!(!page.to_string().contains("key"), "{page}");
    let none = bench.send(&list("00313000007789").caller(&context("pools:read"))).await;
    assert_eq!(none.1["items"], json!([]));
    for query in ["", "gtin=313", "gtin=00313000007772&limit=5"] {
        let event = HttpEvent::get(&path).query(query).caller(&context("pools:read"));
        assert_eq!(bench.send(&event).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn bodies_that_make_no_space_are_refused_at_the_field_that_is_wrong() {
    let bench = bench().await;
    let sets = |sets: Value| json!({ "sets": sets });
    for (name, value, status, pointer) in [
        ("scheme", json!("lists"), 400, "/scheme"),
        ("scheme", json!("sequential"), 400, "/alphabet"),
        ("width", json!(12), 400, "/width"),
        ("length", Value::Null, 400, "/length"),
        ("length", json!(1), 422, "/length"),
        ("length", json!(3), 422, "/length"),
        ("length", json!(21), 422, "/length"),
        ("length", json!(300), 400, "/length"),
        ("prefix", json!("A/B"), 422, "/prefix"),
        ("prefix", json!("ABCDEFGHI"), 422, "/length"),
        ("alphabet", json!("AA"), 422, "/alphabet"),
        ("alphabet", json!("A+B"), 422, "/alphabet"),
        ("alphabet", json!(7), 400, "/alphabet"),
        ("alphabet", json!({ "sets": ["digits"], "more": 1 }), 400, "/alphabet"),
        ("alphabet", sets(json!(["digits", "greek"])), 400, "/alphabet/sets/1"),
        ("alphabet", sets(json!([])), 422, "/alphabet"),
        ("eu_rules", json!("yes"), 400, "/eu_rules"),
        ("from", json!("-1"), 400, "/from"),
        ("to", json!((30_u128.pow(12)).to_string()), 422, "/to"),
        ("to", json!(((30_u128.pow(12) - 1) / 10_000).to_string()), 422, "/to"),
    ] {
        let body = with(random(), name, value);
        let (found, answer) = bench.operator("POST", POOLS, Some(&body)).await;
        assert_eq!((found, slug(&answer)), (status, "validation"), "{body} {answer}");
        assert_eq!(answer["violations"][0]["pointer"], pointer, "{answer}");
    }
    for name in ["width", "from", "to"] {
        let (found, answer) = bench.operator("POST", POOLS, Some(&without(draft(), name))).await;
        assert_eq!((found, slug(&answer)), (400, "validation"), "{answer}");
        assert_eq!(answer["violations"][0]["pointer"], format!("/{name}"), "{answer}");
    }
    let (status, answer) =
        bench.operator("POST", POOLS, Some(&with(draft(), "eu_rules", json!(true)))).await;
    assert_eq!((status, &answer["violations"][0]["pointer"]), (422, &json!("/scheme")));
    assert_eq!(bench.operator("GET", POOLS, None).await.1["items"], json!([]));
    let path = format!("{POOLS}/spaces");
    let event = HttpEvent::get(&path).query("gtin=00313000007772").caller(&context("operator"));
    assert_eq!(bench.send(&event).await.1["items"], json!([]));
}

#[tokio::test]
async fn i1_a_pool_that_could_print_numbers_of_another_is_refused_with_both_texts() {
    let bench = bench().await;
    let decimals = bench.operator("POST", POOLS, Some(&draft())).await.1;
    let digits = with(random(), "alphabet", json!({ "sets": ["digits"] }));
    let (status, clash) = bench.operator("POST", POOLS, Some(&digits)).await;
    assert_eq!((status, slug(&clash)), (409, "space-clash"), "{clash}");
    assert_eq!(clash["texts"], json!(["000000000000", "000000000000"]));
    assert_eq!(clash["pool_id"], decimals["id"]);
    let prefixed = with(with(random(), "prefix", json!("h")), "length", json!(10));
    let space = bench.operator("POST", POOLS, Some(&prefixed)).await.1["space"].take();
    let folded = with(prefixed, "prefix", json!("H"));
    let (status, clash) = bench.operator("POST", POOLS, Some(&folded)).await;
    assert_eq!((status, slug(&clash)), (409, "space-clash"), "{clash}");
    assert_eq!(clash["texts"], json!(["H0000000000", "h0000000000"]));
    assert_eq!(clash["space_id"], space["id"]);
    let plain = with(with(random(), "alphabet", json!("0123456789")), "length", json!(9));
    assert_eq!(bench.operator("POST", POOLS, Some(&plain)).await.0, 201);
    let nine = with(with(draft(), "width", json!(9)), "from", json!("2000000"));
    let (status, clash) =
        bench.operator("POST", POOLS, Some(&with(nine, "to", json!("2000009")))).await;
    assert_eq!((status, slug(&clash)), (409, "space-clash"), "{clash}");
}

#[tokio::test]
async fn a_pool_is_extended_up_to_the_density_and_not_by_one_more() {
    let bench = bench().await;
    let body = with(with(random(), "alphabet", json!("0123456789")), "length", json!(8));
    let (status, pool) = bench.operator("POST", POOLS, Some(&body)).await;
    // Left out, the last number is the last that the rules leave.
    assert_eq!((status, &pool["to"]), (201, &json!("9998")), "{pool}");
    let path = format!("{POOLS}/{}", pool["id"].as_str().unwrap());
    let apply =
        async |last: &str| bench.operator("PATCH", &path, Some(&json!({ "to": last }))).await;
    let (status, dense) = apply("9999").await;
    assert_eq!((status, slug(&dense)), (422, "validation"), "{dense}");
    assert_eq!(dense["violations"][0]["pointer"], "/to");
    assert_eq!((&dense["total"], &dense["limit"]), (&json!("10000"), &json!("9999")));
    assert_eq!(dense["capacity"], "100000000");
    assert_eq!(apply("9000").await.0, 200);
    assert_eq!(apply("9998").await.0, 200);
    let more = with(with(body, "from", json!("20000")), "eu_rules", json!(false));
    let (status, dense) =
        bench.operator("POST", POOLS, Some(&with(more, "to", json!("20000")))).await;
    assert_eq!((status, &dense["total"]), (422, &json!("10000")), "{dense}");
}

#[tokio::test]
async fn a_key_service_that_does_not_answer_is_503_and_no_pool_is_made() {
    let bench = bench().await;
    bench.keys.fail(&[(500, "KMSInternalException"); 3]);
    let (status, body) = bench.operator("POST", POOLS, Some(&random())).await;
    assert_eq!((status, slug(&body)), (503, "unavailable"));
    assert!(!body.to_string().contains("KMS"), "{body}");
    assert_eq!(bench.operator("GET", POOLS, None).await.1["items"], json!([]));
    assert_eq!(bench.operator("POST", POOLS, Some(&random())).await.0, 201);
}
