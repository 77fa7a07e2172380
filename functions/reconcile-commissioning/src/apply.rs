//! Applies a plan to the ledger.
//!
//! The order matters: an allocation becomes active before its first block is written, the plan's
//! blocks are recorded before the first of them, every block is one transaction, and only then is
//! anything said about the whole. A crash in between leaves a document that is `applying`; the next
//! delivery does it all again and finds what was done.

use std::collections::BTreeSet;

use domain::allocation::{Allocation, Transition};
use domain::bitmap::{BLOCK_SIZE, BlockSet, Offset};
use domain::fact::Fact;
use domain::finding::Code;
use domain::ids::SystemId;
use domain::ledger::{BlockState, Terms};
use domain::pool::Scheme;
use store::allocation::{ChangeError, Counted, Gain};
use store::block::{Place, Posted};
use store::meter::Meter;
use store::plan::PlanRun;
use store::report::AllocationTally;
use store::{Store, StoreError};
use tokio::task::JoinSet;

use crate::plan::{Findings, Plan, PlannedAllocation};

/// Blocks that are written at the same time.
const AT_ONCE: usize = 16;
/// So many blocks beyond the document's own are looked at for the nearest commissioned serial; the
/// farther ones only where the nearer ones have none.
const NEIGHBOURS: [u32; 3] = [1, 10, 100];

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Applied {
    /// Commissioned serials that were posted.
    pub matched: u64,
    /// Those that no document had commissioned.
    pub newly_commissioned: u64,
    /// Those commissioned before with the same lot and expiry.
    pub repeated: u64,
    /// By allocation.
    pub tallies: Vec<AllocationTally>,
    /// Documents to be judged again because of this one, with the system they are judged for.
    pub unsettled: BTreeSet<(String, SystemId)>,
}

/// Who applies what.
#[derive(Debug, Clone)]
pub struct Applier {
    /// The table.
    pub store: Store,
    /// Counts write units.
    pub meter: Meter,
    /// The document.
    pub content_sha256: String,
    /// The time of this run, RFC 3339.
    pub now: String,
}

impl Applier {
    /// Activates the allocations of a plan and records its blocks. An allocation that was voided since
    /// it was looked up drops out of the plan and becomes a finding.
    pub async fn prepare(&self, plan: &mut Plan) -> Result<(), StoreError> {
        let mut kept = Vec::new();
        for mut planned in std::mem::take(&mut plan.allocations) {
            let id = planned.allocation.id.clone();
            let advanced = self.store.allocation_advance(&id, Transition::Activate, &self.now);
            match advanced.await {
                Ok(allocation) => {
                    planned.allocation = allocation;
                    kept.push(planned);
                }
                Err(ChangeError::Transition(_)) => {
                    self.end_offer(&planned.allocation).await?;
                    for (run, count) in commissioned_runs(&planned) {
                        plan.findings.append_voided(&planned.allocation, run);
                        plan.unmatched = plan.unmatched.saturating_add(count);
                    }
                }
                Err(ChangeError::Store(error)) => return Err(error),
            }
        }
        for planned in &kept {
            let (first, last) = (planned.blocks.first(), planned.blocks.last());
            let (Some((first, _)), Some((last, _))) = (first, last) else { continue };
            let (id, blocks) = (&planned.allocation.id, (*first, *last));
            self.store.allocation_fill_widen(id, blocks, &self.meter).await?;
        }
        plan.allocations = kept;
        let runs: Vec<PlanRun> = plan.allocations.iter().flat_map(plan_runs).collect();
        self.store.plan_put(&self.content_sha256, &runs, &self.meter).await
    }

    /// Numbers of an allocation that was given up since it was looked up are on packs: what is left of its range is
    /// offered to nobody (I1).
    async fn end_offer(&self, allocation: &Allocation) -> Result<(), StoreError> {
        let last = allocation.start.saturating_add(u128::from(allocation.size)).saturating_sub(1);
        let by = ("a document", self.now.as_str());
        let range = (allocation.start, last);
        self.store.void_named(&allocation.pool_id, range, by).await.map(|_| ())
    }

