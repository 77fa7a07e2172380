//! Which hub a command works on: the line printed by `local up`, or a CloudFormation stack.

use std::io::Read as _;
use std::path::Path;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use serde::{Deserialize, Serialize};
use store::client::{AwsSettings, dynamo, https, s3};
use store::kms::Kms;
use store::{Buckets, Objects, Store};

use crate::error::CommandError;
use crate::wiring;

/// The environment variable that names the hub file.
pub const HUB_VARIABLE: &str = "PHARMATRACE_HUB";

/// Everything one needs to talk to a hub; the JSON line of `local up`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hub {
    /// Version of the command line that wrote this.
    pub version: String,
    /// Process to stop with SIGTERM; absent for a stack on AWS.
    pub pid: Option<u32>,
    /// Address of the HTTP API, without a slash at the end.
    pub api_url: String,
    /// Address of the AWS services; absent means AWS itself.
    pub endpoint_url: Option<String>,
    /// AWS region.
    pub region: String,
    /// Name of the stack.
    pub stack: String,
    /// Name of the table.
    pub table: String,
    /// Names of the buckets.
    pub buckets: HubBuckets,
    /// Addresses of the queues.
    pub queues: HubQueues,
    /// ARN of the key that wraps the keys of spaces; absent for a stack that knows no spaces yet.
    #[serde(default)]
    pub space_key: Option<String>,
    /// Keys of the local cloud; absent means the usual credential chain.
    pub aws: Option<HubKeys>,
    /// A credential with all scopes; absent for a stack on AWS.
    pub credential: Option<HubCredential>,
    /// The system of that credential.
    pub system: Option<HubSystem>,
}

/// Names of the buckets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HubBuckets {
    /// Where line systems deliver.
    pub inbound: String,
    /// Where exports are put.
    pub outbound: String,
    /// Where received bytes and reports are kept.
    pub documents: String,
}

/// Addresses of the queues.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HubQueues {
    /// Deliveries.
    pub inbound: String,
    /// Deliveries that failed too often.
    pub inbound_dlq: String,
    /// Background work.
    pub jobs: String,
    /// Events of pools; empty for a hub of an earlier version.
    #[serde(default)]
    pub pool_events: String,
}

/// Keys of the local cloud.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HubKeys {
    /// Key id.
    pub access_key_id: String,
    /// Secret key.
    pub secret_access_key: String,
}

/// A credential of the HTTP API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HubCredential {
    /// Its id; the user of HTTP Basic.
    pub id: String,
    /// Its secret; the password of HTTP Basic.
    pub secret: String,
    /// Both, as a bearer token.
    pub token: String,
}

/// A connected system.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HubSystem {
    /// Its id.
    pub id: String,
    /// Where it drops its files in the inbound bucket.
    pub inbound_prefix: String,
}

/// How a command was told where its hub is.
#[derive(Debug, Clone, Default)]
pub struct HubArguments {
    /// `--hub`: a file, or `-` for standard input.
    pub hub: Option<String>,
    /// `--stack`: a CloudFormation stack.
    pub stack: Option<String>,
    /// `--region` of that stack.
    pub region: Option<String>,
}

/// The usual configuration of AWS: region, credentials, and the address where one is set.
///
/// # Errors
/// If there are no credentials: every call would fail of that, in more words.
pub async fn aws(region: Option<String>) -> Result<SdkConfig, CommandError> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https());
    if let Some(region) = region {
        loader = loader.region(Region::new(region));
    }
    let config = loader.load().await;
    identity(&config).await?;
    Ok(config)
}

/// Who we are on AWS.
async fn identity(config: &SdkConfig) -> Result<Credentials, CommandError> {
    let none = |why: String| {
        let hint = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        CommandError::Hub(format!("no AWS credentials found{why}; {hint}"))
    };
    let provider = config.credentials_provider().ok_or_else(|| none(String::new()))?;
    provider.provide_credentials().await.map_err(|error| none(format!(" ({error})")))
}

