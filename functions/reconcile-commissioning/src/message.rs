//! What a queue record asks for: an object version that came in, or a parked document to try again.

use aws_lambda_events::sqs::SqsMessage;
use domain::ids::SystemId;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Read an object version.
    Object(Notice),
    /// Judge a parked document again.
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
    /// Orders the events of one key.
    pub sequencer: String,
}

impl Notice {
    /// The system whose prefix the key is under: `inbound/<system>/…`.
    #[must_use]
    pub fn system(&self) -> Option<SystemId> {
        let (system, rest) = self.key.strip_prefix("inbound/")?.split_once('/')?;
        if rest.is_empty() { None } else { SystemId::parse(system).ok() }
    }
}

/// A record that is no message of ours; it is delivered again and ends in the dead-letter queue.
#[derive(Debug, thiserror::Error)]
#[error("the queue record is neither an S3 event nor a request to try again")]
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

/// Reads a queue record. S3's test event asks for nothing.
///
/// # Errors
/// The body is something else.
pub fn parse(message: &SqsMessage) -> Result<Vec<Work>, NotOurs> {
    let body = message.body.as_deref().unwrap_or_default();
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

    fn parsed(body: &str) -> Result<Vec<Work>, NotOurs> {
        let mut message = SqsMessage::default();
        message.body = Some(body.to_owned());
        parse(&message)
    }

    #[test]
    fn keys_are_decoded_and_versions_kept() {
        let body = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},
            "object":{"key":"inbound/L1/a+b%2Bc%C3%A9.xml","versionId":"v1","sequencer":"00A"}}}]}"#;
        let work = parsed(body).unwrap();
        let [Work::Object(notice)] = work.as_slice() else { panic!("{work:?}") };
        assert_eq!(notice.key, "inbound/L1/a b+cé.xml");
        assert_eq!((notice.version_id.as_str(), notice.sequencer.as_str()), ("v1", "00A"));
        assert_eq!(notice.system().unwrap().as_str(), "L1");
    }

    #[test]
    fn test_events_ask_for_nothing_and_other_bodies_are_refused() {
        assert_eq!(parsed(r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#).unwrap(), []);
        for body in ["", "hello", "{}", "[]", r#"{"Records":[]}"#, r#"{"Records":[{"s3":1}]}"#] {
            assert!(parsed(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_sweeper_asks_for_a_parked_document() {
        let body = r#"{"reprocess":{"content_sha256":"ab","system_id":"L1"}}"#;
        let work = parsed(body).unwrap();
        let again = Work::Again {
            content_sha256: "ab".to_owned(),
            system_id: SystemId::parse("L1").unwrap(),
        };
        assert_eq!(work, [again]);
    }

    #[test]
    fn only_keys_below_a_system_prefix_have_a_system() {
        for key in
            ["inbound/", "inbound/x", "inbound/x/", "other/x/y", "inbound//y", "inbound/a#b/c"]
        {
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
