//! Allocations that somebody waits for, as people look at them: held ones, and those under review.

use domain::allocation::Allocation;

use super::from_item;
use crate::attention::{Queue, SK};
use crate::error::StoreError;
use crate::{Page, Store};

/// Entries read in one page of a queue.
const PAGE_ITEMS: i32 = 250;
/// Pages read at most for one answer, so that a rare kind in a long queue is answered in time.
const PAGES_MAX: u32 = 8;

impl Store {
    /// Allocations of a queue that `keep` says yes to, the least key first, `limit` at the most. `next` is the key
    /// to go on after; a page may have fewer than `limit`, or none, and go on all the same. Read from an index, so
    /// it may lag a moment.
    pub async fn waiting_page(
        &self,
        queue: Queue,
        (limit, after): (usize, Option<&str>),
        keep: impl Fn(&Allocation) -> bool,
    ) -> Result<Page<Allocation>, StoreError> {
        let mut items = Vec::new();
        let mut after = after.map(str::to_owned);
        for _ in 0..PAGES_MAX {
            let page = self.attention_page(queue, None, after.as_deref(), PAGE_ITEMS).await?;
            for item in &page.items {
                if items.len() >= limit {
                    return Ok(Page { items, next: after });
                }
                after = item.get(SK).and_then(|place| place.as_s().ok()).cloned();
                let allocation = from_item(item)?;
                if keep(&allocation) {
                    items.push(allocation);
                }
            }
            if page.next.is_none() {
                return Ok(Page { items, next: None });
            }
            after = page.next;
        }
        Ok(Page { items, next: after })
    }
}
