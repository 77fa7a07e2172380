//! What the sweep saw of a pool, kept from one look to the next, and the events that follow from it.
//!
//! A look and its events are written together under the version that was read: so every crossing gives one
//! event, whoever looks, however often, and wherever it is cut short. The pool's own item is only read.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use domain::ids::PoolId;
use domain::pool::Pool;
use domain::replenish::{Burn, Level, Told};
use domain::watch::{Sample, Watch};

use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key, new_item, number, text};
use crate::keys::{Pk, Sk};
use crate::pool::{built, is_cancelled};
use crate::pool_event::PoolEvent;

const ENTITY: &str = "pool-watch";

/// What was seen of a pool, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWatch {
    /// What was seen.
    pub watch: Watch,
    /// Events of the pool so far.
    pub events: u64,
    /// Counts the writes; 0 for what is not stored yet.
    version: u64,
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The level of the pool now.
    pub level: Level,
    /// How fast numbers are reserved, where it is watched.
    pub burn: Option<Burn>,
    /// Events that were written.
    pub told: Vec<Told>,
}

impl Store {
    /// Looks at a pool that was just read, and writes down what there is to tell. `None` when another look
    /// came first, or when nobody wants to know.
    pub async fn pool_look(
        &self,
        pool: &Pool,
        (now, now_ms): (&str, u64),
    ) -> Result<Option<Look>, StoreError> {
        let stored = self.watch_fetch(&pool.id).await?;
        if stored.is_none() && !pool.is_watched() && pool.remaining > 0 {
            return Ok(None);
        }
        let before = stored.unwrap_or_else(|| StoredWatch {
            watch: Watch::new(pool),
            events: 0,
            version: 0,
        });
        let mut after = before.clone();
        let seen = after.watch.look(pool, now_ms);
        let mut events = Vec::new();
        for told in &seen.told {
            after.events = after.events.saturating_add(1);
            let was = before.watch.to;
            events.push(PoolEvent::new(pool, (*told, after.events), (seen.burn, was), now));
        }
        if after == before && before.version > 0 {
            return Ok(Some(Look { level: after.watch.level, burn: seen.burn, told: Vec::new() }));
        }
        after.version = before.version.saturating_add(1);
        let is_first = self.watch_put(&pool.id, &after, &events).await?;
        let look = Look { level: after.watch.level, burn: seen.burn, told: seen.told };
        Ok(is_first.then_some(look))
    }

    /// What was seen of a pool. Not consistent: who has read an old one is refused when writing.
    async fn watch_fetch(&self, id: &PoolId) -> Result<Option<StoredWatch>, StoreError> {
        let call = self.dynamo.get_item().table_name(&*self.table);
        let output = call.set_key(Some(key(&Pk::Pool(id.clone()), &Sk::Watch))).send().await;
        let output = output.map_err(|error| sdk_error("GetItem pool watch", &error))?;
        Ok(output.item.as_ref().map(from_item).transpose()?)
    }

    /// `false` when another look was written since the one that was read.
    async fn watch_put(
        &self,
        id: &PoolId,
        stored: &StoredWatch,
        events: &[PoolEvent],
    ) -> Result<bool, StoreError> {
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(to_item(id, stored)))
            // I5: each look follows from the one that was read, so a crossing is told once.
            .condition_expression("attribute_not_exists(pk) OR #version = :seen")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":seen", number(stored.version.saturating_sub(1)))
            .build()
            .map_err(|error| built(&error))?;
        let mut writes = vec![TransactWriteItem::builder().put(put).build()];
        for event in events {
            writes.push(self.put_new(event.to_item())?);
        }
        let call = self.dynamo.transact_write_items().set_transact_items(Some(writes));
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_cancelled(&error) => Ok(false),
            Err(error) => Err(sdk_error("TransactWriteItems pool watch", &error)),
        }
    }
}

fn to_item(id: &PoolId, stored: &StoredWatch) -> Item {
    let watch = &stored.watch;
    let mut item = new_item(&Pk::Pool(id.clone()), &Sk::Watch, ENTITY);
    // Short texts: a day of samples fits into one unit.
    let samples = watch.samples.iter().map(|one| text(format!("{}:{}", one.at_ms, one.reserved)));
    let fields = [
        ("version", number(stored.version)),
        ("level", text(watch.level.as_str())),
        ("to", number(watch.to)),
        ("events", number(stored.events)),
        ("samples", AttributeValue::L(samples.collect())),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    item
}

pub(crate) fn from_item(item: &Item) -> Result<StoredWatch, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let level =
        Level::parse(reader.text("level")?).ok_or_else(|| reader.corrupt("level", "is unknown"))?;
    let broken = || reader.corrupt("samples", "are malformed");
    let mut samples = Vec::new();
    for sample in reader.texts("samples")? {
        let (at_ms, reserved) = sample.split_once(':').ok_or_else(broken)?;
        let (at_ms, reserved) = (at_ms.parse().ok(), reserved.parse().ok());
        let (at_ms, reserved) = at_ms.zip(reserved).ok_or_else(broken)?;
        samples.push(Sample { at_ms, reserved });
    }
    Ok(StoredWatch {
        watch: Watch { level, to: reader.parsed("to")?, samples },
        events: reader.parsed("events")?,
        version: reader.parsed("version")?,
    })
}
