//! Which stretch of time a caller asks about.

use domain::telemetry::{HOUR_MS, MINUTE_MS, hour_of, minute_of};
use edge::openapi::{AnyTime, Cursor, Limit};
use edge::page::foreign_cursor;
use edge::{Page, Problem};
use serde::Deserialize;
use store::line::{HOURS_MAX, Window};
use store::time::{epoch_ms, parse_rfc3339};
use utoipa::IntoParams;

/// What lies ahead of our clock because a line's clock is.
const AHEAD_MS: u64 = 300_000;
/// Hours of an answer if the caller does not say from when.
const HOURS_DEFAULT: u64 = 24;

/// Query of minutes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct MinutesQuery {
    /// From the minute of this time on; an hour before the end when left out.
    #[param(value_type = Option<AnyTime>)]
    from: Option<String>,
    /// Before this time; up to now when left out.
    #[param(value_type = Option<AnyTime>)]
    to: Option<String>,
    #[param(value_type = Option<Limit>)]
    limit: Option<u32>,
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
}

impl MinutesQuery {
    /// The minutes wanted, and how many of them at the most.
    pub(crate) fn into_window(self, now_ms: u64) -> Result<(Window, i32), Problem> {
        let page = Page::parse(self.limit, self.cursor.as_deref())?;
        let (from, until_ms) = bounds(self.from.as_deref(), self.to.as_deref(), now_ms)?;
        let mut from_ms = minute_of(from.unwrap_or_else(|| until_ms.saturating_sub(HOUR_MS)));
        if let Some(position) = page.cursor {
            let at_ms = position.parse().ok().filter(|at| {
                *at >= from_ms && *at <= until_ms.saturating_add(MINUTE_MS) && minute_of(*at) == *at
            });
            from_ms = at_ms.ok_or_else(foreign_cursor)?;
        }
        let limit = i32::try_from(page.limit).map_err(|error| Problem::internal(&error))?;
        Ok((Window { from_ms, until_ms, now_ms }, limit))
    }
}

/// Query of hours.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoursQuery {
    /// From the hour of this time on; a day before the end when left out.
    #[param(value_type = Option<AnyTime>)]
    from: Option<String>,
    /// Before this time; up to now when left out. At most 48 hours are answered.
    #[param(value_type = Option<AnyTime>)]
    to: Option<String>,
}

impl HoursQuery {
    /// The hours wanted.
    pub(crate) fn into_window(self, now_ms: u64) -> Result<Window, Problem> {
        let (from, until_ms) = bounds(self.from.as_deref(), self.to.as_deref(), now_ms)?;
        let day_ms = HOURS_DEFAULT.saturating_mul(HOUR_MS);
        let from_ms = hour_of(from.unwrap_or_else(|| until_ms.saturating_sub(day_ms)));
        if until_ms.saturating_sub(from_ms) > HOURS_MAX.saturating_mul(HOUR_MS) {
            return Err(refused("?from", &format!("at most {HOURS_MAX} hours before to")));
        }
        Ok(Window { from_ms, until_ms, now_ms })
    }
}

fn bounds(
    from: Option<&str>,
    to: Option<&str>,
    now_ms: u64,
) -> Result<(Option<u64>, u64), Problem> {
    let time = |name: &str, text: &str| {
        let at = parse_rfc3339(text).map(epoch_ms);
        at.ok_or_else(|| refused(&format!("?{name}"), "a time after RFC 3339"))
    };
    let from = from.map(|text| time("from", text)).transpose()?;
    let to = to.map(|text| time("to", text)).transpose()?;
    let until_ms = to.unwrap_or_else(|| now_ms.saturating_add(AHEAD_MS));
    if from.is_some_and(|from| from > until_ms) {
        return Err(refused("?from", "not after to"));
    }
    Ok((from, until_ms))
}

fn refused(pointer: &str, detail: &str) -> Problem {
    Problem::bad_request("The time is not valid.").violation(pointer, detail)
}
