//! Numbers go back to their pool, out again, and come back on packs: over HTTP, S3 and the queue.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use pharmatrace::api::Answer;
use serde_json::{Value, json};

use crate::flow_inbound::{Plant, codes, document, sha256};
use crate::flow_kit::{ALLOCATIONS, POOLS, problem, text};

async fn give_back(plant: &Plant, id: &str, key: &str, body: &Value) -> Answer {
    let local = &plant.hub.cloud.hub;
    let token = local.credential.as_ref().unwrap().token.clone();
    let request = Request::post(format!("{}{ALLOCATIONS}/{id}/return", local.api_url))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", key)
        .body(Full::new(Bytes::from(body.to_string())));
    plant.hub.api.send("return", request.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn returned_numbers_are_reserved_again_and_commissioned_where_they_are() {
    let plant = Plant::start().await;
    let first = plant.reserve("R1", 1_000).await;
    let made = plant.hub.api.get(&format!("{ALLOCATIONS}/{first}")).await.unwrap().json();
    let pool = format!("{POOLS}/{}", text(&made, "pool_id"));
    let patch = json!({ "reoffer": "returned" });
    let changed = plant.hub.api.call(http::Method::PATCH, &pool, Some(&patch)).await.unwrap();
    assert_eq!(changed.json()["reoffer"], "returned", "{}", changed.json());
    let body = json!({ "ranges": [{ "from": "000000000100", "to": "000000000199" }],
        "fate": "return", "reason": "order cut short" });
    let done = give_back(&plant, &first, "K1", &body).await;
    assert_eq!((done.status, &done.json()["taken"]), (200, &json!(100)), "{}", done.json());
    let again = give_back(&plant, &first, "K1", &body).await;
    assert_eq!((again.status, again.header("idempotent-replay")), (200, Some("true")));
    assert_eq!(again.json(), done.json());
    let refused = give_back(&plant, &first, "K2", &body).await;
    assert_eq!((refused.status, problem(&refused.json()).as_str()), (422, "validation"));
    assert_eq!(refused.json()["count"], 100);
    // Whoever serves learns within a minute that the pool offers numbers again: the store decides here.
    let request = pharmatrace_request("R2", 50);
    let of_pool = domain::ids::PoolId::parse(&text(&made, "pool_id")).unwrap();
    let now = "2026-11-03T12:00:00.000Z";
    let second = plant.hub.store.reserve_again(&request, &of_pool, now).await.unwrap().unwrap();
    assert_eq!((second.allocation.start, second.allocation.size), (100, 50));
    // One file names numbers of both allocations, and ten that nobody has any more but their first owner.
    let bytes = document(90, 70);
    plant.drop("packs.xml", &bytes).await;
    let view = plant.settled(&sha256(&bytes)).await;
    assert_eq!(view["serials"]["newly_commissioned"], 70, "{view}");
    let codes = codes(&view);
    let told = ["RECOMMISSION_AFTER_TERMINAL", "GIVEN_BACK_AND_USED"];
    assert!(told.iter().any(|code| codes.contains(code)), "{view}");
    let balance = plant.balance(&first).await;
    assert_eq!((&balance["commissioned"], &balance["returned"]), (&json!(20), &json!(90)));
    let balance = plant.balance(second.allocation.id.as_str()).await;
    assert_eq!((&balance["commissioned"], &balance["outstanding"]), (&json!(50), &json!(0)));
    // The rest of the run is offered no more: ten of its numbers are on packs.
    let request = pharmatrace_request("R3", 10);
    assert!(plant.hub.store.reserve_again(&request, &of_pool, now).await.unwrap().is_none());
    let all = json!({ "all_unused": true, "fate": "deactivate", "reason": "end of order" });
    let done = give_back(&plant, &first, "K3", &all).await.json();
    assert_eq!(done["taken"], 890, "{done}");
    plant.stop().await;
}

/// What the line system asks for.
fn pharmatrace_request(id: &str, quantity: u64) -> domain::request::ReserveRequest {
    let system = |text| domain::ids::SystemId::parse(text).unwrap();
    domain::request::ReserveRequest {
        requester: system(pharmatrace::local::SYSTEM),
        credential: None,
        request_id: domain::ids::RequestId::parse(id).unwrap(),
        key: crate::flow_kit::GTIN.parse().unwrap(),
        quantity,
        pool_id: None,
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: domain::request::Details {
            lot: Some("LOT42".into()),
            expiry: Some("2028-10-31".into()),
            ..domain::request::Details::default()
        },
        terms: domain::request::Terms::default(),
    }
}
