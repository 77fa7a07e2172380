//! Pools: created and changed under a guard per GTIN, so that no two ever overlap (I1).

mod change;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::gtin::Gtin14;
use domain::ids::PoolId;
use domain::pool::{Pool, PoolDraft, PoolStatus};

pub use self::change::PoolChange;
pub(crate) use self::change::told;
use crate::audit_record::{AuditRecord, HUB};
use crate::error::{StoreError, sdk_error};
use crate::item::{Item, Reader, key, new_item, number, text};
use crate::keys::{POOL_PREFIX, Pk, Sk};
pub use crate::pool_item::{OpenEntry, PoolState};
use crate::pool_item::{from_item, to_item};
use crate::{Page, Store};

/// How often a creation is tried again when another one of the same GTIN came between.
const GUARD_TRIES: u32 = 8;

/// Why a pool could not be created or its boundaries not moved.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The numbers belong to another pool of the GTIN.
    #[error("the numbers overlap those of pool {pool}")]
    Overlap {
        /// That pool.
        pool: PoolId,
    },
    /// The change would cut off numbers that were reserved already, or move a lower end that is in use.
    #[error("numbers below {cursor} are reserved already")]
    BelowCursor {
        /// The next number to be reserved.
        cursor: u128,
    },
    /// The numbers break a rule of pools.
    #[error(transparent)]
    Rule(#[from] domain::pool::PoolRuleError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a GTIN's partition says of one of its pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// The pool.
    pub pool_id: PoolId,
    /// The first index it claims.
    pub from: u128,
    /// The last index it claims.
    pub to: u128,
}

struct Guarded {
    version: u64,
    boundaries: Vec<Boundary>,
}

impl Store {
    /// Creates a pool for the hub itself. The caller has checked the draft's own rules.
    pub async fn pool_create(
        &self,
        id: PoolId,
        draft: PoolDraft,
        now: &str,
    ) -> Result<Pool, PoolError> {
        self.pool_create_by(id, draft, (HUB, now)).await
    }

    /// The same for `actor`.
    pub async fn pool_create_by(
        &self,
        id: PoolId,
        draft: PoolDraft,
        (actor, now): (&str, &str),
    ) -> Result<Pool, PoolError> {
        let remaining = draft.to.saturating_sub(draft.from).saturating_add(1);
        let pool = Pool {
            id,
            status: PoolStatus::Active,
            cursor: draft.from,
            remaining,
            created_at: now.to_owned(),
            draft,
        };
        let claim = Boundary { pool_id: pool.id.clone(), from: pool.draft.from, to: pool.draft.to };
        let mut registry =
            new_item(&Pk::Registry, &Sk::RegistryPool(pool.id.clone()), "registry-pool");
        registry.insert("pool_id".to_owned(), text(pool.id.as_str()));
        let (pk, what) = (Pk::Pool(pool.id.clone()), told(&pool));
        let record = AuditRecord::new(now, actor, "create", 1).changing(None, Some(&what));
        let puts = vec![
            self.put_new(to_item(&pool))?,
            self.put_new(registry)?,
            self.audit_first(&pk, record)?,
        ];
        self.boundary_claim(&pool.draft.gtin, &claim, &puts).await?;
        Ok(pool)
    }

    /// The pool with its counters and open entries; consistent.
    pub async fn pool_fetch(&self, id: &PoolId) -> Result<Option<PoolState>, StoreError> {
        let item = self.item_fetch("GetItem pool", &Pk::Pool(id.clone()), &Sk::Pool).await?;
        Ok(item.as_ref().map(from_item).transpose()?)
    }

    /// Ids of all pools in order; consistent. `after` is the last id of the page before.
    pub async fn pool_ids(
        &self,
        limit: i32,
        after: Option<&PoolId>,
    ) -> Result<Page<PoolId>, StoreError> {
        let after = after.map(|id| Sk::RegistryPool(id.clone()));
        let page = self.keys_after(&Pk::Registry, POOL_PREFIX, limit, after.as_ref()).await?;
        let ids: Result<Vec<PoolId>, _> =
            page.items.iter().map(|item| Reader::raw(item).typed("pool_id")).collect();
        Ok(Page { items: ids?, next: page.next })
    }

