//! I1 and I2: pools, their ranges and open entries, and the allocations they belong to.

use std::collections::{BTreeMap, BTreeSet};

use domain::allocation::{Allocation, Reuse};
use domain::ids::{AllocationId, PoolId};
use domain::pool::Scheme;

use super::{Audit, Census, Invariant, LOOKS};
use crate::Store;
use crate::error::StoreError;
use crate::item::key;
use crate::keys::{Pk, Sk};
use crate::pool::{OpenEntry, PoolState};
use crate::range::{Range, RangeKind};

/// Ranges of one page.
const PAGE: i32 = 1_000;

impl Store {
    pub(super) async fn audit_pools(
        &self,
        census: &Census,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        let mut bounds: BTreeMap<_, Vec<(u128, u128, PoolId)>> = BTreeMap::new();
        for id in &census.pools {
            let fetched = self.pool_fetch(id).await;
            let Some(fetched) = audit.readable(fetched)? else { continue };
            let Some(state) = fetched else {
                audit.breach(
                    Invariant::Accounted,
                    format!("POOL#{id}"),
                    "the pool's item is missing",
                );
                continue;
            };
            audit.pools = audit.pools.saturating_add(1);
            let draft = &state.pool.draft;
            // Indexes of a space and decimal numbers are texts apart, so each counts for itself.
            let space = match draft.scheme {
                Scheme::Sequential { .. } | Scheme::List { .. } => None,
                Scheme::Randomised { space, .. } => Some(space),
            };
            audit.spaces_used.extend(draft.key.gtin().zip(space));
            let source = (Pk::from(draft.key).to_string(), space);
            let (from, to) = (draft.key.comparable(draft.from), draft.key.comparable(draft.to));
            if matches!(draft.scheme, Scheme::List { .. }) {
                // Each list counts for itself: its texts were compared when they were imported.
                self.audit_list(&state, audit).await?;
            } else {
                bounds.entry(source).or_default().push((from, to, id.clone()));
            }
            self.audit_pool(&state, audit).await?;
            self.audit_reoffers(id, audit).await?;
            let claims = self.pools_of(draft.key).await;
            let claims = audit.readable(claims)?.unwrap_or_default();
            let covered = claims.iter().any(|claim| {
                claim.pool_id == *id && claim.from <= draft.from && claim.to >= draft.to
            });
            if !covered {
                let detail = "its numbers are not all claimed in its key's list of pools";
                audit.breach(Invariant::Disjoint, format!("POOL#{id}"), detail);
            }
        }
        for pools in bounds.values_mut() {
            pools.sort();
            for (one, other) in pools.iter().zip(pools.iter().skip(1)) {
                if other.0 <= one.1 {
                    let detail = format!("overlaps pool {} from {} on", other.2, other.0);
                    audit.breach(Invariant::Disjoint, format!("POOL#{}", one.2), detail);
                }
            }
        }
        Ok(())
    }

    /// I2 of a list: its imports follow each other from the first number to the last.
    async fn audit_list(&self, state: &PoolState, audit: &mut Audit) -> Result<(), StoreError> {
        let pool = &state.pool;
        let imports = self.list_imports(&pool.id).await;
        let Some(imports) = audit.readable(imports)? else { return Ok(()) };
        let mut next = pool.draft.from;
        for import in imports.unwrap_or_default() {
            if import.first == next {
                next = import.last().saturating_add(1);
            }
        }
        // Who imports at this moment has made it longer.
        if next <= pool.draft.to {
            let detail = format!("has numbers up to {}, but imports up to {next}", pool.draft.to);
            audit.breach(Invariant::Accounted, format!("POOL#{}", pool.id), detail);
        }
        Ok(())
    }

