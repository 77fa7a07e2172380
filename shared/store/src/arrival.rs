//! Arrivals: each object version that came in, and the document it turned out to be.
//!
//! The same arrival again is a redelivery and says nothing; another arrival of the same content is a
//! repeated transmission. What tells them apart is (system, bucket, key, version); only where a bucket has
//! no versions does the sequencer of S3's event tell one write of a key from the next. A listing names
//! versions and no sequencers, so an object that the sweep found and its late notification are one arrival.

use std::collections::HashSet;

use domain::ids::{SystemId, length_prefixed_sha256};

use crate::Store;
use crate::error::StoreError;
use crate::item::{Corrupt, Item, Reader, key, new_item, text};
use crate::keys::{ARRIVAL_PREFIX, Pk, Sk};
use crate::meter::Meter;

const ENTITY: &str = "arrival";

/// One object version that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Whose prefix it was put under.
    pub system_id: SystemId,
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version; empty where the bucket has none.
    pub version_id: String,
    /// Orders the events of one key.
    pub sequencer: String,
    /// When we first saw it, RFC 3339.
    pub at: String,
}

impl Arrival {
    /// The identity: 64 hex digits. The time is no part of it.
    #[must_use]
    pub fn hash(&self) -> String {
        let sequencer = if self.version_id.is_empty() { &self.sequencer } else { "" };
        let parts: [&str; 5] =
            [self.system_id.as_str(), &self.bucket, &self.key, &self.version_id, sequencer];
        data_encoding::HEXLOWER.encode(&length_prefixed_sha256(&parts.map(str::as_bytes)))
    }
}

fn from_item(item: &Item) -> Result<Arrival, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let owned = |name| Ok::<_, Corrupt>(reader.text(name)?.to_owned());
    Ok(Arrival {
        system_id: reader.typed("system_id")?,
        bucket: owned("bucket")?,
        key: owned("key")?,
        version_id: owned("version_id")?,
        sequencer: owned("sequencer")?,
        at: owned("at")?,
    })
}

impl Store {
    /// The document that an arrival turned out to be, when it has been read before. Consistent.
    pub async fn arrival_document(&self, hash: &str) -> Result<Option<String>, StoreError> {
        let pk = Pk::Arrival(hash.to_owned());
        let item = self.item_fetch("GetItem arrival", &pk, &Sk::Arrival).await?;
        let sha = |item: &Item| {
            Reader::new(item, "arrival-pointer")?.text("content_sha256").map(str::to_owned)
        };
        Ok(item.as_ref().map(sha).transpose()?)
    }

    /// Which of some arrivals, by hash, have led to a document. An arrival that is being read just now may
    /// be missing from it; announcing it again does no harm.
    pub async fn arrivals_known(&self, hashes: &[String]) -> Result<HashSet<String>, StoreError> {
        let keys = hashes.iter().map(|hash| key(&Pk::Arrival(hash.clone()), &Sk::Arrival));
        let mut known = HashSet::new();
        for item in self.batch_get("BatchGetItem arrivals", keys.collect()).await? {
            let reader = Reader::raw(&item);
            if let Ok(Pk::Arrival(hash)) = reader.text("pk")?.parse() {
                known.insert(hash);
            }
        }
        Ok(known)
    }

    /// Records an arrival of a document; done twice it changes nothing. The pointer comes after it: where
    /// it exists, the arrival is recorded.
    pub async fn arrival_record(
        &self,
        arrival: &Arrival,
        content_sha256: &str,
        meter: &Meter,
    ) -> Result<(), StoreError> {
        let pk = Pk::Document(content_sha256.to_owned());
        let mut item = new_item(&pk, &Sk::ArrivalOf(arrival.hash()), ENTITY);
        let fields = [
            ("system_id", arrival.system_id.as_str()),
            ("bucket", &arrival.bucket),
            ("key", &arrival.key),
            ("version_id", &arrival.version_id),
            ("sequencer", &arrival.sequencer),
            ("at", &arrival.at),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), text(value))));
        self.put_if_absent("PutItem arrival", item, meter).await.map(|_| ())
    }

    /// Makes a redelivery of the arrival find its document. Written after the document stands in a queue or
    /// is refused: from then on the queue answers for its judgement, and not the arrival (I6).
    pub async fn arrival_point(
        &self,
        arrival: &Arrival,
        content_sha256: &str,
        meter: &Meter,
    ) -> Result<(), StoreError> {
        let mut pointer = new_item(&Pk::Arrival(arrival.hash()), &Sk::Arrival, "arrival-pointer");
        pointer.insert("content_sha256".to_owned(), text(content_sha256));
        self.put_if_absent("PutItem arrival pointer", pointer, meter).await.map(|_| ())
    }

    /// All arrivals of a document, oldest first. Consistent.
    pub async fn arrival_list(&self, content_sha256: &str) -> Result<Vec<Arrival>, StoreError> {
        let pk = Pk::Document(content_sha256.to_owned());
        let items = self.partition(&pk, ARRIVAL_PREFIX).await?;
        let mut arrivals = items.iter().map(from_item).collect::<Result<Vec<_>, _>>()?;
        arrivals.sort_by(|a, b| (&a.at, &a.key).cmp(&(&b.at, &b.key)));
        Ok(arrivals)
    }
}
