//! Ledger blocks and the postings of documents in them.
//!
//! I5: state and posting are written in one transaction; the state only if nobody changed it since it
//! was read, the posting only if this document has none. So a document counts once in a block however
//! often, in whatever order and by however many workers at once it is applied, and a verdict was
//! always found against the very state it is stored with.

mod post;
mod review;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use domain::allocation::{Allocation, AllocationStatus};
use domain::bitmap::{BLOCK_SIZE, BlockSet};
use domain::fact::Fact;
use domain::ids::AllocationId;
use domain::ledger::transition::Told;
use domain::ledger::{Balance, BlockState, Posting};

use crate::Store;
use crate::allocation::Gain;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key, new_item, number, text};
use crate::keys::{DOC_PREFIX, Pk, Sk};
use crate::pool::built;

pub(crate) use self::post::{GivenUp, Said};
pub use self::review::Posted;

const STATE_ENTITY: &str = "block";
const POSTING_ENTITY: &str = "posting";
/// DynamoDB's limit of one batch of reads.
const BATCH_GET_MAX: usize = 100;

/// Where a posting goes.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The allocation.
    pub allocation: &'a AllocationId,
    /// The block in it.
    pub block: u32,
    /// The document, by the SHA-256 of its inflated bytes.
    pub content_sha256: &'a str,
}

fn state_item(allocation: &AllocationId, block: u32, state: &BlockState, version: u64) -> Item {
    let mut item = new_item(&Pk::Block(allocation.clone(), block), &Sk::State, STATE_ENTITY);
    item.insert("version".to_owned(), number(version));
    item.insert("retracted".to_owned(), AttributeValue::Bool(state.retracted));
    for (fact, serials) in state.facts() {
        let bytes = AttributeValue::B(serials.encode().into());
        item.insert(fact.as_str().to_owned(), bytes);
    }
    for told in Fact::BY_PRECEDENCE.into_iter().filter_map(|fact| state.told(fact)) {
        let span = format!("{} {}", told.first_ms, told.last_ms);
        item.insert(times_of(told.fact), text(span));
    }
    item
}

/// The attribute with the earliest and the latest event time of a fact; items of older releases have none.
fn times_of(fact: Fact) -> String {
    format!("{}_ms", fact.as_str())
}

fn state_from(item: &Item) -> Result<BlockState, Corrupt> {
    let reader = Reader::new(item, STATE_ENTITY)?;
    let flag = item.get("retracted").and_then(|v| v.as_bool().ok());
    let mut state = BlockState::default();
    state.version = reader.parsed("version")?;
    state.retracted = flag.copied() == Some(true);
    for fact in Fact::BY_PRECEDENCE {
        if item.contains_key(fact.as_str()) {
            let serials = BlockSet::decode(reader.bytes(fact.as_str())?)
                .map_err(|_| reader.corrupt(fact.as_str(), "is no set of serials"))?;
            state.set(fact, serials);
        }
        let name = times_of(fact);
        if let Some(span) = reader.optional_text(&name)? {
            let times = span.split_once(' ').and_then(|(first, last)| {
                Some(Told { fact, first_ms: first.parse().ok()?, last_ms: last.parse().ok()? })
            });
            state.tell(times.ok_or_else(|| reader.corrupt(&name, "is no span of time"))?);
        }
    }
    Ok(state)
}

fn posting_item(place: Place<'_>, posting: &Posting, gain: Gain) -> Item {
    let pk = Pk::Block(place.allocation.clone(), place.block);
    let mut item = new_item(&pk, &Sk::DocumentOf(place.content_sha256.to_owned()), POSTING_ENTITY);
    item.insert("body".to_owned(), AttributeValue::B(posting.encode().into()));
    item.insert("newly_commissioned".to_owned(), number(posting.verdict.newly_commissioned));
    item.insert("repeated".to_owned(), number(posting.verdict.repeated));
    item.insert("used_gain".to_owned(), number(gain.used));
    item.insert("commissioned_gain".to_owned(), number(gain.commissioned));
    item
}

fn posting_from(item: &Item) -> Result<Posting, Corrupt> {
    let reader = Reader::new(item, POSTING_ENTITY)?;
    Posting::decode(reader.bytes("body")?).map_err(|_| reader.corrupt("body", "is no posting"))
}

fn posted_from(item: &Item) -> Result<(Posting, Gain), Corrupt> {
    let reader = Reader::new(item, POSTING_ENTITY)?;
    let gain = Gain {
        used: reader.parsed("used_gain")?,
        commissioned: reader.parsed("commissioned_gain")?,
    };
    Ok((posting_from(item)?, gain))
}

impl Store {
    /// What is known of a block; empty when nothing was ever posted. Strongly consistent.
    pub async fn block_fetch(
        &self,
        allocation: &AllocationId,
        block: u32,
    ) -> Result<BlockState, StoreError> {
        let pk = Pk::Block(allocation.clone(), block);
        let item = self.item_fetch("GetItem block", &pk, &Sk::State).await?;
        Ok(item.as_ref().map(state_from).transpose()?.unwrap_or_default())
    }

