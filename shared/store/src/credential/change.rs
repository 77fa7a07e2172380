//! Rotation and revocation: decided from what was read, written only if that still stands.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use time::OffsetDateTime;

use super::{Credential, Refusal, SECRETS_MAX, Secret, item};
use crate::Store;
use crate::audit_record::AuditRecord;
use crate::error::{StoreError, sdk_error};
use crate::item::{Item, key, number, text};
use crate::keys::{Pk, Sk};
use crate::pause::pause;
use crate::pool::{built, is_cancelled};
use crate::time::rfc3339_ms;

/// How often a change is tried again after a conflicting write.
const TRIES: u32 = 10;
/// Step of the pauses in between, milliseconds.
const PAUSE_MS: u64 = 20;

/// A new secret and what becomes of the older one.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// SHA-256 of the new secret.
    pub sha256: [u8; 32],
    /// When the secret that was the newest so far ends.
    pub older_ends_at: OffsetDateTime,
    /// A new end of the credential itself, if it is to have one.
    pub expires_at: Option<OffsetDateTime>,
    /// Where two secrets are live, the older one ends at once instead of standing in the way.
    pub force: bool,
    /// Now.
    pub now: OffsetDateTime,
    /// Who asked for it.
    pub actor: String,
}

/// Why a credential was not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// It was revoked, and that is for ever.
    #[error("the credential was revoked")]
    Revoked,
    /// It has ended and was given no new end.
    #[error("the credential has expired; give it a new end")]
    Expired,
    /// Both secrets are live; the older one ends at this time.
    #[error("the credential has two live secrets until {until}")]
    StillRotating {
        /// RFC 3339 UTC.
        until: String,
    },
    /// The store failed, or knows no such credential.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Credential {
    /// The credential after `rotation`.
    pub(super) fn rotated(&self, rotation: &Rotation) -> Result<Self, RotateError> {
        let now = rotation.now;
        let mut after = self.clone();
        if let Some(end) = rotation.expires_at {
            after.expires_at = Some(rfc3339_ms(end));
        }
        match after.standing(now) {
            Ok(()) => {}
            Err(Refusal::Revoked) => return Err(RotateError::Revoked),
            Err(Refusal::Expired | Refusal::Bad) => return Err(RotateError::Expired),
        }
        // What had ended with the credential does not come back with its new end.
        let ended = self.standing(now).is_err();
        after.secrets.retain(|secret| !ended && secret.is_live(now));
        if after.secrets.len() >= SECRETS_MAX {
            if !rotation.force {
                let older = after.secrets.first().and_then(|secret| secret.ends_at.clone());
                return Err(RotateError::StillRotating { until: older.unwrap_or_default() });
            }
            after.secrets.remove(0);
        }
        for older in &mut after.secrets {
            older.ends_at = Some(rfc3339_ms(rotation.older_ends_at));
        }
        after.secrets.push(Secret::new(rotation.sha256, &rfc3339_ms(now)));
        after.version = self.version.saturating_add(1);
        Ok(after)
    }
}

