//! How a pool is looked after, and where its events are sent.

use super::*;

const WEBHOOK: &str = "/api/v1/l3/pools/webhook";

#[tokio::test]
async fn a_pool_says_how_it_is_looked_after_and_0_takes_it_away() {
    let bench = bench().await;
    let mut body = draft();
    body["threshold_hours"] = json!(48);
    body["auto_extend"] = json!({"by": 1_000, "ceiling": "2000000"});
    body["reservation_events"] = json!(true);
    let (status, pool) = bench.operator("POST", POOLS, Some(&body)).await;
    assert_eq!((status, &pool["threshold_hours"]), (201, &json!(48)), "{pool}");
    assert_eq!(pool["auto_extend"], json!({"by": 1_000, "ceiling": "2000000"}));
    assert_eq!(pool["reservation_events"], true);
    let path = format!("{POOLS}/{}", pool["id"].as_str().unwrap());
    let apply = async |body: Value| bench.operator("PATCH", &path, Some(&body)).await;
    let kept = apply(json!({"threshold": 5})).await.1;
    assert_eq!((&kept["threshold_hours"], &kept["reservation_events"]), (&json!(48), &json!(true)));
    let off = json!({"threshold_hours": 0, "auto_extend": {"by": 0}, "reservation_events": false});
    let off = apply(off).await.1;
    assert_eq!((&off["threshold_hours"], &off["auto_extend"]), (&Value::Null, &Value::Null));
    assert_eq!(off["reservation_events"], false);
    for (body, status, pointer) in [
        (json!({"threshold_hours": 8_761}), 422, "/threshold_hours"),
        (json!({"threshold_hours": -1}), 400, "/threshold_hours"),
        (json!({"auto_extend": {"by": 1}}), 422, "/auto_extend/ceiling"),
        (json!({"auto_extend": {"by": 1, "ceiling": "x"}}), 400, "/auto_extend/ceiling"),
        (json!({"auto_extend": {"by": 1, "ceiling": "5"}}), 422, "/auto_extend/ceiling"),
        (
            json!({"auto_extend": {"by": 1, "ceiling": "1000000000000"}}),
            422,
            "/auto_extend/ceiling",
        ),
    ] {
        let (found, answer) = apply(body.clone()).await;
        assert_eq!(
            (found, &answer["violations"][0]["pointer"]),
            (status, &json!(pointer)),
            "{body}"
        );
    }
    // What a pool may be extended to is nobody else's.
    apply(json!({"auto_extend": {"by": 1, "ceiling": "2000000"}})).await;
    let beside = with(with(draft(), "from", "2000000".into()), "to", "2000009".into());
    let (status, answer) = bench.operator("POST", POOLS, Some(&beside)).await;
    assert_eq!((status, slug(&answer)), (409, "pool-overlap"));
}

#[tokio::test]
async fn a_webhook_is_set_by_operators_to_hosts_that_the_stack_allows_and_its_secret_shown_once() {
    let bench = bench().await;
    assert_eq!(bench.operator("GET", WEBHOOK, None).await.0, 404);
    let set = |url: &str| json!({ "url": url });
    for (body, status) in [
        (set("https://evil.example.com/"), 422),
        (set("http://hooks.example.com/"), 422),
        (set("http://127.0.0.1:8080/"), 422),
        (set("https://169.254.169.254/"), 422),
        (json!({}), 400),
        (json!({"url": 1}), 400),
    ] {
        assert_eq!(bench.operator("PUT", WEBHOOK, Some(&body)).await.0, status, "{body}");
    }
    let url = "https://hooks.example.com/a";
    let (status, first) = bench.operator("PUT", WEBHOOK, Some(&set(url))).await;
    let secret = first["secret"].as_str().unwrap();
    assert!(status == 200 && secret.starts_with("whsec_") && secret.len() == 58, "{first}");
    let shown = bench.operator("GET", WEBHOOK, None).await.1;
    assert_eq!((&shown["url"], &shown["secret"]), (&json!(url), &Value::Null));
    let stored = bench.store.webhook_fetch().await.unwrap().unwrap();
    let opened = bench.store.webhook_secret(&stored).await.unwrap().unwrap();
    assert_eq!(opened.reveal(), secret);
    let again = bench.operator("PUT", WEBHOOK, Some(&set(url))).await.1;
    assert_ne!(again["secret"], json!(secret));
    let off = bench.operator("PUT", WEBHOOK, Some(&json!({"url": null}))).await.1;
    assert_eq!((&off["url"], &off["secret"]), (&Value::Null, &Value::Null));
    assert_eq!(bench.store.audit().await.unwrap().breaches, []);
    for method in ["GET", "PUT"] {
        let event = HttpEvent::new(method, WEBHOOK).json(&set(url));
        let (status, body) = bench.send(&event.caller(&context("pools:write pools:read"))).await;
        assert_eq!((status, slug(&body)), (403, "forbidden"));
    }
}
