//! Reading answers of the hub, and showing a document's report.

use serde_json::Value;

use super::Show;
use crate::api::Answer;
use crate::error::CommandError;
use crate::table;

pub(super) fn show_report(show: &mut Show, name: &str, report: &Value) -> Result<(), CommandError> {
    show.step("report", report);
    let status = text(report, "/status");
    let (events, named) = (count(report, "/events"), count(report, "/serials/named"));
    show.say(&format!("\nReport  {name}: {status}, {events} events, {named} serials"))?;
    if let Some(error) = report.get("error").filter(|error| !error.is_null()) {
        let (code, message) = (text(error, "/code"), text(error, "/message"));
        let place = match (count(error, "/line"), count(error, "/column")) {
            (0, _) => String::new(),
            (line, column) => format!(" at line {line}, column {column}"),
        };
        show.say(&format!("  {code}{place}: {message}"))?;
    }
    let mut rows = vec![head(&["finding", "severity", "count", "first"])];
    for finding in list(report, "/findings") {
        let range = [text(&finding, "/ranges/0/from"), text(&finding, "/ranges/0/to")].join(" – ");
        let first = if range == " – " { text(&finding, "/samples/0") } else { range };
        let row = ["/code", "/severity"].map(|pointer| text(&finding, pointer));
        rows.push(row.into_iter().chain([count(&finding, "/count").to_string(), first]).collect());
    }
    if rows.len() > 1 {
        for line in table::lines(&rows) {
            show.say(&line)?;
        }
    }
    Ok(())
}

/// How often a code was found, provisional or not.
pub(super) fn found(report: &Value, code: &str) -> u64 {
    let of_code = |finding: &Value| finding.get("code").and_then(Value::as_str) == Some(code);
    let findings = list(report, "/findings");
    findings.iter().filter(|f| of_code(f)).map(|f| count(f, "/count")).sum()
}

pub(super) fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

pub(super) fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

pub(super) fn list(value: &Value, pointer: &str) -> Vec<Value> {
    value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
}

pub(super) fn expect(answer: &Answer, status: u16, what: &str) -> Result<(), CommandError> {
    if answer.status == status { Ok(()) } else { Err(unexpected(answer, what)) }
}

pub(super) fn unexpected(answer: &Answer, what: &str) -> CommandError {
    let body = String::from_utf8_lossy(&answer.body);
    CommandError::Failed(format!("{what}: the hub answered {} {body}", answer.status))
}
