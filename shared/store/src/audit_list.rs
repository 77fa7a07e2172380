//! Audit records for whoever wants to verify them: a chain from its beginning, and the records of days in the
//! very order in which the seals of those days were computed.
//!
//! Days are read from an index and may lag a moment; chains are consistent. A record of a change of a pool
//! may wait in the pool's item for a minute before it is in its chain.

use domain::ids::SystemId;
use time::Date;

use crate::audit_record::{ChainedRecord, DAY_SHARDS, HUB};
use crate::error::StoreError;
use crate::item::Corrupt;
use crate::keys::{AUDIT_PREFIX, Pk, Sk, listing};
use crate::time::{date_of, date_text, parse_rfc3339};
use crate::{Page, Store};

/// Parts of days that one page reads at the most: it ends there although it may not be full.
const PARTS_MAX: u32 = 64;

/// Which records are wanted: those of some days.
#[derive(Debug, Clone)]
pub struct AuditDays {
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
    /// Only what was done then or later, RFC 3339 UTC with milliseconds.
    pub since: Option<String>,
    /// Only what this one did: a system, `<system>/<credential>`, or [`HUB`].
    pub actor: Option<String>,
}

/// Where reading goes on: a part of a day, and the index key after which it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayPlace {
    day: Date,
    shard: char,
    after: Option<String>,
}

impl DayPlace {
    /// The beginning of a day.
    fn beginning(day: Date) -> Self {
        Self { day, shard: DAY_SHARDS.chars().next().unwrap_or_default(), after: None }
    }

    /// Reads its text; only what this module writes, because the table would refuse others.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '/');
        let (day, shard, after) = (parts.next()?, parts.next()?, parts.next()?);
        let mut letters = shard.chars();
        let shard = letters.next().filter(|shard| DAY_SHARDS.contains(*shard))?;
        let after = (!after.is_empty()).then(|| after.to_owned());
        let known = letters.next().is_none() && after.as_deref().is_none_or(is_list_key);
        known.then(|| Some(Self { day: date_of(day)?, shard, after }))?
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        let after = self.after.as_deref().unwrap_or_default();
        format!("{}/{}/{after}", date_text(self.day), self.shard)
    }

    /// The beginning of the next part, up to the end of the last day.
    fn next_part(&self, last: Date) -> Option<Self> {
        let next = DAY_SHARDS.chars().skip_while(|shard| *shard != self.shard).nth(1);
        match next {
            Some(shard) => Some(Self { day: self.day, shard, after: None }),
            None => self.day.next_day().filter(|day| *day <= last).map(Self::beginning),
        }
    }
}

/// `<time>#<entity>#<place>`, as [`ChainedRecord::list_key`] writes it.
fn is_list_key(text: &str) -> bool {
    let parts = text.split_once('#').and_then(|(at, rest)| Some((at, rest.rsplit_once('#')?)));
    parts.is_some_and(|(at, (entity, place))| {
        parse_rfc3339(at).is_some()
            && entity.parse::<Pk>().is_ok()
            && format!("{AUDIT_PREFIX}{place}").parse::<Sk>().is_ok()
    })
}

impl AuditDays {
    fn is_wanted(&self, record: &ChainedRecord) -> bool {
        let by = |actor: &String| {
            record.actor == *actor
                || record.actor.split_once('/').is_some_and(|(system, _)| system == actor)
        };
        self.actor.as_ref().is_none_or(by)
    }

    /// Whether reading may go on there.
    #[must_use]
    pub fn has(&self, place: &DayPlace) -> bool {
        (self.first..=self.last).contains(&place.day)
    }
}

/// Whether a text can be an actor.
#[must_use]
pub fn is_actor(text: &str) -> bool {
    let (system, credential) = text.split_once('/').unwrap_or((text, "a"));
    let plain = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    text == HUB || SystemId::parse(system).is_ok() && plain(credential)
}

impl Store {
    /// One page of the chain of an entity, its first record first; consistent. `after` is the place of the
    /// last record of the page before, and so is `next`.
    pub async fn audit_chain(
        &self,
        entity: &Pk,
        limit: i32,
        after: Option<u64>,
    ) -> Result<Page<ChainedRecord>, StoreError> {
        let after = after.map(Sk::Audit);
        let page = self.keys_after(entity, AUDIT_PREFIX, limit, after.as_ref()).await?;
        let items: Result<Vec<ChainedRecord>, Corrupt> =
            page.items.iter().map(ChainedRecord::from_item).collect();
        let items = items?;
        let next = page.next.and(items.last()).map(|record| record.place.to_string());
        Ok(Page { items, next })
    }

    /// One page of the records of days: day by day, within a day part by part and the latest of each first.
    /// A page may hold less than its limit although more follow. May lag a moment.
    pub async fn audit_days(
        &self,
        wanted: &AuditDays,
        limit: usize,
        from: Option<DayPlace>,
    ) -> Result<Page<ChainedRecord>, StoreError> {
        let mut place = from.unwrap_or_else(|| DayPlace::beginning(wanted.first));
        let mut items = Vec::new();
        for _ in 0..PARTS_MAX {
            let partition = listing::audit_day(&date_text(place.day), place.shard);
            let (since, after) = (wanted.since.as_deref(), place.after.as_deref());
            let page = self.listing_page(&partition, since, after).await?;
            for item in &page.items {
                let record = ChainedRecord::from_item(item)?;
                place.after = Some(record.list_key());
                if wanted.is_wanted(&record) {
                    items.push(record);
                }
                if items.len() == limit {
                    return Ok(Page { items, next: Some(place.text()) });
                }
            }
            if page.next.is_some() {
                place.after = page.next;
            } else if let Some(next) = place.next_part(wanted.last) {
                place = next;
            } else {
                return Ok(Page { items, next: None });
            }
        }
        Ok(Page { items, next: Some(place.text()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_foreign_ones_are_none() {
        let entity = Pk::Document("ab".repeat(32));
        let key = format!("2026-11-23T10:00:00.000Z#{entity}#000000000007");
        for text in ["2026-11-23/0/".to_owned(), format!("2026-11-23/f/{key}")] {
            assert_eq!(DayPlace::parse(&text).unwrap().text(), text);
        }
        for text in ["", "2026-11-23", "2026-02-30/0/", "2026-11-23/g/", "2026-11-23/00/", "7/0/x"]
        {
            assert_eq!(DayPlace::parse(text), None, "{text}");
        }
        for broken in ["x", "2026-11-23T10:00:00.000Z#X#000000000007"] {
            assert_eq!(DayPlace::parse(&format!("2026-11-23/0/{broken}")), None, "{broken}");
        }
    }

    #[test]
    fn parts_follow_in_the_order_of_the_seal_up_to_the_last_day() {
        let (first, last) = (date_of("2026-11-30").unwrap(), date_of("2026-12-01").unwrap());
        let mut place = Some(DayPlace::beginning(first));
        let mut seen = String::new();
        while let Some(at) = place {
            seen.push(at.shard);
            place = at.next_part(last);
        }
        assert_eq!(seen, format!("{DAY_SHARDS}{DAY_SHARDS}"));
    }

    #[test]
    fn actors_are_systems_credentials_or_the_hub() {
        for actor in ["hub", "L1", "L1/abc", "guardian-line-3/c7"] {
            assert!(is_actor(actor), "{actor}");
        }
        for actor in ["", "/", "L1/", "/c", "a b", "L1/a#b"] {
            assert!(!is_actor(actor), "{actor}");
        }
    }
}
