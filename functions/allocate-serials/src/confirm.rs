//! `POST /{id}/confirm`: numbers that were held are kept.

use axum::Json;
use axum::extract::{Path, State};
use edge::{Caller, JsonBody, Problem, Scope};
use service::store_problem;
use store::time::rfc3339_ms;

use crate::Hub;
use crate::answer::AllocationView;
use crate::problem::confirm_problem;
use crate::turn::{TurnBody, shown};

pub(crate) async fn confirm(
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
    let confirmed = hub.store.allocation_confirm(&allocation.id, asked).await;
    let confirmed = confirmed.map_err(|error| confirm_problem(&error))?;
    tracing::info!(allocation.id = %confirmed.id, pool.id = %confirmed.pool_id, "confirmed");
    let system = hub.store.system_fetch(&confirmed.system_id).await;
    let system = system.map_err(|error| store_problem(&error))?;
    if let Some(system) = system.filter(store::system::System::takes_files) {
        crate::drop_file::drop_file(&hub, &system, &confirmed).await;
    }
    shown(&hub, &confirmed).await
}
