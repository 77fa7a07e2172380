//! Logs: one JSON object a line on standard output, which Lambda collects.
//!
//! Spans are `invocation` (with `request_id`), `record` in a batch (with `message_id`) and, at debug
//! level, the SDK's own around each store call; a line lists those it was written in. Fields that
//! several functions write have one name: `allocation.id`, `pool.id`, `document.sha256`,
//! `credential.id`, `duration_ms`.

use tracing_subscriber::EnvFilter;

/// Installs the subscriber; `filter` is in the syntax of `RUST_LOG`. A second call changes nothing.
pub fn init(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true)
        .with_env_filter(filter);
    // Fails only if a subscriber is installed already, and then that one stays.
    drop(subscriber.try_init());
}
