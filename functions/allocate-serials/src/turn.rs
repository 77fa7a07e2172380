//! `GET /{id}`, `POST /{id}/void` and `POST /{id}/close`: one allocation and the turns of its life.

use axum::Json;
use axum::extract::{Path, State};
use domain::allocation::Allocation;
use edge::openapi::Reason;
use edge::{Caller, JsonBody, Problem, Scope};
use serde::Deserialize;
use service::store_problem;
use store::time::rfc3339_ms;
use utoipa::ToSchema;

use crate::Hub;
use crate::answer::AllocationView;
use crate::problem::change_problem;

/// The longest reason, characters.
const REASON_CHARACTERS_MAX: usize = 200;

/// Why it is done.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TurnBody {
    #[schema(value_type = Option<Reason>)]
    reason: Option<String>,
}

impl TurnBody {
    pub(crate) fn reason(self) -> Result<Option<String>, Problem> {
        let fits = |reason: &String| {
            (1..=REASON_CHARACTERS_MAX).contains(&reason.chars().count())
                && !reason.chars().any(char::is_control)
        };
        if self.reason.as_ref().is_none_or(fits) {
            return Ok(self.reason);
        }
        let problem = Problem::bad_request("The reason is not valid.");
        Err(problem.violation("/reason", "1 to 200 characters without control characters"))
    }
}

pub(crate) async fn fetch(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<AllocationView>, Problem> {
    caller.require(Scope::AllocationsRead)?;
    let allocation = hub.allocation(&caller, &id).await?;
    shown(&hub, &allocation).await
}

pub(crate) async fn void(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<AllocationView>, Problem> {
    caller.require(Scope::AllocationsWrite)?;
    let reason = body.parse_optional::<TurnBody>()?.unwrap_or_default().reason()?;
    let allocation = hub.allocation(&caller, &id).await?;
    let reason = reason.unwrap_or_else(|| "voided".to_owned());
    let now = rfc3339_ms(hub.clock.now());
    let actor = caller.actor();
    let voided = hub.store.allocation_void(&allocation.id, &reason, (&actor, &now)).await;
    let voided = voided.map_err(|error| change_problem(&error))?;
    tracing::info!(allocation.id = %voided.id, pool.id = %voided.pool_id, "allocation voided");
    shown(&hub, &voided).await
}

pub(crate) async fn close(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<AllocationView>, Problem> {
    caller.require(Scope::AllocationsWrite)?;
    let reason = body.parse_optional::<TurnBody>()?.unwrap_or_default().reason()?;
    let allocation = hub.allocation(&caller, &id).await?;
    let now = rfc3339_ms(hub.clock.now());
    let actor = caller.actor();
    let asked = (actor.as_str(), now.as_str(), reason.as_deref());
    let closed = hub.store.allocation_close(&allocation.id, asked).await;
    let closed = closed.map_err(|error| change_problem(&error))?;
    tracing::info!(allocation.id = %closed.id, pool.id = %closed.pool_id, "allocation closed");
    shown(&hub, &closed).await
}

pub(crate) async fn shown(
    hub: &Hub,
    allocation: &Allocation,
) -> Result<Json<AllocationView>, Problem> {
    let pool = hub.store.pool_fetch(&allocation.pool_id).await;
    let pool = pool.map_err(|error| store_problem(&error))?.map(|state| state.pool);
    Ok(Json(AllocationView::new(allocation, pool.as_ref())))
}
