//! What the scorecard is computed from, read with caps.
//!
//! Queues of the index `attention` hold what is unfinished, and the index `listing` is read back to the
//! start of a window, so the cost follows what is going on now and not the history. Whatever was cut
//! says so. Both indexes may lag a moment; pools are read consistently.

use domain::allocation::Allocation;
use domain::finding::Severity;
use domain::gln::Gln;
use domain::ids::{PoolId, SystemId};
use domain::pool::Pool;
use domain::telemetry::Line;

use crate::allocation::{Fill, from_item as allocation_from};
use crate::attention::Queue;
use crate::document::Document;
use crate::document_item::from_item as document_from;
use crate::error::StoreError;
use crate::item::{Corrupt, Item, Reader, key};
use crate::keys::{Pk, Sk, listing};
use crate::pool_item::from_item as pool_from;
use crate::{Page, Store};

/// Items read at most of one kind.
pub const ITEMS_MAX: usize = 2_000;
/// Pages read at most of one kind: an item may be so large that a page holds few.
const PAGES_MAX: u32 = 20;
/// Items asked for in one page of a queue.
const PAGE_ITEMS: i32 = 500;
/// Pools whose ids are read in one page of the registry, and which are then read in one batch.
const POOL_PAGE: i32 = 100;
/// Lines read in one page.
const LINE_PAGE: i32 = 100;

/// What was read, and whether there is more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading<T> {
    /// The items, in the order of the index.
    pub items: Vec<T>,
    /// There are more than were read.
    pub truncated: bool,
}

/// An open allocation and how far it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAllocation {
    /// The allocation.
    pub allocation: Allocation,
    /// How far it is used.
    pub fill: Fill,
}

/// That something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How bad it is.
    pub severity: Severity,
    /// When it was found first, RFC 3339.
    pub at: String,
    /// The system whose copy it was found for.
    pub system_id: SystemId,
}

/// Numbers taken from a pool at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The pool.
    pub pool_id: PoolId,
    /// How many.
    pub size: u64,
    /// When, RFC 3339.
    pub at: String,
}

fn found_from(item: &Item) -> Result<Found, Corrupt> {
    let reader = Reader::new(item, "finding")?;
    let severity = Severity::parse(reader.text("severity")?);
    Ok(Found {
        severity: severity.ok_or_else(|| reader.corrupt("severity", "is unknown"))?,
        at: reader.text("at")?.to_owned(),
        system_id: reader.typed("system_id")?,
    })
}

fn taken_from(item: &Item) -> Result<Taken, Corrupt> {
    let allocation = allocation_from(item)?;
    Ok(Taken { pool_id: allocation.pool_id, size: allocation.size, at: allocation.created_at })
}

impl Store {
    /// Open allocations, the oldest first.
    pub async fn scorecard_allocations(&self) -> Result<Reading<OpenAllocation>, StoreError> {
        let open = self.queue_read(Queue::OpenAllocation, allocation_from).await?;
        // Activation comes before the first posting: in any other state nothing is used.
        let active = open.items.iter().filter(|one| one.status.may_be_used());
        let mut fills = self.fills(active.map(|one| &one.id)).await?;
        let with_fill = |allocation: Allocation| {
            let fill = fills.remove(allocation.id.as_str()).unwrap_or_default();
            OpenAllocation { allocation, fill }
        };
        let items = open.items.into_iter().map(with_fill).collect();
        Ok(Reading { items, truncated: open.truncated })
    }

    /// Documents in a queue: parked ones by their next try, or quarantined ones by receipt.
    pub async fn scorecard_waiting(&self, queue: Queue) -> Result<Reading<Document>, StoreError> {
        self.queue_read(queue, document_from).await
    }

    /// Findings found at `since` or later, whatever became of them, the newest first.
    pub async fn scorecard_found(&self, since: &str) -> Result<Reading<Found>, StoreError> {
        self.listing_read(listing::FINDING, since, found_from).await
    }

    /// Documents received at `since` or later, the newest first.
    pub async fn scorecard_received(&self, since: &str) -> Result<Reading<Document>, StoreError> {
        self.listing_read(listing::DOCUMENT, since, document_from).await
    }

