//! The door of every function: what the hub knows of Lambda, API Gateway and SQS shapes.
//!
//! Purpose: one place that turns a gateway event into an authorised request for a thin handler,
//! and a handler's answer or [`Problem`] into what the gateway may send. A handler reads
//!
//! ```ignore
//! async fn create(State(hub): State<Hub>, caller: Caller, body: JsonBody)
//!     -> Result<Created, Problem>
//! {
//!     caller.require(Scope::PoolsWrite)?;             // 403
//!     let draft = body.parse::<PoolBody>()?;          // 415, 413, 400
//!     …
//! }
//! ```
//!
//! Invariants held here:
//! - I8 closed door: [`Caller`] authenticates first (401), then asks the tenant's profile (403
//!   `capability-not-enabled`), and only then does the handler ask for its scope (403) and read
//!   the body. A path that a normaliser could read in two ways reaches no route (404).
//! - I9 quiet logs: one line an invocation with method, route pattern, status, milliseconds and
//!   request id; no path text, no body, no header. Every line in between carries the request id (and
//!   in a batch the record's) through its spans. A line of [`metrics`] goes beside.
//! - I10 bounded: request bodies of at most 4,000,000 bytes, answers below 6,000,000 encoded bytes.
//!
//! Architecture invariant: this crate depends on none of ours. It does not know pools, tables or
//! buckets, and only [`Config::from_env`] and [`Clock::system`] touch the outside.

pub mod app;
pub mod authorizer;
pub mod batch;
pub mod body;
pub mod caller;
pub mod clock;
pub mod config;
pub mod credential_text;
pub mod entropy;
pub mod event;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod path_guard;
pub mod problem;
pub mod profile;
pub mod query;
pub mod response_guard;
pub mod scope;
pub mod serve;
pub mod telemetry;
mod told;

pub use crate::app::{App, app};
pub use crate::body::JsonBody;
pub use crate::caller::{AuthorizerContext, Caller};
pub use crate::clock::Clock;
pub use crate::config::{Config, ConfigError, Secret};
pub use crate::entropy::Entropy;
pub use crate::event::HttpEvent;
pub use crate::metrics::{Measures, Metric, emit};
pub use crate::page::{List, Page};
pub use crate::problem::{Problem, ProblemKind};
pub use crate::profile::TenantProfile;
pub use crate::query::QueryText;
pub use crate::scope::Scope;
pub use crate::serve::{Error, serve, serve_batch, serve_event, serve_long_batch, start};
pub use crate::told::Told;
