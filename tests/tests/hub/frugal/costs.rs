//! The table: what was counted, and what it comes to in money.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use testkit::{Call, Service};

/// Hours of a month, as cloud bills count them.
const HOURS_PER_MONTH: f64 = 730.0;

/// US dollars for a million of each.
const WRITE_UNITS: f64 = 0.625;
const READ_UNITS: f64 = 0.125;
const S3_WRITES: f64 = 5.0;
const S3_READS: f64 = 0.4;
const SQS_CALLS: f64 = 0.4;

const HEAD: &str = "# What operations cost

Written by `UPDATE_SNAPSHOT=1 cargo test --profile local -p hub-tests frugal`, checked by the same test: the real
handlers run over a table in process and over the local cloud's buckets and queues, and every call is counted. What
was measured and why it is so is in [decision 18](decisions/0018-fewer-reads.md).

- *Calls* are round trips to DynamoDB. *Write* is units of the table + of its two indexes; *refused* is what a failed
  condition costs, which DynamoDB charges and does not report: one unit for each item, two in a transaction.
  *Read* is units, one for 4 KB read consistently, half of that otherwise.
- *S3* is requests that write or list / that read; *SQS* is messages sent. Presigned addresses cost nothing here: the
  upload or download that follows is one request of the one or the other kind.
- *USD* is for a million operations at list prices of us-east-1, on demand: $0.625 a million write units, $0.125 a
  million read units, $5 and $0.40 a million S3 requests, $0.40 a million SQS requests. The first gateway request, the
  function's run, storage, traffic, logs and alarms are not in it; `runbook.md` says what watching costs.
- Each operation but the first of a kind runs in a process that is warm. An authorised request costs its own row and,
  at most once a minute for a credential, an authorizer's.
";

/// One operation.
struct Row {
    name: String,
    calls: Vec<Call>,
}

/// All that was counted, by section.
#[derive(Default)]
pub struct Costs {
    sections: Vec<(&'static str, Vec<Row>)>,
}

/// Sums over the calls of a row.
#[derive(Default)]
struct Sum {
    table_writes: f64,
    index_writes: f64,
    refused_writes: f64,
    reads: f64,
    s3_writes: u32,
    s3_reads: u32,
    messages: u32,
}

impl Costs {
    /// What follows is of this section.
    pub fn section(&mut self, title: &'static str) {
        self.sections.push((title, Vec::new()));
    }

    /// An operation and its calls.
    pub fn add(&mut self, name: &str, calls: Vec<Call>) {
        let (_, rows) = self.sections.last_mut().unwrap();
        rows.push(Row { name: name.to_owned(), calls });
    }

    pub fn to_markdown(&self) -> String {
        let mut out = String::from(HEAD);
        for (title, rows) in &self.sections {
            let by_month = title.contains("month");
            let per = if by_month { "USD a month" } else { "USD" };
            write!(out, "\n## {title}\n\n").unwrap();
            writeln!(out, "| What | Calls | Write | Read | S3 | SQS | {per} |").unwrap();
            out.push_str("|---|---|---|---|---|---|---|\n");
            for row in rows {
                let sum = Sum::of(&row.calls);
                let money = if by_month {
                    sum.dollars_a_million() / 1e6 * HOURS_PER_MONTH
                } else {
                    sum.dollars_a_million()
                };
                let (writes, reads) = (sum.writes(), units(sum.reads));
                let s3 = format!("{} / {}", sum.s3_writes, sum.s3_reads);
                writeln!(
                    out,
                    "| {} | {} | {writes} | {reads} | {s3} | {} | {money:.2} |",
                    row.name,
                    calls(&row.calls),
                    sum.messages
                )
                .unwrap();
            }
        }
        out
    }
}

impl Sum {
    fn of(calls: &[Call]) -> Self {
        let mut sum = Self::default();
        for call in calls {
            sum.table_writes += call.units.table_writes;
            sum.index_writes += call.units.index_writes;
            sum.refused_writes += call.units.refused_writes;
            sum.reads += call.units.reads;
            match (call.service, call.operation.as_str()) {
                (Service::DynamoDb, _) | (Service::S3, "DELETE") => {}
                (Service::S3, "GET" | "HEAD") => sum.s3_reads += 1,
                (Service::S3, _) => sum.s3_writes += 1,
                (Service::Sqs, _) => sum.messages += 1,
            }
        }
        sum
    }

    fn dollars_a_million(&self) -> f64 {
        let writes = self.table_writes + self.index_writes + self.refused_writes;
        let s3 = S3_WRITES * f64::from(self.s3_writes) + S3_READS * f64::from(self.s3_reads);
        WRITE_UNITS * writes + READ_UNITS * self.reads + s3 + SQS_CALLS * f64::from(self.messages)
    }

    fn writes(&self) -> String {
        let mut text = format!("{} + {}", units(self.table_writes), units(self.index_writes));
        if self.refused_writes > 0.0 {
            write!(text, " + {} refused", units(self.refused_writes)).unwrap();
        }
        if text == "0 + 0" { "0".to_owned() } else { text }
    }
}

/// Units come in halves.
fn units(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// How many calls to DynamoDB, and which.
fn calls(calls: &[Call]) -> String {
    let mut by_operation: BTreeMap<&str, usize> = BTreeMap::new();
    let dynamo = calls.iter().filter(|call| call.service == Service::DynamoDb);
    for call in dynamo {
        *by_operation.entry(call.operation.as_str()).or_default() += 1;
    }
    let total: usize = by_operation.values().sum();
    let parts = by_operation.iter().map(|(name, count)| format!("{name} {count}"));
    match total {
        0 => "0".to_owned(),
        _ => format!("{total}: {}", parts.collect::<Vec<_>>().join(", ")),
    }
}

/// Lines that are in one of the two only.
pub fn differences(kept: &str, found: &str) -> Vec<String> {
    let only = |mark: char, a: &str, b: &str| {
        let b: Vec<&str> = b.lines().collect();
        let new = a.lines().filter(|line| !b.contains(line));
        new.map(|line| format!("{mark} {line}")).collect::<Vec<_>>()
    };
    [only('-', kept, found), only('+', found, kept)].concat()
}
