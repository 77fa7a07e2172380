//! Findings: what reconciliation has to say about a document, a serial or an allocation.
//!
//! - Counts are exact whatever is cut; ranges and samples are capped, and a cut is itself said
//!   (`FINDINGS_TRUNCATED`).
//! - The id of a finding follows from what it is about, so judging again finds it again (I5).
//!
//! Sources of the codes: the product's own list, TraceLink's file errors, DSCSA exception guidance.
//! The module does not know where findings are kept.

mod handling;
mod samples;

use std::collections::BTreeMap;

pub use self::handling::{
    Assignee, COMMENTS_MAX, Change, FindingStatus, Handling, Note, Refusal, Settled, Step,
    TextError,
};
pub use self::samples::Samples;
use crate::ids::{base32_lower, length_prefixed_sha256};
use crate::space::SpaceId;

/// Sample values a finding carries at most.
pub const SAMPLES_MAX: usize = 20;
/// What is kept of one sample, bytes; an identifier has fewer than 256.
pub const SAMPLE_BYTES_MAX: usize = 256;
/// Ranges a finding carries at most.
pub const RANGES_MAX: usize = 1_000;
/// Randomised serials that are shown among the samples: fewer than [`SAMPLES_MAX`], so that as many samples
/// as that are always values as they were received, of which some were perhaps cut.
pub const SPACE_SAMPLES_MAX: usize = 10;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal: $severity:ident,)+) => {
        /// What a finding says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)+
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word used in items and answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// How bad it is when nothing makes it less so.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }
        }
    };
}

codes! {
    /// A commissioned serial in no reserved range of its GTIN.
    NotReserved = "NOT_RESERVED": Critical,
    /// A commissioned serial of a voided range, or (as a warning) of a closed allocation.
    WrongAllocationState = "WRONG_ALLOCATION_STATE": Critical,
    /// Commissioned before with another lot or expiry.
    AlreadyCommissioned = "ALREADY_COMMISSIONED": Critical,
    /// Reserved, but for another system.
    NotProvisionedForLocation = "NOT_PROVISIONED_FOR_LOCATION": Critical,
    /// Commissioned at a time after its end: label scrapped, sampled, decommissioned, destroyed, given
    /// back or deactivated.
    RecommissionAfterTerminal = "RECOMMISSION_AFTER_TERMINAL": Critical,
    /// A GTIN of none of our pools.
    UnknownGtin = "UNKNOWN_GTIN": Error,
    /// The check digit of a GTIN in a Digital Link is wrong.
    BadCheckDigit = "BAD_CHECK_DIGIT": Error,
    /// The check digit of an SSCC is wrong.
    InvalidSsccCheckDigit = "INVALID_SSCC_CHECK_DIGIT": Error,
    /// An identifier that is no valid EPC of an instance.
    InvalidEpcUri = "INVALID_EPC_URI": Error,
    /// Given back or deactivated as unused, but a label or a pack has it, whichever came first.
    GivenBackAndUsed = "GIVEN_BACK_AND_USED": Error,
    /// A number that lost its leading zeros on the way, mostly in a spreadsheet.
    LeadingZeroStripped = "LEADING_ZERO_STRIPPED": Error,
    /// The same serial with the same fact twice in one file.
    DuplicateInFile = "DUPLICATE_IN_FILE": Error,
    /// An announced file that was deleted before it could be read.
    Gone = "GONE": Error,
    /// The event's lot is not the allocation's.
    LotMismatch = "LOT_MISMATCH": Error,
    /// The event's expiry is not the allocation's.
    ExpiryMismatch = "EXPIRY_MISMATCH": Error,
    /// A row says that the number belongs to an allocation which has not got it.
    AllocationMismatch = "ALLOCATION_MISMATCH": Error,
    /// Unreserved numbers right behind the end of a range the same document uses.
    OverRun = "OVER_RUN": Error,
    /// A pack was taken off, destroyed or sampled, and nobody ever commissioned it.
    NeverCommissioned = "NEVER_COMMISSIONED": Warning,
    /// Two things were reported that do not happen in the order of their event times.
    EventsOutOfOrder = "EVENTS_OUT_OF_ORDER": Warning,
    /// The end of a batch reports another quantity than was commissioned.
    EobCountMismatch = "EOB_COUNT_MISMATCH": Error,
    /// At the end of a batch fewer or more of the printed numbers are on packs than the product allows.
    YieldOutOfTolerance = "YIELD_OUT_OF_TOLERANCE": Warning,
    /// Read point or business location name another line than the allocation's.
    LineGlnMismatch = "LINE_GLN_MISMATCH": Warning,
    /// A commissioning event without a lot.
    MissingLot = "MISSING_LOT": Warning,
    /// A commissioning event without an expiry.
    MissingExpiry = "MISSING_EXPIRY": Warning,
    /// An event more than five minutes after the document was received.
    FutureEventTime = "FUTURE_EVENT_TIME": Warning,
    /// Ranges or samples of another finding were cut; its count is exact.
    FindingsTruncated = "FINDINGS_TRUNCATED": Warning,
    /// The same content arrived more than once.
    DuplicateTransmission = "DUPLICATE_TRANSMISSION": Info,
    /// Numbers without a fate between the first and the last commissioned one.
    InternalGap = "INTERNAL_GAP": Info,
}

