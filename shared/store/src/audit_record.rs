//! Audit records: who changed an entity, when, why, and from what to what (I11).
//!
//! A record lies in the partition of the entity it is about and is written by the very transaction that
//! changes the entity, so there is no change without its record and no record of a change that did not
//! happen. Records are only ever put, never changed or deleted.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::ids::length_prefixed_sha256;

use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{AUDIT_PREFIX, Pk, Sk};

const ENTITY: &str = "audit";
/// The actor of what the hub does by itself.
pub const HUB: &str = "hub";

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
    /// The version of the entity that the change made; orders records of one millisecond.
    pub version: u64,
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

    /// The sort key follows from the content, so that the same record twice is one.
    fn sort_key(&self) -> Sk {
        let optional = |text: &Option<String>| text.as_deref().unwrap_or("\u{0}").to_owned();
        let (reason, before) = (optional(&self.reason), optional(&self.before));
        let hash = length_prefixed_sha256(&[
            self.actor.as_bytes(),
            self.action.as_bytes(),
            reason.as_bytes(),
            before.as_bytes(),
            optional(&self.after).as_bytes(),
            &self.version.to_be_bytes(),
        ]);
        let hash = data_encoding::HEXLOWER.encode(&hash).chars().take(16).collect();
        Sk::Audit(self.at.clone(), hash)
    }

    fn to_item(&self, entity: &Pk) -> Item {
        let mut item = new_item(entity, &self.sort_key(), ENTITY);
        let fields = [
            ("at", text(self.at.as_str())),
            ("actor", text(self.actor.as_str())),
            ("action", text(self.action.as_str())),
            ("version", number(self.version)),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        put_some(&mut item, "reason", self.reason.as_deref());
        put_some(&mut item, "before", self.before.as_deref());
        put_some(&mut item, "after", self.after.as_deref());
        item
    }

    fn from_item(item: &Item) -> Result<Self, Corrupt> {
        let reader = Reader::new(item, ENTITY)?;
        let optional = |name| Ok::<_, Corrupt>(reader.optional_text(name)?.map(str::to_owned));
        Ok(Self {
            at: reader.text("at")?.to_owned(),
            actor: reader.text("actor")?.to_owned(),
            action: reader.text("action")?.to_owned(),
            reason: optional("reason")?,
            before: optional("before")?,
            after: optional("after")?,
            version: reader.parsed("version")?,
        })
    }
}

impl Store {
    /// The transaction element that keeps a record; it belongs into the transaction of the change.
    pub(crate) fn audit_put(
        &self,
        entity: &Pk,
        record: &AuditRecord,
    ) -> Result<TransactWriteItem, StoreError> {
        // I11: append-only; a record that is there is never replaced.
        self.put_new(record.to_item(entity))
    }

    /// The latest records of an entity, at most `limit`, the oldest of them first. Consistent.
    pub async fn audit_records(
        &self,
        entity: &Pk,
        limit: i32,
    ) -> Result<Vec<AuditRecord>, StoreError> {
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
        let records: Result<Vec<_>, Corrupt> = items.iter().map(AuditRecord::from_item).collect();
        let mut records = records?;
        // Clocks of two workers may differ by a little; the version says what came first.
        records.sort_by(|a, b| (a.version, &a.at).cmp(&(b.version, &b.at)));
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-23T10:00:00.000Z";

    #[test]
    fn a_record_comes_back_from_its_item() {
        let record = AuditRecord::new(AT, "L1/abc", "assign", 7);
        let full = record
            .clone()
            .because(Some("she knows the line"))
            .changing(Some("open"), Some("acknowledged"));
        let entity = Pk::Document("ab".repeat(32));
        for record in [record, full] {
            let item = record.to_item(&entity);
            assert_eq!(AuditRecord::from_item(&item), Ok(record));
        }
    }

    #[test]
    fn records_that_differ_have_keys_of_their_own() {
        let record = AuditRecord::new(AT, "L1/abc", "comment", 7);
        let others = [
            AuditRecord::new(AT, "L1/abd", "comment", 7),
            AuditRecord::new(AT, "L1/abc", "resolve", 7),
            AuditRecord::new(AT, "L1/abc", "comment", 8),
            record.clone().because(Some("")),
            record.clone().changing(Some(""), None),
            record.clone().changing(None, Some("")),
        ];
        for (n, other) in others.iter().enumerate() {
            assert_ne!(other.sort_key(), record.sort_key(), "{n}");
            assert!(others.iter().skip(n + 1).all(|more| more.sort_key() != other.sort_key()));
        }
        assert_eq!(record.sort_key(), record.clone().sort_key());
    }
}
