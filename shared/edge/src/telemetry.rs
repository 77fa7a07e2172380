//! Logs: one JSON object a line on standard output, which Lambda collects.

use tracing_subscriber::EnvFilter;

/// Installs the subscriber; `filter` is in the syntax of `RUST_LOG`. A second call changes nothing.
pub fn init(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter);
    // Fails only if a subscriber is installed already, and then that one stays.
    drop(subscriber.try_init());
}
