//! Pool items: to and from DynamoDB.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::AllocationId;
use domain::pool::{Pool, PoolDraft, PoolStatus};
use domain::request::ReserveRequest;

use crate::audit_record::ChainedRecord;
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{Pk, Sk};
use crate::pool::policy;
use crate::time::{parse_rfc3339, rfc3339_ms};
use crate::{key_item, scheme_item};

pub(crate) const ENTITY: &str = "pool";

/// A reservation whose cursor has moved and whose range is perhaps not recorded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenEntry {
    /// The allocation it is for.
    pub allocation_id: AllocationId,
    /// Its first index.
    pub start: u128,
    /// How many numbers.
    pub size: u64,
    /// The request's short hash.
    pub request_hash: [u8; 16],
    /// When the cursor moved, RFC 3339, to the second.
    pub opened_at: String,
}

/// A pool and its open entries, as one read gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolState {
    /// The pool.
    pub pool: Pool,
    /// Its open entries.
    pub open: Vec<OpenEntry>,
    /// The audit record of its last change, while it waits to be put into the pool's chain.
    pub record: Option<ChainedRecord>,
}

impl PoolState {
    /// The open entry of an allocation.
    #[must_use]
    pub fn entry(&self, id: &AllocationId) -> Option<&OpenEntry> {
        self.open.iter().find(|entry| entry.allocation_id == *id)
    }
}

pub(crate) fn to_item(pool: &Pool) -> Item {
    let draft = &pool.draft;
    let mut item = new_item(&Pk::Pool(pool.id.clone()), &Sk::Pool, ENTITY);
    let empty = || AttributeValue::M(HashMap::new());
    let fields = [
        ("id", text(pool.id.as_str())),
        ("name", text(draft.name.as_str())),
        ("encoding", text(draft.key.encoding())),
        ("company_prefix_length", number(draft.company_prefix_length)),
        ("from", number(draft.from)),
        ("to", number(draft.to)),
        ("max_request", number(draft.max_request)),
        ("threshold", number(draft.threshold)),
        ("status", text(pool.status.as_str())),
        ("cursor", number(pool.cursor)),
        ("remaining", number(pool.remaining)),
        ("created_at", text(pool.created_at.as_str())),
        ("open_start", empty()),
        ("open_info", empty()),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    key_item::put(&mut item, draft.key);
    scheme_item::put(&mut item, draft.scheme, true);
    put_some(&mut item, "rules", draft.eu_rules.then_some("eu"));
    policy::put(&mut item, &draft.policy);
    item
}

pub(crate) fn from_item(item: &Item) -> Result<PoolState, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let status = PoolStatus::parse(reader.text("status")?)
        .ok_or_else(|| reader.corrupt("status", "is unknown"))?;
    let key = key_item::read(reader)?;
    let draft = PoolDraft {
        name: reader.text("name")?.to_owned(),
        key,
        company_prefix_length: reader.parsed("company_prefix_length")?,
        scheme: scheme_item::read(reader, key)?,
        eu_rules: match reader.optional_text("rules")? {
            None => false,
            Some("eu") => true,
            Some(_) => return Err(reader.corrupt("rules", "are unknown")),
        },
        from: reader.parsed("from")?,
        to: reader.parsed("to")?,
        max_request: reader.parsed("max_request")?,
        threshold: reader.parsed("threshold")?,
        policy: policy::read(reader, item)?,
    };
    let pool = Pool {
        id: reader.typed("id")?,
        draft,
        status,
        cursor: reader.parsed("cursor")?,
        remaining: reader.parsed("remaining")?,
        created_at: reader.text("created_at")?.to_owned(),
    };
    let record = match item.get("audit_waits") {
        Some(AttributeValue::M(waits)) => Some(ChainedRecord::from_item(waits)?),
        Some(_) => return Err(reader.corrupt("audit_waits", "is no record")),
        None => None,
    };
    Ok(PoolState { pool, open: open_entries(reader)?, record })
}

fn open_entries(reader: Reader<'_>) -> Result<Vec<OpenEntry>, Corrupt> {
    let (starts, infos) = (reader.map("open_start")?, reader.map("open_info")?);
    let starts_reader = Reader::raw(starts);
    let mut open = Vec::with_capacity(starts.len());
    for id in starts.keys() {
        let broken = || reader.corrupt("open_info", "does not match open_start");
        let info = infos.get(id).and_then(|info| info.as_m().ok()).ok_or_else(broken)?;
        let info = Reader::raw(info);
        open.push(OpenEntry {
            allocation_id: AllocationId::parse(id).map_err(|_| broken())?,
            start: starts_reader.parsed(id)?,
            size: info.parsed("size")?,
            request_hash: info.bytes("request_hash")?.try_into().map_err(|_| broken())?,
            opened_at: from_seconds(info.parsed("opened_at")?).ok_or_else(broken)?,
        });
    }
    open.sort_by_key(|entry| entry.start);
    Ok(open)
}

/// What the entry of a request says besides its start. Kept short: up to a thousand entries are written
/// with every reservation of the pool.
pub(crate) fn entry_info(request: &ReserveRequest, quantity: u64, now: &str) -> Item {
    let opened_at = parse_rfc3339(now).map_or(0, time::OffsetDateTime::unix_timestamp);
    HashMap::from([
        ("size".to_owned(), number(quantity)),
        ("request_hash".to_owned(), AttributeValue::B(request.short_hash().to_vec().into())),
        ("opened_at".to_owned(), number(opened_at)),
    ])
}

fn from_seconds(seconds: i64) -> Option<String> {
    time::OffsetDateTime::from_unix_timestamp(seconds).ok().map(rfc3339_ms)
}
