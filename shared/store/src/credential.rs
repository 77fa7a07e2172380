//! Credentials: looked up by id, secrets kept as SHA-256 only (I8).
//!
//! A credential has one secret, or two while it is being rotated: the older one then ends at a stated
//! time. A secret is told apart by its *fingerprint*, the first hexadecimal digits of its hash, which
//! says nothing about it. Last use is kept per secret and coarsely, so that an operator sees whether the
//! older one is still needed.

mod change;
mod item;
#[cfg(test)]
mod tests;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::ids::SystemId;
use subtle::{Choice, ConstantTimeEq as _};
use time::{Duration, OffsetDateTime};

use crate::audit_record::AuditRecord;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, key, text};
use crate::keys::{Pk, Sk, listing};
use crate::pool::is_cancelled;
use crate::time::{parse_rfc3339, rfc3339_ms};
use crate::{Page, Store};

pub use change::{RotateError, Rotation};

/// Secrets of a credential at once.
pub const SECRETS_MAX: usize = 2;
/// Last use is written at most this often for each secret, so that judging a request stays one read.
pub const USE_RESOLUTION: Duration = Duration::hours(1);
/// Ends of credentials are warned of this long before.
pub const WARNED_BEFORE: Duration = Duration::days(30);
/// Hexadecimal digits of a fingerprint.
const FINGERPRINT_DIGITS: usize = 8;

/// One secret of a credential, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// When it ends before its credential does, RFC 3339 UTC; the older one of two has such an end.
    pub ends_at: Option<String>,
    /// When it was last used, to within [`USE_RESOLUTION`], RFC 3339 UTC.
    pub last_used_at: Option<String>,
}

impl Secret {
    /// A secret that lives as long as its credential.
    #[must_use]
    pub fn new(sha256: [u8; 32], created_at: &str) -> Self {
        Self { sha256, created_at: created_at.to_owned(), ends_at: None, last_used_at: None }
    }

    /// Tells secrets of one credential apart and says nothing about them.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.sha256).chars().take(FINGERPRINT_DIGITS).collect()
    }

    /// Whether it opens anything at `now`. An end that cannot be read counts as past.
    #[must_use]
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        !is_past(self.ends_at.as_deref(), now)
    }

    /// Whether its last use is to be written anew at `now`.
    #[must_use]
    pub fn is_use_due(&self, now: OffsetDateTime) -> bool {
        let written = self.last_used_at.as_deref().and_then(parse_rfc3339);
        written.is_none_or(|at| at.saturating_add(USE_RESOLUTION) <= now)
    }
}

/// What a credential is, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its public id, base32 in lower case.
    pub id: String,
    /// The system it speaks for.
    pub system_id: SystemId,
    /// Its secrets, the newest last; at most [`SECRETS_MAX`].
    pub secrets: Vec<Secret>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The lines it is bound to; empty means all.
    pub lines: Vec<String>,
    /// When it ends, RFC 3339 UTC.
    pub expires_at: Option<String>,
    /// When it was revoked, RFC 3339 UTC.
    pub revoked_at: Option<String>,
    /// Creation time, RFC 3339.
    pub created_at: String,
    /// Counts its changes, from 1; last use is none.
    pub version: u64,
}

/// Why a credential does not open the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The secret is not one of its secrets.
    Bad,
    /// It has ended, or the secret has.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A credential presented with a right and live secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The secret that was presented.
    pub secret: Secret,
    /// When the credential or this secret ends, whichever is first, RFC 3339 UTC.
    pub ends_at: Option<String>,
}

impl Credential {
    /// A credential without scopes, lines and end.
    #[must_use]
    pub fn new(id: &str, system_id: SystemId, sha256: [u8; 32], created_at: &str) -> Self {
        Self {
            id: id.to_owned(),
            system_id,
            secrets: vec![Secret::new(sha256, created_at)],
            scopes: Vec::new(),
            lines: Vec::new(),
            expires_at: None,
            revoked_at: None,
            created_at: created_at.to_owned(),
            version: 1,
        }
    }

    /// Judges a presented secret at `now`. It is compared with every secret in constant time, and only
    /// the holder of a right one learns that the credential has ended.
    pub fn admit(&self, sha256: &[u8; 32], now: OffsetDateTime) -> Result<Admission, Refusal> {
        let matches = self.secrets.iter().fold(Choice::from(0), |found, secret| {
            found | sha256.as_slice().ct_eq(secret.sha256.as_slice())
        });
        if !bool::from(matches) {
            return Err(Refusal::Bad);
        }
        self.standing(now)?;
        let secret = self.secrets.iter().find(|secret| secret.sha256 == *sha256);
        let secret = secret.ok_or(Refusal::Bad)?;
        if !secret.is_live(now) {
            return Err(Refusal::Expired);
        }
        let ends = [self.expires_at.as_deref(), secret.ends_at.as_deref()];
        let first = ends.into_iter().flatten().filter_map(parse_rfc3339).min();
        Ok(Admission { secret: secret.clone(), ends_at: first.map(rfc3339_ms) })
    }

