//! Lines: the newest heartbeat of each, and the list of all.
//!
//! Heartbeats are joined to what is stored, and a join is the same in any order and any number of times
//! (see [`domain::telemetry`]). What is left to hold here is that two deliveries at once lose nothing:
//! an item is written only if it is still the one that was joined to, and otherwise joined again.
//!
//! Write units: one for a minute of up to about 60 heartbeats and one for the line, whatever the number
//! of heartbeats in the delivery; there is no index. 500 heartbeats of one line at one a second are 9 or
//! 10 minutes, so about 11 units (19 where the minutes grow over a kilobyte), all written at the same time;
//! 500 that lie in 500 minutes, after a night without a network, are 501 units, 16 at a time.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use domain::gln::Gln;
use domain::telemetry::{Added, Heartbeat, Line};
use tokio::task::JoinSet;

use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key};
use crate::keys::{LINE_PREFIX, Pk, Sk};
pub use crate::line_item::MINUTE_KEPT_S;
use crate::line_item::{line_from, line_to_item, listed_from, listed_item};
pub use crate::line_minute::{HOURS_MAX, RECENT_MS, Window};
use crate::meter::Meter;
use crate::pause::pause;
use crate::pool::is_cancelled;
use crate::{Page, Store};

/// How often an item is joined again after somebody else changed it.
pub(crate) const JOIN_TRIES: u32 = 40;
/// The step of the pauses between these tries, milliseconds.
pub(crate) const JOIN_PAUSE_MS: u64 = 5;
/// Items of a delivery that are written at the same time.
const WRITES_AT_ONCE: usize = 16;

/// An item to join heartbeats to, and the places of these heartbeats in their delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Target {
    Minute(Gln, u64),
    Line(Gln),
}

impl Target {
    fn key(self) -> (Pk, Sk) {
        match self {
            Self::Minute(gln, start_ms) => (Pk::Line(gln), Sk::Minute(start_ms)),
            Self::Line(gln) => (Pk::Line(gln), Sk::Line),
        }
    }
}

impl Store {
    /// Joins heartbeats of any lines to what is known of them and says for each whether it was new.
    /// Whatever part of it was done before, doing it again completes it.
    ///
    /// # Errors
    /// `Conflict` when an item did not come to rest in many tries; what was written by then stays.
    pub async fn line_ingest(
        &self,
        heartbeats: &[Heartbeat],
        meter: &Meter,
    ) -> Result<Vec<Added>, StoreError> {
        let mut parts: BTreeMap<Target, Vec<usize>> = BTreeMap::new();
        for (place, heartbeat) in heartbeats.iter().enumerate() {
            let minute = Target::Minute(heartbeat.line, heartbeat.sample.minute_ms());
            for target in [minute, Target::Line(heartbeat.line)] {
                parts.entry(target).or_default().push(place);
            }
        }
        let mut stored = self.line_items(parts.keys().copied()).await?;
        let mut added = vec![Added::Repeated; heartbeats.len()];
        let mut running = JoinSet::new();
        let mut parts = parts.into_iter();
        loop {
            while running.len() < WRITES_AT_ONCE
                && let Some((target, places)) = parts.next()
            {
                let part: Vec<Heartbeat> =
                    places.iter().filter_map(|place| heartbeats.get(*place).cloned()).collect();
                let (item, store, meter) = (stored.remove(&target), self.clone(), meter.clone());
                running.spawn(async move {
                    let verdicts = store.line_join(target, item, &part, &meter).await?;
                    Ok::<_, StoreError>((places, verdicts))
                });
            }
            let Some(done) = running.join_next().await else {
                return Ok(added);
            };
            let failed = |error: tokio::task::JoinError| StoreError::Unavailable {
                operation: "PutItem line",
                detail: error.to_string(),
            };
            let (places, verdicts) = done.map_err(failed)??;
            for (place, verdict) in places.iter().zip(verdicts) {
                if let Some(slot) = added.get_mut(*place) {
                    *slot = verdict;
                }
            }
        }
    }

    /// The items of all targets that exist, read at once.
    async fn line_items(
        &self,
        targets: impl Iterator<Item = Target>,
    ) -> Result<HashMap<Target, Item>, StoreError> {
        let mut wanted = HashMap::new();
        let mut keys = Vec::new();
        for target in targets {
            let (pk, sk) = target.key();
            keys.push(key(&pk, &sk));
            wanted.insert((pk.to_string(), sk.to_string()), target);
        }
        let mut items = HashMap::new();
        for item in self.batch_get("BatchGetItem line", keys).await? {
            let reader = Reader::raw(&item);
            let place = (reader.text("pk")?.to_owned(), reader.text("sk")?.to_owned());
            if let Some(target) = wanted.get(&place) {
                items.insert(*target, item);
            }
        }
        Ok(items)
    }

