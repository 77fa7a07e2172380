//! A pool looked at again and again: how fast it is used, and what there is to tell about it.
//!
//! Looking is a pure step from what was seen before and the pool as it is now, so looking twice at the same pool
//! tells nothing twice. How many numbers were reserved is noted about once an hour and only while it changes,
//! so an idle pool costs nothing.

use crate::pool::Pool;
use crate::replenish::{Burn, Level, Told, level};

/// What the burn rate is told over: 24 hours.
pub const BURN_MS: u64 = 86_400_000;
/// The least time between two samples.
const SAMPLE_MS: u64 = 3_600_000;

/// How many numbers had been reserved at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Numbers below the cursor.
    pub reserved: u128,
}

/// What was seen of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Its level.
    pub level: Level,
    /// Its last number.
    pub to: u128,
    /// Samples, the oldest first: those of the last 24 hours, and the last one before.
    pub samples: Vec<Sample>,
}

/// What there is to tell after a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What came about since the look before, in order.
    pub told: Vec<Told>,
    /// How fast numbers are reserved, where it is watched.
    pub burn: Option<Burn>,
}

impl Pool {
    /// Whether somebody wants to know how it fares.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        let policy = &self.draft.policy;
        self.draft.threshold > 0 || policy.threshold_hours.is_some() || policy.auto_extend.is_some()
    }
}

impl Watch {
    /// The first look at a pool begins with a pool that has enough.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        Self { level: Level::Ok, to: pool.draft.to, samples: Vec::new() }
    }

    /// Looks at the pool.
    #[must_use]
    pub fn look(&mut self, pool: &Pool, now_ms: u64) -> Seen {
        let mut told = Vec::new();
        if pool.draft.to > self.to {
            told.push(Told::Extended);
        }
        self.to = pool.draft.to;
        let burn = pool.draft.policy.threshold_hours.map(|_| self.burn(pool.reserved(), now_ms));
        if burn.is_none() {
            self.samples.clear();
        }
        let level = level(pool, burn, self.level);
        told.extend(level.reached_from(self.level));
        self.level = level;
        Seen { told, burn }
    }

    /// Notes a sample if it is time, and tells the rate since the oldest that counts.
    fn burn(&mut self, reserved: u128, now_ms: u64) -> Burn {
        let is_due = self.samples.last().is_none_or(|last| {
            last.reserved != reserved && now_ms >= last.at_ms.saturating_add(SAMPLE_MS)
        });
        if is_due {
            self.samples.push(Sample { at_ms: now_ms, reserved });
        }
        let begin = now_ms.saturating_sub(BURN_MS);
        let before = self.samples.iter().rposition(|sample| sample.at_ms <= begin);
        if let Some(before) = before {
            // The number stood still between two samples: this one tells how it stood when the day began.
            self.samples.drain(..before);
        }
        let base = self.samples.first().copied().unwrap_or(Sample { at_ms: now_ms, reserved });
        let since = base.at_ms.max(begin);
        Burn::new(reserved.saturating_sub(base.reserved), now_ms.saturating_sub(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PoolId;
    use crate::policy::PoolPolicy;
    use crate::pool::{PoolDraft, PoolStatus, Scheme};

    const HOUR: u64 = 3_600_000;

    fn pool(reserved: u128, to: u128, threshold_hours: Option<u32>) -> Pool {
        let draft = PoolDraft {
            name: "n".into(),
            key: "00313000007772".parse().unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 12 },
            from: 0,
            to,
            max_request: 1,
            threshold: 100,
            eu_rules: false,
            policy: PoolPolicy { threshold_hours, ..PoolPolicy::default() },
        };
        let id = PoolId::from_entropy([1; 17]);
        let remaining = to.saturating_add(1).saturating_sub(reserved);
        let status = PoolStatus::Active;
        Pool { id, draft, status, cursor: reserved, remaining, created_at: String::new() }
    }

    #[test]
    fn each_crossing_is_told_at_the_first_look_after_it() {
        let mut watch = Watch::new(&pool(0, 999, None));
        let mut look = |reserved, to| watch.look(&pool(reserved, to, None), 0).told;
        assert_eq!(look(900, 999), []);
        assert_eq!(look(901, 999), [Told::Low]);
        assert_eq!(look(901, 999), []);
        assert_eq!(look(1_000, 999), [Told::Exhausted]);
        assert_eq!(look(1_000, 1_050), [Told::Extended, Told::Low]);
        assert_eq!(look(1_000, 1_200), [Told::Extended, Told::Replenished]);
        assert_eq!(look(1_000, 1_200), []);
        assert_eq!(look(1_000, 1_100), [], "a pool that shrinks is nobody's good news");
        assert_eq!(look(1_101, 1_100), [Told::Exhausted]);
    }

    #[test]
    fn the_rate_is_that_of_the_last_day() {
        let mut watch = Watch::new(&pool(0, 999_999, Some(1)));
        let mut at = |hours: u64, reserved| {
            let burn = watch.look(&pool(reserved, 999_999, Some(1)), hours * HOUR).burn.unwrap();
            (burn.numbers, burn.over_ms / HOUR)
        };
        assert_eq!(at(100, 0), (0, 1));
        assert_eq!(at(110, 500), (500, 10));
        assert_eq!(at(124, 900), (900, 24));
        // The day before counts no more; what stood still costs no sample.
        assert_eq!(at(134, 900), (400, 24));
        assert_eq!(at(148, 900), (0, 24));
        assert_eq!(at(500, 900), (0, 24));
        assert_eq!(at(501, 1_000), (100, 24));
    }

    #[test]
    fn samples_stay_few_however_busy_the_pool_is() {
        let mut watch = Watch::new(&pool(0, 999_999, Some(1)));
        for minute in 0..10_000_u64 {
            let seen = watch.look(&pool(u128::from(minute), 999_999, Some(1)), minute * 60_000);
            assert!(seen.burn.is_some());
        }
        assert!(watch.samples.len() <= 26, "{}", watch.samples.len());
        assert!(watch.look(&pool(0, 999_999, None), 0).burn.is_none() && watch.samples.is_empty());
    }
}
