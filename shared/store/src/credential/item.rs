//! The item of a credential. Its form before secrets had ends and uses is read as well.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Credential, Secret};
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{Pk, Sk, listing};

const ENTITY: &str = "credential";

/// The attribute that notes the last use of a secret. The authorizer's role names this prefix.
pub(super) fn use_attribute(fingerprint: &str) -> String {
    format!("used_{fingerprint}")
}

fn list(values: &[String]) -> AttributeValue {
    AttributeValue::L(values.iter().map(|value| text(value.as_str())).collect())
}

/// The hashes, as items carry them.
pub(super) fn hashes(secrets: &[Secret]) -> AttributeValue {
    let hex = |secret: &Secret| data_encoding::HEXLOWER.encode(&secret.sha256);
    list(&secrets.iter().map(hex).collect::<Vec<_>>())
}

/// When each was made and ends; an empty text means with its credential.
pub(super) fn secret_times(secrets: &[Secret]) -> [(&'static str, AttributeValue); 2] {
    let column =
        |value: fn(&Secret) -> String| list(&secrets.iter().map(value).collect::<Vec<_>>());
    [
        ("secrets_created_at", column(|secret| secret.created_at.clone())),
        ("secrets_end_at", column(|secret| secret.ends_at.clone().unwrap_or_default())),
    ]
}

pub(super) fn to_item(credential: &Credential) -> Item {
    let mut item = new_item(&Pk::Credential(credential.id.clone()), &Sk::Credential, ENTITY);
    let fields = [
        ("id", text(credential.id.as_str())),
        ("system_id", text(credential.system_id.as_str())),
        ("secrets_sha256", hashes(&credential.secrets)),
        ("scopes", list(&credential.scopes)),
        ("lines", list(&credential.lines)),
        ("created_at", text(credential.created_at.as_str())),
        ("version", number(credential.version)),
        ("list_pk", text(listing::CREDENTIAL)),
        ("list_sk", text(credential.id.as_str())),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    item.extend(secret_times(&credential.secrets).map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "expires_at", credential.expires_at.as_deref());
    put_some(&mut item, "revoked_at", credential.revoked_at.as_deref());
    for secret in &credential.secrets {
        let name = use_attribute(&secret.fingerprint());
        put_some(&mut item, &name, secret.last_used_at.as_deref());
    }
    item
}

pub(super) fn from_item(item: &Item) -> Result<Credential, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let optional = |name: &str| Ok::<_, Corrupt>(reader.optional_text(name)?.map(str::to_owned));
    let created_at = reader.text("created_at")?.to_owned();
    // Absent in what was written before credentials could be rotated.
    let version = if item.contains_key("version") { reader.parsed("version")? } else { 1 };
    Ok(Credential {
        id: reader.text("id")?.to_owned(),
        system_id: reader.typed("system_id")?,
        secrets: secrets(reader, item, &created_at)?,
        scopes: reader.texts("scopes")?,
        lines: reader.texts("lines")?,
        expires_at: optional("expires_at")?,
        revoked_at: optional("revoked_at")?,
        created_at,
        version,
    })
}

fn secrets(reader: Reader<'_>, item: &Item, created_at: &str) -> Result<Vec<Secret>, Corrupt> {
    let broken = || reader.corrupt("secrets_sha256", "is malformed");
    let column = |name: &str| {
        if item.contains_key(name) { reader.texts(name) } else { Ok(Vec::new()) }
    };
    let (made, ends) = (column("secrets_created_at")?, column("secrets_end_at")?);
    let mut secrets = Vec::new();
    for (place, hex) in reader.texts("secrets_sha256")?.iter().enumerate() {
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).map_err(|_| broken())?;
        let sha256 = <[u8; 32]>::try_from(bytes).map_err(|_| broken())?;
        let mut secret = Secret::new(sha256, made.get(place).map_or(created_at, String::as_str));
        secret.ends_at = ends.get(place).filter(|end| !end.is_empty()).cloned();
        let used = reader.optional_text(&use_attribute(&secret.fingerprint()))?;
        secret.last_used_at = used.map(str::to_owned);
        secrets.push(secret);
    }
    Ok(secrets)
}
