//! Answers: times as text, speeds and ratios as numbers with a point, absent values as null.

use domain::telemetry::{HourRollup, Line, LineStatus, MinuteRollup, Mode, Sample, State, Totals};
use edge::openapi::{AllocationId, Gln, SystemId, Time};
use serde::Serialize;
use store::line::RECENT_MS;
use store::time::rfc3339_of_epoch_ms;
use utoipa::ToSchema;

use crate::openapi::{LineStatusWord, ModeWord, StateWord};

/// A number of thousandths, or of millionths, as a decimal number.
fn decimal(value: u64, places: usize) -> f64 {
    // Through text, which gives the nearest number without arithmetic on approximations.
    format!("{value}e-{places}").parse().unwrap_or(0.0)
}

fn milli(value: Option<u64>) -> Option<f64> {
    value.map(|value| decimal(value, 3))
}

fn ppm(value: Option<u32>) -> Option<f64> {
    value.map(|value| decimal(value.into(), 6))
}

/// A line as it was heard last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Line)]
pub(crate) struct LineView {
    #[schema(value_type = Gln)]
    line_gln: String,
    #[schema(required)]
    line_id: Option<String>,
    #[schema(value_type = LineStatusWord)]
    status: &'static str,
    /// The time of its newest heartbeat.
    #[schema(value_type = Time)]
    last_heartbeat_at: String,
    /// The time since then.
    silent_ms: u64,
    /// The usual time between its heartbeats: the median of the newest.
    interval_ms: u64,
    #[schema(value_type = StateWord)]
    state: &'static str,
    #[schema(required, value_type = Option<ModeWord>)]
    mode: Option<&'static str>,
    #[schema(required)]
    seq: Option<u64>,
    /// Packs per minute, as the line says.
    #[schema(required)]
    speed: Option<f64>,
    #[schema(required)]
    design_speed: Option<f64>,
    #[schema(required)]
    consumed: Option<u64>,
    #[schema(required)]
    processed: Option<u64>,
    #[schema(required)]
    defective: Option<u64>,
    blocked: bool,
    starved: bool,
    #[schema(required)]
    serials_remaining: Option<u64>,
    #[schema(required, value_type = Option<AllocationId>)]
    allocation_id: Option<String>,
    #[schema(required)]
    lot: Option<String>,
    #[schema(required)]
    work_order: Option<String>,
    #[schema(required)]
    alarm: Option<String>,
    #[schema(required)]
    software: Option<String>,
    #[schema(required, value_type = Option<SystemId>)]
    system_id: Option<String>,
    /// The system whose credential brought the heartbeat.
    #[schema(required, value_type = Option<SystemId>)]
    reported_by: Option<String>,
    /// The last quarter of an hour; null for a line that is offline.
    #[schema(required)]
    recent: Option<RecentView>,
}

impl LineView {
    pub(crate) fn new(line: &Line, recent: Option<&Totals>, now_ms: u64) -> Self {
        let (last, about): (&Sample, _) = (line.last(), line.about());
        Self {
            line_gln: line.gln().to_string(),
            line_id: about.line_id.clone(),
            status: LineStatus::as_str(line.status(now_ms)),
            last_heartbeat_at: rfc3339_of_epoch_ms(last.at_ms),
            silent_ms: line.silent_ms(now_ms),
            interval_ms: line.interval_ms(),
            state: State::as_str(last.state),
            mode: last.mode.map(Mode::as_str),
            seq: last.seq,
            speed: milli(last.speed_milli),
            design_speed: milli(last.design_milli),
            consumed: last.counters.consumed,
            processed: last.counters.processed,
            defective: last.counters.defective,
            blocked: last.blocked,
            starved: last.starved,
            serials_remaining: last.serials_remaining,
            allocation_id: about.allocation_id.as_ref().map(ToString::to_string),
            lot: about.lot.clone(),
            work_order: about.work_order.clone(),
            alarm: about.alarm.clone(),
            software: about.software.clone(),
            system_id: about.system_id.as_ref().map(ToString::to_string),
            reported_by: about.reported_by.as_ref().map(ToString::to_string),
            recent: recent.map(|totals| RecentView::new(totals, last.serials_remaining)),
        }
    }
}

/// What a line did of late.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineRecent)]
struct RecentView {
    /// How far back this goes.
    window_ms: u64,
    #[serde(flatten)]
    totals: TotalsView,
    /// Serial numbers used up per hour.
    #[schema(required)]
    serials_per_hour: Option<u64>,
    /// Hours until the line has no serial numbers left, at this rate.
    #[schema(required)]
    hours_to_empty: Option<f64>,
}

