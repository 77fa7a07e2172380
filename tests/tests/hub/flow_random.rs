//! Random numbers: from the pool over the file of the line to the ledger, and large files of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use domain::gtin::Gtin14;
use domain::ids::AllocationId;
use domain::numbering::Numbering;
use domain::pool::Scheme;
use domain::space::{SpaceCipher, SpaceKey};
use pharmatrace::api::Answer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::flow_inbound::{Plant, codes, document_of, sha256};
use crate::flow_kit::{ALLOCATIONS, GTIN, POOLS, problem, text};

const STEM: &str = "urn:epc:id:sgtin:0313000.000777.";
/// Numbers of the reservation whose file is read back.
const NUMBERS: u64 = 5_000;
/// Those of them that are printed.
const PRINTED: usize = 3_000;
/// Rows of the large file.
const ROWS: u64 = 10_000_000;
const PATIENCE: Duration = Duration::from_mins(4);
/// Memory that the writer may take, KiB.
const MEMORY_KIB_MAX: u64 = 64 * 1024;

/// A hub with a pool of random numbers beside the sequential one.
async fn plant() -> Plant {
    let plant = Plant::start().await;
    let pool = json!({
        "name": "random", "encoding": "SGTIN", "gtin": GTIN, "company_prefix_length": 7,
        "scheme": "randomised", "alphabet": {"sets": ["digits", "upper"]}, "length": 11,
        "prefix": "A", "from": "0", "to": "19999999", "max_request": 100_000_000, "threshold": 0,
    });
    let made = plant.hub.api.post(POOLS, &pool).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.json());
    plant
}

async fn reserve(plant: &Plant, id: &str, quantity: u64, mode: &str) -> Answer {
    let body = json!({
        "request_id": id, "gtin": GTIN, "quantity": quantity, "mode": mode, "lot": "LOT42",
        "expiry": "2028-10-31", "line_gln": crate::flow_kit::LINE,
    });
    plant.hub.api.post(ALLOCATIONS, &body).await.unwrap()
}

/// The serials of a reservation's file.
async fn serials(plant: &Plant, id: &str) -> Vec<String> {
    let path = format!("{ALLOCATIONS}/{id}/export?format=csv");
    let file = plant.hub.api.get(&path).await.unwrap();
    assert_eq!(file.status, 200, "{}", file.json());
    let mut reader = csv::Reader::from_reader(&file.body[..]);
    let rows = reader.records().map(|row| row.unwrap());
    let rows: Vec<_> = rows.map(|row| (row[1].to_owned(), row[2].to_owned())).collect();
    assert!(rows.iter().all(|(serial, epc)| *epc == format!("{STEM}{serial}")));
    rows.into_iter().map(|(serial, _)| serial).collect()
}

