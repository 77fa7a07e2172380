//! What a folded document is going to do: blocks to post to, and findings that need no block.

use domain::allocation::Allocation;
use domain::fact::Fact;
use domain::finding::{Code, Finding, IndexRuns, RANGES_MAX, Samples, SerialRange, Subject};
use domain::ledger::Draft;
use domain::pool::Scheme;

use crate::event::Miss;
use crate::fold::Fold;
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

/// Findings in the making, with a note on whether something was cut.
#[derive(Debug, Default)]
pub struct Findings {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    subject: Subject,
    warning: bool,
    width: Option<u8>,
    runs: IndexRuns,
    samples: Samples,
}

impl Findings {
    /// The entry of a subject.
    fn entry(&mut self, subject: Subject, width: Option<u8>) -> Option<&mut Entry> {
        let at = self.entries.iter().position(|entry| entry.subject == subject);
        let at = at.unwrap_or_else(|| {
            self.entries.push(Entry {
                subject,
                warning: false,
                width,
                runs: IndexRuns::default(),
                samples: Samples::default(),
            });
            self.entries.len().saturating_sub(1)
        });
        let entry = self.entries.get_mut(at)?;
        entry.width = entry.width.or(width);
        Some(entry)
    }

    /// Adds a run of serials of an allocation; runs come in ascending order.
    pub fn append(&mut self, code: Code, allocation: &Allocation, run: (u128, u128)) {
        let Scheme::Sequential { width } = allocation.scheme;
        if let Some(entry) = self.entry(of_allocation(code, allocation), Some(width)) {
            entry.runs.append(run.0, run.1);
            // Serials of a closed allocation are recorded: this is a warning.
            entry.warning |= code == Code::WrongAllocationState;
        }
    }

    /// Adds a run of serials of a voided allocation: not recorded, so as grave as the code says.
    pub fn append_voided(&mut self, allocation: &Allocation, run: (u128, u128)) {
        let Scheme::Sequential { width } = allocation.scheme;
        let subject = of_allocation(Code::WrongAllocationState, allocation);
        if let Some(entry) = self.entry(subject, Some(width)) {
            entry.runs.append(run.0, run.1);
        }
    }

    /// The finished findings, the worst first, `FINDINGS_TRUNCATED` among them when something was cut.
    #[must_use]
    pub fn finish(self, of: (&str, &str)) -> Vec<Finding> {
        let mut cut = false;
        let mut findings = Vec::new();
        for entry in self.entries {
            let count = entry.runs.count().saturating_add(entry.samples.count());
            if count == 0 {
                continue;
            }
            let mut finding = entry.subject.finding(of, count);
            if entry.warning {
                finding.severity = domain::finding::Severity::Warning;
            }
            let scheme = Scheme::Sequential { width: entry.width.unwrap_or(1) };
            let ranges = entry.runs.runs().take(RANGES_MAX).map(|(first, last)| SerialRange {
                from: scheme.serial_text(first),
                to: scheme.serial_text(last),
            });
            finding.ranges = ranges.collect();
            finding.samples = entry.samples.texts().to_vec();
            let kept = u64::try_from(finding.samples.len()).unwrap_or(u64::MAX);
            cut |= entry.runs.is_truncated() || entry.samples.count() > kept;
            findings.push(finding);
        }
        if cut {
            let code = Code::FindingsTruncated;
            let subject = Subject { code, provisional: false, allocation_id: None, gtin: None };
            findings.push(subject.finding(of, 1));
        }
        findings.sort_by_key(|f| (std::cmp::Reverse(f.severity), f.code, f.id.clone()));
        findings
    }
}

fn of_allocation(code: Code, allocation: &Allocation) -> Subject {
    Subject {
        code,
        provisional: false,
        allocation_id: Some(allocation.id.to_string()),
        gtin: Some(allocation.gtin.to_string()),
    }
}

impl Plan {
    /// Turns a fold into a plan. With `last_try` nothing is provisional any more.
    #[must_use]
    pub fn of(fold: Fold, last_try: bool) -> Self {
        let Fold { catalog, slots, misses, totals, .. } = fold;
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
        for (miss, runs, samples) in misses {
            let allocation = miss.allocation.and_then(|number| catalog.allocation(number));
            let id = allocation.map(|allocation| allocation.id.to_string());
            plan.take(&miss, id, (&runs, &samples), last_try);
        }
        plan
    }

    fn take(
        &mut self,
        miss: &Miss,
        allocation_id: Option<String>,
        found: (&IndexRuns, &Samples),
        last_try: bool,
    ) {
        let (runs, samples) = found;
        let provisional = miss.provisional && !last_try;
        let subject = Subject {
            code: miss.code,
            provisional,
            allocation_id,
            gtin: miss.gtin.map(|gtin| gtin.to_string()),
        };
        let count = runs.count().saturating_add(samples.count());
        if !matches!(miss.code, Code::InvalidEpcUri | Code::BadCheckDigit) {
            self.unmatched = self.unmatched.saturating_add(count);
        }
        if provisional {
            self.provisional = self.provisional.saturating_add(count);
        }
        if miss.code == Code::NotReserved {
            self.over_run(miss, provisional, runs);
        }
        if let Some(entry) = self.findings.entry(subject, miss.width) {
            entry.runs.merge(runs);
            entry.samples.merge(samples);
        }
    }

    /// Unreserved numbers that begin right behind an allocation which this document commissions from:
    /// the line went on printing. They are `NOT_RESERVED` as well.
    fn over_run(&mut self, miss: &Miss, provisional: bool, runs: &IndexRuns) {
        for (first, last) in runs.runs() {
            let run_out = self.allocations.iter().find(|planned| {
                let allocation = &planned.allocation;
                let Scheme::Sequential { width } = allocation.scheme;
                let behind = allocation.last().saturating_add(1) == first;
                let same = Some(allocation.gtin) == miss.gtin && Some(width) == miss.width;
                behind && same && planned.commissions()
            });
            let Some(planned) = run_out else { continue };
            let subject =
                Subject { provisional, ..of_allocation(Code::OverRun, &planned.allocation) };
            if let Some(entry) = self.findings.entry(subject, miss.width) {
                entry.runs.append(first, last);
            }
        }
    }
}

impl PlannedAllocation {
    fn commissions(&self) -> bool {
        let states = |draft: &Draft| draft.groups.iter().any(|g| g.fact == Fact::Commissioned);
        self.blocks.iter().any(|(_, draft)| states(draft))
    }
}
