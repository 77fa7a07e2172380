//! Serial pools: a range of indexes of one GTIN and the scheme that maps an index to serial text.

use crate::gtin::Gtin14;
use crate::ids::PoolId;

/// Indexes are below 10^20, so that 20 digits hold each of them.
pub const INDEX_LIMIT: u128 = 100_000_000_000_000_000_000;
/// The default of the largest quantity of one request.
pub const MAX_REQUEST_DEFAULT: u64 = 500_000;
/// What the largest quantity of one request may be set to.
pub const MAX_REQUEST_LIMIT: u64 = 100_000_000;
/// What the threshold of a pool may be set to: the largest integer that every reader of JSON keeps exactly.
pub const THRESHOLD_LIMIT: u64 = 9_007_199_254_740_991;
/// How many reservations of one pool may be open (begun, not yet recorded) at once.
pub const OPEN_LIMIT: u32 = 1_000;

/// How an index becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Decimal, zero-padded to a fixed width of 1 to 20 characters.
    Sequential {
        /// The width in characters.
        width: u8,
    },
}

/// What a serial text is in a scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SerialMatch {
    /// The text of this index.
    Index(u128),
    /// The text of this index without some or all of its leading zeros: a spreadsheet or another width has
    /// been at it.
    LeadingZeroStripped(u128),
    /// The scheme cannot produce this text.
    NotOfScheme,
}

impl Scheme {
    /// The serial text of an index.
    #[must_use]
    pub fn serial_text(&self, index: u128) -> String {
        let Self::Sequential { width } = self;
        format!("{index:0width$}", width = usize::from(*width))
    }

    /// The number of indexes the scheme can express.
    #[must_use]
    pub fn capacity(&self) -> u128 {
        let Self::Sequential { width } = self;
        10_u128.checked_pow(u32::from(*width)).map_or(INDEX_LIMIT, |n| n.min(INDEX_LIMIT))
    }

    /// The index of a serial text.
    #[must_use]
    pub fn index_of(&self, serial: &str) -> SerialMatch {
        let Self::Sequential { width } = self;
        let bytes = serial.as_bytes();
        if bytes.is_empty() || bytes.len() > usize::from(*width) {
            return SerialMatch::NotOfScheme;
        }
        // At most 20 digits: 19 fit a u64, the twentieth is added in u128.
        let mut high: u64 = 0;
        let (head, tail) = bytes.split_at(bytes.len().min(19));
        for byte in head {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return SerialMatch::NotOfScheme;
            }
            high = high.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        let mut index = u128::from(high);
        for byte in tail {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return SerialMatch::NotOfScheme;
            }
            index = index.wrapping_mul(10).wrapping_add(u128::from(digit));
        }
        if bytes.len() == usize::from(*width) {
            SerialMatch::Index(index)
        } else {
            SerialMatch::LeadingZeroStripped(index)
        }
    }
}

/// Whether a pool hands out numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolStatus {
    /// It does.
    Active,
    /// An operator has suspended it.
    Suspended,
}

impl PoolStatus {
    /// The word used in items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Suspended].into_iter().find(|status| status.as_str() == text)
    }
}

/// What a pool is made of; everything but its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolDraft {
    /// For people.
    pub name: String,
    /// The trade item whose packs are numbered.
    pub gtin: Gtin14,
    /// The length of the GS1 company prefix in the GTIN, 6 to 12; needed for URNs.
    pub company_prefix_length: u8,
    /// How an index becomes text.
    pub scheme: Scheme,
    /// The first index.
    pub from: u128,
    /// The last index.
    pub to: u128,
    /// The largest quantity of one request.
    pub max_request: u64,
    /// `below_threshold` is said when fewer numbers than this remain.
    pub threshold: u128,
}

/// What is wrong with a pool's numbers, and the field it is wrong in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct PoolRuleError {
    /// The JSON field.
    pub field: &'static str,
    /// What is wrong.
    pub detail: String,
}

fn broken(field: &'static str, detail: impl Into<String>) -> PoolRuleError {
    PoolRuleError { field, detail: detail.into() }
}

impl PoolDraft {
    /// Checks the rules that no single field can.
    pub fn check(&self) -> Result<(), PoolRuleError> {
        let Scheme::Sequential { width } = self.scheme;
        if !(1..=20).contains(&width) {
            return Err(broken("width", "the width is 1 to 20"));
        }
        if !(6..=12).contains(&self.company_prefix_length) {
            return Err(broken("company_prefix_length", "the company prefix has 6 to 12 digits"));
        }
        if self.name.is_empty() || self.name.chars().count() > 100 {
            return Err(broken("name", "the name has 1 to 100 characters"));
        }
        if self.name.chars().any(char::is_control) {
            return Err(broken("name", "the name has no control characters"));
        }
        check_bounds(self.scheme, self.from, self.to)?;
        check_max_request(self.max_request)?;
        check_threshold(self.threshold)
    }
}

