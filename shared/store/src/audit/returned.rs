//! I1, I2 and I4 of numbers that were offered a second time.
//!
//! - A run lies within a block of the allocation that returned it, which says that it gave numbers back, or is a
//!   void range, whole; runs are disjoint. What can be offered of a run, and what was taken of it, is returned there and nothing else.
//! - What belongs to another allocation since is a record of its own, which agrees with that allocation like a
//!   range, and is exactly what was taken of runs.

use std::collections::BTreeMap;

use domain::allocation::{Allocation, Reuse};
use domain::bitmap::{BlockSet, Offset};
use domain::fact::Fact;
use domain::ids::{AllocationId, PoolId};

use super::pools::{disagreement, owner};
use super::{Audit, Invariant, LOOKS};
use crate::Store;
use crate::error::StoreError;
use crate::keys::Pk;
use crate::range::{Range, RangeKind};
use crate::returned::ReturnedRun;

/// Records of one page.
const PAGE: i32 = 1_000;

/// What is wrong: the promise, the key of the record, the detail.
type Wrong = Vec<(Invariant, String, String)>;

impl Store {
    /// Audits what of a pool was offered a second time.
    pub(super) async fn audit_reoffers(
        &self,
        pool: &PoolId,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        let mut wrong = Vec::new();
        for _ in 0..LOOKS {
            wrong.clear();
            // What is taken of a run has its record by the same transaction: read afterwards, it is there.
            let Some(runs) = audit.readable(self.returned_list(pool).await)? else { return Ok(()) };
            let Some(taken) = self.reoffers(pool, audit).await? else { return Ok(()) };
            if runs.is_empty() && taken.is_empty() {
                return Ok(());
            }
            self.audit_runs(pool, &runs, (audit, &mut wrong)).await?;
            for range in &taken {
                self.audit_reoffer(pool, range, (audit, &mut wrong)).await?;
            }
            tiled(pool, &runs, &taken, &mut wrong);
            if wrong.is_empty() {
                let owners = taken.iter().filter_map(owner).cloned();
                audit.owners.extend(owners);
                return Ok(());
            }
        }
        for (invariant, subject, detail) in wrong {
            audit.breach(invariant, subject, detail);
        }
        Ok(())
    }

    async fn reoffers(
        &self,
        pool: &PoolId,
        audit: &mut Audit,
    ) -> Result<Option<Vec<Range>>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.reoffer_list(pool, PAGE, after).await;
            let Some(page) = audit.readable(page)? else { return Ok(None) };
            after = page.items.last().map(|range| range.start);
            all.extend(page.items);
            if page.next.is_none() {
                return Ok(Some(all));
            }
        }
    }

    async fn audit_runs(
        &self,
        pool: &PoolId,
        runs: &[ReturnedRun],
        (audit, wrong): (&mut Audit, &mut Wrong),
    ) -> Result<(), StoreError> {
        let mut givers: BTreeMap<AllocationId, Option<Allocation>> = BTreeMap::new();
        let mut end = 0;
        for run in runs {
            let mut say = |invariant, detail: &str| {
                let subject = format!("POOL#{pool}/RETURNED#{:020}", run.start);
                wrong.push((invariant, subject, detail.to_owned()));
            };
            if run.start < end {
                say(Invariant::Disjoint, "has numbers of the run before");
            }
            end = run.end();
            let pk = Pk::Run(pool.clone(), run.start);
            if run.withdrawn_by.is_some() && self.audit_last(&pk).await?.is_none() {
                say(Invariant::Evident, "was withdrawn without a record");
            }
            if !(run.start..=run.end()).contains(&run.next) {
                say(Invariant::Accounted, "its cursor is not in it");
            }
            if run.is_void {
                let whole = audit.readable(self.range_of(pool, run.start).await)?.flatten();
                let is_void = |range: &Range| {
                    matches!(range.kind, RangeKind::Void { .. })
                        && (range.start, range.size) == (run.start, run.size)
                };
                if !whole.is_some_and(|range| is_void(&range)) {
                    say(Invariant::Accounted, "is no void range");
                }
                continue;
            }
            if !givers.contains_key(&run.of) {
                let fetched = audit.readable(self.allocation_fetch(&run.of).await)?.flatten();
                givers.insert(run.of.clone(), fetched);
            }
            let giver = givers.get(&run.of).and_then(Option::as_ref);
            let placed = giver.and_then(|giver| Some((giver, place(giver, run)?)));
            let Some((giver, (block, numbers))) = placed else {
                say(Invariant::Accounted, "is no part of a block of the allocation that it names");
                continue;
            };
            if giver.pool_id != *pool || giver.reuse != Reuse::Gave {
                say(Invariant::Accounted, "its allocation does not say that it gave numbers back");
            }
            let Some(state) = audit.readable(self.block_fetch(&giver.id, block).await)? else {
                continue;
            };
            // Of a run that was withdrawn only what was taken before is promised to anybody: where a document used the
            // rest and another one is taken back, the block is judged anew, and the rest was never returned.
            let promised = if run.withdrawn_by.is_some() { taken_of(giver, run) } else { numbers };
            if !promised.difference(state.of(Fact::Returned)).is_empty() {
                say(Invariant::Balanced, "some of its numbers were never returned");
            }
            let mut used = BlockSet::new();
            for (_, set) in state.facts().filter(|(fact, _)| *fact != Fact::Returned) {
                used.union_with(set);
            }
            if promised.intersects(&used) {
                say(Invariant::Balanced, "some of its numbers are used and offered");
            }
        }
        Ok(())
    }

    async fn audit_reoffer(
        &self,
        pool: &PoolId,
        range: &Range,
        (audit, wrong): (&mut Audit, &mut Wrong),
    ) -> Result<(), StoreError> {
        let found = match owner(range) {
            Some(id) => audit.readable(self.allocation_fetch(id).await)?.flatten(),
            None => None,
        };
        let took = found.as_ref().is_some_and(|allocation| allocation.reuse == Reuse::Took);
        let own = "its allocation does not say that its numbers were returned before".to_owned();
        let detail = disagreement(pool, range, found.as_ref()).or_else(|| (!took).then_some(own));
        if let Some(detail) = detail {
            let subject = format!("POOL#{pool}/REOFFER#{:020}", range.start);
            wrong.push((Invariant::Accounted, subject, detail));
        }
        Ok(())
    }
}

