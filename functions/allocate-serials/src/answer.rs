//! What an answer says of an allocation.

use domain::allocation::Allocation;
use domain::epc::sgtin_urn_text;
use domain::gln::Gln;
use domain::pool::Pool;
use serde_json::{Map, Value, json};

/// The members of an allocation; `pool` is what is known of its pool now.
pub(crate) fn view(a: &Allocation, pool: Option<&Pool>) -> Value {
    let (from, to) = a.serial_ends();
    let epc = |serial: &str| sgtin_urn_text(&a.gtin, a.company_prefix_length, serial);
    let path = format!("/api/v1/l3/allocations/{}", a.id);
    let mut view = Map::new();
    let mut add = |name: &str, value: Value| view.insert(name.to_owned(), value);
    add("allocation_id", a.id.as_str().into());
    add("request_id", a.request_id.as_str().into());
    add("status", a.status.as_str().into());
    add("action_code", "C".into());
    add("encoding", "SGTIN".into());
    add("gtin", a.gtin.as_str().into());
    add("mode", "range".into());
    add("requested", a.size.into());
    add("granted", a.size.into());
    let (from_epc, to_epc) = (epc(&from), epc(&to));
    add("range", json!({ "from": from, "to": to, "from_epc": from_epc, "to_epc": to_epc }));
    add("serials", Value::Null);
    add("system_id", a.system_id.as_str().into());
    add("requested_by", a.requester.as_str().into());
    add("line_gln", a.line_gln.as_ref().map(Gln::as_str).into());
    add("plant_gln", a.plant_gln.as_ref().map(Gln::as_str).into());
    for (name, value) in a.details.fields() {
        let filter = || value.as_ref().and_then(|digit| digit.parse::<u8>().ok()).into();
        add(name, if name == "filter_value" { filter() } else { value.as_deref().into() });
    }
    add("export", json!({ "href": format!("{path}/export"), "formats": ["csv", "json"] }));
    add("pool_id", a.pool_id.as_str().into());
    if let Some(pool) = pool {
        let remaining = pool.remaining.to_string();
        let below = pool.is_below_threshold();
        let (id, below_threshold) = (pool.id.as_str(), below);
        add("pool", json!({"id": id, "remaining": remaining, "below_threshold": below_threshold}));
    }
    add("expires_at", Value::Null);
    add("created_at", a.created_at.as_str().into());
    add("closed_at", a.closed_at.as_deref().into());
    let link = |verb: &str| format!("{path}/{verb}");
    let links = json!({
        "self": path,
        "export": link("export"),
        "void": link("void"),
        "close": link("close"),
        "reconciliation": link("reconciliation"),
    });
    add("links", links);
    Value::Object(view)
}
