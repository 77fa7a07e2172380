//! A stack restored from a point in time into a new one: nothing that was kept is lost, no number is handed
//! out twice, also not those that the lost stack handed out after that point (I1, I5, I6).

use std::collections::BTreeMap;

use pharmatrace::api::Api;
use pharmatrace::audit;
use pharmatrace::hub::Hub as Named;
use pharmatrace::local::{LocalCloud, Options};
use pharmatrace::tenant::restore::{Copy, Done, Source};
use serde_json::{Value, json};
use store::audit::Breach;

use crate::flow_kit::{ALLOCATIONS, Hub, NOW, POOLS, reservation, text};
use crate::flow_plant::{DOCUMENTS, commissioning, drop_file, settled, sha256};

/// What each pool skips: more than was reserved after the copy.
const SKIP: u64 = 1_000;
/// A product of its own.
const OTHER: &str = "00313000007789";

async fn reserve(api: &Api, id: &str, quantity: u64) -> (u16, Value) {
    let answer = api.post(ALLOCATIONS, &reservation(id, quantity)).await.unwrap();
    (answer.status, answer.json())
}

/// First and last number of an allocation.
fn numbers(allocation: &Value) -> (u64, u64) {
    let end = |member| text(&allocation["range"], member).parse().unwrap();
    (end("from"), end("to"))
}

async fn breaches(hub: &Named) -> Vec<Breach> {
    audit::quiet(hub).await.unwrap().breaches
}

/// The table as it is now, under another name: what a restore to a point in time makes of it.
async fn point_in_time(hub: &Hub) -> String {
    let name = format!("{}-restored", hub.store.table);
    let source = &*hub.store.table;
    let call = hub.store.dynamo.restore_table_to_point_in_time().source_table_name(source);
    let call = call.target_table_name(&name).use_latest_restorable_time(true);
    call.send().await.unwrap();
    name
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_restored_from_a_point_in_time_loses_no_file_and_hands_no_number_out_twice() {
    let lost = Hub::start().await;
    let pool = lost.pool().await;
    let objects = lost.cloud.hub.objects().await.unwrap();
    let random = randomised(&lost.api).await;
    let (_, first) = reserve(&lost.api, "R1", 100).await;
    let (_, second) = reserve(&lost.api, "R2", 50).await;
    let (before, early) = (commissioning(0, 60), commissioning(5_000, 10));
    drop_file(&objects, "before.xml", &before).await;
    drop_file(&objects, "early.xml", &early).await;
    let report = settled(&lost.api, &sha256(&before), 1).await;
    settled(&lost.api, &sha256(&early), 1).await;

    let table = point_in_time(&lost).await;
    // What happens from here on is in no copy of the table.
    let (_, third) = reserve(&lost.api, "R3", 200).await;
    let after = commissioning(100, 20);
    drop_file(&objects, "after.xml", &after).await;
    settled(&lost.api, &sha256(&after), 1).await;

    let new = LocalCloud::start(&Options::default()).await.unwrap();
    let copy = Copy {
        source: Source::of(&lost.cloud.hub, Some(&table)).await.unwrap(),
        to: (new.hub.store().await.unwrap(), new.hub.objects().await.unwrap()),
        scratch: std::env::temp_dir(),
    };
    let done = copy.run(SKIP, NOW).await.unwrap();
    assert_eq!((done.pools, done.skipped, done.redelivered), (2, 2 * SKIP, 1), "{done:?}");
    // The credentials of the lost stack are those of the new one.
    let token = lost.cloud.hub.credential.as_ref().map(|credential| credential.token.as_str());
    let api = Api::new(&new.hub.api_url, token);
    keeps_what_was_known(&api, &report, &first).await;
    prints_what_it_printed(&api, &random).await;
    hands_out_new_numbers(&api, (&pool, &third), [&first, &second]).await;
    // The file that the copy did not know is delivered again, and finds its numbers as reserved before.
    let view = settled(&api, &sha256(&after), 1).await;
    assert_eq!(view["serials"]["newly_commissioned"], 20, "{view}");
    assert_eq!(breaches(&new.hub).await, []);
    goes_on_where_it_broke_off(&copy, &done, &new.hub).await;
    new.stop().await;
    lost.stop().await;
}

/// Five numbers of a randomised pool of another product, as they were asked for.
async fn five_of(api: &Api) -> (u16, Value) {
    let body = json!({ "request_id": "RANDOM-1", "gtin": OTHER, "quantity": 5, "mode": "list" });
    let answer = api.post(ALLOCATIONS, &body).await.unwrap();
    (answer.status, answer.json()["serials"].clone())
}

async fn randomised(api: &Api) -> Value {
    let body = json!({
        "name": "random", "gtin": OTHER, "company_prefix_length": 7, "scheme": "randomised",
        "length": 12, "eu_rules": true
    });
    let answer = api.post(POOLS, &body).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.json());
    let (status, serials) = five_of(api).await;
    assert_eq!((status, serials.as_array().map(Vec::len)), (201, Some(5)), "{serials}");
    serials
}

/// The space's key came with the table, sealed anew under the key of the new stack.
async fn prints_what_it_printed(api: &Api, serials: &Value) {
    assert_eq!(five_of(api).await, (200, serials.clone()));
}

/// Requests, documents and balances are answered as before.
async fn keeps_what_was_known(api: &Api, report: &Value, first: &Value) {
    let (status, again) = reserve(api, "R1", 100).await;
    assert_eq!((status, numbers(&again)), (200, numbers(first)));
    let sha = text(report, "content_sha256");
    let view = api.get(&format!("{DOCUMENTS}/{sha}")).await.unwrap().json();
    for member in ["status", "serials", "allocations", "findings", "raw_sha256"] {
        assert_eq!(view[member], report[member], "{member}");
    }
    let path = format!("{ALLOCATIONS}/{}/reconciliation", text(first, "allocation_id"));
    let balance = api.get(&path).await.unwrap().json();
    assert_eq!((&balance["commissioned"], &balance["balanced"]), (&60.into(), &true.into()));
}

/// New reservations are disjoint from all that the lost stack ever made, the forgotten one included.
async fn hands_out_new_numbers(api: &Api, of: (&str, &Value), known: [&Value; 2]) {
    let (pool, forgotten) = of;
    let (status, repeated) = reserve(api, "R3", 200).await;
    assert_eq!(status, 201, "the copy does not know the request: {repeated}");
    let (_, fresh) = reserve(api, "R4", 10).await;
    let mut taken: BTreeMap<u64, u64> = BTreeMap::new();
    for allocation in [known[0], known[1], forgotten, &repeated, &fresh] {
        let (from, to) = numbers(allocation);
        let below = taken.range(..=to).next_back();
        assert!(below.is_none_or(|(_, last)| *last < from), "{allocation} in {taken:?}");
        taken.insert(from, to);
    }
    let ranges = api.get(&format!("{POOLS}/{pool}/ranges")).await.unwrap().json();
    let void = ranges["items"].as_array().unwrap().iter().find(|range| range["kind"] == "void");
    let void = void.unwrap();
    assert_eq!((&void["size"], &*text(void, "start")), (&SKIP.into(), "150"), "{ranges}");
}

/// Run again, the restore finds everything in place; what the new hub did since ends it.
async fn goes_on_where_it_broke_off(copy: &Copy, done: &Done, new: &Named) {
    let error = copy.run(SKIP, NOW).await.unwrap_err().to_string();
    assert!(error.contains("changed by another call"), "{error}");
    assert!(done.items > 20, "{done:?}");
    assert_eq!(breaches(new).await, []);
}
