//! `GET /{id}`, `POST /{id}/confirm` and `POST /{id}/void`: one allocation and the turns of its life.

use axum::Json;
use axum::extract::{Path, State};
use domain::allocation::Allocation;
use edge::openapi::Reason;
use edge::{Caller, JsonBody, Problem, Scope};
use serde::Deserialize;
use service::store_problem;
use store::StoreError;
use store::time::rfc3339_ms;
use utoipa::ToSchema;

use crate::Hub;
use crate::answer::{AllocationView, serials};
use crate::batch_view::ClosingView;
use crate::problem::{change_problem, confirm_problem};

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
        self.reason.as_deref().map_or(Ok(()), check_reason)?;
        Ok(self.reason)
    }
}

/// Whether a reason can stand in a record.
pub(crate) fn check_reason(reason: &str) -> Result<(), Problem> {
    let fits = (1..=REASON_CHARACTERS_MAX).contains(&reason.chars().count());
    if fits && !reason.chars().any(char::is_control) {
        return Ok(());
    }
    let problem = Problem::bad_request("The reason is not valid.");
    Err(problem.violation("/reason", "1 to 200 characters without control characters"))
}

/// Somebody who wants an allocation to turn.
pub(crate) struct Turn {
    /// As it was when the request came.
    pub(crate) allocation: Allocation,
    /// `<system>/<credential>`.
    pub(crate) actor: String,
    /// RFC 3339.
    pub(crate) now: String,
    pub(crate) reason: Option<String>,
}

impl Turn {
    /// What every turn begins with, once the caller's scope is known: the allocation, which must be the
    /// caller's to see.
    pub(crate) async fn new(
        hub: &Hub,
        caller: &Caller,
        id: &str,
        reason: Option<String>,
    ) -> Result<Self, Problem> {
        let allocation = hub.allocation(caller, id).await?;
        let now = rfc3339_ms(hub.clock.now());
        Ok(Self { allocation, actor: caller.actor(), now, reason })
    }

    /// The same with the scope and the body that most turns have.
    pub(crate) async fn asked(
        hub: &Hub,
        caller: &Caller,
        id: &str,
        body: &JsonBody,
    ) -> Result<Self, Problem> {
        caller.require(Scope::AllocationsWrite)?;
        let reason = body.parse_optional::<TurnBody>()?.unwrap_or_default().reason()?;
        Self::new(hub, caller, id, reason).await
    }

    /// The allocation as it is now.
    pub(crate) async fn again(&self, hub: &Hub) -> Result<Allocation, Problem> {
        let found = hub.store.allocation_fetch(&self.allocation.id).await;
        found.map_err(|error| store_problem(&error))?.ok_or_else(Problem::not_found)
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
    let turn = Turn::asked(&hub, &caller, &id, &body).await?;
    let reason = turn.reason.as_deref().unwrap_or("voided");
    let by = (turn.actor.as_str(), turn.now.as_str());
    let voided = hub.store.allocation_void(&turn.allocation.id, reason, by).await;
    let voided = voided.map_err(|error| change_problem(&error))?;
    tracing::info!(allocation.id = %voided.id, pool.id = %voided.pool_id, "allocation voided");
    shown(&hub, &voided).await
}

pub(crate) async fn confirm(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<AllocationView>, Problem> {
    let turn = Turn::asked(&hub, &caller, &id, &body).await?;
    let by = (turn.actor.as_str(), turn.now.as_str(), turn.reason.as_deref());
    let confirmed = hub.store.allocation_confirm(&turn.allocation.id, by).await;
    let confirmed = confirmed.map_err(|error| confirm_problem(&error))?;
    tracing::info!(allocation.id = %confirmed.id, pool.id = %confirmed.pool_id, "confirmed");
    let system = hub.store.system_fetch(&confirmed.system_id).await;
    let system = system.map_err(|error| store_problem(&error))?;
    if let Some(system) = system.filter(store::system::System::takes_files) {
        crate::drop_file::drop_file(&hub, &system, &confirmed).await;
    }
    shown(&hub, &confirmed).await
}

/// The answer of every turn: the allocation with its pool and, once its run is over, how that ended.
pub(crate) async fn shown(
    hub: &Hub,
    allocation: &Allocation,
) -> Result<Json<AllocationView>, Problem> {
    let pool = hub.store.pool_fetch(&allocation.pool_id).await;
    let pool = pool.map_err(|error| store_problem(&error))?.map(|state| state.pool);
    let serials = serials((&hub.store, &hub.objects), allocation)
        .await
        .map_err(|error| store_problem(&error))?;
    let closing = ended(hub, allocation).await.map_err(|error| store_problem(&error))?;
    let view = AllocationView::new(allocation, pool.as_ref(), serials);
    Ok(Json(view.with_closing(closing)))
}

/// How the run of an allocation ended, and whether its ledger has changed since.
async fn ended(hub: &Hub, allocation: &Allocation) -> Result<Option<ClosingView>, StoreError> {
    if !allocation.status.is_over() {
        return Ok(None);
    }
    let Some(last) = hub.store.closing_last(&allocation.id).await? else {
        return Ok(None);
    };
    let fill = hub.store.allocation_fill(&allocation.id).await?;
    Ok(Some(ClosingView::new(&last, fill.sums != last.counted)))
}