    /// Whether the credential itself, whatever the secret, opens anything at `now`.
    pub fn standing(&self, now: OffsetDateTime) -> Result<(), Refusal> {
        if self.revoked_at.is_some() {
            return Err(Refusal::Revoked);
        }
        if is_past(self.expires_at.as_deref(), now) {
            return Err(Refusal::Expired);
        }
        Ok(())
    }

    /// The secrets that open something at `now`, the newest last.
    pub fn live_secrets(&self, now: OffsetDateTime) -> impl Iterator<Item = &Secret> {
        self.secrets.iter().filter(move |secret| secret.is_live(now))
    }

    /// Whether it is live at `now` and ends within [`WARNED_BEFORE`].
    #[must_use]
    pub fn ends_soon(&self, now: OffsetDateTime) -> bool {
        let end = self.expires_at.as_deref().and_then(parse_rfc3339);
        self.standing(now).is_ok()
            && end.is_some_and(|end| end <= now.saturating_add(WARNED_BEFORE))
    }

    /// The older one of two live secrets, if it was used since the newer one was made.
    #[must_use]
    pub fn older_secret_in_use(&self, now: OffsetDateTime) -> Option<&Secret> {
        let mut live = self.live_secrets(now);
        let (older, newer) = (live.next()?, live.next()?);
        let used = older.last_used_at.as_deref();
        let is_used = used.is_some_and(|at| at >= newer.created_at.as_str());
        (is_used && self.standing(now).is_ok()).then_some(older)
    }

    /// When any of its secrets was last used.
    #[must_use]
    pub fn last_used_at(&self) -> Option<&str> {
        self.secrets.iter().filter_map(|secret| secret.last_used_at.as_deref()).max()
    }
}

/// Whether an end has come; one that cannot be read has.
fn is_past(end: Option<&str>, now: OffsetDateTime) -> bool {
    end.is_some_and(|text| parse_rfc3339(text).is_none_or(|at| at <= now))
}

impl Store {
    /// Creates a credential, with its audit record (I11); an id is never used twice.
    pub async fn credential_create(
        &self,
        credential: &Credential,
        actor: &str,
    ) -> Result<(), StoreError> {
        let pk = Pk::Credential(credential.id.clone());
        let record = AuditRecord::new(&credential.created_at, actor, "create", credential.version)
            .changing(None, credential.secrets.last().map(Secret::fingerprint).as_deref());
        // I8: only where no credential is, so that nobody's secret is replaced.
        let writes = vec![self.put_new(item::to_item(credential))?, self.audit_first(&pk, record)?];
        match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_cancelled(&error) => {
                Err(StoreError::AlreadyExists { what: "the credential" })
            }
            Err(error) => Err(sdk_error("TransactWriteItems credential", &error)),
        }
    }

    /// A credential; strongly consistent, so that a revocation counts at once.
    pub async fn credential_fetch(&self, id: &str) -> Result<Option<Credential>, StoreError> {
        let pk = Pk::Credential(id.to_owned());
        let item = self.item_fetch("GetItem credential", &pk, &Sk::Credential).await?;
        Ok(item.as_ref().map(item::from_item).transpose()?)
    }

    /// Notes that a secret was used at `now`, unless that was noted within [`USE_RESOLUTION`]; `false`
    /// then. Touches nothing but the note, and the writer's rights allow nothing else.
    pub async fn credential_used(
        &self,
        id: &str,
        secret: &Secret,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let before = now.saturating_sub(USE_RESOLUTION);
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Credential(id.to_owned()), &Sk::Credential)))
            .update_expression("SET #used = :now")
            // I8: only a credential that exists; otherwise a stump of an item would appear. And only an
            // older note, so that many processes write it once an hour together.
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(#used) OR #used <= :before)",
            )
            .expression_attribute_names("#used", item::use_attribute(&secret.fingerprint()))
            .expression_attribute_values(":now", text(rfc3339_ms(now)))
            .expression_attribute_values(":before", text(rfc3339_ms(before)))
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error("UpdateItem credential use", &error)),
        }
    }

    /// One page of credentials; read from the index, so it may lag a moment.
    pub async fn credential_list(
        &self,
        after: Option<&str>,
    ) -> Result<Page<Credential>, StoreError> {
        let page = self.listing_page(listing::CREDENTIAL, None, after).await?;
        let items: Result<Vec<Credential>, Corrupt> =
            page.items.iter().map(item::from_item).collect();
        Ok(Page { items: items?, next: page.next })
    }
}