impl Code {
    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing to do.
    Info,
    /// Look at it.
    Warning,
    /// The file is wrong.
    Error,
    /// A pack may carry a number it must not carry.
    Critical,
}

impl Severity {
    /// The word used in items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Info, Self::Warning, Self::Error, Self::Critical];
        all.into_iter().find(|severity| severity.as_str() == text)
    }
}

/// A run of serials as text, ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialRange {
    /// The first serial.
    pub from: String,
    /// The last serial.
    pub to: String,
}

/// Runs of indexes of a space, ends included: its texts do not follow one another, so their ends tell none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceRuns {
    /// The space.
    pub space: SpaceId,
    /// Ascending.
    pub runs: Vec<(u128, u128)>,
}

/// A finding of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Follows from document, system, code, allocation, GTIN and `provisional`.
    pub id: String,
    /// What it says.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Serials, or 1 where it is about the document.
    pub count: u64,
    /// A later reservation may still make it go away.
    pub provisional: bool,
    /// The allocation it is about.
    pub allocation_id: Option<String>,
    /// The trade item it is about.
    pub gtin: Option<String>,
    /// At most [`RANGES_MAX`] runs of serials, ascending.
    pub ranges: Vec<SerialRange>,
    /// The same of randomised serials, counted among those.
    pub indexes: Vec<SpaceRuns>,
    /// At most [`SAMPLES_MAX`] values as they were received, or some of the serials of `indexes`.
    pub samples: Vec<String>,
    /// What was done about it.
    pub status: FindingStatus,
}

/// What a finding is about; its id is the hash of this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// What it says.
    pub code: Code,
    /// A later reservation may still make it go away.
    pub provisional: bool,
    /// The allocation it is about.
    pub allocation_id: Option<String>,
    /// The trade item it is about.
    pub gtin: Option<String>,
}

impl Subject {
    /// The id of this finding of a document sent by a system: 26 base32 characters.
    #[must_use]
    pub fn id(&self, content_sha256: &str, system: &str) -> String {
        let provisional = if self.provisional { "provisional" } else { "final" };
        let hash = length_prefixed_sha256(&[
            content_sha256.as_bytes(),
            system.as_bytes(),
            self.code.as_str().as_bytes(),
            provisional.as_bytes(),
            self.allocation_id.as_deref().unwrap_or_default().as_bytes(),
            self.gtin.as_deref().unwrap_or_default().as_bytes(),
        ]);
        base32_lower(&hash).chars().take(26).collect()
    }

