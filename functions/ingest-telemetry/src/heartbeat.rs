//! One heartbeat as it is written, and what may be wrong with it.

use std::fmt;

use domain::gln::Gln;
use domain::ids::{AllocationId, SystemId};
use domain::serial::check_ai82;
use domain::telemetry::{About, Counters, Heartbeat, Mode, Sample, State};
use edge::Told;
use edge::openapi::{self as form, AnyTime, PlainText};
use edge::{Problem, ProblemKind};
use serde::Deserialize;
use serde_json::Value;
use store::line::MINUTE_KEPT_S;
use store::time::{epoch_ms, parse_rfc3339};
use utoipa::ToSchema;

use crate::openapi::{AlarmText, ModeWord, StateWord};

/// How far a line's clock may be ahead of ours, in milliseconds: five minutes.
const AHEAD_MS_MAX: u64 = 300_000;
/// How old a heartbeat may be, in milliseconds: seven days, well before its minute expires.
const AGE_MS_MAX: u64 = 604_800_000;
const _: () = assert!(AGE_MS_MAX < MINUTE_KEPT_S * 1_000);
/// The greatest counter that every JSON reader reads exactly.
const COUNTER_MAX: u64 = 9_007_199_254_740_991;
/// The greatest speed, packs per minute.
const SPEED_MAX: f64 = 1_000_000.0;
/// The longest texts, in characters.
const TEXT_CHARACTERS_MAX: usize = 64;
const ALARM_CHARACTERS_MAX: usize = 200;

/// A heartbeat: the state, the counters and the stock of a line at a moment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Heartbeat)]
pub(crate) struct Body {
    /// The line's own name.
    #[schema(value_type = Option<PlainText>)]
    line_id: Option<String>,
    /// The line.
    #[schema(value_type = form::Gln)]
    line_gln: String,
    /// The system that drives the line.
    #[schema(value_type = Option<form::SystemId>)]
    system_id: Option<String>,
    /// The line's time; at most five minutes ahead, at most seven days old.
    #[schema(value_type = AnyTime)]
    ts: String,
    /// The line's number of the heartbeat; with it, one of the same minute is the same heartbeat.
    /// Without it the time is the identity.
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    seq: Option<u64>,
    #[schema(value_type = StateWord)]
    state: String,
    #[schema(value_type = Option<ModeWord>)]
    mode: Option<String>,
    /// Packs per minute.
    #[schema(minimum = 0, maximum = 1_000_000)]
    speed: Option<f64>,
    /// Packs per minute that the line is made for.
    #[schema(minimum = 0, maximum = 1_000_000)]
    design_speed: Option<f64>,
    /// Packs taken in. A counter that is lower than before was set back and counts from zero.
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    consumed: Option<u64>,
    /// Packs that came out, defective ones included.
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    processed: Option<u64>,
    /// Packs that came out defective.
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    defective: Option<u64>,
    /// The next machine does not take packs.
    blocked: Option<bool>,
    /// The machine before gives none.
    starved: Option<bool>,
    /// Serial numbers that the line still has.
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    serials_remaining: Option<u64>,
    /// The allocation whose numbers are printed.
    #[schema(value_type = Option<form::AllocationId>)]
    allocation_id: Option<String>,
    #[schema(value_type = Option<form::Lot>)]
    lot: Option<String>,
    #[schema(value_type = Option<PlainText>)]
    work_order: Option<String>,
    /// What is wrong, in the line's words.
    #[schema(value_type = Option<AlarmText>)]
    alarm: Option<String>,
    #[schema(value_type = Option<PlainText>)]
    software: Option<String>,
}

/// What is wrong with a heartbeat.
#[derive(Debug, Default)]
pub(crate) struct Wrong {
    /// Field and rule.
    faults: Vec<(String, String)>,
    /// Whether a field is one that nobody knows.
    unknown: bool,
}

impl Wrong {
    fn of(field: &str, rule: impl fmt::Display) -> Self {
        Self { faults: vec![(field.to_owned(), rule.to_string())], unknown: false }
    }

    fn add(&mut self, field: &str, rule: impl fmt::Display) {
        self.faults.push((field.to_owned(), rule.to_string()));
    }

    /// Keeps a value, or notes what is wrong with it.
    fn keep<T, E: fmt::Display>(&mut self, field: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|rule| self.add(field, rule)).ok()
    }

    fn need(&mut self, field: &str, holds: bool, rule: &str) {
        if !holds {
            self.add(field, rule);
        }
    }

    /// The problem of a heartbeat that came alone.
    pub(crate) fn into_problem(self) -> Problem {
        let kind = if self.unknown { ProblemKind::Validation } else { ProblemKind::Unprocessable };
        let problem = Problem::new(kind).detail("The heartbeat is wrong.");
        self.faults.into_iter().fold(problem, |problem, (field, rule)| {
            let pointer = if field.is_empty() { field } else { format!("/{field}") };
            problem.violation(pointer, rule)
        })
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (field, rule)) in self.faults.iter().enumerate() {
            let (before, colon) =
                (if place == 0 { "" } else { "; " }, if field.is_empty() { "" } else { ": " });
            write!(f, "{before}{field}{colon}{rule}")?;
        }
        Ok(())
    }
}

