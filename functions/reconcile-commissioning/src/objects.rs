//! Objects: fetched in exactly the version that was announced, and kept under their hash.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::TaggingDirective;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use store::objects::is_missing;
use store::{Objects, StoreError};

use crate::message::Notice;

/// Escaped in the source of a copy; the slashes of a key stay.
const SOURCE: AsciiSet =
    NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn unavailable<E: ProvideErrorMetadata>(operation: &'static str, error: &E) -> StoreError {
    let code = error.code().unwrap_or("no code").to_owned();
    StoreError::Unavailable { operation, detail: code }
}

/// The key that received bytes are kept under.
pub fn kept_key(raw_sha256: &str) -> String {
    format!("documents/{raw_sha256}")
}

/// The object version of a notice; `None` when it is gone.
pub async fn announced(
    objects: &Objects,
    notice: &Notice,
) -> Result<Option<ByteStream>, StoreError> {
    let call = objects.s3.get_object().bucket(&notice.bucket).key(&notice.key);
    let version = Some(notice.version_id.clone()).filter(|version| !version.is_empty());
    match call.set_version_id(version).send().await {
        Ok(output) => Ok(Some(output.body)),
        // A delete marker answers 405.
        Err(error) if is_missing(&error) || error.code() == Some("MethodNotAllowed") => Ok(None),
        Err(error) => Err(unavailable("GetObject", &error)),
    }
}

/// Kept bytes; `None` when there are none.
pub async fn kept(objects: &Objects, raw_sha256: &str) -> Result<Option<ByteStream>, StoreError> {
    let bucket = &*objects.buckets.documents;
    match objects.s3.get_object().bucket(bucket).key(kept_key(raw_sha256)).send().await {
        Ok(output) => Ok(Some(output.body)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(unavailable("GetObject", &error)),
    }
}

/// Keeps the announced bytes under their hash, once. `false` when the object went away meanwhile.
pub async fn keep(
    objects: &Objects,
    notice: &Notice,
    raw_sha256: &str,
) -> Result<bool, StoreError> {
    let (bucket, key) = (&*objects.buckets.documents, kept_key(raw_sha256));
    match objects.s3.head_object().bucket(bucket).key(&key).send().await {
        Ok(_) => return Ok(true),
        Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => {}
        Err(error) => return Err(unavailable("HeadObject", &error)),
    }
    let from = format!("{}/{}", notice.bucket, notice.key);
    let mut source = utf8_percent_encode(&from, &SOURCE).to_string();
    if !notice.version_id.is_empty() {
        source.push_str("?versionId=");
        source.push_str(&utf8_percent_encode(&notice.version_id, &SOURCE).to_string());
    }
    // Tags of the source are no part of the bytes, and reading them would need a right of its own.
    let copy = objects.s3.copy_object().bucket(bucket).key(key).copy_source(source);
    let copy = copy.tagging_directive(TaggingDirective::Replace);
    match copy.send().await {
        Ok(_) => Ok(true),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(unavailable("CopyObject", &error)),
    }
}
