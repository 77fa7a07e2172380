//! Events of pools on their way out: kept by the write that made them, sent by the sweep, at least once each
//! and always with the same id and the same bytes, to the queue of the stack and to the tenant's webhook.
//!
//! An event stands in a queue of the index until both are done with it, so one that could not be sent is
//! found again. It stays in the table as evidence.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::PoolId;
use domain::pool::Pool;
use domain::replenish::{Burn, Told};
use serde_json::json;

use crate::Store;
use crate::attention::Queue;
use crate::error::StoreError;
use crate::item::{Corrupt, Item, Reader, new_item, number, text};
use crate::keys::{Pk, Sk};
use crate::meter::Meter;

const ENTITY: &str = "pool-event";

/// What became of an event at the webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// It is still to be sent, after so many attempts.
    Waits(u32),
    /// It was taken.
    Taken,
    /// There was no webhook.
    None,
    /// It was tried often enough.
    GivenUp,
}

impl Hook {
    fn word(self) -> &'static str {
        match self {
            Self::Waits(_) => "waits",
            Self::Taken => "taken",
            Self::None => "none",
            Self::GivenUp => "given-up",
        }
    }
}

/// An event of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolEvent {
    /// The pool.
    pub pool_id: PoolId,
    /// Its number among the events of the pool, from 1.
    pub number: u64,
    /// When it was seen, RFC 3339.
    pub at: String,
    /// The type, such as `pool.low`.
    pub kind: String,
    /// What is sent, JSON.
    pub body: String,
    /// Whether it is in the queue of the stack.
    pub queued: bool,
    /// What became of it at the webhook.
    pub hook: Hook,
    /// When it is looked at next, RFC 3339.
    pub next_at: String,
    /// Counts the writes.
    pub version: u64,
}

impl PoolEvent {
    /// What is told of a pool now: `number` counts its events, `was` was its last number before.
    #[must_use]
    pub fn new(
        pool: &Pool,
        (told, number): (Told, u64),
        (burn, was): (Option<Burn>, u128),
        now: &str,
    ) -> Self {
        let (draft, id) = (&pool.draft, pool.id.as_str());
        let hours = burn.and_then(|burn| burn.hours_left(pool.remaining));
        let body = json!({
            "id": event_id(&pool.id, number),
            "type": told.as_str(),
            "at": now,
            "pool": {
                "id": id,
                "name": draft.name,
                "gtin": draft.key.gtin().map(|gtin| gtin.to_string()),
                "sscc_prefix": draft.key.sscc().map(|prefix| prefix.to_string()),
                "to": draft.to.to_string(),
                "remaining": pool.remaining.to_string(),
                "threshold": u64::try_from(draft.threshold).unwrap_or(u64::MAX),
                "threshold_hours": draft.policy.threshold_hours,
            },
            "reserved_last_24_hours": burn.map(|burn| burn.numbers.to_string()),
            "hours_left": hours.map(|hours| u64::try_from(hours).unwrap_or(u64::MAX)),
            "extended_from": (told == Told::Extended).then(|| was.to_string()),
        });
        Self {
            pool_id: pool.id.clone(),
            number,
            at: now.to_owned(),
            kind: told.as_str().to_owned(),
            body: body.to_string(),
            queued: false,
            hook: Hook::Waits(0),
            next_at: now.to_owned(),
            version: 1,
        }
    }

    /// Names the event for whoever gets it: the same event always has the same id.
    #[must_use]
    pub fn id(&self) -> String {
        event_id(&self.pool_id, self.number)
    }

    fn is_done(&self) -> bool {
        self.queued && !matches!(self.hook, Hook::Waits(_))
    }

    pub(crate) fn to_item(&self) -> Item {
        let sk = Sk::PoolEvent(self.number);
        let mut item = new_item(&Pk::Pool(self.pool_id.clone()), &sk, ENTITY);
        let attempts = if let Hook::Waits(attempts) = self.hook { attempts } else { 0 };
        let fields = [
            ("pool_id", text(self.pool_id.as_str())),
            ("number", number(self.number)),
            ("at", text(self.at.as_str())),
            ("type", text(self.kind.as_str())),
            ("body", text(self.body.as_str())),
            ("queued", AttributeValue::Bool(self.queued)),
            ("hook", text(self.hook.word())),
            ("attempts", number(attempts)),
            ("next_at", text(self.next_at.as_str())),
            ("version", number(self.version)),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        if !self.is_done() {
            let place = format!("{}#{}", self.next_at, self.id());
            item.extend(Queue::PoolEvent.attributes(&place));
        }
        item
    }

    pub(crate) fn from_item(item: &Item) -> Result<Self, Corrupt> {
        let reader = Reader::new(item, ENTITY)?;
        let queued = matches!(item.get("queued"), Some(AttributeValue::Bool(true)));
        let hook = match reader.text("hook")? {
            "waits" => Hook::Waits(reader.parsed("attempts")?),
            "taken" => Hook::Taken,
            "none" => Hook::None,
            "given-up" => Hook::GivenUp,
            _ => return Err(reader.corrupt("hook", "is unknown")),
        };
        let owned = |name| Ok::<_, Corrupt>(reader.text(name)?.to_owned());
        Ok(Self {
            pool_id: reader.typed("pool_id")?,
            number: reader.parsed("number")?,
            at: owned("at")?,
            kind: owned("type")?,
            body: owned("body")?,
            queued,
            hook,
            next_at: owned("next_at")?,
            version: reader.parsed("version")?,
        })
    }
}

fn event_id(pool: &PoolId, number: u64) -> String {
    format!("{pool}.{number}")
}

impl Store {
    /// At most `limit` events whose time has come. Read from the index: one that is missed now is found by the
    /// next sweep.
    pub async fn pool_events_due(
        &self,
        now: &str,
        limit: i32,
    ) -> Result<Vec<PoolEvent>, StoreError> {
        // Places are `<time>#<id>`; `~` sorts behind every id of this very time.
        let last = format!("{now}#~");
        let page = self.attention_page(Queue::PoolEvent, Some(&last), None, limit).await?;
        let events: Result<Vec<PoolEvent>, Corrupt> =
            page.items.iter().map(PoolEvent::from_item).collect();
        Ok(events?)
    }

    /// Keeps what became of an event; `false` when another sweep has written meanwhile.
    pub async fn pool_event_put(&self, event: &PoolEvent) -> Result<bool, StoreError> {
        let after = PoolEvent { version: event.version.saturating_add(1), ..event.clone() };
        // I6: what another sweep has come to know of it is not undone.
        let (item, seen) = (after.to_item(), event.version);
        self.put_version("PutItem pool event", item, seen, &Meter::default()).await
    }
}
