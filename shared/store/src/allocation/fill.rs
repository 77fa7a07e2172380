//! How far an allocation is used: sums beside it, which every document adds its part to once.
//!
//! A posting keeps what it changed of the counts of its block, found against the very state it was stored
//! with (I5). So the counts of an allocation are the sum over its postings, and a document's part is known
//! without reading a block of any other. The part is added in one transaction with the document's link,
//! which says how many postings were counted: a document counts once however often it is applied, and a
//! run that posted more than an earlier one that was cut short adds the difference.
//!
//! The sums lie beside the allocation, not on it: its copies in the indexes would be written each time.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, TransactWriteItem, Update};
use domain::bitmap::BLOCK_SIZE;
use domain::ids::AllocationId;
use domain::ledger::{BlockState, Bucket};

use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key, new_item, number, text};
use crate::keys::{DOC_PREFIX, Pk, Sk};
use crate::meter::Meter;
use crate::pause::pause;
use crate::pool::{built, is_cancelled};

const ENTITY: &str = "fill";
const LINK_ENTITY: &str = "allocation-document";
/// How often a step is tried again when another document came between.
const TRIES: u32 = 40;
/// The step of the pauses between these tries, milliseconds.
const PAUSE_MS: u64 = 5;

/// How far an allocation is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fill {
    /// Numbers of which anything is known.
    pub used: u64,
    /// Numbers that are on a pack now.
    pub commissioned: u64,
    /// When a document was counted last, RFC 3339; `None` while none was.
    pub at: Option<String>,
    /// The first and the last block that a document was about to touch: beyond them is nothing.
    pub blocks: Option<(u32, u32)>,
    /// The sums as they are kept. For a moment they may be below zero: of two documents at work at once, the
    /// one that takes back what the other states may be counted first.
    pub sums: Gain,
}

/// What a posting, or all postings of a document, changed of an allocation's counts; negative where an
/// error declaration takes facts back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gain {
    /// Numbers of which anything is known.
    pub used: i64,
    /// Numbers that are on a pack now.
    pub commissioned: i64,
}

/// What of a document was counted, or is to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Its postings in the allocation.
    pub postings: u64,
    /// What they changed.
    pub gain: Gain,
}

impl Gain {
    /// What the change of a block's state changes of the counts.
    pub(crate) fn between(before: &BlockState, after: &BlockState) -> Self {
        let of = |state: &BlockState, bucket| {
            let buckets = state.buckets(BLOCK_SIZE).unwrap_or_default();
            i64::try_from(buckets.get(bucket)).unwrap_or(i64::MAX)
        };
        let more = |bucket| of(after, bucket).saturating_sub(of(before, bucket));
        Self {
            used: more(Bucket::Outstanding).saturating_neg(),
            commissioned: more(Bucket::Commissioned),
        }
    }

    /// Adds another change.
    pub fn add(&mut self, more: Self) {
        self.used = self.used.saturating_add(more.used);
        self.commissioned = self.commissioned.saturating_add(more.commissioned);
    }

    fn less(self, known: Self) -> Self {
        Self {
            used: self.used.saturating_sub(known.used),
            commissioned: self.commissioned.saturating_sub(known.commissioned),
        }
    }
}

fn fill_from(item: &Item) -> Result<Fill, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let sums = Gain { used: reader.parsed("used")?, commissioned: reader.parsed("commissioned")? };
    Ok(Fill {
        used: u64::try_from(sums.used).unwrap_or(0),
        commissioned: u64::try_from(sums.commissioned).unwrap_or(0),
        at: reader.optional_text("counted_at")?.map(str::to_owned),
        blocks: Some((reader.parsed("first_block")?, reader.parsed("last_block")?)),
        sums,
    })
}

fn counted_from(item: &Item) -> Result<Counted, Corrupt> {
    let reader = Reader::new(item, LINK_ENTITY)?;
    let gain = Gain {
        used: reader.parsed("used_gain")?,
        commissioned: reader.parsed("commissioned_gain")?,
    };
    Ok(Counted { postings: reader.parsed("postings")?, gain })
}

impl Store {
    /// How far an allocation is used; strongly consistent.
    pub async fn allocation_fill(&self, id: &AllocationId) -> Result<Fill, StoreError> {
        let pk = Pk::Allocation(id.clone());
        let item = self.item_fetch("GetItem fill", &pk, &Sk::Fill).await?;
        Ok(item.as_ref().map(fill_from).transpose()?.unwrap_or_default())
    }

