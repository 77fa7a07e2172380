//! Audit records: who changed an entity, when, why, and from what to what (I11).
//!
//! A record lies in the partition of the entity it is about and is written by the very transaction that
//! changes the entity, so there is no change without its record and no record of a change that did not
//! happen. The records of an entity are a chain: each has the next place and the hash of the one before, and
//! a place is taken once. So none can be changed, left out or put in between without breaking the chain, and
//! nothing waits for a head that other entities share. Records are only ever put, never changed or deleted.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::ids::length_prefixed_sha256;

use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{AUDIT_PREFIX, Pk, Sk, listing};
use crate::{Page, Store};

const ENTITY: &str = "audit";
/// The actor of what the hub does by itself.
pub const HUB: &str = "hub";
/// The version of the hash below.
const HASH_VERSION: &str = "1";
/// The parts of a day's list, by the first digit of a record's hash: one partition of an index takes 1,000
/// writes a second, and a list that is full would hold up the changes themselves.
pub const DAY_SHARDS: &str = "0123456789abcdef";
/// What the first record of a chain names as the hash before it.
const NO_HASH: &str = "";

/// One change of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When, RFC 3339.
    pub at: String,
    /// `<system>/<credential>` of who asked for it, or [`HUB`].
    pub actor: String,
    /// What was done, such as `acknowledge`.
    pub action: String,
    /// Why, in the words of who did it.
    pub reason: Option<String>,
    /// What it was before: a status, an assignee, or a hash.
    pub before: Option<String>,
    /// What it is since.
    pub after: Option<String>,
    /// The version of the entity that the change made, where it has versions.
    pub version: u64,
}

/// A record in the chain of its entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainedRecord {
    /// The key of the entity.
    pub entity: String,
    /// Its place in the chain, from 1.
    pub place: u64,
    /// The change.
    pub record: AuditRecord,
    /// The hash of the record before; empty for the first.
    pub previous: String,
    /// The hash of this one, hexadecimal, as it is stored.
    pub hash: String,
}

impl std::ops::Deref for ChainedRecord {
    type Target = AuditRecord;

    fn deref(&self) -> &AuditRecord {
        &self.record
    }
}

impl AuditRecord {
    /// A record of an action that gave the entity this version.
    #[must_use]
    pub fn new(at: &str, actor: &str, action: &str, version: u64) -> Self {
        Self {
            at: at.to_owned(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            reason: None,
            before: None,
            after: None,
            version,
        }
    }

    /// Adds the reason.
    #[must_use]
    pub fn because(self, reason: Option<&str>) -> Self {
        Self { reason: reason.map(str::to_owned), ..self }
    }

    /// Adds what was changed into what.
    #[must_use]
    pub fn changing(self, before: Option<&str>, after: Option<&str>) -> Self {
        Self { before: before.map(str::to_owned), after: after.map(str::to_owned), ..self }
    }

    /// The record behind the last one of a chain; `None` begins it.
    pub(crate) fn behind(self, entity: &Pk, last: Option<&ChainedRecord>) -> ChainedRecord {
        let mut chained = ChainedRecord {
            entity: entity.to_string(),
            place: last.map_or(1, |last| last.place.saturating_add(1)),
            record: self,
            previous: last.map_or_else(|| NO_HASH.to_owned(), |last| last.hash.clone()),
            hash: String::new(),
        };
        chained.hash = chained.computed_hash();
        chained
    }
}

impl ChainedRecord {
    /// The hash that follows from everything else the record says.
    #[must_use]
    pub fn computed_hash(&self) -> String {
        let r = &self.record;
        // An absent text differs from an empty one.
        let optional = |text: &Option<String>| text.as_deref().unwrap_or("\u{0}").to_owned();
        let hash = length_prefixed_sha256(&[
            HASH_VERSION.as_bytes(),
            self.entity.as_bytes(),
            &self.place.to_be_bytes(),
            self.previous.as_bytes(),
            r.at.as_bytes(),
            r.actor.as_bytes(),
            r.action.as_bytes(),
            optional(&r.reason).as_bytes(),
            optional(&r.before).as_bytes(),
            optional(&r.after).as_bytes(),
            &r.version.to_be_bytes(),
        ]);
        data_encoding::HEXLOWER.encode(&hash)
    }

