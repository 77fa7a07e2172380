//! When a pool is low, when it is exhausted, and when it is well again.
//!
//! A level is left upwards only with some margin, so that a pool at its threshold does not give an event with
//! every number that comes or goes. Everything is counted in whole numbers.

use crate::pool::Pool;

/// Milliseconds of an hour.
const HOUR_MS: u128 = 3_600_000;
/// The shortest time that a burn rate is told from: what a new pool gives away in its first minutes is no rate.
const BURN_MS_MIN: u64 = 3_600_000;

/// How well a pool is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// No number is left.
    Exhausted,
    /// Fewer are left, or for fewer hours, than its thresholds say.
    Low,
    /// Enough.
    Ok,
}

impl Level {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::Exhausted, Self::Low, Self::Ok];

    /// The word used in items and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Low => "low",
            Self::Ok => "ok",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }

    /// What is told when a pool comes to this level; from a lower one it has been replenished.
    #[must_use]
    pub fn reached_from(self, before: Self) -> Option<Told> {
        match (before, self) {
            (Self::Ok, Self::Ok) | (Self::Low, Self::Low) | (Self::Exhausted, Self::Exhausted) => {
                None
            }
            (_, Self::Exhausted) => Some(Told::Exhausted),
            (_, Self::Low) => Some(Told::Low),
            (_, Self::Ok) => Some(Told::Replenished),
        }
    }
}

/// What is told about a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// It came to be low.
    Low,
    /// Its last number was reserved.
    Exhausted,
    /// It has enough again.
    Replenished,
    /// Its last number was moved up.
    Extended,
}

impl Told {
    /// The type of the event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "pool.low",
            Self::Exhausted => "pool.exhausted",
            Self::Replenished => "pool.replenished",
            Self::Extended => "pool.extended",
        }
    }
}

/// How many numbers were reserved in how much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burn {
    /// Numbers.
    pub numbers: u128,
    /// In so many milliseconds.
    pub over_ms: u64,
}

impl Burn {
    /// Numbers reserved in some time; a shorter time than an hour counts as one.
    #[must_use]
    pub fn new(numbers: u128, over_ms: u64) -> Self {
        Self { numbers, over_ms: over_ms.max(BURN_MS_MIN) }
    }

    /// Whole hours that so many numbers last; `None` when none is used.
    #[must_use]
    pub fn hours_left(&self, remaining: u128) -> Option<u128> {
        let used = self.numbers.saturating_mul(HOUR_MS);
        remaining.saturating_mul(u128::from(self.over_ms)).checked_div(used)
    }

    /// Whether so many numbers last fewer hours.
    fn is_short(&self, remaining: u128, hours: u64) -> bool {
        let used = self.numbers.saturating_mul(HOUR_MS).saturating_mul(u128::from(hours));
        remaining.saturating_mul(u128::from(self.over_ms)) < used
    }
}

/// The level of a pool that was at `before`.
#[must_use]
pub fn level(pool: &Pool, burn: Option<Burn>, before: Level) -> Level {
    if pool.remaining == 0 {
        return Level::Exhausted;
    }
    // Once low, it takes a tenth more numbers, and a quarter more hours, to be well again.
    let (threshold, hours) =
        (pool.draft.threshold, pool.draft.policy.threshold_hours.map(u64::from));
    let is_ok = before == Level::Ok;
    let threshold =
        if is_ok { threshold } else { threshold.saturating_add(threshold.div_ceil(10)) };
    let hours =
        hours.map(|hours| if is_ok { hours } else { hours.saturating_add(hours.div_ceil(4)) });
    let short = |burn: Burn| hours.is_some_and(|hours| burn.is_short(pool.remaining, hours));
    if pool.remaining < threshold || burn.is_some_and(short) { Level::Low } else { Level::Ok }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PoolId;
    use crate::policy::PoolPolicy;
    use crate::pool::{PoolDraft, PoolStatus, Scheme};

    fn pool(remaining: u128, threshold: u128, threshold_hours: Option<u32>) -> Pool {
        let draft = PoolDraft {
            name: "n".into(),
            key: "00313000007772".parse().unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 12 },
            eu_rules: false,
            from: 0,
            to: 999_999,
            max_request: 1,
            threshold,
            policy: PoolPolicy { threshold_hours, ..PoolPolicy::default() },
        };
        Pool {
            id: PoolId::from_entropy([1; 17]),
            cursor: 1_000_000_u128.saturating_sub(remaining),
            draft,
            status: PoolStatus::Active,
            remaining,
            created_at: String::new(),
        }
    }

    #[test]
    fn levels_follow_numbers_and_hours_and_are_left_with_a_margin() {
        use Level::{Exhausted, Low, Ok};
        let check = |remaining, hours, burnt: u128, before, expected| {
            let burn = Some(Burn::new(burnt, 86_400_000));
            let found = level(&pool(remaining, 1_000, hours), burn, before);
            assert_eq!(found, expected, "{remaining} {hours:?} {burnt} {before:?}");
        };
        check(1_000, None, 0, Ok, Ok);
        check(999, None, 0, Ok, Low);
        check(1_000, None, 0, Low, Low);
        check(1_099, None, 0, Low, Low);
        check(1_100, None, 0, Low, Ok);
        check(1_100, None, 0, Exhausted, Ok);
        check(1, None, 0, Exhausted, Low);
        check(0, None, 0, Ok, Exhausted);
        // 24,000 a day are 1,000 an hour.
        check(48_000, Some(48), 24_000, Ok, Ok);
        check(47_999, Some(48), 24_000, Ok, Low);
        check(59_999, Some(48), 24_000, Low, Low);
        check(60_000, Some(48), 24_000, Low, Ok);
        check(47_999, Some(48), 0, Ok, Ok);
    }

    #[test]
    fn a_pool_without_thresholds_is_never_low() {
        for before in Level::ALL {
            assert_eq!(level(&pool(1, 0, None), Some(Burn::new(1_000, 1)), before), Level::Ok);
        }
        assert_eq!(level(&pool(1, 0, Some(1)), None, Level::Ok), Level::Ok);
    }

    #[test]
    fn every_crossing_is_told_once_and_standing_still_is_not() {
        for before in Level::ALL {
            for after in Level::ALL {
                let told = after.reached_from(before).map(Told::as_str);
                let expected = match (before == after, after) {
                    (true, _) => None,
                    (false, Level::Exhausted) => Some("pool.exhausted"),
                    (false, Level::Low) => Some("pool.low"),
                    (false, Level::Ok) => Some("pool.replenished"),
                };
                assert_eq!(told, expected, "{before:?} {after:?}");
            }
            assert_eq!(Level::parse(before.as_str()), Some(before));
        }
    }

    #[test]
    fn hours_left_are_whole_and_unknown_without_use() {
        assert_eq!(Burn::new(24_000, 86_400_000).hours_left(47_999), Some(47));
        assert_eq!(Burn::new(0, 86_400_000).hours_left(47_999), None);
        // Five minutes of a new pool are no rate.
        assert_eq!(Burn::new(1_000, 300_000), Burn::new(1_000, 3_600_000));
    }
}
