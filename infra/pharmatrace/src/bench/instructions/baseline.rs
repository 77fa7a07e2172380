//! The committed counts, and what is said about new ones.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::CommandError;

/// Where the baseline lies.
const FILE: &str = "infra/yardstick/baseline.json";
/// More work than this is a regression, in thousandths. A build repeats its counts nearly to the instruction;
/// the room is for the C library of another machine and for code that moved without getting slower.
const TOLERANCE: u64 = 30;
/// The same if compiler or valgrind are others than the baseline's.
const TOLERANCE_OTHER_TOOLS: u64 = 150;

/// What the counts were taken with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tools {
    /// `rustc --version`.
    pub rustc: String,
    /// `valgrind --version`: each shows programs a processor of its own.
    pub valgrind: String,
    /// Of the processor. Counts of one say nothing about another.
    pub architecture: String,
}

impl Tools {
    /// What is another one here, in words.
    fn others(&self, here: &Self) -> Vec<String> {
        let pairs = [
            ("PROCESSOR", &self.architecture, &here.architecture),
            ("COMPILER", &self.rustc, &here.rustc),
            ("VALGRIND", &self.valgrind, &here.valgrind),
        ];
        let others = pairs.into_iter().filter(|(_, there, here)| there != here);
        let words = |(what, there, here)| {
            format!("THE BASELINE IS OF ANOTHER {what}: {there}; here it is {here}")
        };
        others.map(words).collect()
    }
}

/// One case, counted.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    /// Its name.
    pub name: String,
    /// What its units are.
    pub unit: String,
    /// How many it did.
    pub units: u64,
    /// Instructions for all of them.
    pub instructions: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    unit: String,
    units: u64,
    instructions: u64,
}

/// The committed counts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Baseline {
    tools: Tools,
    cases: BTreeMap<String, Entry>,
}

/// What is said of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// Within the tolerance.
    Same,
    /// Less work than the tolerance: the baseline should be taken again.
    Improved,
    /// More work than the tolerance.
    Regressed,
    /// The baseline does not have it, or has another amount of work.
    New,
    /// The baseline has it, and no program does.
    Gone,
    /// The baseline is of another kind of processor: nothing was guarded, which is no success.
    NotCompared,
}

impl Outcome {
    /// Whether the comparison passes.
    pub(super) fn is_fine(self) -> bool {
        matches!(self, Self::Same | Self::Improved)
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Same => "ok",
            Self::Improved => "improved",
            Self::Regressed => "REGRESSED",
            Self::New => "NOT IN THE BASELINE",
            Self::Gone => "GONE",
            Self::NotCompared => "NOT COMPARED",
        }
    }
}

/// One case, compared.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    name: String,
    unit: String,
    units: u64,
    instructions: u64,
    baseline: u64,
    tolerance_thousandths: u64,
    /// The verdict.
    pub outcome: Outcome,
}

impl Baseline {
    /// A baseline of new counts.
    pub(super) fn of(tools: Tools, counted: &[Counted]) -> Self {
        let entry = |case: &Counted| {
            let Counted { name, unit, units, instructions } = case.clone();
            (name, Entry { unit, units, instructions })
        };
        Self { tools, cases: counted.iter().map(entry).collect() }
    }

    /// The committed one.
    pub(super) fn read(root: &Path) -> Result<Self, CommandError> {
        let text = std::fs::read_to_string(root.join(FILE)).map_err(CommandError::io(FILE))?;
        serde_json::from_str(&text)
            .map_err(|error| CommandError::Failed(format!("{FILE}: {error}")))
    }

