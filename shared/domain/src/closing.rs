//! The end of a batch: what the line reports next to what the ledger says, and whether that is in order.
//!
//! - The quantity of the allocation's own packs is compared with the numbers that are on a pack now. Of
//!   other packaging levels there is no ledger, so what is reported of them is only kept.
//! - The yield is the part of the printed numbers that is on packs, after the label reconciliation of GMP
//!   (printed = used + rejected + sampled; what is returned or deactivated was never printed). It is judged
//!   in whole numbers, so that nothing is rounded into tolerance.
//! - What does not fit makes the end wait for a review by somebody else; it is never refused, because the
//!   run is over all the same.
//!
//! The module does not know who reports, where the counts come from, or how a document of it looks.

use crate::finding::Code;
use crate::gtin::Gtin14;
use crate::ids::length_prefixed_sha256;
use crate::ledger::{Bucket, Buckets};

/// Packaging levels that one end of a batch reports at most.
pub const LINES_MAX: usize = 20;
/// The most packs of one level.
pub const QUANTITY_MAX: u64 = 10_000_000_000;
/// Decisions about the end of one run at most: closed, reviewed, closed again.
pub const DECISIONS_MAX: u32 = 100;
/// The whole, in thousandths.
const WHOLE: u16 = 1_000;
/// The version of the hash of a request.
const HASH_VERSION: &str = "close-1";

/// The yield that a product allows, in thousandths, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    min: u16,
    max: u16,
}

/// Bounds that are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bounds of a yield are thousandths from 0 to 1000, the lower one first")]
pub struct ToleranceError;

impl Tolerance {
    /// No limit: what holds for products of which nothing was said.
    pub const ANY: Self = Self { min: 0, max: WHOLE };

    /// # Errors
    /// The bounds are not 0 ≤ `min` ≤ `max` ≤ 1000.
    pub const fn new(min: u16, max: u16) -> Result<Self, ToleranceError> {
        if min > max || max > WHOLE { Err(ToleranceError) } else { Ok(Self { min, max }) }
    }

    /// The least yield, thousandths.
    #[must_use]
    pub const fn min(self) -> u16 {
        self.min
    }

    /// The greatest yield, thousandths.
    #[must_use]
    pub const fn max(self) -> u16 {
        self.max
    }
}

/// How many of the printed numbers are on packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Yield {
    /// Numbers on packs.
    pub commissioned: u64,
    /// Numbers that were printed: all of which anything is known but what was returned or deactivated.
    pub printed: u64,
}

impl Yield {
    /// The yield of an allocation; `None` where nothing was printed.
    #[must_use]
    pub fn of(buckets: &Buckets) -> Option<Self> {
        let never = [Bucket::Outstanding, Bucket::Returned, Bucket::Deactivated];
        let printed = Bucket::ALL.into_iter().filter(|bucket| !never.contains(bucket));
        let printed = printed.fold(0_u64, |sum, bucket| sum.saturating_add(buckets.get(bucket)));
        let commissioned = buckets.get(Bucket::Commissioned);
        (printed > 0).then_some(Self { commissioned, printed })
    }

    /// In thousandths, rounded down, for people.
    #[must_use]
    pub fn thousandths(self) -> u64 {
        let share = u128::from(self.commissioned).saturating_mul(u128::from(WHOLE));
        let share = share.checked_div(u128::from(self.printed)).unwrap_or_default();
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// Whether it is within a tolerance, judged without rounding.
    #[must_use]
    pub fn is_within(self, tolerance: Tolerance) -> bool {
        let share = u128::from(self.commissioned).saturating_mul(u128::from(WHOLE));
        let bound = |thousandths: u16| u128::from(self.printed).saturating_mul(thousandths.into());
        bound(tolerance.min) <= share && share <= bound(tolerance.max)
    }
}

/// What a line reports of one packaging level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The trade item.
    pub gtin: Gtin14,
    /// `EA`, `PK`, `CA` or `PL`.
    pub level: String,
    /// Good packs.
    pub quantity: u64,
}

/// One packaging level with both counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What the line reports.
    pub reported: Reported,
    /// What the ledger says; `None` for levels without one.
    pub commissioned: Option<u64>,
}

/// Something that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// Another quantity is reported than was commissioned.
    Count {
        /// By the line.
        reported: u64,
        /// By the ledger.
        commissioned: u64,
    },
    /// The yield is outside of what the product allows.
    Yield {
        /// The yield.
        found: Yield,
        /// What the product allows.
        tolerance: Tolerance,
    },
}

impl Issue {
    /// What the finding about it says.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Count { .. } => Code::EobCountMismatch,
            Self::Yield { .. } => Code::YieldOutOfTolerance,
        }
    }

    /// How many serials it is about; 1 where it is about the batch.
    #[must_use]
    pub const fn count(self) -> u64 {
        match self {
            Self::Count { reported, commissioned } => reported.abs_diff(commissioned),
            Self::Yield { .. } => 1,
        }
    }

    /// The counts in words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Count { reported, commissioned } => {
                format!("reported {reported}, commissioned {commissioned}")
            }
            Self::Yield { found, tolerance } => format!(
                "{} of {} printed are on packs: {} thousandths, allowed are {} to {}",
                found.commissioned,
                found.printed,
                found.thousandths(),
                tolerance.min,
                tolerance.max,
            ),
        }
    }
}