/// The block of a run in its allocation, and its numbers there; `None` if it is in none.
fn place(giver: &Allocation, run: &ReturnedRun) -> Option<(u32, BlockSet)> {
    span(giver, (run.start, run.end())).filter(|_| run.end() <= giver.last().saturating_add(1))
}

/// What was taken of a run.
fn taken_of(giver: &Allocation, run: &ReturnedRun) -> BlockSet {
    span(giver, (run.start, run.next)).map(|(_, numbers)| numbers).unwrap_or_default()
}

/// Numbers of one block of an allocation; the end is not included.
fn span(giver: &Allocation, (from, to): (u128, u128)) -> Option<(u32, BlockSet)> {
    let place = |index: u128| domain::bitmap::place(index.checked_sub(giver.start)?);
    let (block, low): (u32, Offset) = place(from)?;
    let (same, high) = place(to.checked_sub(1).filter(|last| *last >= from)?)?;
    (same == block).then(|| (block, BlockSet::span(low, high)))
}

/// What was taken of runs is what belongs to others since: no more, no less, and to one each.
fn tiled(pool: &PoolId, runs: &[ReturnedRun], taken: &[Range], wrong: &mut Wrong) {
    let mut say = |detail: String| {
        wrong.push((Invariant::Disjoint, format!("POOL#{pool}"), detail));
    };
    let mut end = 0;
    for range in taken {
        if range.start < end {
            say(format!("numbers from {} on were offered to two allocations", range.start));
        }
        end = range.start.saturating_add(u128::from(range.size));
    }
    let of_runs = runs.iter().map(|run| (run.start, run.next)).filter(|(from, to)| from < to);
    let of_taken = taken.iter().map(|r| (r.start, r.start.saturating_add(u128::from(r.size))));
    let (of_runs, of_taken) = (joined(of_runs), joined(of_taken));
    if of_runs != of_taken {
        let first = of_runs.iter().zip(&of_taken).find(|(run, range)| run != range);
        let shorter = of_runs.len().min(of_taken.len());
        let extra = || of_runs.iter().chain(&of_taken).skip(shorter).map(|(from, _)| *from).next();
        let at = first.map(|((from, _), (start, _))| *from.min(start)).or_else(extra);
        let at = at.unwrap_or_default();
        say(format!("what was taken of runs is not what was offered again, from {at} on"));
    }
}

/// Spans joined where they touch.
fn joined(spans: impl Iterator<Item = (u128, u128)>) -> Vec<(u128, u128)> {
    let mut joined: Vec<(u128, u128)> = Vec::new();
    for (from, to) in spans {
        match joined.last_mut() {
            Some((_, end)) if *end == from => *end = to,
            _ => joined.push((from, to)),
        }
    }
    joined
}
