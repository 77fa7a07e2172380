//! `/api/v1/l3/allocations`: numbers reserved for packaging runs.
//!
//! | Route | Scope | Statuses |
//! |---|---|---|
//! | `POST /` | `allocations:write` | 201; 200 with `Idempotent-Replay: true`; 400, 404, 409, 422, 423, 429, 503 |
//! | `GET /` | `allocations:read` | 200, 400 |
//! | `GET /{id}` | `allocations:read` | 200, 404 |
//! | `GET /{id}/reconciliation` | `allocations:read` | 200, 404 |
//! | `POST /{id}/confirm` | `allocations:write` | 200, 404, 409 |
//! | `POST /{id}/void` | `allocations:write` | 200, 404, 409 |
//! | `POST /{id}/return` | `allocations:write` | 200, 400, 404, 409, 422 |
//! | `POST /{id}/close` | `allocations:write` | 200, 400, 404, 409, 422 |
//! | `POST /{id}/review` | `findings:write` | 200, 400, 403, 404, 409 |
//! | `POST /operations/reviews/{id}` | a session with `findings:write` | 303, see `review_form` |
//! | `GET /{id}/batch-document` | `allocations:read` | 200, 304, 400, 404 |
//!
//! Idempotent: a request id of a system means one allocation for ever (I3); confirm, void and close
//! done twice change nothing. What is held for a confirmation is given up when its hold ends. A credential bound to lines sees and serves only those (I8).

mod answer;
mod batch;
mod batch_document;
mod batch_fetch;
mod batch_page;
mod batch_view;
mod body;
mod close;
mod close_body;
mod drop_file;
mod give_back;
mod list;
mod offered;
mod openapi;
mod problem;
mod reconciliation;
mod reserve;
mod review;
mod review_form;
mod turn;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{get, post};
use domain::allocation::Allocation;
use domain::gln::Gln;
use domain::ids::{AllocationId, PoolId};
use domain::object_key::ObjectKey;
use edge::{Caller, Clock, Problem};
use service::store_problem;
use store::jobs::Jobs;
use store::{Objects, Store};

pub use crate::openapi::openapi;

/// What the handlers work with.
#[derive(Clone)]
pub struct Hub {
    /// The table.
    pub store: Store,
    /// The buckets.
    pub objects: Objects,
    /// Where large files are asked for.
    pub jobs: Jobs,
    /// The time.
    pub clock: Clock,
    /// Pools of keys as read before. The reservation's conditions make a stale entry safe; it is read
    /// again whenever no pool of it serves a request.
    pools: Arc<Mutex<HashMap<ObjectKey, Vec<PoolId>>>>,
    /// Which pools offer returned numbers again.
    offers: offered::Known,
}

impl Hub {
    /// A hub that has read nothing yet.
    #[must_use]
    pub fn new(store: Store, objects: Objects, jobs: Jobs, clock: Clock) -> Self {
        Self { store, objects, jobs, clock, pools: Arc::default(), offers: Arc::default() }
    }

    /// An allocation the caller may see; 404 for what is not there or not of its lines.
    pub(crate) async fn allocation(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<Allocation, Problem> {
        let id = AllocationId::parse(id).map_err(|_| Problem::not_found())?;
        let found =
            self.store.allocation_fetch(&id).await.map_err(|error| store_problem(&error))?;
        found
            .filter(|a| caller.may_use_line(a.line_gln.as_ref().map(Gln::as_str)))
            .ok_or_else(Problem::not_found)
    }
}

/// The routes of this function.
pub fn router(hub: Hub) -> Router {
    const ROOT: &str = "/api/v1/l3/allocations";
    Router::new()
        .route(ROOT, post(reserve::reserve).get(list::list))
        .route(&format!("{ROOT}/{{id}}"), get(turn::fetch))
        .route(&format!("{ROOT}/{{id}}/confirm"), post(turn::confirm))
        .route(&format!("{ROOT}/{{id}}/void"), post(turn::void))
        .route(&format!("{ROOT}/{{id}}/return"), post(give_back::give_back))
        .route(&format!("{ROOT}/{{id}}/close"), post(close::close))
        .route(&format!("{ROOT}/{{id}}/review"), post(review::review))
        .route("/operations/reviews/{id}", post(review_form::review))
        .route(&format!("{ROOT}/{{id}}/batch-document"), get(batch_fetch::fetch))
        .route(&format!("{ROOT}/{{id}}/reconciliation"), get(reconciliation::reconciliation))
        .with_state(hub)
}

#[cfg(test)]
mod tests;
