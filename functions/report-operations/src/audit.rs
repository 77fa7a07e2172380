//! `GET /api/v1/audit`: audit records as evidence (I11), `GET /api/v1/audit/seals`: what closed days were sealed
//! with. The answers alone are enough to verify a chain, and the seal of a day.
//!
//! Records name what all systems did, so a credential bound to lines reads none of them.

pub(crate) mod openapi;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use edge::openapi::{
    AnyTime, AuditActor, AuditEntity, Cursor, Date as DateForm, Limit, Sha256, Time,
};
use edge::page::foreign_cursor;
use edge::{Caller, List, Page, Problem, QueryText, Scope};
use serde::{Deserialize, Serialize};
use store::audit_list::{AuditDays, DayPlace, is_actor};
use store::audit_record::ChainedRecord;
use store::keys::{Pk, entity_name};
use store::seal::Seal;
use store::time::{date_of, parse_rfc3339, rfc3339_ms};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use crate::Hub;
use crate::failure::{malformed, store_problem};

pub(crate) const AUDIT: &str = "/api/v1/audit";
pub(crate) const SEALS: &str = "/api/v1/audit/seals";
/// How far back `since` may lie: a year and a day.
const SINCE_AGE_MAX: Duration = Duration::days(367);

/// The routes of audit records.
pub(crate) fn router() -> Router<Hub> {
    Router::new().route(AUDIT, get(records)).route(SEALS, get(seals))
}

/// Query of the records: one of `entity`, `day` and `since`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordsQuery {
    /// The whole chain of this entity, its first record first.
    #[param(value_type = Option<AuditEntity>)]
    entity: Option<String>,
    /// All records of this day (UTC), in the order of its seal: by the first digit of their hash, the latest first.
    #[param(value_type = Option<DateForm>)]
    day: Option<String>,
    /// The records of the days since then, day by day in the same order; at most 367 days back.
    #[param(value_type = Option<AnyTime>)]
    since: Option<String>,
    /// With `day` or `since`: only what this system or credential did.
    #[param(value_type = Option<AuditActor>)]
    actor: Option<String>,
    #[param(value_type = Option<Limit>)]
    limit: Option<u32>,
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
}

/// Query of the seals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealsQuery {
    #[param(value_type = Option<Limit>)]
    limit: Option<u32>,
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
}

/// A record in the chain of its entity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub(crate) struct RecordView {
    /// What was changed; null where it has no name here.
    #[schema(required)]
    entity: Option<String>,
    /// The same as the hash covers it.
    key: String,
    /// The place in the chain of the entity, from 1.
    place: u64,
    #[schema(value_type = Time)]
    at: String,
    /// `<system>/<credential>` of who asked for it, or `hub`.
    actor: String,
    /// What was done.
    action: String,
    #[schema(required)]
    reason: Option<String>,
    /// What it was before: a status, its fields, or a hash.
    #[schema(required)]
    before: Option<String>,
    /// What it is since.
    #[schema(required)]
    after: Option<String>,
    /// The version that the change made, where the entity has versions.
    version: u64,
    /// The hash of the record before; empty for the first.
    previous: String,
    /// The hash of this one.
    #[schema(value_type = Sha256)]
    hash: String,
}

/// The seal of a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditSeal)]
pub(crate) struct SealView {
    #[schema(value_type = DateForm)]
    day: String,
    /// Its audit records.
    records: u64,
    /// SHA-256 over the hashes (hexadecimal) of its records, in the order that `?day=` lists them.
    #[schema(value_type = Sha256)]
    root: String,
    /// The hash of the seal before; empty for the first.
    previous: String,
    #[schema(value_type = Sha256)]
    hash: String,
    /// The object of the documents bucket that says the same.
    anchor_key: String,
}

/// What is asked for.
enum Asked {
    Chain(Pk),
    Days(AuditDays),
}

