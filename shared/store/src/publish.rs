//! Publishing a small file once, with a manifest beside it.

use aws_sdk_s3::primitives::ByteStream;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::error::{StoreError, sdk_error};
use crate::objects::{Objects, is_missing};

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Their number.
    pub bytes: u64,
}

impl Objects {
    /// Puts a file that is held in memory into the outbound bucket and then its manifest, each only if its
    /// key is free; a manifest that is there means that all is done. The bytes of a key never differ, so a
    /// crash in between is made good by calling again. `manifest` gets the hash and the size.
    pub async fn publish_once(
        &self,
        key: &str,
        content_type: &str,
        file: impl FnOnce() -> Vec<u8>,
        manifest: impl FnOnce(&Published) -> Vec<u8>,
    ) -> Result<(), StoreError> {
        let bucket = &*self.buckets.outbound;
        if self.is_published(key).await? {
            return Ok(());
        }
        let file = file();
        let published = Published {
            sha256: HEXLOWER.encode(&Sha256::digest(&file)),
            bytes: u64::try_from(file.len()).unwrap_or(u64::MAX),
        };
        self.put_once(bucket, key, content_type, ByteStream::from(file)).await?;
        self.manifest_put(key, manifest(&published)).await
    }

    /// Whether a file of the outbound bucket is there with its manifest.
    pub async fn is_published(&self, key: &str) -> Result<bool, StoreError> {
        self.exists(&self.buckets.outbound, &manifest_key(key)).await
    }

    /// Puts the manifest of a file, which says that the file is whole.
    pub async fn manifest_put(&self, key: &str, manifest: Vec<u8>) -> Result<(), StoreError> {
        let (bucket, key) = (&*self.buckets.outbound, manifest_key(key));
        let body = ByteStream::from(manifest);
        self.put_once(bucket, &key, "application/json", body).await.map(|_| ())
    }

    /// Whether an object is there.
    pub async fn exists(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        match self.s3.head_object().bucket(bucket).key(key).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(sdk_error("HeadObject", &error)),
        }
    }

    /// The hash of a file that stands in the outbound bucket, read once and not held; `None` when there is
    /// none.
    pub async fn published(&self, key: &str) -> Result<Option<Published>, StoreError> {
        let call = self.s3.get_object().bucket(&*self.buckets.outbound).key(key);
        let mut body = match call.send().await {
            Ok(output) => output.body,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(sdk_error("GetObject", &error)),
        };
        let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| StoreError::Unavailable {
                operation: "GetObject body",
                detail: error.to_string(),
            })?;
            hash.update(&chunk);
            bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        }
        Ok(Some(Published { sha256: HEXLOWER.encode(&hash.finalize()), bytes }))
    }
}

/// The key of a file's manifest.
#[must_use]
pub fn manifest_key(key: &str) -> String {
    format!("{key}.manifest.json")
}
