//! `pharmatrace bench`: what the hub promises in figures, measured and judged by the budget.
//!
//! Each kind prints a table for people or, with `--json`, one JSON line, and answers `false` when a
//! budget is missed. Figures of one run are compared with each other and never with those of another
//! machine or hour: what is judged is a ratio or a size.

mod cold;
mod day;
pub mod documents;
mod instructions;
pub mod load;
mod peers;
mod plant;
mod program;

use clap::Subcommand;

use crate::error::CommandError;
use crate::hub::HubArguments;

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// How fast functions start, compared with a bare one, and how large their binaries are
    Cold(cold::Options),
    /// Millions of serial numbers through the deployed function: memory, write units, the same reports
    Documents(documents::Options),
    /// The traffic of a plant against a hub: latencies, throughput, the share of errors
    Load(load::Options),
    /// A day of a plant, done as fast as the hub takes it, its seal, and the audit
    Day(day::Options),
    /// How much work the hot paths do, as counted instructions, against the committed baseline
    Instructions(instructions::Options),
    /// The budget of the hot paths, beside their limits and other programs
    Peers(peers::Options),
}

/// Measures; `false` means that a budget is missed.
///
/// # Errors
/// If it cannot be measured.
pub async fn run(
    command: BenchCommand,
    target: &HubArguments,
    json: bool,
) -> Result<bool, CommandError> {
    match command {
        BenchCommand::Cold(options) => cold::run(&options, json).await,
        BenchCommand::Documents(options) => Box::pin(documents::run(&options, target, json)).await,
        BenchCommand::Load(options) => Box::pin(load::run(&options, target, json)).await,
        BenchCommand::Day(options) => Box::pin(day::run(&options, target, json)).await,
        BenchCommand::Instructions(options) => instructions::run(&options, json).await,
        BenchCommand::Peers(options) => peers::run(&options, json).await,
    }
}
