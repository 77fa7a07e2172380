//! The clock that is passed in, so that no decision reads the time by itself.

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

/// Gives the present instant (UTC). Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> OffsetDateTime + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    pub fn system() -> Self {
        Self(Arc::new(OffsetDateTime::now_utc))
    }

    /// A clock that always shows `instant`.
    #[must_use]
    pub fn fixed(instant: OffsetDateTime) -> Self {
        Self(Arc::new(move || instant))
    }

    /// A clock that asks `read` each time; lets a test move time.
    #[must_use]
    pub fn from_fn(read: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