    /// Numbers reserved at `since` or later, the newest first. Those of allocations that were voided
    /// since count too: they are gone from the pool.
    pub async fn scorecard_taken(&self, since: &str) -> Result<Reading<Taken>, StoreError> {
        self.listing_read(listing::ALLOCATION, since, taken_from).await
    }

    /// Pools by id; consistent.
    pub async fn scorecard_pools(&self) -> Result<Reading<Pool>, StoreError> {
        let mut items = Vec::new();
        let mut after: Option<PoolId> = None;
        loop {
            let page = self.pool_ids(POOL_PAGE, after.as_ref()).await?;
            let keys = page.items.iter().map(|id| key(&Pk::Pool(id.clone()), &Sk::Pool)).collect();
            for item in self.batch_get("BatchGetItem pools", keys).await? {
                items.push(pool_from(&item)?.pool);
            }
            after = page.next.and(page.items.last().cloned());
            let truncated = items.len() >= ITEMS_MAX && after.is_some();
            if truncated || after.is_none() {
                items.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
                return Ok(Reading { items, truncated });
            }
        }
    }

    /// Lines by GLN; consistent.
    pub async fn scorecard_lines(&self) -> Result<Reading<Line>, StoreError> {
        let mut items = Vec::new();
        let mut after: Option<Gln> = None;
        loop {
            let page = self.line_list(LINE_PAGE, after).await?;
            after = page.next.and_then(|gln| Gln::parse(&gln).ok());
            items.extend(page.items);
            let truncated = items.len() >= ITEMS_MAX && after.is_some();
            if truncated || after.is_none() {
                return Ok(Reading { items, truncated });
            }
        }
    }

    async fn queue_read<T>(
        &self,
        queue: Queue,
        parse: impl Fn(&Item) -> Result<T, Corrupt>,
    ) -> Result<Reading<T>, StoreError> {
        let mut reading = Reading { items: Vec::new(), truncated: false };
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let page = self.attention_page(queue, None, after.as_deref(), PAGE_ITEMS).await?;
            after.clone_from(&page.next);
            if !reading.take(&page, &parse)? {
                return Ok(reading);
            }
        }
        Ok(Reading { truncated: true, ..reading })
    }

    async fn listing_read<T>(
        &self,
        partition: &str,
        since: &str,
        parse: impl Fn(&Item) -> Result<T, Corrupt>,
    ) -> Result<Reading<T>, StoreError> {
        let mut reading = Reading { items: Vec::new(), truncated: false };
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let page = self.listing_page(partition, Some(since), after.as_deref()).await?;
            after.clone_from(&page.next);
            if !reading.take(&page, &parse)? {
                return Ok(reading);
            }
        }
        Ok(Reading { truncated: true, ..reading })
    }
}

impl<T> Reading<T> {
    /// Takes a page up to the cap; whether to go on.
    fn take(
        &mut self,
        page: &Page<Item>,
        parse: impl Fn(&Item) -> Result<T, Corrupt>,
    ) -> Result<bool, Corrupt> {
        for item in &page.items {
            if self.items.len() >= ITEMS_MAX {
                self.truncated = true;
                return Ok(false);
            }
            self.items.push(parse(item)?);
        }
        Ok(page.next.is_some())
    }

    /// Only what `keep` says.
    #[must_use]
    pub fn filtered(mut self, keep: impl Fn(&T) -> bool) -> Self {
        self.items.retain(keep);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_cap_is_left_out_and_said() {
        let page = |items: usize, next: Option<&str>| Page {
            items: vec![Item::new(); items],
            next: next.map(str::to_owned),
        };
        let read = |pages: &[Page<Item>]| {
            let mut reading = Reading { items: Vec::new(), truncated: false };
            let more = pages.iter().map(|page| reading.take(page, |_| Ok(())).unwrap());
            let more = more.last().unwrap();
            (reading.items.len(), reading.truncated, more)
        };
        assert_eq!(read(&[page(ITEMS_MAX, None)]), (ITEMS_MAX, false, false));
        assert_eq!(read(&[page(1, Some("a"))]), (1, false, true));
        assert_eq!(read(&[page(ITEMS_MAX, Some("a"))]), (ITEMS_MAX, false, true));
        let pages = [page(ITEMS_MAX, Some("a")), page(1, None)];
        assert_eq!(read(&pages), (ITEMS_MAX, true, false));
    }
}