    /// I2 of one pool, as it was read before its ranges.
    async fn audit_pool(&self, state: &PoolState, audit: &mut Audit) -> Result<(), StoreError> {
        let pool = &state.pool;
        let subject = format!("POOL#{}", pool.id);
        let end = pool.draft.to.saturating_add(1);
        if pool.cursor.saturating_add(pool.remaining) != end {
            let detail = format!(
                "cursor {} and remaining {} do not add up to its end {end}",
                pool.cursor, pool.remaining
            );
            audit.breach(Invariant::Accounted, &subject, detail);
        }
        let mut parts = Vec::new();
        let mut after = None;
        loop {
            let page = self.range_list(&pool.id, PAGE, after).await;
            let Some(page) = audit.readable(page)? else { return Ok(()) };
            after = page.items.last().map(|range| range.start);
            let ranges: Vec<Range> =
                page.items.into_iter().filter(|range| range.start < pool.cursor).collect();
            let owners = self.range_owners(&ranges, audit).await?;
            for range in ranges {
                parts.push((range.start, u128::from(range.size)));
                self.audit_range(&pool.id, range, &owners, audit).await?;
            }
            if page.next.is_none() {
                break;
            }
        }
        for entry in &state.open {
            audit.open = audit.open.saturating_add(1);
            match parts.iter().find(|(start, _)| *start == entry.start) {
                Some((_, size)) if *size != u128::from(entry.size) => {
                    let detail = format!("the open entry at {} has another size", entry.start);
                    audit.breach(Invariant::Accounted, &subject, detail);
                }
                Some(_) => {}
                None => {
                    self.audit_open(&pool.id, entry, audit).await?;
                    parts.push((entry.start, u128::from(entry.size)));
                }
            }
        }
        audit.numbers = audit.numbers.saturating_add(pool.reserved());
        tile(&subject, (pool.draft.from, pool.cursor), parts, audit);
        Ok(())
    }

    /// An entry without a record when the ranges were read: it is still open, or has its record by now.
    async fn audit_open(
        &self,
        pool: &PoolId,
        entry: &OpenEntry,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        let now = self.pool_fetch(pool).await?;
        let open = now.as_ref().and_then(|now| now.entry(&entry.allocation_id));
        if open.is_some_and(|open| open.start == entry.start) {
            return Ok(());
        }
        let range = self.range_of(pool, entry.start).await?;
        let recorded =
            range.is_some_and(|range| range.start == entry.start && range.size == entry.size);
        if !recorded {
            let detail = format!("the entry at {} was closed without a record", entry.start);
            audit.breach(Invariant::Accounted, format!("POOL#{pool}"), detail);
        }
        Ok(())
    }

    /// A range and its allocation agree.
    async fn audit_range(
        &self,
        pool: &PoolId,
        mut range: Range,
        owners: &BTreeMap<AllocationId, Allocation>,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        audit.ranges = audit.ranges.saturating_add(1);
        let found = owner(&range).and_then(|id| owners.get(id));
        let mut wrong = disagreement(pool, &range, found);
        for _ in 0..LOOKS {
            if wrong.is_none() {
                break;
            }
            // It may have been voided between the two reads.
            if let Some(now) = self.range_of(pool, range.start).await? {
                range = now;
            }
            let Some(found) = audit.readable(self.range_owner(&range).await)? else {
                return Ok(());
            };
            wrong = disagreement(pool, &range, found.as_ref());
        }
        match (wrong, &range.kind) {
            (Some(detail), _) => {
                let subject = format!("POOL#{pool}/RANGE#{:020}", range.start);
                audit.breach(Invariant::Accounted, subject, detail);
            }
            (None, RangeKind::Allocation(id)) => {
                audit.owners.insert(id.clone());
            }
            // A void range may name an allocation that lives elsewhere.
            (None, RangeKind::Void { .. }) => {}
        }
        if matches!(range.kind, RangeKind::Void { .. }) {
            audit.void = audit.void.saturating_add(u128::from(range.size));
        }
        Ok(())
    }

    /// The allocations that ranges name, read in batches.
    async fn range_owners(
        &self,
        ranges: &[Range],
        audit: &mut Audit,
    ) -> Result<BTreeMap<AllocationId, Allocation>, StoreError> {
        let ids: BTreeSet<&AllocationId> = ranges.iter().filter_map(owner).collect();
        let keys =
            ids.into_iter().map(|id| key(&Pk::Allocation(id.clone()), &Sk::Allocation)).collect();
        let mut owners = BTreeMap::new();
        for item in self.batch_get("BatchGetItem allocations", keys).await? {
            let read = crate::allocation::from_item(&item).map_err(StoreError::from);
            if let Some(allocation) = audit.readable(read)? {
                owners.insert(allocation.id.clone(), allocation);
            }
        }
        Ok(owners)
    }

