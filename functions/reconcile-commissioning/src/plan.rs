//! What a folded document is going to do: blocks to post to, and findings that need no block.

mod findings;

use domain::allocation::Allocation;
use domain::fact::Fact;
use domain::finding::{Code, IndexRuns, Samples, Subject};
use domain::ledger::Draft;
use domain::pool::Scheme;

pub use self::findings::Findings;
use self::findings::of_allocation;
use crate::catalog::Spelling;
use crate::event::Miss;
use crate::fold::Folded;
use crate::totals::Totals;

/// An allocation and the blocks of it that the document touches.
#[derive(Debug)]
pub struct PlannedAllocation {
    /// As it was when it was looked up.
    pub allocation: Allocation,
    /// By block, ascending; none of the drafts is empty.
    pub blocks: Vec<(u32, Draft)>,
}

/// What the document is going to do.
#[derive(Debug)]
pub struct Plan {
    /// Allocations, ascending by id.
    pub allocations: Vec<PlannedAllocation>,
    /// Findings about serials that are not posted.
    pub findings: Findings,
    /// Serials in commissioning events that are not posted.
    pub unmatched: u64,
    /// Those of them that a later reservation may cover.
    pub provisional: u64,
    /// Counts.
    pub totals: Totals,
}

/// Serials that are not posted, and what there is to say of them.
struct Told {
    miss: Miss,
    allocation: Option<Allocation>,
    spelling: Option<Spelling>,
    runs: IndexRuns,
    samples: Samples,
}

impl Plan {
    /// Turns what a document says into a plan. With `last_try` nothing is provisional any more.
    #[must_use]
    pub fn of(folded: Folded, last_try: bool) -> Self {
        let Folded { catalog, slots, mut misses, totals } = folded;
        let mut touched: Vec<(usize, Vec<(u32, Draft)>)> = Vec::new();
        let mut slots: Vec<_> = slots.into_iter().filter(|slot| !slot.draft.is_empty()).collect();
        slots.sort_by_key(|slot| (slot.allocation, slot.block));
        for slot in slots {
            match touched.last_mut() {
                Some((number, blocks)) if *number == slot.allocation => {
                    blocks.push((slot.block, slot.draft));
                }
                _ => touched.push((slot.allocation, vec![(slot.block, slot.draft)])),
            }
        }
        let mut allocations: Vec<PlannedAllocation> = touched
            .into_iter()
            .filter_map(|(number, blocks)| {
                let allocation = catalog.allocation(number)?.clone();
                Some(PlannedAllocation { allocation, blocks })
            })
            .collect();
        allocations.sort_by(|a, b| a.allocation.id.as_str().cmp(b.allocation.id.as_str()));
        let mut plan = Self {
            allocations,
            findings: Findings::default(),
            unmatched: 0,
            provisional: 0,
            totals,
        };
        // Which subject was met first depends on how many texts are deciphered at once.
        misses.sort_by_key(|(miss, ..)| miss.way);
        let told: Vec<Told> = misses
            .into_iter()
            .map(|(miss, runs, samples)| Told {
                allocation: miss.allocation.and_then(|number| catalog.allocation(number)).cloned(),
                spelling: miss.way.and_then(|way| catalog.ways().get(way)).map(|way| way.spelling),
                miss,
                runs,
                samples,
            })
            .collect();
        plan.findings = Findings::new(catalog.into_ways());
        for told in &told {
            plan.take(told, last_try);
        }
        plan
    }

    fn take(&mut self, told: &Told, last_try: bool) {
        let Told { miss, allocation, spelling, runs, samples } = told;
        let provisional = miss.provisional && !last_try;
        let subject = Subject {
            code: miss.code,
            provisional,
            allocation_id: allocation.as_ref().map(|allocation| allocation.id.to_string()),
            gtin: miss.gtin.map(|gtin| gtin.to_string()),
        };
        let count = runs.count().saturating_add(samples.count());
        let unreadable = matches!(
            miss.code,
            Code::InvalidEpcUri | Code::BadCheckDigit | Code::InvalidSsccCheckDigit
        );
        if !unreadable && !miss.parent {
            self.unmatched = self.unmatched.saturating_add(count);
        }
        if provisional {
            self.provisional = self.provisional.saturating_add(count);
        }
        if miss.code == Code::NotReserved && !miss.parent {
            self.over_run((miss, *spelling), provisional, runs);
        }
        self.findings.merge(subject, *spelling, (runs, samples));
    }

    /// Unreserved numbers that begin right behind an allocation which this document commissions from:
    /// the line went on printing. They are `NOT_RESERVED` as well. Nobody goes on with random numbers.
    fn over_run(
        &mut self,
        (miss, spelling): (&Miss, Option<Spelling>),
        provisional: bool,
        runs: &IndexRuns,
    ) {
        let is_sequential = |of: &Spelling| matches!(of.scheme, Scheme::Sequential { .. });
        let Some(spelling) = spelling.filter(is_sequential) else { return };
        for (first, last) in runs.runs() {
            let run_out = self.allocations.iter().find(|planned| {
                let allocation = &planned.allocation;
                let behind = allocation.last().saturating_add(1) == first;
                let own = Spelling::of(allocation.key, allocation.scheme);
                let same = allocation.key.gtin() == miss.gtin && own == spelling;
                behind && same && planned.commissions()
            });
            let Some(planned) = run_out else { continue };
            let subject =
                Subject { provisional, ..of_allocation(Code::OverRun, &planned.allocation) };
            self.findings.append_about(subject, spelling, (first, last));
        }
    }
}

impl PlannedAllocation {
    fn commissions(&self) -> bool {
        let states = |draft: &Draft| draft.groups.iter().any(|g| g.fact == Fact::Commissioned);
        self.blocks.iter().any(|(_, draft)| states(draft))
    }
}