/// `GET /api/v1/audit`
async fn records(
    State(hub): State<Hub>,
    caller: Caller,
    query: QueryText,
) -> Result<Json<List<RecordView>>, Problem> {
    caller.require(Scope::AuditRead)?;
    caller.require_line(None)?;
    let query = query.parse::<RecordsQuery>()?;
    let page = Page::parse(query.limit, query.cursor.as_deref())?;
    let is_first = page.cursor.is_none();
    let found = match query.into_asked(hub.clock.now())? {
        Asked::Chain(entity) => {
            let after = position(&page, |text| text.parse().ok().filter(|place| *place > 0))?;
            hub.store.audit_chain(&entity, items_max(&page)?, after).await
        }
        Asked::Days(days) => {
            let from = position(&page, DayPlace::parse)?;
            if from.as_ref().is_some_and(|from| !days.has(from)) {
                return Err(foreign_cursor());
            }
            let found = hub.store.audit_days(&days, items_max(&page)?, from).await;
            let found = found.map_err(|error| store_problem(&error))?;
            return Ok(Json(listed(found)));
        }
    };
    let found = found.map_err(|error| store_problem(&error))?;
    if is_first && found.items.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(Json(listed(found)))
}

/// `GET /api/v1/audit/seals`, the oldest first.
async fn seals(
    State(hub): State<Hub>,
    caller: Caller,
    query: QueryText,
) -> Result<Json<List<SealView>>, Problem> {
    caller.require(Scope::AuditRead)?;
    caller.require_line(None)?;
    let query = query.parse::<SealsQuery>()?;
    let page = Page::parse(query.limit, query.cursor.as_deref())?;
    let after = position(&page, |text| date_of(text).map(|_| text.to_owned()))?;
    let found = hub.store.seal_page(items_max(&page)?, after.as_deref()).await;
    let found = found.map_err(|error| store_problem(&error))?;
    let items = found.items.iter().map(SealView::from).collect();
    Ok(Json(List::new(items, found.next.as_deref())))
}

impl RecordsQuery {
    fn into_asked(self, now: OffsetDateTime) -> Result<Asked, Problem> {
        let actor = self.actor;
        if actor.as_deref().is_some_and(|actor| !is_actor(actor)) {
            return Err(malformed("actor", "a system, <system>/<credential>, or hub"));
        }
        match (self.entity, self.day, self.since) {
            (Some(name), None, None) if actor.is_none() => {
                let entity = Pk::of_entity(&name);
                entity.map(Asked::Chain).ok_or_else(|| malformed("entity", "<kind>:<id>"))
            }
            (None, Some(day), None) => {
                let day = date_of(&day).ok_or_else(|| malformed("day", "YYYY-MM-DD"))?;
                Ok(Asked::Days(AuditDays { first: day, last: day, since: None, actor }))
            }
            (None, None, Some(since)) => {
                let since =
                    parse_rfc3339(&since).ok_or_else(|| malformed("since", "an RFC 3339 time"))?;
                if since < now.saturating_sub(SINCE_AGE_MAX) {
                    return Err(malformed("since", "at most 367 days ago"));
                }
                let first = since.to_offset(time::UtcOffset::UTC).date();
                let since = Some(rfc3339_ms(since));
                Ok(Asked::Days(AuditDays { first, last: now.date().max(first), since, actor }))
            }
            _ => Err(malformed(
                "entity",
                "either entity alone, or day or since, and actor if wanted",
            )),
        }
    }
}

/// The position that the cursor names.
fn position<T>(page: &Page, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    page.cursor.as_deref().map(|text| read(text).ok_or_else(foreign_cursor)).transpose()
}

fn items_max<T: TryFrom<u32>>(page: &Page) -> Result<T, Problem> {
    let none = || Problem::internal(&std::io::Error::other("a limit that is no number of items"));
    T::try_from(page.limit).map_err(|_| none())
}

fn listed(page: store::Page<ChainedRecord>) -> List<RecordView> {
    let next = page.next;
    List::new(page.items.into_iter().map(RecordView::from).collect(), next.as_deref())
}

impl From<ChainedRecord> for RecordView {
    fn from(chained: ChainedRecord) -> Self {
        let ChainedRecord { entity: key, place, record, previous, hash } = chained;
        Self {
            entity: entity_name(&key),
            key,
            place,
            at: record.at,
            actor: record.actor,
            action: record.action,
            reason: record.reason,
            before: record.before,
            after: record.after,
            version: record.version,
            previous,
            hash,
        }
    }
}

impl From<&Seal> for SealView {
    fn from(seal: &Seal) -> Self {
        Self {
            day: seal.day.clone(),
            records: seal.records,
            root: seal.root.clone(),
            previous: seal.previous.clone(),
            hash: seal.hash.clone(),
            anchor_key: seal.anchor_key(),
        }
    }
}