    /// Replaces the committed one.
    pub(super) fn write(&self, root: &Path) -> Result<(), CommandError> {
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|error| CommandError::Failed(error.to_string()))?;
        text.push('\n');
        std::fs::write(root.join(FILE), text).map_err(CommandError::io(FILE))
    }

    /// What the counts here were taken with that those of the baseline were not.
    pub(super) fn others(&self, tools: &Tools) -> Vec<String> {
        self.tools.others(tools)
    }

    /// Compares new counts with this.
    pub(super) fn judge(&self, tools: &Tools, counted: &[Counted]) -> Vec<Verdict> {
        let is_same = self.tools == *tools;
        let tolerance = if is_same { TOLERANCE } else { TOLERANCE_OTHER_TOOLS };
        let is_foreign = self.tools.architecture != tools.architecture;
        let mut verdicts: Vec<Verdict> = counted
            .iter()
            .map(|case| {
                let entry = self.cases.get(&case.name);
                let comparable = entry.filter(|it| it.units == case.units && it.unit == case.unit);
                let baseline = comparable.map_or(0, |entry| entry.instructions);
                let outcome = match comparable {
                    None => Outcome::New,
                    Some(_) if is_foreign => Outcome::NotCompared,
                    Some(_) => compare(case.instructions, baseline, tolerance),
                };
                Verdict {
                    name: case.name.clone(),
                    unit: case.unit.clone(),
                    units: case.units,
                    instructions: case.instructions,
                    baseline,
                    tolerance_thousandths: tolerance,
                    outcome,
                }
            })
            .collect();
        let gone = |name: &str| counted.iter().all(|case| case.name != name);
        let gone = self.cases.iter().filter(|(name, _)| gone(name));
        verdicts.extend(gone.map(|(name, entry)| Verdict {
            name: name.clone(),
            unit: entry.unit.clone(),
            units: entry.units,
            instructions: 0,
            baseline: entry.instructions,
            tolerance_thousandths: tolerance,
            outcome: Outcome::Gone,
        }));
        verdicts
    }
}

fn compare(counted: u64, baseline: u64, tolerance: u64) -> Outcome {
    let scaled = |count: u64, by: u64| u128::from(count).saturating_mul(u128::from(by));
    if scaled(counted, 1_000) > scaled(baseline, tolerance.saturating_add(1_000)) {
        Outcome::Regressed
    } else if scaled(counted, 1_000) < scaled(baseline, 1_000_u64.saturating_sub(tolerance)) {
        Outcome::Improved
    } else {
        Outcome::Same
    }
}

/// The table.
pub(super) fn rows(verdicts: &[Verdict]) -> Vec<Vec<String>> {
    let head = ["case", "per", "instructions", "baseline", "change %", ""];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(verdicts.iter().map(|verdict| {
        let Verdict { name, unit, units, instructions, baseline, outcome, .. } = verdict;
        vec![
            name.clone(),
            unit.clone(),
            tenths(*instructions, *units),
            tenths(*baseline, *units),
            change(*instructions, *baseline),
            outcome.text().to_owned(),
        ]
    }));
    rows
}

/// What to do about it, and what is not like it was when the baseline was taken.
pub(super) fn remarks(verdicts: &[Verdict], others: &[String]) -> Vec<String> {
    let any = |wanted: &[Outcome]| verdicts.iter().any(|verdict| wanted.contains(&verdict.outcome));
    let tolerance = verdicts.first().map_or(TOLERANCE, |verdict| verdict.tolerance_thousandths);
    let mut lines = vec![format!("instructions a unit; tolerance {} %", tolerance / 10)];
    lines.extend(others.iter().cloned());
    if any(&[Outcome::NotCompared]) {
        lines.push("NOT COMPARED: counts of another processor guard nothing here".to_owned());
    }
    if any(&[Outcome::Regressed]) {
        lines.push("REGRESSED: more instructions than the baseline allows".to_owned());
    }
    if !others.is_empty() || any(&[Outcome::Improved, Outcome::New, Outcome::Gone]) {
        lines.push("new baseline: pharmatrace bench instructions --update".to_owned());
    }
    lines
}

/// The same for a program.
pub(super) fn json(verdicts: &[Verdict], others: &[String]) -> Result<String, CommandError> {
    serde_json::to_string(&serde_json::json!({ "cases": verdicts, "other_tools": others }))
        .map_err(|error| CommandError::Failed(error.to_string()))
}

