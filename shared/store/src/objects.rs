//! S3: the buckets of a tenant and the few ways we use them.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;

use crate::error::{StoreError, sdk_error};

/// How long a presigned address lives.
pub const PRESIGNED_LIFE: Duration = Duration::from_mins(15);

/// The names of a tenant's buckets.
#[derive(Debug, Clone)]
pub struct Buckets {
    /// What line systems drop.
    pub inbound: Arc<str>,
    /// What is put for line systems.
    pub outbound: Arc<str>,
    /// Received bytes and reports.
    pub documents: Arc<str>,
}

/// The buckets of a tenant.
#[derive(Debug, Clone)]
pub struct Objects {
    /// The S3 client.
    pub s3: aws_sdk_s3::Client,
    /// The names.
    pub buckets: Buckets,
}

impl Objects {
    /// Puts an object unless its key is taken; `false` when it is.
    pub async fn put_once(
        &self,
        bucket: &str,
        key: &str,
        content_type: &str,
        body: ByteStream,
    ) -> Result<bool, StoreError> {
        let outcome = self
            .s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .content_type(content_type)
            .if_none_match("*")
            .body(body)
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(true),
            Err(error) if is_taken(&error) => Ok(false),
            Err(error) => Err(sdk_error("PutObject", &error)),
        }
    }

    /// A whole small object; `None` when there is none.
    pub async fn get_small(&self, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let output = match self.s3.get_object().bucket(bucket).key(key).send().await {
            Ok(output) => output,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(sdk_error("GetObject", &error)),
        };
        let body = output.body.collect().await.map_err(|error| StoreError::Unavailable {
            operation: "GetObject body",
            detail: error.to_string(),
        })?;
        Ok(Some(body.to_vec()))
    }

    /// An address that anybody may read the object at for [`PRESIGNED_LIFE`].
    pub async fn presigned_get(&self, bucket: &str, key: &str) -> Result<String, StoreError> {
        let request = self.s3.get_object().bucket(bucket).key(key).presigned(life()?).await;
        let request = request.map_err(|error| sdk_error("presigning GetObject", &error))?;
        Ok(request.uri().to_owned())
    }

    /// An address that anybody may put one object at for [`PRESIGNED_LIFE`].
    pub async fn presigned_put(&self, bucket: &str, key: &str) -> Result<String, StoreError> {
        let request = self.s3.put_object().bucket(bucket).key(key).presigned(life()?).await;
        let request = request.map_err(|error| sdk_error("presigning PutObject", &error))?;
        Ok(request.uri().to_owned())
    }
}

fn life() -> Result<PresigningConfig, StoreError> {
    PresigningConfig::expires_in(PRESIGNED_LIFE).map_err(|error| StoreError::Unavailable {
        operation: "presigning",
        detail: error.to_string(),
    })
}

/// Whether a conditional put found the key taken. A conflict with a put at the same moment is no such
/// certainty, since that one may still fail: the caller hears of it and tries again.
pub(crate) fn is_taken<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("PreconditionFailed")
}

/// Whether the object, or this version of it, is not there.
#[must_use]
pub fn is_missing<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    matches!(error.code(), Some("NoSuchKey" | "NoSuchVersion" | "NotFound"))
}