    /// Whether it stands behind `before` (`None`: at the beginning) and says what its hash says.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, before: Option<&Self>) -> Result<(), String> {
        let place = before.map_or(1, |before| before.place.saturating_add(1));
        if self.place != place {
            return Err(format!("record {place} is missing, the next one is {}", self.place));
        }
        if self.previous != before.map_or(NO_HASH, |before| before.hash.as_str()) {
            return Err(format!("record {place} does not follow from the one before"));
        }
        if self.hash != self.computed_hash() {
            return Err(format!("record {place} does not have the hash of what it says"));
        }
        Ok(())
    }

    /// Which part of its day it lies in.
    fn shard(&self) -> char {
        self.hash.chars().next().unwrap_or_default()
    }

    /// The sort key in the list of its day.
    pub(crate) fn list_key(&self) -> String {
        format!("{}#{}#{:012}", self.record.at, self.entity, self.place)
    }

    pub(crate) fn to_item(&self, entity: &Pk) -> Item {
        self.to_item_filed(entity, &self.record.at)
    }

    /// The item of a record that is put at another time than that of its change.
    pub(crate) fn to_item_filed(&self, entity: &Pk, filed_at: &str) -> Item {
        let mut item = new_item(entity, &Sk::Audit(self.place), ENTITY);
        let r = &self.record;
        let fields = [
            ("place", number(self.place)),
            ("at", text(r.at.as_str())),
            ("actor", text(r.actor.as_str())),
            ("action", text(r.action.as_str())),
            ("version", number(r.version)),
            ("previous", text(self.previous.as_str())),
            ("hash", text(self.hash.as_str())),
            ("list_pk", text(listing::audit_day(filed_at, self.shard()))),
            ("list_sk", text(self.list_key())),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        put_some(&mut item, "reason", r.reason.as_deref());
        put_some(&mut item, "before", r.before.as_deref());
        put_some(&mut item, "after", r.after.as_deref());
        item
    }

    pub(crate) fn from_item(item: &Item) -> Result<Self, Corrupt> {
        let reader = Reader::new(item, ENTITY)?;
        let optional = |name| Ok::<_, Corrupt>(reader.optional_text(name)?.map(str::to_owned));
        Ok(Self {
            entity: reader.text("pk")?.to_owned(),
            place: reader.parsed("place")?,
            record: AuditRecord {
                at: reader.text("at")?.to_owned(),
                actor: reader.text("actor")?.to_owned(),
                action: reader.text("action")?.to_owned(),
                reason: optional("reason")?,
                before: optional("before")?,
                after: optional("after")?,
                version: reader.parsed("version")?,
            },
            previous: reader.text("previous")?.to_owned(),
            hash: reader.text("hash")?.to_owned(),
        })
    }
}

impl Store {
    /// The transaction element that keeps the next record of an entity; it belongs into the transaction of
    /// the change. When another change takes its place first, the transaction is called off and the change
    /// has to be decided again.
    pub(crate) async fn audit_next(
        &self,
        entity: &Pk,
        record: AuditRecord,
    ) -> Result<TransactWriteItem, StoreError> {
        let last = self.audit_last(entity).await?;
        // I11: append-only; a place that is taken is never taken again.
        self.put_new(record.behind(entity, last.as_ref()).to_item(entity))
    }

    /// The same for an entity that the transaction creates.
    pub(crate) fn audit_first(
        &self,
        entity: &Pk,
        record: AuditRecord,
    ) -> Result<TransactWriteItem, StoreError> {
        self.put_new(record.behind(entity, None).to_item(entity))
    }

