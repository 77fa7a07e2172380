//! A reservation as an EPCIS 2.0 document: numbers that were given to somebody and are on no pack yet.
//!
//! CBV 2.0: bizStep `reserving`, disposition `reserved`, "not yet commissioned, provided for use by another
//! party". Few numbers are named one by one; of many, and of those whose texts only the key of their space
//! tells, the event names the class and how many there are. The document follows from what never changes of an
//! allocation, so it is the same whenever it is made.

use domain::allocation::Allocation;
use domain::epc::{DIGITAL_LINK_ROOT, sgtin_urn_stem};
use domain::ids::length_prefixed_sha256;
use domain::numbering::Numbering;
use domain::object_key::ObjectKey;
use serde_json::{Value, json};

/// Numbers that an event names one by one at the most.
pub const NAMED_MAX: u64 = 1_000;
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";
/// The namespace of our own fields.
const OWN: &str = "https://pharmatrace.dev/epcis/";

/// The document about an allocation, JSON-LD.
#[must_use]
pub fn document(allocation: &Allocation) -> String {
    let a = allocation;
    let mut event = json!({
        "type": "ObjectEvent",
        "eventID": event_id(a),
        "eventTime": a.created_at,
        "eventTimeZoneOffset": "+00:00",
        "action": "ADD",
        "bizStep": "reserving",
        "disposition": "reserved",
        "pharmatrace:allocation": a.id.as_str(),
        "pharmatrace:system": a.system_id.as_str(),
    });
    let few = Numbering::keyless(a.key, a.scheme).filter(|_| a.size <= NAMED_MAX);
    let (name, what) = match few {
        Some(numbering) => ("epcList", json!(epcs(a, &numbering))),
        None => ("quantityList", quantity(a)),
    };
    let place =
        a.line_gln.as_ref().map(|gln| json!({"id": format!("{DIGITAL_LINK_ROOT}/414/{gln}")}));
    if let Some(fields) = event.as_object_mut() {
        fields.insert(name.to_owned(), what);
        fields.extend(place.map(|place| ("readPoint".to_owned(), place)));
    }
    let document = json!({
        "@context": [CONTEXT, {"pharmatrace": OWN}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": a.created_at,
        "epcisBody": {"eventList": [event]},
    });
    document.to_string()
}

fn epcs(a: &Allocation, numbering: &Numbering) -> Vec<String> {
    let texts = numbering.texts(a.start, a.size);
    let epc = |number: &String| a.key.epc_text(a.company_prefix_length, number);
    texts.iter().map(epc).collect()
}

/// The class of all packs of the product or of all units of the company prefix, and how many of them.
fn quantity(a: &Allocation) -> Value {
    let class = match a.key {
        ObjectKey::Gtin(gtin) => {
            let stem = sgtin_urn_stem(&gtin, a.company_prefix_length);
            let pattern =
                stem.map(|stem| format!("{}*", stem.replacen("urn:epc:id:", "urn:epc:idpat:", 1)));
            pattern.unwrap_or_else(|| format!("{DIGITAL_LINK_ROOT}/01/{gtin}"))
        }
        // The pattern of all units of a company prefix (Tag Data Standard 2.0, section 8).
        ObjectKey::Sscc(prefix) => format!("urn:epc:idpat:sscc:{}.*", prefix.company_prefix()),
    };
    json!([{"epcClass": class, "quantity": a.size}])
}

/// A UUID of our own making (RFC 9562, version 8): the same for the same allocation.
fn event_id(a: &Allocation) -> String {
    let mut bytes = [0; 16];
    let hash = length_prefixed_sha256(&[b"reservation event", a.id.as_str().as_bytes()]);
    for (byte, of_hash) in bytes.iter_mut().zip(hash) {
        *byte = of_hash;
    }
    let number = u128::from_be_bytes(bytes);
    let number = number & !(0xf << 76) | (8 << 76);
    let number = number & !(0b11 << 62) | (0b10 << 62);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

#[cfg(test)]
mod tests {
    use domain::allocation::{AllocationStatus, Reuse};
    use domain::ids::{AllocationId, PoolId, RequestId, SystemId};
    use domain::pool::Scheme;
    use domain::request::{Details, Mode};

    use super::*;

    fn ssccs(size: u64) -> Value {
        let allocation = Allocation {
            id: AllocationId::parse(&"A".repeat(26)).unwrap(),
            request_id: RequestId::parse("R1").unwrap(),
            request_hash: String::new(),
            requester: SystemId::parse("L1").unwrap(),
            system_id: SystemId::parse("L1").unwrap(),
            pool_id: PoolId::from_entropy([1; 17]),
            key: "0614141.3".parse().unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 9 },
            start: 417,
            size,
            status: AllocationStatus::Reserved,
            line_gln: None,
            plant_gln: None,
            details: Details::default(),
            created_at: "2026-11-23T10:00:00.000Z".to_owned(),
            closed_at: None,
            requested: size,
            mode: Mode::Range,
            hold: None,
            reuse: Reuse::None,
        };
        let document: Value = serde_json::from_str(&document(&allocation)).unwrap();
        document["epcisBody"]["eventList"][0].clone()
    }

    #[test]
    fn ssccs_are_named_one_by_one_or_by_the_pattern_of_their_company_prefix() {
        let few = ssccs(2);
        let urns = ["urn:epc:id:sscc:0614141.3000000417", "urn:epc:id:sscc:0614141.3000000418"];
        assert_eq!((&few["epcList"], &few["quantityList"]), (&json!(urns), &Value::Null));
        let many = ssccs(NAMED_MAX + 1);
        let class = json!([{"epcClass": "urn:epc:idpat:sscc:0614141.*", "quantity": 1_001}]);
        assert_eq!((&many["epcList"], &many["quantityList"]), (&Value::Null, &class));
    }
}
