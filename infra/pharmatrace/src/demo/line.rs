//! A simulated packaging line: it prints numbers from the CSV it was given and reports them as EPCIS, with
//! the mistakes that lines make.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::json;

use crate::error::CommandError;

/// What stands on the packs of a run besides the number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) lot: &'a str,
    pub(super) expiry: &'a str,
    pub(super) line_sgln: &'a str,
    /// RFC 3339; the same for all events of a file.
    pub(super) event_time: &'a str,
}

/// The EPCs of a `full` CSV, in its order.
pub(super) fn epcs_of_csv(csv: &[u8]) -> Result<Vec<String>, CommandError> {
    let broken = |detail: &str| CommandError::Failed(format!("the CSV of the hub: {detail}"));
    let text = std::str::from_utf8(csv).map_err(|_| broken("it is no UTF-8"))?;
    let mut rows = text.split_terminator("\r\n");
    let head: Vec<&str> = rows.next().ok_or_else(|| broken("it is empty"))?.split(',').collect();
    let column = head.iter().position(|name| *name == "EPC");
    let column = column.ok_or_else(|| broken("there is no column EPC"))?;
    rows.map(|row| {
        let cell = row.split(',').nth(column).map(|cell| cell.trim_matches('"').to_owned());
        cell.ok_or_else(|| broken("a row is too short"))
    })
    .collect()
}

/// The `full` CSV as a result file: each row with what became of its number and when, so many rows of each.
pub(super) fn results(
    csv: &[u8],
    outcomes: &[(&str, usize)],
    event_time: &str,
) -> Result<Vec<u8>, CommandError> {
    let broken = |detail: &str| CommandError::Failed(format!("the CSV of the hub: {detail}"));
    let text = std::str::from_utf8(csv).map_err(|_| broken("it is no UTF-8"))?;
    let mut rows = text.split_terminator("\r\n");
    let head = rows.next().filter(|head| head.ends_with(",Status"));
    let head = head.ok_or_else(|| broken("its last column is not Status"))?;
    let mut words = outcomes.iter().flat_map(|(word, count)| std::iter::repeat_n(*word, *count));
    let mut out = format!("{head},EventTime\r\n");
    for row in rows {
        let (number, _) = row.rsplit_once(',').ok_or_else(|| broken("a row is too short"))?;
        let word = words.next().ok_or_else(|| broken("there are more rows than numbers"))?;
        // Writing to a String cannot fail.
        write!(out, "{number},\"{word}\",\"{event_time}\"\r\n").unwrap_or_default();
    }
    Ok(out.into_bytes())
}

/// One EPCIS 1.2 XML document; each step is an event with its EPCs.
pub(super) fn xml(run: Run<'_>, steps: &[(&str, &[String])]) -> Vec<u8> {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <epcis:EPCISDocument xmlns:epcis=\"urn:epcglobal:epcis:xsd:1\" \
         xmlns:cbvmda=\"urn:epcglobal:cbv:mda\" schemaVersion=\"1.2\" \
         creationDate=\"2026-01-01T00:00:00Z\">\n<EPCISBody><EventList>\n",
    );
    for (step, epcs) in steps {
        event(&mut out, run, step, epcs);
    }
    out.push_str("</EventList></EPCISBody>\n</epcis:EPCISDocument>\n");
    out.into_bytes()
}

fn event(out: &mut String, run: Run<'_>, step: &str, epcs: &[String]) {
    let (action, disposition) = meaning(step);
    let Run { lot, expiry, line_sgln, event_time } = run;
    // Writing to a String cannot fail.
    let mut add = |text: std::fmt::Arguments<'_>| out.write_fmt(text).unwrap_or_default();
    add(format_args!("<ObjectEvent><eventTime>{event_time}</eventTime>"));
    add(format_args!("<eventTimeZoneOffset>+00:00</eventTimeZoneOffset><epcList>\n"));
    for epc in epcs {
        add(format_args!("<epc>{epc}</epc>\n"));
    }
    add(format_args!("</epcList><action>{action}</action>"));
    add(format_args!("<bizStep>urn:epcglobal:cbv:bizstep:{step}</bizStep>"));
    add(format_args!("<disposition>urn:epcglobal:cbv:disp:{disposition}</disposition>"));
    add(format_args!("<readPoint><id>{line_sgln}</id></readPoint>"));
    if step == "commissioning" {
        add(format_args!("<extension><ilmd><cbvmda:lotNumber>{lot}</cbvmda:lotNumber>"));
        add(format_args!("<cbvmda:itemExpirationDate>{expiry}</cbvmda:itemExpirationDate>"));
        add(format_args!("</ilmd></extension>"));
    }
    add(format_args!("</ObjectEvent>\n"));
}

/// One EPCIS 2.0 JSON-LD document with one commissioning event.
pub(super) fn json_ld(run: Run<'_>, epcs: &[String]) -> Vec<u8> {
    let (action, disposition) = meaning("commissioning");
    let document = json!({
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": run.event_time,
        "epcisBody": { "eventList": [{
            "type": "ObjectEvent",
            "eventTime": run.event_time,
            "eventTimeZoneOffset": "+00:00",
            "epcList": epcs,
            "action": action,
            "bizStep": "commissioning",
            "disposition": disposition,
            "readPoint": { "id": run.line_sgln },
            "ilmd": { "cbvmda:lotNumber": run.lot, "cbvmda:itemExpirationDate": run.expiry },
        }] },
    });
    document.to_string().into_bytes()
}

fn meaning(step: &str) -> (&'static str, &'static str) {
    match step {
        "commissioning" => ("ADD", "active"),
        "decommissioning" => ("DELETE", "inactive"),
        "destroying" => ("DELETE", "destroyed"),
        _ => ("OBSERVE", "in_progress"),
    }
}

/// The bytes as gzip.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>, CommandError> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).map_err(CommandError::io("gzip"))?;
    encoder.finish().map_err(CommandError::io("gzip"))
}
