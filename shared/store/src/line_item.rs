//! The items of lines: the newest heartbeat of a line, its entry in the list, and its minutes.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::gln::Gln;
use domain::telemetry::{
    About, Counters, Heartbeat, Line, Minute, MinuteRollup, Mode, Sample, State,
};

use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{Pk, Sk};
use crate::time::rfc3339_of_epoch_ms;

const LINE: &str = "line";
const LISTED: &str = "listed-line";
const MINUTE: &str = "line-minute";

/// How long a minute and the heartbeats in it are kept, in seconds from its beginning: 35 days.
pub const MINUTE_KEPT_S: u64 = 3_024_000;

pub(crate) fn line_to_item(line: &Line, version: u64) -> Item {
    let mut item = new_item(&Pk::Line(*line.gln()), &Sk::Line, LINE);
    let (last, about) = (line.last(), line.about());
    let recent = line.recent_ms().iter().map(number).collect();
    let fields = [
        ("line_gln", text(line.gln().as_str())),
        ("version", number(version)),
        ("last_at", text(rfc3339_of_epoch_ms(last.at_ms))),
        ("last_at_ms", number(last.at_ms)),
        ("recent_ms", AttributeValue::L(recent)),
        ("state", text(last.state.as_str())),
        ("blocked", AttributeValue::Bool(last.blocked)),
        ("starved", AttributeValue::Bool(last.starved)),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "mode", last.mode.map(Mode::as_str));
    for (name, value) in numbers(last) {
        put_number(&mut item, name, value);
    }
    let system = |id: &Option<domain::ids::SystemId>| id.as_ref().map(ToString::to_string);
    let allocation = about.allocation_id.as_ref().map(ToString::to_string);
    put_some(&mut item, "allocation_id", allocation.as_deref());
    put_some(&mut item, "system_id", system(&about.system_id).as_deref());
    put_some(&mut item, "reported_by", system(&about.reported_by).as_deref());
    put_some(&mut item, "line_id", about.line_id.as_deref());
    put_some(&mut item, "lot", about.lot.as_deref());
    put_some(&mut item, "work_order", about.work_order.as_deref());
    put_some(&mut item, "alarm", about.alarm.as_deref());
    put_some(&mut item, "software", about.software.as_deref());
    item
}

fn numbers(sample: &Sample) -> [(&'static str, Option<u64>); 7] {
    [
        ("seq", sample.seq),
        ("consumed", sample.counters.consumed),
        ("processed", sample.counters.processed),
        ("defective", sample.counters.defective),
        ("speed_milli", sample.speed_milli),
        ("design_speed_milli", sample.design_milli),
        ("serials_remaining", sample.serials_remaining),
    ]
}

fn put_number(item: &mut Item, name: &str, value: Option<u64>) {
    if let Some(value) = value {
        item.insert(name.to_owned(), number(value));
    }
}

fn flag(reader: Reader<'_>, item: &Item, name: &str) -> Result<bool, Corrupt> {
    let value = item.get(name).and_then(|value| value.as_bool().ok());
    value.copied().ok_or_else(|| reader.corrupt(name, "is no truth value"))
}

/// The line and the version of its item.
pub(crate) fn line_from(item: &Item) -> Result<(Line, u64), Corrupt> {
    let reader = Reader::new(item, LINE)?;
    let count = |name| reader.optional_parsed(name);
    let mode = reader.optional_text("mode")?;
    let mode = mode
        .map(|word| Mode::parse(word).ok_or_else(|| reader.corrupt("mode", "is unknown")))
        .transpose()?;
    let sample = Sample {
        at_ms: reader.parsed("last_at_ms")?,
        seq: count("seq")?,
        state: State::parse(reader.text("state")?)
            .ok_or_else(|| reader.corrupt("state", "is unknown"))?,
        mode,
        counters: Counters {
            consumed: count("consumed")?,
            processed: count("processed")?,
            defective: count("defective")?,
        },
        speed_milli: count("speed_milli")?,
        design_milli: count("design_speed_milli")?,
        blocked: flag(reader, item, "blocked")?,
        starved: flag(reader, item, "starved")?,
        serials_remaining: count("serials_remaining")?,
    };
    let owned = |name| reader.optional_text(name).map(|found| found.map(str::to_owned));
    let about = About {
        line_id: owned("line_id")?,
        system_id: reader.optional_typed("system_id")?,
        reported_by: reader.optional_typed("reported_by")?,
        allocation_id: reader.optional_typed("allocation_id")?,
        lot: owned("lot")?,
        work_order: owned("work_order")?,
        alarm: owned("alarm")?,
        software: owned("software")?,
    };
    let times = item.get("recent_ms").and_then(|value| value.as_l().ok());
    let times = times.ok_or_else(|| reader.corrupt("recent_ms", "is no list"))?;
    let time = |value: &AttributeValue| value.as_n().ok().and_then(|digits| digits.parse().ok());
    let recent: Option<Vec<u64>> = times.iter().map(time).collect();
    let recent = recent.ok_or_else(|| reader.corrupt("recent_ms", "is no list of times"))?;
    let line = Heartbeat { line: reader.typed("line_gln")?, sample, about };
    Ok((Line::restore(line, recent), reader.parsed("version")?))
}

/// The entry in the list of lines.
pub(crate) fn listed_item(gln: Gln) -> Item {
    let mut item = new_item(&Pk::Lines, &Sk::LineOf(gln), LISTED);
    item.insert("line_gln".to_owned(), text(gln.as_str()));
    item
}

pub(crate) fn listed_from(item: &Item) -> Result<Gln, Corrupt> {
    Reader::new(item, LISTED)?.typed("line_gln")
}

/// A minute of a line. The heartbeats are in `body`; what else is there lets other readers of the table
/// see first and last without knowing its form.
pub(crate) fn minute_to_item(gln: Gln, start_ms: u64, minute: &Minute, version: u64) -> Item {
    let mut item = new_item(&Pk::Line(gln), &Sk::Minute(start_ms), MINUTE);
    let ends_s = start_ms.div_euclid(1_000).saturating_add(MINUTE_KEPT_S);
    let fields = [
        ("start_ms", number(start_ms)),
        ("version", number(version)),
        ("body", AttributeValue::B(minute.encode(start_ms).into())),
        // DynamoDB removes the item some time after this, and with it its heartbeats.
        ("ttl", number(ends_s)),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    if let Some(MinuteRollup { first, last, totals, .. }) = minute.roll_up(start_ms, None, start_ms)
    {
        item.insert("heartbeats".to_owned(), number(totals.heartbeats));
        for (place, sample) in [("first", first), ("last", last)] {
            item.insert(format!("{place}_at_ms"), number(sample.at_ms));
            for (name, value) in numbers(&sample).into_iter().take(4) {
                put_number(&mut item, &format!("{place}_{name}"), value);
            }
        }
    }
    item
}

/// A stored minute: when it begins, its heartbeats, and the version of its item.
pub(crate) fn minute_from(item: &Item) -> Result<(u64, Minute, u64), Corrupt> {
    let reader = Reader::new(item, MINUTE)?;
    let start_ms = reader.parsed("start_ms")?;
    let minute = Minute::decode(start_ms, reader.bytes("body")?)
        .map_err(|_| reader.corrupt("body", "is no minute of heartbeats"))?;
    Ok((start_ms, minute, reader.parsed("version")?))
}
