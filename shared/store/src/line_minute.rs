//! Minutes of lines: joined as heartbeats come, rolled up as they are read.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::gln::Gln;
use domain::telemetry::{
    Added, HOUR_MS, Heartbeat, HourRollup, MINUTE_MS, Minute, MinuteRollup, Sample, Totals, hours,
    minute_of,
};

use crate::error::{StoreError, sdk_error};
use crate::item::{Item, key, text};
use crate::keys::{Pk, Sk};
use crate::line::{JOIN_PAUSE_MS, JOIN_TRIES};
use crate::line_item::{minute_from, minute_to_item};
use crate::meter::Meter;
use crate::pause::pause;
use crate::{Page, Store};

/// What counts as recent for the throughput of a line and for how long its numbers last: 15 minutes.
pub const RECENT_MS: u64 = 900_000;
/// Hours of one answer at most.
pub const HOURS_MAX: u64 = 48;

/// A stretch of time, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first time in it.
    pub from_ms: u64,
    /// The first time after it.
    pub until_ms: u64,
    /// The present: a heartbeat says nothing about the time after it.
    pub now_ms: u64,
}

impl Store {
    /// Joins heartbeats to a minute; nothing is written when all of them are there. A delivery that
    /// met another one, or whose answer was lost, may call `Repeated` what it brought itself.
    pub(crate) async fn line_minute_join(
        &self,
        (gln, start_ms): (Gln, u64),
        mut item: Option<Item>,
        part: &[Heartbeat],
        meter: &Meter,
    ) -> Result<Vec<Added>, StoreError> {
        for attempt in 0..JOIN_TRIES {
            let (stored, version) = match &item {
                Some(item) => minute_from(item).map(|(_, minute, version)| (minute, version))?,
                None => (Minute::default(), 0),
            };
            let mut minute = stored.clone();
            let added = part.iter().map(|heartbeat| minute.add(heartbeat.sample)).collect();
            if minute == stored {
                return Ok(added);
            }
            let next = minute_to_item(gln, start_ms, &minute, version.saturating_add(1));
            if self.put_version("PutItem minute", next, version, meter).await? {
                return Ok(added);
            }
            pause(attempt, JOIN_PAUSE_MS).await;
            let place = (Pk::Line(gln), Sk::Minute(start_ms));
            item = self.item_fetch("GetItem minute", &place.0, &place.1).await?;
        }
        Err(StoreError::Conflict { what: "the minute" })
    }

    /// One page of the minutes of a line that begin in a window, in order; strongly consistent. The next
    /// page begins with the window from `next`, a number of milliseconds.
    pub async fn line_minutes(
        &self,
        gln: Gln,
        window: Window,
        limit: i32,
    ) -> Result<Page<MinuteRollup>, StoreError> {
        let before = self.line_sample_before(gln, window.from_ms).await?;
        self.line_minutes_after(gln, window, limit, before).await
    }

    /// The hours of a line that begin in a window, at most [`HOURS_MAX`], in order; strongly consistent.
    pub async fn line_hours(
        &self,
        gln: Gln,
        window: Window,
    ) -> Result<Vec<HourRollup>, StoreError> {
        let longest = window.from_ms.saturating_add(HOURS_MAX.saturating_mul(HOUR_MS));
        let until_ms = window.until_ms.min(longest);
        let minutes = self.line_minutes_all(gln, Window { until_ms, ..window }).await?;
        Ok(hours(&minutes))
    }

    /// The sums over the last [`RECENT_MS`], counted from the first heartbeat in them.
    pub async fn line_recent(&self, gln: Gln, now_ms: u64) -> Result<Totals, StoreError> {
        let from_ms = minute_of(now_ms.saturating_sub(RECENT_MS));
        // Heartbeats may be a little ahead of our clock.
        let until_ms = now_ms.saturating_add(RECENT_MS);
        let window = Window { from_ms, until_ms, now_ms };
        let page = self.line_minutes_after(gln, window, RECENT_MINUTES, None).await?;
        Ok(Totals::sum(page.items.iter().map(|minute| &minute.totals)))
    }

    async fn line_minutes_all(
        &self,
        gln: Gln,
        window: Window,
    ) -> Result<Vec<MinuteRollup>, StoreError> {
        let mut before = self.line_sample_before(gln, window.from_ms).await?;
        let (mut minutes, mut from_ms) = (Vec::new(), window.from_ms);
        loop {
            let part = Window { from_ms, ..window };
            let page = self.line_minutes_after(gln, part, i32::MAX, before).await?;
            minutes.extend(page.items);
            before = minutes.last().map(|minute| minute.last).or(before);
            match page.next.and_then(|next| next.parse().ok()) {
                Some(next_ms) => from_ms = next_ms,
                None => return Ok(minutes),
            }
        }
    }

    async fn line_minutes_after(
        &self,
        gln: Gln,
        window: Window,
        limit: i32,
        mut before: Option<Sample>,
    ) -> Result<Page<MinuteRollup>, StoreError> {
        let Some(last_ms) = window.until_ms.checked_sub(1).filter(|last| *last >= window.from_ms)
        else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .set_expression_attribute_values(Some(between(gln, window.from_ms, last_ms)))
            .limit(limit)
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| sdk_error("Query minutes", &error))?;
        let mut items = Vec::new();
        for item in output.items() {
            let (start_ms, minute, _) = minute_from(item)?;
            if let Some(rolled) = minute.roll_up(start_ms, before.as_ref(), window.now_ms) {
                before = Some(rolled.last);
                items.push(rolled);
            }
        }
        let more = output.last_evaluated_key.and(items.last());
        let next = more.map(|minute| minute.start_ms.saturating_add(MINUTE_MS).to_string());
        Ok(Page { items, next })
    }

    /// The last heartbeat of a line before a minute that is kept.
    async fn line_sample_before(
        &self,
        gln: Gln,
        from_ms: u64,
    ) -> Result<Option<Sample>, StoreError> {
        let Some(last_ms) = from_ms.checked_sub(1) else {
            return Ok(None);
        };
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .set_expression_attribute_values(Some(between(gln, 0, last_ms)))
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| sdk_error("Query minute before", &error))?;
        let minute = output.items().first().map(minute_from).transpose()?;
        Ok(minute.and_then(|(_, minute, _)| minute.in_order().last().copied()))
    }
}

/// More minutes than begin in twice [`RECENT_MS`].
const RECENT_MINUTES: i32 = 40;

fn between(gln: Gln, first_ms: u64, last_ms: u64) -> HashMap<String, AttributeValue> {
    let pk = Pk::Line(gln);
    let mut values = HashMap::from([(":pk".to_owned(), text(pk.to_string()))]);
    for (name, at_ms) in [(":first", first_ms), (":last", last_ms)] {
        let place = key(&pk, &Sk::Minute(at_ms)).remove("sk");
        values.extend(place.map(|sk| (name.to_owned(), sk)));
    }
    values
}
