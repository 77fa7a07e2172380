//! The guard of a key: one version that all claims of its pools compare, so that they take turns (I1). All
//! company prefixes share one: where one begins with the other, both could write the same SSCC.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::object_key::ObjectKey;
use domain::pool::Scheme;
use domain::space::{SpaceForm, SpaceId};

use super::claim::{Boundary, Present, Prints};
use super::{GUARD_TRIES, PoolError, built, is_cancelled};
use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::{self, Item, Reader, new_item, number};
use crate::keys::{POOL_PREFIX, Pk, Sk};
use crate::space;

pub(super) struct Guarded {
    pub version: u64,
    pub boundaries: Vec<Boundary>,
    pub spaces: Vec<(SpaceId, SpaceForm)>,
}

/// What is written with a claim.
#[derive(Clone, Copy)]
pub(super) struct Others<'a> {
    /// Elements of the transaction.
    pub puts: &'a [TransactWriteItem],
    /// The space that the claim needs, where it may be a new one.
    pub space: Option<(SpaceId, SpaceForm)>,
    /// The time.
    pub now: &'a str,
}

impl Store {
    /// The pools of a key by lower boundary; consistent.
    pub async fn pools_of(&self, key: impl Into<ObjectKey>) -> Result<Vec<Boundary>, StoreError> {
        let key = key.into();
        let mut boundaries = self.guarded(key).await?.boundaries;
        boundaries.retain(|boundary| boundary.is_of(key));
        Ok(boundaries)
    }

    /// All pools of SSCCs; consistent.
    pub async fn pools_of_ssccs(&self) -> Result<Vec<Boundary>, StoreError> {
        let items = self.partition(&Pk::Sscc, POOL_PREFIX).await?;
        Ok(items.iter().map(|item| Boundary::read(Reader::raw(item))).collect::<Result<_, _>>()?)
    }

    /// Reads the guard's version, the boundaries and the spaces of a key in one consistent query.
    pub(super) async fn guarded(&self, key: ObjectKey) -> Result<Guarded, StoreError> {
        let mut guarded = Guarded { version: 0, boundaries: Vec::new(), spaces: Vec::new() };
        for item in self.partition(&Pk::from(key), "").await? {
            let reader = Reader::raw(&item);
            match reader.text("entity")? {
                "gtin-guard" => guarded.version = reader.parsed("version")?,
                "gtin-pool" => guarded.boundaries.push(Boundary::read(reader)?),
                space::ENTITY => guarded.spaces.push(space::form_of(&item)?),
                _ => return Err(reader.corrupt("entity", "is none of a key's").into()),
            }
        }
        guarded.boundaries.sort_by_key(|boundary| boundary.from);
        Ok(guarded)
    }

    /// Puts a pool's claim in place of its earlier one, together with `others`, unless another pool of the
    /// key stands against it; gives the guard's new version and what is claimed now. I1: the version makes
    /// racing claims of one key take turns.
    pub(super) async fn boundary_claim(
        &self,
        key: ObjectKey,
        claim: &Boundary,
        others: Others<'_>,
    ) -> Result<(u64, Boundary), PoolError> {
        let mut made: Option<Item> = None;
        for _ in 0..GUARD_TRIES {
            let mut guarded = self.guarded(key).await?;
            let missing = others.space.filter(|(id, _)| guarded.spaces.iter().all(|s| s.0 != *id));
            guarded.spaces.extend(missing);
            if matches!(claim.prints, Prints::Space(_)) {
                self.widths(&mut guarded.boundaries).await?;
            }
            // I1: whoever read the pool before somebody else's change must not take back what that one claims.
            let own = guarded.boundaries.iter().find(|own| own.pool_id == claim.pool_id);
            let claim = own.map_or_else(|| claim.clone(), |own| own.joined(claim));
            let Guarded { boundaries, spaces, .. } = &guarded;
            Present { boundaries, spaces }.admits(&claim)?;
            let mut writes = self.claim_writes(key, &claim, &guarded)?;
            writes.extend_from_slice(others.puts);
            if let Some((gtin, wanted)) = key.gtin().zip(missing) {
                let item = match made {
                    Some(item) => item,
                    None => self.space_new(&gtin, wanted, others.now).await?,
                };
                // I1: a form has one key for ever.
                writes.push(self.put_new(item.clone())?);
                made = Some(item);
            }
            let call = self.dynamo.transact_write_items().set_transact_items(Some(writes));
            match call.send().await {
                Ok(_) => return Ok((guarded.version.saturating_add(1), claim)),
                Err(error) if is_cancelled(&error) => {}
                Err(error) => return Err(sdk_error("TransactWriteItems claim", &error).into()),
            }
        }
        Err(StoreError::Conflict { what: "the key's list of pools" }.into())
    }

    /// Claims of earlier versions do not say how wide their numbers are; the pools do, and never change it.
    pub(super) async fn widths(&self, boundaries: &mut [Boundary]) -> Result<(), StoreError> {
        for boundary in boundaries {
            if boundary.prints == Prints::Decimals(None) {
                let state = self.pool_fetch(&boundary.pool_id).await?;
                let scheme = state.map(|state| state.pool.draft.scheme);
                if let Some(Scheme::Sequential { width }) = scheme {
                    boundary.prints = Prints::Decimals(Some(width));
                }
            }
        }
        Ok(())
    }

    pub(super) fn claim_writes(
        &self,
        key: ObjectKey,
        claim: &Boundary,
        guarded: &Guarded,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let pk = Pk::from(key);
        let mut guard = new_item(&pk, &Sk::Guard, "gtin-guard");
        guard.insert("version".to_owned(), number(guarded.version.saturating_add(1)));
        let guard_put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(guard))
            .condition_expression("attribute_not_exists(pk) OR #version = :seen")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":seen", number(guarded.version))
            .build()
            .map_err(|error| built(&error))?;
        let mut writes = vec![TransactWriteItem::builder().put(guard_put).build()];
        let new_key = Sk::Boundary(claim.from, claim.pool_id.clone());
        let earlier = guarded.boundaries.iter().find(|other| other.pool_id == claim.pool_id);
        if let Some(earlier) = earlier.filter(|earlier| earlier.from != claim.from) {
            let old_key = Sk::Boundary(earlier.from, earlier.pool_id.clone());
            let delete = Delete::builder()
                .table_name(&*self.table)
                .set_key(Some(item::key(&pk, &old_key)))
                .condition_expression("attribute_exists(pk)")
                .build()
                .map_err(|error| built(&error))?;
            writes.push(TransactWriteItem::builder().delete(delete).build());
        }
        let mut item = new_item(&pk, &new_key, "gtin-pool");
        claim.put(&mut item);
        // The guard's version already makes this write the only one; the owner is checked all the same.
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR pool_id = :pool")
            .expression_attribute_values(":pool", item::text(claim.pool_id.as_str()))
            .build()
            .map_err(|error| built(&error))?;
        writes.push(TransactWriteItem::builder().put(put).build());
        Ok(writes)
    }
}
