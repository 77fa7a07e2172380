//! Allocation items: read, listed, confirmed, exported, activated, closed, voided.
//!
//! While an allocation is held or open (reserved, exported, active or under review) it is in a queue of the index
//! `attention`; the write that ends it takes it out. Voiding, closing and every other transition write
//! the same item that carries the status, so the two cannot disagree.

mod end;
mod fill;
pub mod hold;
mod turn;
mod waiting;

use domain::allocation::{Allocation, AllocationStatus, Hold, Reuse, TransitionError};
use domain::ids::AllocationId;
use domain::object_key::ObjectKey;
use domain::request::{Details, Mode};

pub use self::fill::{Counted, Fill, Gain};
use crate::attention::Queue;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{Pk, Sk, listing};
use crate::{Page, Store, key_item, scheme_item};

pub(crate) const ENTITY: &str = "allocation";

/// Index pages read at most for one page of a filtered list, so that a rare filter answers in time.
const PAGES_PER_LIST: u32 = 10;

/// Why an allocation was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Its life cycle does not have this.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a list of allocations is restricted to.
#[derive(Debug, Clone, Default)]
pub struct AllocationFilter {
    /// Only this state.
    pub status: Option<AllocationStatus>,
    /// Only numbers of this key.
    pub key: Option<ObjectKey>,
    /// Only these lines; empty means all.
    pub line_glns: Vec<String>,
    /// Only this lot.
    pub lot: Option<String>,
    /// Only what was created at this time or later, RFC 3339 UTC.
    pub since: Option<String>,
}

pub(crate) fn to_item(allocation: &Allocation) -> Item {
    let a = allocation;
    let mut item = new_item(&Pk::Allocation(a.id.clone()), &Sk::Allocation, ENTITY);
    let fields = [
        ("id", text(a.id.as_str())),
        ("request_id", text(a.request_id.as_str())),
        ("request_hash", text(a.request_hash.as_str())),
        ("requester", text(a.requester.as_str())),
        ("system_id", text(a.system_id.as_str())),
        ("pool_id", text(a.pool_id.as_str())),
        ("company_prefix_length", number(a.company_prefix_length)),
        ("start", number(a.start)),
        ("size", number(a.size)),
        ("status", text(a.status.as_str())),
        ("created_at", text(a.created_at.as_str())),
        ("list_pk", text(listing::ALLOCATION)),
        ("list_sk", text(time_key(a))),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    key_item::put(&mut item, a.key);
    scheme_item::put(&mut item, a.scheme, false);
    if let Some((queue, place)) = place_of(a) {
        item.extend(queue.attributes(&place));
    }
    if let Some(hold) = &a.hold {
        item.insert("expires_at".to_owned(), text(hold.ends_at.as_str()));
        put_some(&mut item, "confirmed_at", hold.confirmed_at.as_deref());
    }
    // What is as usual is left out, as in items that were made before there was anything else.
    put_some(&mut item, "mode", (a.mode != Mode::default()).then(|| a.mode.as_str()));
    put_some(&mut item, "reuse", (a.reuse != Reuse::None).then(|| a.reuse.as_str()));
    if a.requested != a.size {
        item.insert("requested".to_owned(), number(a.requested));
    }
    put_some(&mut item, "line_gln", a.line_gln.as_ref().map(domain::gln::Gln::as_str));
    put_some(&mut item, "plant_gln", a.plant_gln.as_ref().map(domain::gln::Gln::as_str));
    put_some(&mut item, "closed_at", a.closed_at.as_deref());
    for (name, value) in a.details.fields() {
        put_some(&mut item, name, value.as_deref());
    }
    item
}

/// The sort key in both indexes.
fn time_key(allocation: &Allocation) -> String {
    format!("{}#{}", allocation.created_at, allocation.id)
}

/// The queue it waits in while somebody still has to bring it to its end, and its place there.
fn place_of(allocation: &Allocation) -> Option<(Queue, String)> {
    match allocation.status {
        AllocationStatus::PendingConfirmation => {
            let ends_at = allocation.hold.as_ref().map(|hold| hold.ends_at.as_str());
            let place = format!("{}#{}", ends_at.unwrap_or_default(), allocation.id);
            Some((Queue::Held, place))
        }
        AllocationStatus::Reserved
        | AllocationStatus::Exported
        | AllocationStatus::Active
        | AllocationStatus::PendingReview => Some((Queue::OpenAllocation, time_key(allocation))),
        AllocationStatus::Closed | AllocationStatus::Voided | AllocationStatus::Expired => None,
    }
}

pub(crate) fn from_item(item: &Item) -> Result<Allocation, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let status = AllocationStatus::parse(reader.text("status")?)
        .ok_or_else(|| reader.corrupt("status", "is unknown"))?;
    let owned = |name| reader.optional_text(name).ok().flatten().map(str::to_owned);
    let size = reader.parsed("size")?;
    let key = key_item::read(reader)?;
    let mode = match reader.optional_text("mode")? {
        None => Mode::default(),
        Some(word) => Mode::parse(word).ok_or_else(|| reader.corrupt("mode", "is unknown"))?,
    };
    let reuse = match reader.optional_text("reuse")? {
        None => Reuse::None,
        Some(word) => Reuse::parse(word).ok_or_else(|| reader.corrupt("reuse", "is unknown"))?,
    };
    let hold =
        owned("expires_at").map(|ends_at| Hold { ends_at, confirmed_at: owned("confirmed_at") });
    Ok(Allocation {
        id: reader.typed("id")?,
        request_id: reader.typed("request_id")?,
        request_hash: reader.text("request_hash")?.to_owned(),
        requester: reader.typed("requester")?,
        system_id: reader.typed("system_id")?,
        pool_id: reader.typed("pool_id")?,
        key,
        company_prefix_length: reader.parsed("company_prefix_length")?,
        scheme: scheme_item::read(reader, key)?,
        start: reader.parsed("start")?,
        size,
        status,
        line_gln: reader.optional_typed("line_gln")?,
        plant_gln: reader.optional_typed("plant_gln")?,
        details: Details::from_lookup(owned),
        created_at: reader.text("created_at")?.to_owned(),
        closed_at: owned("closed_at"),
        requested: reader.optional_parsed("requested")?.unwrap_or(size),
        mode,
        hold,
        reuse,
    })
}

