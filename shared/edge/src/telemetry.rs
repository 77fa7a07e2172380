//! Logs: one JSON object a line on standard output, which Lambda collects.
//!
//! Spans are `invocation` (with `request_id`), `record` in a batch (with `message_id`) and, at debug
//! level, the SDK's own around each store call; a line lists those it was written in. Fields that
//! several functions write have one name: `allocation.id`, `pool.id`, `document.sha256`,
//! `credential.id`, `duration_ms`.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// High-water mark of this process's memory, KiB; 0 where the system does not tell.
#[must_use]
pub fn vm_hwm_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Installs the subscriber; `filter` is in the syntax of `RUST_LOG`, levels and targets only: what asks
/// about spans needs a regular expression engine in every function. A second call changes nothing.
pub fn init(filter: &str) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true);
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(targets(filter)));
    // Fails only if a subscriber is installed already, and then that one stays.
    drop(subscriber.try_init());
}

fn targets(filter: &str) -> Targets {
    filter.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::targets;

    #[test]
    fn a_filter_names_levels_and_targets() {
        let filter = targets("warn,store=debug,aws_smithy_runtime=off");
        assert!(filter.would_enable("store::pool", &Level::DEBUG));
        assert!(filter.would_enable("edge", &Level::WARN));
        assert!(!filter.would_enable("edge", &Level::INFO));
        assert!(!filter.would_enable("aws_smithy_runtime", &Level::ERROR));
    }

    #[test]
    fn a_filter_that_cannot_be_read_means_info() {
        let filter = targets("store=loud");
        assert!(filter.would_enable("edge", &Level::INFO));
        assert!(!filter.would_enable("edge", &Level::DEBUG));
    }
}
