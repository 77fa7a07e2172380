//! The binaries that are started, and the environment that the template gives them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::error::CommandError;
use crate::local::build::{cargo, folder_of, names};

/// The crate whose example is the bare function.
const PROBE_CRATE: &str = "service";
const PROBE: &str = "probe";
/// The environment of a function, as the inner loop has it too.
const ENVIRONMENT: &str = "infra/local/env.example";

/// What is started.
pub(super) struct Built {
    /// The functions' binaries, by name.
    pub functions: Vec<PathBuf>,
    /// The bare one.
    pub probe: PathBuf,
    /// The variables of a function.
    pub environment: Vec<(String, String)>,
}

/// Builds `wanted` functions, or all of them, and the probe.
pub(super) async fn build(
    root: &Path,
    profile: &str,
    wanted: &[String],
) -> Result<Built, CommandError> {
    let all = names(root)?;
    let chosen = chosen(&all, wanted)?;
    // All are built together, because together they get the features that they are deployed with.
    let mut arguments = vec!["--bins".to_owned()];
    for name in &all {
        arguments.extend(["--package".to_owned(), name.clone()]);
    }
    let folder = folder_of(&run(root, profile, &arguments).await?, &all)?;
    let arguments = ["--package", PROBE_CRATE, "--example", PROBE].map(str::to_owned);
    let probe = [PROBE.to_owned()];
    let probe = folder_of(&run(root, profile, &arguments).await?, &probe)?.join(PROBE);
    let functions = chosen.iter().map(|name| folder.join(name)).collect();
    Ok(Built { functions, probe, environment: environment(root)? })
}

/// What is in `folder`, of `wanted` functions or all of them.
pub(super) fn found(root: &Path, folder: &Path, wanted: &[String]) -> Result<Built, CommandError> {
    let folder = folder.canonicalize().map_err(CommandError::io(folder.display().to_string()))?;
    let chosen = chosen(&names(root)?, wanted)?;
    let functions: Vec<PathBuf> = chosen.iter().map(|name| folder.join(name)).collect();
    let functions = functions.into_iter().filter(|path| path.is_file()).collect();
    Ok(Built { functions, probe: folder.join(PROBE), environment: environment(root)? })
}

fn chosen(all: &[String], wanted: &[String]) -> Result<Vec<String>, CommandError> {
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(CommandError::Usage(format!("there is no function {unknown}")));
    }
    Ok(if wanted.is_empty() { all } else { wanted }.to_vec())
}

/// Cargo's messages of one build.
async fn run(root: &Path, profile: &str, arguments: &[String]) -> Result<Vec<u8>, CommandError> {
    tracing::info!("building with the profile {profile} …");
    let child = cargo()
        .current_dir(root)
        .args(["build", "--message-format=json-render-diagnostics", "--profile", profile])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(CommandError::io("cargo"))?;
    let output = child.wait_with_output().await.map_err(CommandError::io("cargo"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let status = output.status.to_string();
    Err(CommandError::Program { program: "cargo build", status, detail: String::new() })
}

fn environment(root: &Path) -> Result<Vec<(String, String)>, CommandError> {
    let text =
        std::fs::read_to_string(root.join(ENVIRONMENT)).map_err(CommandError::io(ENVIRONMENT))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