    async fn range_owner(&self, range: &Range) -> Result<Option<Allocation>, StoreError> {
        match owner(range) {
            Some(id) => self.allocation_fetch(id).await,
            None => Ok(None),
        }
    }

    /// Every allocation has its range. Together with I2 of its pool that makes it disjoint from all others.
    pub(super) async fn audit_allocations(
        &self,
        census: &Census,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        for id in &census.allocations {
            if audit.owners.contains(id) {
                audit.allocations = audit.allocations.saturating_add(1);
                continue;
            }
            let fetched = self.allocation_fetch(id).await;
            let Some(Some(allocation)) = audit.readable(fetched)? else { continue };
            audit.allocations = audit.allocations.saturating_add(1);
            let range = match allocation.reuse {
                Reuse::Took => self.reoffer_of(&allocation.pool_id, allocation.start).await,
                Reuse::None | Reuse::Gave => {
                    self.range_of(&allocation.pool_id, allocation.start).await
                }
            };
            let Some(range) = audit.readable(range)? else { continue };
            let own = range.as_ref().is_some_and(|range| {
                range.start == allocation.start
                    && range.size == allocation.size
                    && owner(range) == Some(id)
            });
            if !own {
                let detail = format!("has no range of its own at {}", allocation.start);
                audit.breach(Invariant::Disjoint, format!("ALLOC#{id}"), detail);
            }
        }
        Ok(())
    }
}

pub(super) fn owner(range: &Range) -> Option<&AllocationId> {
    match &range.kind {
        RangeKind::Allocation(id) => Some(id),
        RangeKind::Void { allocation_id, .. } => allocation_id.as_ref(),
    }
}

/// What is wrong between a range and the allocation that it names.
pub(super) fn disagreement(
    pool: &PoolId,
    range: &Range,
    found: Option<&Allocation>,
) -> Option<String> {
    let same = |allocation: &Allocation| {
        allocation.pool_id == *pool
            && allocation.start == range.start
            && allocation.size == range.size
    };
    match (&range.kind, found) {
        (RangeKind::Allocation(id), None) => Some(format!("its allocation {id} does not exist")),
        (RangeKind::Allocation(id), Some(allocation)) if !same(allocation) => {
            Some(format!("allocation {id} has other numbers"))
        }
        (RangeKind::Allocation(id), Some(allocation)) if allocation.status.is_given_up() => {
            Some(format!("allocation {id} is {}, its range is not", allocation.status.as_str()))
        }
        (RangeKind::Void { .. }, Some(allocation))
            if same(allocation) && !allocation.status.is_given_up() =>
        {
            Some(format!("is void, but allocation {} lives on it", allocation.id))
        }
        (RangeKind::Allocation(_) | RangeKind::Void { .. }, _) => None,
    }
}

/// The parts follow each other from the pool's first number to its cursor without gap or overlap.
fn tile(
    subject: &str,
    (from, cursor): (u128, u128),
    mut parts: Vec<(u128, u128)>,
    audit: &mut Audit,
) {
    parts.sort_unstable();
    let mut next = from;
    for (start, size) in parts {
        if start < next {
            let detail =
                format!("numbers {start} to {} are in two records", next.saturating_sub(1));
            audit.breach(Invariant::Disjoint, subject, detail);
        } else if start > next {
            let last = start.saturating_sub(1);
            let detail = format!("numbers {next} to {last} are in no record");
            audit.breach(Invariant::Accounted, subject, detail);
        }
        next = next.max(start.saturating_add(size));
    }
    if next < cursor {
        let last = cursor.saturating_sub(1);
        let detail = format!("numbers {next} to {last} are in no record");
        audit.breach(Invariant::Accounted, subject, detail);
    } else if next > cursor {
        let detail = format!("records reach to {}, the cursor is {cursor}", next.saturating_sub(1));
        audit.breach(Invariant::Accounted, subject, detail);
    }
}