impl Store {
    /// An allocation; strongly consistent.
    pub async fn allocation_fetch(
        &self,
        id: &AllocationId,
    ) -> Result<Option<Allocation>, StoreError> {
        let pk = Pk::Allocation(id.clone());
        let item = self.item_fetch("GetItem allocation", &pk, &Sk::Allocation).await?;
        Ok(item.as_ref().map(from_item).transpose()?)
    }

    /// One page of allocations, newest first. Read from the index, so it may lag a moment. `after` and
    /// `next` are index sort keys.
    pub async fn allocation_list(
        &self,
        filter: &AllocationFilter,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Page<Allocation>, StoreError> {
        let mut items: Vec<Allocation> = Vec::new();
        let mut start = after.map(str::to_owned);
        for _ in 0..PAGES_PER_LIST {
            let page = self
                .listing_page(listing::ALLOCATION, filter.since.as_deref(), start.as_deref())
                .await?;
            for item in &page.items {
                let allocation = from_item(item)?;
                start = Some(time_key(&allocation));
                if filter.matches(&allocation) {
                    items.push(allocation);
                    if items.len() == limit {
                        return Ok(Page { items, next: start });
                    }
                }
            }
            if page.next.is_none() {
                return Ok(Page { items, next: None });
            }
            start = page.next;
        }
        Ok(Page { items, next: start })
    }

    /// One page of an index partition, newest (greatest) key first; eventually consistent, as every
    /// secondary index. `since` is the least sort key.
    pub(crate) async fn listing_page(
        &self,
        partition: &str,
        since: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<Item>, StoreError> {
        // The first page ends at a key above all; a later one below the last key seen, which the
        // condition `BETWEEN` includes and the caller has had: so it is dropped here.
        let last = after.unwrap_or("\u{10FFFF}");
        if since.is_some_and(|since| since > last) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .index_name("listing")
            .key_condition_expression("list_pk = :pk AND list_sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":first", text(since.unwrap_or("!")))
            .expression_attribute_values(":last", text(last))
            .scan_index_forward(false)
            .limit(201)
            .send()
            .await
            .map_err(|error| sdk_error("Query listing", &error))?;
        let sort_key = |item: &Item| item.get("list_sk").and_then(|v| v.as_s().ok()).cloned();
        let next = output.last_evaluated_key.as_ref().and_then(sort_key);
        let mut items = output.items.unwrap_or_default();
        items.retain(|item| after.is_none() || sort_key(item).as_deref() != after);
        Ok(Page { items, next })
    }
}

impl AllocationFilter {
    fn matches(&self, allocation: &Allocation) -> bool {
        let line = allocation.line_gln.as_ref().map(domain::gln::Gln::as_str);
        self.status.is_none_or(|status| allocation.status == status)
            && self.key.is_none_or(|key| allocation.key == key)
            && self.lot.as_deref().is_none_or(|lot| allocation.details.lot.as_deref() == Some(lot))
            && (self.line_glns.is_empty()
                || line.is_some_and(|line| self.line_glns.iter().any(|gln| gln == line)))
    }
}
