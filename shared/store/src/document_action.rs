//! What people do about a document that waits: try it now, give it up, read it again.
//!
//! I11: who did what is kept by the very transaction that changes the document. Done twice, a change is
//! made once. The work itself is done by the function that judges documents; until it has judged a
//! document, the document stands in the queue, so a message to that function may be lost.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::finding::Note;

use crate::Store;
use crate::audit_record::AuditRecord;
use crate::document::{Document, DocumentStatus, Judgement, Resolution, ResolutionKind};
use crate::document_item::to_item;
use crate::error::{StoreError, sdk_error};
use crate::item::number;
use crate::keys::Pk;
use crate::pause::pause;
use crate::pool::{built, is_cancelled};

/// How often an action is decided again when another change came between.
const ACT_TRIES: u32 = 20;
/// The step of the pauses between these tries, milliseconds.
const ACT_PAUSE_MS: u64 = 5;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Judge a parked document now and not at its next try.
    Retry,
    /// Give up a parked or quarantined document: what is provisional becomes final.
    Reject(Note),
    /// Read the kept bytes again, as if they had just arrived.
    Reprocess,
}

impl Action {
    /// The word used in routes and audit records.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Reject(_) => "reject",
            Self::Reprocess => "reprocess",
        }
    }
}

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// `<system>/<credential>`.
    pub actor: &'a str,
    /// RFC 3339.
    pub now: &'a str,
    /// When what is asked for now should long be done, RFC 3339: the sweep asks again then.
    pub until: &'a str,
}

/// Why a document was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// Its state forbids it.
    #[error("a document that {state} cannot be {action}")]
    Refused {
        /// What it is.
        state: &'static str,
        /// What was asked for.
        action: &'static str,
    },
    /// The store failed, or there is no such document.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Document {
    /// The document after an action; `None` where it was done already.
    ///
    /// # Errors
    /// Its state forbids the action.
    pub fn acted(&self, action: &Action, by: By<'_>) -> Result<Option<Self>, ActionError> {
        match action {
            Action::Retry => self.retried(by),
            Action::Reject(reason) => self.rejected(reason, by),
            Action::Reprocess => self.reprocessed(by),
        }
    }

    fn retried(&self, by: By<'_>) -> Result<Option<Self>, ActionError> {
        let refused = |state| ActionError::Refused { state, action: "tried again" };
        if self.resolution.is_some() {
            return Err(refused("was given up or superseded"));
        }
        // What a run has left unfinished is tried again like what is parked.
        let waits = |judgement: &Judgement| {
            judgement.status == DocumentStatus::Parked
                || judgement.is_unfinished() && !judgement.is_left(by.now)
        };
        if self.is_refused() || !self.judgements.iter().any(waits) {
            return Err(refused("is not parked"));
        }
        let mut after = self.clone();
        for judgement in after.judgements.iter_mut().filter(|judgement| waits(judgement)) {
            ask(judgement, by);
        }
        Ok((after != *self).then_some(after))
    }

    fn rejected(&self, reason: &Note, by: By<'_>) -> Result<Option<Self>, ActionError> {
        let refused = |state| ActionError::Refused { state, action: "given up" };
        match self.resolution.as_ref().map(|resolution| resolution.kind) {
            Some(ResolutionKind::Rejected) => {
                let same = |resolution: &Resolution| resolution.reason == reason.as_str();
                let is_same = self.resolution.as_ref().is_some_and(same);
                return if is_same { Ok(None) } else { Err(refused("was given up already")) };
            }
            Some(ResolutionKind::Superseded) => return Err(refused("was superseded")),
            None => {}
        }
        let parked = |judgement: &Judgement| judgement.status == DocumentStatus::Parked;
        if !self.is_refused() && self.judgements.iter().any(Judgement::is_unfinished) {
            return Err(refused("is being read"));
        }
        if !self.is_refused_for_any() && !self.judgements.iter().any(parked) {
            return Err(refused("is neither parked nor quarantined"));
        }
        // I5: the rest of it would be missing from the ledger for ever, and nobody could tell what it was.
        if self.is_in_part() {
            return Err(refused("was applied in part and has to be read again first"));
        }
        let mut after = self.clone();
        for judgement in after.judgements.iter_mut().filter(|judgement| parked(judgement)) {
            ask(judgement, by);
        }
        after.resolution = Some(Resolution {
            kind: ResolutionKind::Rejected,
            at: by.now.to_owned(),
            by: by.actor.to_owned(),
            reason: reason.as_str().to_owned(),
        });
        Ok(Some(after))
    }

    fn reprocessed(&self, by: By<'_>) -> Result<Option<Self>, ActionError> {
        let refused = |state| ActionError::Refused { state, action: "read again" };
        let superseded = |resolution: &Resolution| resolution.kind == ResolutionKind::Superseded;
        if self.resolution.as_ref().is_some_and(superseded) {
            return Err(refused("was superseded"));
        }
        // Asked for before, or being read: done already. What a run has left unfinished is read again.
        let busy = |judgement: &Judgement| judgement.is_unfinished() && judgement.is_left(by.now);
        if !self.is_refused() && self.judgements.iter().any(busy) {
            return Ok(None);
        }
        let mut after = self.clone();
        // One that was never read may have no judgement.
        after.judgement_mut(&self.system_id, by.now);
        for judgement in &mut after.judgements {
            judgement.status = DocumentStatus::Received;
            judgement.next_try_at = Some(by.now.to_owned());
            judgement.left_until = Some(by.until.to_owned());
            judgement.tries = 0;
            judgement.reconciled_at = None;
            judgement.error = None;
        }
        after.error = None;
        after.resolution = None;
        Ok(Some(after))
    }
}

