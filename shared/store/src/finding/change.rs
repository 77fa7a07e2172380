//! What people do about a finding: acknowledge, resolve, assign, comment.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::finding::{Change, FindingStatus, Note, Refusal};

use super::FindingCase;
use crate::Store;
use crate::audit_record::{AuditRecord, HUB};
use crate::error::StoreError;
use crate::keys::Pk;
use crate::meter::Meter;
use crate::pause::pause;

/// How often a change is decided again when another one came between.
const CHANGE_TRIES: u32 = 20;
/// The step of the pauses between these tries, milliseconds.
const CHANGE_PAUSE_MS: u64 = 5;
/// Records of a history that are shown; older ones stay in the table.
const HISTORY_MAX: i32 = 500;

/// Why a finding was not changed.
#[derive(Debug, thiserror::Error)]
pub enum FindingError {
    /// Its state forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed, or there is no such finding.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who asks for a change, when, and why, where the change itself does not say why.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `<system>/<credential>`.
    pub actor: &'a str,
    /// RFC 3339.
    pub now: &'a str,
    /// Why somebody is assigned.
    pub reason: Option<&'a Note>,
}

impl Store {
    /// Changes a finding and keeps who did it, and gives what is stored then. A change that is done
    /// already writes nothing. Of two changes at once the second is decided on what the first left.
    ///
    /// # Errors
    /// `Refused` when the state forbids it; `NotFound`; `Conflict` after many tries.
    pub async fn finding_change(
        &self,
        id: &str,
        change: &Change,
        asked: Asked<'_>,
    ) -> Result<FindingCase, FindingError> {
        for attempt in 0..CHANGE_TRIES {
            let missing = || StoreError::NotFound { what: "the finding" };
            let case = self.finding_find(id).await?.ok_or_else(missing)?;
            let Some((next, writes)) = self.change_writes(&case, change, asked).await? else {
                return Ok(case);
            };
            if self.write_together(writes, &Meter::default()).await? {
                return Ok(next);
            }
            pause(attempt, CHANGE_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the finding" }.into())
    }

    /// The finding after a change and the writes that make it so; `None` where the change is done already.
    ///
    /// # Errors
    /// As [`Store::finding_change`].
    pub(crate) async fn change_writes(
        &self,
        case: &FindingCase,
        change: &Change,
        asked: Asked<'_>,
    ) -> Result<Option<(FindingCase, Vec<TransactWriteItem>)>, FindingError> {
        let decided = case.handling.changed(&case.record.finding, change)?;
        let Some((status, handling)) = decided else {
            return Ok(None);
        };
        let mut next = case.clone();
        next.record.finding.status = status;
        next.handling = handling;
        next.version = case.version.saturating_add(1);
        next.changed_at = Some(asked.now.to_owned());
        let audit = audit_of(change, (case, &next), asked);
        let entity = Pk::Finding(case.record.finding.id.clone());
        let writes = vec![self.case_write(&next)?, self.audit_next(&entity, audit).await?];
        Ok(Some((next, writes)))
    }

    /// Opens a resolved finding again, because what it says is found again; an open one stays as it is.
    pub(crate) async fn finding_reopen(
        &self,
        id: &str,
        (now, reason): (&str, &str),
    ) -> Result<(), StoreError> {
        for attempt in 0..CHANGE_TRIES {
            let missing = || StoreError::NotFound { what: "the finding" };
            let case = self.finding_find(id).await?.ok_or_else(missing)?;
            let before = case.record.finding.status;
            if before != FindingStatus::Resolved {
                return Ok(());
            }
            let mut next = case.clone();
            next.record.finding.status = FindingStatus::Open;
            next.handling = case.handling.reopened(reason);
            next.version = case.version.saturating_add(1);
            next.changed_at = Some(now.to_owned());
            let audit = AuditRecord::new(now, HUB, "reopen", next.version)
                .because(Some(reason))
                .changing(Some(before.as_str()), Some(FindingStatus::Open.as_str()));
            let entity = Pk::Finding(id.to_owned());
            let writes = vec![self.case_write(&next)?, self.audit_next(&entity, audit).await?];
            if self.write_together(writes, &Meter::default()).await? {
                return Ok(());
            }
            pause(attempt, CHANGE_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the finding" })
    }

    /// What was done about a finding, the oldest first: at most the latest 500 records of it and of the
    /// provisional finding that it was. Consistent.
    pub async fn finding_history(
        &self,
        case: &FindingCase,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let mut history = Vec::new();
        let ids = [case.continues.as_deref(), Some(case.record.finding.id.as_str())];
        for id in ids.into_iter().flatten() {
            let records = self.audit_records(&Pk::Finding(id.to_owned()), HISTORY_MAX).await?;
            history.extend(records.into_iter().map(|chained| chained.record));
        }
        Ok(history)
    }
}

fn audit_of(
    change: &Change,
    (before, after): (&FindingCase, &FindingCase),
    asked: Asked<'_>,
) -> AuditRecord {
    let record = |action| AuditRecord::new(asked.now, asked.actor, action, after.version);
    let status = |case: &FindingCase| -> FindingStatus { case.record.finding.status };
    let turned = |record: AuditRecord, reason: &Note| {
        record
            .because(Some(reason.as_str()))
            .changing(Some(status(before).as_str()), Some(status(after).as_str()))
    };
    match change {
        Change::Acknowledge(reason) => turned(record("acknowledge"), reason),
        Change::Resolve(reason) => turned(record("resolve"), reason),
        Change::Assign(_) => {
            let (old, new) = (&before.handling.assignee, &after.handling.assignee);
            record("assign")
                .because(asked.reason.map(Note::as_str))
                .changing(old.as_deref(), new.as_deref())
        }
        Change::Comment { text, .. } => record("comment").because(Some(text.as_str())),
    }
}
