//! Messages of the inbound queue: an object version that came in, or a document to judge again.
//!
//! The first kind is S3's event. Whoever announces an object again writes the same form, so there is one
//! reader for both.

use domain::ids::SystemId;
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

use crate::arrival::Arrival;
use crate::kept::ESCAPED;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Read an object version.
    Object(Notice),
    /// Judge a document again.
    Again {
        /// The document.
        content_sha256: String,
        /// For which system.
        system_id: SystemId,
    },
}

/// An object version that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version; empty where the bucket has none.
    pub version_id: String,
    /// Orders the events of one key; empty where the hub found the object by itself.
    pub sequencer: String,
}

impl Notice {
    /// The object version of an arrival.
    #[must_use]
    pub fn of(arrival: &Arrival) -> Self {
        Self {
            bucket: arrival.bucket.clone(),
            key: arrival.key.clone(),
            version_id: arrival.version_id.clone(),
            sequencer: arrival.sequencer.clone(),
        }
    }

    /// The arrival that it announces, seen at `at` (RFC 3339) and put by `system`.
    #[must_use]
    pub fn arrival(&self, system: &SystemId, at: &str) -> Arrival {
        Arrival {
            system_id: system.clone(),
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            version_id: self.version_id.clone(),
            sequencer: self.sequencer.clone(),
            at: at.to_owned(),
        }
    }

    /// The message that announces it, in the form of S3's own.
    #[must_use]
    pub fn message(&self) -> String {
        let mut object = json!({ "key": utf8_percent_encode(&self.key, &ESCAPED).to_string() });
        if let (false, Some(object)) = (self.version_id.is_empty(), object.as_object_mut()) {
            object.insert("versionId".to_owned(), self.version_id.as_str().into());
        }
        let record = json!({
            "eventSource": "pharmatrace:sweep",
            "eventName": "ObjectCreated:Announced",
            "s3": { "bucket": { "name": self.bucket }, "object": object },
        });
        json!({ "Records": [record] }).to_string()
    }

    /// The system whose prefix the key is under: `inbound/<system>/…`.
    #[must_use]
    pub fn system(&self) -> Option<SystemId> {
        let (system, rest) = self.key.strip_prefix("inbound/")?.split_once('/')?;
        let id = if rest.is_empty() { None } else { SystemId::parse(system).ok() };
        id.filter(|id| *id != SystemId::unknown())
    }
}

/// The message that asks for a document to be judged again for a system.
#[must_use]
pub fn again_message(content_sha256: &str, system: &SystemId) -> String {
    json!({
        "reprocess": { "content_sha256": content_sha256, "system_id": system.as_str() }
    })
    .to_string()
}

/// A text that is no message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is neither an S3 event nor a request to judge a document again")]
pub struct NotOurs;

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
    #[serde(rename = "Event")]
    event: Option<String>,
    reprocess: Option<Reprocess>,
}

#[derive(Deserialize)]
struct Reprocess {
    content_sha256: String,
    system_id: String,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName", default)]
    event_name: String,
    s3: Entity,
}

#[derive(Deserialize)]
struct Entity {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(rename = "versionId", default)]
    version_id: Option<String>,
    #[serde(default)]
    sequencer: Option<String>,
}

/// Reads a message. S3's test event asks for nothing.
///
/// # Errors
/// The text is something else.
pub fn parse(body: &str) -> Result<Vec<Work>, NotOurs> {
    let body: Body = serde_json::from_str(body).map_err(|_| NotOurs)?;
    if let Some(again) = body.reprocess {
        let system_id = SystemId::parse(&again.system_id).map_err(|_| NotOurs)?;
        let content_sha256 = again.content_sha256;
        return Ok(vec![Work::Again { content_sha256, system_id }]);
    }
    if body.event.as_deref() == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    if body.records.is_empty() {
        return Err(NotOurs);
    }
    let created = |record: &Record| {
        record.event_name.is_empty() || record.event_name.contains("ObjectCreated")
    };
    body.records.into_iter().filter(created).map(notice).collect()
}

fn notice(record: Record) -> Result<Work, NotOurs> {
    // In S3 events a space of the key is a plus sign.
    let spaced = record.s3.object.key.replace('+', " ");
    let key = percent_decode_str(&spaced).decode_utf8().map_err(|_| NotOurs)?;
    Ok(Work::Object(Notice {
        bucket: record.s3.bucket.name,
        key: key.into_owned(),
        version_id: record.s3.object.version_id.unwrap_or_default(),
        sequencer: record.s3.object.sequencer.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_and_versions_kept() {
        let body = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},
            "object":{"key":"inbound/L1/a+b%2Bc%C3%A9.xml","versionId":"v1","sequencer":"00A"}}}]}"#;
        let work = parse(body).unwrap();
        let [Work::Object(notice)] = work.as_slice() else { panic!("{work:?}") };
        assert_eq!(notice.key, "inbound/L1/a b+cé.xml");
        assert_eq!((notice.version_id.as_str(), notice.sequencer.as_str()), ("v1", "00A"));
        assert_eq!(notice.system().unwrap().as_str(), "L1");
    }

    #[test]
    fn test_events_ask_for_nothing_and_other_bodies_are_refused() {
        assert_eq!(parse(r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#).unwrap(), []);
        for body in ["", "hello", "{}", "[]", r#"{"Records":[]}"#, r#"{"Records":[{"s3":1}]}"#] {
            assert!(parse(body).is_err(), "{body}");
        }
    }

    #[test]
    fn what_announces_an_object_is_read_as_that_object() {
        for (key, version_id) in [("inbound/L1/a b+c%é&\"/x.xml", "v1"), ("inbound/L1/x", "")] {
            let notice = Notice {
                bucket: "b".to_owned(),
                key: key.to_owned(),
                version_id: version_id.to_owned(),
                sequencer: String::new(),
            };
            assert_eq!(parse(&notice.message()), Ok(vec![Work::Object(notice)]));
        }
    }

    #[test]
    fn a_document_is_asked_for_again() {
        let body = again_message("ab", &SystemId::parse("L1").unwrap());
        let work = parse(&body).unwrap();
        let again = Work::Again {
            content_sha256: "ab".to_owned(),
            system_id: SystemId::parse("L1").unwrap(),
        };
        assert_eq!(work, [again]);
    }

    #[test]
    fn only_keys_below_a_system_prefix_have_a_system() {
        for key in [
            "inbound/",
            "inbound/x",
            "inbound/x/",
            "other/x/y",
            "inbound//y",
            "inbound/a#b/c",
            "inbound/unknown/y",
        ] {
            let key = key.to_owned();
            let notice = Notice {
                key,
                bucket: String::new(),
                version_id: String::new(),
                sequencer: String::new(),
            };
            assert_eq!(notice.system(), None, "{}", notice.key);
        }
    }
}
