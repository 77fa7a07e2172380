//! A finding as every answer shows it.

use domain::finding::{Code, Finding, FindingStatus, Severity};
use domain::space::SpaceId;
use edge::openapi::{AllocationId, Gtin14, Index};
use serde::Serialize;
use utoipa::ToSchema;

edge::words! {
    SeverityWord = [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical]
        .map(Severity::as_str), "How bad it is.";
    FindingStatusWord = [FindingStatus::Open, FindingStatus::Acknowledged, FindingStatus::Resolved]
        .map(FindingStatus::as_str), "What was done about it.";
    FindingCode = Code::ALL.iter().map(|code| code.as_str()), "What it says.";
}

/// Something that is not as it should be. A code about serials counts serials, a code about a document 1.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
pub struct FindingView {
    id: String,
    #[schema(value_type = FindingCode)]
    code: &'static str,
    #[schema(value_type = SeverityWord)]
    severity: &'static str,
    count: u64,
    /// A later reservation may still make it go away.
    provisional: bool,
    #[schema(required, value_type = Option<AllocationId>)]
    allocation_id: Option<String>,
    #[schema(required, value_type = Option<Gtin14>)]
    gtin: Option<String>,
    /// The first runs of serials.
    ranges: Vec<FindingRange>,
    /// The first runs of random serials: their indexes, for the ends of a run tell nothing of its texts.
    index_ranges: Vec<IndexRange>,
    /// How many runs there are, where not all are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ranges_total: Option<usize>,
    /// Values as they were received, or some of the random serials.
    #[schema(max_items = 20)]
    samples: Vec<String>,
    #[schema(value_type = FindingStatusWord)]
    status: &'static str,
}

/// A run of serials, both ends included.
#[derive(Debug, Serialize, ToSchema)]
struct FindingRange {
    from: String,
    to: String,
}

/// A run of indexes of a space, both ends included.
#[derive(Debug, Serialize, ToSchema)]
struct IndexRange {
    /// The space.
    #[schema(min_length = 26, max_length = 26, pattern = "^[a-z2-7]{26}$")]
    space: String,
    #[schema(value_type = Index)]
    from: String,
    #[schema(value_type = Index)]
    to: String,
}

impl FindingView {
    /// The view with the first `ranges_max` ranges, so that an answer with many findings stays below the
    /// gateway's limit.
    #[must_use]
    pub fn new(finding: &Finding, ranges_max: usize) -> Self {
        let ranges = finding.ranges.iter().take(ranges_max);
        let runs = finding.indexes.iter().flat_map(|of| of.runs.iter().map(|run| (of.space, run)));
        let total = finding.ranges.len().saturating_add(runs.clone().count());
        let rest = ranges_max.saturating_sub(finding.ranges.len());
        let index_range = |(space, (from, to)): (SpaceId, &(u128, u128))| IndexRange {
            space: space.to_string(),
            from: from.to_string(),
            to: to.to_string(),
        };
        Self {
            id: finding.id.clone(),
            code: finding.code.as_str(),
            severity: finding.severity.as_str(),
            count: finding.count,
            provisional: finding.provisional,
            allocation_id: finding.allocation_id.clone(),
            gtin: finding.gtin.clone(),
            ranges: ranges
                .map(|range| FindingRange { from: range.from.clone(), to: range.to.clone() })
                .collect(),
            index_ranges: runs.take(rest).map(index_range).collect(),
            ranges_total: (total > ranges_max).then_some(total),
            samples: finding.samples.clone(),
            status: finding.status.as_str(),
        }
    }
}