    /// Posts every block and adds what was found to the plan's findings.
    pub async fn apply(&self, plan: &mut Plan) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        for planned in std::mem::take(&mut plan.allocations) {
            let allocation = planned.allocation.clone();
            let posted = self.post_all(planned).await?;
            let mut tally = AllocationTally {
                allocation_id: allocation.id.to_string(),
                newly_commissioned: 0,
                repeated: 0,
            };
            let mut gain = Gain::default();
            for (block, posted) in &posted {
                let posting = &posted.posting;
                gain.add(posted.gain);
                let others = posted.unsettled.iter().cloned();
                applied.unsettled.extend(others.map(|sha| (sha, allocation.system_id.clone())));
                let verdict = &posting.verdict;
                let add = |sum: &mut u64, more: u32| *sum = sum.saturating_add(u64::from(more));
                add(&mut tally.newly_commissioned, verdict.newly_commissioned);
                add(&mut tally.repeated, verdict.repeated);
                add(&mut applied.matched, posting.stated(Fact::Commissioned).len());
                for (code, serials) in &verdict.findings {
                    for run in serials.runs() {
                        let run = in_pool(&allocation, *block, run);
                        plan.findings.append(*code, &allocation, run);
                    }
                }
            }
            let of = (&allocation.id, self.content_sha256.as_str());
            // Read after the last block was posted: what is posted later is looked at by that document.
            let (fill, counted) = self.store.allocation_fill_fetch(of).await?;
            let span = fill.blocks.unwrap_or((0, u32::MAX));
            self.internal_gaps((&allocation, span), &posted, &mut plan.findings).await?;
            let all = Counted { postings: u64::try_from(posted.len()).unwrap_or(u64::MAX), gain };
            self.store.allocation_fill_add(of, (counted, all), &self.now, &self.meter).await?;
            applied.newly_commissioned =
                applied.newly_commissioned.saturating_add(tally.newly_commissioned);
            applied.repeated = applied.repeated.saturating_add(tally.repeated);
            applied.tallies.push(tally);
        }
        Ok(applied)
    }

    /// Posts the blocks of one allocation, some at a time; the result is ascending by block.
    async fn post_all(&self, planned: PlannedAllocation) -> Result<Vec<PostedBlock>, StoreError> {
        let allocation = &planned.allocation;
        let terms = Terms {
            lot: allocation.details.lot.clone(),
            expiry: allocation.details.expiry.clone(),
            closed: allocation.status.is_over() || allocation.is_unconfirmed(),
        };
        let mut tasks = JoinSet::new();
        let mut postings = Vec::with_capacity(planned.blocks.len());
        for (block, draft) in planned.blocks {
            if tasks.len() >= AT_ONCE {
                postings.extend(joined(tasks.join_next().await)?);
            }
            let (applier, id, terms) = (self.clone(), allocation.id.clone(), terms.clone());
            tasks.spawn(async move {
                let place =
                    Place { allocation: &id, block, content_sha256: &applier.content_sha256 };
                let at = (place, applier.now.as_str());
                let posting = applier.store.block_judge(at, &draft, &terms, &applier.meter);
                posting.await.map(|posting| (block, posting))
            });
        }
        while !tasks.is_empty() {
            postings.extend(joined(tasks.join_next().await)?);
        }
        postings.sort_by_key(|(block, _)| *block);
        Ok(postings)
    }

    /// Numbers without a fate between the commissioned ones: those inside the document's own span, and
    /// those up to the nearest commissioned serial on both sides of it, so that a gap between two
    /// documents is told by the one that comes last.
    async fn internal_gaps(
        &self,
        (allocation, span): (&Allocation, (u32, u32)),
        postings: &[PostedBlock],
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        if matches!(allocation.scheme, Scheme::Randomised { .. } | Scheme::List { .. }) {
            // Numbers that nobody can tell the order of have no gaps.
            return Ok(());
        }
        let ends = |(block, posted): &PostedBlock| {
            let commissioned = posted.posting.stated(Fact::Commissioned);
            Some((*block, commissioned.first()?.get(), commissioned.last()?.get()))
        };
        let mut spans = postings.iter().filter_map(ends);
        let Some(first) = spans.next() else {
            return Ok(());
        };
        let last = spans.next_back().unwrap_or(first);
        let (first, last) = ((first.0, first.1), (last.0, last.2));
        let known = self.neighbourhood((allocation, span), first, last).await?;
        let (start, stop) = reach(&known, first, last);
        let (start, stop) = (start.unwrap_or(first), stop.unwrap_or(last));
        let none = BlockState::default();
        let mut known = known.iter().peekable();
        for block in start.0..=stop.0 {
            while known.next_if(|(number, _)| *number < block).is_some() {}
            let state = known.next_if(|(number, _)| *number == block);
            let state = state.map_or(&none, |(_, state)| state);
            let low = if block == start.0 { start.1 } else { 0 };
            let high = if block == stop.0 { stop.1 } else { u16::MAX >> 1 };
            for run in holes(state, low, high).runs() {
                let run = in_pool(allocation, block, run);
                findings.append(Code::InternalGap, allocation, run);
            }
        }
        Ok(())
    }

    /// The blocks from the first of a document to its last, and as many before and behind them as it takes
    /// to find a commissioned serial on either side. Beyond `span` nothing was ever posted.
    async fn neighbourhood(
        &self,
        (allocation, span): (&Allocation, (u32, u32)),
        first: (u32, u16),
        last: (u32, u16),
    ) -> Result<Vec<(u32, BlockState)>, StoreError> {
        let (mut low, mut high) = (first.0, last.0);
        let mut known = self.store.block_list(&allocation.id, low, high).await?;
        for distance in NEIGHBOURS {
            let (start, stop) = reach(&known, first, last);
            let from = first.0.saturating_sub(distance).max(span.0).min(low);
            let to = last.0.saturating_add(distance).min(span.1).max(high);
            let from = if start.is_some() { low } else { from };
            let to = if stop.is_some() { high } else { to };
            let farther = (from..low).chain(high.saturating_add(1)..=to);
            known.extend(self.store.blocks_of(&allocation.id, farther).await?);
            known.sort_by_key(|(block, _)| *block);
            (low, high) = (from, to);
        }
        Ok(known)
    }
}

