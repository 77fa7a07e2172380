//! What becomes of numbers: by result files and by events, into the same buckets (I4), and what may not
//! become of them, whichever file comes first (I5).

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::flow_inbound::{DOCUMENTS, Plant, document, gzip, sha256};
use crate::flow_kit::GTIN;

/// How many numbers of an allocation get which state, by the word of a result file and by what an event
/// says: action, step.
const STATES: [(&str, u64, &str, &str); 9] = [
    ("COMMISSIONED", 40, "ADD", "commissioning"),
    ("ENCODED", 9, "OBSERVE", "encoding"),
    ("REJECTED", 8, "OBSERVE", "LabelsScrappingEvent"),
    ("SAMPLED", 6, "OBSERVE", "sampling"),
    ("LABEL_SAMPLED", 1, "DELETE", "LabelsSamplingEvent"),
    ("DECOMMISSIONED", 6, "DELETE", "decommissioning"),
    ("DESTROYED", 5, "DELETE", "destroying"),
    ("UNUSED", 4, "DELETE", "reserving"),
    ("DEACTIVATED", 3, "DELETE", "SNInvalidatingEvent"),
];
const BUCKETS: [(&str, u64); 9] = [
    ("commissioned", 40),
    ("encoded", 9),
    ("scrapped", 8),
    ("sampled", 7),
    ("decommissioned", 6),
    ("destroyed", 5),
    ("returned", 4),
    ("deactivated", 3),
    ("outstanding", 18),
];

/// A result file about the numbers from `first`.
fn result_file(first: u64) -> Vec<u8> {
    let mut out = String::from("Status;EventTime;Lot;Expiry;GTIN;SerialNumber\r\n");
    let mut index = first;
    for (status, count, ..) in STATES {
        for _ in 0..count {
            let time = "2026-11-03T10:00:00Z";
            write!(out, "{status};{time};LOT42;281031;\"{GTIN}\";\"{index:012}\"\r\n").unwrap();
            index += 1;
        }
    }
    out.into_bytes()
}

/// The same as events; packs are commissioned an hour before their end.
fn events(first: u64) -> Vec<u8> {
    let mut parts = Vec::new();
    let mut index = first;
    for (_, count, action, step) in STATES {
        let run = index..index + count;
        if matches!(step, "sampling" | "decommissioning" | "destroying") {
            parts.push(event(("ADD", "commissioning"), 9, run.clone()));
        }
        parts.push(event((action, step), 10, run));
        index += count;
    }
    of_events(&parts)
}

fn event((action, step): (&str, &str), hour: u64, run: std::ops::Range<u64>) -> Value {
    json!({
        "type": "ObjectEvent", "action": action, "bizStep": step,
        "eventTime": format!("2026-11-03T{hour:02}:00:00Z"), "eventTimeZoneOffset": "+00:00",
        "epcList": run.map(|n| format!("urn:epc:id:sgtin:0313000.000777.{n:012}")).collect::<Vec<_>>(),
        "ilmd": {"cbvmda:lotNumber": "LOT42", "cbvmda:itemExpirationDate": "2028-10-31"},
    })
}

fn of_events(events: &[Value]) -> Vec<u8> {
    let document = json!({
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-11-03T10:00:00Z",
        "epcisBody": {"eventList": events},
    });
    document.to_string().into_bytes()
}

/// Codes and counts of the findings that nobody and nothing has resolved.
fn open(view: &Value) -> Vec<(String, u64)> {
    let findings = view["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["status"] != "resolved")
        .map(|it| (it["code"].as_str().unwrap().to_owned(), it["count"].as_u64().unwrap()))
        .collect()
}

async fn filled(plant: &Plant, allocation: &str) {
    let balance = plant.balance(allocation).await;
    for (bucket, expected) in BUCKETS {
        assert_eq!(balance[bucket], expected, "{bucket}: {balance}");
    }
    assert_eq!(balance["reserved"], 100, "{balance}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_state_comes_by_result_files_and_by_events_and_none_that_is_illegal_passes_unseen() {
    let plant = Plant::start().await;
    let by_rows = plant.reserve("rows", 100).await;
    let by_events = plant.reserve("events", 100).await;
    // Told by content: neither the name nor the compression says what it is.
    let rows = result_file(0);
    plant.drop("numbers.xml", &gzip(&rows)).await;
    let view = plant.settled(&sha256(&rows)).await;
    assert_eq!((&view["kind"], &view["status"]), (&json!("result-csv"), &json!("reconciled")));
    assert_eq!((&view["events"], open(&view)), (&json!(82), Vec::new()), "{view}");
    filled(&plant, &by_rows).await;
    let said = events(100);
    plant.drop("result.csv", &said).await;
    let view = plant.settled(&sha256(&said)).await;
    assert_eq!(open(&view), [], "{view}");
    filled(&plant, &by_events).await;
    let wrong = b"GTIN,SerialNumber,Status,EventTime\n00313000007772,1,SOLD,2026-11-03T10:00:00Z\n";
    plant.drop("wrong.csv", wrong).await;
    let view = plant.settled(&sha256(wrong)).await;
    let expected = json!(["quarantined", "unknown-status", 2, 18]);
    let error = &view["error"];
    let found = [&view["status"], &error["code"], &error["line"], &error["column"]];
    assert_eq!(json!(found), expected, "{view}");
    given_back_and_used(&plant).await;
    never_commissioned(&plant).await;
    plant.stop().await;
}

/// A number that the line gave back turns up on a pack: told by whichever file comes last.
async fn given_back_and_used(plant: &Plant) {
    for (round, rows_first) in [(0, true), (1, false)] {
        let first = 200 + 10 * round;
        plant.reserve(&format!("back-{round}"), 10).await;
        let row = format!("UNUSED,2026-11-03T11:00:00Z,{GTIN},{:012}\n", first + 3);
        let rows = format!("Status,EventTime,GTIN,SerialNumber\n{row}").into_bytes();
        let packs = document(first, 10);
        let order = if rows_first { [&rows, &packs] } else { [&packs, &rows] };
        let mut found = Vec::new();
        for (n, bytes) in order.into_iter().enumerate() {
            plant.drop(&format!("back-{round}-{n}"), bytes).await;
            found.push(open(&plant.settled(&sha256(bytes)).await));
        }
        assert_eq!(found, [vec![], vec![("GIVEN_BACK_AND_USED".to_owned(), 1)]]);
    }
}

/// Packs are destroyed that nobody commissioned, until the file about that comes late.
async fn never_commissioned(plant: &Plant) {
    plant.reserve("late", 10).await;
    let destroyed = of_events(&[event(("DELETE", "destroying"), 12, 220..223)]);
    let sha = sha256(&destroyed);
    plant.drop("destroyed", &destroyed).await;
    let never = |count| vec![("NEVER_COMMISSIONED".to_owned(), count)];
    assert_eq!(open(&plant.settled(&sha).await), never(3));
    let packs = document(220, 2);
    plant.drop("packs", &packs).await;
    assert_eq!(open(&plant.settled(&sha256(&packs)).await), []);
    // Due at once: the sweep sends it within a minute, and whoever cannot wait may ask for it.
    let retry = format!("{DOCUMENTS}/{sha}/retry");
    let status = plant.hub.api.post(&retry, &json!({})).await.unwrap().status;
    assert!(matches!(status, 202 | 409), "{status}");
    let view = plant.until(&sha, |view| open(view) == never(1)).await;
    assert_eq!(view["serials"]["matched"], 0, "{view}");
}
