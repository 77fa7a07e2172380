//! Findings: what nobody has resolved, by code and severity, and what was found hour by hour.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use domain::finding::{Code, FindingStatus, Severity};
use serde::Serialize;
use store::finding::{Unresolved, UnresolvedFinding};
use store::scorecard::{Found, Reading};
use store::time::rfc3339_ms;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::WINDOW_HOURS;

/// Findings shown at most.
const ROWS_MAX: usize = 20;
/// All severities, the worst first.
pub(crate) const SEVERITIES: [Severity; 4] =
    [Severity::Critical, Severity::Error, Severity::Warning, Severity::Info];

/// Findings nobody has resolved, and those found in the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardFindings)]
pub struct Findings {
    /// How many are open or acknowledged.
    pub unresolved: usize,
    /// Not all were counted.
    pub truncated: bool,
    /// Unresolved ones by severity, the worst first; always all four.
    pub by_severity: Vec<SeverityCount>,
    /// Unresolved ones by code and severity, the worst first.
    pub by_code: Vec<CodeCount>,
    /// The 20 worst unresolved ones, of equal severity the newest first.
    pub worst: Vec<FindingRow>,
    /// What was found in the window, hour by hour, whatever became of it since.
    pub per_hour: Vec<HourCount>,
    /// Not all findings of the window were counted.
    pub per_hour_truncated: bool,
}

/// Unresolved findings of one severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardSeverityCount)]
pub struct SeverityCount {
    /// How bad they are.
    pub severity: &'static str,
    /// Nobody looked yet.
    pub open: usize,
    /// Somebody looks after them.
    pub acknowledged: usize,
}

/// Unresolved findings of one code and severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardCodeCount)]
pub struct CodeCount {
    /// What they say.
    pub code: &'static str,
    /// How bad they are.
    pub severity: &'static str,
    /// Nobody looked yet.
    pub open: usize,
    /// Somebody looks after them.
    pub acknowledged: usize,
    /// Serials in them, or 1 for each that is about a document.
    pub serials: u64,
    /// When the oldest was found, RFC 3339.
    pub oldest_at: String,
}

/// One unresolved finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardFindingRow)]
pub struct FindingRow {
    /// Its id.
    pub id: String,
    /// What it says.
    pub code: &'static str,
    /// How bad it is.
    pub severity: &'static str,
    /// `open` or `acknowledged`.
    pub status: &'static str,
    /// When it was found, RFC 3339.
    pub at: String,
    /// The document.
    pub content_sha256: String,
    /// The system whose copy it was found for.
    pub system_id: String,
    /// The allocation it is about.
    #[schema(required)]
    pub allocation_id: Option<String>,
    /// Serials, or 1 where it is about the document.
    pub serials: u64,
}

/// What was found in an hour of the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardHourCount)]
pub struct HourCount {
    /// Where the hour begins, RFC 3339; included.
    pub from: String,
    /// By severity.
    pub critical: usize,
    /// By severity.
    pub error: usize,
    /// By severity.
    pub warning: usize,
    /// By severity.
    pub info: usize,
}

impl HourCount {
    /// All findings of the hour.
    #[must_use]
    pub fn sum(&self) -> usize {
        [self.critical, self.error, self.warning, self.info]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}

impl Findings {
    pub(crate) fn of(unresolved: &Unresolved, found: &Reading<Found>, now: OffsetDateTime) -> Self {
        let count = |severity: Severity, status: FindingStatus| {
            let same =
                |note: &&UnresolvedFinding| note.severity == severity && note.status == status;
            unresolved.findings.iter().filter(same).count()
        };
        let by_severity = SEVERITIES.map(|severity| SeverityCount {
            severity: severity.as_str(),
            open: count(severity, FindingStatus::Open),
            acknowledged: count(severity, FindingStatus::Acknowledged),
        });
        let mut worst: Vec<&UnresolvedFinding> = unresolved.findings.iter().collect();
        worst.sort_by_key(|note| (Reverse(note.severity), Reverse(&note.at), &note.id));
        Self {
            unresolved: unresolved.findings.len(),
            truncated: unresolved.truncated,
            by_severity: by_severity.into(),
            by_code: by_code(&unresolved.findings),
            worst: worst.into_iter().take(ROWS_MAX).map(row).collect(),
            per_hour: per_hour(&found.items, now),
            per_hour_truncated: found.truncated,
        }
    }
}

fn by_code(notes: &[UnresolvedFinding]) -> Vec<CodeCount> {
    let mut codes: BTreeMap<(Reverse<Severity>, Code), CodeCount> = BTreeMap::new();
    for note in notes {
        let entry = codes.entry((Reverse(note.severity), note.code));
        let sum = entry.or_insert_with(|| CodeCount {
            code: note.code.as_str(),
            severity: note.severity.as_str(),
            open: 0,
            acknowledged: 0,
            serials: 0,
            oldest_at: note.at.clone(),
        });
        match note.status {
            FindingStatus::Open => sum.open = sum.open.saturating_add(1),
            FindingStatus::Acknowledged => sum.acknowledged = sum.acknowledged.saturating_add(1),
            // The index may lag behind a resolution.
            FindingStatus::Resolved => {}
        }
        sum.serials = sum.serials.saturating_add(note.count);
        if note.at < sum.oldest_at {
            sum.oldest_at.clone_from(&note.at);
        }
    }
    codes.into_values().collect()
}

fn row(note: &UnresolvedFinding) -> FindingRow {
    FindingRow {
        id: note.id.clone(),
        code: note.code.as_str(),
        severity: note.severity.as_str(),
        status: note.status.as_str(),
        at: note.at.clone(),
        content_sha256: note.content_sha256.clone(),
        system_id: note.system_id.to_string(),
        allocation_id: note.allocation_id.clone(),
        serials: note.count,
    }
}

fn per_hour(found: &[Found], now: OffsetDateTime) -> Vec<HourCount> {
    let from = |hours: i64| rfc3339_ms(now.saturating_sub(Duration::hours(hours)));
    (0..WINDOW_HOURS)
        .map(|hour| {
            let left = WINDOW_HOURS.saturating_sub(hour);
            let (start, end) = (from(left), from(left.saturating_sub(1)));
            // The last hour has no end: what was found this very millisecond belongs to it.
            let within = |at: &str| at >= start.as_str() && (left == 1 || at < end.as_str());
            let count = |severity: Severity| {
                let same = |n: &&Found| n.severity == severity && within(&n.at);
                found.iter().filter(same).count()
            };
            HourCount {
                critical: count(Severity::Critical),
                error: count(Severity::Error),
                warning: count(Severity::Warning),
                info: count(Severity::Info),
                from: start,
            }
        })
        .collect()
}
