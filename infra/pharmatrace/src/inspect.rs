//! `pharmatrace inspect FILE…`: what EPCIS files say, counted offline; one JSON line a file.
//!
//! Reading is not accepting: master data, query results and events without a time are counted
//! here, while reconciliation quarantines them. The definitions of the counts are those of
//! [`epcis::facts`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use epcis::facts::Facts;
use epcis::{DocumentSummary, EventKind, Failure, Limits, ReadError, ReadErrorCode};
use serde::Serialize;
use time::OffsetDateTime;

use crate::error::CommandError;

/// What is printed of a file.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Inspection {
    /// It could be read to its end.
    Read(Box<Counts>),
    /// It could not.
    Unreadable {
        /// The file as it was named.
        file: String,
        /// Why, and where in the inflated text.
        error: Unreadable,
    },
}

/// Why a file could not be read.
#[derive(Debug, Serialize)]
pub struct Unreadable {
    code: &'static str,
    message: String,
    line: Option<u64>,
    column: Option<u64>,
}

/// The counts of one file.
#[derive(Debug, Serialize)]
#[expect(non_snake_case, reason = "outside tools read the type names of the standard")]
pub struct Counts {
    file: String,
    kind: &'static str,
    schema_version: Option<String>,
    events_total: u64,
    ObjectEvent: u64,
    AggregationEvent: u64,
    TransactionEvent: u64,
    TransformationEvent: u64,
    AssociationEvent: u64,
    QuantityEvent: u64,
    epc_entries: u64,
    parent_ids: u64,
    quantity_elements: u64,
    actions: BTreeMap<String, u64>,
    biz_steps: BTreeMap<String, u64>,
    dispositions: BTreeMap<String, u64>,
    gtin14_instances: BTreeSet<String>,
    event_time_min: Option<String>,
    event_time_max: Option<String>,
}

/// Prints one JSON line a file; `true` if all could be read.
///
/// # Errors
/// If standard output is closed.
pub fn run(files: &[PathBuf]) -> Result<bool, CommandError> {
    let mut out = std::io::stdout().lock();
    let mut all_read = true;
    for path in files {
        let inspection = inspect_file(path);
        all_read = all_read && matches!(inspection, Inspection::Read(_));
        let line = serde_json::to_string(&inspection)
            .map_err(|error| CommandError::Failed(error.to_string()))?;
        writeln!(out, "{line}").map_err(CommandError::io("standard output"))?;
    }
    out.flush().map_err(CommandError::io("standard output"))?;
    Ok(all_read)
}

/// Reads one file, plain or gzip, in constant memory.
#[must_use]
pub fn inspect_file(path: &Path) -> Inspection {
    let file = path.display().to_string();
    match read(path) {
        Ok((summary, facts)) => Inspection::Read(Box::new(counts(file, summary, facts))),
        Err(error) => Inspection::Unreadable { file, error },
    }
}

fn read(path: &Path) -> Result<(DocumentSummary, Facts), Unreadable> {
    let limits = Limits::default();
    let input = File::open(path).map_err(|error| Unreadable {
        code: ReadErrorCode::Io.as_str(),
        message: error.to_string(),
        line: None,
        column: None,
    })?;
    let inflated = BufReader::new(epcis::inflate(BufReader::new(input), &limits));
    let mut facts = Facts::default();
    match epcis::read(inflated, &limits, &mut facts) {
        Ok(summary) => Ok((summary, facts)),
        Err(Failure::Read(error)) => Err(unreadable(error)),
        Err(Failure::Sink(error)) => Err(Unreadable {
            code: "too-many-distinct",
            message: error.to_string(),
            line: None,
            column: None,
        }),
    }
}

fn unreadable(error: ReadError) -> Unreadable {
    Unreadable {
        code: error.code.as_str(),
        message: error.message,
        line: error.line,
        column: error.column,
    }
}

fn counts(file: String, summary: DocumentSummary, facts: Facts) -> Counts {
    Counts {
        file,
        kind: summary.kind.as_str(),
        schema_version: summary.schema_version,
        events_total: facts.events_total(),
        ObjectEvent: facts.events_of(EventKind::Object),
        AggregationEvent: facts.events_of(EventKind::Aggregation),
        TransactionEvent: facts.events_of(EventKind::Transaction),
        TransformationEvent: facts.events_of(EventKind::Transformation),
        AssociationEvent: facts.events_of(EventKind::Association),
        QuantityEvent: facts.events_of(EventKind::Quantity),
        epc_entries: facts.epc_entries,
        parent_ids: facts.parent_ids,
        quantity_elements: facts.quantity_elements,
        event_time_min: facts.event_time_min.map(time_text),
        event_time_max: facts.event_time_max.map(time_text),
        actions: facts.actions,
        biz_steps: facts.biz_steps,
        dispositions: facts.dispositions,
        gtin14_instances: facts.gtin14_instances,
    }
}

/// UTC with microseconds, always six digits of them.
fn time_text(time: OffsetDateTime) -> String {
    let (hour, minute, second, micro) = time.to_hms_micro();
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_file_is_an_unreadable_one() {
        let inspection = inspect_file(Path::new("/nonexistent/file.xml"));
        let line = serde_json::to_value(&inspection).unwrap();
        assert_eq!(line["error"]["code"], "io");
        assert!(line["error"]["line"].is_null());
        assert_eq!(line["file"], "/nonexistent/file.xml");
    }

    #[test]
    fn counted_file_has_every_agreed_name_and_null_for_what_is_absent() {
        let path = std::env::temp_dir().join(format!("inspect-{}.json", std::process::id()));
        std::fs::write(
            &path,
            br#"[{"type":"ObjectEvent","eventTime":"2026-03-02T09:00:01+01:00",
            "action":"ADD","bizStep":"urn:epcglobal:cbv:bizstep:commissioning",
            "epcList":["urn:epc:id:sgtin:0614141.107346.2017"]}]"#,
        )
        .unwrap();
        let line = serde_json::to_value(inspect_file(&path)).unwrap();
        std::fs::remove_file(&path).unwrap();
        let expected = serde_json::json!({
            "file": path.display().to_string(), "kind": "epcis-json", "schema_version": null,
            "events_total": 1, "ObjectEvent": 1, "AggregationEvent": 0, "TransactionEvent": 0,
            "TransformationEvent": 0, "AssociationEvent": 0, "QuantityEvent": 0,
            "epc_entries": 1, "parent_ids": 0, "quantity_elements": 0, "actions": {"ADD": 1},
            "biz_steps": {"commissioning": 1}, "dispositions": {},
            "gtin14_instances": ["10614141073464"],
            "event_time_min": "2026-03-02T08:00:01.000000Z",
            "event_time_max": "2026-03-02T08:00:01.000000Z"
        });
        assert_eq!(line, expected);
    }
}
