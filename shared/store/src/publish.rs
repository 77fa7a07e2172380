//! Publishing a file once: in parts, hashed on the way, with a manifest beside it.

use std::future::Future;

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::error::{StoreError, sdk_error};
use crate::objects::{Objects, is_missing, is_taken};

/// The size of a part, bytes; S3 asks for at least 5 MiB and allows 10,000 parts.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts on their way at once; with the one being filled this bounds memory.
const PARTS_IN_FLIGHT: usize = 3;

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Their number.
    pub bytes: u64,
}

/// A multipart upload under way.
struct Upload<'a> {
    objects: &'a Objects,
    bucket: &'a str,
    key: &'a str,
    id: String,
    next: i32,
    sending: JoinSet<Result<CompletedPart, StoreError>>,
    sent: Vec<CompletedPart>,
}

impl Objects {
    /// Puts a file into the outbound bucket and then its manifest, each only if its key is free; a manifest that is there means
    /// that all is done. The bytes of a key never differ, so a crash in between is made good by calling
    /// again. `manifest` gets the hash and the size. Memory: four parts, whatever the file's size (I10).
    pub async fn publish_once(
        &self,
        key: &str,
        content_type: &str,
        file: impl Iterator<Item = Vec<u8>>,
        manifest: impl FnOnce(&Published) -> Vec<u8>,
    ) -> Result<(), StoreError> {
        let bucket = &*self.buckets.outbound;
        let manifest_key = manifest_key(key);
        if self.exists(bucket, &manifest_key).await? {
            return Ok(());
        }
        let published = self.put_file(bucket, key, content_type, file).await?;
        let body = ByteStream::from(manifest(&published));
        self.put_once(bucket, &manifest_key, "application/json", body).await.map(|_| ())
    }

    /// Whether an object is there.
    pub async fn exists(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        match self.s3.head_object().bucket(bucket).key(key).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(sdk_error("HeadObject", &error)),
        }
    }

    async fn put_file(
        &self,
        bucket: &str,
        key: &str,
        content_type: &str,
        file: impl Iterator<Item = Vec<u8>>,
    ) -> Result<Published, StoreError> {
        let mut hash = Sha256::new();
        let mut bytes = 0_u64;
        let mut part: Vec<u8> = Vec::new();
        let mut upload: Option<Upload<'_>> = None;
        for batch in file {
            hash.update(&batch);
            bytes = bytes.saturating_add(u64::try_from(batch.len()).unwrap_or(u64::MAX));
            part.extend_from_slice(&batch);
            if part.len() < PART_BYTES {
                continue;
            }
            let mut running = match upload.take() {
                Some(running) => running,
                None => self.upload_begin(bucket, key, content_type).await?,
            };
            let full = std::mem::take(&mut part);
            let outcome = running.send(full).await;
            upload = Some(running.or_abort(outcome).await?);
        }
        if let Some(mut running) = upload {
            if !part.is_empty() {
                let outcome = running.send(part).await;
                running = running.or_abort(outcome).await?;
            }
            let outcome = running.complete().await;
            running.or_abort(outcome).await?;
        } else {
            self.put_once(bucket, key, content_type, ByteStream::from(part)).await?;
        }
        Ok(Published { sha256: data_encoding::HEXLOWER.encode(&hash.finalize()), bytes })
    }

    async fn upload_begin<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        content_type: &str,
    ) -> Result<Upload<'a>, StoreError> {
        let begun = self
            .s3
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .content_type(content_type)
            // S3 compares each part's checksum with the algorithm that is named here.
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .send()
            .await
            .map_err(|error| sdk_error("CreateMultipartUpload", &error))?;
        let id = begun.upload_id.unwrap_or_default();
        let (sending, sent) = (JoinSet::new(), Vec::new());
        Ok(Upload { objects: self, bucket, key, id, next: 1, sending, sent })
    }
}

impl Upload<'_> {
    /// Sends a part once fewer than [`PARTS_IN_FLIGHT`] are on their way.
    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), StoreError> {
        while self.sending.len() >= PARTS_IN_FLIGHT {
            self.receive().await?;
        }
        let number = self.next;
        self.next = self.next.saturating_add(1);
        self.sending.spawn(self.part(number, bytes));
        Ok(())
    }

    fn part(
        &self,
        number: i32,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<CompletedPart, StoreError>> + use<> {
        let call = self
            .objects
            .s3
            .upload_part()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(ByteStream::from(bytes));
        async move {
            let output = call.send().await.map_err(|error| sdk_error("UploadPart", &error))?;
            let part = CompletedPart::builder().part_number(number).set_e_tag(output.e_tag);
            Ok(part.set_checksum_crc32(output.checksum_crc32).build())
        }
    }

    async fn receive(&mut self) -> Result<(), StoreError> {
        match self.sending.join_next().await {
            None => Ok(()),
            Some(Ok(part)) => {
                self.sent.push(part?);
                Ok(())
            }
            Some(Err(error)) => {
                Err(StoreError::Unavailable { operation: "UploadPart", detail: error.to_string() })
            }
        }
    }

    async fn complete(&mut self) -> Result<(), StoreError> {
        while !self.sending.is_empty() {
            self.receive().await?;
        }
        self.sent.sort_by_key(|part| part.part_number);
        let parts = std::mem::take(&mut self.sent);
        let outcome = self
            .objects
            .s3
            .complete_multipart_upload()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .if_none_match("*")
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(()),
            // Somebody else has put the same bytes.
            Err(error) if is_taken(&error) => self.abort().await,
            Err(error) => Err(sdk_error("CompleteMultipartUpload", &error)),
        }
    }

    async fn abort(&self) -> Result<(), StoreError> {
        self.objects
            .s3
            .abort_multipart_upload()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(&self.id)
            .send()
            .await
            .map(|_| ())
            .or_else(|error| {
                // Somebody else has given it up already.
                if is_gone(&error) {
                    return Ok(());
                }
                Err(sdk_error("AbortMultipartUpload", &error))
            })
    }

    /// Gives the upload up when a step failed, so that no paid-for parts stay behind; the step's own
    /// failure is what the caller hears of. What cannot be given up the bucket's lifecycle removes.
    async fn or_abort<T>(self, outcome: Result<T, StoreError>) -> Result<Self, StoreError> {
        match outcome {
            Ok(_) => Ok(self),
            Err(failure) => {
                if let Err(error) = self.abort().await {
                    tracing::warn!(%error, "an unfinished upload could not be given up");
                }
                Err(failure)
            }
        }
    }
}

fn is_gone<E: aws_sdk_s3::error::ProvideErrorMetadata, R>(
    error: &aws_sdk_s3::error::SdkError<E, R>,
) -> bool {
    error.code() == Some("NoSuchUpload")
}

/// The key of a file's manifest.
#[must_use]
pub fn manifest_key(key: &str) -> String {
    format!("{key}.manifest.json")
}
