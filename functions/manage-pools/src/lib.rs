//! `/api/v1/l3/pools`: serial pools, their boundaries and their ranges.
//!
//! | Route | Scope | Answers |
//! |---|---|---|
//! | `POST /api/v1/l3/pools` | `pools:write` | 201, 400, 409 `pool-overlap`, `space-clash`, 413, 415, 422 |
//! | `GET /api/v1/l3/pools` | `pools:read` | 200, 400 |
//! | `GET /api/v1/l3/pools/spaces` | `pools:read` | 200, 400 |
//! | `GET /api/v1/l3/pools/{id}` | `pools:read` | 200, 404 |
//! | `PATCH /api/v1/l3/pools/{id}` | `pools:write` | 200, 400, 404, 409 `pool-overlap`, 413, 415, 422 |
//! | `GET /api/v1/l3/pools/{id}/ranges` | `pools:read` | 200, 400, 404 |
//! | `GET /api/v1/l3/pools/{id}/serials` | `pools:read` | 200, 404 |
//! | `POST /api/v1/l3/pools/{id}/serials` | `pools:write` | 200, 201, 404, 413, 415, 422 |
//! | `GET /api/v1/l3/pools/products/{gtin}` | `pools:read` | 200, 404 |
//! | `PUT /api/v1/l3/pools/products/{gtin}` | `pools:write` | 200, 400, 404, 413, 415 |
//! | `GET /api/v1/l3/pools/webhook` | `operator` | 200, 404 |
//! | `PUT /api/v1/l3/pools/webhook` | `operator` | 200, 400, 413, 415, 422 |
//!
//! Every route also answers 401, 403 and, when the table is slow, 503 with `Retry-After`.
//!
//! Idempotency: a repeated `POST` meets the boundaries of the first and is refused with 409
//! `pool-overlap` and the first pool's id (I1); a repeated `PATCH` sets the same values again.
//! A pool serves all lines, so a credential bound to lines may read pools but neither change them
//! nor list their ranges (403 `line-not-bound`), which name the allocations of other lines.

mod failure;
mod openapi;
mod policy;
mod product;
mod request;
mod scheme;
mod serials;
mod space;
mod view;
mod webhook;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::ids::PoolId;
use domain::webhook::AllowedHosts;
use edge::{Caller, Clock, Entropy, JsonBody, List, Problem, QueryText, Scope};
use http::{StatusCode, header};
use service::store_problem;
use store::time::rfc3339_ms;
use store::{Objects, Store};

pub use crate::openapi::openapi;

use crate::failure::pool_problem;
use crate::request::{ListQuery, PoolBody, PoolPatch};
use crate::view::{PoolView, RangeView};

/// What the handlers need.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Where pools are.
    pub store: Store,
    /// Where imported numbers are.
    pub objects: Objects,
    /// Tells when a pool was created.
    pub clock: Clock,
    /// Gives pool ids.
    pub entropy: Entropy,
    /// Where the webhook may be.
    pub webhook_hosts: AllowedHosts,
}

/// The routes of this function.
pub fn router(hub: Hub) -> Router {
    Router::new()
        .route("/api/v1/l3/pools", get(list).post(create))
        .route("/api/v1/l3/pools/spaces", get(space::list))
        .route("/api/v1/l3/pools/{id}", get(fetch).patch(change))
        .route("/api/v1/l3/pools/webhook", get(webhook::fetch).put(webhook::put))
        .route("/api/v1/l3/pools/{id}/ranges", get(ranges))
        .route("/api/v1/l3/pools/{id}/serials", get(serials::list).post(serials::import))
        .route("/api/v1/l3/pools/products/{gtin}", get(product::fetch).put(product::put))
        .with_state(hub)
}

/// `POST /api/v1/l3/pools`
async fn create(
    State(hub): State<Hub>,
    caller: Caller,
    body: JsonBody,
) -> Result<Response, Problem> {
    caller.require(Scope::PoolsWrite)?;
    caller.require_line(None)?;
    let entropy = hub.entropy.draw().map_err(|error| Problem::internal(&error))?;
    let (id, now) = (PoolId::from_entropy(entropy), rfc3339_ms(hub.clock.now()));
    let draft = body.parse::<PoolBody>()?.into_draft(&id)?;
    let pool = hub.store.pool_create_by(id, draft, (&caller.actor(), &now)).await;
    let pool = pool.map_err(pool_problem)?;
    tracing::info!(pool.id = pool.id.as_str(), "pool created");
    let location = [(header::LOCATION, format!("/api/v1/l3/pools/{}", pool.id))];
    Ok((StatusCode::CREATED, location, axum::Json(PoolView::new(&pool, 0))).into_response())
}

/// `GET /api/v1/l3/pools`
async fn list(
    State(hub): State<Hub>,
    caller: Caller,
    query: QueryText,
) -> Result<axum::Json<List<PoolView>>, Problem> {
    caller.require(Scope::PoolsRead)?;
    let (limit, after) = query.parse::<ListQuery>()?.into_page::<PoolId>()?;
    let page =
        hub.store.pool_list(limit, after.as_ref()).await.map_err(|error| store_problem(&error))?;
    let items = page.items.iter().map(PoolView::of_state).collect();
    Ok(axum::Json(List::new(items, page.next.as_deref())))
}

/// `GET /api/v1/l3/pools/{id}`
async fn fetch(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<PoolView>, Problem> {
    caller.require(Scope::PoolsRead)?;
    let state =
        hub.store.pool_fetch(&pool_id(&id)?).await.map_err(|error| store_problem(&error))?;
    let state = state.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(PoolView::of_state(&state)))
}

/// `PATCH /api/v1/l3/pools/{id}`
async fn change(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<axum::Json<PoolView>, Problem> {
    caller.require(Scope::PoolsWrite)?;
    caller.require_line(None)?;
    let id = pool_id(&id)?;
    let change = body.parse::<PoolPatch>()?.into_change()?;
    let by = (caller.actor(), rfc3339_ms(hub.clock.now()));
    hub.store.pool_change(&id, &change, (&by.0, &by.1)).await.map_err(pool_problem)?;
    tracing::info!(pool.id = id.as_str(), "pool changed");
    let state = hub.store.pool_fetch(&id).await.map_err(|error| store_problem(&error))?;
    let state = state.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(PoolView::of_state(&state)))
}

/// `GET /api/v1/l3/pools/{id}/ranges`
async fn ranges(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    query: QueryText,
) -> Result<axum::Json<List<RangeView>>, Problem> {
    caller.require(Scope::PoolsRead)?;
    caller.require_line(None)?;
    let id = pool_id(&id)?;
    let (limit, after) = query.parse::<ListQuery>()?.into_page::<u128>()?;
    let known = hub.store.pool_fetch(&id).await.map_err(|error| store_problem(&error))?;
    known.ok_or_else(Problem::not_found)?;
    let page =
        hub.store.range_list(&id, limit, after).await.map_err(|error| store_problem(&error))?;
    let items = page.items.iter().map(RangeView::from).collect();
    Ok(axum::Json(List::new(items, page.next.as_deref())))
}

/// A text that is no pool id names no pool.
fn pool_id(text: &str) -> Result<PoolId, Problem> {
    PoolId::parse(text).map_err(|_| Problem::not_found())
}

#[cfg(test)]
mod tests;
