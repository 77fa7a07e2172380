//! A clock that stands still until a test moves it.

use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

/// A clock to set; clones share the hands.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Mutex<OffsetDateTime>>);

impl TestClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn at(at: OffsetDateTime) -> Self {
        Self(Arc::new(Mutex::new(at)))
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the clock, forwards or backwards (clocks of machines disagree).
    pub fn set(&self, at: OffsetDateTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Moves the clock by `by`; a time beyond the calendar leaves it where it is.
    pub fn advance(&self, by: Duration) {
        let mut hands = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *hands = hands.checked_add(by).unwrap_or(*hands);
    }
}

impl Default for TestClock {
    /// 2026-11-23T12:00:00Z.
    fn default() -> Self {
        Self::at(time::macros::datetime!(2026-11-23 12:00 UTC))
    }
}