    /// How far an allocation is used, and what of a document was counted; strongly consistent.
    pub async fn allocation_fill_fetch(
        &self,
        (id, content_sha256): (&AllocationId, &str),
    ) -> Result<(Fill, Counted), StoreError> {
        let pk = Pk::Allocation(id.clone());
        let link = Sk::DocumentOf(content_sha256.to_owned());
        let keys = vec![key(&pk, &Sk::Fill), key(&pk, &link)];
        let (mut fill, mut counted) = (Fill::default(), Counted::default());
        for item in self.batch_get("BatchGetItem fill", keys).await? {
            if Reader::raw(&item).text("sk")? == Sk::Fill.to_string() {
                fill = fill_from(&item)?;
            } else {
                counted = counted_from(&item)?;
            }
        }
        Ok((fill, counted))
    }

    /// How far some allocations are used, by id; those that nothing was ever posted to are left out.
    pub(crate) async fn fills(
        &self,
        ids: impl Iterator<Item = &AllocationId>,
    ) -> Result<HashMap<String, Fill>, StoreError> {
        let keys = ids.map(|id| key(&Pk::Allocation(id.clone()), &Sk::Fill)).collect();
        let mut fills = HashMap::new();
        for item in self.batch_get("BatchGetItem fills", keys).await? {
            let reader = Reader::raw(&item);
            let Ok(Pk::Allocation(id)) = reader.text("pk")?.parse() else {
                return Err(reader.corrupt("pk", "is no allocation").into());
            };
            fills.insert(id.to_string(), fill_from(&item)?);
        }
        Ok(fills)
    }