    /// One page of pools with their counters; consistent.
    pub async fn pool_list(
        &self,
        limit: i32,
        after: Option<&PoolId>,
    ) -> Result<Page<PoolState>, StoreError> {
        let page = self.pool_ids(limit, after).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for id in &page.items {
            items.extend(self.pool_fetch(id).await?);
        }
        let next = page.next.and(page.items.last()).map(ToString::to_string);
        Ok(Page { items, next })
    }

    /// The pools of a GTIN by lower boundary; consistent.
    pub async fn pools_of_gtin(&self, gtin: &Gtin14) -> Result<Vec<Boundary>, StoreError> {
        Ok(self.guarded(gtin).await?.boundaries)
    }

    /// Reads the guard's version and the boundaries of a GTIN in one consistent query.
    async fn guarded(&self, gtin: &Gtin14) -> Result<Guarded, StoreError> {
        let mut guarded = Guarded { version: 0, boundaries: Vec::new() };
        for item in self.partition(&Pk::Gtin(*gtin), "").await? {
            let reader = Reader::raw(&item);
            if reader.text("entity")? == "gtin-guard" {
                guarded.version = reader.parsed("version")?;
            } else {
                guarded.boundaries.push(Boundary {
                    pool_id: reader.typed("pool_id")?,
                    from: reader.parsed("from")?,
                    to: reader.parsed("to")?,
                });
            }
        }
        guarded.boundaries.sort_by_key(|boundary| boundary.from);
        Ok(guarded)
    }

    /// Puts a pool's claim in place of its earlier one, together with `others`, unless another pool of the
    /// GTIN has some of the numbers; gives the guard's new version. I1: the version makes racing claims of
    /// one GTIN take turns.
    async fn boundary_claim(
        &self,
        gtin: &Gtin14,
        claim: &Boundary,
        others: &[TransactWriteItem],
    ) -> Result<u64, PoolError> {
        for _ in 0..GUARD_TRIES {
            let guarded = self.guarded(gtin).await?;
            let overlapping = guarded.boundaries.iter().find(|other| {
                other.pool_id != claim.pool_id && other.from <= claim.to && claim.from <= other.to
            });
            if let Some(other) = overlapping {
                return Err(PoolError::Overlap { pool: other.pool_id.clone() });
            }
            let mut writes = self.claim_writes(gtin, claim, &guarded)?;
            writes.extend_from_slice(others);
            let call = self.dynamo.transact_write_items().set_transact_items(Some(writes));
            match call.send().await {
                Ok(_) => return Ok(guarded.version.saturating_add(1)),
                Err(error) if is_cancelled(&error) => {}
                Err(error) => return Err(sdk_error("TransactWriteItems claim", &error).into()),
            }
        }
        Err(StoreError::Conflict { what: "the GTIN's list of pools" }.into())
    }

    fn claim_writes(
        &self,
        gtin: &Gtin14,
        claim: &Boundary,
        guarded: &Guarded,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let pk = Pk::Gtin(*gtin);
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
                .set_key(Some(key(&pk, &old_key)))
                .condition_expression("attribute_exists(pk)")
                .build()
                .map_err(|error| built(&error))?;
            writes.push(TransactWriteItem::builder().delete(delete).build());
        }
        let mut item = new_item(&pk, &new_key, "gtin-pool");
        item.insert("pool_id".to_owned(), text(claim.pool_id.as_str()));
        item.insert("from".to_owned(), number(claim.from));
        item.insert("to".to_owned(), number(claim.to));
        // The guard's version already makes this write the only one; the owner is checked all the same.
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR pool_id = :pool")
            .expression_attribute_values(":pool", text(claim.pool_id.as_str()))
            .build()
            .map_err(|error| built(&error))?;
        writes.push(TransactWriteItem::builder().put(put).build());
        Ok(writes)
    }

    /// A transaction element that puts an item only if its key is free.
    pub(crate) fn put_new(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// An element that could not be built is a defect of ours, reported as a failed call.
pub(crate) fn built(error: &aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Unavailable { operation: "building a transaction", detail: error.to_string() }
}

/// Whether a transaction was called off (a condition, or another transaction on the same item).
pub(crate) fn is_cancelled<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    error.as_service_error().is_some_and(TransactWriteItemsError::is_transaction_canceled_exception)
}
