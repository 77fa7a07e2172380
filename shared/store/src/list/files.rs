//! The objects of imports.

use aws_sdk_s3::primitives::ByteStream;
use domain::list::ListId;

use crate::error::{StoreError, sdk_error};
use crate::objects::Objects;

/// Where the objects of an import lie.
#[derive(Debug, Clone)]
pub(super) struct Place {
    list: ListId,
    sha256: String,
}

impl Place {
    pub(super) fn new(list: ListId, sha256: &str) -> Self {
        Self { list, sha256: sha256.to_owned() }
    }

    fn segment(&self, number: u32) -> String {
        format!("lists/{}/{}/{number:05}.rows", self.list, self.sha256)
    }

    /// Into how many parts an index is cut is part of its name: another release may cut it otherwise.
    fn part(&self, (number, parts): (u32, u32)) -> String {
        format!("lists/{}/{}/{number:03}-of-{parts:03}.index", self.list, self.sha256)
    }
}

impl Objects {
    /// Puts a segment. What is there already has the same bytes: they follow from the file.
    pub(super) async fn segment_put(
        &self,
        place: &Place,
        number: u32,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        self.list_put(&place.segment(number), bytes).await
    }

    /// Puts a part of the index, likewise.
    pub(super) async fn part_put(
        &self,
        place: &Place,
        part: (u32, u32),
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        self.list_put(&place.part(part), bytes).await
    }

    async fn list_put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let (bucket, body) = (&*self.buckets.documents, ByteStream::from(bytes));
        self.put_once(bucket, key, "application/octet-stream", body).await.map(|_| ())
    }

    pub(super) async fn segment_get(
        &self,
        place: &Place,
        number: u32,
    ) -> Result<Vec<u8>, StoreError> {
        let key = place.segment(number);
        let bytes = self.get_small(&self.buckets.documents, &key).await?;
        bytes.ok_or(StoreError::NotFound { what: "a segment of a list" })
    }

    /// Bytes of a part of the index, first and last.
    pub(super) async fn part_get(
        &self,
        place: &Place,
        part: (u32, u32),
        (first, last): (u64, u64),
    ) -> Result<Vec<u8>, StoreError> {
        let call = self.s3.get_object().bucket(&*self.buckets.documents).key(place.part(part));
        let output = call.range(format!("bytes={first}-{last}")).send().await;
        let output = output.map_err(|error| sdk_error("GetObject list", &error))?;
        let body = output.body.collect().await.map_err(|error| StoreError::Unavailable {
            operation: "GetObject body",
            detail: error.to_string(),
        })?;
        Ok(body.to_vec())
    }
}
