//! `pharmatrace bench cold`: from exec to the first request for work.
//!
//! Every function is started as on Lambda, with its environment, against a small runtime API on loopback
//! that also plays the AWS services the function warms up. In the same round the bare probe starts
//! (`service`'s example `probe`) with the clients of the services that the function was seen to call.
//! Rounds interleave all of them, so that a noisy moment meets each alike.
//!
//! Judged are the size of the stripped binary and the median time by the clock until the process asks for
//! its first invocation, without the time during which a warm-up call was open: waiting for an answer is the
//! network's affair, and the probe calls nobody. The time on a processor is shown beside.

mod build;
mod report;
mod runtime;
mod start;

use std::path::PathBuf;

use clap::Args;

use crate::error::CommandError;
use crate::local::repository;
use crate::wiring::print_line;

use build::Built;
use report::Row;
use runtime::Runtime;
use start::Start;

/// How it is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// How often each is started
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1000))]
    starts: u32,
    /// The profile that they are built with
    #[arg(long, default_value = "release", value_name = "NAME")]
    profile: String,
    /// Build nothing, and start the functions and the probe that are in this folder
    #[arg(long, value_name = "DIR", conflicts_with = "profile")]
    folder: Option<PathBuf>,
    /// Only this function; repeat for more
    #[arg(long = "function", value_name = "NAME")]
    functions: Vec<String>,
}

/// Builds, starts everything many times, judges.
///
/// # Errors
/// If something does not build, or does not come to ask for work.
pub(super) async fn run(options: &Options, json: bool) -> Result<bool, CommandError> {
    let root = repository()?;
    let built = match &options.folder {
        Some(folder) => build::found(&root, folder, &options.functions)?,
        None => build::build(&root, &options.profile, &options.functions).await?,
    };
    let starts = options.starts;
    let measured = tokio::task::spawn_blocking(move || measure(&built, starts))
        .await
        .map_err(|error| CommandError::Failed(format!("the measurement stopped: {error}")))?;
    let rows = measured?;
    if json {
        print_line(&report::json(&rows, starts)?)?;
    } else {
        for line in report::lines(&rows, starts) {
            print_line(&line)?;
        }
    }
    Ok(rows.iter().all(Row::is_within_budget))
}

/// All starts, round after round.
fn measure(built: &Built, starts: u32) -> Result<Vec<Row>, CommandError> {
    let runtime = Runtime::listen()?;
    let mut rows = Vec::with_capacity(built.functions.len());
    for function in &built.functions {
        // The first start fills the page cache, and shows which services are called.
        let first = start::run(&runtime, function, &built.environment, &[])?;
        rows.push(Row::new(function, first.services)?);
    }
    for _ in 0..starts {
        for (row, function) in rows.iter_mut().zip(&built.functions) {
            let clients: Vec<&str> = row.clients.iter().copied().collect();
            let bare: Start = start::run(&runtime, &built.probe, &built.environment, &clients)?;
            row.probe.push(bare);
            row.function.push(start::run(&runtime, function, &built.environment, &[])?);
        }
    }
    Ok(rows)
}
