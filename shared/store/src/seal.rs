//! Seals of closed days: what ties the chains of all entities together (I11).
//!
//! A day's seal has the hash of all audit records of that day and the hash of the seal before. So whoever
//! rewrites a whole chain of records, hashes and all, contradicts a seal; whoever rewrites the seals too
//! contradicts the anchor objects, which lie outside of the table. Sealing runs by schedule and nothing on a
//! request's path waits for it. It follows from the records alone, so done twice it gives the same.

use aws_sdk_s3::primitives::ByteStream;
use domain::ids::length_prefixed_sha256;
use sha2::{Digest, Sha256};
use time::{Date, Duration, OffsetDateTime};

use crate::audit_record::DAY_SHARDS;
use crate::error::StoreError;
use crate::item::{Corrupt, Item, Reader, new_item, number, text};
use crate::keys::{Pk, SEAL_PREFIX, Sk};
use crate::meter::Meter;
use crate::time::{date_of, date_text};
use crate::{Objects, Page, Store};

const ENTITY: &str = "seal";
/// The version of the hash below.
const HASH_VERSION: &str = "1";
/// How long after its end a day is sealed: longer than any call lives that noted its time in the day, and
/// than the index lags.
pub const SEALED_AFTER: Duration = Duration::hours(1);

/// How far back the first day to be sealed may lie.
const FIRST_DAYS_MAX: u32 = 31;

/// The seal of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The day in UTC, `YYYY-MM-DD`.
    pub day: String,
    /// Its audit records.
    pub records: u64,
    /// The hash over the hashes of its records, part by part and the latest first, hexadecimal.
    pub root: String,
    /// The hash of the seal before; empty for the first.
    pub previous: String,
    /// The hash of this one.
    pub hash: String,
}

impl Seal {
    fn new(day: &str, records: u64, root: String, previous: &str) -> Self {
        let (day, previous) = (day.to_owned(), previous.to_owned());
        let mut seal = Self { day, records, root, previous, hash: String::new() };
        seal.hash = seal.computed_hash();
        seal
    }

    /// The hash that follows from everything else the seal says.
    #[must_use]
    pub fn computed_hash(&self) -> String {
        data_encoding::HEXLOWER.encode(&length_prefixed_sha256(&[
            HASH_VERSION.as_bytes(),
            self.day.as_bytes(),
            &self.records.to_be_bytes(),
            self.root.as_bytes(),
            self.previous.as_bytes(),
        ]))
    }

    /// Whether it is the seal of the next day and names the hash of `before`.
    #[must_use]
    pub fn follows(&self, before: &Self) -> bool {
        let next = date_of(&before.day).and_then(Date::next_day).map(date_text);
        self.previous == before.hash && next.is_some_and(|day| day == self.day)
    }

    /// The object that says the same outside of the table.
    #[must_use]
    pub fn anchor_key(&self) -> String {
        format!("anchors/{}.json", self.day)
    }

    /// Its bytes.
    #[must_use]
    pub fn anchor(&self) -> Vec<u8> {
        let anchor = serde_json::json!({
            "day": self.day,
            "records": self.records,
            "root": self.root,
            "previous": self.previous,
            "hash": self.hash,
        });
        anchor.to_string().into_bytes()
    }

    fn to_item(&self) -> Item {
        let mut item = new_item(&Pk::Seals, &Sk::Seal(self.day.clone()), ENTITY);
        let fields = [
            ("day", text(self.day.as_str())),
            ("records", number(self.records)),
            ("root", text(self.root.as_str())),
            ("previous", text(self.previous.as_str())),
            ("hash", text(self.hash.as_str())),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        item
    }

    fn from_item(item: &Item) -> Result<Self, Corrupt> {
        let reader = Reader::new(item, ENTITY)?;
        let owned = |name| Ok::<_, Corrupt>(reader.text(name)?.to_owned());
        Ok(Self {
            day: owned("day")?,
            records: reader.parsed("records")?,
            root: owned("root")?,
            previous: owned("previous")?,
            hash: owned("hash")?,
        })
    }
}

impl Store {
    /// Seals the next day that is over and not sealed yet; `None` if there is none.
    pub async fn day_seal(
        &self,
        objects: &Objects,
        now: OffsetDateTime,
    ) -> Result<Option<Seal>, StoreError> {
        let Some(seal) = self.seal_due(now).await? else { return Ok(None) };
        // The anchor comes first: a seal in the table means that its anchor is there.
        objects.anchor_put(&seal).await?;
        self.seal_put(&seal).await?;
        Ok(Some(seal))
    }

