//! A finding as these routes show it.

use edge::openapi::{Sha256, SystemId, Time};
use serde::Serialize;
use service::finding::FindingView;
use store::audit_record::AuditRecord;
use store::finding::FindingCase;
use utoipa::ToSchema;

/// Ranges shown of a finding in a list; asked for by its id, it shows all that are kept.
const RANGES_IN_LIST: usize = 20;

/// A finding, where it comes from, and what was done about it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundFinding {
    #[serde(flatten)]
    finding: FindingView,
    #[schema(value_type = Sha256)]
    content_sha256: String,
    #[schema(value_type = SystemId)]
    system_id: String,
    /// When it was found first.
    #[schema(value_type = Time)]
    at: String,
    /// Who looks after it.
    #[schema(required)]
    assignee: Option<String>,
    /// Why it is in its status.
    #[schema(required)]
    reason: Option<String>,
    /// When anybody or the hub last did something about it.
    #[schema(required, value_type = Option<Time>)]
    changed_at: Option<String>,
    comments: u32,
    /// How often it was opened again after it had been resolved.
    recurrences: u32,
    /// The resolved finding of an earlier document that it shows to be unresolved.
    #[schema(required)]
    recurrence_of: Option<String>,
    /// The provisional finding that it was.
    #[schema(required)]
    continues: Option<String>,
}

/// A finding with its history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingDetails {
    #[serde(flatten)]
    finding: FoundFinding,
    /// The latest 500 changes, the oldest first.
    history: Vec<FindingChange>,
}

/// A change of a finding.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingChange {
    #[schema(value_type = Time)]
    at: String,
    /// `<system>/<credential>` of who asked for it, or `hub`.
    actor: String,
    /// `acknowledge`, `resolve`, `assign` or `comment` by people; `reopen`, `vanish` or `continue` by the
    /// hub.
    action: String,
    /// Why, or what the comment says.
    #[schema(required)]
    reason: Option<String>,
    /// The status or the assignee before.
    #[schema(required)]
    before: Option<String>,
    /// The same since.
    #[schema(required)]
    after: Option<String>,
}

impl FoundFinding {
    /// As lists show it.
    pub(crate) fn listed(case: &FindingCase) -> Self {
        Self::new(case, RANGES_IN_LIST)
    }

    fn new(case: &FindingCase, ranges_max: usize) -> Self {
        let (record, handling) = (&case.record, &case.handling);
        Self {
            finding: FindingView::new(&record.finding, ranges_max),
            content_sha256: record.content_sha256.clone(),
            system_id: record.system_id.as_str().to_owned(),
            at: record.at.clone(),
            assignee: handling.assignee.clone(),
            reason: handling.reason.clone(),
            changed_at: case.changed_at.clone(),
            comments: handling.comments,
            recurrences: handling.recurrences,
            recurrence_of: case.recurrence_of.clone(),
            continues: case.continues.clone(),
        }
    }
}

impl FindingDetails {
    pub(crate) fn new(case: &FindingCase, history: Vec<AuditRecord>) -> Self {
        Self {
            finding: FoundFinding::new(case, usize::MAX),
            history: history.into_iter().map(FindingChange::from).collect(),
        }
    }
}

impl From<AuditRecord> for FindingChange {
    fn from(record: AuditRecord) -> Self {
        let AuditRecord { at, actor, action, reason, before, after, version: _ } = record;
        Self { at, actor, action, reason, before, after }
    }
}
