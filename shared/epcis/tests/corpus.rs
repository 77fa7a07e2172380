//! Real files of other projects, read with the counts that an independent reader found in them.
//!
//! The folder is given by `EPCIS_CORPUS`. Without it the same test reads the samples of this
//! repository, and says so.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use epcis::facts::Facts;
use epcis::{DocumentSummary, EventKind, Failure, Limits, inflate};

type Row = BTreeMap<String, String>;

fn rows(folder: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().unwrap().split('\t').collect();
    lines
        .map(|line| {
            let cells = line.split('\t').map(str::to_owned);
            heads.iter().map(|head| (*head).to_owned()).zip(cells).collect()
        })
        .collect()
}

fn read(path: &Path, limits: &Limits) -> Result<(DocumentSummary, Facts), String> {
    let file = BufReader::new(File::open(path).unwrap());
    let mut facts = Facts::default();
    match epcis::read(BufReader::new(inflate(file, limits)), limits, &mut facts) {
        Ok(summary) => Ok((summary, facts)),
        Err(Failure::Read(error)) => {
            assert!(error.line.is_some() && error.column.is_some(), "{error}");
            Err(format!("{}:{}:{error}", error.line.unwrap(), error.column.unwrap()))
        }
        Err(Failure::Sink(error)) => Err(error.to_string()),
    }
}

fn counts(counts: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> = counts.iter().map(|(word, n)| format!("{word}={n}")).collect();
    parts.join(",")
}

fn time(time: Option<time::OffsetDateTime>) -> String {
    let Some(time) = time else {
        return String::new();
    };
    let (hour, minute, second, micro) = time.to_hms_micro();
    format!(
        "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z",
        time.year(),
        u8::from(time.month()),
        time.day()
    )
}

fn found(summary: &DocumentSummary, facts: &Facts) -> Row {
    let of = |kind| facts.events_of(kind).to_string();
    let gtins: Vec<&str> = facts.gtin14_instances.iter().map(String::as_str).collect();
    [
        ("schema_version", summary.schema_version.clone().unwrap_or_else(|| "None".to_owned())),
        ("doc", summary.document.clone()),
        ("events_total", facts.events_total().to_string()),
        ("ObjectEvent", of(EventKind::Object)),
        ("AggregationEvent", of(EventKind::Aggregation)),
        ("TransactionEvent", of(EventKind::Transaction)),
        ("TransformationEvent", of(EventKind::Transformation)),
        ("AssociationEvent", of(EventKind::Association)),
        ("QuantityEvent", of(EventKind::Quantity)),
        ("epc_entries", facts.epc_entries.to_string()),
        ("parent_ids", facts.parent_ids.to_string()),
        ("quantity_elements", facts.quantity_elements.to_string()),
        ("actions", counts(&facts.actions)),
        ("biz_steps", counts(&facts.biz_steps)),
        ("dispositions", counts(&facts.dispositions)),
        ("n_gtin14_instances", facts.gtin14_instances.len().to_string()),
        ("gtin14_instances", gtins.join(",")),
        ("event_time_min", time(facts.event_time_min)),
        ("event_time_max", time(facts.event_time_max)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn corpus() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Some(given) = std::env::var_os("EPCIS_CORPUS").filter(|given| !given.is_empty()) {
        // A relative folder is meant from the root of the repository, where tests are started.
        return root.join("../..").join(given);
    }
    eprintln!("EPCIS_CORPUS is not set: only the samples of this repository are read");
    root.join("tests/samples")
}

#[test]
fn every_document_is_read_with_its_known_counts_or_refused_with_a_place() {
    let folder = corpus();
    let limits = Limits::default();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for row in rows(&folder) {
        let file = row["file"].as_str();
        let outcome = read(&folder.join(file), &limits);
        if !matches!(row["class"].as_str(), "doc" | "query") {
            continue;
        }
        seen += 1;
        match (row["wellformed"].as_str(), outcome) {
            ("True", Ok((summary, facts))) => {
                for (name, value) in found(&summary, &facts) {
                    if row[&name] != value {
                        wrong.push(format!("{file}: {name} is {value:?}, not {:?}", row[&name]));
                    }
                }
            }
            ("True", Err(error)) => wrong.push(format!("{file}: {error}")),
            ("False", Ok(_)) => wrong.push(format!("{file}: read, though malformed")),
            ("False", Err(error)) => eprintln!("{file}: {error}"),
            (other, _) => wrong.push(format!("{file}: wellformed is {other:?}")),
        }
    }
    assert!(seen > 0, "the index has no documents");
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{seen} documents read");
}
