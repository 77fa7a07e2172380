//! Calls of `sam`. What it says goes to stderr, so that standard output stays ours.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::environment::Environment;
use crate::error::CommandError;
use crate::wiring::env;

/// Another `sam` than the one on the PATH.
const SAM_VARIABLE: &str = "PHARMATRACE_SAM";

/// Creates or updates a stack; a stack that is as it should be is no failure.
pub async fn deploy(root: &Path, of: &Environment, yes: bool) -> Result<(), CommandError> {
    let mut arguments = vec!["deploy", "--config-env", &of.name, "--no-fail-on-empty-changeset"];
    if yes {
        arguments.push("--no-confirm-changeset");
    }
    run("sam deploy", root, &arguments).await
}

/// Deletes a stack; what its template retains stays.
pub async fn delete(root: &Path, of: &Environment) -> Result<(), CommandError> {
    let arguments = ["delete", "--stack-name", &of.stack, "--region", &of.region, "--no-prompts"];
    run("sam delete", root, &arguments).await
}

async fn run(program: &'static str, root: &Path, arguments: &[&str]) -> Result<(), CommandError> {
    let sam = env(SAM_VARIABLE).unwrap_or_else(|| "sam".to_owned());
    let status = Command::new(&sam)
        .current_dir(root)
        .args(arguments)
        .stdout(Stdio::from(std::io::stderr()))
        .status()
        .await
        .map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                let text =
                    format!("{sam} (`pip install aws-sam-cli`), or name it in {SAM_VARIABLE}");
                CommandError::Missing(text)
            } else {
                CommandError::io(program)(error)
            }
        })?;
    if status.success() {
        return Ok(());
    }
    Err(CommandError::Program { program, status: status.to_string(), detail: String::new() })
}
