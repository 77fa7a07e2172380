//! Pauses between repeated writes, so that writers that met once do not meet again at once.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Attempts after which a pause grows no longer.
const GROWING_ATTEMPTS: u32 = 10;

/// Waits before the next attempt: between `attempt` and `attempt + 1` times `step_ms` milliseconds, at
/// random, since writers of one item share everything that a pause could be derived from.
pub(crate) async fn pause(attempt: u32, step_ms: u64) {
    tokio::time::sleep(length(attempt, step_ms, RandomState::new().hash_one(attempt))).await;
}

fn length(attempt: u32, step_ms: u64, chance: u64) -> Duration {
    let steps = u64::from(attempt.min(GROWING_ATTEMPTS));
    let spread = chance.checked_rem(step_ms.max(1)).unwrap_or(0);
    Duration::from_millis(step_ms.saturating_mul(steps).saturating_add(spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_differ_by_chance_and_are_bounded() {
        assert_eq!(length(0, 15, 14), Duration::from_millis(14));
        assert_eq!(length(2, 15, 0), Duration::from_millis(30));
        assert_eq!(length(2, 15, 7), Duration::from_millis(37));
        assert_eq!(length(u32::MAX, 15, u64::MAX), length(GROWING_ATTEMPTS, 15, u64::MAX));
        assert_eq!(length(3, 0, 9), Duration::ZERO);
    }
}
