//! Where a tenant wants to have events sent to, and the secret that they are signed with.
//!
//! The secret is sealed as the keys of spaces are: under a data key of the key service, bound to the table and
//! to the address, so that nobody who only reads the table can sign, and none can be moved to another
//! address. Each change leaves a record in the webhook's own chain (I11).

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use zeroize::Zeroizing;

use crate::Store;
use crate::audit_record::AuditRecord;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{Pk, Sk};
use crate::kms::Context;
use crate::pool::{built, is_cancelled};
use crate::space_key::{SealedKey, open_bytes, random, seal_bytes};

const ENTITY: &str = "webhook";
/// What the seal is of.
const PURPOSE: &str = "pharmatrace webhook secret 1";
/// What the data key is bound to; the sweep may open no other.
const CONTEXT: Context<'static> = Context { gtin: "none", space: "webhook" };
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A secret; wiped when dropped, and in no log.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<String>);

impl WebhookSecret {
    fn new() -> Result<Self, StoreError> {
        let bytes = Zeroizing::new(random::<SECRET_BYTES>()?);
        let text = data_encoding::BASE32_NOPAD.encode(bytes.as_slice()).to_lowercase();
        Ok(Self(Zeroizing::new(format!("whsec_{text}"))))
    }

    /// Its text, whose bytes are the key of the signature.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// The webhook of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where events are sent; `None` while it is switched off.
    pub url: Option<String>,
    /// When it was set, RFC 3339.
    pub set_at: String,
    /// Who set it.
    pub set_by: String,
    /// Counts the changes.
    pub version: u64,
    sealed: Option<SealedKey>,
}

impl Store {
    /// The webhook; consistent. `None` where none was ever set.
    pub async fn webhook_fetch(&self) -> Result<Option<Webhook>, StoreError> {
        let item = self.item_fetch("GetItem webhook", &Pk::Webhook, &Sk::Webhook).await?;
        Ok(item.as_ref().map(from_item).transpose()?)
    }

    /// Sets where events are sent, and gives the new secret, which is never shown again; `None` switches it off.
    /// The caller has judged the address.
    pub async fn webhook_set(
        &self,
        url: Option<&str>,
        (actor, now): (&str, &str),
    ) -> Result<(Webhook, Option<WebhookSecret>), StoreError> {
        let before = self.webhook_fetch().await?;
        let (secret, sealed) = match url {
            Some(url) => {
                let secret = WebhookSecret::new()?;
                let bytes = secret.reveal().as_bytes();
                let sealed = seal_bytes(self.kms()?, bytes, (CONTEXT, &self.bound(url))).await?;
                (Some(secret), Some(sealed))
            }
            None => (None, None),
        };
        let seen = before.as_ref().map_or(0, |before| before.version);
        let after = Webhook {
            url: url.map(str::to_owned),
            set_at: now.to_owned(),
            set_by: actor.to_owned(),
            version: seen.saturating_add(1),
            sealed,
        };
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(to_item(&after)))
            // I11: the change follows from what was read, as its record says.
            .condition_expression("attribute_not_exists(pk) OR #version = :seen")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":seen", number(seen))
            .build()
            .map_err(|error| built(&error))?;
        let was = before.as_ref().and_then(|before| before.url.as_deref());
        let record = AuditRecord::new(now, actor, "set", after.version).changing(was, url);
        let record = self.audit_next(&Pk::Webhook, record).await?;
        let writes = vec![TransactWriteItem::builder().put(put).build(), record];
        match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok((after, secret)),
            Err(error) if is_cancelled(&error) => Err(StoreError::Conflict { what: "the webhook" }),
            Err(error) => Err(sdk_error("TransactWriteItems webhook", &error)),
        }
    }

    /// The secret of a webhook that is switched on; `None` if it was not sealed so, for this address.
    pub async fn webhook_secret(
        &self,
        webhook: &Webhook,
    ) -> Result<Option<WebhookSecret>, StoreError> {
        let (Some(url), Some(sealed)) = (&webhook.url, &webhook.sealed) else { return Ok(None) };
        let opened = open_bytes(self.kms()?, sealed, (CONTEXT, &self.bound(url))).await?;
        let text = opened.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        Ok(text.map(|text| WebhookSecret(Zeroizing::new(text))))
    }

    /// What the seal is bound to, each part after its length.
    fn bound(&self, url: &str) -> Vec<u8> {
        let mut bound = Vec::new();
        for part in [PURPOSE, &*self.home, url] {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bound.extend_from_slice(&length.to_be_bytes());
            bound.extend_from_slice(part.as_bytes());
        }
        bound
    }
}

fn to_item(webhook: &Webhook) -> Item {
    let mut item = new_item(&Pk::Webhook, &Sk::Webhook, ENTITY);
    let fields = [
        ("set_at", text(webhook.set_at.as_str())),
        ("set_by", text(webhook.set_by.as_str())),
        ("version", number(webhook.version)),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "url", webhook.url.as_deref());
    if let Some(sealed) = &webhook.sealed {
        let blob = |bytes: &[u8]| AttributeValue::B(bytes.to_vec().into());
        item.insert("key_blob".to_owned(), blob(&sealed.blob));
        item.insert("nonce".to_owned(), blob(&sealed.nonce));
        item.insert("sealed".to_owned(), blob(&sealed.sealed));
    }
    item
}

fn from_item(item: &Item) -> Result<Webhook, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let url = reader.optional_text("url")?.map(str::to_owned);
    let sealed = match url {
        None => None,
        Some(_) => Some(SealedKey {
            blob: reader.bytes("key_blob")?.to_vec(),
            nonce: reader
                .bytes("nonce")?
                .try_into()
                .map_err(|_| reader.corrupt("nonce", "is no nonce"))?,
            sealed: reader.bytes("sealed")?.to_vec(),
        }),
    };
    Ok(Webhook {
        url,
        set_at: reader.text("set_at")?.to_owned(),
        set_by: reader.text("set_by")?.to_owned(),
        version: reader.parsed("version")?,
        sealed,
    })
}

/// The item of a webhook as another stack begins with it: without the address, as its secret would not open there;
/// and that address.
pub(crate) fn switched_off(item: &Item) -> Result<(Item, Option<String>), Corrupt> {
    let before = from_item(item)?;
    if before.url.is_none() {
        return Ok((item.clone(), None));
    }
    let version = before.version.saturating_add(1);
    Ok((to_item(&Webhook { url: None, sealed: None, version, ..before.clone() }), before.url))
}