/// Checks the boundaries of a pool against each other and against its scheme.
pub fn check_bounds(scheme: Scheme, from: u128, to: u128) -> Result<(), PoolRuleError> {
    if to < from {
        return Err(broken("to", "the last number is below the first"));
    }
    if to >= scheme.capacity() {
        return Err(broken("to", "the last number has more digits than the width allows"));
    }
    Ok(())
}

/// Checks the largest quantity of one request.
pub fn check_max_request(max_request: u64) -> Result<(), PoolRuleError> {
    if (1..=MAX_REQUEST_LIMIT).contains(&max_request) {
        return Ok(());
    }
    Err(broken("max_request", format!("max_request is 1 to {MAX_REQUEST_LIMIT}")))
}

/// Checks the threshold.
pub fn check_threshold(threshold: u128) -> Result<(), PoolRuleError> {
    if threshold <= u128::from(THRESHOLD_LIMIT) {
        return Ok(());
    }
    Err(broken("threshold", format!("the threshold is at most {THRESHOLD_LIMIT}")))
}

/// A pool with its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its id.
    pub id: PoolId,
    /// What it is made of.
    pub draft: PoolDraft,
    /// Whether it hands out numbers.
    pub status: PoolStatus,
    /// The next index to be reserved; never moves back once a number was reserved.
    pub cursor: u128,
    /// Numbers left.
    pub remaining: u128,
    /// Creation time, RFC 3339.
    pub created_at: String,
}

impl Pool {
    /// Numbers below the cursor: reserved or void.
    #[must_use]
    pub fn reserved(&self) -> u128 {
        self.cursor.saturating_sub(self.draft.from)
    }

    /// Whether fewer numbers remain than the pool's threshold.
    #[must_use]
    pub fn is_below_threshold(&self) -> bool {
        self.remaining < self.draft.threshold
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_of_the_scheme_are_told_from_others() {
        let scheme = Scheme::Sequential { width: 12 };
        let check = |text: &str, expected: SerialMatch| {
            assert_eq!(scheme.index_of(text), expected, "{text}");
        };
        check("000000010000", SerialMatch::Index(10_000));
        check("10000", SerialMatch::LeadingZeroStripped(10_000));
        check("0", SerialMatch::LeadingZeroStripped(0));
        check("0010000", SerialMatch::LeadingZeroStripped(10_000));
        check("00000001000a", SerialMatch::NotOfScheme);
        check("0000000010000", SerialMatch::NotOfScheme);
        check("", SerialMatch::NotOfScheme);
        let widest = Scheme::Sequential { width: 20 };
        let last = INDEX_LIMIT - 1;
        assert_eq!(widest.index_of(&"9".repeat(20)), SerialMatch::Index(last));
        assert_eq!(widest.serial_text(last), "9".repeat(20));
    }

    #[test]
    fn drafts_are_checked() {
        let good = PoolDraft {
            name: "n".into(),
            gtin: Gtin14::parse("00313000007772").unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 3 },
            from: 0,
            to: 999,
            max_request: 1,
            threshold: 0,
        };
        assert_eq!(good.check(), Ok(()));
        let check = |change: fn(&mut PoolDraft), field: &str| {
            let mut draft = good.clone();
            change(&mut draft);
            assert_eq!(draft.check().unwrap_err().field, field);
        };
        check(|d| d.to = 1_000, "to");
        check(|d| d.from = 1_000, "to");
        check(|d| d.max_request = 0, "max_request");
        check(|d| d.max_request = MAX_REQUEST_LIMIT + 1, "max_request");
        check(|d| d.scheme = Scheme::Sequential { width: 21 }, "width");
        check(|d| d.company_prefix_length = 5, "company_prefix_length");
        check(|d| d.name = String::new(), "name");
        check(|d| d.name = "a\nb".into(), "name");
        check(|d| d.threshold = u128::from(THRESHOLD_LIMIT) + 1, "threshold");
    }

    proptest! {
        #[test]
        fn index_and_text_are_each_others_inverse(width in 1_u8..=20, seed in any::<u128>()) {
            let scheme = Scheme::Sequential { width };
            let index = seed.checked_rem(scheme.capacity()).unwrap();
            let text = scheme.serial_text(index);
            prop_assert_eq!(text.len(), usize::from(width));
            prop_assert_eq!(scheme.index_of(&text), SerialMatch::Index(index));
        }
    }
}
