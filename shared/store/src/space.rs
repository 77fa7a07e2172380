//! Spaces: a form of a product's serial numbers and its sealed key, one item for ever.
//!
//! A space is written with the first pool that needs it and never changed. Its key leaves the store only as a
//! cipher, and nothing prints it. It is opened once for a space and process: callers that come together
//! share one call of the key service, and one that fails is made again by the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::gtin::Gtin14;
use domain::ids::PoolId;
use domain::pool::Scheme;
use domain::space::{SpaceCipher, SpaceForm, SpaceId, density_limit};
use tokio::sync::OnceCell;

use crate::error::{NO_KEY_SERVICE, StoreError};
use crate::item::{Corrupt, Item, Reader, new_item, text};
use crate::keys::{Pk, Sk};
use crate::kms::Kms;
use crate::pool::Boundary;
use crate::space_key::{Place, SealedKey, new_key, open, seal};
use crate::{Store, scheme_item};

pub(crate) const ENTITY: &str = "space";

/// The ciphers of the spaces that were opened, shared by all clones of a store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ciphers(Arc<Mutex<HashMap<SpaceId, Opened>>>);

/// A space that somebody opens or has opened.
type Opened = Arc<OnceCell<Arc<SpaceCipher>>>;

/// A space and what its pools take of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceState {
    /// The space.
    pub id: SpaceId,
    /// The product.
    pub gtin: Gtin14,
    /// What its texts look like.
    pub form: SpaceForm,
    /// When its first pool was created, RFC 3339.
    pub created_at: String,
    /// Whether one of its pools asks for the European rules, which then hold for all.
    pub eu_rules: bool,
    /// Its pools, by lower boundary.
    pub pools: Vec<PoolId>,
    /// How many numbers its pools may give out together, extensions included.
    pub claimed: u128,
    /// How many of them were reserved or are void.
    pub reserved: u128,
}

impl SpaceState {
    /// The most that its pools may give out together: all texts, or what the European rules leave.
    #[must_use]
    pub fn limit(&self) -> u128 {
        let capacity = self.form.capacity();
        if self.eu_rules { density_limit(capacity) } else { capacity }
    }
}

impl Store {
    pub(crate) fn kms(&self) -> Result<&Kms, StoreError> {
        self.kms.as_ref().ok_or_else(|| StoreError::Unavailable {
            operation: NO_KEY_SERVICE,
            detail: "this process was started without one".to_owned(),
        })
    }

    /// The item of a new space, with a key of its own.
    pub(crate) async fn space_new(
        &self,
        gtin: &Gtin14,
        (space, form): (SpaceId, SpaceForm),
        now: &str,
    ) -> Result<Item, StoreError> {
        let place = Place { table: &self.home, gtin, space, form: &form };
        let sealed = seal(self.kms()?, &new_key()?, &place).await?;
        let mut item = new_item(&Pk::Gtin(*gtin), &Sk::Space(space), ENTITY);
        item.insert("gtin".to_owned(), text(gtin.as_str()));
        item.insert("created_at".to_owned(), text(now));
        scheme_item::put(&mut item, Scheme::Randomised { space, form }, true);
        put_key(&mut item, &sealed);
        Ok(item)
    }

    /// The permutation of a space. I1: what is read must be the space of product and form, and its key must
    /// have been sealed for it.
    pub async fn space_cipher(
        &self,
        gtin: &Gtin14,
        space: SpaceId,
    ) -> Result<Arc<SpaceCipher>, StoreError> {
        let cell = {
            let mut ciphers = self.ciphers.0.lock().unwrap_or_else(PoisonError::into_inner);
            ciphers.entry(space).or_default().clone()
        };
        let cipher = cell.get_or_try_init(|| async {
            let (pk, sk) = (Pk::Gtin(*gtin), Sk::Space(space));
            let item = self.item_fetch("GetItem space", &pk, &sk).await?;
            let missing = || Corrupt {
                key: format!("{pk}/{sk}"),
                attribute: "key_sealed".to_owned(),
                problem: "is missing with its space",
            };
            let item = item.ok_or_else(missing)?;
            let form = form_of(&item)?.1;
            let key = self.key_of(&item, (gtin, space, &form)).await?;
            let cipher = SpaceCipher::new(form, gtin, &key);
            let cipher =
                cipher.map_err(|_| Reader::raw(&item).corrupt("length", "is no form's"))?;
            Ok::<_, StoreError>(Arc::new(cipher))
        });
        cipher.await.cloned()
    }

