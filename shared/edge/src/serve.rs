//! The shared main of the functions: start, then serve one kind of event for ever.
//!
//! ```ignore
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), edge::Error> {
//!     let config = edge::start()?;
//!     let hub = Hub::connect(&config);
//!     edge::serve(router(hub), &config).await
//! }
//! ```

use std::fmt::Display;
use std::future::Future;
use std::time::Instant;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use axum::Router;
use lambda_http::request::LambdaRequest;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use tower::ServiceExt;
use tracing::Instrument as _;

use crate::app::app;
use crate::batch;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::event::tamed;
use crate::{metrics, telemetry};

/// What ends a function's process or fails one invocation.
pub type Error = lambda_runtime::Error;

/// Reads the environment and starts the logs and the metrics.
///
/// # Errors
/// As [`Config::from_env`].
pub fn start() -> Result<Config, ConfigError> {
    let config = Config::from_env()?;
    telemetry::init(&config.log_filter);
    metrics::init(&config.stack_name);
    Ok(config)
}

/// Serves `router` behind the door to the HTTP API until the process is stopped.
///
/// # Errors
/// If the Lambda runtime API fails.
pub async fn serve(router: Router, config: &Config) -> Result<(), Error> {
    let door = app(router, config.profile, Clock::system());
    let adapter = lambda_http::Adapter::from(door);
    let service = adapter.map_request(|event: LambdaEvent<LambdaRequest>| {
        LambdaEvent::new(tamed(event.payload), event.context)
    });
    lambda_runtime::run(service).await
}

/// Serves queue records one by one, with partial batch failures; see [`batch::run`].
///
/// # Errors
/// If the Lambda runtime API fails.
pub async fn serve_batch<F, Fut, E>(handle: F) -> Result<(), Error>
where
    F: Fn(SqsMessage) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Display,
{
    let handle = &handle;
    serve_event(async |event: SqsEvent| Ok(batch::run(event, handle).await?)).await
}

/// As [`serve_batch`], for work that may outlast an invocation: `handle` also gets the instant at which
/// Lambda ends it.
///
/// # Errors
/// If the Lambda runtime API fails.
pub async fn serve_long_batch<F, Fut, E>(handle: F) -> Result<(), Error>
where
    F: Fn(SqsMessage, OffsetDateTime) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Display,
{
    let handle = &handle;
    let batch = async |event: SqsEvent, ends_at| {
        Ok(batch::run(event, |record| handle(record, ends_at)).await?)
    };
    serve_until(batch).await
}

/// Serves events of type `T`. An `Err` fails the invocation and is logged here.
///
/// # Errors
/// If the Lambda runtime API fails.
pub async fn serve_event<T, R, F>(handle: F) -> Result<(), Error>
where
    T: DeserializeOwned,
    R: Serialize,
    F: AsyncFn(T) -> Result<R, Error>,
{
    let handle = &handle;
    serve_until(async |event: T, _ends_at| handle(event).await).await
}

async fn serve_until<T, R, F>(handle: F) -> Result<(), Error>
where
    T: DeserializeOwned,
    R: Serialize,
    F: AsyncFn(T, OffsetDateTime) -> Result<R, Error>,
{
    let handle = &handle;
    lambda_runtime::run(service_fn(|event: LambdaEvent<T>| async move {
        let started = Instant::now();
        let ends_at = instant_of_ms(event.context.deadline);
        let request_id = event.context.request_id;
        let span = tracing::info_span!("invocation", request_id);
        let result = handle(event.payload, ends_at).instrument(span).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &result {
            Ok(_) => tracing::info!(request_id, duration_ms, "invocation"),
            Err(error) => tracing::error!(request_id, duration_ms, %error, "invocation failed"),
        }
        result
    }))
    .await
}

/// Milliseconds since 1970; the beginning of time for what is no such number, so that nobody waits for it.
fn instant_of_ms(ms: u64) -> OffsetDateTime {
    let nanos = i128::from(ms).saturating_mul(1_000_000);
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
