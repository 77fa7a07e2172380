//! `/api/v1/plant-floor`: heartbeats of packaging lines, and what follows from them.
//!
//! | Route | Scope | Answers |
//! |---|---|---|
//! | `POST /api/v1/plant-floor/telemetry` | `telemetry:write` | 202, 400, 413, 415, 422 |
//! | `GET /api/v1/plant-floor/lines` | `reports:read` | 200, 400 |
//! | `GET /api/v1/plant-floor/lines/{gln}` | `reports:read` | 200, 404 |
//! | `GET /api/v1/plant-floor/lines/{gln}/minutes` | `reports:read` | 200, 400, 404 |
//! | `GET /api/v1/plant-floor/lines/{gln}/hours` | `reports:read` | 200, 400, 404 |
//!
//! Every route also answers 401, 403 and, when the table is slow, 503 with `Retry-After`.
//!
//! A body is one heartbeat, or 1 to 500 of them as an array or as `{"heartbeats": […]}`. One heartbeat
//! that is wrong is 422 (400 where it has a field nobody knows); in a batch the wrong ones come back in
//! `rejected` and the others count.
//!
//! Idempotency: heartbeats are joined to a set for each minute (see [`domain::telemetry`]), so the same
//! delivery twice, in parts, in another order or in parallel changes nothing; it counts as `duplicates`.
//!
//! I8: a credential bound to lines reports for its lines only: a heartbeat of another line is 403
//! `line-not-bound` for the whole delivery, of which nothing is stored. It sees its own lines; others
//! are 404.

mod delivery;
mod heartbeat;
mod lines;
mod openapi;
mod telemetry;
mod view;
mod window;

use axum::Router;
use axum::routing::{get, post};
use edge::Clock;
use store::Store;

pub use crate::openapi::openapi;

/// What the handlers need.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Where lines and their minutes are.
    pub store: Store,
    /// Tells what is too old, too new, and no longer heard.
    pub clock: Clock,
}

/// The routes of this function.
pub fn router(hub: Hub) -> Router {
    Router::new()
        .route("/api/v1/plant-floor/telemetry", post(telemetry::ingest))
        .route("/api/v1/plant-floor/lines", get(lines::list))
        .route("/api/v1/plant-floor/lines/{gln}", get(lines::fetch))
        .route("/api/v1/plant-floor/lines/{gln}/minutes", get(lines::minutes))
        .route("/api/v1/plant-floor/lines/{gln}/hours", get(lines::hours))
        .with_state(hub)
}

#[cfg(test)]
mod tests;
