//! A large file on its way into the outbound bucket: in parts, hashed and counted on the way, and continued
//! by another process where one left it.
//!
//! What is stored is known in two ways: a checkpoint says up to which part everything was acknowledged, and
//! S3 lists the parts of the upload. From the checkpoint on the caller gives the same bytes again; a part
//! that S3 has already, with the same length and CRC-32, is not sent twice. The file appears under its key
//! as a whole or not at all.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use data_encoding::{BASE64, HEXLOWER};
use sha2::digest::common::hazmat::{SerializableState as _, SerializedState};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::error::{StoreError, sdk_error};
use crate::objects::{Objects, is_taken};
use crate::publish::Published;

/// The least size of a part, bytes; S3 asks for 5 MiB of all but the last.
pub const PART_BYTES_MIN: u64 = 8 * 1024 * 1024;
/// Parts that a file is planned for; S3 allows 10,000.
const PARTS_PLANNED: u64 = 9_000;
/// Parts on their way at once; with the one being filled this bounds memory.
const PARTS_IN_FLIGHT: usize = 2;

/// The least size of a part of a file of at most so many bytes, so that its parts are not too many.
#[must_use]
pub const fn part_bytes_planned(file_bytes: u64) -> u64 {
    file_bytes.div_ceil(PARTS_PLANNED)
}

/// Up to where a file is stored for certain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its first parts, all of them acknowledged.
    pub parts: i32,
    /// What the caller goes on with: the first row of the next part.
    pub row: u64,
    /// The bytes of these parts.
    pub bytes: u64,
    /// The state of SHA-256 over them; empty before the first.
    pub sha256_state: Vec<u8>,
}

/// A part that S3 has.
#[derive(Debug, Clone)]
struct Stored {
    e_tag: Option<String>,
    bytes: i64,
    crc32: Option<String>,
}

/// A file on its way.
pub struct Upload<'a> {
    objects: &'a Objects,
    key: String,
    id: String,
    stored: BTreeMap<i32, Stored>,
    hash: Sha256,
    at: Checkpoint,
    sending: JoinSet<Result<(i32, Stored), StoreError>>,
    /// Where each part that was given ends, until it and all before it are acknowledged.
    given: VecDeque<Checkpoint>,
    acknowledged: BTreeMap<i32, Stored>,
    resent: u32,
}

/// How an upload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// The file is there.
    Done(Published),
    /// Another file stands under the key; this one was given up.
    Taken,
}

impl Objects {
    /// Begins an upload to a key, or finds the one that a run began which died before it could say so.
    pub async fn upload_begin(&self, key: &str, content_type: &str) -> Result<String, StoreError> {
        let bucket = &*self.buckets.outbound;
        let listed = self.s3.list_multipart_uploads().bucket(bucket).prefix(key).send().await;
        let listed = listed.map_err(|error| sdk_error("ListMultipartUploads", &error))?;
        let mut begun = listed.uploads.unwrap_or_default().into_iter();
        if let Some(id) =
            begun.find(|upload| upload.key() == Some(key)).and_then(|upload| upload.upload_id)
        {
            return Ok(id);
        }
        let call = self.s3.create_multipart_upload().bucket(bucket).key(key);
        let begun = call
            .content_type(content_type)
            // S3 compares each part's checksum with the algorithm that is named here.
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .send()
            .await
            .map_err(|error| sdk_error("CreateMultipartUpload", &error))?;
        begun.upload_id.ok_or_else(|| StoreError::Unavailable {
            operation: "CreateMultipartUpload",
            detail: "the answer names no upload".to_owned(),
        })
    }

    /// Goes on with an upload from a checkpoint, or from the beginning where its parts are not all there;
    /// `None` when there is no such upload any more.
    pub async fn upload_resume(
        &self,
        key: &str,
        id: &str,
        from: &Checkpoint,
    ) -> Result<Option<Upload<'_>>, StoreError> {
        let Some(stored) = self.parts(key, id).await? else {
            return Ok(None);
        };
        let all_there = (1..=from.parts).all(|number| stored.contains_key(&number));
        let (hash, at) = match hash_of(from) {
            Some(hash) if all_there => (hash, from.clone()),
            _ => (Sha256::new(), Checkpoint::default()),
        };
        let confirmed = stored.range(..=at.parts);
        Ok(Some(Upload {
            objects: self,
            key: key.to_owned(),
            id: id.to_owned(),
            acknowledged: confirmed.map(|(number, part)| (*number, part.clone())).collect(),
            stored,
            hash,
            at,
            sending: JoinSet::new(),
            given: VecDeque::new(),
            resent: 0,
        }))
    }

    /// Gives an upload up, so that no paid-for parts stay behind; one that is gone is as good.
    pub async fn upload_abort(&self, key: &str, id: &str) -> Result<(), StoreError> {
        let call = self.s3.abort_multipart_upload().bucket(&*self.buckets.outbound);
        match call.key(key).upload_id(id).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) => Err(sdk_error("AbortMultipartUpload", &error)),
        }
    }

    async fn parts(
        &self,
        key: &str,
        id: &str,
    ) -> Result<Option<BTreeMap<i32, Stored>>, StoreError> {
        let mut stored = BTreeMap::new();
        let mut after: Option<String> = None;
        loop {
            let call = self.s3.list_parts().bucket(&*self.buckets.outbound).key(key).upload_id(id);
            let page = match call.set_part_number_marker(after).send().await {
                Ok(page) => page,
                Err(error) if is_gone(&error) => return Ok(None),
                Err(error) => return Err(sdk_error("ListParts", &error)),
            };
            for part in page.parts.unwrap_or_default() {
                let entry = Stored {
                    e_tag: part.e_tag,
                    bytes: part.size.unwrap_or(0),
                    crc32: part.checksum_crc32,
                };
                stored.insert(part.part_number.unwrap_or(0), entry);
            }
            after = page.next_part_number_marker;
            if page.is_truncated != Some(true) || after.is_none() {
                return Ok(Some(stored));
            }
        }
    }
}

