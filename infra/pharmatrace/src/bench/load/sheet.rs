//! The figures of a load, the budget, the verdict.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::mix::Operation;
use super::sample::{Fault, Sample, Tally};
use crate::table;

/// Different faults that are told.
const FAULTS_MAX: usize = 10;
/// Characters of a fault that are told.
const FAULT_CHARACTERS_MAX: usize = 300;

/// What is allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Operations that may be throttled or not served, of a million.
    pub(super) errors_per_million: u64,
    /// What 99 of 100 calls of each operation may take; files and reconciliation are work, not calls.
    pub(super) p99_ms: Option<u64>,
}

/// What a load came to.
#[derive(Debug)]
pub struct Sheet {
    pub(super) tallies: Vec<Tally>,
    /// What went wrong, and how often.
    pub(super) faults: Vec<(String, u64)>,
    /// The measured time.
    pub(super) milliseconds: u64,
    pub(super) callers: u64,
    pub(super) budget: Budget,
    /// What the audit found afterwards, if it was asked for.
    pub(super) breaches: Option<Vec<String>>,
}

impl Sheet {
    /// What the samples come to.
    pub(super) fn of(samples: &[Sample], measured: (u64, u64), budget: Budget) -> Self {
        let (milliseconds, callers) = measured;
        let tallies = Operation::ALL.iter().map(|operation| Tally::of(*operation, samples));
        let mut faults: BTreeMap<String, u64> = BTreeMap::new();
        for sample in samples {
            let told = match &sample.fault {
                None => continue,
                Some(Fault::Throttled) => "429".to_owned(),
                Some(Fault::Unserved(text) | Fault::Wrong(text)) => text.clone(),
            };
            let told = format!("{}: {told}", sample.operation.as_str());
            let told: String = told.chars().take(FAULT_CHARACTERS_MAX).collect();
            let number = faults.entry(told).or_default();
            *number = number.saturating_add(1);
        }
        let mut faults: Vec<(String, u64)> = faults.into_iter().collect();
        faults.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        Self {
            tallies: tallies.filter(|tally| tally.all() > 0).collect(),
            faults,
            milliseconds,
            callers,
            budget,
            breaches: None,
        }
    }

    fn sum(&self, of: impl Fn(&Tally) -> u64) -> u64 {
        self.tallies.iter().map(of).fold(0, u64::saturating_add)
    }

    /// Calls, without the work that they set off.
    fn good(&self) -> u64 {
        self.sum(|tally| if tally.operation == Operation::Reconcile { 0 } else { tally.good })
    }

    fn wrong(&self) -> u64 {
        self.sum(|tally| tally.wrong)
    }

    fn errors_per_million(&self) -> u64 {
        let errors = self.sum(|tally| tally.throttled.saturating_add(tally.unserved));
        let all = self.sum(Tally::all);
        errors.saturating_mul(1_000_000).checked_div(all).unwrap_or(0)
    }

    /// Files that came to their report.
    #[must_use]
    pub fn reconciled(&self) -> u64 {
        self.sum(|tally| if tally.operation == Operation::Reconcile { tally.good } else { 0 })
    }

    fn is_slow(&self, tally: &Tally) -> bool {
        let is_call = !matches!(tally.operation, Operation::Reconcile | Operation::ExportFile);
        let over = |limit: u64| tally.p99_us > limit.saturating_mul(1_000);
        is_call && self.budget.p99_ms.is_some_and(over)
    }

