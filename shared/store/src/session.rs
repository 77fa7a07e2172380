//! Sessions of signed-in browsers (I8).
//!
//! A session is found by the SHA-256 of the token in its cookie; the token itself is nowhere in the
//! table. It names the credential and the secret it was opened with and nothing of what those may do:
//! whoever uses a session reads the credential again, so it ends at once when the credential is revoked
//! and when that secret is replaced.

use aws_sdk_dynamodb::operation::put_item::PutItemError;

use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key, new_item, number, text};
use crate::keys::{Pk, Sk};
use crate::time::parse_rfc3339;

const ENTITY: &str = "session";

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of its token, hexadecimal.
    pub token_sha256: String,
    /// The credential it was opened with.
    pub credential_id: String,
    /// The fingerprint of the secret it was opened with; a rotation that ends the secret ends the session.
    pub secret_fingerprint: String,
    /// When it was opened, RFC 3339.
    pub created_at: String,
    /// When it ends, RFC 3339.
    pub expires_at: String,
}

fn to_item(session: &Session) -> Item {
    let mut item = new_item(&Pk::Session(session.token_sha256.clone()), &Sk::Session, ENTITY);
    // DynamoDB removes the item some time after this; until then `expires_at` says that it is over.
    let ends = parse_rfc3339(&session.expires_at).map_or(0, time::OffsetDateTime::unix_timestamp);
    let fields = [
        ("token_sha256", text(session.token_sha256.as_str())),
        ("credential_id", text(session.credential_id.as_str())),
        ("secret_fingerprint", text(session.secret_fingerprint.as_str())),
        ("created_at", text(session.created_at.as_str())),
        ("expires_at", text(session.expires_at.as_str())),
        ("ttl", number(ends)),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    item
}

fn from_item(item: &Item) -> Result<Session, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let owned = |name| Ok::<_, Corrupt>(reader.text(name)?.to_owned());
    Ok(Session {
        token_sha256: owned("token_sha256")?,
        credential_id: owned("credential_id")?,
        // A session of the release before has none; it matches no secret, so its browser signs in again.
        secret_fingerprint: reader
            .optional_text("secret_fingerprint")?
            .unwrap_or_default()
            .to_owned(),
        created_at: owned("created_at")?,
        expires_at: owned("expires_at")?,
    })
}

impl Store {
    /// Opens a session.
    pub async fn session_create(&self, session: &Session) -> Result<(), StoreError> {
        let outcome = self
            .dynamo
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(to_item(session)))
            // I8: a token is never given to two browsers.
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        outcome.map(|_| ()).map_err(|error| {
            let taken = error
                .as_service_error()
                .is_some_and(PutItemError::is_conditional_check_failed_exception);
            if taken {
                return StoreError::AlreadyExists { what: "the session" };
            }
            sdk_error("PutItem session", &error)
        })
    }

    /// The session of a token that is not over at `now` (RFC 3339 UTC). Strongly consistent.
    pub async fn session_fetch(
        &self,
        token_sha256: &str,
        now: &str,
    ) -> Result<Option<Session>, StoreError> {
        let pk = Pk::Session(token_sha256.to_owned());
        let item = self.item_fetch("GetItem session", &pk, &Sk::Session).await?;
        let session = item.as_ref().map(from_item).transpose()?;
        Ok(session.filter(|session| session.expires_at.as_str() > now))
    }

    /// Ends a session; done twice it changes nothing.
    pub async fn session_end(&self, token_sha256: &str) -> Result<(), StoreError> {
        // No condition: a session that is gone is as ended as one that goes now.
        self.dynamo
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Session(token_sha256.to_owned()), &Sk::Session)))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| sdk_error("DeleteItem session", &error))
    }
}
