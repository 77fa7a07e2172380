//! The figures, the budget, the verdict.

use serde_json::{Value, json};

use super::Form;
use crate::table;

/// The budget: the high-water mark of the function's process, 64 MB in KiB.
const VM_HWM_KIB_MAX: u64 = 62_500;
/// The budget: write units for a million dense serials.
const UNITS_PER_MILLION_MAX: u64 = 200;

/// What one document took.
#[derive(Debug, Clone)]
pub struct Row {
    /// How many serial numbers the order has.
    pub serials: u64,
    /// How the document was written.
    pub form: Form,
    /// The file as it was sent.
    pub sent_bytes: u64,
    /// The same inflated.
    pub content_bytes: u64,
    /// What the function needed.
    pub milliseconds: u64,
    /// What it wrote.
    pub write_units: u64,
    /// The most memory it had.
    pub vm_hwm_kib: u64,
    /// What is not as it must be in its report.
    pub wrong: Vec<String>,
}

impl Row {
    fn units_per_million(&self) -> u64 {
        let units = self.write_units.saturating_mul(1_000_000);
        units.checked_div(self.serials).unwrap_or(u64::MAX)
    }

    fn serials_per_second(&self) -> u64 {
        self.serials.saturating_mul(1_000).checked_div(self.milliseconds).unwrap_or_default()
    }

    /// Whether the budgets hold and the report is right. Below a million serials the few writes that every
    /// document needs outweigh the others, so units are judged from there on.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.vm_hwm_kib <= VM_HWM_KIB_MAX
            && (self.units_per_million() <= UNITS_PER_MILLION_MAX || self.serials < 1_000_000)
            && self.wrong.is_empty()
    }
}

/// All documents of a measurement.
#[derive(Debug)]
pub struct Sheet {
    /// In the order in which they were sent.
    pub rows: Vec<Row>,
}

impl Sheet {
    /// Whether all of it is within the budgets.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rows.iter().all(Row::holds)
    }

    /// The table.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let head = [
            "serials",
            "form",
            "sent MB",
            "content MB",
            "s",
            "serials/s",
            "write units",
            "per million",
            "memory MB",
            "report",
            "",
        ];
        let mut cells = vec![head.map(str::to_owned).to_vec()];
        for row in &self.rows {
            cells.push(vec![
                row.serials.to_string(),
                row.form.as_str().to_owned(),
                megabytes(row.sent_bytes),
                megabytes(row.content_bytes),
                format!("{}.{:03}", row.milliseconds / 1_000, row.milliseconds % 1_000),
                row.serials_per_second().to_string(),
                row.write_units.to_string(),
                row.units_per_million().to_string(),
                megabytes(row.vm_hwm_kib.saturating_mul(1_024)),
                if row.wrong.is_empty() { "same" } else { "OTHER" }.to_owned(),
                if row.holds() { "ok" } else { "MISSED" }.to_owned(),
            ]);
        }
        let mut lines = table::lines(&cells);
        for row in &self.rows {
            let of = |wrong: &String| format!("{} {}: {wrong}", row.serials, row.form.as_str());
            lines.extend(row.wrong.iter().map(of));
        }
        let (memory, units) =
            (megabytes(VM_HWM_KIB_MAX.saturating_mul(1_024)), UNITS_PER_MILLION_MAX);
        lines.push(format!("budget: memory {memory} MB, {units} write units a million"));
        lines
    }

    /// The same for a program.
    #[must_use]
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "serials": row.serials,
                "form": row.form.as_str(),
                "sent_bytes": row.sent_bytes,
                "content_bytes": row.content_bytes,
                "milliseconds": row.milliseconds,
                "serials_per_second": row.serials_per_second(),
                "write_units": row.write_units,
                "write_units_per_million": row.units_per_million(),
                "vm_hwm_kib": row.vm_hwm_kib,
                "wrong": row.wrong,
                "holds": row.holds(),
            })
        };
        json!({
            "bench": "documents",
            "budget": {
                "vm_hwm_kib": VM_HWM_KIB_MAX,
                "write_units_per_million": UNITS_PER_MILLION_MAX,
            },
            "documents": self.rows.iter().map(row).collect::<Vec<_>>(),
            "holds": self.holds(),
        })
    }
}

/// The seconds of a report, which are a decimal with three digits behind the point.
pub(super) fn milliseconds(view: &Value) -> u64 {
    let text = view.pointer("/metrics/seconds").map(Value::to_string).unwrap_or_default();
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let part = |text: &str| text.parse::<u64>().unwrap_or_default();
    part(whole)
        .saturating_mul(1_000)
        .saturating_add(part(format!("{rest:0<3}").get(..3).unwrap_or("")))
}

/// Bytes as MB with one digit behind the point.
fn megabytes(bytes: u64) -> String {
    format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            serials: 2_000_000,
            form: Form::Dense,
            sent_bytes: 120_460_000,
            content_bytes: 120_460_000,
            milliseconds: 500,
            write_units: 400,
            vm_hwm_kib: VM_HWM_KIB_MAX,
            wrong: Vec::new(),
        }
    }

    #[test]
    fn what_is_at_the_limit_holds_and_what_is_above_it_does_not() {
        assert!(row().holds());
        assert!(!Row { vm_hwm_kib: VM_HWM_KIB_MAX + 1, ..row() }.holds());
        assert!(!Row { write_units: 403, ..row() }.holds());
        assert!(!Row { wrong: vec!["x".to_owned()], ..row() }.holds());
        assert!(Row { serials: 1_000, write_units: 20, ..row() }.holds());
    }

    #[test]
    fn a_table_and_a_json_line_say_the_same() {
        let wrong = Row { wrong: vec!["3 events were read".to_owned()], ..row() };
        let sheet = Sheet { rows: vec![row(), wrong] };
        let lines = sheet.lines();
        let first = concat!(
            "  2000000  dense    120.4       120.4  0.500    4000000          400  ",
            "        200       64.0  same    ok",
        );
        assert_eq!(lines[2], first);
        assert!(lines[3].ends_with("OTHER   MISSED"), "{}", lines[3]);
        assert_eq!(lines[4], "2000000 dense: 3 events were read");
        let told = sheet.json();
        assert_eq!(told["documents"][0]["serials_per_second"], 4_000_000);
        assert_eq!((&told["documents"][0]["holds"], &told["holds"]), (&json!(true), &json!(false)));
    }

    #[test]
    fn seconds_of_a_report_are_read_exactly() {
        for (text, expected) in [("1.250", 1_250), ("0.007", 7), ("12", 12_000), ("3.5", 3_500)] {
            let view: Value =
                serde_json::from_str(&format!("{{\"metrics\":{{\"seconds\":{text}}}}}")).unwrap();
            assert_eq!(milliseconds(&view), expected, "{text}");
        }
        assert_eq!(milliseconds(&json!({"metrics": null})), 0);
    }
}