    /// Records which blocks a document is about to touch, before the first one is written; done twice it
    /// changes nothing.
    pub async fn allocation_fill_widen(
        &self,
        id: &AllocationId,
        (first, last): (u32, u32),
        meter: &Meter,
    ) -> Result<(), StoreError> {
        for attempt in 0..TRIES {
            let seen = self.allocation_fill(id).await?.blocks;
            let wide = seen.map_or((first, last), |(low, high)| (low.min(first), high.max(last)));
            if seen == Some(wide) || self.fill_widen(id, (seen, wide), meter).await? {
                return Ok(());
            }
            pause(attempt, PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the fill of the allocation" })
    }

    /// `false` when somebody else widened it since it was read, or counts just now.
    async fn fill_widen(
        &self,
        id: &AllocationId,
        (seen, wide): (Option<(u32, u32)>, (u32, u32)),
        meter: &Meter,
    ) -> Result<bool, StoreError> {
        let pk = Pk::Allocation(id.clone());
        let Some((low, high)) = seen else {
            let mut item = new_item(&pk, &Sk::Fill, ENTITY);
            let fields = [
                ("used", number(0)),
                ("commissioned", number(0)),
                ("first_block", number(wide.0)),
                ("last_block", number(wide.1)),
            ];
            item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
            return self.put_if_absent("PutItem fill", item, meter).await;
        };
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&pk, &Sk::Fill)))
            .update_expression("SET first_block = :first, last_block = :last")
            // I5: the span only grows; from what was read, so that two documents do not forget each other.
            .condition_expression("first_block = :low AND last_block = :high")
            .expression_attribute_values(":first", number(wide.0))
            .expression_attribute_values(":last", number(wide.1))
            .expression_attribute_values(":low", number(low))
            .expression_attribute_values(":high", number(high))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let passing = |error: &UpdateItemError| {
            error.is_conditional_check_failed_exception()
                || error.is_transaction_conflict_exception()
        };
        match outcome {
            Ok(output) => {
                meter.add(output.consumed_capacity());
                Ok(true)
            }
            Err(error) if error.as_service_error().is_some_and(passing) => Ok(false),
            Err(error) => Err(sdk_error("UpdateItem fill", &error)),
        }
    }

    /// Counts a document and links it to the allocation: `all` its postings there, of which `counted` were
    /// counted before. To be called after the last of them was posted; done twice it changes nothing.
    pub async fn allocation_fill_add(
        &self,
        (id, content_sha256): (&AllocationId, &str),
        (mut counted, all): (Counted, Counted),
        now: &str,
        meter: &Meter,
    ) -> Result<(), StoreError> {
        for attempt in 0..TRIES {
            // A run that knows fewer postings than one that ended before it has nothing to add.
            if counted.postings >= all.postings {
                return Ok(());
            }
            let writes = vec![
                self.link_write((id, content_sha256), (counted, all))?,
                self.fill_write(id, all.gain.less(counted.gain), now)?,
            ];
            let outcome = self
                .dynamo
                .transact_write_items()
                .set_transact_items(Some(writes))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            match outcome {
                Ok(output) => {
                    meter.add(output.consumed_capacity());
                    return Ok(());
                }
                Err(error) if is_cancelled(&error) => {}
                Err(error) => return Err(sdk_error("TransactWriteItems fill", &error)),
            }
            pause(attempt, PAUSE_MS).await;
            (_, counted) = self.allocation_fill_fetch((id, content_sha256)).await?;
        }
        Err(StoreError::Conflict { what: "the fill of the allocation" })
    }

    fn link_write(
        &self,
        (id, content_sha256): (&AllocationId, &str),
        (counted, all): (Counted, Counted),
    ) -> Result<TransactWriteItem, StoreError> {
        let sk = Sk::DocumentOf(content_sha256.to_owned());
        let mut item = new_item(&Pk::Allocation(id.clone()), &sk, LINK_ENTITY);
        let fields = [
            ("content_sha256", text(content_sha256)),
            ("postings", number(all.postings)),
            ("used_gain", number(all.gain.used)),
            ("commissioned_gain", number(all.gain.commissioned)),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        if counted.postings == 0 {
            // I5: the document was not counted yet.
            return self.put_new(item);
        }
        let put = aws_sdk_dynamodb::types::Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            // I5: nothing more of it was counted since.
            .condition_expression("postings = :counted")
            .expression_attribute_values(":counted", number(counted.postings))
            .build()
            .map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn fill_write(
        &self,
        id: &AllocationId,
        gain: Gain,
        now: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Allocation(id.clone()), &Sk::Fill)))
            .update_expression("ADD used :used, commissioned :commissioned SET counted_at = :now")
            // The blocks of the document were recorded here before the first of them was written; no stump
            // of an item appears. That the part is added once is the link's condition (I5).
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":used", number(gain.used))
            .expression_attribute_values(":commissioned", number(gain.commissioned))
            .expression_attribute_values(":now", text(now))
            .build()
            .map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The documents that touched an allocation, by content SHA-256. Consistent.
    pub async fn allocation_documents(
        &self,
        allocation: &AllocationId,
    ) -> Result<Vec<String>, StoreError> {
        let links = self.allocation_links(allocation).await?;
        Ok(links.into_iter().map(|(sha, _)| sha).collect())
    }

    /// The same with what the postings of each changed.
    pub async fn allocation_files(
        &self,
        allocation: &AllocationId,
    ) -> Result<Vec<(String, Gain)>, StoreError> {
        let links = self.allocation_links(allocation).await?;
        Ok(links.into_iter().map(|(sha, counted)| (sha, counted.gain)).collect())
    }

    /// The same with what of each was counted.
    pub(crate) async fn allocation_links(
        &self,
        allocation: &AllocationId,
    ) -> Result<Vec<(String, Counted)>, StoreError> {
        let items = self.partition(&Pk::Allocation(allocation.clone()), DOC_PREFIX).await?;
        let link = |item: &Item| {
            let sk = Reader::raw(item).text("sk").map(str::to_owned)?;
            Ok((sk.trim_start_matches(DOC_PREFIX).to_owned(), counted_from(item)?))
        };
        items.iter().map(link).collect()
    }
}

#[cfg(test)]
mod tests {
    use testkit::Dynamo;

    use super::*;

    #[tokio::test]
    async fn what_takes_back_may_be_counted_before_what_it_takes_back() {
        const NOW: &str = "2026-11-23T10:00:00.000Z";
        let dynamo = Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        let id = AllocationId::parse("AAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let meter = Meter::default();
        store.allocation_fill_widen(&id, (0, 1), &meter).await.unwrap();
        let part = |used, commissioned| {
            (Counted::default(), Counted { postings: 1, gain: Gain { used, commissioned } })
        };
        let (states, ends) = ("a".repeat(64), "b".repeat(64));
        store.allocation_fill_add((&id, &ends), part(0, -5), NOW, &meter).await.unwrap();
        let fill = store.allocation_fill(&id).await.unwrap();
        assert_eq!((fill.used, fill.commissioned, fill.sums.commissioned), (0, 0, -5));
        // The other one is delivered again meanwhile, and then counted.
        store.allocation_fill_widen(&id, (0, 3), &meter).await.unwrap();
        store.allocation_fill_add((&id, &states), part(9, 9), NOW, &meter).await.unwrap();
        let fill = store.allocation_fill(&id).await.unwrap();
        assert_eq!((fill.used, fill.commissioned, fill.blocks), (9, 4, Some((0, 3))));
    }
}
