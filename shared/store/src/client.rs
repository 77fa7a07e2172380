//! AWS clients: one ring-based HTTPS client, credentials as the runtime hands them over.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Where AWS is and who we are there.
#[derive(Clone)]
pub struct AwsSettings {
    /// The region.
    pub region: String,
    /// The address of the local cloud; `None` on AWS.
    pub endpoint_url: Option<String>,
    /// Key id, secret, and session token.
    pub credentials: Credentials,
}

impl AwsSettings {
    /// Settings from the values of the runtime's environment variables.
    #[must_use]
    pub fn new(
        region: &str,
        endpoint_url: Option<String>,
        key: (&str, &str),
        session_token: Option<String>,
    ) -> Self {
        let credentials = Credentials::new(key.0, key.1, session_token, None, "environment");
        Self { region: region.to_owned(), endpoint_url, credentials }
    }
}

/// The HTTPS client that all clients of a process share.
pub type HttpClient = SharedHttpClient;

/// Makes the HTTPS client of a process.
#[must_use]
pub fn https() -> HttpClient {
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    SharedHttpClient::new(OnFirstCall(https))
}

/// Reads the root certificates once, with the first call.
///
/// The SDK asks a client to check itself whenever it makes a client of a service; this one would then
/// parse all roots, and throw them away.
#[derive(Debug)]
struct OnFirstCall(HttpClient);

impl aws_smithy_runtime_api::client::http::HttpClient for OnFirstCall {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

/// A DynamoDB client.
#[must_use]
pub fn dynamo(settings: &AwsSettings, http: &SharedHttpClient) -> aws_sdk_dynamodb::Client {
    let mut config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(settings.credentials.clone())
        .http_client(http.clone());
    config.set_endpoint_url(settings.endpoint_url.clone());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// An S3 client; addressed by path where an endpoint is given.
#[must_use]
pub fn s3(settings: &AwsSettings, http: &SharedHttpClient) -> aws_sdk_s3::Client {
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(settings.credentials.clone())
        .force_path_style(settings.endpoint_url.is_some())
        .http_client(http.clone());
    config.set_endpoint_url(settings.endpoint_url.clone());
    aws_sdk_s3::Client::from_conf(config.build())
}

/// An SQS client.
#[must_use]
pub fn sqs(settings: &AwsSettings, http: &SharedHttpClient) -> aws_sdk_sqs::Client {
    let mut config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(settings.credentials.clone())
        .http_client(http.clone());
    config.set_endpoint_url(settings.endpoint_url.clone());
    aws_sdk_sqs::Client::from_conf(config.build())
}
