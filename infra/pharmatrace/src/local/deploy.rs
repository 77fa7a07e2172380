//! Runs infra/local/deploy.py and reads the outputs of the stack.

use std::path::Path;

use serde::Deserialize;
use tokio::process::Command;

use super::{Options, REGION, STACK, home};
use crate::error::CommandError;

/// Time limit of one document here, in seconds. The production values suit files of gigabytes; here a
/// killed delivery shall come back while somebody is watching.
const RECONCILE_TIMEOUT_SECONDS: u32 = 120;
/// Visibility timeout of the inbound queue here, in seconds.
const INBOUND_VISIBILITY_SECONDS: u32 = 150;

/// The outputs of the template.
#[derive(Debug, Deserialize)]
pub struct Outputs {
    #[serde(rename = "ApiId")]
    pub api_id: String,
    #[serde(rename = "TableName")]
    pub table: String,
    #[serde(rename = "InboundBucketName")]
    pub inbound_bucket: String,
    #[serde(rename = "OutboundBucketName")]
    pub outbound_bucket: String,
    #[serde(rename = "DocumentsBucketName")]
    pub documents_bucket: String,
    #[serde(rename = "InboundQueueUrl")]
    pub inbound_queue: String,
    #[serde(rename = "InboundDlqUrl")]
    pub inbound_dlq: String,
    #[serde(rename = "JobsQueueUrl")]
    pub jobs_queue: String,
}

/// Deploys the template with the binaries in `binaries`.
pub async fn run(
    root: &Path,
    python: &Path,
    binaries: &Path,
    to: (&str, &Options),
) -> Result<Outputs, CommandError> {
    let (endpoint, options) = to;
    tracing::info!("deploying the stack …");
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    let parameters = [
        format!("TenantProfile={}", options.profile),
        format!("Architecture={architecture}"),
        "RequireTls=no".to_owned(),
        "ContactEmail=operator@localhost".to_owned(),
        "DeletionProtection=false".to_owned(),
        format!("ReconcileTimeoutSeconds={RECONCILE_TIMEOUT_SECONDS}"),
        format!("InboundVisibilitySeconds={INBOUND_VISIBILITY_SECONDS}"),
    ];
    let mut command = Command::new(python);
    command
        .arg(root.join("infra/local/deploy.py"))
        .args(["--endpoint", endpoint, "--region", REGION, "--stack", STACK])
        .arg("--template")
        .arg(root.join("infra/template.yaml"))
        .arg("--binaries")
        .arg(binaries)
        .arg("--cache")
        .arg(home(root).join("zips"));
    for parameter in parameters {
        command.args(["--parameter", &parameter]);
    }
    let output = super::process::checked("deploy.py", command).await?;
    serde_json::from_slice(&output)
        .map_err(|error| CommandError::LocalCloud(format!("the stack's outputs: {error}")))
}
