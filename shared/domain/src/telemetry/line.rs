//! A line as it was heard last, and whether it is still heard.

use super::sample::{About, Heartbeat, Sample};
use crate::gln::Gln;

/// How many of the newest times of heartbeats are kept to estimate their interval.
const RECENT_MAX: usize = 9;
/// The interval of a line that was heard once, and the bounds of every estimate, in milliseconds.
const INTERVAL_DEFAULT_MS: u64 = 60_000;
const INTERVAL_MIN_MS: u64 = 1_000;
const INTERVAL_MAX_MS: u64 = 3_600_000;
/// Intervals after which a silent line is stale, and offline.
const STALE_INTERVALS: u64 = 3;
const OFFLINE_INTERVALS: u64 = 10;

/// Whether a line is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineStatus {
    /// Heard within three intervals.
    Live,
    /// Not heard for more than three intervals.
    Stale,
    /// Not heard for more than ten intervals.
    Offline,
}

impl LineStatus {
    /// All, from the best on.
    pub const ALL: [Self; 3] = [Self::Live, Self::Stale, Self::Offline];

    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Offline => "offline",
        }
    }
}

/// What is known of a line: its newest heartbeat and the newest times. Like a minute it does not depend
/// on the order in which heartbeats come, nor on how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    gln: Gln,
    last: Sample,
    about: About,
    recent_ms: Vec<u64>,
}

impl Line {
    /// A line that was heard for the first time.
    #[must_use]
    pub fn new(first: Heartbeat) -> Self {
        let Heartbeat { line: gln, sample: last, about } = first;
        Self { gln, last, about, recent_ms: vec![last.at_ms] }
    }

    /// A line as it was stored; `recent_ms` are the newest times, at most nine.
    #[must_use]
    pub fn restore(last: Heartbeat, mut recent_ms: Vec<u64>) -> Self {
        recent_ms.push(last.sample.at_ms);
        let mut line = Self::new(last);
        line.remember(recent_ms);
        line
    }

    /// Takes a heartbeat of this line; says whether anything changed.
    pub fn hear(&mut self, heartbeat: &Heartbeat) -> bool {
        let newer = (heartbeat.sample, &heartbeat.about) > (self.last, &self.about);
        if newer {
            self.last = heartbeat.sample;
            self.about = heartbeat.about.clone();
        }
        let mut times = self.recent_ms.clone();
        times.push(heartbeat.sample.at_ms);
        let before = std::mem::take(&mut self.recent_ms);
        self.remember(times);
        newer || before != self.recent_ms
    }

    fn remember(&mut self, mut times: Vec<u64>) {
        times.sort_unstable_by(|a, b| b.cmp(a));
        times.dedup();
        times.truncate(RECENT_MAX);
        self.recent_ms = times;
    }

    /// The line.
    #[must_use]
    pub fn gln(&self) -> &Gln {
        &self.gln
    }

    /// What its newest heartbeat counts.
    #[must_use]
    pub fn last(&self) -> &Sample {
        &self.last
    }

    /// What its newest heartbeat tells besides.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The newest times, the latest first.
    #[must_use]
    pub fn recent_ms(&self) -> &[u64] {
        &self.recent_ms
    }

    /// The time between heartbeats: the median of the newest differences, so that one gap does not
    /// count; between a second and an hour.
    #[must_use]
    pub fn interval_ms(&self) -> u64 {
        let later = self.recent_ms.iter();
        let earlier = self.recent_ms.iter().skip(1);
        let mut steps: Vec<u64> = later.zip(earlier).map(|(a, b)| a.saturating_sub(*b)).collect();
        steps.sort_unstable();
        let middle = steps.get(steps.len() >> 1).copied().unwrap_or(INTERVAL_DEFAULT_MS);
        middle.clamp(INTERVAL_MIN_MS, INTERVAL_MAX_MS)
    }

    /// The time since the newest heartbeat, none for one that is ahead of the clock.
    #[must_use]
    pub fn silent_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.last.at_ms)
    }

    /// Whether the line is heard at a time.
    #[must_use]
    pub fn status(&self, now_ms: u64) -> LineStatus {
        let (silent, interval) = (self.silent_ms(now_ms), self.interval_ms());
        if silent <= interval.saturating_mul(STALE_INTERVALS) {
            LineStatus::Live
        } else if silent <= interval.saturating_mul(OFFLINE_INTERVALS) {
            LineStatus::Stale
        } else {
            LineStatus::Offline
        }
    }
}
