//! What a product allows at the end of its batches.

use super::*;

const PRODUCT: &str = "/api/v1/l3/pools/products/00313000007772";

#[tokio::test]
async fn a_tolerance_is_any_until_it_is_said_and_then_that() {
    let bench = bench().await;
    let unknown = json!({ "gtin": "00313000007772", "yield_min": 0, "yield_max": 1_000,
        "version": 0, "changed_at": null });
    assert_eq!(bench.operator("GET", PRODUCT, None).await, (200, unknown));
    let said = json!({ "yield_min": 950, "yield_max": 990, "reason": "validated" });
    let known = json!({ "gtin": "00313000007772", "yield_min": 950, "yield_max": 990,
        "version": 1, "changed_at": "2026-11-23T10:00:00.000Z" });
    for _ in 0..2 {
        assert_eq!(bench.operator("PUT", PRODUCT, Some(&said)).await, (200, known.clone()));
    }
    assert_eq!(bench.operator("GET", PRODUCT, None).await, (200, known));
}

#[tokio::test]
async fn tolerances_that_are_none_and_callers_without_the_right_are_refused() {
    let bench = bench().await;
    for (body, pointer) in [
        (json!({ "yield_min": 951, "yield_max": 950 }), "/yield_min"),
        (json!({ "yield_min": 0, "yield_max": 1_001 }), "/yield_min"),
        (json!({ "yield_min": 0 }), "/yield_max"),
        (json!({ "yield_min": 0, "yield_max": 1, "reason": "" }), "/reason"),
    ] {
        let (status, answer) = bench.operator("PUT", PRODUCT, Some(&body)).await;
        assert_eq!((status, &answer["violations"][0]["pointer"]), (400, &json!(pointer)));
    }
    let wrong = format!("{PRODUCT}3");
    assert_eq!(bench.operator("GET", &wrong, None).await.0, 404);
    let said = json!({ "yield_min": 1, "yield_max": 2 });
    let put = |caller| bench_event(&said).caller(&caller);
    let reader = context("pools:read");
    let bound = AuthorizerContext { lines: "0313000000018".into(), ..context("operator") };
    for (caller, kind) in [(reader, "forbidden"), (bound, "line-not-bound")] {
        let (status, answer) = bench.send(&put(caller)).await;
        assert_eq!((status, slug(&answer)), (403, kind));
    }
}

fn bench_event(body: &Value) -> HttpEvent {
    HttpEvent::new("PUT", PRODUCT).json(body)
}