    /// The posting of a document in a block. Strongly consistent.
    pub async fn posting_fetch(&self, place: Place<'_>) -> Result<Option<Posting>, StoreError> {
        Ok(self.posted_fetch(place).await?.map(|(posting, _)| posting))
    }

    /// The same with what it changed.
    pub(crate) async fn posted_fetch(
        &self,
        place: Place<'_>,
    ) -> Result<Option<(Posting, Gain)>, StoreError> {
        let pk = Pk::Block(place.allocation.clone(), place.block);
        let sk = Sk::DocumentOf(place.content_sha256.to_owned());
        let item = self.item_fetch("GetItem posting", &pk, &sk).await?;
        Ok(item.as_ref().map(posted_from).transpose()?)
    }

    /// All postings of a block with the documents they are of. Strongly consistent.
    pub async fn block_postings(
        &self,
        allocation: &AllocationId,
        block: u32,
    ) -> Result<Vec<(String, Posting)>, StoreError> {
        let items = self.partition(&Pk::Block(allocation.clone(), block), DOC_PREFIX).await?;
        let mut postings = Vec::with_capacity(items.len());
        for item in &items {
            let sha = Reader::raw(item).text("sk")?.trim_start_matches(DOC_PREFIX).to_owned();
            postings.push((sha, posting_from(item)?));
        }
        Ok(postings)
    }

    async fn block_and_posting(
        &self,
        place: Place<'_>,
    ) -> Result<(BlockState, Option<(Posting, Gain)>), StoreError> {
        let pk = Pk::Block(place.allocation.clone(), place.block);
        let posting = Sk::DocumentOf(place.content_sha256.to_owned());
        let keys = vec![key(&pk, &Sk::State), key(&pk, &posting)];
        let (mut state, mut posted) = (BlockState::default(), None);
        for item in self.batch_get("BatchGetItem block", keys).await? {
            if Reader::raw(&item).text("sk")? == Sk::State.to_string() {
                state = state_from(&item)?;
            } else {
                posted = Some(posted_from(&item)?);
            }
        }
        Ok((state, posted))
    }

    /// The blocks `first` to `last` of an allocation that anything was posted to. Consistent.
    pub async fn block_list(
        &self,
        allocation: &AllocationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<(u32, BlockState)>, StoreError> {
        self.blocks_of(allocation, first..=last).await
    }

    /// Those of some blocks of an allocation that anything was posted to, ascending. Consistent.
    pub async fn blocks_of(
        &self,
        allocation: &AllocationId,
        blocks: impl IntoIterator<Item = u32>,
    ) -> Result<Vec<(u32, BlockState)>, StoreError> {
        let state = |block| key(&Pk::Block(allocation.clone(), block), &Sk::State);
        let keys = blocks.into_iter().map(state).collect();
        let mut states = Vec::new();
        for item in self.batch_get("BatchGetItem blocks", keys).await? {
            let reader = Reader::raw(&item);
            match reader.text("pk")?.parse::<Pk>() {
                Ok(Pk::Block(_, block)) => states.push((block, state_from(&item)?)),
                Ok(_) | Err(_) => return Err(reader.corrupt("pk", "is no block").into()),
            }
        }
        states.sort_by_key(|(block, _)| *block);
        Ok(states)
    }

    /// I4 of an allocation, computed from its blocks.
    pub async fn allocation_balance(&self, allocation: &Allocation) -> Result<Balance, StoreError> {
        let blocks = allocation.size.div_ceil(u64::from(BLOCK_SIZE));
        let last = u32::try_from(blocks.saturating_sub(1)).unwrap_or(u32::MAX);
        let touched = allocation.status.may_be_used();
        // Activation comes before the first block: an allocation in any other state has none.
        let states =
            if touched { self.block_list(&allocation.id, 0, last).await? } else { Vec::new() };
        let over = allocation.status == AllocationStatus::Closed || allocation.status.is_given_up();
        let blocks = states.iter().map(|(block, state)| (*block, state));
        Ok(Balance::of(allocation.size, over, blocks))
    }

    /// Reads items by key, in batches; strongly consistent; absent ones are left out.
    pub(crate) async fn batch_get(
        &self,
        operation: &'static str,
        keys: Vec<Item>,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut rest = keys;
        while !rest.is_empty() {
            let next = rest.split_off(rest.len().min(BATCH_GET_MAX));
            let request = KeysAndAttributes::builder()
                .set_keys(Some(rest))
                .consistent_read(true)
                .build()
                .map_err(|error| built(&error))?;
            let output = self
                .dynamo
                .batch_get_item()
                .request_items(&*self.table, request)
                .send()
                .await
                .map_err(|error| sdk_error(operation, &error))?;
            items.extend(output.responses.unwrap_or_default().into_values().flatten());
            rest = next;
            // What DynamoDB did not get to goes into the next batch.
            let left = output.unprocessed_keys.unwrap_or_default();
            rest.extend(left.into_values().flat_map(|keys| keys.keys));
        }
        Ok(items)
    }
}
