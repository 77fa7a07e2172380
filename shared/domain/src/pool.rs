//! Serial pools: a range of indexes of one key and the scheme that maps an index to serial text.

use crate::ids::PoolId;
use crate::list::{self, ListId};
use crate::object_key::ObjectKey;
use crate::policy::{PoolPolicy, Reoffer};
use crate::space::{PoolShare, SpaceForm, SpaceId};

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

/// How an index becomes text; what it needs besides is a [`crate::numbering::Numbering`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Decimal, zero-padded to a fixed width of 1 to 20 characters.
    Sequential {
        /// The width in characters.
        width: u8,
    },
    /// A keyed permutation of all texts of a form.
    Randomised {
        /// Names the key; follows from product and form.
        space: SpaceId,
        /// What the texts look like.
        form: SpaceForm,
    },
    /// Texts that were imported, in the order of their import.
    List {
        /// The list of the pool.
        list: ListId,
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
    /// The number of indexes the scheme can express.
    #[must_use]
    pub fn capacity(&self) -> u128 {
        let texts = match self {
            Self::Sequential { width } => 10_u128.saturating_pow(u32::from(*width)),
            Self::Randomised { form, .. } => form.capacity(),
            Self::List { .. } => INDEX_LIMIT,
        };
        texts.min(INDEX_LIMIT)
    }

    /// The word used in items, requests and answers.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Sequential { .. } => "sequential",
            Self::Randomised { .. } => "randomised",
            Self::List { .. } => "list",
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
    /// What the numbers are numbers of.
    pub key: ObjectKey,
    /// The length of the GS1 company prefix in the key, 6 to 12; needed for URNs.
    pub company_prefix_length: u8,
    /// How an index becomes text.
    pub scheme: Scheme,
    /// Whether the pool's packs fall under the European rules: then its numbers are random, and fewer than one
    /// in ten thousand texts of its space is ever given out.
    pub eu_rules: bool,
    /// The first index.
    pub from: u128,
    /// The last index.
    pub to: u128,
    /// The largest quantity of one request.
    pub max_request: u64,
    /// `below_threshold` is said when fewer numbers than this remain.
    pub threshold: u128,
    /// How it is looked after.
    pub policy: PoolPolicy,
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
        if self.eu_rules && self.key.sscc().is_some() {
            return Err(broken("eu_rules", "the European rules are about packs"));
        }
        match self.scheme {
            Scheme::Sequential { .. } if self.eu_rules => {
                return Err(broken("scheme", "the European rules ask for randomised numbers"));
            }
            Scheme::Sequential { width } if !(1..=20).contains(&width) => {
                return Err(broken("width", "the width is 1 to 20"));
            }
            Scheme::Randomised { space, form } => {
                let Some(gtin) = self.key.gtin() else {
                    return Err(broken("scheme", "SSCCs are numbered one after the other"));
                };
                if space != SpaceId::of(&gtin, &form) {
                    let detail = "the space is another product's or another form's";
                    return Err(broken("scheme", detail));
                }
            }
            Scheme::List { .. } if self.eu_rules => {
                return Err(broken(
                    "eu_rules",
                    "nobody can prove that imported numbers are random",
                ));
            }
            Scheme::List { .. } if self.policy.auto_extend.is_some() => {
                return Err(broken("auto_extend", "the pool grows by imports only"));
            }
            Scheme::Sequential { .. } | Scheme::List { .. } => {}
        }
        self.check_sscc()?;
        self.check_reoffer()?;
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
        check_threshold(self.threshold)?;
        self.policy.check(self.to, self.scheme.capacity())
    }

    /// What of SSCCs follows from their company prefix.
    /// I1: the number of a logistic unit is on a label as soon as it is a parent, which leaves no trace in the ledger.
    pub fn check_reoffer(&self) -> Result<(), PoolRuleError> {
        if self.key.sscc().is_some() && self.policy.reoffer != Reoffer::Never {
            return Err(broken("reoffer", "an SSCC is offered once"));
        }
        Ok(())
    }

    fn check_sscc(&self) -> Result<(), PoolRuleError> {
        let Some(prefix) = self.key.sscc() else { return Ok(()) };
        if self.company_prefix_length != prefix.company_prefix_length() {
            return Err(broken("company_prefix_length", "the company prefix has another length"));
        }
        match self.scheme {
            Scheme::Sequential { width } if width != prefix.reference_digits() => {
                Err(broken("width", "the company prefix leaves another number of digits"))
            }
            Scheme::List { .. } => Err(broken("scheme", "SSCCs are numbered one after the other")),
            Scheme::Sequential { .. } | Scheme::Randomised { .. } => Ok(()),
        }
    }

    /// The last number that the pool may ever have without being changed by somebody: it claims all up to it.
    #[must_use]
    pub fn ceiling(&self) -> u128 {
        self.policy.ceiling(self.to)
    }

    /// What the pool takes of its space: all numbers up to its ceiling.
    #[must_use]
    pub fn share(&self) -> PoolShare {
        let ceiling = self.ceiling().saturating_add(1).saturating_sub(self.from);
        PoolShare { ceiling, eu_rules: self.eu_rules }
    }
}

/// Checks the boundaries of a pool against each other and against its scheme.
pub fn check_bounds(scheme: Scheme, from: u128, to: u128) -> Result<(), PoolRuleError> {
    if let Scheme::List { .. } = scheme {
        // An empty list ends before it begins.
        let grown = from == list::FIRST && to.saturating_add(1) >= from;
        let refused = broken("to", "the numbers of the pool are those that were imported");
        return if grown && to < scheme.capacity() { Ok(()) } else { Err(refused) };
    }
    if to < from {
        return Err(broken("to", "the last number is below the first"));
    }
    if to >= scheme.capacity() {
        return Err(match scheme {
            Scheme::Sequential { .. } => {
                broken("to", "the last number has more digits than the width allows")
            }
            Scheme::Randomised { .. } | Scheme::List { .. } => {
                broken("to", "the space has fewer texts")
            }
        });
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
    use super::*;

    #[test]
    fn drafts_are_checked() {
        let good = PoolDraft {
            name: "n".into(),
            key: "00313000007772".parse().unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 3 },
            eu_rules: false,
            from: 0,
            to: 999,
            max_request: 1,
            threshold: 0,
            policy: PoolPolicy::default(),
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

    #[test]
    fn drafts_of_ssccs_follow_from_their_company_prefix() {
        let good = PoolDraft {
            name: "n".into(),
            key: "0355555.1".parse().unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 9 },
            eu_rules: false,
            from: 0,
            to: 999_999_999,
            max_request: 1,
            threshold: 0,
            policy: PoolPolicy::default(),
        };
        assert_eq!(good.check(), Ok(()));
        let check = |change: fn(&mut PoolDraft), field: &str| {
            let mut draft = good.clone();
            change(&mut draft);
            assert_eq!(draft.check().unwrap_err().field, field);
        };
        check(|d| d.to = 1_000_000_000, "to");
        check(|d| d.scheme = Scheme::Sequential { width: 10 }, "width");
        check(|d| d.company_prefix_length = 8, "company_prefix_length");
        check(|d| d.eu_rules = true, "eu_rules");
        let alphabet = crate::space::Alphabet::custom("0123456789").unwrap();
        let form = SpaceForm::new("", alphabet, 9).unwrap();
        let gtin = crate::gtin::Gtin14::parse("00313000007772").unwrap();
        let random = Scheme::Randomised { space: SpaceId::of(&gtin, &form), form };
        assert_eq!(PoolDraft { scheme: random, ..good }.check().unwrap_err().field, "scheme");
    }
}
