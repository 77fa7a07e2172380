//! Looking for objects whose notification was lost.
//!
//! I6: S3 announces an object at least once, in general; what it does not announce, or what is lost before
//! it was read, is found by listing the inbound bucket and asking which versions never arrived. The listing
//! goes on from where the last run stopped, and an object is announced at most once in a while.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;
use time::OffsetDateTime;

use crate::error::{StoreError, sdk_error};
use crate::inbound::Notice;
use crate::item::{Item, Reader, new_item, number, put_some, text};
use crate::keys::{Pk, Sk};
use crate::{Objects, Store};

const ENTITY: &str = "notice-sweep";

/// Where a listing goes on: after a key and a version of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// The key; `None` at the beginning.
    pub key: Option<String>,
    /// The version of it.
    pub version_id: Option<String>,
}

/// How far the sweep has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeSweep {
    /// Where the pass at hand goes on.
    pub position: Position,
    /// When the last pass came to its end, RFC 3339.
    pub ended_at: Option<String>,
    /// Counted up by each write; 0 = not stored yet.
    pub version: u64,
}

/// An object version as the bucket lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What would announce it.
    pub notice: Notice,
    /// When it was put, or when its upload in parts began.
    pub at: OffsetDateTime,
}

impl Store {
    /// How far the sweep has come. Consistent.
    pub async fn notice_sweep_fetch(&self) -> Result<NoticeSweep, StoreError> {
        let item = self.item_fetch("GetItem sweep", &Pk::Sweep, &Sk::NoticeSweep).await?;
        let Some(item) = item else {
            return Ok(NoticeSweep::default());
        };
        let reader = Reader::new(&item, ENTITY)?;
        let owned = |name| Ok::<_, StoreError>(reader.optional_text(name)?.map(str::to_owned));
        Ok(NoticeSweep {
            position: Position { key: owned("key")?, version_id: owned("version_id")? },
            ended_at: owned("ended_at")?,
            version: reader.parsed("turn")?,
        })
    }

    /// Writes how far the sweep has come; `false` when another run did since it was read.
    pub async fn notice_sweep_put(&self, sweep: &NoticeSweep) -> Result<bool, StoreError> {
        let mut item = new_item(&Pk::Sweep, &Sk::NoticeSweep, ENTITY);
        item.insert("turn".to_owned(), number(sweep.version.saturating_add(1)));
        put_some(&mut item, "key", sweep.position.key.as_deref());
        put_some(&mut item, "version_id", sweep.position.version_id.as_deref());
        put_some(&mut item, "ended_at", sweep.ended_at.as_deref());
        // Two runs at once: the slower one stops, so that the position never goes back.
        let seen = if sweep.version == 0 { None } else { Some(number(sweep.version)) };
        let condition = match seen {
            None => ("attribute_not_exists(pk)", None),
            Some(seen) => ("turn = :seen", Some((":seen", seen))),
        };
        self.put_if("PutItem sweep", item, condition).await
    }

    /// Claims the announcement of an arrival, by hash: `true` unless it was claimed at `before` or later.
    pub async fn notice_claim(
        &self,
        arrival: &str,
        now: &str,
        before: &str,
    ) -> Result<bool, StoreError> {
        let mut item = new_item(&Pk::Arrival(arrival.to_owned()), &Sk::Notice, "notice");
        item.insert("announced_at".to_owned(), text(now));
        let condition = "attribute_not_exists(pk) OR announced_at < :before";
        self.put_if("PutItem notice", item, (condition, Some((":before", text(before))))).await
    }

    /// Puts an item if a condition holds; `false` when it does not.
    async fn put_if(
        &self,
        operation: &'static str,
        item: Item,
        condition: (&str, Option<(&str, aws_sdk_dynamodb::types::AttributeValue)>),
    ) -> Result<bool, StoreError> {
        let (condition, value) = condition;
        let mut call = self.dynamo.put_item().table_name(&*self.table).set_item(Some(item));
        call = call.condition_expression(condition);
        if let Some((name, value)) = value {
            call = call.expression_attribute_values(name, value);
        }
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error(operation, &error)),
        }
    }
}

impl Objects {
    /// One page of at most 1,000 versions below `inbound/`, and where the next one begins; `None` at the
    /// end. Delete markers are no objects.
    pub async fn inbound_versions(
        &self,
        from: &Position,
    ) -> Result<(Vec<Listed>, Option<Position>), StoreError> {
        let bucket = &*self.buckets.inbound;
        let output = self
            .s3
            .list_object_versions()
            .bucket(bucket)
            .prefix("inbound/")
            // A key may hold what XML cannot.
            .encoding_type(EncodingType::Url)
            .set_key_marker(from.key.clone())
            .set_version_id_marker(from.version_id.clone())
            .send()
            .await
            .map_err(|error| sdk_error("ListObjectVersions", &error))?;
        let encoded = output.encoding_type == Some(EncodingType::Url);
        let plain = |key: &str| if encoded { decoded(key) } else { Some(key.to_owned()) };
        let mut listed = Vec::new();
        for version in output.versions() {
            let at = version.last_modified().map_or(0, aws_sdk_s3::primitives::DateTime::secs);
            let (Some(key), Ok(at)) =
                (version.key().and_then(plain), OffsetDateTime::from_unix_timestamp(at))
            else {
                continue;
            };
            // What was put while the bucket had no versions is announced without one.
            let version_id = version.version_id().filter(|id| *id != "null").unwrap_or_default();
            let notice = Notice {
                bucket: bucket.to_owned(),
                key,
                version_id: version_id.to_owned(),
                sequencer: String::new(),
            };
            listed.push(Listed { notice, at });
        }
        let next = output.next_key_marker().and_then(plain).map(|key| Position {
            key: Some(key),
            version_id: output.next_version_id_marker().map(str::to_owned),
        });
        Ok((listed, next.filter(|_| output.is_truncated() == Some(true))))
    }
}

fn decoded(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
