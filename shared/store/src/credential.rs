//! Credentials: looked up by id, secrets kept as SHA-256 only (I8).

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::SystemId;

use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key, new_item, put_some, text};
use crate::keys::{Pk, Sk, listing};
use crate::{Page, Store};

const ENTITY: &str = "credential";

/// What a credential is, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its public id, base32 in lower case.
    pub id: String,
    /// The system it speaks for.
    pub system_id: SystemId,
    /// SHA-256 of its live secrets: one, or two while it is being rotated.
    pub secrets_sha256: Vec<[u8; 32]>,
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
}

fn list(values: &[String]) -> AttributeValue {
    AttributeValue::L(values.iter().map(|value| text(value.as_str())).collect())
}

fn to_item(credential: &Credential) -> Item {
    let mut item = new_item(&Pk::Credential(credential.id.clone()), &Sk::Credential, ENTITY);
    let secrets: Vec<String> = credential
        .secrets_sha256
        .iter()
        .map(|secret| data_encoding::HEXLOWER.encode(secret))
        .collect();
    let fields = [
        ("id", text(credential.id.as_str())),
        ("system_id", text(credential.system_id.as_str())),
        ("secrets_sha256", list(&secrets)),
        ("scopes", list(&credential.scopes)),
        ("lines", list(&credential.lines)),
        ("created_at", text(credential.created_at.as_str())),
        ("list_pk", text(listing::CREDENTIAL)),
        ("list_sk", text(credential.id.as_str())),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "expires_at", credential.expires_at.as_deref());
    put_some(&mut item, "revoked_at", credential.revoked_at.as_deref());
    item
}

fn from_item(item: &Item) -> Result<Credential, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let broken = || reader.corrupt("secrets_sha256", "is malformed");
    let secrets: Result<Vec<[u8; 32]>, Corrupt> = reader
        .texts("secrets_sha256")?
        .iter()
        .map(|hex| {
            let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).map_err(|_| broken())?;
            <[u8; 32]>::try_from(bytes).map_err(|_| broken())
        })
        .collect();
    Ok(Credential {
        id: reader.text("id")?.to_owned(),
        system_id: reader.typed("system_id")?,
        secrets_sha256: secrets?,
        scopes: reader.texts("scopes")?,
        lines: reader.texts("lines")?,
        expires_at: reader.optional_text("expires_at")?.map(str::to_owned),
        revoked_at: reader.optional_text("revoked_at")?.map(str::to_owned),
        created_at: reader.text("created_at")?.to_owned(),
    })
}

impl Store {
    /// Creates a credential; an id is never used twice.
    pub async fn credential_create(&self, credential: &Credential) -> Result<(), StoreError> {
        let outcome = self
            .dynamo
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(to_item(credential)))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        outcome.map(|_| ()).map_err(|error| {
            let taken = error
                .as_service_error()
                .is_some_and(PutItemError::is_conditional_check_failed_exception);
            if taken {
                return StoreError::AlreadyExists { what: "the credential" };
            }
            sdk_error("PutItem credential", &error)
        })
    }

    /// A credential; strongly consistent, so that a revocation counts at once.
    pub async fn credential_fetch(&self, id: &str) -> Result<Option<Credential>, StoreError> {
        let pk = Pk::Credential(id.to_owned());
        let item = self.item_fetch("GetItem credential", &pk, &Sk::Credential).await?;
        Ok(item.as_ref().map(from_item).transpose()?)
    }

    /// Revokes a credential; done twice the first time stands.
    pub async fn credential_revoke(&self, id: &str, now: &str) -> Result<(), StoreError> {
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Credential(id.to_owned()), &Sk::Credential)))
            .update_expression("SET revoked_at = if_not_exists(revoked_at, :now)")
            // I8: only a credential that exists; otherwise a stump of an item would appear.
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", text(now))
            .send()
            .await;
        outcome.map(|_| ()).map_err(|error| {
            let missing = error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception);
            if missing {
                return StoreError::NotFound { what: "the credential" };
            }
            sdk_error("UpdateItem credential", &error)
        })
    }

    /// One page of credentials; read from the index, so it may lag a moment.
    pub async fn credential_list(
        &self,
        after: Option<&str>,
    ) -> Result<Page<Credential>, StoreError> {
        let page = self.listing_page(listing::CREDENTIAL, None, after).await?;
        let items: Result<Vec<Credential>, Corrupt> = page.items.iter().map(from_item).collect();
        Ok(Page { items: items?, next: page.next })
    }
}