    /// Whether errors and times are within the budget, no answer was wrong and the audit found nothing.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.good() > 0
            && self.wrong() == 0
            && self.errors_per_million() <= self.budget.errors_per_million
            && !self.tallies.iter().any(|tally| self.is_slow(tally))
            && self.breaches.as_ref().is_none_or(Vec::is_empty)
    }

    /// The table.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let head = [
            "operation",
            "done",
            "a second",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "max ms",
            "429",
            "5xx",
            "wrong",
        ];
        let mut cells = vec![head.map(str::to_owned).to_vec()];
        for tally in &self.tallies {
            cells.push(vec![
                tally.operation.as_str().to_owned(),
                tally.good.to_string(),
                self.a_second(tally.good),
                ms(tally.p50_us),
                ms(tally.p95_us),
                ms(tally.p99_us),
                ms(tally.max_us),
                tally.throttled.to_string(),
                tally.unserved.to_string(),
                tally.wrong.to_string(),
            ]);
        }
        let mut lines = table::lines(&cells);
        let (good, rate) = (self.good(), self.a_second(self.good()));
        lines.push(format!("{good} calls by {} callers, {rate} a second", self.callers));
        let budget = self.budget.errors_per_million;
        let found = self.errors_per_million();
        let wrong = self.wrong();
        lines.push(format!(
            "errors: {found} of a million, budget {budget}; wrong answers: {wrong}, budget 0"
        ));
        let slow = self.tallies.iter().filter(|tally| self.is_slow(tally));
        lines.extend(slow.map(|tally| format!("SLOW  {}", tally.operation.as_str())));
        if let Some(breaches) = &self.breaches {
            lines.push(format!("audit: {} breaches", breaches.len()));
            lines.extend(breaches.iter().map(|breach| format!("BREACH  {breach}")));
        }
        let told = self.faults.iter().take(FAULTS_MAX);
        lines.extend(told.map(|(fault, number)| format!("{number} times  {fault}")));
        lines.push(if self.holds() { "within the budget" } else { "BUDGET MISSED" }.to_owned());
        lines
    }

    /// The same for a program.
    #[must_use]
    pub fn json(&self) -> Value {
        let operation = |tally: &Tally| {
            json!({
                "operation": tally.operation.as_str(),
                "done": tally.good,
                "throttled": tally.throttled,
                "unserved": tally.unserved,
                "wrong": tally.wrong,
                "p50_us": tally.p50_us,
                "p95_us": tally.p95_us,
                "p99_us": tally.p99_us,
                "max_us": tally.max_us,
            })
        };
        let fault = |(fault, number): &(String, u64)| json!({ "fault": fault, "times": number });
        json!({
            "bench": "load",
            "callers": self.callers,
            "milliseconds": self.milliseconds,
            "calls": self.good(),
            "operations": self.tallies.iter().map(operation).collect::<Vec<_>>(),
            "errors_per_million": self.errors_per_million(),
            "wrong": self.wrong(),
            "faults": self.faults.iter().take(FAULTS_MAX).map(fault).collect::<Vec<_>>(),
            "budget": {
                "errors_per_million": self.budget.errors_per_million,
                "p99_ms": self.budget.p99_ms,
            },
            "breaches": self.breaches,
            "holds": self.holds(),
        })
    }

    /// With one digit behind the point.
    fn a_second(&self, number: u64) -> String {
        let tenths = number.saturating_mul(10_000).checked_div(self.milliseconds).unwrap_or(0);
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

fn ms(us: u64) -> String {
    format!("{}.{}", us / 1_000, us % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BUDGET: Budget = Budget { errors_per_million: 1_000, p99_ms: None };

    fn samples(operation: Operation, number: usize, fault: Option<&Fault>) -> Vec<Sample> {
        let took = Duration::from_micros(12_340);
        vec![Sample { operation, took, is_warm_up: false, fault: fault.cloned() }; number]
    }

    #[test]
    fn errors_up_to_the_budget_hold_and_one_wrong_answer_does_not() {
        let of = |errors: usize, wrong: usize| {
            let bad = Fault::Unserved("502".to_owned());
            let mut all = samples(Operation::Get, 1_000 - errors, None);
            all.extend(samples(Operation::Get, errors, Some(&bad)));
            all.extend(samples(Operation::List, wrong, Some(&Fault::Wrong("x".to_owned()))));
            Sheet::of(&all, (2_000, 8), BUDGET)
        };
        assert!(of(0, 0).holds() && of(1, 0).holds());
        assert!(!of(2, 0).holds() && !of(0, 1).holds());
        assert!(!Sheet::of(&[], (2_000, 8), BUDGET).holds(), "nothing was measured");
        let breaches = Some(vec!["I1 pool: overlap".to_owned()]);
        assert!(!Sheet { breaches, ..of(0, 0) }.holds());
    }

    #[test]
    fn slow_calls_miss_the_budget_and_slow_work_does_not() {
        let budget = |p99_ms| Budget { p99_ms: Some(p99_ms), ..BUDGET };
        let of = |operation, p99_ms| {
            let mut all = samples(operation, 10, None);
            all.extend(samples(Operation::List, 1, None).into_iter().map(|mut one| {
                one.took = Duration::from_micros(1);
                one
            }));
            Sheet::of(&all, (2_000, 8), budget(p99_ms)).holds()
        };
        assert!(of(Operation::Get, 13) && !of(Operation::Get, 12));
        assert!(of(Operation::Reconcile, 1) && of(Operation::ExportFile, 1));
    }

    #[test]
    fn a_table_and_a_json_line_say_the_same() {
        let mut all = samples(Operation::Get, 999, None);
        all.extend(samples(Operation::Get, 1, Some(&Fault::Throttled)));
        let sheet = Sheet::of(&all, (2_000, 8), BUDGET);
        let lines = sheet.lines();
        let expected =
            "  get         999     499.5    12.3    12.3    12.3    12.3    1    0      0";
        assert_eq!(lines[2], expected);
        assert_eq!(lines[3], "999 calls by 8 callers, 499.5 a second");
        assert_eq!(lines[5..], ["1 times  get: 429".to_owned(), "within the budget".to_owned()]);
        let told = sheet.json();
        assert_eq!(
            (&told["operations"][0]["p99_us"], &told["calls"]),
            (&json!(12_340), &json!(999))
        );
        assert_eq!((&told["errors_per_million"], &told["holds"]), (&json!(1_000), &json!(true)));
    }
}
