//! `POST /{id}/review`: somebody else looks at an end of a batch that was not in order.
//!
//! `accept` closes the allocation as it is, `reopen` lets the run go on, so that it can be closed with other
//! quantities. Who closed it may not review it (403): two people, told apart by their credentials. The ledger is
//! counted again, so the revision that the review writes shows what is true then. The findings of the end are
//! resolved with the reviewer's reason.
//!
//! Idempotent: the same decision with the same reason again gives the same answer.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use domain::allocation::{Allocation, AllocationStatus, Transition};
use domain::closing::Decision;
use domain::finding::Note;
use domain::ids::length_prefixed_sha256;
use edge::{Caller, JsonBody, Problem, ProblemKind, Scope};
use http::HeaderValue;
use serde::Deserialize;
use store::StoreError;
use store::allocation::ChangeError;
use store::closing::{Closing, Effects, content_sha256};
use utoipa::ToSchema;

use crate::Hub;
use crate::answer::AllocationView;
use crate::batch::{Account, Books};
use crate::batch_document::BatchDocument;
use crate::batch_view::ClosingView;
use crate::close::{failed, judged, kept, next_number, seen};
use crate::openapi::ReviewWord;
use crate::problem::change_problem;
use crate::reserve::REPLAY;
use crate::turn::{Turn, shown};

/// How often a review is decided again when a file or another caller came between.
const TRIES: u32 = 6;

/// What the reviewer decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewBody {
    #[schema(value_type = ReviewWord)]
    decision: String,
    /// Why; it becomes that of the findings.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: String,
}

/// A batch document that is not what its decision says.
#[derive(Debug, thiserror::Error)]
#[error("the batch document {0} is missing or was changed")]
pub(crate) struct BrokenDocument(pub(crate) String);

impl ReviewBody {
    fn parsed(self) -> Result<(Decision, Note), Problem> {
        let refused = |pointer: &str, detail: String| {
            Problem::bad_request("The review is not valid.").violation(pointer, detail)
        };
        let decision = Decision::parse(&self.decision)
            .filter(|decision| *decision != Decision::Close)
            .ok_or_else(|| refused("/decision", "accept or reopen".to_owned()))?;
        let note = Note::parse(&self.reason);
        Ok((decision, note.map_err(|error| refused("/reason", error.to_string()))?))
    }
}

pub(crate) async fn review(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, Problem> {
    caller.require(Scope::FindingsWrite)?;
    let (decision, note) = body.parse::<ReviewBody>()?.parsed()?;
    let turn = Turn::new(&hub, &caller, &id, Some(note.to_string())).await?;
    let review = Review { hub: &hub, turn: &turn, decision, note };
    let (allocation, closing, is_replay) = review.decide().await?;
    let view = told(&hub, &allocation, &closing).await?;
    if is_replay {
        return Ok(([(REPLAY, HeaderValue::from_static("true"))], view).into_response());
    }
    Ok(view.into_response())
}

/// The allocation with the decision that was made, also where its run goes on.
async fn told(
    hub: &Hub,
    allocation: &Allocation,
    closing: &Closing,
) -> Result<Json<AllocationView>, Problem> {
    let Json(view) = shown(hub, allocation).await?;
    let fill = hub.store.allocation_fill(&allocation.id).await.map_err(failed)?;
    let ended = ClosingView::new(closing, fill.sums != closing.counted);
    Ok(Json(view.with_closing(Some(ended))))
}

/// A review that somebody asks for.
pub(crate) struct Review<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) turn: &'a Turn,
    pub(crate) decision: Decision,
    pub(crate) note: Note,
}

impl Review<'_> {
    /// The allocation after the review, the decision, and whether it was made before.
    pub(crate) async fn decide(&self) -> Result<(Allocation, Closing, bool), Problem> {
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        for _ in 0..TRIES {
            let found = seen(self.hub, self.turn).await?;
            let seen = found.allocation.clone();
            let closings = store.closing_list(&seen.id).await.map_err(failed)?;
            let last = closings.last();
            if let Some(last) = last.filter(|last| last.request_hash == self.hash()) {
                return Ok((seen, last.clone(), true));
            }
            let transition = match self.decision {
                Decision::Accept => Transition::Accept,
                Decision::Reopen | Decision::Close => Transition::Reopen,
            };
            let after = seen.status.after(transition);
            let status = after.map_err(|error| change_problem(&ChangeError::Transition(error)))?;
            let Some(ended) = last.filter(|last| last.decision == Decision::Close) else {
                return Err(failed(StoreError::NotFound { what: "the end of the run" }));
            };
            self.check_eyes(ended)?;
            let finished = store.number_changes_finish(objects, &seen.id, &self.turn.now);
            finished.await.map_err(failed)?;
            let closing = self.closing(&seen, (ended, status), next_number(&closings)?).await?;
            let effects = Effects { raised: &[], resolved: (&ended.findings, Some(&self.note)) };
            if store.closing_put(&found, &closing, effects).await.map_err(failed)? {
                tracing::info!(allocation.id = %seen.id, pool.id = %seen.pool_id, "batch reviewed");
                return Ok((self.turn.again(self.hub).await?, closing, false));
            }
        }
        Err(failed(StoreError::Conflict { what: "the allocation" }))
    }

    /// Two people: who closed a batch cannot be the one who finds that in order.
    fn check_eyes(&self, ended: &Closing) -> Result<(), Problem> {
        if ended.actor != self.turn.actor {
            return Ok(());
        }
        let problem = Problem::new(ProblemKind::Forbidden);
        Err(problem
            .detail("The batch is reviewed with another credential than it was closed with."))
    }

    fn hash(&self) -> String {
        let parts = ["review-1", self.decision.as_str(), &self.turn.actor, self.note.as_str()];
        content_sha256(&length_prefixed_sha256(&parts.map(str::as_bytes)))
    }

    /// The decision with its document, counted anew.
    async fn closing(
        &self,
        seen: &Allocation,
        (ended, status): (&Closing, AllocationStatus),
        number: u32,
    ) -> Result<Closing, Problem> {
        let reported = fetched(self.hub, ended).await?.reported();
        let books = Books::read(self.hub, seen).await.map_err(failed)?;
        let verdict = judged(&books, seen, reported.as_deref())?;
        let account = Account {
            number,
            decision: self.decision,
            status,
            by: (&self.turn.actor, &self.turn.now, self.turn.reason.as_deref()),
            before: Some(ended),
        };
        let document = BatchDocument::new(&account, seen, &books, (&verdict, reported.is_some()));
        Ok(Closing {
            allocation: seen.id.clone(),
            number,
            decision: self.decision,
            status,
            at: self.turn.now.clone(),
            actor: self.turn.actor.clone(),
            reason: self.turn.reason.clone(),
            request_hash: self.hash(),
            request_key: None,
            document: kept(self.hub, seen, &document).await?,
            counted: books.fill,
            findings: ended.findings.clone(),
        })
    }
}

/// The batch document of a decision, if it is what the decision says.
async fn fetched(hub: &Hub, closing: &Closing) -> Result<BatchDocument, Problem> {
    let broken = || Problem::internal(&BrokenDocument(closing.object_key(false)));
    let bytes = hub.objects.batch_fetch(closing, false).await.map_err(failed)?;
    let bytes = bytes.filter(|bytes| content_sha256(bytes) == closing.document.json);
    serde_json::from_slice(&bytes.ok_or_else(broken)?).map_err(|error| Problem::internal(&error))
}