    /// Verdicts for the heartbeats of a minute; none for those of a line.
    async fn line_join(
        &self,
        target: Target,
        item: Option<Item>,
        part: &[Heartbeat],
        meter: &Meter,
    ) -> Result<Vec<Added>, StoreError> {
        match target {
            Target::Minute(gln, start_ms) => {
                self.line_minute_join((gln, start_ms), item, part, meter).await
            }
            Target::Line(gln) => {
                self.line_hear(gln, item, part, meter).await?;
                Ok(Vec::new())
            }
        }
    }

    /// Joins heartbeats to what is known of a line; nothing is written when that is no news.
    async fn line_hear(
        &self,
        gln: Gln,
        mut item: Option<Item>,
        part: &[Heartbeat],
        meter: &Meter,
    ) -> Result<(), StoreError> {
        for attempt in 0..JOIN_TRIES {
            let (mut line, version) = match (&item, part.first()) {
                (Some(item), _) => line_from(item)?,
                (None, Some(first)) => (Line::new(first.clone()), 0),
                (None, None) => return Ok(()),
            };
            let news = part.iter().filter(|heartbeat| line.hear(heartbeat)).count();
            if version > 0 && news == 0 {
                return Ok(());
            }
            let next = line_to_item(&line, version.saturating_add(1));
            let written = if version == 0 {
                self.line_create(gln, next, meter).await?
            } else {
                self.put_version("PutItem line", next, version, meter).await?
            };
            if written {
                return Ok(());
            }
            pause(attempt, JOIN_PAUSE_MS).await;
            item = self.item_fetch("GetItem line", &Pk::Line(gln), &Sk::Line).await?;
        }
        Err(StoreError::Conflict { what: "the line" })
    }

    /// The first item of a line together with its place in the list, so that no line is unlisted.
    async fn line_create(&self, gln: Gln, item: Item, meter: &Meter) -> Result<bool, StoreError> {
        let outcome = self
            .dynamo
            .transact_write_items()
            // Nobody heard the line before; who did joins to the item that is there.
            .transact_items(self.put_new(item)?)
            .transact_items(self.put_new(listed_item(gln))?)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match outcome {
            Ok(output) => {
                meter.add(output.consumed_capacity());
                Ok(true)
            }
            Err(error) if is_cancelled(&error) => Ok(false),
            Err(error) => Err(sdk_error("TransactWriteItems line", &error)),
        }
    }

    /// A line; strongly consistent.
    pub async fn line_fetch(&self, gln: Gln) -> Result<Option<Line>, StoreError> {
        let item = self.item_fetch("GetItem line", &Pk::Line(gln), &Sk::Line).await?;
        Ok(item.as_ref().map(line_from).transpose()?.map(|(line, _)| line))
    }

    /// Those of some lines that were heard, by GLN; strongly consistent.
    pub async fn lines_fetch(&self, glns: &[Gln]) -> Result<Vec<Line>, StoreError> {
        let keys = glns.iter().map(|gln| key(&Pk::Line(*gln), &Sk::Line)).collect();
        let items = self.batch_get("BatchGetItem lines", keys).await?;
        let lines: Result<Vec<Line>, Corrupt> =
            items.iter().map(|item| line_from(item).map(|(line, _)| line)).collect();
        let mut lines = lines?;
        lines.sort_by_key(|line| *line.gln());
        Ok(lines)
    }

    /// One page of all lines by GLN; strongly consistent. `next` is the GLN to go on after.
    pub async fn line_list(
        &self,
        limit: i32,
        after: Option<Gln>,
    ) -> Result<Page<Line>, StoreError> {
        let after = after.map(Sk::LineOf);
        let page = self.keys_after(&Pk::Lines, LINE_PREFIX, limit, after.as_ref()).await?;
        let glns: Result<Vec<Gln>, Corrupt> = page.items.iter().map(listed_from).collect();
        let glns = glns?;
        let next = page.next.and(glns.last()).map(ToString::to_string);
        Ok(Page { items: self.lines_fetch(&glns).await?, next })
    }
}