impl RecentView {
    fn new(totals: &Totals, serials_remaining: Option<u64>) -> Self {
        let hours = serials_remaining.and_then(|stock| totals.hours_to_empty_milli(stock));
        Self {
            window_ms: RECENT_MS,
            totals: TotalsView::from(totals),
            serials_per_hour: totals.burn_per_hour(),
            hours_to_empty: milli(hours),
        }
    }
}

/// Sums over heartbeats.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineTotals)]
struct TotalsView {
    heartbeats: u64,
    /// Heartbeats at which a counter had been set back.
    counter_resets: u64,
    /// Packs taken in.
    #[schema(required)]
    consumed: Option<u64>,
    /// Packs that came out, defective ones included.
    #[schema(required)]
    processed: Option<u64>,
    #[schema(required)]
    defective: Option<u64>,
    /// Serial numbers used up.
    #[schema(required)]
    serials_used: Option<u64>,
    /// The time over which packs and serial numbers were counted.
    counted_ms: u64,
    /// Packs per minute of that time.
    #[schema(required)]
    throughput: Option<f64>,
    /// The time in which it is known what the line did.
    observed_ms: u64,
    /// That time in production mode.
    planned_ms: u64,
    /// That time in the state EXECUTE.
    execute_ms: u64,
    /// `execute_ms` of `planned_ms`.
    #[schema(required)]
    availability: Option<f64>,
    /// Packs against what the design speed gives in `execute_ms`, 1 at the most.
    #[schema(required)]
    performance: Option<f64>,
    /// Packs that are not defective, of all.
    #[schema(required)]
    quality: Option<f64>,
    /// The product of the three.
    #[schema(required)]
    oee: Option<f64>,
}

impl From<&Totals> for TotalsView {
    fn from(totals: &Totals) -> Self {
        Self {
            heartbeats: totals.heartbeats,
            counter_resets: totals.resets,
            consumed: totals.consumed,
            processed: totals.processed,
            defective: totals.defective,
            serials_used: totals.burned,
            counted_ms: totals.span_ms,
            throughput: milli(totals.throughput_milli()),
            observed_ms: totals.observed_ms,
            planned_ms: totals.planned_ms,
            execute_ms: totals.execute_ms,
            availability: ppm(totals.availability_ppm()),
            performance: ppm(totals.performance_ppm()),
            quality: ppm(totals.quality_ppm()),
            oee: ppm(totals.oee_ppm()),
        }
    }
}

/// A minute of a line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineMinute)]
pub(crate) struct MinuteView {
    #[schema(value_type = Time)]
    start: String,
    /// The heartbeat that the minute counts from: the last one before it, else its own first.
    #[schema(value_type = Time)]
    counted_from: String,
    #[schema(value_type = Time)]
    first_heartbeat_at: String,
    #[schema(value_type = Time)]
    last_heartbeat_at: String,
    #[schema(required)]
    first_seq: Option<u64>,
    #[schema(required)]
    last_seq: Option<u64>,
    /// Whether there were more heartbeats than are kept of a minute.
    crowded: bool,
    #[serde(flatten)]
    totals: TotalsView,
}

impl From<&MinuteRollup> for MinuteView {
    fn from(minute: &MinuteRollup) -> Self {
        Self {
            start: rfc3339_of_epoch_ms(minute.start_ms),
            counted_from: rfc3339_of_epoch_ms(minute.counted_from_ms),
            first_heartbeat_at: rfc3339_of_epoch_ms(minute.first.at_ms),
            last_heartbeat_at: rfc3339_of_epoch_ms(minute.last.at_ms),
            first_seq: minute.first.seq,
            last_seq: minute.last.seq,
            crowded: minute.full,
            totals: TotalsView::from(&minute.totals),
        }
    }
}

/// An hour of a line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineHour)]
pub(crate) struct HourView {
    #[schema(value_type = Time)]
    start: String,
    /// Minutes of it in which the line was heard.
    minutes: u64,
    #[serde(flatten)]
    totals: TotalsView,
}

impl From<&HourRollup> for HourView {
    fn from(hour: &HourRollup) -> Self {
        Self {
            start: rfc3339_of_epoch_ms(hour.start_ms),
            minutes: hour.minutes,
            totals: TotalsView::from(&hour.totals),
        }
    }
}
