//! What a minute or an hour of heartbeats amounts to.

use super::minute::Minute;
use super::packml::{Mode, State};
use super::sample::Sample;
use super::{HOUR_MS, MINUTE_MS, hour_of};

/// How long a heartbeat says what the line does when no other follows.
const HOLD_MS: u64 = 90_000;
/// The whole, in the parts per million that ratios are counted in.
const WHOLE_PPM: u128 = 1_000_000;

/// Sums over heartbeats in the order of the line's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Heartbeats.
    pub heartbeats: u64,
    /// Heartbeats at which a counter was lower than before.
    pub resets: u64,
    /// Packs taken in.
    pub consumed: Option<u64>,
    /// Packs that came out, defective ones included.
    pub processed: Option<u64>,
    /// Packs that came out defective.
    pub defective: Option<u64>,
    /// Serial numbers used up; refills are not counted.
    pub burned: Option<u64>,
    /// The time over which the above was counted.
    pub span_ms: u64,
    /// The time in which it is known what the line did.
    pub observed_ms: u64,
    /// That time, without maintenance and manual mode.
    pub planned_ms: u64,
    /// The planned time in which the line ran.
    pub execute_ms: u64,
    /// What the line is made for in the time in which it ran: milliseconds times thousandths of a pack
    /// per minute.
    pub ideal: u128,
}

/// A minute in which the line was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinuteRollup {
    /// When it begins.
    pub start_ms: u64,
    /// The heartbeat before it, from which it counts; its own first one where there is none.
    pub counted_from_ms: u64,
    /// Its first heartbeat.
    pub first: Sample,
    /// Its last heartbeat.
    pub last: Sample,
    /// Whether heartbeats may have been left out because there were too many.
    pub full: bool,
    /// The sums.
    pub totals: Totals,
}

/// An hour in which the line was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourRollup {
    /// When it begins.
    pub start_ms: u64,
    /// The minutes of it in which the line was heard.
    pub minutes: u64,
    /// The sums of these minutes.
    pub totals: Totals,
}

impl Minute {
    /// Rolls the minute up; `None` if it is empty. `before` is the last heartbeat of the line before this
    /// minute, however long ago. A heartbeat says nothing about the time after `now_ms`.
    #[must_use]
    pub fn roll_up(
        &self,
        start_ms: u64,
        before: Option<&Sample>,
        now_ms: u64,
    ) -> Option<MinuteRollup> {
        let samples = self.in_order();
        let (first, last) = (*samples.first()?, *samples.last()?);
        let counted_from_ms = before.map_or(first.at_ms, |sample| sample.at_ms);
        let mut totals = Totals {
            heartbeats: u64::try_from(samples.len()).unwrap_or(u64::MAX),
            span_ms: last.at_ms.saturating_sub(counted_from_ms),
            ..Totals::default()
        };
        totals.count(before, &samples);
        let end_ms = start_ms.saturating_add(MINUTE_MS).min(now_ms);
        let heard = before.into_iter().chain(&samples);
        let next = samples.iter().map(|sample| sample.at_ms).chain([end_ms]);
        // Without a heartbeat before, the first one is paired with the second.
        for (sample, next_ms) in heard.zip(next.skip(usize::from(before.is_none()))) {
            let from = sample.at_ms.max(start_ms);
            let until = next_ms.min(end_ms).min(sample.at_ms.saturating_add(HOLD_MS));
            totals.observe(sample, until.saturating_sub(from));
        }
        Some(MinuteRollup { start_ms, counted_from_ms, first, last, full: self.is_full(), totals })
    }
}

/// The last value of a counter and what it has counted.
#[derive(Default)]
struct Count {
    shown: Option<u64>,
    counted: Option<u64>,
}

impl Count {
    fn begin(shown: Option<u64>) -> Self {
        Self { shown, counted: None }
    }

    /// Takes what a counter shows; says whether it was set back.
    fn rise(&mut self, shown: Option<u64>) -> bool {
        let Some(shown) = shown else {
            return false;
        };
        let before = self.shown.replace(shown).unwrap_or(shown);
        // After a set-back, what the counter shows has been counted since then.
        let more = shown.checked_sub(before).unwrap_or(shown);
        self.counted = Some(self.counted.unwrap_or(0).saturating_add(more));
        shown < before
    }

    /// Takes what a stock shows; only what it falls counts.
    fn fall(&mut self, shown: Option<u64>) {
        let Some(shown) = shown else {
            return;
        };
        let before = self.shown.replace(shown).unwrap_or(shown);
        let less = before.saturating_sub(shown);
        self.counted = Some(self.counted.unwrap_or(0).saturating_add(less));
    }
}

impl Totals {
    fn count(&mut self, before: Option<&Sample>, samples: &[Sample]) {
        let shown = before.map(|sample| sample.counters).unwrap_or_default();
        let mut consumed = Count::begin(shown.consumed);
        let mut processed = Count::begin(shown.processed);
        let mut defective = Count::begin(shown.defective);
        let mut serials = Count::begin(before.and_then(|sample| sample.serials_remaining));
        for sample in samples {
            let back = [
                consumed.rise(sample.counters.consumed),
                processed.rise(sample.counters.processed),
                defective.rise(sample.counters.defective),
            ];
            self.resets = self.resets.saturating_add(u64::from(back.contains(&true)));
            serials.fall(sample.serials_remaining);
        }
        self.consumed = consumed.counted;
        self.processed = processed.counted;
        self.defective = defective.counted;
        self.burned = serials.counted;
    }

