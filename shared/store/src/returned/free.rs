//! Which runs of a pool could serve a request, asked from the index.

use domain::ids::PoolId;

use super::{ReturnedRun, from_item};
use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, text};
use crate::keys::listing;

/// Runs that are large enough of which one is chosen: the smallest of them.
const FITTING: i32 = 25;
/// Pages of the index that are read, the largest runs first, to find some that follow each other.
const PAGES_MAX: u32 = 10;

/// The place of a run in the index, by how much of it can still be offered.
pub(super) fn place(free: u64, start: u128) -> String {
    format!("{free:020}#{start:020}")
}

impl Store {
    /// Runs of a pool that can be offered, by first index: the smallest of those that have so many numbers each;
    /// where none has, the largest there are. Read from the index, so one may be used up or withdrawn by now, and
    /// the newest may be missing.
    pub(crate) async fn returned_free(
        &self,
        pool: &PoolId,
        quantity: u64,
    ) -> Result<Vec<ReturnedRun>, StoreError> {
        let items = self.returned_fitting(pool, quantity).await?;
        let mut runs = runs_of(&items)?;
        if runs.iter().all(|run| run.free() < quantity) {
            runs = self.returned_largest(pool).await?;
        }
        runs.sort_by_key(|run| run.start);
        Ok(runs)
    }

    async fn returned_fitting(
        &self,
        pool: &PoolId,
        quantity: u64,
    ) -> Result<Vec<Item>, StoreError> {
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .index_name("listing")
            .key_condition_expression("list_pk = :pk AND list_sk >= :least")
            .expression_attribute_values(":pk", text(listing::returned(pool)))
            .expression_attribute_values(":least", text(format!("{quantity:020}")))
            .limit(FITTING)
            .send()
            .await
            .map_err(|error| sdk_error("Query runs that fit", &error))?;
        Ok(output.items.unwrap_or_default())
    }

    async fn returned_largest(&self, pool: &PoolId) -> Result<Vec<ReturnedRun>, StoreError> {
        let (mut runs, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let page = self.listing_page(&listing::returned(pool), None, after.as_deref()).await?;
            runs.extend(runs_of(&page.items)?);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(runs)
    }
}

fn runs_of(items: &[Item]) -> Result<Vec<ReturnedRun>, Corrupt> {
    items.iter().map(from_item).collect()
}