impl Store {
    /// Gives a credential a new secret and the newest one so far an end. Of several rotations at once one
    /// is done; none is done to a revoked credential.
    pub async fn credential_rotate(
        &self,
        id: &str,
        rotation: &Rotation,
    ) -> Result<Credential, RotateError> {
        let missing = StoreError::NotFound { what: "the credential" };
        let seen = self.credential_fetch(id).await?.ok_or(missing)?;
        let after = seen.rotated(rotation)?;
        for attempt in 0..TRIES {
            let writes = self.rotation_writes(&seen, &after, rotation).await?;
            match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
                Ok(_) => return Ok(after),
                Err(error) if is_cancelled(&error) => {}
                Err(error) => {
                    return Err(sdk_error("TransactWriteItems rotation", &error).into());
                }
            }
            let found = self.credential_fetch(id).await?.unwrap_or_else(|| seen.clone());
            if found.version == after.version && found.secrets.last() == after.secrets.last() {
                // An SDK retry of a write that had committed.
                return Ok(found);
            }
            if found.version != seen.version {
                // Somebody else changed it: what stands in the way is told, and never overruled.
                found.rotated(rotation)?;
                return Err(StoreError::Conflict { what: "the credential" }.into());
            }
            pause(attempt, PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the credential" }.into())
    }

    async fn rotation_writes(
        &self,
        seen: &Credential,
        after: &Credential,
        rotation: &Rotation,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let dropped: Vec<String> = seen
            .secrets
            .iter()
            .filter(|secret| !after.secrets.iter().any(|kept| kept.sha256 == secret.sha256))
            .map(|secret| item::use_attribute(&secret.fingerprint()))
            .collect();
        let mut expression = "SET secrets_sha256 = :after, secrets_created_at = :made, \
            secrets_end_at = :ends, #version = :version"
            .to_owned();
        let [(_, made), (_, ends)] = item::secret_times(&after.secrets);
        let mut values: Vec<(&str, AttributeValue)> = vec![
            (":after", item::hashes(&after.secrets)),
            (":made", made),
            (":ends", ends),
            (":version", number(after.version)),
            (":seen", item::hashes(&seen.secrets)),
        ];
        if let Some(end) = after.expires_at.as_deref() {
            expression.push_str(", expires_at = :end");
            values.push((":end", text(end)));
        }
        if !dropped.is_empty() {
            expression.push_str(" REMOVE ");
            expression.push_str(&dropped.join(", "));
        }
        // I8: a revoked credential gets no new secret, and of two rotations at once one is done, because a
        // rotation changes the hashes and hashes never come back.
        let condition = "attribute_not_exists(revoked_at) AND secrets_sha256 = :seen";
        let prints = |one: &Credential| {
            one.secrets.iter().map(Secret::fingerprint).collect::<Vec<_>>().join(" ")
        };
        let at = rfc3339_ms(rotation.now);
        let record = AuditRecord::new(&at, &rotation.actor, "rotate", after.version)
            .changing(Some(&prints(seen)), Some(&prints(after)));
        self.credential_change(&seen.id, (&expression, condition), values, record).await
    }

    /// Revokes a credential; done twice the first time stands.
    pub async fn credential_revoke(
        &self,
        id: &str,
        now: &str,
        by: (&str, Option<&str>),
    ) -> Result<(), StoreError> {
        for attempt in 0..TRIES {
            let missing = StoreError::NotFound { what: "the credential" };
            let seen = self.credential_fetch(id).await?.ok_or(missing)?;
            if seen.revoked_at.is_some() {
                return Ok(());
            }
            let version = seen.version.saturating_add(1);
            let record = AuditRecord::new(now, by.0, "revoke", version)
                .because(by.1)
                .changing(Some("live"), Some("revoked"));
            // I8: only a credential that exists and is not revoked, and as it was read, so that versions
            // count every change once. A rotation that came between is revoked with the rest.
            let condition = "attribute_not_exists(revoked_at) AND secrets_sha256 = :seen";
            let expression = "SET revoked_at = :now, #version = :version";
            let values = vec![
                (":now", text(now)),
                (":version", number(version)),
                (":seen", item::hashes(&seen.secrets)),
            ];
            let writes = self.credential_change(id, (expression, condition), values, record);
            let writes = writes.await?;
            match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
                Ok(_) => return Ok(()),
                Err(error) if is_cancelled(&error) => pause(attempt, PAUSE_MS).await,
                Err(error) => return Err(sdk_error("TransactWriteItems revocation", &error)),
            }
        }
        Err(StoreError::Conflict { what: "the credential" })
    }

    /// A change of a credential and its audit record, in one transaction (I11).
    async fn credential_change(
        &self,
        id: &str,
        (expression, condition): (&str, &str),
        values: Vec<(&str, AttributeValue)>,
        record: AuditRecord,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let pk = Pk::Credential(id.to_owned());
        let values: Item =
            values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key(&pk, &Sk::Credential)))
            .update_expression(expression)
            .condition_expression(condition)
            .expression_attribute_names("#version", "version")
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(|error| built(&error))?;
        let update = TransactWriteItem::builder().update(update).build();
        Ok(vec![update, self.audit_next(&pk, record).await?])
    }
}
