//! What the report of a packaging run must say, worked out from the content alone.

use serde_json::Value;

use super::content::{Form, Part};
use crate::bench::plant::{count, text};

/// A finding's code and what it counts.
const FINDINGS: [(&str, u64); 6] = [
    ("NOT_RESERVED", 3),
    ("OVER_RUN", 3),
    ("LEADING_ZERO_STRIPPED", 1),
    ("DUPLICATE_IN_FILE", 5),
    ("LOT_MISMATCH", 100),
    ("INTERNAL_GAP", 10),
];
const HOLE: u64 = 10;
const DESTROYED: u64 = 20;

/// What is not as it must be in the report and the balance of a run of `size` numbers.
pub(super) fn differences(size: u64, view: &Value, balance: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |what: &str, expected: String, found: String| {
        if expected != found {
            wrong.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    check("status", "reconciled".to_owned(), text(view, "/status"));
    let printed = size.saturating_sub(HOLE);
    for what in ["matched", "newly_commissioned"] {
        check(what, printed.to_string(), count(view, &format!("/serials/{what}")).to_string());
    }
    for (bucket, expected) in [
        ("reserved", size),
        ("commissioned", printed.saturating_sub(DESTROYED)),
        ("destroyed", DESTROYED),
        ("outstanding", HOLE),
    ] {
        check(bucket, expected.to_string(), count(balance, &format!("/{bucket}")).to_string());
    }
    let findings = view.get("findings").and_then(Value::as_array);
    let findings = findings.map(Vec::as_slice).unwrap_or_default();
    let all = |code: &str| -> u64 {
        findings.iter().filter(|f| text(f, "/code") == code).map(|f| count(f, "/count")).sum()
    };
    for (code, expected) in FINDINGS {
        check(code, expected.to_string(), all(code).to_string());
    }
    let unknown = |f: &&Value| !FINDINGS.iter().any(|(code, _)| text(f, "/code") == *code);
    for finding in findings.iter().filter(unknown) {
        check("findings", "no other".to_owned(), text(finding, "/code"));
    }
    wrong
}

/// How many events a content has in a form.
pub(super) fn events(parts: &[Part], form: Form) -> u64 {
    let numbers = |part: &Part| part.numbers.end.saturating_sub(part.numbers.start);
    parts.iter().map(|part| numbers(part).div_ceil(form.per_event())).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::content::packaging_run;
    use super::*;

    fn good() -> (Value, Value) {
        let findings: Vec<Value> =
            FINDINGS.iter().map(|(code, n)| json!({"code": code, "count": n})).collect();
        let view = json!({
            "status": "reconciled", "findings": findings,
            "serials": {"matched": 990, "newly_commissioned": 990},
        });
        let balance =
            json!({"reserved": 1_000, "commissioned": 970, "destroyed": 20, "outstanding": 10});
        (view, balance)
    }

    #[test]
    fn a_right_report_has_no_differences_and_each_change_is_one() {
        let (view, balance) = good();
        assert_eq!(differences(1_000, &view, &balance), Vec::<String>::new());
        for (pointer, value, expected) in [
            ("/status", json!("parked"), "status: expected reconciled, found parked"),
            ("/serials/matched", json!(991), "matched: expected 990, found 991"),
            ("/findings/4/count", json!(99), "LOT_MISMATCH: expected 100, found 99"),
        ] {
            let mut view = view.clone();
            *view.pointer_mut(pointer).unwrap() = value;
            assert_eq!(differences(1_000, &view, &balance), [expected]);
        }
        let mut more = view.clone();
        more["findings"].as_array_mut().unwrap().push(json!({"code": "MISSING_LOT", "count": 1}));
        let expected = ["findings: expected no other, found MISSING_LOT"];
        assert_eq!(differences(1_000, &more, &balance), expected);
        let mut lost = balance.clone();
        lost["outstanding"] = json!(9);
        assert_eq!(differences(1_000, &view, &lost), ["outstanding: expected 10, found 9"]);
    }

    #[test]
    fn events_are_counted_as_they_are_written() {
        let parts = packaging_run(5_000);
        assert_eq!(events(&parts, Form::Dense), 2 + 2 + 1 + 2 + 4);
        assert_eq!(events(&parts, Form::Single), 5_000 - 10 + 5 + 3 + 1 + 20);
    }
}