/// A report that cannot be meant for the allocation; the number is its place in the list, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The allocation's own packs are not in it.
    #[error("an entry for the GTIN of the allocation is needed")]
    OwnMissing,
    /// The same GTIN and level are in it twice.
    #[error("the same GTIN and level as in an entry before")]
    Twice(usize),
    /// The allocation's GTIN with another level than it was reserved for.
    #[error("the allocation is of another packaging level")]
    OtherLevel(usize),
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Every level that was reported, in that order.
    pub counted: Vec<Counted>,
    /// The yield; `None` where nothing was printed.
    pub found: Option<Yield>,
    /// What is not as it should be.
    pub issues: Vec<Issue>,
}

/// What a report is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The trade item of the allocation; `None` of SSCCs, whose quantities nobody reports.
    pub gtin: Option<Gtin14>,
    /// The level that it was reserved for, if that was said.
    pub level: Option<&'a str>,
    /// Where its numbers are.
    pub buckets: &'a Buckets,
    /// What the product allows.
    pub tolerance: Tolerance,
}

impl Batch<'_> {
    /// Compares; `None` where the line reports no quantities: then only the yield is judged.
    ///
    /// # Errors
    /// The report cannot be meant for this allocation.
    pub fn judge(&self, production: Option<&[Reported]>) -> Result<Verdict, ReportError> {
        let commissioned = self.buckets.get(Bucket::Commissioned);
        let mut counted: Vec<Counted> = Vec::new();
        let mut issues = Vec::new();
        for (place, reported) in production.unwrap_or_default().iter().enumerate() {
            let known = |one: &Counted| {
                (one.reported.gtin, &one.reported.level) == (reported.gtin, &reported.level)
            };
            if counted.iter().any(known) {
                return Err(ReportError::Twice(place));
            }
            let own = Some(reported.gtin) == self.gtin;
            if own && self.level.is_some_and(|level| level != reported.level) {
                return Err(ReportError::OtherLevel(place));
            }
            if own && counted.iter().any(|one| one.commissioned.is_some()) {
                return Err(ReportError::Twice(place));
            }
            if own && reported.quantity != commissioned {
                issues.push(Issue::Count { reported: reported.quantity, commissioned });
            }
            let commissioned = own.then_some(commissioned);
            counted.push(Counted { reported: reported.clone(), commissioned });
        }
        if production.is_some() && counted.iter().all(|one| one.commissioned.is_none()) {
            return Err(ReportError::OwnMissing);
        }
        let found = Yield::of(self.buckets);
        if let Some(found) = found.filter(|found| !found.is_within(self.tolerance)) {
            issues.push(Issue::Yield { found, tolerance: self.tolerance });
        }
        Ok(Verdict { counted, found, issues })
    }
}

/// What is decided about the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The run ends.
    Close,
    /// Who reviewed the end accepts it.
    Accept,
    /// Who reviewed the end takes it back.
    Reopen,
}

impl Decision {
    /// All decisions.
    pub const ALL: [Self; 3] = [Self::Close, Self::Accept, Self::Reopen];

    /// The word used in items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Accept => "accept",
            Self::Reopen => "reopen",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == text)
    }
}

/// What becomes of the numbers that were not used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unused {
    /// They are never to be used.
    #[default]
    Deactivate,
    /// They may be offered again.
    Return,
}

impl Unused {
    /// All fates.
    pub const ALL: [Self; 2] = [Self::Deactivate, Self::Return];

    /// The word used in requests and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deactivate => "deactivate",
            Self::Return => "return",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unused| unused.as_str() == text)
    }
}

/// A request to end a run, as it was parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseRequest {
    /// The lot, if it is said.
    pub lot: Option<String>,
    /// The quantities, if they are said.
    pub production: Option<Vec<Reported>>,
    /// What becomes of unused numbers; absent is a deactivation.
    pub unused: Unused,
    /// Why, in the caller's words.
    pub reason: Option<String>,
}

impl CloseRequest {
    /// The hash of what was said, hex: the same request again has the same one.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut parts = vec![HASH_VERSION.to_owned(), self.unused.as_str().to_owned()];
        for (name, value) in [("lot", &self.lot), ("reason", &self.reason)] {
            parts.extend(value.iter().flat_map(|value| [name.to_owned(), value.clone()]));
        }
        if let Some(production) = &self.production {
            parts.push("production".to_owned());
            for one in production {
                parts.extend([one.gtin.to_string(), one.level.clone(), one.quantity.to_string()]);
            }
        }
        let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        data_encoding::HEXLOWER.encode(&length_prefixed_sha256(&parts))
    }
}

#[cfg(test)]
mod tests;
