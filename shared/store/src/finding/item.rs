//! The item of a finding, and the item that leads from a finding's id to it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::finding::{
    Code, Finding, FindingStatus, Handling, SerialRange, Settled, Severity, SpaceRuns,
};
use domain::space::SpaceId;

use super::{FindingCase, FindingRecord, ranges_json};
use crate::attention::Queue;
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{Pk, Sk, listing};

const ENTITY: &str = "finding";
const HOME_ENTITY: &str = "finding-home";
const SUBJECT_ENTITY: &str = "subject";

pub(super) fn to_item(case: &FindingCase) -> Item {
    let (record, f) = (&case.record, &case.record.finding);
    let pk = Pk::Document(record.content_sha256.clone());
    let mut item = new_item(&pk, &Sk::Finding(f.id.clone()), ENTITY);
    let samples = f.samples.iter().map(text).collect();
    let fields = [
        ("id", text(f.id.as_str())),
        ("content_sha256", text(record.content_sha256.as_str())),
        ("system_id", text(record.system_id.as_str())),
        ("at", text(record.at.as_str())),
        ("code", text(f.code.as_str())),
        ("severity", text(f.severity.as_str())),
        ("count", number(f.count)),
        ("provisional", AttributeValue::Bool(f.provisional)),
        ("status", text(f.status.as_str())),
        // One text for up to a thousand ranges: a list of maps would cost three times the units.
        ("ranges", text(ranges_json(f).to_string())),
        ("samples", AttributeValue::L(samples)),
        ("version", number(case.version)),
        ("list_pk", text(listing::FINDING)),
        ("list_sk", text(list_key(record))),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "allocation_id", f.allocation_id.as_deref());
    put_some(&mut item, "gtin", f.gtin.as_deref());
    put_some(&mut item, "changed_at", case.changed_at.as_deref());
    put_some(&mut item, "continues", case.continues.as_deref());
    put_some(&mut item, "recurrence_of", case.recurrence_of.as_deref());
    if f.status != FindingStatus::Resolved {
        item.extend(Queue::Finding.attributes(&list_key(record)));
    }
    let indexes = (!f.indexes.is_empty()).then(|| indexes_json(f).to_string());
    put_some(&mut item, "indexes", indexes.as_deref());
    put_handling(&mut item, &case.handling);
    item
}

fn put_handling(item: &mut Item, handling: &Handling) {
    put_some(item, "reason", handling.reason.as_deref());
    put_some(item, "assignee", handling.assignee.as_deref());
    put_some(item, "last_comment", handling.last_comment.as_deref());
    let counts = [("comments", handling.comments), ("recurrences", handling.recurrences)];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        item.insert(name.to_owned(), number(count));
    }
    if let Some(settled) = handling.settled {
        let fields = [
            ("settled_count", number(settled.count)),
            ("settled_severity", text(settled.severity.as_str())),
            ("vanished", AttributeValue::Bool(settled.vanished)),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    }
}

/// The sort key of both indexes.
pub(super) fn list_key(record: &FindingRecord) -> String {
    format!("{}#{}", record.at, record.finding.id)
}

pub(super) fn from_item(item: &Item) -> Result<FindingCase, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let owned = |name| Ok::<_, Corrupt>(reader.text(name)?.to_owned());
    let optional = |name| Ok::<_, Corrupt>(reader.optional_text(name)?.map(str::to_owned));
    let unknown = |name: &str| reader.corrupt(name, "is unknown");
    let finding = Finding {
        id: owned("id")?,
        code: Code::parse(reader.text("code")?).ok_or_else(|| unknown("code"))?,
        severity: severity(reader, "severity")?,
        count: reader.parsed("count")?,
        provisional: flag(item, "provisional"),
        allocation_id: optional("allocation_id")?,
        gtin: optional("gtin")?,
        ranges: ranges(reader.text("ranges")?).ok_or_else(|| unknown("ranges"))?,
        indexes: match reader.optional_text("indexes")? {
            None => Vec::new(),
            Some(text) => indexes(text).ok_or_else(|| unknown("indexes"))?,
        },
        samples: reader.texts("samples")?,
        status: FindingStatus::parse(reader.text("status")?).ok_or_else(|| unknown("status"))?,
    };
    let record = FindingRecord {
        content_sha256: owned("content_sha256")?,
        system_id: reader.typed("system_id")?,
        at: owned("at")?,
        finding,
    };
    Ok(FindingCase {
        record,
        handling: handling(item, reader)?,
        // Findings that were put before they could be handled have none.
        version: count(item, reader, "version")?,
        changed_at: optional("changed_at")?,
        continues: optional("continues")?,
        recurrence_of: optional("recurrence_of")?,
    })
}

