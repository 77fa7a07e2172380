//! Findings of documents, and what was done about them.
//!
//! A finding's id follows from what it is about, so judging a document again finds its findings again.
//! Its item lies with its document; a second item leads from its id there, and the partition of that item
//! holds the audit records of what was done about it (I11). While a finding is unresolved it is in the
//! sparse index `attention`.

mod change;
mod item;
mod list;
mod rerun;
mod unresolved;

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::finding::{Finding, FindingStatus, Handling, SerialRange};
use domain::ids::SystemId;
use serde_json::json;

pub use self::change::{Asked, FindingError};
use self::item::{from_item, home_from, home_item, to_item};
pub use self::list::FindingFilter;
pub use self::unresolved::{UNRESOLVED_MAX, Unresolved, UnresolvedFinding};
use crate::Store;
use crate::error::StoreError;
use crate::keys::{FINDING_PREFIX, Pk, Sk};
use crate::meter::Meter;
use crate::pause::pause;

/// How often a finding is put again when another write was in the way.
const PUT_TRIES: u32 = 20;
/// The step of the pauses between these tries, milliseconds.
const PUT_PAUSE_MS: u64 = 5;

/// A finding as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRecord {
    /// The document.
    pub content_sha256: String,
    /// The system whose copy it was found for.
    pub system_id: SystemId,
    /// When it was found first, RFC 3339.
    pub at: String,
    /// The finding.
    pub finding: Finding,
}

/// A finding with what was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingCase {
    /// The finding.
    pub record: FindingRecord,
    /// What was done about it.
    pub handling: Handling,
    /// Counted up by each write.
    pub version: u64,
    /// When anybody or the hub last did something about it, RFC 3339.
    pub changed_at: Option<String>,
    /// The provisional finding that it was before it became final.
    pub continues: Option<String>,
    /// The resolved finding of an earlier document that it shows to be unresolved.
    pub recurrence_of: Option<String>,
}

impl FindingCase {
    /// A finding that nobody has done anything about.
    #[must_use]
    pub fn new(record: FindingRecord) -> Self {
        let (handling, version) = (Handling::default(), 1);
        Self { record, handling, version, changed_at: None, continues: None, recurrence_of: None }
    }

    /// Whether somebody said that it is dealt with; the hub's own resolutions claim no such thing.
    #[must_use]
    pub fn was_resolved_by_people(&self) -> bool {
        self.record.finding.status == FindingStatus::Resolved
            && self.handling.settled.is_some_and(|settled| !settled.vanished)
    }
}

/// A finding as answers and reports show it.
#[must_use]
pub fn finding_view(finding: &Finding) -> serde_json::Value {
    json!({
        "id": finding.id,
        "code": finding.code.as_str(),
        "severity": finding.severity.as_str(),
        "count": finding.count,
        "provisional": finding.provisional,
        "allocation_id": finding.allocation_id,
        "gtin": finding.gtin,
        "ranges": ranges_json(finding),
        "index_ranges": index_ranges_json(finding),
        "samples": finding.samples,
        "status": finding.status.as_str(),
    })
}

/// Runs of random serials: their indexes, for the ends of a run tell nothing of its texts.
fn index_ranges_json(finding: &Finding) -> serde_json::Value {
    let runs = finding.indexes.iter().flat_map(|of| of.runs.iter().map(|run| (of.space, run)));
    runs.map(|(space, (from, to))| {
        json!({"space": space.to_string(), "from": from.to_string(), "to": to.to_string()})
    })
    .collect()
}

/// Cuts the ranges in the view of a finding to the first `max` and says how many there are, so that an
/// answer with many findings stays below the gateway's limit. The report in S3 has all that are kept.
pub fn cut_ranges(view: &mut serde_json::Value, max: usize) {
    let Some(view) = view.as_object_mut() else { return };
    let (mut total, mut room) = (0_usize, max);
    for name in ["ranges", "index_ranges"] {
        let Some(ranges) = view.get_mut(name).and_then(serde_json::Value::as_array_mut) else {
            continue;
        };
        total = total.saturating_add(ranges.len());
        ranges.truncate(room);
        room = room.saturating_sub(ranges.len());
    }
    if total > max {
        view.insert("ranges_total".to_owned(), total.into());
    }
}

fn ranges_json(finding: &Finding) -> serde_json::Value {
    let range = |range: &SerialRange| json!({"from": range.from, "to": range.to});
    finding.ranges.iter().map(range).collect()
}

impl Store {
    /// The findings of a document, the worst first. Consistent.
    pub async fn document_findings(
        &self,
        content_sha256: &str,
    ) -> Result<Vec<FindingRecord>, StoreError> {
        let cases = self.document_cases(content_sha256).await?;
        Ok(cases.into_iter().map(|case| case.record).collect())
    }

    /// The same with what was done about them.
    pub async fn document_cases(
        &self,
        content_sha256: &str,
    ) -> Result<Vec<FindingCase>, StoreError> {
        let pk = Pk::Document(content_sha256.to_owned());
        let items = self.partition(&pk, FINDING_PREFIX).await?;
        let mut cases = items.iter().map(from_item).collect::<Result<Vec<_>, _>>()?;
        cases.sort_by_key(|case| {
            let finding = &case.record.finding;
            (std::cmp::Reverse(finding.severity), finding.code, finding.id.clone())
        });
        Ok(cases)
    }

    /// A finding by its id. Consistent.
    pub async fn finding_find(&self, id: &str) -> Result<Option<FindingCase>, StoreError> {
        let pk = Pk::Finding(id.to_owned());
        let Some(home) = self.item_fetch("GetItem finding home", &pk, &Sk::FindingHome).await?
        else {
            return Ok(None);
        };
        let (pk, sk) = (Pk::Document(home_from(&home)?), Sk::Finding(id.to_owned()));
        let item = self.item_fetch("GetItem finding", &pk, &sk).await?;
        Ok(item.as_ref().map(from_item).transpose()?)
    }

    /// Puts a finding unless it is there.
    ///
    /// # Errors
    /// `Conflict` when other writes stayed in the way.
    pub async fn finding_put(
        &self,
        record: &FindingRecord,
        meter: &Meter,
    ) -> Result<(), StoreError> {
        for attempt in 0..PUT_TRIES {
            if self.write_together(self.finding_writes(record)?, meter).await?
                || self.finding_find(&record.finding.id).await?.is_some()
            {
                return Ok(());
            }
            pause(attempt, PUT_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the finding" })
    }

    /// The writes that put a new finding: itself, and the way to it.
    pub(crate) fn finding_writes(
        &self,
        record: &FindingRecord,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let case = FindingCase::new(record.clone());
        // I5: it is put once; what was done about it since stays.
        Ok(vec![self.put_new(to_item(&case))?, self.put_new(home_item(record))?])
    }
}
