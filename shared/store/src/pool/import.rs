//! How an import comes to count: claimed under the guard of its product, then linked by one write of the pool.
//!
//! What an import was compared with cannot change unseen (I1): its claim is made against the version of the
//! guard that was read before anything else, so whoever claims in between makes it be checked anew; and who comes
//! after it finds the import among what is pending, though the pool does not name it yet.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::list::ListShape;
use domain::object_key::ObjectKey;
use domain::pool::{Pool, Scheme};
use domain::space::{SpaceForm, SpaceId};

use super::change::is_refused;
use super::claim::{Boundary, Prints};
use super::guard::Guarded;
use super::{is_cancelled, told};
use crate::Store;
use crate::audit_record::{AuditRecord, ChainedRecord};
use crate::error::{StoreError, sdk_error};
use crate::item::{Item, Reader, key, number, text};
use crate::keys::{Pk, Sk};
use crate::pool_item::from_item;
use domain::ids::PoolId;

/// Which attribute of a pool names its last import.
pub(crate) const HEAD: &str = "list_head";
/// Imports that are claimed and not linked, at most: what callers left that died.
const PENDING_MAX: usize = 32;

/// What an import is compared with, as it was when the guard had this version.
pub(crate) struct ImportBase {
    guarded: Guarded,
    /// The pool.
    pub pool: Pool,
    /// The last import that counts.
    pub head: Option<String>,
}

