//! SSCCs: from the pool over the file of the line to the ledger, and what things are packed into.

use domain::sscc::SsccPrefix;
use serde_json::{Value, json};

use crate::flow_inbound::{Plant, codes, sha256};
use crate::flow_kit::{ALLOCATIONS, LINE, POOLS, problem, text};

const STEM: &str = "urn:epc:id:sgtin:0313000.000777.";
/// SSCCs of the reservation.
const NUMBERS: u64 = 500;

fn prefix() -> SsccPrefix {
    "0355555.1".parse().unwrap()
}

fn urn(reference: u128) -> String {
    format!("urn:epc:id:sscc:0355555.1{reference:09}")
}

fn link(reference: u128) -> String {
    format!("https://id.gs1.org/00/{}", prefix().sscc(reference))
}

/// Commissioned units, and packs that are packed into parents.
fn document(commissioned: &[String], parents: &[String]) -> Vec<u8> {
    let epcs: Vec<String> = commissioned.iter().map(|epc| format!("<epc>{epc}</epc>")).collect();
    let packed: Vec<String> = parents
        .iter()
        .zip(0..)
        .map(|(parent, child)| {
            format!(
                "<AggregationEvent><eventTime>2026-11-03T08:30:00Z</eventTime>\
                 <eventTimeZoneOffset>+00:00</eventTimeZoneOffset><parentID>{parent}</parentID>\
                 <childEPCs><epc>{STEM}{child:012}</epc></childEPCs><action>ADD</action>\
                 <bizStep>urn:epcglobal:cbv:bizstep:packing</bizStep></AggregationEvent>"
            )
        })
        .collect();
    let (epcs, packed) = (epcs.concat(), packed.concat());
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:EPCISDocument schemaVersion=\"1.2\" \
         xmlns:e=\"urn:epcglobal:epcis:xsd:1\"><EPCISBody><EventList><ObjectEvent>\
         <eventTime>2026-11-03T08:00:00Z</eventTime>\
         <eventTimeZoneOffset>+00:00</eventTimeZoneOffset><epcList>{epcs}</epcList>\
         <action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>\
         <readPoint><id>urn:epc:id:sgln:0313000.00001.4</id></readPoint></ObjectEvent>{packed}\
         </EventList></EPCISBody></e:EPCISDocument>"
    );
    text.into_bytes()
}

async fn pool_and_reservation(plant: &Plant) -> (String, String) {
    let pool = json!({
        "name": "pallets", "encoding": "SSCC", "company_prefix": "0355555", "extension_digit": 1,
        "from": "1000", "to": "9999", "max_request": 1_000, "threshold": 10,
    });
    let made = plant.hub.api.post(POOLS, &pool).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.json());
    let again = plant.hub.api.post(POOLS, &pool).await.unwrap();
    assert_eq!((again.status, problem(&again.json()).as_str()), (409, "pool-overlap"));
    let body = json!({
        "request_id": "S1", "encoding": "SSCC", "company_prefix": "0355555", "extension_digit": 1,
        "quantity": NUMBERS, "line_gln": LINE,
    });
    let reserved = plant.hub.api.post(ALLOCATIONS, &body).await.unwrap();
    assert_eq!(reserved.status, 201, "{}", reserved.json());
    let reserved = reserved.json();
    assert_eq!(reserved["range"]["from"], prefix().sscc(1_000).as_str());
    assert_eq!(reserved["range"]["to_epc"], urn(1_499));
    (text(&made.json(), "id"), text(&reserved, "allocation_id"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ssccs_come_back_as_they_went_out_and_strange_parents_are_found() {
    let plant = Plant::start().await;
    let (pool, id) = pool_and_reservation(&plant).await;
    let file = plant.hub.api.get(&format!("{ALLOCATIONS}/{id}/export?format=csv")).await.unwrap();
    assert_eq!(file.status, 200, "{}", file.json());
    let mut reader = csv::Reader::from_reader(&file.body[..]);
    let rows: Vec<_> = reader.records().map(|row| row.unwrap()).collect();
    assert_eq!(u64::try_from(rows.len()).unwrap(), NUMBERS);
    for (row, reference) in rows.iter().zip(1_000..) {
        let sscc = prefix().sscc(reference).to_string();
        assert_eq!([&row[0], &row[1], &row[2]], [&sscc, &urn(reference), &format!("00{sscc}")]);
    }
    // What is packed into SSCCs of ours, into those of others, and into one that nobody reserved.
    let mut commissioned: Vec<String> = (1_000..1_100).map(urn).collect();
    commissioned.extend((1_100..1_200).map(link));
    let parents =
        [urn(1_000), link(1_001), urn(1_300), "urn:epc:id:sscc:0614141.3000000417".into()];
    let bytes = document(&commissioned, &parents);
    plant.drop("pallets.xml", &bytes).await;
    let view = plant.settled(&sha256(&bytes)).await;
    assert_eq!(view["status"], "reconciled", "{view}");
    assert_eq!(
        (&view["serials"]["newly_commissioned"], codes(&view)),
        (&json!(200), vec![]),
        "{view}"
    );
    let strange = document(
        &[link(20_000)],
        &[link(10_000), "https://id.gs1.org/00/306141410000004173".into()],
    );
    plant.drop("strange.xml", &strange).await;
    let view = plant.settled(&sha256(&strange)).await;
    assert_eq!(codes(&view), ["NOT_RESERVED", "INVALID_SSCC_CHECK_DIGIT"], "{view}");
    let finding = &view["findings"][0];
    assert_eq!((&finding["count"], &finding["gtin"]), (&json!(2), &Value::Null), "{finding}");
    assert_eq!(finding["ranges"][0]["from"], prefix().sscc(10_000).as_str());
    let balance = plant.balance(&id).await;
    assert_eq!((&balance["commissioned"], &balance["outstanding"]), (&json!(200), &json!(300)));
    let seen = plant.hub.api.get(&format!("{POOLS}/{pool}")).await.unwrap().json();
    assert_eq!((&seen["encoding"], &seen["reserved"]), (&json!("SSCC"), &json!("500")), "{seen}");
    // The audit holds.
    plant.stop().await;
}
