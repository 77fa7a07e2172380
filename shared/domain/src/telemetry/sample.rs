//! One heartbeat: what is rolled up, and what is only shown.

use super::minute_of;
use super::packml::{Mode, State};
use crate::gln::Gln;
use crate::ids::{AllocationId, SystemId};

/// What makes two heartbeats of a minute the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// The number that the line gave it.
    Seq(u64),
    /// Its time, where the line does not number, in milliseconds since 1970.
    At(u64),
}

impl Identity {
    /// A number that says nothing about time or order, for the choice among too many.
    #[must_use]
    pub(crate) fn hash(self) -> u64 {
        let (Self::Seq(number) | Self::At(number)) = self;
        // The finaliser of SplitMix64: every bit of the input reaches every bit of the output.
        let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// Counters of a machine; absent ones are not reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counters {
    /// Packs taken in (`ProdConsumedCount`).
    pub consumed: Option<u64>,
    /// Packs that came out, defective ones included (`ProdProcessedCount`).
    pub processed: Option<u64>,
    /// Packs that came out defective (`ProdDefectiveCount`).
    pub defective: Option<u64>,
}

/// The part of a heartbeat that roll-ups are computed from. The order is that of the line's clock, and
/// of its own numbers within a millisecond; the rest only makes the order total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// The line's time, milliseconds since 1970.
    pub at_ms: u64,
    /// The line's number of the heartbeat.
    pub seq: Option<u64>,
    /// What the line does.
    pub state: State,
    /// What it is used for.
    pub mode: Option<Mode>,
    /// Its counters.
    pub counters: Counters,
    /// Speed, thousandths of a pack per minute.
    pub speed_milli: Option<u64>,
    /// The speed it is made for, thousandths of a pack per minute.
    pub design_milli: Option<u64>,
    /// The machine behind it does not take packs.
    pub blocked: bool,
    /// The machine before it gives none.
    pub starved: bool,
    /// Serial numbers that the line still has.
    pub serials_remaining: Option<u64>,
}

impl Sample {
    /// What makes it the same heartbeat as another one of its minute.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.seq.map_or(Identity::At(self.at_ms), Identity::Seq)
    }

    /// The start of its minute.
    #[must_use]
    pub fn minute_ms(&self) -> u64 {
        minute_of(self.at_ms)
    }
}

/// The part of a heartbeat that is shown and not computed with.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct About {
    /// The line's own name.
    pub line_id: Option<String>,
    /// The system that drives the line.
    pub system_id: Option<SystemId>,
    /// The system whose credential brought the heartbeat.
    pub reported_by: Option<SystemId>,
    /// The allocation whose numbers it prints.
    pub allocation_id: Option<AllocationId>,
    /// The lot on the line.
    pub lot: Option<String>,
    /// The work order on the line.
    pub work_order: Option<String>,
    /// What is wrong.
    pub alarm: Option<String>,
    /// The line's software.
    pub software: Option<String>,
}

/// A heartbeat of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The line.
    pub line: Gln,
    /// What is rolled up.
    pub sample: Sample,
    /// What is shown.
    pub about: About,
}
