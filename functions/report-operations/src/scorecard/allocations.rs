//! Open allocations: how old they are and how far they are used, per line and system.

use std::collections::BTreeMap;

use domain::allocation::AllocationStatus;
use domain::gln::Gln;
use serde::Serialize;
use store::scorecard::{OpenAllocation, Reading};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::age_seconds;

/// Lines shown at most.
const LINES_MAX: usize = 100;
/// Allocations shown at most.
const ROWS_MAX: usize = 50;

/// Allocations that somebody still has to bring to their end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardOpenAllocations)]
pub struct OpenAllocations {
    /// How many are open.
    pub total: usize,
    /// Not all were counted.
    pub truncated: bool,
    /// How many of them wait for a review; for the page only, whoever reads the API lists them by status.
    #[serde(skip)]
    pub in_review: usize,
    /// Numbers in them.
    pub reserved: u64,
    /// Numbers of which anything is known.
    pub used: u64,
    /// Numbers that are on a pack.
    pub commissioned: u64,
    /// Lines and systems that have open allocations.
    pub lines_total: usize,
    /// The first 100 of them, by line.
    pub by_line: Vec<LineFill>,
    /// The 50 oldest, the oldest first.
    pub oldest: Vec<OpenRow>,
}

/// The open allocations of one line and system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardLineFill)]
pub struct LineFill {
    /// The line; null for allocations of no line.
    #[schema(required)]
    pub line_gln: Option<String>,
    /// The system whose line prints.
    pub system_id: String,
    /// How many are open.
    pub allocations: usize,
    /// Numbers in them.
    pub reserved: u64,
    /// Numbers of which anything is known.
    pub used: u64,
    /// Numbers that are on a pack.
    pub commissioned: u64,
    /// When the oldest was made, RFC 3339.
    pub oldest_at: String,
}

/// One open allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardOpenRow)]
pub struct OpenRow {
    /// Its id.
    pub allocation_id: String,
    /// `reserved`, `exported`, `active` or `pending_review`.
    pub status: &'static str,
    /// The trade item; of SSCCs company prefix and extension digit, with a dot between.
    pub gtin: String,
    /// The lot, if one was named.
    #[schema(required)]
    pub lot: Option<String>,
    /// The line.
    #[schema(required)]
    pub line_gln: Option<String>,
    /// The system whose line prints.
    pub system_id: String,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// Seconds since then.
    pub age_seconds: u64,
    /// Numbers in it.
    pub reserved: u64,
    /// Numbers of which anything is known.
    pub used: u64,
    /// Numbers that are on a pack.
    pub commissioned: u64,
    /// `used` in hundredths of `reserved`, rounded down.
    pub fill_percent: u64,
    /// When the last file that used numbers was posted, RFC 3339.
    #[schema(required)]
    pub last_use_at: Option<String>,
}

/// `part` in hundredths of `whole`, rounded down.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}

impl OpenAllocations {
    pub(crate) fn of(open: &Reading<OpenAllocation>, now: OffsetDateTime) -> Self {
        let mut lines: BTreeMap<(Option<String>, String), LineFill> = BTreeMap::new();
        let (mut reserved, mut used, mut commissioned) = (0_u64, 0_u64, 0_u64);
        for one in &open.items {
            let (a, fill) = (&one.allocation, &one.fill);
            reserved = reserved.saturating_add(a.size);
            used = used.saturating_add(fill.used);
            commissioned = commissioned.saturating_add(fill.commissioned);
            let line = a.line_gln.as_ref().map(Gln::to_string);
            let system = a.system_id.to_string();
            let entry = lines.entry((line.clone(), system.clone()));
            let sum = entry.or_insert_with(|| LineFill {
                line_gln: line,
                system_id: system,
                allocations: 0,
                reserved: 0,
                used: 0,
                commissioned: 0,
                // The queue is in the order of creation.
                oldest_at: a.created_at.clone(),
            });
            sum.allocations = sum.allocations.saturating_add(1);
            sum.reserved = sum.reserved.saturating_add(a.size);
            sum.used = sum.used.saturating_add(fill.used);
            sum.commissioned = sum.commissioned.saturating_add(fill.commissioned);
        }
        let in_review =
            |one: &&OpenAllocation| one.allocation.status == AllocationStatus::PendingReview;
        Self {
            total: open.items.len(),
            truncated: open.truncated,
            in_review: open.items.iter().filter(in_review).count(),
            reserved,
            used,
            commissioned,
            lines_total: lines.len(),
            by_line: lines.into_values().take(LINES_MAX).collect(),
            oldest: open.items.iter().take(ROWS_MAX).map(|one| row(one, now)).collect(),
        }
    }
}

fn row(one: &OpenAllocation, now: OffsetDateTime) -> OpenRow {
    let (a, fill) = (&one.allocation, &one.fill);
    OpenRow {
        allocation_id: a.id.to_string(),
        status: a.status.as_str(),
        gtin: a.key.to_string(),
        lot: a.details.lot.clone(),
        line_gln: a.line_gln.as_ref().map(Gln::to_string),
        system_id: a.system_id.to_string(),
        created_at: a.created_at.clone(),
        age_seconds: age_seconds(&a.created_at, now),
        reserved: a.size,
        used: fill.used,
        commissioned: fill.commissioned,
        fill_percent: percent(fill.used, a.size),
        last_use_at: fill.at.clone(),
    }
}