/// A block, its posting, and what that changed.
type PostedBlock = (u32, Posted);

fn joined(
    outcome: Option<Result<Result<PostedBlock, StoreError>, tokio::task::JoinError>>,
) -> Result<Option<PostedBlock>, StoreError> {
    match outcome {
        None => Ok(None),
        Some(Ok(posted)) => posted.map(Some),
        Some(Err(error)) => {
            Err(StoreError::Unavailable { operation: "posting a block", detail: error.to_string() })
        }
    }
}

/// A serial of an allocation: its block, and its place in there.
type Spot = (u32, u16);

/// The nearest commissioned serial before a span and behind it.
fn reach(states: &[(u32, BlockState)], first: Spot, last: Spot) -> (Option<Spot>, Option<Spot>) {
    let serials = |(block, state): &(u32, BlockState)| {
        let commissioned = state.of(Fact::Commissioned).clone();
        let block = *block;
        commissioned.runs().map(move |(a, b)| ((block, a), (block, b))).collect::<Vec<_>>()
    };
    let mut before = states.iter().rev().filter(|(block, _)| *block <= first.0);
    let start = before.find_map(|entry| {
        let runs = serials(entry);
        runs.into_iter().rev().find(|(a, _)| *a < first).map(|(_, b)| b.min(first))
    });
    let mut behind = states.iter().filter(|(block, _)| *block >= last.0);
    let stop = behind.find_map(|entry| {
        serials(entry).into_iter().find(|(_, b)| *b > last).map(|(a, _)| a.max(last))
    });
    (start, stop)
}

/// Serials from `low` to `high` of which nothing is known.
fn holes(state: &BlockState, low: u16, high: u16) -> BlockSet {
    let ends = Offset::new(low.into()).zip(Offset::new(high.into()));
    let mut rest = ends.map_or_else(BlockSet::new, |(low, high)| BlockSet::span(low, high));
    for (_, known) in state.facts() {
        rest.subtract(known);
    }
    rest
}

/// A run of offsets of a block as indexes of the pool.
fn in_pool(allocation: &Allocation, block: u32, run: (u16, u16)) -> (u128, u128) {
    let base = u128::from(block).saturating_mul(u128::from(BLOCK_SIZE));
    let base = allocation.start.saturating_add(base);
    (base.saturating_add(u128::from(run.0)), base.saturating_add(u128::from(run.1)))
}

/// The commissioned serials of a planned allocation as runs of the pool, with their number.
fn commissioned_runs(planned: &PlannedAllocation) -> Vec<((u128, u128), u64)> {
    let mut all = Vec::new();
    for (block, draft) in &planned.blocks {
        for run in draft.stated(Fact::Commissioned).runs() {
            let count = u64::from(run.1.saturating_sub(run.0)).saturating_add(1);
            all.push((in_pool(&planned.allocation, *block, run), count));
        }
    }
    all
}

/// The blocks of a planned allocation as runs without holes.
fn plan_runs(planned: &PlannedAllocation) -> Vec<PlanRun> {
    let mut runs: Vec<PlanRun> = Vec::new();
    for (block, _) in &planned.blocks {
        match runs.last_mut() {
            Some(run) if run.last.checked_add(1) == Some(*block) => run.last = *block,
            _ => runs.push(PlanRun {
                allocation: planned.allocation.id.clone(),
                first: *block,
                last: *block,
            }),
        }
    }
    runs
}
