//! What the fuzz targets of `tests/fuzz` say of any bytes, said of their seeds: requests for every route of the
//! OpenAPI document with its examples, keys, and the bytes of items.
//!
//! With `FUZZ_CORPUS` the seeds are also written into that folder, one subfolder a target.

use std::collections::BTreeSet;
use std::path::PathBuf;

use domain::bitmap::{BlockSet, Offset};
use domain::fact::Fact;
use domain::ledger::{Claim, Draft, Posting, Verdict};
use domain::telemetry::{Counters, Minute, Mode, Sample, State};
use serde_json::Value;

use crate::tidy_kit::read;

#[path = "../../fuzz/properties/bodies.rs"]
mod bodies;
#[path = "../../fuzz/properties/codecs.rs"]
mod codecs;
#[path = "../../fuzz/properties/csv.rs"]
mod csv;
#[path = "../../fuzz/properties/keys.rs"]
mod keys;
#[path = "../../fuzz/properties/results.rs"]
mod results;

const LINE: &str = "0313000000018";
const ID: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn every_route_answers_its_examples_and_odd_ones_alike_when_asked_twice() {
    let document: Value = serde_json::from_str(&read("infra/openapi.json")).unwrap();
    let mut seeds = Vec::new();
    for (pattern, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            seeds.extend(requests(pattern, &method.to_uppercase(), operation));
        }
    }
    assert!(seeds.len() > 100, "only {} requests", seeds.len());
    let statuses: BTreeSet<u16> =
        seeds.iter().filter_map(|seed| bodies::holds(seed.as_bytes())).collect();
    // 503: an end of a batch needs a bucket, of which this world has none; nothing else may.
    assert_eq!(statuses, BTreeSet::from([200, 201, 202, 303, 400, 404, 409, 415, 422, 503]));
    write("bodies", seeds.into_iter().map(String::into_bytes));
}

/// A route with what is there and what is not, with each parameter, and with its example whole and broken.
fn requests(pattern: &str, method: &str, operation: &Value) -> Vec<String> {
    let id = ["allocation", "finding", "pool"].into_iter().find(|noun| pattern.contains(noun));
    let id = id.map_or_else(|| ID.to_owned(), |noun| format!("{{{noun}}}"));
    // Buckets and queues are not here: only what needs neither is asked of the document that is.
    let known =
        pattern.ends_with("reject") || method == "GET" && pattern.starts_with("/operations");
    let sha = if known { "{document}".to_owned() } else { "a".repeat(64) };
    let path = pattern.replace("{id}", &id).replace("{gln}", LINE).replace("{sha256}", &sha);
    let path = path.replace("{verb}", "reject");
    let mut seeds = vec![format!("{method} {path}\n\n\n"), format!("{method} {pattern}\n\n\n")];
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
        let name = parameter["name"].as_str().unwrap();
        for value in
            ["10", "csv", "range", "2026-11-23T09:00:00Z", "%00", "active", "x@example.com"]
        {
            seeds.push(format!("{method} {path}?{name}={value}\n\n\n"));
        }
    }
    let content = operation["requestBody"]["content"].as_object().cloned().unwrap_or_default();
    for (content_type, body) in content {
        let head = format!("{method} {path}\n{content_type}");
        if let Value::Object(example) = &body["example"] {
            let example = serde_json::to_string(example).unwrap();
            seeds.push(format!("{head}\nidempotency-key: R2\n{example}"));
            seeds.push(format!("{head}\n\n{}", &example[..example.len() / 2]));
            seeds.push(format!("{head}\n\n[{example},{example}]"));
        } else {
            let cookie = "cookie: pharmatrace_session={session}";
            let fields = "form_token={form}&reason=told&next=&token=tp_aaaaaaaa_bbbbbbbb";
            seeds.push(format!("{head}\n{cookie}\n{fields}"));
        }
    }
    if pattern.starts_with("/operations") && method == "GET" {
        seeds.push(format!("{method} {path}\n\ncookie: pharmatrace_session={{session}}\n"));
    }
    seeds
}

#[test]
fn keys_and_identifiers_are_written_as_they_are_read() {
    let sha = "ab".repeat(32);
    let seeds = [
        format!("POOL#{ID}"),
        "REGISTRY".to_owned(),
        "GTIN#00313000007772".to_owned(),
        format!("BLOCK#{ID}#00000001"),
        format!("DOC#{sha}"),
        format!("LINE#{LINE}"),
        "SYSTEM#line-1".to_owned(),
        "RANGE#00000000000000001000".to_owned(),
        format!("POOL#00000000000000001000#{ID}"),
        format!("PLAN#{ID}#00000001-00000009"),
        "AUDIT#2026-11-23T10:00:00.000Z#abcdef0123456789".to_owned(),
        "MINUTE#001795428000000".to_owned(),
        "urn:epc:id:sgln:0313000.00001.0".to_owned(),
        format!("https://id.gs1.org/414/{LINE}"),
        "Bearer tp_aaaaaaaa_bbbbbbbb".to_owned(),
        "Basic YWFhYWFhYWE6YmJiYmJiYmI=".to_owned(),
        "2026-11-23T10:00:00.123+02:00".to_owned(),
        "313000007772".to_owned(),
        "range.csv.gz".to_owned(),
    ];
    for seed in &seeds {
        keys::holds(seed.as_bytes());
    }
    write("keys", seeds.into_iter().map(String::into_bytes));
}

