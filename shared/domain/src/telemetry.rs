//! What packaging lines say about themselves: heartbeats, and what follows from them.
//!
//! A heartbeat has a time, a PackML state, and counters that only grow until the line sets them back.
//! Heartbeats come late, twice, in any order and over several ways at once, so nothing here is added up
//! as it arrives. A [`Minute`] is the *set* of the heartbeats of one minute of a line, and joining two
//! such sets is commutative, associative and idempotent. Everything else (differences of counters,
//! times in a state, the hours) is computed from the sets when somebody reads, in the order of the
//! line's own clock. So shuffled, repeated and split deliveries give the same numbers.
//!
//! Rules:
//! - One heartbeat of a minute is the one of its `seq`, or of its time where it has no `seq`. Two
//!   different ones under the same identity: the lesser one in the order of [`Sample`] stays,
//!   whichever came first. The same `seq` in another minute is another heartbeat, because a line
//!   system that is started again counts from the beginning.
//! - A counter that is lower than before was set back: what it shows counts from zero.
//! - A minute counts from the last heartbeat before it, so that nothing falls between two minutes.
//! - A minute keeps at most [`SAMPLES_MAX`] heartbeats. Beyond that it keeps those whose identities
//!   have the least hashes, which again does not depend on order; counters still add up over minutes,
//!   and only a set-back that no kept heartbeat shows is lost.
//!
//! Sources: ISA-TR88.00.02 (PackML) for the states, modes and the meaning of the counters. The module
//! does not know what time it is: `now_ms` is an argument. Times are milliseconds since 1970 (UTC),
//! speeds are thousandths of a pack per minute.

mod codec;
mod line;
mod minute;
mod packml;
mod rollup;
mod sample;

pub use codec::CodecError;
pub use line::{Line, LineStatus};
pub use minute::{Added, Minute, SAMPLES_MAX};
pub use packml::{Mode, State};
pub use rollup::{HourRollup, MinuteRollup, Totals, hours};
pub use sample::{About, Counters, Heartbeat, Identity, Sample};

/// Milliseconds of a minute.
pub const MINUTE_MS: u64 = 60_000;
/// Milliseconds of an hour.
pub const HOUR_MS: u64 = 3_600_000;

/// The start of the minute that a time lies in.
#[must_use]
pub fn minute_of(at_ms: u64) -> u64 {
    at_ms.saturating_sub(at_ms.checked_rem(MINUTE_MS).unwrap_or(0))
}

/// The start of the hour that a time lies in.
#[must_use]
pub fn hour_of(at_ms: u64) -> u64 {
    at_ms.saturating_sub(at_ms.checked_rem(HOUR_MS).unwrap_or(0))
}

#[cfg(test)]
mod tests;
