//! Virtual environments: the local cloud's, and others with a list of requirements of their own. Each is
//! installed again only when its requirements changed.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::home;
use crate::error::CommandError;

/// The interpreter of an environment that has exactly what the local cloud requires.
pub async fn python(root: &Path) -> Result<PathBuf, CommandError> {
    let (folder, probe) = (home(root).join("venv"), "import ministack, samtranslator, boto3");
    environment(root, "infra/local/requirements.txt", &folder, probe).await
}

/// The interpreter of the environment in `folder`, which has exactly the requirements of a file; `probe`
/// is a statement that only works there.
pub(crate) async fn environment(
    root: &Path,
    requirements: &str,
    folder: &Path,
    probe: &str,
) -> Result<PathBuf, CommandError> {
    let requirements = root.join(requirements);
    let wanted = std::fs::read_to_string(&requirements)
        .map_err(CommandError::io(requirements.display().to_string()))?;
    let python = folder.join("bin/python");
    let stamp = folder.join("installed-requirements.txt");
    let current = std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted);
    // The interpreter is asked too: the one the environment was made from may be gone.
    if current && runs(&python, &["-c", probe]).await {
        return Ok(python);
    }
    prerequisites().await?;
    tracing::info!("installing {} (once, about a minute) …", requirements.display());
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(CommandError::io(folder.display().to_string()))?;
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(folder);
    super::process::checked("python3 -m venv", make).await?;
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .arg("--disable-pip-version-check")
        .arg("--requirement")
        .arg(&requirements);
    super::process::checked("pip install", install).await?;
    std::fs::write(&stamp, wanted).map_err(CommandError::io(stamp.display().to_string()))?;
    Ok(python)
}

async fn prerequisites() -> Result<(), CommandError> {
    if !runs(Path::new("python3"), &["--version"]).await {
        let text = "python3 (3.10 or newer) is not on the PATH";
        return Err(CommandError::Missing(text.to_owned()));
    }
    let version = "import sys; sys.exit(sys.version_info < (3, 10))";
    if !runs(Path::new("python3"), &["-c", version]).await {
        let text = "python3 is older than 3.10";
        return Err(CommandError::Missing(text.to_owned()));
    }
    if !runs(Path::new("python3"), &["-c", "import venv, ensurepip"]).await {
        let text = "the venv module of python3 (package python3-venv)";
        return Err(CommandError::Missing(text.to_owned()));
    }
    Ok(())
}

async fn runs(program: &Path, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .is_ok_and(|output| output.status.success())
}
