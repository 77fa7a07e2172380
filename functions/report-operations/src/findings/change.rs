//! `GET /api/v1/findings/{id}` and what people do about a finding: `POST …/acknowledge`, `/resolve`,
//! `/assign`, `/comment`.
//!
//! Done twice, a change is made once: the second call answers the same finding. What the finding's state
//! forbids is 409 `finding-state`.

use axum::Json;
use axum::extract::{Path, State};
use domain::finding::{Assignee, Change, Note, TextError};
use edge::{Caller, JsonBody, Problem, ProblemKind, Scope};
use serde::Deserialize;
use store::finding::{Asked, FindingCase, FindingError};
use store::time::rfc3339_ms;
use utoipa::ToSchema;

use super::openapi::{AssigneeForm, NoteForm};
use super::view::FindingDetails;
use crate::Hub;
use crate::documents::own_system;
use crate::failure::store_problem;

/// The body of `acknowledge` and `resolve`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FindingReason)]
pub(crate) struct ReasonBody {
    #[schema(value_type = NoteForm)]
    reason: String,
}

/// The body of `assign`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FindingAssignment)]
pub(crate) struct AssignBody {
    /// Who looks after it from now on; null for nobody.
    // A body that forgets it shall not take the finding from somebody.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, value_type = Option<AssigneeForm>)]
    assignee: Option<String>,
    #[schema(value_type = Option<NoteForm>)]
    reason: Option<String>,
}

/// The body of `comment`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FindingComment)]
pub(crate) struct CommentBody {
    #[schema(value_type = NoteForm)]
    text: String,
}

/// `GET /api/v1/findings/{id}`
pub(crate) async fn fetch(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<FindingDetails>, Problem> {
    caller.require_any(&[Scope::DocumentsRead, Scope::ReportsRead])?;
    let case = visible_case(&hub, &caller, &id).await?;
    details(&hub, &case).await
}

/// `POST /api/v1/findings/{id}/acknowledge`
pub(crate) async fn acknowledge(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<FindingDetails>, Problem> {
    caller.require(Scope::FindingsWrite)?;
    change(&hub, &caller, &id, (Change::Acknowledge(reason_of(&body)?), None)).await
}

/// `POST /api/v1/findings/{id}/resolve`
pub(crate) async fn resolve(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<FindingDetails>, Problem> {
    caller.require(Scope::FindingsWrite)?;
    change(&hub, &caller, &id, (Change::Resolve(reason_of(&body)?), None)).await
}

/// The reason that both turns ask for.
fn reason_of(body: &JsonBody) -> Result<Note, Problem> {
    let body: ReasonBody = body.parse()?;
    Note::parse(&body.reason).map_err(|error| refused("/reason", error))
}

/// `POST /api/v1/findings/{id}/assign`
pub(crate) async fn assign(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<FindingDetails>, Problem> {
    caller.require(Scope::FindingsWrite)?;
    let body: AssignBody = body.parse()?;
    let assignee = body.assignee.as_deref().map(Assignee::parse).transpose();
    let assignee = assignee.map_err(|error| refused("/assignee", error))?;
    let reason = body.reason.as_deref().map(Note::parse).transpose();
    let reason = reason.map_err(|error| refused("/reason", error))?;
    change(&hub, &caller, &id, (Change::Assign(assignee), reason)).await
}

/// `POST /api/v1/findings/{id}/comment`
pub(crate) async fn comment(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<FindingDetails>, Problem> {
    caller.require(Scope::FindingsWrite)?;
    let body: CommentBody = body.parse()?;
    let text = Note::parse(&body.text).map_err(|error| refused("/text", error))?;
    let author = caller.actor();
    change(&hub, &caller, &id, (Change::Comment { text, author }, None)).await
}

async fn change(
    hub: &Hub,
    caller: &Caller,
    id: &str,
    (change, reason): (Change, Option<Note>),
) -> Result<Json<FindingDetails>, Problem> {
    // A finding never changes its system, so this judgement holds for the change below.
    visible_case(hub, caller, id).await?;
    let (actor, now) = (caller.actor(), rfc3339_ms(hub.clock.now()));
    let asked = Asked { actor: &actor, now: &now, reason: reason.as_ref() };
    let case = hub.store.finding_change(id, &change, asked).await.map_err(finding_problem)?;
    details(hub, &case).await
}

async fn details(hub: &Hub, case: &FindingCase) -> Result<Json<FindingDetails>, Problem> {
    let history = hub.store.finding_history(case).await.map_err(|error| store_problem(&error))?;
    Ok(Json(FindingDetails::new(case, history)))
}

/// A finding that the caller may see; all else is not found (I8).
pub(crate) async fn visible_case(
    hub: &Hub,
    caller: &Caller,
    id: &str,
) -> Result<FindingCase, Problem> {
    let is_id = id.len() == 26 && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
    if !is_id {
        return Err(Problem::not_found());
    }
    let own = own_system(caller)?;
    let found = hub.store.finding_find(id).await.map_err(|error| store_problem(&error))?;
    let visible = found.filter(|case| own.as_ref().is_none_or(|own| case.record.system_id == *own));
    visible.ok_or_else(Problem::not_found)
}

fn refused(pointer: &str, error: TextError) -> Problem {
    Problem::bad_request("A text is not valid.").violation(pointer, error.to_string())
}

fn finding_problem(error: FindingError) -> Problem {
    match error {
        FindingError::Refused(refusal) => {
            Problem::new(ProblemKind::FindingState).detail(refusal.to_string())
        }
        FindingError::Store(error) => store_problem(&error),
    }
}