/// Reads a heartbeat at a time.
pub(crate) fn parse(value: Value, now_ms: u64) -> Result<Heartbeat, Wrong> {
    if !value.is_object() {
        return Err(Wrong::of("", "a heartbeat is a JSON object"));
    }
    let body: Body = serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        let rule = error.inner().to_string();
        let unknown = rule.starts_with("unknown field");
        let told = Told::of(&rule);
        // The path of the object itself is a dot.
        let field = if field == "." { told.field.unwrap_or_default() } else { field };
        Wrong { faults: vec![(field, told.detail)], unknown }
    })?;
    body.check(now_ms)
}

impl Body {
    fn check(self, now_ms: u64) -> Result<Heartbeat, Wrong> {
        let mut wrong = Wrong::default();
        let line = wrong.keep("line_gln", Gln::parse(&self.line_gln));
        let at_ms = wrong.keep("ts", time_of(&self.ts, now_ms));
        let state = State::parse(&self.state);
        wrong.need("state", state.is_some(), "a PackML state in capitals, such as EXECUTE");
        let mode = self.mode.as_deref().map(Mode::parse);
        let mode_rule = "PRODUCTION, MAINTENANCE or MANUAL";
        wrong.need("mode", mode.is_none_or(|mode| mode.is_some()), mode_rule);
        let speed_milli = wrong.keep("speed", thousandths(self.speed)).flatten();
        let design_milli = wrong.keep("design_speed", thousandths(self.design_speed)).flatten();
        self.check_counts(&mut wrong);
        let sample = |at_ms, state| Sample {
            at_ms,
            seq: self.seq,
            state,
            mode: mode.flatten(),
            counters: Counters {
                consumed: self.consumed,
                processed: self.processed,
                defective: self.defective,
            },
            speed_milli,
            design_milli,
            blocked: self.blocked.unwrap_or(false),
            starved: self.starved.unwrap_or(false),
            serials_remaining: self.serials_remaining,
        };
        let sample = at_ms.zip(state).map(|(at_ms, state)| sample(at_ms, state));
        let about = self.about(&mut wrong);
        match (line, sample) {
            (Some(line), Some(sample)) if wrong.faults.is_empty() => {
                Ok(Heartbeat { line, sample, about })
            }
            _ => Err(wrong),
        }
    }

    fn check_counts(&self, wrong: &mut Wrong) {
        for (field, count) in [
            ("seq", self.seq),
            ("consumed", self.consumed),
            ("processed", self.processed),
            ("defective", self.defective),
            ("serials_remaining", self.serials_remaining),
        ] {
            let fits = count.is_none_or(|count| count <= COUNTER_MAX);
            wrong.need(field, fits, "a number below 2^53");
        }
    }

    fn about(self, wrong: &mut Wrong) -> About {
        for (field, text) in [
            ("line_id", &self.line_id),
            ("work_order", &self.work_order),
            ("software", &self.software),
        ] {
            let fits = text.as_deref().is_none_or(|text| is_plain(text, TEXT_CHARACTERS_MAX));
            wrong.need(field, fits, "1 to 64 characters, none of them a control character");
        }
        let alarm = self.alarm.as_deref().is_none_or(|text| is_plain(text, ALARM_CHARACTERS_MAX));
        wrong.need("alarm", alarm, "1 to 200 characters, none of them a control character");
        let lot = self.lot.as_deref().is_none_or(|lot| check_ai82(lot).is_ok());
        wrong.need("lot", lot, "1 to 20 characters of the GS1 character set 82");
        let system = self.system_id.as_deref().map(SystemId::parse).transpose();
        let allocation = self.allocation_id.as_deref().map(AllocationId::parse).transpose();
        About {
            line_id: self.line_id,
            system_id: wrong.keep("system_id", system).flatten(),
            reported_by: None,
            allocation_id: wrong.keep("allocation_id", allocation).flatten(),
            lot: self.lot,
            work_order: self.work_order,
            alarm: self.alarm,
            software: self.software,
        }
    }
}

/// A time that is neither far ahead nor so old that nobody waits for it any more.
fn time_of(text: &str, now_ms: u64) -> Result<u64, String> {
    let at = parse_rfc3339(text).ok_or("a time after RFC 3339")?;
    let at_ms = epoch_ms(at);
    if at_ms > now_ms.saturating_add(AHEAD_MS_MAX) {
        return Err("more than five minutes ahead of the hub's clock".to_owned());
    }
    if at_ms < now_ms.saturating_sub(AGE_MS_MAX) {
        return Err("more than seven days old".to_owned());
    }
    Ok(at_ms)
}

/// A speed in thousandths of a pack per minute, rounded.
fn thousandths(speed: Option<f64>) -> Result<Option<u64>, &'static str> {
    const RULE: &str = "a number from 0 to 1000000";
    let Some(speed) = speed else {
        return Ok(None);
    };
    if !(0.0..=SPEED_MAX).contains(&speed) {
        return Err(RULE);
    }
    // Three decimals as text, without the point, are the thousandths: no lossy cast is needed.
    format!("{speed:.3}").replace('.', "").parse().map(Some).map_err(|_| RULE)
}

fn is_plain(text: &str, characters_max: usize) -> bool {
    (1..=characters_max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
