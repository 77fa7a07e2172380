//! Wiring of the command line.

use std::process::ExitCode;

use clap::Parser as _;
use pharmatrace::cli::{self, Arguments};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    pharmatrace::wiring::logs();
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!("pharmatrace: the runtime does not start: {error}");
                return ExitCode::FAILURE;
            }
        };
    match runtime.block_on(cli::run(arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!("pharmatrace: {error}");
            ExitCode::FAILURE
        }
    }
}
