//! The small programs that hold the hot paths: built, run, and their JSON lines read.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::de::DeserializeOwned;
use tokio::process::Command;

use crate::error::CommandError;
use crate::local::build::{cargo, folder_of};
use crate::local::process::checked;

/// One of our measured programs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    /// Its crate.
    pub package: &'static str,
    /// `--bin` or `--example`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// The pure crates: reader, schemes, rows, sets.
pub(super) const YARDSTICK: Program =
    Program { package: "yardstick", kind: "--bin", name: "yardstick" };
/// A document to its plan, with a store in process.
pub(super) const FOLD: Program =
    Program { package: "reconcile-commissioning", kind: "--example", name: "fold" };

/// Builds a program with a profile and says where it lies.
pub(super) async fn build(
    root: &Path,
    program: Program,
    profile: &str,
) -> Result<PathBuf, CommandError> {
    let Program { package, kind, name } = program;
    tracing::info!("building {name} with the profile {profile} …");
    let child = cargo()
        .current_dir(root)
        .args(["build", "--message-format=json-render-diagnostics", "--profile", profile])
        .args(["--package", package, kind, name])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(CommandError::io("cargo"))?;
    let output = child.wait_with_output().await.map_err(CommandError::io("cargo"))?;
    if !output.status.success() {
        let (status, detail) = (output.status.to_string(), String::new());
        return Err(CommandError::Program { program: "cargo build", status, detail });
    }
    Ok(folder_of(&output.stdout, &[name.to_owned()])?.join(name))
}

/// Runs a program and reads each line of its output.
pub(super) async fn lines<T: DeserializeOwned>(
    what: &'static str,
    command: Command,
) -> Result<Vec<T>, CommandError> {
    let output = checked(what, command).await?;
    let text = String::from_utf8_lossy(&output);
    let line = |line| {
        let bad = |error| CommandError::Failed(format!("{what} said {line:?}: {error}"));
        serde_json::from_str(line).map_err(bad)
    };
    text.lines().map(line).collect()
}