/// What the hub writes the reservation's numbers with, and the same form under another key.
async fn numberings(plant: &Plant, id: &str) -> (Numbering, Numbering, u128) {
    let store = &plant.hub.store;
    let allocation = store.allocation_fetch(&AllocationId::parse(id).unwrap()).await.unwrap();
    let allocation = allocation.unwrap();
    let Scheme::Randomised { form, .. } = allocation.scheme else { panic!("{allocation:?}") };
    let gtin = Gtin14::parse(GTIN).unwrap();
    let own = store.numbering(&gtin, allocation.scheme).await.unwrap();
    let other = SpaceCipher::new(form, &gtin, &SpaceKey::from_bytes([9; 32])).unwrap();
    (own, Numbering::Randomised(Arc::new(other)), allocation.start)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_numbers_come_back_as_they_went_out() {
    let plant = Box::pin(plant()).await;
    let refused = reserve(&plant, "R0", 5, "range").await.json();
    // The sequential pool serves ranges; asked for by its id, the random one does not.
    assert!(refused["range"]["from"].is_string(), "{refused}");
    let few = reserve(&plant, "R1", 10, "random").await;
    assert_eq!(few.status, 201, "{}", few.json());
    let few = few.json();
    assert_eq!((&few["range"], few["serials"].as_array().unwrap().len()), (&Value::Null, 10));
    assert_eq!(few["mode"], "random");
    let (status, pool) = (422, text(&few, "pool_id"));
    let body = json!({"request_id": "R2", "gtin": GTIN, "quantity": 5, "pool_id": pool});
    let refused = plant.hub.api.post(ALLOCATIONS, &body).await.unwrap();
    assert_eq!((refused.status, problem(&refused.json()).as_str()), (status, "mode-not-allowed"));
    let made = reserve(&plant, "R3", NUMBERS, "random").await;
    assert_eq!(made.status, 201, "{}", made.json());
    let id = text(&made.json(), "allocation_id");
    let range = format!("{ALLOCATIONS}/{id}/export?profile=range");
    assert_eq!(plant.hub.api.get(&range).await.unwrap().status, 422);
    let told = serials(&plant, &id).await;
    let distinct: BTreeSet<&String> = told.iter().collect();
    assert_eq!(distinct.len(), usize::try_from(NUMBERS).unwrap());
    let (own, stranger, start) = numberings(&plant, &id).await;
    assert_eq!(told, own.texts(start, NUMBERS), "the file has the numbers of the reservation");
    let mut printed = told[..PRINTED].to_vec();
    printed.extend(stranger.texts(start, 5));
    let epcs: Vec<String> = printed.iter().map(|serial| format!("{STEM}{serial}")).collect();
    let bytes = document_of(&epcs);
    plant.drop("random.xml", &bytes).await;
    let view = plant.settled(&sha256(&bytes)).await;
    assert_eq!(view["status"], "reconciled", "{view}");
    assert_eq!(view["serials"]["newly_commissioned"], PRINTED, "{view}");
    assert_eq!(codes(&view), ["NOT_RESERVED"], "{view}");
    let finding = &view["findings"][0];
    assert_eq!((&finding["count"], &finding["ranges"]), (&json!(5), &json!([])), "{finding}");
    let balance = plant.balance(&id).await;
    let left = NUMBERS - u64::try_from(PRINTED).unwrap();
    assert_eq!(
        (&balance["commissioned"], &balance["outstanding"]),
        (&json!(PRINTED), &json!(left))
    );
    // The audit holds.
    plant.stop().await;
}

/// Asks until the file is there; its place.
async fn until_there(plant: &Plant, path: &str) -> Answer {
    let started = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tick.tick().await;
        let answer = plant.hub.api.get(path).await.unwrap();
        if answer.status == 303 {
            return answer;
        }
        assert_eq!(answer.status, 202, "{}", answer.json());
        assert!(started.elapsed() < PATIENCE, "never written: {}", answer.json());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_million_random_rows_are_written_in_flat_memory() {
    let plant = Box::pin(plant()).await;
    let made = reserve(&plant, "R1", ROWS, "random").await;
    assert_eq!(made.status, 201, "{}", made.json());
    let id = text(&made.json(), "allocation_id");
    let started = Instant::now();
    let path = format!("{ALLOCATIONS}/{id}/export?profile=bare&format=csv");
    let there = until_there(&plant, &path).await;
    let waited = started.elapsed();
    let bytes = plant.hub.api.get_presigned(there.header("location").unwrap()).await.unwrap().body;
    let (own, _, start) = numberings(&plant, &id).await;
    let (mut hash, mut run) = (Sha256::new(), own.run(start, ROWS));
    for _ in 0..ROWS {
        hash.update(run.as_bytes());
        hash.update(b"\r\n");
        run.advance();
    }
    assert_eq!(sha256(&bytes), HEXLOWER.encode(&hash.finalize()));
    let logs = plant.hub.cloud.logs().await.unwrap();
    let of_writer = logs.iter().filter(|event| event.group.ends_with("write-exports"));
    let lines = of_writer.filter_map(|event| serde_json::from_str::<Value>(&event.message).ok());
    let written: Vec<Value> = lines.filter(|line| line["message"] == "export written").collect();
    let line = written.iter().find(|line| line["allocation.id"] == *id).unwrap();
    let memory = line["vm_hwm_kib"].as_u64().unwrap();
    eprintln!("{ROWS} random rows, {} bytes, {waited:?}, {memory} KiB", bytes.len());
    assert!(memory <= MEMORY_KIB_MAX, "{memory} KiB");
    plant.stop().await;
}
