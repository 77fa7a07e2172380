//! Findings in the making: runs of indexes by the way that writes them, and texts as they were received.

use std::cmp::Reverse;

use domain::allocation::Allocation;
use domain::epc::sgtin_urn_text;
use domain::finding::{
    Code, Finding, IndexRuns, RANGES_MAX, SAMPLES_MAX, SPACE_SAMPLES_MAX, Samples, SerialRange,
    Severity, SpaceRuns, Subject,
};
use domain::gtin::Gtin14;
use domain::pool::Scheme;

use crate::catalog::{Spelling, Way, Ways};

/// Findings in the making, with a note on whether something was cut.
#[derive(Debug, Default)]
pub struct Findings {
    ways: Ways,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    subject: Subject,
    warning: bool,
    /// By spelling: an index means nothing without it.
    runs: Vec<(Spelling, IndexRuns)>,
    samples: Samples,
}

impl Findings {
    /// None yet, about serials written in these ways.
    #[must_use]
    pub fn new(ways: Ways) -> Self {
        Self { ways, entries: Vec::new() }
    }

    fn entry(&mut self, subject: Subject) -> Option<&mut Entry> {
        let at = self.entries.iter().position(|entry| entry.subject == subject);
        let at = at.unwrap_or_else(|| {
            let (runs, samples) = (Vec::new(), Samples::default());
            self.entries.push(Entry { subject, warning: false, runs, samples });
            self.entries.len().saturating_sub(1)
        });
        self.entries.get_mut(at)
    }

    /// Adds a run of serials of an allocation; runs come in ascending order.
    pub fn append(&mut self, code: Code, allocation: &Allocation, run: (u128, u128)) {
        if let Some(entry) = self.entry(of_allocation(code, allocation)) {
            entry.append(Spelling::of(allocation.key, allocation.scheme), run);
            // Serials of a closed allocation are recorded: this is a warning.
            entry.warning |= code == Code::WrongAllocationState;
        }
    }

    /// Adds a run of serials of a voided allocation: not recorded, so as grave as the code says.
    pub fn append_voided(&mut self, allocation: &Allocation, run: (u128, u128)) {
        let subject = of_allocation(Code::WrongAllocationState, allocation);
        let spelling = Spelling::of(allocation.key, allocation.scheme);
        self.append_about(subject, spelling, run);
    }

    /// Adds a run of serials about a subject.
    pub(super) fn append_about(&mut self, subject: Subject, spelling: Spelling, run: (u128, u128)) {
        if let Some(entry) = self.entry(subject) {
            entry.append(spelling, run);
        }
    }

    /// Adds what was collected about a subject.
    pub(super) fn merge(
        &mut self,
        subject: Subject,
        spelling: Option<Spelling>,
        (runs, samples): (&IndexRuns, &Samples),
    ) {
        if let Some(entry) = self.entry(subject) {
            if let Some(known) = spelling.and_then(|spelling| entry.runs_of(spelling)) {
                known.merge(runs);
            }
            entry.samples.merge(samples);
        }
    }

    /// The finished findings, the worst first, `FINDINGS_TRUNCATED` among them when something was cut.
    #[must_use]
    pub fn finish(self, of: (&str, &str)) -> Vec<Finding> {
        let mut cut = false;
        let mut findings = Vec::new();
        for entry in &self.entries {
            let count = entry.count();
            if count == 0 {
                continue;
            }
            let mut finding = entry.subject.finding(of, count);
            if entry.warning {
                finding.severity = Severity::Warning;
            }
            cut |= entry.tell(&self.ways, &mut finding);
            findings.push(finding);
        }
        if cut {
            let code = Code::FindingsTruncated;
            let subject = Subject { code, provisional: false, allocation_id: None, gtin: None };
            findings.push(subject.finding(of, 1));
        }
        findings.sort_by_key(|f| (Reverse(f.severity), f.code, f.id.clone()));
        findings
    }
}

impl Entry {
    fn runs_of(&mut self, spelling: Spelling) -> Option<&mut IndexRuns> {
        let at = self.runs.iter().position(|(known, _)| *known == spelling);
        let at = at.unwrap_or_else(|| {
            self.runs.push((spelling, IndexRuns::default()));
            self.runs.len().saturating_sub(1)
        });
        self.runs.get_mut(at).map(|(_, runs)| runs)
    }

    fn append(&mut self, spelling: Spelling, (first, last): (u128, u128)) {
        if let Some(runs) = self.runs_of(spelling) {
            runs.append(first, last);
        }
    }

    fn count(&self) -> u64 {
        let counts = self.runs.iter().map(|(_, runs)| runs.count());
        counts.fold(self.samples.count(), u64::saturating_add)
    }

    /// Writes ranges, indexes and samples; true when something was cut.
    fn tell(&self, ways: &Ways, finding: &mut Finding) -> bool {
        finding.samples = self.samples.texts().to_vec();
        let kept = u64::try_from(finding.samples.len()).unwrap_or(u64::MAX);
        let (mut cut, mut room) = (self.samples.count() > kept, RANGES_MAX);
        for (spelling, runs) in &self.runs {
            let told: Vec<(u128, u128)> = runs.runs().take(room).collect();
            cut |= runs.is_truncated() || runs.runs().nth(room).is_some();
            room = room.saturating_sub(told.len());
            let Some(way) = ways.of(*spelling) else { continue };
            match spelling.scheme {
                Scheme::Sequential { .. } => {
                    let text = |index| way.numbering.text_of(index);
                    let range = |(from, to): &(u128, u128)| SerialRange {
                        from: text(*from),
                        to: text(*to),
                    };
                    finding.ranges.extend(told.iter().map(range));
                }
                // Places in a list tell nothing to who has the list; the allocation tells whose they are.
                Scheme::List { .. } => cut = true,
                Scheme::Randomised { space, .. } => {
                    show(way, &told, finding);
                    finding.indexes.push(SpaceRuns { space, runs: told });
                }
            }
        }
        cut
    }
}

/// Puts some serials of a space among the samples.
fn show(way: &Way, runs: &[(u128, u128)], finding: &mut Finding) {
    let gtin = finding.gtin.as_deref().and_then(|text| Gtin14::parse(text).ok());
    let Some(gtin) = gtin else { return };
    let room = SAMPLES_MAX.saturating_sub(1).saturating_sub(finding.samples.len());
    let indexes = runs.iter().flat_map(|(first, last)| *first..=*last);
    for index in indexes.take(room.min(SPACE_SAMPLES_MAX)) {
        let text = way.numbering.text_of(index);
        finding.samples.extend(sgtin_urn_text(&gtin, way.company_prefix_length, &text));
    }
}

pub(super) fn of_allocation(code: Code, allocation: &Allocation) -> Subject {
    Subject {
        code,
        provisional: false,
        allocation_id: Some(allocation.id.to_string()),
        gtin: allocation.key.gtin().map(|gtin| gtin.to_string()),
    }
}