    fn observe(&mut self, sample: &Sample, duration_ms: u64) {
        self.observed_ms = self.observed_ms.saturating_add(duration_ms);
        // A line that does not say its mode is taken to produce.
        if sample.mode.unwrap_or(Mode::Production) != Mode::Production {
            return;
        }
        self.planned_ms = self.planned_ms.saturating_add(duration_ms);
        if sample.state != State::Execute {
            return;
        }
        self.execute_ms = self.execute_ms.saturating_add(duration_ms);
        let design = u128::from(sample.design_milli.unwrap_or(0));
        self.ideal = self.ideal.saturating_add(design.saturating_mul(u128::from(duration_ms)));
    }

    /// The sums of both.
    #[must_use]
    pub fn plus(self, other: &Self) -> Self {
        let both = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (one, other) => one.or(other),
        };
        Self {
            heartbeats: self.heartbeats.saturating_add(other.heartbeats),
            resets: self.resets.saturating_add(other.resets),
            consumed: both(self.consumed, other.consumed),
            processed: both(self.processed, other.processed),
            defective: both(self.defective, other.defective),
            burned: both(self.burned, other.burned),
            span_ms: self.span_ms.saturating_add(other.span_ms),
            observed_ms: self.observed_ms.saturating_add(other.observed_ms),
            planned_ms: self.planned_ms.saturating_add(other.planned_ms),
            execute_ms: self.execute_ms.saturating_add(other.execute_ms),
            ideal: self.ideal.saturating_add(other.ideal),
        }
    }

    /// The sums of many.
    #[must_use]
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        all.into_iter().fold(Self::default(), Self::plus)
    }

    /// Packs that came out per minute, in thousandths.
    #[must_use]
    pub fn throughput_milli(&self) -> Option<u64> {
        let packs = u128::from(self.processed?).saturating_mul(1_000);
        let milli = packs.saturating_mul(u128::from(MINUTE_MS)).checked_div(self.span_ms.into())?;
        u64::try_from(milli).ok()
    }

    /// Serial numbers used up per hour.
    #[must_use]
    pub fn burn_per_hour(&self) -> Option<u64> {
        let burned = u128::from(self.burned?).saturating_mul(u128::from(HOUR_MS));
        u64::try_from(burned.checked_div(self.span_ms.into())?).ok()
    }

    /// Thousandths of an hour until so many serial numbers are used up at this rate; `None` when none
    /// is being used.
    #[must_use]
    pub fn hours_to_empty_milli(&self, serials_remaining: u64) -> Option<u64> {
        let stock = u128::from(serials_remaining).saturating_mul(u128::from(self.span_ms));
        let burn = u128::from(self.burned?).saturating_mul(u128::from(HOUR_MS));
        u64::try_from(stock.saturating_mul(1_000).checked_div(burn)?).ok()
    }

    /// The part of the planned time in which the line ran, parts per million.
    #[must_use]
    pub fn availability_ppm(&self) -> Option<u32> {
        ratio_ppm(self.execute_ms.into(), self.planned_ms.into())
    }

    /// What came out against what the line is made for while it ran, parts per million.
    #[must_use]
    pub fn performance_ppm(&self) -> Option<u32> {
        let made = u128::from(self.processed?).saturating_mul(1_000);
        ratio_ppm(made.saturating_mul(u128::from(MINUTE_MS)), self.ideal)
    }

    /// The part of what came out that is not defective, parts per million.
    #[must_use]
    pub fn quality_ppm(&self) -> Option<u32> {
        let made = self.processed?;
        let good = made.saturating_sub(self.defective?);
        ratio_ppm(good.into(), made.into())
    }

    /// The product of the three: overall equipment effectiveness, parts per million.
    #[must_use]
    pub fn oee_ppm(&self) -> Option<u32> {
        let parts = [self.availability_ppm()?, self.performance_ppm()?, self.quality_ppm()?];
        let product = parts.into_iter().map(u128::from).fold(1, u128::saturating_mul);
        u32::try_from(product.checked_div(WHOLE_PPM.saturating_mul(WHOLE_PPM))?).ok()
    }
}

/// A part of a whole, at most all of it: counts of a time that nobody observed do not make a line
/// better than it can be.
fn ratio_ppm(part: u128, whole: u128) -> Option<u32> {
    let ppm = part.saturating_mul(WHOLE_PPM).checked_div(whole)?;
    u32::try_from(ppm.min(WHOLE_PPM)).ok()
}

/// The hours of minutes that come in order.
#[must_use]
pub fn hours(minutes: &[MinuteRollup]) -> Vec<HourRollup> {
    let mut hours: Vec<HourRollup> = Vec::new();
    for minute in minutes {
        let start_ms = hour_of(minute.start_ms);
        match hours.last_mut() {
            Some(hour) if hour.start_ms == start_ms => {
                hour.minutes = hour.minutes.saturating_add(1);
                hour.totals = hour.totals.plus(&minute.totals);
            }
            _ => hours.push(HourRollup { start_ms, minutes: 1, totals: minute.totals }),
        }
    }
    hours
}