/// Asks for a judgement, unless that was done and may still be answered.
fn ask(judgement: &mut Judgement, by: By<'_>) {
    let asked = judgement.next_try_at.as_deref().is_some_and(|at| at <= by.now);
    if !(asked && judgement.is_left(by.now)) {
        judgement.ask(by.now, by.until);
    }
}

impl Store {
    /// Does what is asked about a document and keeps who asked; gives what is stored then, and whether it
    /// was done now. What was done already writes nothing.
    ///
    /// # Errors
    /// `Refused` when the state forbids it; `NotFound`; `Conflict` after many tries.
    pub async fn document_act(
        &self,
        sha: &str,
        action: &Action,
        by: By<'_>,
    ) -> Result<(Document, bool), ActionError> {
        for attempt in 0..ACT_TRIES {
            let missing = StoreError::NotFound { what: "the document" };
            let before = self.document_fetch(sha).await?.ok_or(missing)?;
            let Some(mut after) = before.acted(action, by)? else {
                return Ok((before, false));
            };
            after.version = before.version.saturating_add(1);
            if self.document_acted(action, (&before, &after), by).await? {
                return Ok((after, true));
            }
            pause(attempt, ACT_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the document" }.into())
    }

    /// One transaction; `false` when another change came between.
    async fn document_acted(
        &self,
        action: &Action,
        (before, after): (&Document, &Document),
        by: By<'_>,
    ) -> Result<bool, StoreError> {
        // I11: the decision was made on what is stored.
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(to_item(after)))
            .condition_expression("#version = :seen")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":seen", number(before.version))
            .build()
            .map_err(|error| built(&error))?;
        let reason = match action {
            Action::Reject(reason) => Some(reason.as_str()),
            Action::Retry | Action::Reprocess => None,
        };
        let record = AuditRecord::new(by.now, by.actor, action.as_str(), after.version)
            .because(reason)
            .changing(Some(before.status().as_str()), Some(after.status().as_str()));
        let entity = Pk::Document(before.content_sha256.clone());
        let outcome = self
            .dynamo
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(self.audit_next(&entity, record).await?)
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(true),
            Err(error) if is_cancelled(&error) => Ok(false),
            Err(error) => Err(sdk_error("TransactWriteItems document", &error)),
        }
    }
}
