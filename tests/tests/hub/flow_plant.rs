//! What a line does in a test: documents of what it printed, dropped into the inbound bucket.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use data_encoding::HEXLOWER;
use pharmatrace::api::Api;
use pharmatrace::local::SYSTEM;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::Objects;

pub const DOCUMENTS: &str = "/api/v1/l3/documents";
const PATIENCE: Duration = Duration::from_mins(3);

/// A document that commissions the serials from `first`.
pub fn commissioning(first: u64, count: u64) -> Vec<u8> {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:EPCISDocument schemaVersion=\"1.2\" \
         xmlns:e=\"urn:epcglobal:epcis:xsd:1\" xmlns:c=\"urn:epcglobal:cbv:mda\"><EPCISBody>\
         <EventList>\n<ObjectEvent><eventTime>2026-11-03T10:00:00Z</eventTime>\
         <eventTimeZoneOffset>+00:00</eventTimeZoneOffset><epcList>",
    );
    for index in first..first + count {
        write!(out, "<epc>urn:epc:id:sgtin:0313000.000777.{index:012}</epc>").unwrap();
    }
    out.push_str(
        "</epcList><action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>\
         <disposition>urn:epcglobal:cbv:disp:active</disposition><extension><ilmd>\
         <c:lotNumber>LOT42</c:lotNumber><c:itemExpirationDate>2028-10-31</c:itemExpirationDate>\
         </ilmd></extension></ObjectEvent>\n</EventList></EPCISBody></e:EPCISDocument>\n",
    );
    out.into_bytes()
}

pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Drops a file of the printed credential's system.
pub async fn drop_file(objects: &Objects, name: &str, bytes: &[u8]) {
    put(objects, &objects.buckets.inbound, &format!("inbound/{SYSTEM}/{name}"), bytes).await;
}

pub async fn put(objects: &Objects, bucket: &str, key: &str, bytes: &[u8]) {
    let body = ByteStream::from(bytes.to_vec());
    objects.s3.put_object().bucket(bucket).key(key).body(body).send().await.unwrap();
}

/// The document once it has come to rest and that many copies of it have arrived.
pub async fn settled(api: &Api, sha: &str, arrivals: usize) -> Value {
    let started = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        let answer = api.get(&format!("{DOCUMENTS}/{sha}")).await.unwrap();
        let view = answer.json();
        let status = view["status"].as_str().unwrap_or_default();
        let rests = matches!(status, "reconciled" | "parked" | "quarantined");
        if rests && view["arrivals"].as_array().map_or(0, Vec::len) >= arrivals {
            return view;
        }
        assert!(started.elapsed() < PATIENCE, "{sha} never came to rest: {view}");
    }
}
