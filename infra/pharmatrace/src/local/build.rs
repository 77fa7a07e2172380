//! The functions' binaries, built with the profile that tests and demo share.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::error::CommandError;
use crate::wiring::env;

/// A folder that holds the binaries already; then nothing is built.
const BINARIES_VARIABLE: &str = "PHARMATRACE_FUNCTIONS";

/// Builds every crate under `functions/` and returns the folder of the binaries.
pub async fn functions(root: &Path) -> Result<PathBuf, CommandError> {
    if let Some(folder) = env(BINARIES_VARIABLE) {
        return Ok(PathBuf::from(folder));
    }
    let names = names(root)?;
    let mut command = cargo();
    command
        .current_dir(root)
        .args(["build", "--profile", "local", "--bins"])
        // Together with this crate, so that both get the same features of what they share and the AWS
        // SDK is compiled once; its own binary is there already.
        .args(["--package", env!("CARGO_PKG_NAME")])
        .arg("--message-format=json-render-diagnostics");
    for name in &names {
        command.args(["--package", name]);
    }
    // `output` would capture what cargo says to the person who waits.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    tracing::info!("building {} functions …", names.len());
    let child = command.spawn().map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            CommandError::Missing("cargo is not on the PATH".to_owned())
        } else {
            CommandError::io("cargo")(error)
        }
    })?;
    let output = child.wait_with_output().await.map_err(CommandError::io("cargo"))?;
    if !output.status.success() {
        return Err(CommandError::Program {
            program: "cargo build",
            status: output.status.to_string(),
            detail: String::new(),
        });
    }
    folder_of(&output.stdout, &names)
}

pub(crate) fn names(root: &Path) -> Result<Vec<String>, CommandError> {
    let folder = root.join("functions");
    let entries = std::fs::read_dir(&folder).map_err(CommandError::io("functions/"))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// Cargo without what an outer `cargo run` or `cargo test` puts into the environment: some build
/// scripts watch those variables, and would run again each time.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        if ours || name == "CARGO_PRIMARY_PACKAGE" || name == "CARGO" || name == "OUT_DIR" {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// Where cargo says it put the executables, whatever target folder is configured.
pub(crate) fn folder_of(messages: &[u8], names: &[String]) -> Result<PathBuf, CommandError> {
    String::from_utf8_lossy(messages)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .find(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| names.iter().any(|wanted| wanted == name))
        })
        .and_then(|path| path.parent().map(Path::to_owned))
        .ok_or_else(|| CommandError::LocalCloud("cargo built no function".to_owned()))
}
