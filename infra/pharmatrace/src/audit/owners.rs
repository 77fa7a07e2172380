//! Whose a serial is, looked up anew in pools, ranges and allocations.
//!
//! This is not the code by which the hub reconciles: the audit says once more, in its own words, to which
//! allocation a serial belongs, so that a mistake there does not hide itself here.

use std::collections::{BTreeMap, HashMap};

use domain::allocation::{Allocation, Reuse};
use domain::bitmap::{Offset, place};
use domain::gtin::Gtin14;
use domain::ids::{AllocationId, PoolId};
use domain::numbering::Numbering;
use domain::pool::{Pool, Scheme, SerialMatch};
use store::list::ListReader;
use store::range::{Range, RangeKind};
use store::{Objects, Store, StoreError};
use tokio::runtime::Handle;

/// Ranges that are remembered; beyond that all are forgotten and read again (I10).
const SPANS_MAX: usize = 20_000;
/// Allocations of one document; its blocks are told apart by their numbers, so none is forgotten.
const ALLOCATIONS_MAX: usize = 20_000;

/// Why a serial could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The document names numbers of more than [`ALLOCATIONS_MAX`] allocations.
    #[error("it names numbers of more than {ALLOCATIONS_MAX} allocations")]
    TooScattered,
    /// The table cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// First and last index of numbers of one owner, and the start and the number of the allocation they belong to.
type Stretch = (u128, u128, Option<(u128, usize)>);

/// A block of an allocation; the allocation by its number here.
pub type BlockKey = (usize, u32);

/// Allocations and their numbers, as far as a document names them.
#[derive(Debug)]
pub struct Owners {
    store: Store,
    objects: Objects,
    runtime: Handle,
    /// By GTIN; those of SSCCs together, by none.
    pools: HashMap<Option<Gtin14>, Vec<Held>>,
    spans: usize,
    allocations: Vec<Allocation>,
    numbers: HashMap<AllocationId, Option<usize>>,
}

/// The last index of a span, and whose its numbers are: the first of all of them, and the allocation.
type Whose = (u128, Option<(u128, usize)>);

/// A pool and what became of its numbers, by first index: the last index, and whose they are.
#[derive(Debug)]
struct Held {
    pool: Pool,
    numbering: Numbering,
    /// Reads imported texts, where it has such.
    list: Option<ListReader>,
    spans: BTreeMap<u128, Whose>,
}

impl Owners {
    /// Knows nothing yet. To be used on a blocking thread.
    #[must_use]
    pub fn new((store, objects): (Store, Objects), runtime: Handle) -> Self {
        let (pools, numbers) = (HashMap::new(), HashMap::new());
        Self { store, objects, runtime, pools, spans: 0, allocations: Vec::new(), numbers }
    }

    /// An allocation by its number.
    #[must_use]
    pub fn allocation(&self, number: usize) -> Option<&Allocation> {
        self.allocations.get(number)
    }

    /// The block that holds a serial of a GTIN, or an SSCC, and its place in it; `None` if it is reserved for
    /// nobody.
    pub fn find(
        &mut self,
        gtin: Option<Gtin14>,
        serial: &str,
    ) -> Result<Option<(BlockKey, Offset)>, LookupError> {
        if !self.pools.contains_key(&gtin) {
            let pools = self.read_pools(gtin)?;
            self.pools.insert(gtin, pools);
        }
        let mut named = None;
        let pools = self.pools.get_mut(&gtin).map_or(&mut [][..], Vec::as_mut_slice);
        for (at, held) in pools.iter_mut().enumerate() {
            let draft = &held.pool.draft;
            let within = |index: &u128| (draft.from..=draft.to).contains(index);
            let index = match &mut held.list {
                Some(list) => self.runtime.block_on(list.index_of(serial))?,
                None => match held.numbering.index_of(serial) {
                    SerialMatch::Index(index) => Some(index),
                    SerialMatch::LeadingZeroStripped(_) | SerialMatch::NotOfScheme => None,
                },
            };
            if let Some(index) = index.filter(within) {
                named = Some((at, index));
                break;
            }
        }
        let Some((at, index)) = named else { return Ok(None) };
        let Some((start, owner)) = self.owner(gtin, at, index)? else { return Ok(None) };
        let found = place(index.saturating_sub(start));
        Ok(found.map(|(block, offset)| ((owner, block), offset)))
    }

