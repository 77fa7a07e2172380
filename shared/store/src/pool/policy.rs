//! What an operator chose for a pool, in its item and in its audit records. An attribute stands there only
//! once something was chosen: an item grows with every reservation that reads and writes it.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::policy::{AutoExtend, PoolPolicy, Reoffer};

use crate::item::{Corrupt, Item, Reader, number, text};

/// A change of what was chosen; what is absent stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// The threshold in hours; `Some(None)` takes it away.
    pub threshold_hours: Option<Option<u32>>,
    /// The extension by the hub; `Some(None)` takes it away.
    pub auto_extend: Option<Option<AutoExtend>>,
    /// Whether reservations are told as events.
    pub reservation_events: Option<bool>,
    /// Which numbers are offered a second time.
    pub reoffer: Option<Reoffer>,
}

impl PolicyChange {
    /// The policy as it will be.
    pub(super) fn made_to(&self, before: PoolPolicy) -> PoolPolicy {
        PoolPolicy {
            threshold_hours: self.threshold_hours.unwrap_or(before.threshold_hours),
            auto_extend: self.auto_extend.unwrap_or(before.auto_extend),
            reservation_events: self.reservation_events.unwrap_or(before.reservation_events),
            reoffer: self.reoffer.unwrap_or(before.reoffer),
        }
    }

    /// Only what was asked for, as attributes.
    pub(super) fn fields(&self) -> Vec<(&'static str, AttributeValue)> {
        let mut fields = Vec::new();
        fields.extend(self.threshold_hours.map(hours));
        fields.extend(self.auto_extend.into_iter().flat_map(extend));
        fields.extend(self.reservation_events.map(events));
        fields.extend(self.reoffer.map(reoffer));
        fields
    }
}

fn hours(hours: Option<u32>) -> (&'static str, AttributeValue) {
    ("threshold_hours", number(hours.unwrap_or(0)))
}

fn extend(extend: Option<AutoExtend>) -> [(&'static str, AttributeValue); 2] {
    let AutoExtend { by, ceiling } = extend.unwrap_or(AutoExtend { by: 0, ceiling: 0 });
    [("extend_by", number(by)), ("extend_ceiling", number(ceiling))]
}

fn events(events: bool) -> (&'static str, AttributeValue) {
    ("reservation_events", AttributeValue::Bool(events))
}

fn reoffer(reoffer: Reoffer) -> (&'static str, AttributeValue) {
    ("reoffer", text(reoffer.as_str()))
}

/// Puts what was chosen into the item of a new pool.
pub(crate) fn put(item: &mut Item, policy: &PoolPolicy) {
    let mut fields = Vec::new();
    fields.extend(policy.threshold_hours.map(|chosen| hours(Some(chosen))));
    fields.extend(policy.auto_extend.into_iter().flat_map(|chosen| extend(Some(chosen))));
    fields.extend(policy.reservation_events.then(|| events(true)));
    fields.extend((policy.reoffer != Reoffer::default()).then(|| reoffer(policy.reoffer)));
    item.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
}

/// Reads it.
pub(crate) fn read(reader: Reader<'_>, item: &Item) -> Result<PoolPolicy, Corrupt> {
    let hours: u32 = reader.optional_parsed("threshold_hours")?.unwrap_or(0);
    let by: u128 = reader.optional_parsed("extend_by")?.unwrap_or(0);
    let ceiling = reader.optional_parsed("extend_ceiling")?.unwrap_or(0);
    let reservation_events = match item.get("reservation_events") {
        None => false,
        Some(AttributeValue::Bool(events)) => *events,
        Some(_) => return Err(reader.corrupt("reservation_events", "is no truth value")),
    };
    let reoffer = match reader.optional_text("reoffer")? {
        None => Reoffer::default(),
        Some(word) => {
            Reoffer::parse(word).ok_or_else(|| reader.corrupt("reoffer", "is unknown"))?
        }
    };
    Ok(PoolPolicy {
        threshold_hours: (hours > 0).then_some(hours),
        auto_extend: (by > 0).then_some(AutoExtend { by, ceiling }),
        reservation_events,
        reoffer,
    })
}

/// What an audit record says of it; nothing where nothing was chosen.
pub(super) fn told(policy: &PoolPolicy) -> String {
    let hours = policy.threshold_hours.map(|hours| format!(" threshold_hours {hours}"));
    let extend = policy.auto_extend;
    let extend = extend.map(|AutoExtend { by, ceiling }| format!(" extends by {by} to {ceiling}"));
    let tells = policy.reservation_events.then(|| " tells reservations".to_owned());
    let again = policy.reoffer != Reoffer::default();
    let again = again.then(|| format!(" offers {} again", policy.reoffer.as_str()));
    [hours, extend, tells, again].into_iter().flatten().collect()
}