/// Why an import does not count.
#[derive(Debug)]
pub(crate) enum LinkError {
    /// There is no such pool, or it has no list.
    NoList,
    /// What it was compared with has changed.
    Moved,
    /// The store failed.
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for LinkError {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

impl ImportBase {
    /// The index behind the last one.
    pub(crate) fn next(&self) -> u128 {
        self.pool.draft.to.saturating_add(1)
    }

    /// The spaces of the product.
    pub(crate) fn spaces(&self) -> &[(SpaceId, SpaceForm)] {
        &self.guarded.spaces
    }

    /// The sequential pools of the product: their widths, first and last numbers.
    pub(crate) fn decimals(&self) -> impl Iterator<Item = (&PoolId, u8, (u128, u128))> {
        self.guarded.boundaries.iter().filter_map(|claim| match claim.prints {
            Prints::Decimals(width) => Some((&claim.pool_id, width?, (claim.from, claim.to))),
            Prints::Space(_) | Prints::Ssccs(_) | Prints::List => None,
        })
    }

    /// The pools of the product that have lists, and imports that are about to count there.
    pub(crate) fn lists(&self) -> impl Iterator<Item = (&PoolId, &[(u128, String)])> {
        let lists = self.guarded.boundaries.iter();
        lists.filter_map(|claim| Some((&claim.pool_id, claim.list.as_ref()?.pending.as_slice())))
    }

    /// The pool's claim with an import.
    fn claim(&self, shape: &ListShape, import: (u128, &str), last: u128) -> Option<Boundary> {
        let own = |claim: &&Boundary| claim.pool_id == self.pool.id;
        let mut claim = self.guarded.boundaries.iter().find(own)?.clone();
        claim.to = claim.to.max(last);
        let texts = claim.list.as_mut()?;
        texts.shape.join(shape);
        // Those that begin elsewhere are linked by now, or never will be: the pool has grown since.
        texts.pending.retain(|(first, sha256)| *first == import.0 && sha256 != import.1);
        texts.pending.push((import.0, import.1.to_owned()));
        (texts.pending.len() <= PENDING_MAX).then_some(claim)
    }
}

impl Store {
    /// What an import into a pool is to be compared with: first the guard, then the pool.
    pub(crate) async fn import_base(&self, pool: &PoolId) -> Result<ImportBase, LinkError> {
        let draft = self.pool_fetch(pool).await?.map(|state| state.pool.draft);
        let Some(draft) = draft.filter(|it| matches!(it.scheme, Scheme::List { .. })) else {
            return Err(LinkError::NoList);
        };
        let mut guarded = self.guarded(draft.key).await?;
        self.widths(&mut guarded.boundaries).await?;
        let item = self.item_fetch("GetItem pool", &Pk::Pool(pool.clone()), &Sk::Pool).await?;
        let item = item.ok_or(LinkError::NoList)?;
        let head = Reader::raw(&item).optional_text(HEAD)?.map(str::to_owned);
        Ok(ImportBase { guarded, pool: from_item(&item)?.pool, head })
    }

    /// Claims an import: from then on nobody of the product gets what it has.
    pub(crate) async fn import_claim(
        &self,
        base: &ImportBase,
        shape: &ListShape,
        (sha256, count): (&str, u32),
    ) -> Result<(), LinkError> {
        let of: ObjectKey = base.pool.draft.key;
        let (first, to) = (base.next(), base.pool.draft.to);
        let last = to.saturating_add(u128::from(count));
        let claim = base.claim(shape, (first, sha256), last).ok_or(LinkError::Moved)?;
        let writes = self.claim_writes(of, &claim, &base.guarded)?;
        let call = self.dynamo.transact_write_items().set_transact_items(Some(writes));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_cancelled(&error) => Err(LinkError::Moved),
            Err(error) => Err(sdk_error("TransactWriteItems claim", &error).into()),
        }
    }

    /// Links an import that was claimed: the one write that makes it count.
    pub(crate) async fn import_link(
        &self,
        base: &ImportBase,
        (sha256, count): (&str, u32),
        by: (&str, &str),
    ) -> Result<Pool, LinkError> {
        let id = &base.pool.id;
        let state = self.pool_fetch(id).await?.ok_or(LinkError::NoList)?;
        if let Some(record) = &state.record {
            self.pool_record_keep(id, record, by.1).await?;
        }
        let record = self.import_record(&state.pool, (sha256, count), by).await?;
        let values = link_values(base, &record, (sha256, count));
        let condition = match &base.head {
            Some(_) => "#head = :old_head",
            None => "attribute_not_exists(#head)",
        };
        // I2: the pool grows from where the import begins, and from no other import. I11: the record follows
        // from the last one, which waits no more.
        let condition = format!(
            "#to = :old_to AND {condition} AND attribute_not_exists(audit_waits) \
             AND (attribute_not_exists(audit_place) OR audit_place = :seen_place)"
        );
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Pool(id.clone()), &Sk::Pool)))
            .update_expression(
                "SET #to = :to, #remaining = #remaining + :count, #head = :head, \
                 audit_place = :place, audit_waits = :record",
            )
            .condition_expression(condition)
            .expression_attribute_names("#to", "to")
            .expression_attribute_names("#remaining", "remaining")
            .expression_attribute_names("#head", HEAD)
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match outcome {
            Ok(_) => {
                // The import counts; that its record waits a little longer does no harm.
                if let Err(error) = self.pool_record_keep(id, &record, by.1).await {
                    tracing::warn!(pool.id = %id, %error, "an audit record waits");
                }
            }
            Err(error) if is_refused(&error) => self.is_linked(id, sha256).await?,
            Err(error) => return Err(sdk_error("UpdateItem import", &error).into()),
        }
        let state = self.pool_fetch(id).await?.ok_or(LinkError::NoList)?;
        Ok(state.pool)
    }

    /// Whether a link that was refused had been made before: by an earlier copy of the same call.
    async fn is_linked(&self, id: &PoolId, sha256: &str) -> Result<(), LinkError> {
        let item = self.item_fetch("GetItem pool", &Pk::Pool(id.clone()), &Sk::Pool).await?;
        let item = item.ok_or(LinkError::NoList)?;
        let linked = Reader::raw(&item).optional_text(HEAD)? == Some(sha256);
        if linked { Ok(()) } else { Err(LinkError::Moved) }
    }

    async fn import_record(
        &self,
        before: &Pool,
        (sha256, count): (&str, u32),
        (actor, now): (&str, &str),
    ) -> Result<ChainedRecord, StoreError> {
        let pk = Pk::Pool(before.id.clone());
        let last = self.audit_last(&pk).await?;
        let place = last.as_ref().map_or(0, |last| last.place);
        let mut after = before.clone();
        after.draft.to = before.draft.to.saturating_add(u128::from(count));
        let file = format!("{count} numbers of the file {sha256}");
        let record = AuditRecord::new(now, actor, "import", place.saturating_add(1))
            .because(Some(&file))
            .changing(Some(&told(before)), Some(&told(&after)));
        Ok(record.behind(&pk, last.as_ref()))
    }
}

fn link_values(base: &ImportBase, record: &ChainedRecord, (sha256, count): (&str, u32)) -> Item {
    let to = base.pool.draft.to;
    let pk = Pk::Pool(base.pool.id.clone());
    let fields = [
        (":to", number(to.saturating_add(u128::from(count)))),
        (":old_to", number(to)),
        (":count", number(count)),
        (":head", text(sha256)),
        (":record", AttributeValue::M(record.to_item(&pk))),
        (":place", number(record.place)),
        (":seen_place", number(record.place.saturating_sub(1))),
    ];
    let old = base.head.iter().map(|head| (":old_head", text(head.as_str())));
    fields.into_iter().chain(old).map(|(name, value)| (name.to_owned(), value)).collect()
}