impl Hub {
    /// Finds the hub that the arguments or the environment name.
    ///
    /// # Errors
    /// If nothing names one, or what is named cannot be read.
    pub async fn find(arguments: &HubArguments) -> Result<Self, CommandError> {
        if let Some(stack) = &arguments.stack {
            return Self::from_stack(stack, arguments.region.clone()).await;
        }
        let named = arguments.hub.clone().or_else(|| wiring::env(HUB_VARIABLE));
        let named = named.ok_or_else(|| {
            CommandError::Hub(format!("give --hub FILE, --stack NAME, or set {HUB_VARIABLE}"))
        })?;
        let text = if named == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(CommandError::io("standard input"))?;
            text
        } else {
            std::fs::read_to_string(Path::new(&named)).map_err(CommandError::io(named.clone()))?
        };
        Self::parse(&text).map_err(|error| CommandError::Hub(format!("{named}: {error}")))
    }

    /// Reads the line of `local up`.
    ///
    /// # Errors
    /// If it is not that line.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text.trim())
    }

    async fn from_stack(stack: &str, region: Option<String>) -> Result<Self, CommandError> {
        let failed = |detail: String| CommandError::Stack { stack: stack.to_owned(), detail };
        let config = aws(region).await?;
        let region = config
            .region()
            .map(ToString::to_string)
            .ok_or_else(|| failed("give --region".to_owned()))?;
        let answer = aws_sdk_cloudformation::Client::new(&config)
            .describe_stacks()
            .stack_name(stack)
            .send()
            .await
            .map_err(|error| {
                failed(aws_sdk_cloudformation::error::DisplayErrorContext(&error).to_string())
            })?;
        let outputs = answer.stacks().first().map_or(&[][..], |one| one.outputs());
        let output = |key: &str| {
            outputs
                .iter()
                .find(|output| output.output_key() == Some(key))
                .and_then(|output| output.output_value())
                .map(str::to_owned)
                .ok_or_else(|| failed(format!("has no output {key}")))
        };
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: None,
            api_url: output("ApiUrl")?,
            endpoint_url: wiring::env("AWS_ENDPOINT_URL"),
            region,
            stack: stack.to_owned(),
            table: output("TableName")?,
            buckets: HubBuckets {
                inbound: output("InboundBucketName")?,
                outbound: output("OutboundBucketName")?,
                documents: output("DocumentsBucketName")?,
            },
            queues: HubQueues {
                inbound: output("InboundQueueUrl")?,
                inbound_dlq: output("InboundDlqUrl")?,
                jobs: output("JobsQueueUrl")?,
                pool_events: output("PoolEventsQueueUrl").unwrap_or_default(),
            },
            space_key: output("SpaceKeyArn").ok(),
            aws: None,
            credential: None,
            system: None,
        })
    }

    /// Where AWS is for this hub, and who we are there.
    ///
    /// # Errors
    /// If the hub is on AWS and the usual credential chain yields nothing.
    pub async fn settings(&self) -> Result<AwsSettings, CommandError> {
        if let Some(keys) = &self.aws {
            let key = (keys.access_key_id.as_str(), keys.secret_access_key.as_str());
            return Ok(AwsSettings::new(&self.region, self.endpoint_url.clone(), key, None));
        }
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https())
            .region(Region::new(self.region.clone()))
            .load()
            .await;
        let credentials = identity(&config).await?;
        Ok(AwsSettings {
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            credentials,
        })
    }

    /// The hub's table.
    ///
    /// # Errors
    /// As [`Hub::settings`].
    pub async fn store(&self) -> Result<Store, CommandError> {
        let (settings, http) = (self.settings().await?, https());
        let store = Store::new(dynamo(&settings, &http), &self.table);
        Ok(match &self.space_key {
            Some(key) => store.with_kms(Kms::new(&settings, &http, key)),
            None => store,
        })
    }

    /// A client of the hub's buckets.
    ///
    /// # Errors
    /// As [`Hub::settings`].
    pub async fn s3(&self) -> Result<aws_sdk_s3::Client, CommandError> {
        Ok(s3(&self.settings().await?, &https()))
    }

    /// The hub's buckets.
    ///
    /// # Errors
    /// As [`Hub::settings`].
    pub async fn objects(&self) -> Result<Objects, CommandError> {
        let buckets = Buckets {
            inbound: self.buckets.inbound.as_str().into(),
            outbound: self.buckets.outbound.as_str().into(),
            documents: self.buckets.documents.as_str().into(),
        };
        Ok(Objects { s3: self.s3().await?, buckets })
    }
}