    fn read_pools(&mut self, gtin: Option<Gtin14>) -> Result<Vec<Held>, LookupError> {
        let mut pools = Vec::new();
        let boundaries = match gtin {
            Some(gtin) => self.runtime.block_on(self.store.pools_of(gtin))?,
            None => self.runtime.block_on(self.store.pools_of_ssccs())?,
        };
        for boundary in boundaries {
            let state = self.runtime.block_on(self.store.pool_fetch(&boundary.pool_id))?;
            let Some(pool) = state.map(|state| state.pool) else { continue };
            let numbering = self.store.numbering(pool.draft.key, pool.draft.scheme);
            let numbering = self.runtime.block_on(numbering)?;
            let list = match pool.draft.scheme {
                Scheme::List { .. } => {
                    let reader = self.store.list_reader(&self.objects, &pool.id);
                    Some(self.runtime.block_on(reader)?)
                }
                Scheme::Sequential { .. } | Scheme::Randomised { .. } => None,
            };
            pools.push(Held { pool, numbering, list, spans: BTreeMap::new() });
        }
        self.remembered();
        Ok(pools)
    }

    /// The start and the number of the allocation that an index of a pool belongs to.
    fn owner(
        &mut self,
        gtin: Option<Gtin14>,
        at: usize,
        index: u128,
    ) -> Result<Option<(u128, usize)>, LookupError> {
        let held = self.pools.get(&gtin).and_then(|pools| pools.get(at));
        let Some(held) = held.filter(|held| index < held.pool.cursor) else { return Ok(None) };
        let known = held.spans.range(..=index).next_back();
        if let Some((_, (_, owner))) = known.filter(|(_, (last, _))| index <= *last) {
            return Ok(*owner);
        }
        let (first, last, owner) = self.read_span(&held.pool.id.clone(), index)?;
        self.remembered();
        let held = self.pools.get_mut(&gtin).and_then(|pools| pools.get_mut(at));
        if let Some(held) = held {
            held.spans.insert(first, (last, owner));
        }
        Ok(owner)
    }

    fn read_span(&mut self, pool: &PoolId, index: u128) -> Result<Stretch, LookupError> {
        let range = self.runtime.block_on(self.store.range_of(pool, index))?;
        let Some(mut range) = range else { return Ok((index, index, None)) };
        let mut owner = self.range_owner(&range)?;
        let gave = |owner: &(u128, usize)| {
            self.allocation(owner.1).is_some_and(|allocation| allocation.reuse == Reuse::Gave)
        };
        // A void range has nobody, but for the numbers that were offered again.
        let is_void = matches!(range.kind, RangeKind::Void { .. });
        if is_void || owner.as_ref().is_some_and(gave) {
            let since = self.runtime.block_on(self.store.reoffer_of(pool, index))?;
            let Some(since) = since else {
                // Its own up to the next number that was offered again.
                let last = range.start.saturating_add(u128::from(range.size)).saturating_sub(1);
                let next = self.store.reoffers_between(pool, (index, last), 1);
                let next = self.runtime.block_on(next)?;
                let last = next.first().map_or(last, |next| next.start.saturating_sub(1));
                return Ok((index, last, owner));
            };
            owner = self.range_owner(&since)?;
            range = since;
        }
        let last = range.start.saturating_add(u128::from(range.size)).saturating_sub(1);
        Ok((range.start, last, owner))
    }

    fn range_owner(&mut self, range: &Range) -> Result<Option<(u128, usize)>, LookupError> {
        match &range.kind {
            RangeKind::Allocation(id) => Ok(self.number(id)?.map(|number| (range.start, number))),
            RangeKind::Void { .. } => Ok(None),
        }
    }

    /// The number of an allocation that may have postings.
    fn number(&mut self, id: &AllocationId) -> Result<Option<usize>, LookupError> {
        if let Some(number) = self.numbers.get(id) {
            return Ok(*number);
        }
        if self.allocations.len() >= ALLOCATIONS_MAX {
            return Err(LookupError::TooScattered);
        }
        let fetched = self.runtime.block_on(self.store.allocation_fetch(id))?;
        let live = fetched.filter(|allocation| !allocation.status.is_given_up());
        let number = live.map(|allocation| {
            self.allocations.push(allocation);
            self.allocations.len().saturating_sub(1)
        });
        self.numbers.insert(id.clone(), number);
        Ok(number)
    }

    /// Counts what is remembered, and forgets all of it when it is too much.
    fn remembered(&mut self) {
        self.spans = self.spans.saturating_add(1);
        if self.spans > SPANS_MAX {
            self.spans = 0;
            for held in self.pools.values_mut().flatten() {
                held.spans.clear();
            }
        }
    }
}
