//! Runs infra/local/deploy.py and reads the outputs of the stack.

use std::path::PathBuf;

use serde::Deserialize;
use tokio::process::Command;

use super::{Options, REGION, STACK, home};
use crate::error::CommandError;

/// A delivery that was cut comes back so many seconds after the time limit of a document.
const CUT_SECONDS: u32 = 30;

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
    #[serde(rename = "PoolEventsQueueUrl")]
    pub pool_events_queue: String,
    #[serde(rename = "SpaceKeyArn")]
    pub space_key: String,
}

/// What tells one release of the same checkout from another.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// Goes into the zip of each function beside its binary, so that its code is another one.
    pub stamp: String,
    /// The filter of the functions' logs, a part of their environment; that of the template if empty.
    pub log_level: String,
}

/// What is deployed.
#[derive(Debug)]
pub struct Sources {
    /// The repository.
    pub root: PathBuf,
    /// The interpreter of the local cloud.
    pub python: PathBuf,
    /// The folder of the binaries.
    pub binaries: PathBuf,
}

/// Deploys the template, or changes the stack that it made before.
pub async fn run(
    sources: &Sources,
    release: &Release,
    to: (&str, &Options),
) -> Result<Outputs, CommandError> {
    let Sources { root, python, binaries } = sources;
    let (endpoint, options) = to;
    tracing::info!("deploying the stack …");
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    let mut parameters = vec![
        format!("TenantProfile={}", options.profile),
        format!("Architecture={architecture}"),
        "RequireTls=no".to_owned(),
        "ContactEmail=operator@localhost".to_owned(),
        // Webhooks of this machine, for tests: nothing else can be reached from here.
        "WebhookHosts=http://127.0.0.1".to_owned(),
        "DeletionProtection=false".to_owned(),
        format!("ReconcileTimeoutSeconds={}", options.document_seconds),
        format!(
            "InboundVisibilitySeconds={}",
            options.document_seconds.saturating_add(CUT_SECONDS)
        ),
    ];
    if !release.log_level.is_empty() {
        parameters.push(format!("LogLevel={}", release.log_level));
    }
    let mut command = Command::new(python);
    command
        .arg(root.join("infra/local/deploy.py"))
        .args(["--endpoint", endpoint, "--region", REGION, "--stack", STACK])
        .arg("--template")
        .arg(root.join("infra/template.yaml"))
        .arg("--binaries")
        .arg(binaries)
        .arg("--cache")
        .arg(home(root).join("zips"))
        .args(["--stamp", &release.stamp]);
    for parameter in parameters {
        command.args(["--parameter", &parameter]);
    }
    let output = super::process::checked("deploy.py", command).await?;
    serde_json::from_slice(&output)
        .map_err(|error| CommandError::LocalCloud(format!("the stack's outputs: {error}")))
}
