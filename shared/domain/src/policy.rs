//! How a pool is looked after: what an operator may choose for it and need not.

use crate::pool::{PoolRuleError, THRESHOLD_LIMIT};

/// The longest time that a pool may be asked to last: a year.
pub const THRESHOLD_HOURS_LIMIT: u32 = 8_760;

/// What an operator may choose for a pool; nothing of it by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolPolicy {
    /// The pool is low when what is left lasts fewer hours than this at the current burn rate.
    pub threshold_hours: Option<u32>,
    /// The pool is extended by the hub when it is low.
    pub auto_extend: Option<AutoExtend>,
    /// Each reservation is told as an EPCIS event.
    pub reservation_events: bool,
    /// Which numbers are offered a second time.
    pub reoffer: Reoffer,
}

/// Which numbers of a pool are offered a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reoffer {
    /// None.
    #[default]
    Never,
    /// Those that were returned unused over the API from the time on that this was chosen.
    Returned,
    /// Those of ranges that became void from then on, and that no line ever had.
    Void,
    /// Both.
    ReturnedAndVoid,
}

impl Reoffer {
    /// All choices.
    pub const ALL: [Self; 4] = [Self::Never, Self::Returned, Self::Void, Self::ReturnedAndVoid];

    /// The word used in items, requests and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Returned => "returned",
            Self::Void => "void",
            Self::ReturnedAndVoid => "returned_and_void",
        }
    }

    /// Whether returned numbers are offered again.
    #[must_use]
    pub const fn offers_returned(self) -> bool {
        matches!(self, Self::Returned | Self::ReturnedAndVoid)
    }

    /// Whether numbers of void ranges are offered again.
    #[must_use]
    pub const fn offers_void(self) -> bool {
        matches!(self, Self::Void | Self::ReturnedAndVoid)
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == text)
    }
}

/// How a pool is extended by the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoExtend {
    /// By so many numbers at a time.
    pub by: u128,
    /// Never beyond this number.
    pub ceiling: u128,
}

fn broken(field: &'static str, detail: impl Into<String>) -> PoolRuleError {
    PoolRuleError { field, detail: detail.into() }
}

impl PoolPolicy {
    /// Checks the rules, for a pool whose last number is `to`, in a scheme with so many numbers.
    pub fn check(&self, to: u128, capacity: u128) -> Result<(), PoolRuleError> {
        if self.threshold_hours.is_some_and(|hours| !(1..=THRESHOLD_HOURS_LIMIT).contains(&hours)) {
            let detail = format!("threshold_hours is 1 to {THRESHOLD_HOURS_LIMIT}");
            return Err(broken("threshold_hours", detail));
        }
        let Some(AutoExtend { by, ceiling }) = self.auto_extend else { return Ok(()) };
        if !(1..=u128::from(THRESHOLD_LIMIT)).contains(&by) {
            return Err(broken("auto_extend/by", format!("by is 1 to {THRESHOLD_LIMIT}")));
        }
        if ceiling < to {
            return Err(broken("auto_extend/ceiling", "the ceiling is below the last number"));
        }
        if ceiling >= capacity {
            return Err(broken("auto_extend/ceiling", "the scheme has fewer numbers"));
        }
        Ok(())
    }

    /// The last number that a pool with this last number may ever have without being changed by somebody.
    #[must_use]
    pub fn ceiling(&self, to: u128) -> u128 {
        self.auto_extend.map_or(to, |extend| extend.ceiling.max(to))
    }

    /// The last number after the next extension; `None` when there is none.
    #[must_use]
    pub fn extended(&self, to: u128) -> Option<u128> {
        let AutoExtend { by, ceiling } = self.auto_extend?;
        Some(to.saturating_add(by).min(ceiling)).filter(|extended| *extended > to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_checked_at_their_edges() {
        let check = |policy: PoolPolicy, field: Option<&str>| {
            let found = policy.check(99, 1_000).err().map(|error| error.field);
            assert_eq!(found, field, "{policy:?}");
        };
        let hours = |hours| PoolPolicy { threshold_hours: Some(hours), ..PoolPolicy::default() };
        check(PoolPolicy::default(), None);
        check(hours(1), None);
        check(hours(THRESHOLD_HOURS_LIMIT), None);
        check(hours(0), Some("threshold_hours"));
        check(hours(THRESHOLD_HOURS_LIMIT + 1), Some("threshold_hours"));
        let extend = |by, ceiling| PoolPolicy {
            auto_extend: Some(AutoExtend { by, ceiling }),
            ..PoolPolicy::default()
        };
        check(extend(1, 99), None);
        check(extend(u128::from(THRESHOLD_LIMIT), 999), None);
        check(extend(0, 200), Some("auto_extend/by"));
        check(extend(u128::from(THRESHOLD_LIMIT) + 1, 200), Some("auto_extend/by"));
        check(extend(1, 98), Some("auto_extend/ceiling"));
        check(extend(1, 1_000), Some("auto_extend/ceiling"));
    }

    #[test]
    fn each_choice_has_its_word_and_offers_what_it_says() {
        let told = Reoffer::ALL.map(|it| (it.as_str(), it.offers_returned(), it.offers_void()));
        let expected = [
            ("never", false, false),
            ("returned", true, false),
            ("void", false, true),
            ("returned_and_void", true, true),
        ];
        assert_eq!(told, expected);
        assert!(Reoffer::ALL.iter().all(|it| Reoffer::parse(it.as_str()) == Some(*it)));
    }

    #[test]
    fn a_pool_grows_up_to_its_ceiling_and_no_further() {
        let policy = PoolPolicy {
            auto_extend: Some(AutoExtend { by: 100, ceiling: 250 }),
            ..PoolPolicy::default()
        };
        let steps: Vec<u128> =
            std::iter::successors(Some(99), |to| policy.extended(*to)).take(9).collect();
        assert_eq!(steps, [99, 199, 250]);
        assert_eq!((policy.ceiling(99), policy.ceiling(300)), (250, 300));
        assert_eq!(PoolPolicy::default().extended(99), None);
    }
}