    pub(crate) async fn key_of(
        &self,
        item: &Item,
        (gtin, space, form): (&Gtin14, SpaceId, &SpaceForm),
    ) -> Result<domain::space::SpaceKey, StoreError> {
        let reader = Reader::raw(item);
        let sealed = read_key(reader)?;
        let place = Place { table: &self.home, gtin, space, form };
        let key = open(self.kms()?, &sealed, &place).await?;
        Ok(key.ok_or_else(|| reader.corrupt("key_sealed", "was not sealed for this space"))?)
    }

    /// The spaces of a product by the time of their creation; consistent for each pool, not across them.
    pub async fn space_list(&self, gtin: &Gtin14) -> Result<Vec<SpaceState>, StoreError> {
        let (mut spaces, mut claims) = (Vec::new(), Vec::new());
        for item in self.partition(&Pk::Gtin(*gtin), "").await? {
            let reader = Reader::raw(&item);
            match reader.text("entity")? {
                ENTITY => spaces.push(state(&item)?),
                "gtin-pool" => claims.push(Boundary::read(reader)?),
                _ => {}
            }
        }
        claims.sort_by_key(|claim| claim.from);
        for claim in claims {
            let own = spaces.iter_mut().find(|space| claim.space() == Some(space.id));
            let Some(space) = own else { continue };
            let pool = self.pool_fetch(&claim.pool_id).await?;
            let reserved = pool.map_or(0, |state| state.pool.reserved());
            space.reserved = space.reserved.saturating_add(reserved);
            space.claimed = space.claimed.saturating_add(claim.share.ceiling);
            space.eu_rules |= claim.share.eu_rules;
            space.pools.push(claim.pool_id);
        }
        spaces.sort_by(|one, other| (&one.created_at, one.id).cmp(&(&other.created_at, other.id)));
        Ok(spaces)
    }

    /// A space of another table's item, its key sealed anew for this table by this table's key service; `None`
    /// for any other item. A key is never the same text twice, so a space that is here already is
    /// compared by its key: the item that is here is given then.
    pub async fn space_moved(&self, item: &Item, from: &Self) -> Result<Option<Item>, StoreError> {
        if Reader::raw(item).optional_text("entity")? != Some(ENTITY) {
            return Ok(None);
        }
        let (gtin, (space, form)) = (Reader::raw(item).typed("gtin")?, form_of(item)?);
        let key = from.key_of(item, (&gtin, space, &form)).await?;
        let here = self.item_fetch("GetItem space", &Pk::Gtin(gtin), &Sk::Space(space)).await?;
        if let Some(here) = here {
            let own = self.key_of(&here, (&gtin, space, &form)).await?;
            let same = own.as_bytes() == key.as_bytes();
            let conflict = StoreError::Conflict { what: "a space of the restored table" };
            return if same { Ok(Some(here)) } else { Err(conflict) };
        }
        let place = Place { table: &self.home, gtin: &gtin, space, form: &form };
        let mut moved = item.clone();
        put_key(&mut moved, &seal(self.kms()?, &key, &place).await?);
        Ok(Some(moved))
    }
}

fn put_key(item: &mut Item, key: &SealedKey) {
    let fields =
        [("key_blob", &key.blob[..]), ("key_nonce", &key.nonce), ("key_sealed", &key.sealed)];
    let blob = |bytes: &[u8]| AttributeValue::B(bytes.to_vec().into());
    item.extend(fields.map(|(name, bytes)| (name.to_owned(), blob(bytes))));
}

fn read_key(reader: Reader<'_>) -> Result<SealedKey, Corrupt> {
    let nonce = reader.bytes("key_nonce")?.try_into();
    Ok(SealedKey {
        blob: reader.bytes("key_blob")?.to_vec(),
        nonce: nonce.map_err(|_| reader.corrupt("key_nonce", "has not 12 bytes"))?,
        sealed: reader.bytes("key_sealed")?.to_vec(),
    })
}

/// The id and the form that a space's item says.
pub(crate) fn form_of(item: &Item) -> Result<(SpaceId, SpaceForm), Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    match scheme_item::read(reader, reader.typed::<Gtin14>("gtin")?)? {
        Scheme::Randomised { space, form } => Ok((space, form)),
        Scheme::Sequential { .. } | Scheme::List { .. } => {
            Err(reader.corrupt("scheme", "is none of a space"))
        }
    }
}

fn state(item: &Item) -> Result<SpaceState, Corrupt> {
    let (reader, (id, form)) = (Reader::raw(item), form_of(item)?);
    Ok(SpaceState {
        id,
        gtin: reader.typed("gtin")?,
        form,
        created_at: reader.text("created_at")?.to_owned(),
        eu_rules: false,
        pools: Vec::new(),
        claimed: 0,
        reserved: 0,
    })
}