#[test]
fn files_for_lines_are_read_back_whatever_is_in_their_texts() {
    let texts = ["=LOT\"42,", "WO-1", "2028-10-31", "PK", "3"].join("\0");
    let odd = ["a\r\nb", "\"\"", "\u{1}", "é\u{2028}", ",;\t"].join("\0");
    let seeds: Vec<Vec<u8>> = ["", &texts, &odd]
        .iter()
        .flat_map(|texts| {
            [[1, 12, 0, 0], [40, 20, 255, 6], [255; 4]].map(|n| [&n[..], texts.as_bytes()].concat())
        })
        .collect();
    for seed in &seeds {
        csv::holds(seed);
    }
    write("csv", seeds);
}

#[test]
fn result_files_are_read_alike_by_another_reader() {
    let head = "GTIN,SerialNumber,EPC,Lot,Expiry,LineGLN,Status,EventTime";
    let row =
        "00313000007772,000000001000,,LOT42,281031,0313000000018,SAMPLED,2026-11-23T10:00:00Z";
    let quoted = row.replace("LOT42", "\"L\r\n,\"\"42\"");
    let texts = [
        format!("{head}\n{row}\n"),
        format!("\u{feff}{head}\r\n{quoted}\r\n\r\n{row}"),
        format!("{head}\n{row}\n").replace(',', ";"),
        format!("{head}\n{row}\n").replace(',', "\t"),
        format!("{head}\n{row},\n{row}\n"),
        format!("{head}\n{row}\n\"{row}"),
        format!("{head}\n{}\n", row.replace("SAMPLED", "SOLD")),
        format!("{head},Status\n{row},UNUSED\n"),
        "Status;EventTime;EPC\nUNUSED;x;urn:epc:id:sgtin:0313000.000777.1".to_owned(),
        "\n \nId".to_owned(),
        String::new(),
    ];
    for text in &texts {
        results::holds(text.as_bytes());
    }
    write("results", texts.into_iter().map(String::into_bytes));
}

#[test]
fn bytes_of_items_are_written_as_they_are_read() {
    let offset = |at: u32| Offset::new(at).unwrap();
    let sparse: BlockSet = (0..40).map(|n| offset(n * 700)).collect();
    let half: BlockSet = (0..16_384).map(|n| offset(n * 2)).collect();
    let span = BlockSet::span(offset(5), offset(30_000));
    let mut minute = Minute::default();
    for n in 0..3_u64 {
        minute.add(sample(1_795_428_000_000 + n * 7_000, n));
    }
    let mut draft = Draft::default();
    for (ordinal, set) in [(1, &sparse), (2, &span)] {
        let lot = Some("LOT42");
        let claim = Claim {
            fact: Fact::Commissioned,
            lot,
            expiry: Some("2028-10-31"),
            time_ms: 7,
            ordinal,
            is_bare: false,
        };
        draft.assert_all(&claim, set);
    }
    let posting = Posting {
        groups: draft.groups,
        retractions: draft.retractions,
        verdict: Verdict::default(),
    };
    let sets = [&sparse, &half, &span].map(BlockSet::encode);
    let items = [posting.encode(), minute.encode(1_795_428_000_000)];
    let steps = (0..=255).collect();
    let seeds: Vec<Vec<u8>> = sets.into_iter().chain(items).chain([steps]).collect();
    for seed in &seeds {
        codecs::holds(seed);
    }
    write("codecs", seeds);
}

fn sample(at_ms: u64, n: u64) -> Sample {
    Sample {
        at_ms,
        seq: Some(n),
        state: State::parse("EXECUTE").unwrap(),
        mode: Mode::parse("PRODUCTION"),
        counters: Counters { consumed: Some(n * 10), processed: Some(n * 9), defective: None },
        speed_milli: Some(118_500),
        design_milli: None,
        blocked: n == 1,
        starved: false,
        serials_remaining: Some(1_000 - n),
    }
}

fn write(target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) {
    let Some(corpus) = std::env::var_os("FUZZ_CORPUS") else { return };
    let folder = PathBuf::from(corpus).join(target);
    std::fs::create_dir_all(&folder).unwrap();
    for (place, seed) in seeds.into_iter().enumerate() {
        std::fs::write(folder.join(place.to_string()), seed).unwrap();
    }
}