    /// The seal of the next day that is over and not sealed yet.
    pub async fn seal_due(&self, now: OffsetDateTime) -> Result<Option<Seal>, StoreError> {
        let closed = now.saturating_sub(SEALED_AFTER).date().previous_day();
        let Some(closed) = closed else { return Ok(None) };
        let last = self.seal_last().await?;
        let day = match &last {
            None => self.first_day(closed).await?,
            Some(last) => date_of(&last.day).and_then(Date::next_day).filter(|day| *day <= closed),
        };
        let Some(day) = day else { return Ok(None) };
        let day = date_text(day);
        let (records, root) = self.day_root(&day).await?;
        let previous = last.as_ref().map_or("", |last| &last.hash);
        Ok(Some(Seal::new(&day, records, root, previous)))
    }

    /// The first day to be sealed: the earliest of the last [`FIRST_DAYS_MAX`] up to `closed` that has records,
    /// if `closed` has some. A stack that nobody uses yet seals nothing.
    async fn first_day(&self, closed: Date) -> Result<Option<Date>, StoreError> {
        if self.day_root(&date_text(closed)).await?.0 == 0 {
            return Ok(None);
        }
        let (mut first, mut day) = (closed, closed);
        for _ in 0..FIRST_DAYS_MAX {
            let Some(before) = day.previous_day() else { break };
            day = before;
            if self.day_root(&date_text(day)).await?.0 > 0 {
                first = day;
            }
        }
        Ok(Some(first))
    }

    /// Keeps a seal; one that is there stays.
    pub async fn seal_put(&self, seal: &Seal) -> Result<bool, StoreError> {
        // I11: a day is sealed once.
        self.put_if_absent("PutItem seal", seal.to_item(), &Meter::default()).await
    }

    /// The number of a day's audit records, and the hash over them. Constant memory.
    pub async fn day_root(&self, day: &str) -> Result<(u64, String), StoreError> {
        let (mut records, mut hash) = (0_u64, Sha256::new());
        for shard in DAY_SHARDS.chars() {
            let mut after = None;
            loop {
                let page = self.audit_day((day, shard), after.as_deref()).await?;
                for record in &page.items {
                    records = records.saturating_add(1);
                    hash.update(record.hash.as_bytes());
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok((records, data_encoding::HEXLOWER.encode(&hash.finalize())))
    }

    /// The latest seal; consistent.
    pub async fn seal_last(&self) -> Result<Option<Seal>, StoreError> {
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(Pk::Seals.to_string()))
            .expression_attribute_values(":prefix", text(SEAL_PREFIX))
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| crate::error::sdk_error("Query seal", &error))?;
        Ok(output.items().first().map(Seal::from_item).transpose()?)
    }

    /// One page of seals, the oldest first; consistent. `after` and `next` are days.
    pub async fn seal_list(&self, after: Option<&str>) -> Result<Page<Seal>, StoreError> {
        self.seal_page(100, after).await
    }

    /// The same with at most `limit` of them.
    pub async fn seal_page(
        &self,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<Seal>, StoreError> {
        let after = after.map(|day| Sk::Seal(day.to_owned()));
        let page = self.keys_after(&Pk::Seals, SEAL_PREFIX, limit, after.as_ref()).await?;
        let items: Result<Vec<Seal>, Corrupt> = page.items.iter().map(Seal::from_item).collect();
        let items = items?;
        let next = page.next.and(items.last()).map(|seal| seal.day.clone());
        Ok(Page { items, next })
    }
}

impl Objects {
    /// The keys of all anchors: one a day.
    pub async fn anchor_keys(&self) -> Result<Vec<String>, StoreError> {
        let bucket = &*self.buckets.documents;
        let mut pages =
            self.s3.list_objects_v2().bucket(bucket).prefix("anchors/").into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| crate::error::sdk_error("ListObjectsV2", &error))?;
            keys.extend(
                page.contents().iter().filter_map(|object| object.key()).map(str::to_owned),
            );
        }
        Ok(keys)
    }

