//! Received bytes: fetched in exactly the version that was announced, and kept under their hash (I6).

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, TaggingDirective};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::StoreError;
use crate::error::sdk_error;
use crate::inbound::Notice;
use crate::objects::{Objects, is_missing, is_taken};

/// Escaped in keys that travel as text; their slashes stay.
pub(crate) const ESCAPED: AsciiSet =
    NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What S3 copies in one call, bytes; a larger object is copied in parts.
pub const COPY_BYTES_MAX: u64 = 5 << 30;
/// The least size of such a part; ten thousand are allowed.
const PART_BYTES_MIN: u64 = 512 << 20;
const PARTS_MAX: u64 = 9_000;

/// What is read of an object at all, bytes. Far beyond what one document may have, but what lies between is
/// still hashed and kept in the time that one delivery has.
pub const OBJECT_BYTES_MAX: u64 = 20 << 30;

/// The kind of a document that is a queue message and no file.
pub const MESSAGE_KIND: &str = "message";

/// An announced object.
#[derive(Debug)]
pub struct Announced {
    /// Its bytes.
    pub body: ByteStream,
    /// How many.
    pub bytes: u64,
}

/// The key that received bytes are kept under.
#[must_use]
pub fn kept_key(raw_sha256: &str) -> String {
    format!("documents/{raw_sha256}")
}

impl Objects {
    /// The object version of a notice; `None` when it is gone.
    pub async fn object_announced(&self, notice: &Notice) -> Result<Option<Announced>, StoreError> {
        let call = self.s3.get_object().bucket(&notice.bucket).key(&notice.key);
        let version = Some(notice.version_id.clone()).filter(|version| !version.is_empty());
        match call.set_version_id(version).send().await {
            Ok(output) => {
                let bytes = output.content_length.and_then(|bytes| u64::try_from(bytes).ok());
                Ok(Some(Announced { body: output.body, bytes: bytes.unwrap_or_default() }))
            }
            // A delete marker answers 405; a bucket that is not ours, or not there, has no object.
            Err(error)
                if is_missing(&error)
                    || matches!(error.code(), Some("MethodNotAllowed" | "NoSuchBucket")) =>
            {
                Ok(None)
            }
            Err(error) => Err(sdk_error("GetObject", &error)),
        }
    }

    /// Kept bytes; `None` when there are none.
    pub async fn bytes_kept(&self, raw_sha256: &str) -> Result<Option<ByteStream>, StoreError> {
        let (bucket, key) = (&*self.buckets.documents, kept_key(raw_sha256));
        match self.s3.get_object().bucket(bucket).key(key).send().await {
            Ok(output) => Ok(Some(output.body)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(sdk_error("GetObject", &error)),
        }
    }

    /// A kept queue message; those are small. `None` when there is none.
    pub async fn message_kept(&self, raw_sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.get_small(&self.buckets.documents, &kept_key(raw_sha256)).await
    }

    /// Keeps small bytes under their hash, once.
    pub async fn bytes_put(&self, raw_sha256: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let (bucket, key) = (&*self.buckets.documents, kept_key(raw_sha256));
        let body = ByteStream::from(bytes);
        self.put_once(bucket, &key, "application/octet-stream", body).await.map(|_| ())
    }

    /// Keeps the announced bytes, `bytes` of them, under their hash, once. `false` when the object went
    /// away meanwhile.
    pub async fn bytes_keep(
        &self,
        notice: &Notice,
        raw_sha256: &str,
        bytes: u64,
    ) -> Result<bool, StoreError> {
        let (bucket, key) = (&*self.buckets.documents, kept_key(raw_sha256));
        match self.s3.head_object().bucket(bucket).key(&key).send().await {
            Ok(_) => return Ok(true),
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => {}
            Err(error) => return Err(sdk_error("HeadObject", &error)),
        }
        if bytes > COPY_BYTES_MAX {
            let part = bytes.div_ceil(PARTS_MAX).max(PART_BYTES_MIN);
            return self.bytes_keep_in_parts(notice, raw_sha256, (bytes, part)).await;
        }
        // Tags of the source are no part of the bytes, and reading them would need a right of its own.
        let copy = self.s3.copy_object().bucket(bucket).key(key).copy_source(source(notice));
        let copy = copy.tagging_directive(TaggingDirective::Replace);
        match copy.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(sdk_error("CopyObject", &error)),
        }
    }

    /// The same for what is too large for one call: `bytes` in parts of `part_bytes`.
    pub async fn bytes_keep_in_parts(
        &self,
        notice: &Notice,
        raw_sha256: &str,
        (bytes, part_bytes): (u64, u64),
    ) -> Result<bool, StoreError> {
        let (bucket, key) = (&*self.buckets.documents, kept_key(raw_sha256));
        let begun = self.s3.create_multipart_upload().bucket(bucket).key(&key).send().await;
        let begun = begun.map_err(|error| sdk_error("CreateMultipartUpload", &error))?;
        let upload = begun.upload_id.unwrap_or_default();
        let mut parts = Vec::new();
        let mut from = 0_u64;
        while from < bytes {
            let end = from.saturating_add(part_bytes.max(1)).min(bytes);
            let number = i32::try_from(parts.len()).unwrap_or(i32::MAX).saturating_add(1);
            let copy = self.s3.upload_part_copy().bucket(bucket).key(&key).upload_id(&upload);
            let copy = copy.part_number(number).copy_source(source(notice));
            let copy = copy.copy_source_range(format!("bytes={from}-{}", end.saturating_sub(1)));
            let copied = match copy.send().await {
                Ok(copied) => copied.copy_part_result,
                // What is left of the upload the bucket's lifecycle removes.
                Err(error) if is_missing(&error) => return Ok(false),
                Err(error) => return Err(sdk_error("UploadPartCopy", &error)),
            };
            let e_tag = copied.and_then(|part| part.e_tag);
            parts.push(CompletedPart::builder().part_number(number).set_e_tag(e_tag).build());
            from = end;
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let done = self.s3.complete_multipart_upload().bucket(bucket).key(&key).upload_id(upload);
        match done.multipart_upload(parts).if_none_match("*").send().await {
            Ok(_) => Ok(true),
            // Somebody else has kept the same bytes.
            Err(error) if is_taken(&error) => Ok(true),
            Err(error) => Err(sdk_error("CompleteMultipartUpload", &error)),
        }
    }
}

/// The version of a notice as the source of a copy.
fn source(notice: &Notice) -> String {
    let from = format!("{}/{}", notice.bucket, notice.key);
    let mut source = utf8_percent_encode(&from, &ESCAPED).to_string();
    if !notice.version_id.is_empty() {
        source.push_str("?versionId=");
        source.push_str(&utf8_percent_encode(&notice.version_id, &ESCAPED).to_string());
    }
    source
}