fn tenths(instructions: u64, units: u64) -> String {
    let tenths = instructions.saturating_mul(10).checked_div(units).unwrap_or(0);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The change against the baseline in percent with a sign.
fn change(counted: u64, baseline: u64) -> String {
    if baseline == 0 || counted == 0 {
        return "–".to_owned();
    }
    let (sign, by) = match counted.checked_sub(baseline) {
        Some(more) => ('+', more),
        None => ('-', baseline.saturating_sub(counted)),
    };
    let tenths = by.saturating_mul(1_000).checked_div(baseline).unwrap_or(0);
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(rustc: &str) -> Tools {
        let [valgrind, architecture] = ["valgrind-3.19.0", "x86_64"].map(str::to_owned);
        Tools { rustc: rustc.to_owned(), valgrind, architecture }
    }

    fn counted(name: &str, units: u64, instructions: u64) -> Counted {
        Counted { name: name.to_owned(), unit: "row".to_owned(), units, instructions }
    }

    #[test]
    fn more_work_than_the_tolerance_is_a_regression_and_less_an_improvement() {
        let baseline = Baseline::of(tools("1.95"), &[counted("csv", 10, 100_000)]);
        for (rustc, instructions, expected) in [
            ("1.95", 100_000, Outcome::Same),
            ("1.95", 103_000, Outcome::Same),
            ("1.95", 103_001, Outcome::Regressed),
            ("1.95", 97_000, Outcome::Same),
            ("1.95", 96_999, Outcome::Improved),
            ("1.96", 115_000, Outcome::Same),
            ("1.96", 115_001, Outcome::Regressed),
        ] {
            let verdicts = baseline.judge(&tools(rustc), &[counted("csv", 10, instructions)]);
            assert_eq!(verdicts[0].outcome, expected, "{rustc} {instructions}");
            assert_eq!(verdicts[0].outcome.is_fine(), expected != Outcome::Regressed);
        }
    }

    #[test]
    fn a_case_without_a_comparable_count_fails() {
        let baseline = Baseline::of(tools("1.95"), &[counted("a", 10, 5), counted("b", 10, 5)]);
        let verdicts = baseline.judge(&tools("1.95"), &[counted("a", 11, 5), counted("c", 10, 5)]);
        let outcomes: Vec<_> = verdicts.iter().map(|it| (it.name.as_str(), it.outcome)).collect();
        let expected = [("a", Outcome::New), ("c", Outcome::New), ("b", Outcome::Gone)];
        assert_eq!(outcomes, expected);
        assert!(verdicts.iter().all(|verdict| !verdict.outcome.is_fine()));
    }

    #[test]
    fn another_valgrind_widens_the_tolerance_and_another_processor_guards_nothing() {
        let baseline = Baseline::of(tools("1.95"), &[counted("a", 10, 1_000)]);
        let other = |valgrind: &str, architecture: &str, instructions| {
            let [valgrind, architecture] = [valgrind, architecture].map(str::to_owned);
            let here = Tools { rustc: "1.95".to_owned(), valgrind, architecture };
            let verdicts = baseline.judge(&here, &[counted("a", 10, instructions)]);
            (verdicts[0].outcome, remarks(&verdicts, &baseline.others(&here)).join("\n"))
        };
        let (outcome, said) = other("valgrind-3.22.0", "x86_64", 1_150);
        assert_eq!(outcome, Outcome::Same);
        assert!(said.contains("ANOTHER VALGRIND: valgrind-3.19.0; here it is valgrind-3.22.0"));
        assert_eq!(other("valgrind-3.22.0", "x86_64", 1_151).0, Outcome::Regressed);
        let (outcome, said) = other("valgrind-3.19.0", "aarch64", 1_000);
        assert_eq!((outcome, outcome.is_fine()), (Outcome::NotCompared, false));
        assert!(said.contains("ANOTHER PROCESSOR: x86_64; here it is aarch64"), "{said}");
        assert!(said.contains("--update"), "{said}");
    }

    #[test]
    fn the_table_names_the_change_and_the_remedy() {
        let baseline = Baseline::of(tools("1.95"), &[counted("a", 10, 1_000), counted("b", 10, 1)]);
        let now = [counted("a", 10, 1_100), counted("b", 10, 1)];
        let verdicts = baseline.judge(&tools("1.95"), &now);
        let rows = rows(&verdicts);
        assert_eq!(rows[1], ["a", "row", "110.0", "100.0", "+10.0", "REGRESSED"]);
        assert_eq!(remarks(&verdicts, &[]).len(), 2);
        assert!(json(&verdicts, &[]).unwrap().contains("\"outcome\":\"regressed\""));
    }
}