    /// What findings of several documents of one system have in common, 26 base32 characters; `None`
    /// where the finding is about its document alone or there is nothing to do about it.
    #[must_use]
    pub fn recurrence_key(&self, system: &str) -> Option<String> {
        let wide = self.allocation_id.is_some() || self.gtin.is_some();
        if !wide || self.code.severity() == Severity::Info {
            return None;
        }
        // No document has the empty text as its hash.
        Some(self.id("", system))
    }

    /// The finding with its numbers; ranges and samples are cut to their caps.
    #[must_use]
    pub fn finding(&self, of: (&str, &str), count: u64) -> Finding {
        Finding {
            id: self.id(of.0, of.1),
            code: self.code,
            severity: self.code.severity(),
            count,
            provisional: self.provisional,
            allocation_id: self.allocation_id.clone(),
            gtin: self.gtin.clone(),
            ranges: Vec::new(),
            indexes: Vec::new(),
            samples: Vec::new(),
            status: FindingStatus::Open,
        }
    }
}

impl Finding {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject {
            code: self.code,
            provisional: self.provisional,
            allocation_id: self.allocation_id.clone(),
            gtin: self.gtin.clone(),
        }
    }
}

/// Collects indexes into at most [`RANGES_MAX`] runs and counts them.
///
/// While nothing was cut the count is that of distinct indexes. Once an index would have started
/// one run too many it is only counted, so an index named again beyond the cap counts again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexRuns {
    runs: BTreeMap<u128, u128>,
    count: u64,
    truncated: bool,
}

impl IndexRuns {
    /// Adds one index; false when it is known already.
    pub fn insert(&mut self, index: u128) -> bool {
        let before = self.runs.range(..=index).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= index) {
            return false;
        }
        self.count = self.count.saturating_add(1);
        let left = before.filter(|(_, last)| last.saturating_add(1) == index);
        let next = index.saturating_add(1);
        let right = self.runs.get(&next).copied();
        match (left, right) {
            (Some((first, _)), Some(end)) => {
                self.runs.remove(&next);
                self.runs.insert(first, end);
            }
            (Some((first, _)), None) => {
                self.runs.insert(first, index);
            }
            (None, Some(end)) => {
                self.runs.remove(&next);
                self.runs.insert(index, end);
            }
            (None, None) if self.runs.len() >= RANGES_MAX => self.truncated = true,
            (None, None) => {
                self.runs.insert(index, index);
            }
        }
        true
    }

    /// Adds all indexes from `first` to `last`, ends included; they must not be known already
    /// unless they touch nothing (used for runs that come in ascending order).
    pub fn append(&mut self, first: u128, last: u128) {
        let size = last.saturating_sub(first).saturating_add(1);
        self.count = self.count.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        let tail = self.runs.iter().next_back().map(|(first, last)| (*first, *last));
        match tail.filter(|(_, end)| end.saturating_add(1) == first) {
            Some((start, _)) => {
                self.runs.insert(start, last);
            }
            None if self.runs.len() >= RANGES_MAX => self.truncated = true,
            None => {
                self.runs.insert(first, last);
            }
        }
    }

    /// Adds everything another collector holds.
    pub fn merge(&mut self, other: &Self) {
        let mut known = 0_u64;
        for (first, last) in &other.runs {
            let mut index = *first;
            while index <= *last {
                self.insert(index);
                known = known.saturating_add(1);
                index = index.saturating_add(1);
            }
        }
        self.count = self.count.saturating_add(other.count.saturating_sub(known));
        self.truncated |= other.truncated;
    }

    /// How many indexes were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether runs were cut.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The runs, ascending, ends included.
    pub fn runs(&self) -> impl Iterator<Item = (u128, u128)> + '_ {
        self.runs.iter().map(|(first, last)| (*first, *last))
    }
}

#[cfg(test)]
mod tests;
