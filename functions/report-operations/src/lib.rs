//! What came back from the lines and what is wrong with it; also the health of the hub and the
//! answer to everything that is no route.
//!
//! | Route | Scope | Answers |
//! |---|---|---|
//! | `GET /api/v1/l3/documents` | `documents:read` | 200, 400 |
//! | `GET /api/v1/l3/documents/{sha256}` | `documents:read` | 200, 404 |
//! | `POST /api/v1/l3/documents/{sha256}/retry`, `/reject`, `/reprocess` | `findings:write` | 202, 400, 404, 409 |
//! | `GET /api/v1/findings`, also as `/api/v1/l3/findings` | `documents:read` or `reports:read` | 200, 400 |
//! | `GET /api/v1/findings/{id}` | the same | 200, 404 |
//! | `GET /api/v1/findings/{id}/export` | the same | 200, 400, 404, 422 |
//! | `POST /api/v1/findings/{id}/acknowledge`, `/resolve`, `/assign`, `/comment` | `findings:write` | 200, 400, 404, 409 |
//! | `GET /api/v1/operations/scorecard` | `reports:read` | 200, 400 |
//! | `/operations` and below | a session, see `page` | pages |
//! | `GET /api/v1/audit`, `/api/v1/audit/seals` | `audit:read` | 200, 400, 404 |
//! | `GET /openapi.json` | any | 200 |
//! | `GET /health` | no credential | 200 |
//! | anything else (`$default`) | no credential | 404 `not-found` |
//!
//! What needs a credential also answers 401, 403 and, when a store is slow, 503 with `Retry-After`. What
//! is asked for twice is done once. Lists are read from the index and may lag a moment; a document by its
//! SHA-256 and a finding by its id are consistent.
//!
//! I8: a credential bound to lines sees its own system's documents and findings only, and of a
//! document that several systems sent only its own part; all else is 404.

mod audit;
mod documents;
mod failure;
mod findings;
mod openapi;
mod openapi_page;
mod page;
mod position;
pub mod scorecard;
mod session;

use axum::Router;
use axum::routing::get;
use edge::Clock;
use serde_json::{Value, json};
use store::{Objects, Store};

pub use crate::documents::actions::JudgeQueue;
pub use crate::openapi::openapi;
pub use crate::session::SignIn;

/// What the handlers need.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Where documents and findings are.
    pub store: Store,
    /// Where reports are.
    pub objects: Objects,
    /// Where documents are asked for to be judged.
    pub queue: JudgeQueue,
    /// The time.
    pub clock: Clock,
    /// Whom trading partners may answer.
    pub contact_email: Option<String>,
    /// How browsers sign in.
    pub sign_in: SignIn,
}

/// The routes of this function.
pub fn router(hub: Hub) -> Router {
    Router::new()
        .route("/api/v1/l3/documents", get(documents::list))
        .route("/api/v1/l3/documents/{sha256}", get(documents::fetch))
        .route("/api/v1/operations/scorecard", get(scorecard::fetch))
        .route("/openapi.json", get(openapi_page::fetch))
        .route("/health", get(health))
        .merge(audit::router())
        .merge(documents::actions::router())
        .merge(findings::router())
        .merge(page::router())
        .with_state(hub)
}

/// `GET /health`: the function runs; nothing is said about the tenant.
async fn health() -> axum::Json<Value> {
    axum::Json(json!({"status": "ok"}))
}

#[cfg(test)]
mod tests;
