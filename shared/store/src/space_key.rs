//! The key of a space: how it is made, sealed and opened.
//!
//! A space's key is 32 bytes of the operating system. It is sealed with AES-256-GCM under a data key that is
//! used for nothing else, and that only the key service can tell from its blob. The seal, not the key service,
//! proves that nothing was changed: blob, nonce, sealed key, or what they are about — table, product, space
//! and form are bound into it. So a key that was copied to another space, or another table, does not open.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use domain::gtin::Gtin14;
use domain::space::{SpaceForm, SpaceId, SpaceKey};
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::kms::{Context, DataKey, Kms};

/// What the seal is of; another version of its form would say another number.
const PURPOSE: &str = "pharmatrace space key 1";

/// A sealed key, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealedKey {
    /// The data key, as the key service wrapped it.
    pub blob: Vec<u8>,
    /// The nonce of the seal.
    pub nonce: [u8; 12],
    /// The space's key under the data key, and the seal's tag.
    pub sealed: Vec<u8>,
}

/// What a key belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The product.
    pub gtin: &'a Gtin14,
    /// The space.
    pub space: SpaceId,
    /// What its texts look like.
    pub form: &'a SpaceForm,
}

impl Place<'_> {
    fn context(&self) -> Context<'_> {
        Context { gtin: self.gtin.as_str(), space: self.space.as_str() }
    }

    /// Everything a key belongs to, each part after its length.
    fn bound(&self) -> Vec<u8> {
        let (alphabet, length) = (self.form.alphabet().to_string(), self.form.length().to_string());
        let parts = [
            PURPOSE,
            self.table,
            self.gtin.as_str(),
            self.space.as_str(),
            self.form.prefix(),
            &alphabet,
            &length,
        ];
        let mut bound = Vec::new();
        for part in parts {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bound.extend_from_slice(&length.to_be_bytes());
            bound.extend_from_slice(part.as_bytes());
        }
        bound
    }
}

/// A key that nobody else has.
pub(crate) fn new_key() -> Result<SpaceKey, StoreError> {
    Ok(SpaceKey::from_bytes(*Zeroizing::new(random()?)))
}

/// Seals a key for its place under a data key made for it.
pub(crate) async fn seal(
    kms: &Kms,
    key: &SpaceKey,
    place: &Place<'_>,
) -> Result<SealedKey, StoreError> {
    seal_bytes(kms, key.as_bytes(), (place.context(), &place.bound())).await
}

/// Seals a secret for what its context and `bound` name.
pub(crate) async fn seal_bytes(
    kms: &Kms,
    secret: &[u8],
    (context, bound): (Context<'_>, &[u8]),
) -> Result<SealedKey, StoreError> {
    let (data_key, blob) = kms.data_key(context).await?;
    let nonce: [u8; 12] = random()?;
    let payload = Payload { msg: secret, aad: bound };
    let sealed = cipher(&data_key).encrypt(&Nonce::from(nonce), payload);
    let sealed = sealed.map_err(|_| failed("a key could not be sealed"))?;
    Ok(SealedKey { blob, nonce, sealed })
}

/// Opens a sealed key; `None` if it was not sealed so, for this place.
pub(crate) async fn open(
    kms: &Kms,
    sealed: &SealedKey,
    place: &Place<'_>,
) -> Result<Option<SpaceKey>, StoreError> {
    let opened = open_bytes(kms, sealed, (place.context(), &place.bound())).await?;
    let bytes = opened.and_then(|bytes| Some(Zeroizing::new(bytes.as_slice().try_into().ok()?)));
    Ok(bytes.map(|bytes| SpaceKey::from_bytes(*bytes)))
}

/// Opens a sealed secret; `None` if it was not sealed so, for this context and `bound`.
pub(crate) async fn open_bytes(
    kms: &Kms,
    sealed: &SealedKey,
    (context, bound): (Context<'_>, &[u8]),
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(data_key) = kms.decrypt(&sealed.blob, context).await? else { return Ok(None) };
    let payload = Payload { msg: &sealed.sealed, aad: bound };
    let opened = cipher(&data_key).decrypt(&Nonce::from(sealed.nonce), payload);
    Ok(opened.ok().map(Zeroizing::new))
}

fn cipher(key: &DataKey) -> Aes256Gcm {
    Aes256Gcm::new(&(**key).into())
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| failed("the machine gave no random bytes"))?;
    Ok(bytes)
}

fn failed(detail: &str) -> StoreError {
    StoreError::Unavailable { operation: "sealing a key", detail: detail.to_owned() }
}

#[cfg(test)]
mod tests;