/// The hash as it was at a checkpoint; `None` for a state that this version does not know.
fn hash_of(checkpoint: &Checkpoint) -> Option<Sha256> {
    if checkpoint.parts == 0 {
        return Some(Sha256::new());
    }
    let state = SerializedState::<Sha256>::try_from(checkpoint.sha256_state.as_slice()).ok()?;
    Sha256::deserialize(&state).ok()
}

impl Upload<'_> {
    /// Where the caller has to go on.
    #[must_use]
    pub const fn at(&self) -> &Checkpoint {
        &self.at
    }

    /// Parts that were sent by this run and not found stored.
    #[must_use]
    pub const fn sent(&self) -> u32 {
        self.resent
    }

    /// Takes the next part, which ends before `row`. Gives the newest checkpoint, if there is a new one.
    pub async fn push(
        &mut self,
        part: Vec<u8>,
        row: u64,
    ) -> Result<Option<Checkpoint>, StoreError> {
        self.hash.update(&part);
        let bytes = u64::try_from(part.len()).unwrap_or(u64::MAX);
        self.at = Checkpoint {
            parts: self.at.parts.saturating_add(1),
            row,
            bytes: self.at.bytes.saturating_add(bytes),
            sha256_state: self.hash.serialize().to_vec(),
        };
        let number = self.at.parts;
        self.given.push_back(self.at.clone());
        let crc32 = crc32_of(&part);
        let known = self.stored.get(&number);
        let is_same = |stored: &&Stored| {
            u64::try_from(stored.bytes) == Ok(bytes) && stored.crc32.as_deref() == Some(&*crc32)
        };
        if let Some(stored) = known.filter(is_same) {
            self.acknowledged.insert(number, stored.clone());
            return Ok(self.confirmed());
        }
        while self.sending.len() >= PARTS_IN_FLIGHT {
            self.receive().await?;
        }
        self.resent = self.resent.saturating_add(1);
        self.sending.spawn(self.part(number, part, crc32));
        Ok(self.confirmed())
    }

    /// Waits until all that was given is stored. Gives the newest checkpoint, if there is a new one.
    pub async fn flush(&mut self) -> Result<Option<Checkpoint>, StoreError> {
        while !self.sending.is_empty() {
            self.receive().await?;
        }
        Ok(self.confirmed())
    }

    /// Makes the file appear under its key, unless another one is there.
    pub async fn complete(mut self) -> Result<Completion, StoreError> {
        self.flush().await?;
        let parts = self.acknowledged.iter().map(|(number, stored)| {
            let part = CompletedPart::builder().part_number(*number);
            part.set_e_tag(stored.e_tag.clone()).set_checksum_crc32(stored.crc32.clone()).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let call = self.objects.s3.complete_multipart_upload();
        let outcome = call
            .bucket(&*self.objects.buckets.outbound)
            .key(&self.key)
            .upload_id(&self.id)
            .multipart_upload(parts)
            .if_none_match("*")
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(Completion::Done(Published {
                sha256: HEXLOWER.encode(&self.hash.finalize()),
                bytes: self.at.bytes,
            })),
            Err(error) if is_taken(&error) => {
                self.objects.upload_abort(&self.key, &self.id).await?;
                Ok(Completion::Taken)
            }
            Err(error) => Err(sdk_error("CompleteMultipartUpload", &error)),
        }
    }

    fn part(
        &self,
        number: i32,
        bytes: Vec<u8>,
        crc32: String,
    ) -> impl Future<Output = Result<(i32, Stored), StoreError>> + use<> {
        let stored = Stored {
            e_tag: None,
            bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            crc32: Some(crc32.clone()),
        };
        let call = self.objects.s3.upload_part().bucket(&*self.objects.buckets.outbound);
        let call = call
            .key(&self.key)
            .upload_id(&self.id)
            .part_number(number)
            // Computed here, so that the SDK neither does it again nor appends it behind the bytes.
            .checksum_crc32(crc32)
            .body(ByteStream::from(bytes));
        async move {
            let output = call.send().await.map_err(|error| sdk_error("UploadPart", &error))?;
            Ok((number, Stored { e_tag: output.e_tag, ..stored }))
        }
    }

    async fn receive(&mut self) -> Result<(), StoreError> {
        match self.sending.join_next().await {
            None => Ok(()),
            Some(Ok(outcome)) => {
                let (number, stored) = outcome?;
                self.acknowledged.insert(number, stored);
                Ok(())
            }
            Some(Err(error)) => {
                Err(StoreError::Unavailable { operation: "UploadPart", detail: error.to_string() })
            }
        }
    }

    /// The last of the given parts that is acknowledged with all before it.
    fn confirmed(&mut self) -> Option<Checkpoint> {
        let mut newest = None;
        while let Some(first) = self.given.front() {
            if !self.acknowledged.contains_key(&first.parts) {
                break;
            }
            newest = self.given.pop_front();
        }
        newest
    }
}

fn crc32_of(bytes: &[u8]) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    BASE64.encode(&crc.sum().to_be_bytes())
}

fn is_gone<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("NoSuchUpload")
}
