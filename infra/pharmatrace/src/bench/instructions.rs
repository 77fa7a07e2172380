//! `pharmatrace bench instructions`: the work of the hot paths as counted instructions.
//!
//! A clock says little on a shared machine; the number of instructions of one build and one input is
//! the same within half a percent, and mostly within some millionths, whatever else runs. Each case is
//! run under callgrind, which shows every program the same processor (so the choice of vector
//! instructions does not depend on the machine), and compared with the committed baseline. What does
//! more work than the tolerance allows is a regression and fails; what does less is told, so that the
//! baseline is taken again. Hashing is left out: it is the library's, and differs between processors by
//! what they have in hardware.

mod baseline;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use tokio::process::Command;

use super::program::{self, FOLD, Program, YARDSTICK};
use crate::error::CommandError;
use crate::local::process::checked;
use crate::local::repository;
use crate::table;
use crate::wiring::print_line;
use baseline::{Baseline, Counted, Tools};

/// The function in both programs around what is counted.
const COUNTED: &str = "*counted_work*";

/// How it is counted.
#[derive(Debug, Args)]
pub struct Options {
    /// Compare all the same, then write what was counted as the new baseline
    #[arg(long)]
    update: bool,
}

/// A case as its program lists it.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    unit: String,
    units: u64,
}

/// Counts every case and compares; `false` if one is not as the baseline has it.
///
/// # Errors
/// If something does not build or run, or there is no valgrind.
pub(super) async fn run(options: &Options, json: bool) -> Result<bool, CommandError> {
    let root = repository()?;
    let tools = tools().await?;
    let scratch = root.join("target/instructions");
    std::fs::create_dir_all(&scratch).map_err(CommandError::io(scratch.display().to_string()))?;
    // The first is built as it ships. The fold comes with a store, which takes minutes to build so: it is
    // built as for the tests, which have all of it, with the fold and what is below it optimised.
    let mut counted = count_all(&root, YARDSTICK, "bench", &scratch).await?;
    counted.extend(count_all(&root, FOLD, "local", &scratch).await?);
    let baseline = Baseline::read(&root)?;
    let (verdicts, others) = (baseline.judge(&tools, &counted), baseline.others(&tools));
    if options.update {
        Baseline::of(tools, &counted).write(&root)?;
    }
    if json {
        print_line(&baseline::json(&verdicts, &others)?)?;
    } else {
        for line in table::lines(&baseline::rows(&verdicts)) {
            print_line(&line)?;
        }
        for line in baseline::remarks(&verdicts, &others) {
            print_line(&line)?;
        }
    }
    Ok(options.update || verdicts.iter().all(|verdict| verdict.outcome.is_fine()))
}

async fn tools() -> Result<Tools, CommandError> {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--version");
    let missing = || CommandError::Missing("valgrind is not on the PATH".to_owned());
    let valgrind = checked("valgrind", valgrind).await.map_err(|_| missing())?;
    let mut rustc = Command::new("rustc");
    rustc.arg("--version");
    let rustc = checked("rustc", rustc).await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    let architecture = std::env::consts::ARCH.to_owned();
    Ok(Tools { rustc: text(rustc), valgrind: text(valgrind), architecture })
}

async fn count_all(
    root: &Path,
    program: Program,
    profile: &str,
    scratch: &Path,
) -> Result<Vec<Counted>, CommandError> {
    let path = program::build(root, program, profile).await?;
    let mut list = Command::new(&path);
    list.arg("list");
    let cases: Vec<Case> = program::lines(program.name, list).await?;
    let mut counted = Vec::with_capacity(cases.len());
    for case in cases {
        let instructions = count(&path, &case.name, scratch).await?;
        counted.push(Counted { name: case.name, unit: case.unit, units: case.units, instructions });
    }
    Ok(counted)
}

async fn count(program: &Path, case: &str, scratch: &Path) -> Result<u64, CommandError> {
    let out: PathBuf = scratch.join(case);
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(["count", case])
        // Nothing of the caller's environment, which moves the stack, reaches what is counted.
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    checked("valgrind", command).await?;
    let text =
        std::fs::read_to_string(&out).map_err(CommandError::io(out.display().to_string()))?;
    totals(&text).ok_or_else(|| CommandError::Failed(format!("{case}: nothing was counted")))
}

/// The sum that callgrind writes at the end of its file.
fn totals(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "))?;
    line.trim().parse().ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_of_a_callgrind_file_are_found_and_nothing_counted_is_an_error() {
        let text = "events: Ir\nsummary: 5\n\nfn=(1)\n1 2\ntotals: 38315731\n";
        assert_eq!(totals(text), Some(38_315_731));
        assert_eq!(totals("events: Ir\ntotals: 0\n"), None);
        assert_eq!(totals("events: Ir\n"), None);
    }
}
