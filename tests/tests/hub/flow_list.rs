//! Imported numbers: from a file with crypto columns over the file of the line to the ledger.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use pharmatrace::api::Answer;
use serde_json::{Value, json};

use crate::flow_inbound::{Plant, codes, document_of, sha256};
use crate::flow_kit::{ALLOCATIONS, GTIN, LINE, POOLS, problem, text};

const STEM: &str = "urn:epc:id:sgtin:0313000.000777.";
/// Numbers of the file: over the end of a segment.
const NUMBERS: usize = 33_000;
/// Those that are reserved, and those of them that are printed.
const RESERVED: u64 = 12_000;
const PRINTED: usize = 9_000;

/// A number, its crypto key and code: of letters and digits and of what must be escaped.
fn row(index: usize) -> [String; 3] {
    let serial =
        if index.is_multiple_of(7) { format!("x/{index:05}+%") } else { format!("X{index:07}") };
    let (key, code) = (format!("k{index:03}"), format!("c+/{index}=="));
    if index.is_multiple_of(5) { [serial, String::new(), code] } else { [serial, key, code] }
}

fn file() -> String {
    let rows = (0..NUMBERS).map(|index| format!("{}\r\n", row(index).join(",")));
    format!("SerialNumber,CryptoKey,CryptoCode\r\n{}", rows.collect::<Vec<_>>().concat())
}

async fn import(plant: &Plant, pool: &str, body: &str) -> Answer {
    let path = format!("{POOLS}/{pool}/serials");
    let token = plant.hub.cloud.hub.credential.as_ref().unwrap().token.clone();
    let request = Request::post(format!("{}{path}", plant.hub.cloud.hub.api_url))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "text/csv")
        .body(Full::new(Bytes::from(body.to_owned())));
    plant.hub.api.send(&path, request.unwrap()).await.unwrap()
}

async fn list(plant: &Plant) -> String {
    let pool = json!({
        "name": "imported", "gtin": GTIN, "company_prefix_length": 7, "scheme": "list",
    });
    let made = plant.hub.api.post(POOLS, &pool).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.json());
    text(&made.json(), "id")
}

async fn reserve(plant: &Plant, (id, pool): (&str, &str), quantity: u64, mode: &str) -> Answer {
    let body = json!({
        "request_id": id, "gtin": GTIN, "quantity": quantity, "mode": mode, "pool_id": pool,
        "lot": "LOT42", "expiry": "2028-10-31", "line_gln": LINE,
    });
    plant.hub.api.post(ALLOCATIONS, &body).await.unwrap()
}

/// Serial, EPC, crypto key and code of each row of a reservation's file.
async fn rows(plant: &Plant, id: &str) -> Vec<[String; 4]> {
    let path = format!("{ALLOCATIONS}/{id}/export?format=csv");
    let file = plant.hub.api.get(&path).await.unwrap();
    assert_eq!(file.status, 200, "{}", file.json());
    let mut reader = csv::Reader::from_reader(&file.body[..]);
    let row = |row: csv::StringRecord| [&row[1], &row[2], &row[12], &row[13]].map(str::to_owned);
    reader.records().map(|record| row(record.unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imported_numbers_come_back_as_they_went_out() {
    let plant = Box::pin(Plant::start()).await;
    let pool = list(&plant).await;
    let wrong = import(&plant, &pool, "serial\nA\nA\n000000000005\n").await;
    assert_eq!((wrong.status, problem(&wrong.json()).as_str()), (422, "validation"));
    let lines: Vec<Value> =
        wrong.json()["lines"].as_array().unwrap().iter().map(|it| it["line"].clone()).collect();
    assert_eq!(lines, [json!(3), json!(4)], "twice, and a number of the sequential pool");
    let empty = reserve(&plant, ("R0", &pool), 1, "list").await;
    assert_eq!(problem(&empty.json()), "insufficient-serial-numbers");
    let text_of_file = file();
    let imported = import(&plant, &pool, &text_of_file).await;
    assert_eq!(imported.status, 201, "{}", imported.json());
    assert_eq!(imported.json()["import"]["sha256"], json!(sha256(text_of_file.as_bytes())));
    assert_eq!(import(&plant, &pool, &text_of_file).await.status, 200);
    let range = reserve(&plant, ("R1", &pool), 5, "range").await;
    assert_eq!(problem(&range.json()), "mode-not-allowed");
    let few = reserve(&plant, ("R2", &pool), 3, "list").await.json();
    let expected: Vec<String> = (0..3).map(|index| row(index)[0].clone()).collect();
    assert_eq!((&few["serials"], &few["range"]), (&json!(expected), &Value::Null), "{few}");
    let made = reserve(&plant, ("R3", &pool), RESERVED, "list").await;
    assert_eq!(made.status, 201, "{}", made.json());
    let id = text(&made.json(), "allocation_id");
    let told = rows(&plant, &id).await;
    assert_eq!(u64::try_from(told.len()).unwrap(), RESERVED);
    for (index, [serial, _, key, code]) in (3..).zip(&told) {
        assert_eq!([serial, key, code], row(index).each_ref(), "byte for byte");
    }
    Box::pin(commissioned(&plant, &id, &told)).await;
    // The audit holds.
    plant.stop().await;
}

/// The line prints some, names one that is nobody's, one that is not reserved yet and one of a stranger.
async fn commissioned(plant: &Plant, id: &str, told: &[[String; 4]]) {
    let mut epcs: Vec<String> = told.iter().take(PRINTED).map(|row| row[1].clone()).collect();
    epcs.extend(["X9999999", "unheard-of"].map(|serial| format!("{STEM}{serial}")));
    let bytes = document_of(&epcs);
    plant.drop("list.xml", &bytes).await;
    let view = plant.settled(&sha256(&bytes)).await;
    assert_eq!(view["status"], "reconciled", "{view}");
    assert_eq!(view["serials"]["newly_commissioned"], PRINTED, "{view}");
    assert_eq!(codes(&view), ["NOT_RESERVED"], "{view}");
    assert_eq!(view["findings"][0]["count"], json!(2), "{view}");
    let balance = plant.balance(id).await;
    let left = RESERVED - u64::try_from(PRINTED).unwrap();
    assert_eq!(
        (&balance["commissioned"], &balance["outstanding"]),
        (&json!(PRINTED), &json!(left))
    );
}