    /// Puts the object that says the same as a seal; done twice it changes nothing.
    ///
    /// # Errors
    /// `Conflict` when there is one that says something else.
    pub async fn anchor_put(&self, seal: &Seal) -> Result<(), StoreError> {
        let (bucket, key) = (&*self.buckets.documents, seal.anchor_key());
        let body = ByteStream::from(seal.anchor());
        if self.put_once(bucket, &key, "application/json", body).await? {
            return Ok(());
        }
        match self.get_small(bucket, &key).await? {
            Some(found) if found == seal.anchor() => Ok(()),
            _ => Err(StoreError::Conflict { what: "the day's anchor" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::Dynamo;
    use time::macros::datetime;

    use super::*;
    use crate::system::System;

    async fn system(store: &Store, id: &str, created_at: &str) {
        let system = System {
            id: domain::ids::SystemId::parse(id).unwrap(),
            kind: "generic".to_owned(),
            line_glns: Vec::new(),
            created_at: created_at.to_owned(),
        };
        store.system_create(&system, "test").await.unwrap();
    }

    #[tokio::test]
    async fn each_day_is_sealed_once_and_in_order_an_hour_after_its_end() {
        let dynamo = Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        system(&store, "A", "2026-11-21T10:00:00.000Z").await;
        system(&store, "B", "2026-11-21T23:59:59.999Z").await;
        system(&store, "C", "2026-11-22T00:00:00.000Z").await;
        let early = datetime!(2026-11-22 00:59:59 UTC);
        assert_eq!(store.seal_due(early).await.unwrap(), None, "20 November has no record");
        let first = store.seal_due(datetime!(2026-11-22 01:00 UTC)).await.unwrap().unwrap();
        assert_eq!((first.day.as_str(), first.records), ("2026-11-21", 2));
        assert!(store.seal_put(&first).await.unwrap());
        assert!(!store.seal_put(&first).await.unwrap());
        assert_eq!(store.seal_due(datetime!(2026-11-22 23:59 UTC)).await.unwrap(), None);
        // Days that were missed follow one by one.
        let late = datetime!(2026-11-25 12:00 UTC);
        let mut days = Vec::new();
        let mut last = first;
        while let Some(seal) = store.seal_due(late).await.unwrap() {
            assert_eq!((&seal.previous, &seal.hash), (&last.hash, &seal.computed_hash()));
            assert!(store.seal_put(&seal).await.unwrap());
            days.push((seal.day.clone(), seal.records));
            last = seal;
        }
        assert_eq!(
            days,
            [("2026-11-22".into(), 1), ("2026-11-23".into(), 0), ("2026-11-24".into(), 0)]
        );
        let listed = store.seal_list(Some("2026-11-21")).await.unwrap();
        assert_eq!(listed.items.len(), 3);
    }

    #[tokio::test]
    async fn a_record_more_or_less_changes_the_root_of_its_day() {
        let dynamo = Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        let mut roots = Vec::new();
        for id in ["A", "B", "C"] {
            roots.push(store.day_root("2026-11-21").await.unwrap());
            system(&store, id, "2026-11-21T10:00:00.000Z").await;
        }
        assert_eq!(roots.iter().map(|(count, _)| *count).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(roots[0].1 != roots[1].1 && roots[1].1 != roots[2].1);
    }
}
