//! What people do about a document that waits: `POST /api/v1/l3/documents/{sha256}/retry`, `/reject`,
//! `/reprocess`.
//!
//! 202 with the document as it is now: the work itself is a message to the function that judges documents.
//! Done twice, an action is done once; what the document's state forbids is 409 `document-state`.
//!
//! I6: until it was judged the document stands in its queue, so a message that is lost here is sent again
//! by the sweep. I8: a credential that is bound to lines acts on what its own system alone has sent.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, http::StatusCode};
use domain::finding::Note;
use domain::ids::SystemId;
use edge::openapi::{Answer, Route, Sha256};
use edge::{Caller, JsonBody, Problem, ProblemKind, Scope};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use store::document::Document;
use store::document_action::{Action, ActionError, By};
use store::inbound::again_message;
use store::report::document_summary;
use store::time::rfc3339_ms;
use utoipa::ToSchema;

use super::{is_of, is_sha256, own_system, visible};
use crate::Hub;
use crate::failure::store_problem;
use crate::findings::openapi::NoteForm;
use crate::openapi::DocumentSummary;

const DOCUMENT: &str = "/api/v1/l3/documents/{sha256}";

/// The queue that asks for documents to be judged.
#[derive(Debug, Clone)]
pub struct JudgeQueue {
    /// The SQS client.
    pub sqs: aws_sdk_sqs::Client,
    /// The queue's address.
    pub url: String,
    /// How long what was sent is left alone (see `store::document_queue::patience`).
    pub patience: time::Duration,
}

/// The body of `reject`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DocumentRejection)]
pub(crate) struct RejectBody {
    #[schema(value_type = NoteForm)]
    reason: String,
}

/// The body of `retry` and `reprocess`, which may be left out: it says nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoBody {}

/// The routes of this file.
pub(crate) fn router() -> Router<Hub> {
    Router::new()
        .route(&format!("{DOCUMENT}/retry"), post(retry))
        .route(&format!("{DOCUMENT}/reject"), post(reject))
        .route(&format!("{DOCUMENT}/reprocess"), post(reprocess))
}

/// The same as OpenAPI.
pub(crate) fn routes() -> Vec<Route> {
    let route = |verb: &str, summary: &str, description: &str| {
        let (path, id) = (format!("{DOCUMENT}/{verb}"), format!("document_{verb}"));
        Route::new(&Method::POST, &path, &id, &[Scope::FindingsWrite])
            .says(summary, description)
            .path::<Sha256>("sha256", "The SHA-256 of the content or of the bytes as received.")
            .answers(Answer::json::<DocumentSummary>(202, "The document as it is now."))
            .refuses(&[ProblemKind::DocumentState])
    };
    vec![
        route(
            "retry",
            "Judge a parked document now",
            "Without it the document is judged at `next_try_at`.",
        ),
        route(
            "reject",
            "Give up a parked or quarantined document",
            "What is provisional becomes final; the bytes stay, and reading them again stays possible.",
        )
        .body::<RejectBody>(json!({ "reason": "a test file" })),
        route(
            "reprocess",
            "Read a document again",
            "From the kept bytes, as if they had just arrived; whatever was applied stays applied once.",
        ),
    ]
}

/// `POST /api/v1/l3/documents/{sha256}/retry`
async fn retry(
    State(hub): State<Hub>,
    caller: Caller,
    Path(sha256): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<Value>), Problem> {
    caller.require(Scope::FindingsWrite)?;
    body.parse_optional::<NoBody>()?;
    act(&hub, &caller, &sha256, &Action::Retry).await
}

/// `POST /api/v1/l3/documents/{sha256}/reject`
async fn reject(
    State(hub): State<Hub>,
    caller: Caller,
    Path(sha256): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<Value>), Problem> {
    caller.require(Scope::FindingsWrite)?;
    let body: RejectBody = body.parse()?;
    let reason = Note::parse(&body.reason).map_err(|error| {
        Problem::bad_request("A text is not valid.").violation("/reason", error.to_string())
    })?;
    act(&hub, &caller, &sha256, &Action::Reject(reason)).await
}

/// `POST /api/v1/l3/documents/{sha256}/reprocess`
async fn reprocess(
    State(hub): State<Hub>,
    caller: Caller,
    Path(sha256): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<Value>), Problem> {
    caller.require(Scope::FindingsWrite)?;
    body.parse_optional::<NoBody>()?;
    act(&hub, &caller, &sha256, &Action::Reprocess).await
}

pub(crate) async fn act(
    hub: &Hub,
    caller: &Caller,
    sha256: &str,
    action: &Action,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let own = own_system(caller)?;
    let document = own_document(hub, own.as_ref(), sha256).await?;
    let sha = document.content_sha256.as_str();
    let actor = caller.actor();
    let at = hub.clock.now();
    let (now, until) = (rfc3339_ms(at), rfc3339_ms(at.saturating_add(hub.queue.patience)));
    let by = By { actor: &actor, now: &now, until: &until };
    let (done, is_new) = hub.store.document_act(sha, action, by).await.map_err(action_problem)?;
    if let Action::Reject(reason) = action {
        // What is said about a file that was gone is over with the file.
        let about = (now.as_str(), reason.as_str());
        let resolved = hub.store.finding_gone_resolve(sha, &actor, about).await;
        resolved.map_err(|error| store_problem(&error))?;
    }
    if is_new {
        ask(hub, &done, &until).await;
    }
    Ok((StatusCode::ACCEPTED, Json(document_summary(&visible(done, own.as_ref())))))
}

/// A document that the caller may act on.
async fn own_document(
    hub: &Hub,
    own: Option<&SystemId>,
    sha256: &str,
) -> Result<Document, Problem> {
    if !is_sha256(sha256) {
        return Err(Problem::not_found());
    }
    let found = hub.store.document_find(sha256).await.map_err(|error| store_problem(&error))?;
    let document = found.ok_or_else(Problem::not_found)?;
    let Some(own) = own else {
        return Ok(document);
    };
    if !is_of(&document, own) {
        return Err(Problem::not_found());
    }
    let others = document.judgements.iter().any(|judgement| judgement.system_id != *own);
    if others || document.system_id != *own {
        let problem = Problem::new(ProblemKind::LineNotBound);
        return Err(problem.detail("Another system has sent the same document."));
    }
    Ok(document)
}

/// Asks for what was made due until then. A failure is no problem of the caller: the sweep asks again.
async fn ask(hub: &Hub, document: &Document, until: &str) {
    let due = document
        .judgements
        .iter()
        .filter(|judgement| judgement.left_until.as_deref() == Some(until));
    for judgement in due {
        let message = again_message(&document.content_sha256, &judgement.system_id);
        let send = hub.queue.sqs.send_message().queue_url(&hub.queue.url).message_body(message);
        if let Err(error) = send.send().await {
            tracing::warn!(document.sha256 = document.content_sha256, %error, "not asked for now");
        }
    }
}

fn action_problem(error: ActionError) -> Problem {
    match error {
        ActionError::Refused { .. } => {
            Problem::new(ProblemKind::DocumentState).detail(error.to_string())
        }
        ActionError::Store(error) => store_problem(&error),
    }
}
