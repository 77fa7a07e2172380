//! Files that lines report, from the notice of an object to its report.

use std::fmt::Write as _;

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::json;
use testkit::Call;

use super::bench::{Bench, Plant};
use super::costs::Costs;
use super::operations::{draft, reservation, system};
use crate::flow_inbound::{announce, document as dense, gzip, sha256};
use crate::flow_kit::{ALLOCATIONS, POOLS};

/// Serials of a ledger block.
const BLOCK: u64 = 32_768;

/// A commissioning event for all serials from `first`.
pub fn document(first: u64, count: u64) -> Vec<u8> {
    dense(first, count)
}

/// A commissioning event for each of some serials.
fn one_each(serials: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:EPCISDocument schemaVersion=\"1.2\" \
         xmlns:e=\"urn:epcglobal:epcis:xsd:1\" xmlns:c=\"urn:epcglobal:cbv:mda\"><EPCISBody>\
         <EventList>\n",
    );
    for serial in serials {
        writeln!(
            out,
            "<ObjectEvent><eventTime>2026-11-03T10:00:00Z</eventTime>\
             <eventTimeZoneOffset>+00:00</eventTimeZoneOffset><epcList>\
             <epc>urn:epc:id:sgtin:0313000.000777.{serial:012}</epc></epcList>\
             <action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>\
             <extension><ilmd><c:lotNumber>LOT42</c:lotNumber>\
             <c:itemExpirationDate>2028-10-31</c:itemExpirationDate></ilmd></extension>\
             </ObjectEvent>"
        )
        .unwrap();
    }
    out.push_str("</EventList></EPCISBody></e:EPCISDocument>\n");
    out.into_bytes()
}

/// Puts a file where no queue hears of it; the message that announces it.
async fn put(plant: &Plant, bytes: &[u8]) -> SqsMessage {
    let objects = plant.objects();
    let (bucket, key) =
        (&*objects.buckets.outbound, format!("inbound/L1/{}.xml.gz", sha256(bytes)));
    let body = ByteStream::from(gzip(bytes));
    let put = objects.s3.put_object().bucket(bucket).key(&key).body(body).send().await.unwrap();
    announce(bucket, &key, &put.version_id.unwrap_or_default())
}

/// Handles a delivery; the calls that took.
async fn deliver(plant: &Plant, record: SqsMessage) -> Vec<Call> {
    let hub = plant.reconciler();
    let (outcome, calls) = plant.counted(reconcile_commissioning::handle(&hub, record)).await;
    outcome.unwrap();
    calls
}

/// Puts a file and handles its delivery; the file's name and the calls that took.
pub async fn send(plant: &Plant, bytes: &[u8]) -> (String, Vec<Call>) {
    let record = put(plant, bytes).await;
    (sha256(bytes), deliver(plant, record).await)
}

pub async fn measure(bench: &Bench, costs: &mut Costs) {
    costs.section("Files of lines, a million of each");
    let plant = bench.plant().await;
    system(&plant).await;
    plant.post(POOLS, &draft("pool", 0, 900_000_000)).await.with(201);
    // From 0, from 1,000,000, from 101,000,000.
    for (id, quantity) in [("R0", 1_000_000), ("R1", 100_000_000), ("R2", 100_000_000)] {
        plant.post(ALLOCATIONS, &reservation(id, quantity)).await.with(201);
    }
    let million = put(&plant, &document(0, 1_000_000)).await;
    let calls = deliver(&plant, million.clone()).await;
    costs.add("1 million serials, dense (31 blocks)", calls);
    costs.add("the same arrival again", deliver(&plant, million).await);
    let mut again = document(0, 1_000_000);
    again.push(b'\n');
    costs.add("the same serials in another file", send(&plant, &again).await.1);
    let (first, second) = (1_000_000, 101_000_000);
    let each = one_each(first..first + 100_000);
    costs.add("100,000 serials, an event each (4 blocks)", send(&plant, &each).await.1);
    let next = first + 100_000;
    costs.add(
        "1,000 more of an allocation of 100 million",
        send(&plant, &document(next, 1_000)).await.1,
    );
    let hundred = one_each((0..100).map(|n| second + n * BLOCK));
    costs.add("100 serials, each in another block", send(&plant, &hundred).await.1);
    let middle = second + 1_500 * BLOCK;
    costs.add(
        "1 serial in the middle of an allocation of 100 million",
        send(&plant, &document(middle, 1)).await.1,
    );
    let nobody = document(800_000_000, 1_000);
    costs.add("1,000 serials that nobody reserved", send(&plant, &nobody).await.1);
    costs.add("not XML at all", send(&plant, b"hello").await.1);
    let gone = announce(&plant.objects().buckets.outbound, "inbound/L1/gone.xml", "v1");
    costs.add("an object that is gone", deliver(&plant, gone).await);
    let retry = format!("/api/v1/l3/documents/{}/retry", sha256(&nobody));
    let asked = plant.post(&retry, &json!({})).await.with(202);
    costs.add("asking for a parked file to be judged", asked.calls);
}
