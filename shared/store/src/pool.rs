//! Pools: created and changed under a guard per key, so that no two ever overlap (I1).

mod change;
mod claim;
mod guard;
mod import;
pub(crate) mod policy;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::ids::PoolId;
use domain::pool::{Pool, PoolDraft, PoolStatus, Scheme};
use domain::space::{Clash, DensityError};

pub use self::change::PoolChange;
pub(crate) use self::change::told;
pub use self::claim::{Boundary, Source};
use self::guard::Others;
pub(crate) use self::import::{HEAD, ImportBase, LinkError};
pub use self::policy::PolicyChange;
use crate::audit_record::{AuditRecord, HUB};
use crate::error::StoreError;
use crate::item::{Item, Reader, new_item, text};
use crate::keys::{POOL_PREFIX, Pk, Sk};
pub use crate::pool_item::{OpenEntry, PoolState};
use crate::pool_item::{from_item, to_item};
use crate::{Page, Store};

/// How often a creation is tried again when another one of the same key came between.
const GUARD_TRIES: u32 = 8;

/// Why a pool could not be created or its boundaries not moved.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The numbers belong to another pool.
    #[error("the numbers overlap those of pool {pool}")]
    Overlap {
        /// That pool.
        pool: PoolId,
    },
    /// The pool and another source of the GTIN could print the same text.
    #[error("{clash} ({with})")]
    Clash {
        /// A text of the pool, and one of the other.
        clash: Clash,
        /// The other.
        with: Source,
    },
    /// The pools of the space would be too large for it.
    #[error(transparent)]
    Density(#[from] DensityError),
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

impl PoolError {
    /// What stands in the way, for a log line: without the texts and numbers that the caller is told (I9).
    #[must_use]
    pub fn for_log(&self) -> String {
        match self {
            Self::Overlap { pool } => format!("overlaps pool {pool}"),
            Self::Clash { with, .. } => format!("could print a text of {with}"),
            Self::Density(_) => "its space would be too full".to_owned(),
            Self::BelowCursor { .. } => "numbers that are reserved stand against it".to_owned(),
            Self::Rule(rule) => format!("breaks a rule of {}", rule.field),
            Self::Store(error) => error.to_string(),
        }
    }
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
        let remaining = draft.to.saturating_add(1).saturating_sub(draft.from);
        let pool = Pool {
            id,
            status: PoolStatus::Active,
            cursor: draft.from,
            remaining,
            created_at: now.to_owned(),
            draft,
        };
        let claim = Boundary::of(&pool.id, &pool.draft);
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
        let space = match pool.draft.scheme {
            Scheme::Sequential { .. } | Scheme::List { .. } => None,
            Scheme::Randomised { space, form } => Some((space, form)),
        };
        let others = Others { puts: &puts, space, now };
        self.boundary_claim(pool.draft.key, &claim, others).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i9_a_log_line_of_a_refusal_says_no_serial() {
        let pool = PoolId::from_entropy([1; 17]);
        let clash = Clash { one: "77712345".to_owned(), other: "77712345".to_owned() };
        let rule =
            domain::pool::PoolRuleError { field: "to", detail: "is above 77712345".to_owned() };
        for refused in [
            PoolError::Clash { clash, with: Source::Pool(pool.clone()) },
            PoolError::Overlap { pool },
            PoolError::BelowCursor { cursor: 77_712_345 },
            PoolError::Rule(rule),
        ] {
            assert!(!refused.for_log().contains("77712345"), "{}", refused.for_log());
        }
    }
}
