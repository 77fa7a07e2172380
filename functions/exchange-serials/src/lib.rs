//! What line systems exchange with the hub over HTTP beside allocations.
//!
//! | Route | Scope | Answers |
//! |---|---|---|
//! | `POST /api/v1/l3/uploads` | `uploads:write` | 201, 400, 401, 403, 413, 415, 422 `size-limit` |
//!
//! An upload is a presigned PUT of 15 minutes into the caller's own prefix of the inbound
//! bucket, up to 5 GiB. Idempotency: each call gives a key of its own
//! (`inbound/<system>/<date>/<random>…`), so repeating the call harms nothing, and what is put
//! twice under one address is two versions of one object, both read.
//!
//! Invariants: I8 (the prefix comes from the credential, never from the request) and I10 (announced
//! sizes beyond the limit are refused before anything is sent).

mod openapi;
mod upload;

use axum::Router;
use axum::routing::post;
use edge::{Clock, Entropy};
use store::Objects;

pub use crate::openapi::openapi;

/// What the handlers need.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Signs the addresses.
    pub objects: Objects,
    /// Tells the date of a key and the end of an address.
    pub clock: Clock,
    /// Makes keys unique and not to be guessed.
    pub entropy: Entropy,
}

/// The routes of this function.
pub fn router(hub: Hub) -> Router {
    Router::new().route("/api/v1/l3/uploads", post(upload::create)).with_state(hub)
}

#[cfg(test)]
mod tests;
