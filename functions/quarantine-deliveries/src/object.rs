//! A dead notice of an object: its bytes are hashed and kept, and the document they are is found or made.

use aws_sdk_s3::primitives::ByteStream;
use data_encoding::HEXLOWER;
use domain::ids::SystemId;
use sha2::{Digest, Sha256};
use store::StoreError;
use store::document::{Document, Judgement};
use store::inbound::Notice;
use store::kept::OBJECT_BYTES_MAX;

use crate::Dead;

/// The name of bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

impl Dead<'_> {
    /// The notice of an object died.
    pub(crate) async fn object(&self, notice: &Notice) -> Result<(), StoreError> {
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        let system = notice.system().unwrap_or_else(SystemId::unknown);
        let arrival = notice.arrival(&system, &self.now);
        let document = match store.arrival_document(&arrival.hash()).await? {
            Some(sha) => store.document_fetch(&sha).await?,
            None => None,
        };
        if let Some(document) = document {
            return self.refuse_unread(&document, &system).await;
        }
        let Some(object) = objects.object_announced(notice).await? else {
            return store.document_gone(objects, &arrival, &self.meter).await.map(|_| ());
        };
        if object.bytes > OBJECT_BYTES_MAX {
            let dead = store.document_unread(objects, &arrival, &self.error, &self.meter);
            return dead.await.map(|_| ());
        }
        let raw = hashed(object.body).await?;
        if !objects.bytes_keep(notice, &raw, object.bytes).await? {
            return store.document_gone(objects, &arrival, &self.meter).await.map(|_| ());
        }
        // The reader may have come far enough to name the document by its content.
        let fresh = Document {
            raw_sha256: Some(raw.clone()),
            ..Document::new(&raw, "unknown", &system, &self.now)
        };
        let document = store.document_find(&raw).await?.unwrap_or(fresh);
        let sha = &document.content_sha256;
        store.arrival_record(&arrival, sha, &self.meter).await?;
        store.repeated_transmission((sha, &system, &self.now), &self.meter).await?;
        self.refuse_unread(&document, &system).await?;
        store.arrival_point(&arrival, sha, &self.meter).await
    }

    /// Refuses a document for a system for which nobody came to an end with it. Where somebody did, the
    /// dead delivery was a copy more.
    async fn refuse_unread(
        &self,
        document: &Document,
        system: &SystemId,
    ) -> Result<(), StoreError> {
        let ended = |judgement: &Judgement| !judgement.is_unfinished();
        if document.is_refused() || document.judgement(system).is_some_and(ended) {
            return Ok(());
        }
        self.refuse(document, system).await
    }
}

/// The hash of an object's bytes, read once and not held.
async fn hashed(mut body: ByteStream) -> Result<String, StoreError> {
    let mut hash = Sha256::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| StoreError::Unavailable {
            operation: "GetObject body",
            detail: error.to_string(),
        })?;
        hash.update(&chunk);
    }
    Ok(HEXLOWER.encode(&hash.finalize()))
}
