//! The item of a document.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::document::{
    Document, DocumentError, DocumentStatus, Judgement, Metrics, Resolution, ResolutionKind,
    SerialCounts, list_key,
};
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{Pk, Sk, listing};

const ENTITY: &str = "document";

pub(crate) fn to_item(document: &Document) -> Item {
    let d = document;
    let mut item = new_item(&Pk::Document(d.content_sha256.clone()), &Sk::Document, ENTITY);
    let judgements = d.judgements.iter().map(judgement_value).collect();
    let fields = [
        ("content_sha256", text(d.content_sha256.as_str())),
        ("kind", text(d.kind.as_str())),
        ("system_id", text(d.system_id.as_str())),
        ("received_at", text(d.received_at.as_str())),
        ("events", number(d.events)),
        ("status", text(d.status().as_str())),
        ("judgements", AttributeValue::L(judgements)),
        ("version", number(d.version)),
        ("list_pk", text(listing::DOCUMENT)),
        ("list_sk", text(list_key(d))),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "raw_sha256", d.raw_sha256.as_deref());
    put_some(&mut item, "last_event_at", d.last_event_at.as_deref());
    put_error(&mut item, d.error.as_ref());
    if let Some((queue, place)) = d.attention() {
        item.extend(queue.attributes(&place));
    }
    if let Some(resolution) = &d.resolution {
        put_some(&mut item, "resolution", Some(resolution.kind.as_str()));
        put_some(&mut item, "resolved_at", Some(&resolution.at));
        put_some(&mut item, "resolved_by", Some(&resolution.by));
        put_some(&mut item, "resolved_reason", Some(&resolution.reason));
    }
    if let Some(metrics) = d.metrics {
        let fields = [
            ("bytes", metrics.bytes),
            ("milliseconds", metrics.milliseconds),
            ("write_units", metrics.write_units),
            ("vm_hwm_kib", metrics.vm_hwm_kib),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), number(value))));
    }
    item
}

pub(crate) fn from_item(item: &Item) -> Result<Document, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let list = item.get("judgements").and_then(|value| value.as_l().ok());
    let list = list.ok_or_else(|| reader.corrupt("judgements", "is no list"))?;
    let owned = |name| Ok::<_, Corrupt>(reader.optional_text(name)?.map(str::to_owned));
    let optional = |name: &str| item.contains_key(name).then(|| reader.parsed(name)).transpose();
    let resolution = match reader.optional_text("resolution")? {
        None => None,
        Some(kind) => Some(Resolution {
            kind: ResolutionKind::parse(kind)
                .ok_or_else(|| reader.corrupt("resolution", "is unknown"))?,
            at: reader.text("resolved_at")?.to_owned(),
            by: reader.text("resolved_by")?.to_owned(),
            reason: reader.text("resolved_reason")?.to_owned(),
        }),
    };
    let metrics = match optional("bytes")? {
        None => None,
        Some(bytes) => Some(Metrics {
            bytes,
            milliseconds: reader.parsed("milliseconds")?,
            write_units: reader.parsed("write_units")?,
            vm_hwm_kib: reader.parsed("vm_hwm_kib")?,
        }),
    };
    Ok(Document {
        content_sha256: reader.text("content_sha256")?.to_owned(),
        raw_sha256: owned("raw_sha256")?,
        kind: reader.text("kind")?.to_owned(),
        system_id: reader.typed("system_id")?,
        received_at: reader.text("received_at")?.to_owned(),
        events: reader.parsed("events")?,
        last_event_at: owned("last_event_at")?,
        error: error(reader)?,
        judgements: list.iter().map(|value| judgement(reader, value)).collect::<Result<_, _>>()?,
        metrics,
        resolution,
        version: reader.parsed("version")?,
    })
}

fn judgement_value(judgement: &Judgement) -> AttributeValue {
    let j = judgement;
    let mut map: Item = HashMap::from(
        [
            ("system_id", text(j.system_id.as_str())),
            ("status", text(j.status.as_str())),
            ("first_at", text(j.first_at.as_str())),
            ("named", number(j.serials.named)),
            ("matched", number(j.serials.matched)),
            ("newly_commissioned", number(j.serials.newly_commissioned)),
            ("repeated", number(j.serials.repeated)),
            ("provisional", number(j.serials.provisional)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    put_some(&mut map, "next_try_at", j.next_try_at.as_deref());
    put_some(&mut map, "left_until", j.left_until.as_deref());
    map.insert("tries".to_owned(), number(j.tries));
    if j.is_recalled {
        map.insert("is_recalled".to_owned(), AttributeValue::Bool(true));
    }
    map.insert("is_in_part".to_owned(), AttributeValue::Bool(j.is_in_part));
    put_some(&mut map, "reconciled_at", j.reconciled_at.as_deref());
    put_error(&mut map, j.error.as_ref());
    AttributeValue::M(map)
}

fn judgement(whole: Reader<'_>, value: &AttributeValue) -> Result<Judgement, Corrupt> {
    let map = value.as_m().map_err(|_| whole.corrupt("judgements", "holds no map"))?;
    let reader = Reader::raw(map);
    let is_in_part = map.get("is_in_part").and_then(|value| value.as_bool().ok());
    let is_recalled = map.get("is_recalled").and_then(|value| value.as_bool().ok());
    let status = DocumentStatus::parse(reader.text("status")?)
        .ok_or_else(|| whole.corrupt("judgements", "has an unknown status"))?;
    Ok(Judgement {
        system_id: reader.typed("system_id")?,
        status,
        first_at: reader.text("first_at")?.to_owned(),
        next_try_at: reader.optional_text("next_try_at")?.map(str::to_owned),
        left_until: reader.optional_text("left_until")?.map(str::to_owned),
        tries: reader.optional_parsed("tries")?.unwrap_or(0),
        is_in_part: is_in_part == Some(&true),
        is_recalled: is_recalled == Some(&true),
        serials: SerialCounts {
            named: reader.parsed("named")?,
            matched: reader.parsed("matched")?,
            newly_commissioned: reader.parsed("newly_commissioned")?,
            repeated: reader.parsed("repeated")?,
            provisional: reader.parsed("provisional")?,
        },
        reconciled_at: reader.optional_text("reconciled_at")?.map(str::to_owned),
        error: error(reader)?,
    })
}

/// Adds why something was refused, when it was.
fn put_error(item: &mut Item, error: Option<&DocumentError>) {
    let Some(error) = error else {
        return;
    };
    put_some(item, "error_code", Some(&error.code));
    put_some(item, "error_message", Some(&error.message));
    for (name, value) in [("error_line", error.line), ("error_column", error.column)] {
        if let Some(value) = value {
            item.insert(name.to_owned(), number(value));
        }
    }
}

fn error(reader: Reader<'_>) -> Result<Option<DocumentError>, Corrupt> {
    let Some(code) = reader.optional_text("error_code")? else {
        return Ok(None);
    };
    Ok(Some(DocumentError {
        code: code.to_owned(),
        message: reader.optional_text("error_message")?.unwrap_or_default().to_owned(),
        line: reader.optional_parsed("error_line")?,
        column: reader.optional_parsed("error_column")?,
    }))
}