fn handling(item: &Item, reader: Reader<'_>) -> Result<Handling, Corrupt> {
    let optional = |name| Ok::<_, Corrupt>(reader.optional_text(name)?.map(str::to_owned));
    let settled = if item.contains_key("settled_count") {
        let vanished = flag(item, "vanished");
        let severity = severity(reader, "settled_severity")?;
        Some(Settled { count: reader.parsed("settled_count")?, severity, vanished })
    } else {
        None
    };
    Ok(Handling {
        reason: optional("reason")?,
        assignee: optional("assignee")?,
        comments: count(item, reader, "comments")?,
        last_comment: optional("last_comment")?,
        settled,
        recurrences: count(item, reader, "recurrences")?,
    })
}

/// A number that is left out where it is zero.
fn count<T: std::str::FromStr + Default>(
    item: &Item,
    reader: Reader<'_>,
    name: &str,
) -> Result<T, Corrupt> {
    if item.contains_key(name) { reader.parsed(name) } else { Ok(T::default()) }
}

fn flag(item: &Item, name: &str) -> bool {
    item.get(name) == Some(&AttributeValue::Bool(true))
}

pub(super) fn severity(reader: Reader<'_>, name: &str) -> Result<Severity, Corrupt> {
    Severity::parse(reader.text(name)?).ok_or_else(|| reader.corrupt(name, "is unknown"))
}

fn ranges(text: &str) -> Option<Vec<SerialRange>> {
    let list: Vec<HashMap<String, String>> = serde_json::from_str(text).ok()?;
    let range = |map: HashMap<String, String>| {
        Some(SerialRange { from: map.get("from")?.clone(), to: map.get("to")?.clone() })
    };
    list.into_iter().map(range).collect()
}

/// Runs by space, each as its two ends: `[["<space>", [["1","5"], …]], …]`.
fn indexes_json(finding: &Finding) -> serde_json::Value {
    let run =
        |(first, last): &(u128, u128)| serde_json::json!([first.to_string(), last.to_string()]);
    let runs = |of: &SpaceRuns| of.runs.iter().map(run).collect::<serde_json::Value>();
    finding.indexes.iter().map(|of| serde_json::json!([of.space.as_str(), runs(of)])).collect()
}

fn indexes(text: &str) -> Option<Vec<SpaceRuns>> {
    let list: Vec<(String, Vec<(String, String)>)> = serde_json::from_str(text).ok()?;
    let run = |(first, last): (String, String)| Some((first.parse().ok()?, last.parse().ok()?));
    let of = |(space, runs): (String, Vec<(String, String)>)| {
        let runs = runs.into_iter().map(run).collect::<Option<_>>()?;
        Some(SpaceRuns { space: SpaceId::parse(&space).ok()?, runs })
    };
    list.into_iter().map(of).collect()
}

/// The way from a finding's id to its document; its partition also holds what was done about it.
pub(super) fn home_item(record: &FindingRecord) -> Item {
    let id = record.finding.id.clone();
    let mut item = new_item(&Pk::Finding(id), &Sk::FindingHome, HOME_ENTITY);
    put_some(&mut item, "content_sha256", Some(&record.content_sha256));
    item
}

pub(super) fn home_from(item: &Item) -> Result<String, Corrupt> {
    Ok(Reader::new(item, HOME_ENTITY)?.text("content_sha256")?.to_owned())
}

/// The latest finding about a subject, as document and id.
pub(super) fn subject_item(subject: &str, content_sha256: &str, id: &str) -> Item {
    let mut item = new_item(&Pk::Subject(subject.to_owned()), &Sk::Subject, SUBJECT_ENTITY);
    put_some(&mut item, "content_sha256", Some(content_sha256));
    put_some(&mut item, "finding_id", Some(id));
    item
}

pub(super) fn subject_from(item: &Item) -> Result<(String, String), Corrupt> {
    let reader = Reader::new(item, SUBJECT_ENTITY)?;
    Ok((reader.text("content_sha256")?.to_owned(), reader.text("finding_id")?.to_owned()))
}
