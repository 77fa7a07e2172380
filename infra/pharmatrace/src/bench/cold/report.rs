//! Medians, ratios, the verdict.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::start::Start;
use crate::error::CommandError;
use crate::table;

/// The budget: as many thousandths of the bare probe's time.
const RATIO_MAX: u64 = 1_300;
/// The budget: the size of a stripped binary.
const SIZE_BYTES_MAX: u64 = 10_000_000;

/// Functions that make a client without a call of its own: presigning needs none.
const PRESIGNERS: [(&str, &str); 1] = [("exchange-serials", "s3")];

/// One function's starts, and those of the probe beside it.
pub(super) struct Row {
    name: String,
    size_bytes: u64,
    /// The services whose clients it makes.
    pub clients: BTreeSet<&'static str>,
    /// Its starts.
    pub function: Vec<Start>,
    /// Those of the probe with the same clients.
    pub probe: Vec<Start>,
}

impl Row {
    /// Nothing measured yet, except the size and which services it calls while it starts.
    pub(super) fn new(
        program: &Path,
        mut clients: BTreeSet<&'static str>,
    ) -> Result<Self, CommandError> {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        clients
            .extend(PRESIGNERS.iter().filter(|(of, _)| *of == name).map(|(_, service)| *service));
        let data = program.metadata().map_err(CommandError::io(name.clone()))?;
        let (function, probe) = (Vec::new(), Vec::new());
        Ok(Self { name, size_bytes: data.len(), clients, function, probe })
    }

    fn on_cpu(&self) -> (Duration, Duration) {
        let median = |starts| median(starts, |start| start.on_cpu);
        (median(&self.function), median(&self.probe))
    }

    /// By the clock, without open calls; the probe has none to leave out.
    fn by_clock(&self) -> (Duration, Duration) {
        let median = |starts| median(starts, |start| start.init);
        (median(&self.function), median(&self.probe))
    }

    /// Thousandths of the probe's time by the clock, which is what the budget is about.
    fn ratio(&self) -> u64 {
        thousandths(self.by_clock())
    }

    /// The same on a processor: it tells a slow start from a busy machine.
    fn cpu_ratio(&self) -> u64 {
        thousandths(self.on_cpu())
    }

    /// Whether start and size are within the budget.
    pub(super) fn is_within_budget(&self) -> bool {
        self.ratio() <= RATIO_MAX && self.size_bytes <= SIZE_BYTES_MAX
    }
}

fn thousandths((of, to): (Duration, Duration)) -> u64 {
    let ratio = of.as_nanos().saturating_mul(1_000).checked_div(to.as_nanos());
    ratio.and_then(|ratio| u64::try_from(ratio).ok()).unwrap_or(u64::MAX)
}

/// The middle one, the upper one of two.
fn median<T: Ord + Default>(starts: &[Start], of: impl Fn(&Start) -> T) -> T {
    let mut values: Vec<T> = starts.iter().map(of).collect();
    values.sort();
    let middle = values.len() / 2;
    values.into_iter().nth(middle).unwrap_or_default()
}

/// The table.
pub(super) fn lines(rows: &[Row], starts: u32) -> Vec<String> {
    let head = [
        "function",
        "MB",
        "init ms",
        "probe",
        "ratio",
        "on cpu ms",
        "probe",
        "ratio",
        "with calls ms",
        "memory MB",
        "clients",
        "",
    ];
    let mut cells = vec![head.map(str::to_owned).to_vec()];
    for row in rows {
        let clients: Vec<&str> = row.clients.iter().copied().collect();
        cells.push(vec![
            row.name.clone(),
            decimal(row.size_bytes / 10_000),
            ms(row.by_clock().0),
            ms(row.by_clock().1),
            decimal(row.ratio() / 10),
            ms(row.on_cpu().0),
            ms(row.on_cpu().1),
            decimal(row.cpu_ratio() / 10),
            ms(median(&row.function, |start| start.whole)),
            decimal(median(&row.function, |start| start.memory_kb).saturating_mul(100) / 1_000),
            clients.join(" "),
            if row.is_within_budget() { "ok" } else { "MISSED" }.to_owned(),
        ]);
    }
    let mut lines = table::lines(&cells);
    lines.push(format!(
        "medians of {starts} starts each; budget: ratio of init by the clock {}, {} MB",
        decimal(RATIO_MAX / 10),
        decimal(SIZE_BYTES_MAX / 10_000)
    ));
    lines
}

/// The same for a program.
pub(super) fn json(rows: &[Row], starts: u32) -> Result<String, CommandError> {
    let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let functions: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            json!({
                "function": row.name,
                "size_bytes": row.size_bytes,
                "init_us": us(row.by_clock().0),
                "probe_init_us": us(row.by_clock().1),
                "ratio_thousandths": row.ratio(),
                "on_cpu_us": us(row.on_cpu().0),
                "probe_on_cpu_us": us(row.on_cpu().1),
                "cpu_ratio_thousandths": row.cpu_ratio(),
                "with_calls_us": us(median(&row.function, |start| start.whole)),
                "memory_kb": median(&row.function, |start| start.memory_kb),
                "clients": row.clients,
                "within_budget": row.is_within_budget(),
            })
        })
        .collect();
    let budget = json!({ "ratio_thousandths": RATIO_MAX, "size_bytes": SIZE_BYTES_MAX });
    let all = json!({ "starts": starts, "budget": budget, "functions": functions });
    serde_json::to_string(&all).map_err(|error| CommandError::Failed(error.to_string()))
}

fn ms(duration: Duration) -> String {
    decimal(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX) / 10)
}

/// Hundredths as a decimal.
fn decimal(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(init_us: u64) -> Start {
        let init = Duration::from_micros(init_us);
        let (whole, on_cpu, services) = (init, init, BTreeSet::new());
        Start { init, whole, on_cpu, memory_kb: 12_340, services }
    }

    fn row(size_bytes: u64, init_us: u64) -> Row {
        let (clients, name) = (BTreeSet::from(["dynamodb", "s3"]), "allocate-serials".to_owned());
        let function = [1, 90_000, init_us].map(start).into();
        Row { name, size_bytes, clients, function, probe: vec![start(10_000)] }
    }

    #[test]
    fn a_start_and_a_size_at_the_limit_are_within_the_budget_and_above_it_are_not() {
        for (size_bytes, init_us, expected) in
            [(10_000_000, 13_000, true), (10_000_001, 13_000, false), (10_000_000, 13_010, false)]
        {
            assert_eq!(row(size_bytes, init_us).is_within_budget(), expected, "{init_us}");
        }
    }

    #[test]
    fn a_table_and_a_json_line_say_the_same() {
        let rows = [row(8_765_432, 12_345)];
        let text = lines(&rows, 3).join("\n");
        for cell in ["8.76", "12.34", "10.00", "1.23", "dynamodb s3", "ok"] {
            assert!(text.contains(cell), "{cell}: {text}");
        }
        let value: serde_json::Value = serde_json::from_str(&json(&rows, 3).unwrap()).unwrap();
        assert_eq!(value["functions"][0]["ratio_thousandths"], 1_234);
        assert_eq!(value["functions"][0]["within_budget"], true);
    }
}
