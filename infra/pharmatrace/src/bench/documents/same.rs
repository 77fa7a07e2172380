//! Whether reports say the same: they are compared without what names the document, the order and the
//! moment.

use serde_json::{Value, json};

use crate::bench::plant::Pool;

/// What a report names that another report of the same content names differently.
pub(super) struct Named<'a> {
    pub(super) pool: &'a Pool,
    pub(super) allocation_id: &'a str,
}

/// The report without its names. The number of events stays out as well: it is a matter of the form, and
/// checked against it.
pub(super) fn normalised(view: &Value, named: &Named<'_>) -> Value {
    let mut findings: Vec<Value> =
        view.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
    for finding in findings.iter_mut().filter_map(Value::as_object_mut) {
        finding.remove("id");
    }
    // The worst come first, but the order of equals follows from their ids.
    findings.sort_by_key(Value::to_string);
    let of = |member: &str| view.get(member).cloned().unwrap_or(Value::Null);
    let kept = json!({
        "kind": of("kind"),
        "status": of("status"),
        "error": of("error"),
        "reason": of("reason"),
        "serials": of("serials"),
        "allocations": of("allocations"),
        "findings": findings,
    });
    renamed(kept, named)
}

/// Replaces names in every text.
fn renamed(value: Value, named: &Named<'_>) -> Value {
    match value {
        Value::String(text) => {
            let text = text.replace(named.allocation_id, "ALLOCATION");
            let text = text.replace(&named.pool.stem, "STEM").replace(&named.pool.gtin, "GTIN");
            Value::String(text)
        }
        Value::Array(values) => values.into_iter().map(|value| renamed(value, named)).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, renamed(value, named))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(gtin: &str, stem: &str, allocation_id: &str) -> (Value, Pool) {
        let finding = |code: &str, id: &str| {
            json!({ "id": id, "code": code, "count": 3, "gtin": gtin, "allocation_id": allocation_id,
                    "samples": [format!("{stem}000000000007")] })
        };
        // Ids that sort the other way round in the other report.
        let findings = [finding("A", stem), finding("B", allocation_id)];
        let view = json!({
            "content_sha256": stem, "status": "reconciled", "events": stem.len(),
            "serials": { "named": 9 },
            "allocations": [{ "allocation_id": allocation_id, "newly_commissioned": 9 }],
            "findings": findings,
        });
        (view, Pool { gtin: gtin.to_owned(), stem: stem.to_owned() })
    }

    #[test]
    fn reports_that_differ_only_in_names_are_the_same_and_others_are_not() {
        let (one, one_pool) = view("09521", "urn:one.", "alloc-1");
        let (mut other, other_pool) = view("09522", "urn:other.", "alloc-2");
        other["findings"].as_array_mut().unwrap().reverse();
        let one = normalised(&one, &Named { pool: &one_pool, allocation_id: "alloc-1" });
        let named = Named { pool: &other_pool, allocation_id: "alloc-2" };
        assert_eq!(normalised(&other, &named), one);
        assert_eq!(one["findings"][0]["samples"][0], "STEM000000000007");
        for (pointer, changed) in [
            ("/findings/0/count", json!(4)),
            ("/findings/1/samples/0", json!("urn:other.000000000008")),
            ("/serials/named", json!(8)),
            ("/status", json!("parked")),
        ] {
            let mut changed_view = other.clone();
            *changed_view.pointer_mut(pointer).unwrap() = changed;
            assert_ne!(normalised(&changed_view, &named), one, "{pointer}");
        }
    }
}
