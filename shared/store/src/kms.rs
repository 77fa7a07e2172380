//! The key service (AWS KMS): two calls, for the data keys that the keys of spaces are sealed under.
//!
//! Its SDK crate would add its size to every function for two calls of three fields, so they are written
//! out here. They run on the parts that the other clients are made of: connections, signatures, retries
//! and timeouts are the SDK's. What a call carries is no secret but the key in its answer, which is never
//! logged and wiped when it is dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_sdk_dynamodb::config::Region;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::client::{AwsSettings, HttpClient};
use crate::error::{StoreError, sdk_error};

/// A call takes about 10 ms; with three attempts it must fit into the 29 s of a request.
const ATTEMPT_MAX: Duration = Duration::from_secs(5);

/// What the service says of a blob that it did not make so, or not for this context or key.
const NOT_ITS_OWN: [&str; 2] = ["InvalidCiphertextException", "IncorrectKeyException"];

/// An AES-256 key; wiped when dropped.
pub type DataKey = Zeroizing<[u8; 32]>;

/// What a blob is bound to. Both stand in the trail of calls that AWS keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Context<'a> {
    /// The product.
    pub gtin: &'a str,
    /// The space.
    pub space: &'a str,
}

/// The key of a stack in the key service.
#[derive(Clone)]
pub struct Kms {
    settings: AwsSettings,
    http: HttpClient,
    endpoint: Arc<str>,
    key: Arc<str>,
}

impl Kms {
    /// The key named by its ARN, in the region that the ARN names.
    #[must_use]
    pub fn new(settings: &AwsSettings, http: &HttpClient, key_arn: &str) -> Self {
        let mut parts = key_arn.split(':').skip(1);
        let partition = parts.next().unwrap_or_default();
        let region = parts.nth(1).filter(|region| !region.is_empty());
        let mut settings = settings.clone();
        if let Some(region) = region {
            region.clone_into(&mut settings.region);
        }
        let suffix = if partition == "aws-cn" { ".cn" } else { "" };
        let on_aws = || format!("https://kms.{}.amazonaws.com{suffix}", settings.region);
        let endpoint = settings.endpoint_url.clone().unwrap_or_else(on_aws);
        Self { settings, http: http.clone(), endpoint: endpoint.into(), key: key_arn.into() }
    }

    /// Makes a data key: the key, and the blob that [`Kms::decrypt`] turns into it again.
    ///
    /// # Errors
    /// If the service fails or refuses.
    pub async fn data_key(&self, context: Context<'_>) -> Result<(DataKey, Vec<u8>), StoreError> {
        const WHAT: &str = "KMS GenerateDataKey";
        let body = Body {
            key_id: &self.key,
            encryption_context: context,
            key_spec: Some("AES_256"),
            ciphertext_blob: None,
        };
        let answer = self.call("GenerateDataKey", &body).await;
        let answer = answer.map_err(|error| sdk_error(WHAT, &error))?;
        let blob = answer.ciphertext_blob.as_deref().map(str::as_bytes);
        let blob = blob.and_then(|blob| BASE64.decode(blob).ok());
        answer.key().zip(blob).ok_or_else(|| unreadable(WHAT))
    }

    /// The data key of a blob; `None` if the blob is not one of this key and context.
    ///
    /// # Errors
    /// If the service fails or refuses.
    pub async fn decrypt(
        &self,
        blob: &[u8],
        context: Context<'_>,
    ) -> Result<Option<DataKey>, StoreError> {
        const WHAT: &str = "KMS Decrypt";
        let body = Body {
            key_id: &self.key,
            encryption_context: context,
            key_spec: None,
            ciphertext_blob: Some(BASE64.encode(blob)),
        };
        match self.call("Decrypt", &body).await {
            Ok(answer) => answer.key().map(Some).ok_or_else(|| unreadable(WHAT)),
            Err(error) if error.code().is_some_and(|code| NOT_ITS_OWN.contains(&code)) => Ok(None),
            Err(error) => Err(sdk_error(WHAT, &error)),
        }
    }

    async fn call(
        &self,
        name: &'static str,
        body: &Body<'_>,
    ) -> Result<Answer, SdkError<KmsError, HttpResponse>> {
        let body = serde_json::to_vec(body).map_err(SdkError::construction_failure)?;
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_MAX).build();
        let operation = Operation::builder()
            .service_name("KMS")
            .operation_name(name)
            .http_client(self.http.clone())
            .endpoint_url(&self.endpoint)
            .standard_retry(&RetryConfig::standard())
            .retry_classifier(TransientErrorClassifier::<KmsError>::new())
            .retry_classifier(AwsErrorCodeClassifier::<KmsError>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .timeout_config(timeouts)
            .runtime_plugin(self.signing())
            .serializer(move |body: Vec<u8>| {
                let mut request = HttpRequest::new(SdkBody::from(body));
                request.set_method("POST")?;
                let headers = request.headers_mut();
                headers.insert("content-type", "application/x-amz-json-1.1");
                headers.insert("x-amz-target", format!("TrentService.{name}"));
                Ok(request)
            })
            .deserializer(read)
            .build();
        operation.invoke(body).await
    }

    /// Signature version 4 for the service's name and region, and no answer in any log.
    fn signing(&self) -> StaticRuntimePlugin {
        let mut config = Layer::new("KMS");
        config.store_put(SensitiveOutput);
        config.store_put(AuthSchemeOptionResolverParams::new(()));
        config.store_put(SigV4OperationSigningConfig {
            region: Some(Region::new(self.settings.region.clone()).into()),
            name: Some("kms".into()),
            ..SigV4OperationSigningConfig::default()
        });
        let credentials = SharedCredentialsProvider::new(self.settings.credentials.clone());
        let components = RuntimeComponentsBuilder::new("KMS")
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
                SCHEME_ID,
            ])))
            .with_identity_cache(Some(IdentityCache::no_cache()))
            .with_identity_resolver(SCHEME_ID, credentials);
        StaticRuntimePlugin::new().with_config(config.freeze()).with_runtime_components(components)
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kms({} in {} at {})", self.key, self.settings.region, self.endpoint)
    }
}

/// The fields of both calls.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    key_id: &'a str,
    encryption_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_spec: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_blob: Option<String>,
}

/// What is read of both answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    plaintext: Zeroized,
    ciphertext_blob: Option<String>,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct Zeroized(Zeroizing<String>);

impl From<String> for Zeroized {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Answer {
    fn key(&self) -> Option<DataKey> {
        let bytes = Zeroizing::new(BASE64.decode(self.plaintext.0.as_bytes()).ok()?);
        Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(..)")
    }
}

/// An error that the service names.
#[derive(Debug)]
struct KmsError(ErrorMetadata);

impl fmt::Display for KmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for KmsError {}

impl ProvideErrorMetadata for KmsError {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

fn unreadable(operation: &'static str) -> StoreError {
    StoreError::Unavailable { operation, detail: "the answer could not be read".to_owned() }
}

fn read(response: &HttpResponse) -> Result<Answer, OrchestratorError<KmsError>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return serde_json::from_slice(body)
            .map_err(|_| OrchestratorError::other("no JSON answer"));
    }
    let error: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    // The type may carry the name of its model before a `#`.
    let code = error.kind.rsplit('#').next().unwrap_or_default();
    let metadata = ErrorMetadata::builder().code(code).message(error.message).build();
    Err(OrchestratorError::operation(KmsError(metadata)))
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}