    pub(crate) async fn audit_last(
        &self,
        entity: &Pk,
    ) -> Result<Option<ChainedRecord>, StoreError> {
        Ok(self.audit_records(entity, 1).await?.pop())
    }

    /// The latest records of an entity, at most `limit`, the oldest of them first. Consistent.
    pub async fn audit_records(
        &self,
        entity: &Pk,
        limit: i32,
    ) -> Result<Vec<ChainedRecord>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        let limit = usize::try_from(limit).unwrap_or(0);
        while items.len() < limit {
            let output = self
                .dynamo
                .query()
                .table_name(&*self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":pk", text(entity.to_string()))
                .expression_attribute_values(":prefix", text(AUDIT_PREFIX))
                .set_exclusive_start_key(start)
                .scan_index_forward(false)
                .consistent_read(true)
                .limit(i32::try_from(limit.saturating_sub(items.len())).unwrap_or(i32::MAX))
                .send()
                .await
                .map_err(|error| sdk_error("Query audit records", &error))?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        items.reverse();
        let records: Result<Vec<_>, Corrupt> = items.iter().map(ChainedRecord::from_item).collect();
        Ok(records?)
    }

    /// One page of a part (one of [`DAY_SHARDS`]) of the records of a day (`YYYY-MM-DD`), the latest first.
    /// Read from an index, so it may lag a moment. `after` and `next` are index sort keys.
    pub async fn audit_day(
        &self,
        (day, shard): (&str, char),
        after: Option<&str>,
    ) -> Result<Page<ChainedRecord>, StoreError> {
        let page = self.listing_page(&listing::audit_day(day, shard), None, after).await?;
        let items: Result<Vec<_>, Corrupt> =
            page.items.iter().map(ChainedRecord::from_item).collect();
        Ok(Page { items: items?, next: page.next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-23T10:00:00.000Z";

    fn entity() -> Pk {
        Pk::Document("ab".repeat(32))
    }

    #[test]
    fn a_record_comes_back_from_its_item() {
        let record = AuditRecord::new(AT, "L1/abc", "assign", 7);
        let full = record
            .clone()
            .because(Some("she knows the line"))
            .changing(Some("open"), Some("acknowledged"));
        let mut last = None;
        for record in [record, full] {
            let chained = record.behind(&entity(), last.as_ref());
            assert_eq!(chained.check(last.as_ref()), Ok(()));
            assert_eq!(ChainedRecord::from_item(&chained.to_item(&entity())), Ok(chained.clone()));
            last = Some(chained);
        }
    }

    #[test]
    fn a_record_that_says_something_else_breaks_the_chain() {
        let first = AuditRecord::new(AT, "L1/abc", "create", 1).behind(&entity(), None);
        let record = AuditRecord::new(AT, "L1/abc", "comment", 7).behind(&entity(), Some(&first));
        let edited = |edit: &dyn Fn(&mut ChainedRecord)| {
            let mut other = record.clone();
            edit(&mut other);
            assert!(other.check(Some(&first)).is_err(), "{other:?}");
        };
        edited(&|r| r.record.at = "2026-11-23T10:00:00.001Z".into());
        edited(&|r| r.record.actor = "L1/abd".into());
        edited(&|r| r.record.action = "resolve".into());
        edited(&|r| r.record.version = 8);
        edited(&|r| r.record.reason = Some(String::new()));
        edited(&|r| r.record.before = Some(String::new()));
        edited(&|r| r.record.after = Some(String::new()));
        edited(&|r| r.entity = "DOC#x".into());
        edited(&|r| r.place = 3);
        edited(&|r| r.previous = String::new());
        edited(&|r| r.hash = first.hash.clone());
        // Even one that was hashed again does not fit its neighbours.
        let mut forged = first.clone();
        forged.record.actor = "L2/x".into();
        forged.hash = forged.computed_hash();
        assert_eq!(forged.check(None), Ok(()));
        assert!(record.check(Some(&forged)).is_err());
        assert!(record.check(None).is_err());
    }
}
