//! What the functions of a running local cloud logged, through infra/local/logs.py.

use serde::Deserialize;
use tokio::process::Command;

use super::{LocalCloud, REGION, home, repository};
use crate::error::CommandError;

/// One event of a log group.
#[derive(Debug, Deserialize)]
pub struct LogEvent {
    /// The log group.
    pub group: String,
    /// The line, as the function wrote it.
    pub message: String,
}

impl LocalCloud {
    /// Everything that the functions logged so far.
    ///
    /// # Errors
    /// If the logs cannot be read.
    pub async fn logs(&self) -> Result<Vec<LogEvent>, CommandError> {
        let root = repository()?;
        let prefix = format!("/aws/lambda/{}-", self.hub.stack);
        let mut command = Command::new(home(&root).join("venv/bin/python"));
        command
            .arg(root.join("infra/local/logs.py"))
            .args(["--endpoint", &self.process.endpoint()])
            .args(["--region", REGION, "--prefix", &prefix]);
        let output = super::process::checked("logs.py", command).await?;
        let events = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        events
            .map(|line| {
                serde_json::from_slice(line)
                    .map_err(|error| CommandError::LocalCloud(format!("logs.py: {error}")))
            })
            .collect()
    }
}
