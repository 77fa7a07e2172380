//! `POST /api/v1/l3/allocations`: reserve a range once per request id.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::gln::Gln;
use domain::ids::{PoolId, SystemId};
use domain::object_key::ObjectKey;
use domain::request::ReserveRequest;
use edge::{Caller, JsonBody, Measures, Metric, Problem, Scope};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use service::store_problem;
use store::StoreError;
use store::reserve::{Outcome, ReserveError};
use store::time::rfc3339_ms;

use crate::Hub;
use crate::answer::{AllocationView, serials};
use crate::body::ReserveBody;
use crate::offered;
use crate::problem::reserve_problem;

pub(crate) const REPLAY: &str = "idempotent-replay";

pub(crate) async fn reserve(
    State(hub): State<Hub>,
    caller: Caller,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Problem> {
    caller.require(Scope::AllocationsWrite)?;
    let key = idempotency_key(&headers)?;
    let request = body.parse::<ReserveBody>()?.into_request(&caller, key)?;
    caller.require_line(request.line_gln.as_ref().map(Gln::as_str))?;
    let system = target_system(&hub, &request).await?;
    let now = rfc3339_ms(hub.clock.now());
    let started = Instant::now();
    let outcome = reserve_in_any(&hub, &request, &now).await.map_err(|e| reserve_problem(&e))?;
    note(&outcome, started.elapsed());
    if let Some(system) = system.filter(store::system::System::takes_files) {
        crate::drop_file::drop_file(&hub, &system, &outcome.allocation).await;
    }
    answer(&hub, outcome).await.map_err(|error| store_problem(&error))
}

/// Logs and measures a reservation.
fn note(outcome: &Outcome, took: Duration) {
    let (allocation, is_new) = (&outcome.allocation, !outcome.is_replay());
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (id, pool) = (allocation.id.as_str(), allocation.pool_id.as_str());
    let size = allocation.size;
    tracing::info!(allocation.id = id, pool.id = pool, size, is_new, duration_ms, "reserved");
    let measures = Measures::of("reservation")
        .with(Metric::Reservations, is_new)
        .with(Metric::SerialsReserved, if is_new { size } else { 0 })
        .with(Metric::ReservationLatency, duration_ms);
    edge::emit(&measures.about("allocation.id", id).about("pool.id", pool));
}

pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    value.to_str().map(Some).map_err(|_| {
        Problem::bad_request("Idempotency-Key is not valid.")
            .violation("header Idempotency-Key", "1 to 64 printable ASCII characters")
    })
}

/// The system whose line will print. One that is named must exist; the caller's own may be unknown here,
/// as an operator's is.
async fn target_system(
    hub: &Hub,
    request: &ReserveRequest,
) -> Result<Option<store::system::System>, Problem> {
    let id: &SystemId = request.target();
    let system = hub.store.system_fetch(id).await.map_err(|error| store_problem(&error))?;
    if system.is_none() && request.system_id.is_some() {
        let problem = Problem::bad_request("The request for numbers is not valid.");
        return Err(problem.violation("/system_id", "a system that exists"));
    }
    Ok(system)
}

/// The pool asked for, or the pools of the key by lower boundary: first as this process knows them, and
/// read afresh when none of those serves the request.
async fn reserve_in_any(
    hub: &Hub,
    request: &ReserveRequest,
    now: &str,
) -> Result<Outcome, ReserveError> {
    if let Some(pool) = &request.pool_id {
        return reserve_in(hub, request, std::slice::from_ref(pool), now).await;
    }
    if let Some(known) = known_pools(hub, request.key) {
        match reserve_in(hub, request, &known, now).await {
            Err(
                ReserveError::NoPool
                | ReserveError::Insufficient { .. }
                | ReserveError::ModeNotAllowed { .. }
                | ReserveError::SizeLimit { .. }
                | ReserveError::Inactive,
            ) => {}
            outcome => return outcome,
        }
    }
    let boundaries = hub.store.pools_of(request.key).await?;
    let pools: Vec<PoolId> = boundaries.into_iter().map(|boundary| boundary.pool_id).collect();
    if let Ok(mut cache) = hub.pools.lock() {
        cache.insert(request.key, pools.clone());
    }
    reserve_in(hub, request, &pools, now).await
}

/// From returned numbers first, where one of the pools offers them again.
async fn reserve_in(
    hub: &Hub,
    request: &ReserveRequest,
    pools: &[PoolId],
    now: &str,
) -> Result<Outcome, ReserveError> {
    match offered::reserve(hub, request, pools, now).await? {
        Some(outcome) => Ok(outcome),
        None => hub.store.reserve(request, pools, now).await,
    }
}

fn known_pools(hub: &Hub, key: ObjectKey) -> Option<Vec<PoolId>> {
    hub.pools.lock().ok()?.get(&key).filter(|pools| !pools.is_empty()).cloned()
}

async fn answer(hub: &Hub, outcome: Outcome) -> Result<Response, StoreError> {
    let is_replay = outcome.is_replay();
    let Outcome { allocation, pool } = outcome;
    let pool = match pool {
        Some(pool) => Some(pool),
        None => hub.store.pool_fetch(&allocation.pool_id).await?.map(|state| state.pool),
    };
    let serials = serials((&hub.store, &hub.objects), &allocation).await?;
    let body = Json(AllocationView::new(&allocation, pool.as_ref(), serials));
    if is_replay {
        return Ok(([(REPLAY, HeaderValue::from_static("true"))], body).into_response());
    }
    let location = format!("/api/v1/l3/allocations/{}", allocation.id);
    let location = HeaderValue::try_from(location).map_err(|_| StoreError::Unavailable {
        operation: "answering",
        detail: "the id is no header value".to_owned(),
    })?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}
