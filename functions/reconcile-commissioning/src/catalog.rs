//! Which allocation a serial belongs to, looked up while the document streams by.
//!
//! - A pool is read before its ranges: an index that its cursor had passed and that no open entry
//!   held has a range record, for ever. So whatever is cached here stays true for the run,
//!   but for numbers that are given back meanwhile: their posting finds that out, and the document is read again.
//! - At most [`RANGES_MAX`] ranges are kept; a document that needs more is refused.
//!
//! - Sequential numbers are asked first, then the spaces: a text that a space has and that is no number
//!   of a sequential pool is deciphered by the caller, with others of its space.
//!
//! The catalog runs on a blocking thread and reads the store through the runtime's handle.

mod found;
mod lists;
mod since;
mod spaces;
mod ssccs;
mod ways;

use domain::allocation::Allocation;
use domain::gtin::Gtin14;
use domain::ids::{AllocationId, SystemId};
use domain::numbering::Numbering;
use domain::pool::{PoolDraft, Scheme, SerialMatch};
use rustc_hash::FxHashMap;
use store::pool::PoolState;
use store::range::RangeKind;
use store::{Objects, Store};
use tokio::runtime::Handle;

pub use self::found::{Found, LookupError};
pub use self::lists::LIST_READS_MAX;
use self::lists::{Listed, Opened};
pub use self::spaces::Reach;
use self::ssccs::Ssccs;
pub use self::ways::{Spelling, Way, Ways};

/// Ranges that one document may touch.
pub const RANGES_MAX: usize = 1_000;

#[derive(Debug, Clone, Copy)]
enum What {
    Mine(usize),
    Foreign(usize),
    Void(Option<usize>),
    Unaccounted,
}

#[derive(Debug)]
struct Span {
    first: u128,
    last: u128,
    /// Where the allocation's own numbers begin: before `first` where others have some of them.
    start: u128,
    what: What,
    /// It is the part of an allocation that others left of it.
    is_part: bool,
}

#[derive(Debug)]
struct PoolEntry {
    state: PoolState,
    /// The number of its way.
    way: usize,
    /// Its texts, where they were imported.
    list: Option<Box<Listed>>,
    /// Sorted by `first`.
    spans: Vec<Span>,
    hot: usize,
}

/// A part of one allocation of the sender that no other pool of its GTIN overlaps: most serials lie in
/// the one where the serial before lay.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    gtin: usize,
    width: usize,
    first: u64,
    last: u64,
    allocation: usize,
    /// Where the allocation's range begins.
    start: u64,
}

/// Pools, ranges and allocations as far as this document needed them.
#[derive(Debug)]
pub struct Catalog {
    store: Store,
    /// Where imported texts are; without it none is found.
    objects: Option<Objects>,
    /// The lists that were read.
    opened: Opened,
    runtime: Handle,
    sender: SystemId,
    gtins: FxHashMap<Gtin14, usize>,
    pools: Vec<Vec<PoolEntry>>,
    ways: Ways,
    allocations: Vec<Allocation>,
    by_id: FxHashMap<String, usize>,
    spans: usize,
    /// Parts of allocations that gave numbers back.
    parts: usize,
    stretch: Option<Stretch>,
    /// The pools of SSCCs, once one was met.
    ssccs: Option<Ssccs>,
    /// When the documents are judged, RFC 3339; `None` where they are only looked at.
    now: Option<String>,
}

impl Catalog {
    /// An empty catalog for documents of `sender`. To be used on a blocking thread.
    #[must_use]
    pub fn new(store: Store, runtime: Handle, sender: SystemId) -> Self {
        Self {
            store,
            objects: None,
            opened: Opened::default(),
            runtime,
            sender,
            gtins: FxHashMap::default(),
            pools: Vec::new(),
            ways: Ways::default(),
            allocations: Vec::new(),
            by_id: FxHashMap::default(),
            spans: 0,
            parts: 0,
            stretch: None,
            ssccs: None,
            now: None,
        }
    }

    /// The same with the buckets, where imported texts are.
    #[must_use]
    pub fn with_objects(self, objects: Objects) -> Self {
        Self { objects: Some(objects), ..self }
    }

    /// The ways of all pools that were looked up.
    #[must_use]
    pub fn ways(&self) -> &Ways {
        &self.ways
    }

    /// The ways, for what is made of the fold.
    #[must_use]
    pub fn into_ways(self) -> Ways {
        self.ways
    }

    /// An allocation by its number here.
    #[must_use]
    pub fn allocation(&self, number: usize) -> Option<&Allocation> {
        self.allocations.get(number)
    }

    /// The number of a GTIN here; its pools are read when it is new.
    pub fn gtin(&mut self, gtin: &Gtin14) -> Result<usize, LookupError> {
        if let Some(number) = self.gtins.get(gtin) {
            return Ok(*number);
        }
        let mut pools = Vec::new();
        for boundary in self.runtime.block_on(self.store.pools_of(gtin))? {
            let state = self.runtime.block_on(self.store.pool_fetch(&boundary.pool_id))?;
            let Some(state) = state else { continue };
            let way = self.way_of(&state.pool.draft)?;
            let list = Listed::of(&boundary);
            pools.push(PoolEntry { state, way, list, spans: Vec::new(), hot: 0 });
        }
        // A document full of foreign GTINs is not kept in memory whole.
        self.spans = self.spans.saturating_add(1);
        if self.spans > RANGES_MAX {
            return Err(LookupError::TooScattered);
        }
        let number = self.pools.len();
        self.pools.push(pools);
        self.gtins.insert(*gtin, number);
        Ok(number)
    }

    /// The number of a pool's way; a key is asked for once.
    fn way_of(&mut self, draft: &PoolDraft) -> Result<usize, LookupError> {
        let spelling = Spelling::of(draft.key, draft.scheme);
        if let Some(number) = self.ways.number(spelling) {
            return Ok(number);
        }
        let numbering = self.store.numbering(draft.key, draft.scheme);
        let numbering = self.runtime.block_on(numbering)?;
        let company_prefix_length = draft.company_prefix_length;
        Ok(self.ways.add(Way { spelling, numbering, company_prefix_length }))
    }

    /// What [`Catalog::find`] would find, where that is [`Found::Mine`] in the allocation that it
    /// found last: the allocation, and the index from its start.
    #[inline]
    #[must_use]
    pub fn near(&self, gtin: usize, serial: &str) -> Option<(usize, u64)> {
        let stretch = self.stretch.as_ref()?;
        if stretch.gtin != gtin || stretch.width != serial.len() {
            return None;
        }
        let index = number(serial.as_bytes())?;
        let holds = stretch.first <= index && index <= stretch.last;
        holds.then(|| (stretch.allocation, index.saturating_sub(stretch.start)))
    }

    /// Looks a serial of a GTIN up.
    pub fn find(&mut self, gtin: usize, serial: &str) -> Result<Found, LookupError> {
        let Some(pools) = self.pools.get(gtin).filter(|pools| !pools.is_empty()) else {
            return Ok(Found::UnknownGtin);
        };
        let (mut miss, mut space) = (Found::NotOfScheme, None);
        for (number, entry) in pools.iter().enumerate() {
            let draft = &entry.state.pool.draft;
            let within = |index: u128| (draft.from..=draft.to).contains(&index);
            let way = entry.way;
            let Some(numbering) = Numbering::keyless(draft.key, draft.scheme) else {
                let cipher = self.ways.get(way).and_then(|way| way.numbering.cipher());
                if cipher.is_some_and(|cipher| cipher.has(serial.as_bytes())) {
                    space = space.or(Some(way));
                }
                continue;
            };
            match numbering.index_of(serial) {
                SerialMatch::Index(index) if within(index) => {
                    let found = self.find_in((gtin, number), index, way)?;
                    if let Found::Mine { .. } = found {
                        self.stretch = self.stretch_of(gtin, number);
                    }
                    return Ok(found);
                }
                SerialMatch::Index(index) => {
                    miss = Found::Unreserved { index, way, provisional: false };
                }
                SerialMatch::LeadingZeroStripped(index)
                    if within(index) && miss == Found::NotOfScheme =>
                {
                    miss = Found::Stripped;
                }
                SerialMatch::LeadingZeroStripped(_) | SerialMatch::NotOfScheme => {}
            }
        }
        if let Some(way) = space {
            return Ok(Found::InSpace { way });
        }
        let listed = pools.iter().any(|entry| entry.list.is_some());
        let found = if listed { self.find_listed(gtin, serial)? } else { None };
        Ok(found.unwrap_or(miss))
    }

    /// The part of the pool that was found last.
    fn stretch_of(&self, gtin: usize, pool: usize) -> Option<Stretch> {
        let pools = self.pools.get(gtin)?;
        let entry = pools.get(pool)?;
        let draft = &entry.state.pool.draft;
        // Another pool of the same spelling might be asked first.
        let same = |other: &&PoolEntry| other.state.pool.draft.scheme == draft.scheme;
        if pools.iter().filter(same).count() != 1 {
            return None;
        }
        let span = entry.spans.get(entry.hot)?;
        let What::Mine(allocation) = span.what else { return None };
        let Scheme::Sequential { width } = draft.scheme else { return None };
        Some(Stretch {
            gtin,
            width: Some(usize::from(width)).filter(|width| *width <= DIGITS_MAX)?,
            first: u64::try_from(span.first.max(draft.from)).ok()?,
            last: u64::try_from(span.last.min(draft.to)).ok()?,
            allocation,
            start: u64::try_from(span.start).ok()?,
        })
    }

    fn find_in(
        &mut self,
        (gtin, pool): (usize, usize),
        index: u128,
        way: usize,
    ) -> Result<Found, LookupError> {
        let missing = Found::Unreserved { index, way, provisional: true };
        let Some(entry) = self.pools.get_mut(gtin).and_then(|pools| pools.get_mut(pool)) else {
            return Ok(missing);
        };
        if let Some(span) = entry.cached(index) {
            return Ok(found(&span, index, way));
        }
        let open = |entry: &&store::pool::OpenEntry| {
            let end = entry.start.saturating_add(u128::from(entry.size));
            (entry.start..end).contains(&index)
        };
        if index >= entry.state.pool.cursor || entry.state.open.iter().any(|e| open(&e)) {
            return Ok(missing);
        }
        let id = entry.state.pool.id.clone();
        let range = self.runtime.block_on(self.store.range_of(&id, index))?;
        let span = match range {
            None => {
                let (first, last, start, what) = (index, index, index, What::Unaccounted);
                Span { first, last, start, what, is_part: false }
            }
            Some(range) => {
                let of_void = self.named_void(&id, &range, index)?;
                let span = self.span_of(range)?;
                if of_void || self.gave_back(&span) {
                    self.owned_since(&id, &span, index)?
                } else {
                    span
                }
            }
        };
        self.count(&span)?;
        let answer = found(&span, index, way);
        if let Some(entry) = self.pools.get_mut(gtin).and_then(|pools| pools.get_mut(pool)) {
            let at = entry.spans.partition_point(|known| known.first < span.first);
            entry.spans.insert(at, span);
            entry.hot = at;
        }
        Ok(answer)
    }

    fn what(&mut self, kind: RangeKind) -> Result<What, LookupError> {
        let (id, void) = match kind {
            RangeKind::Allocation(id) => (id, false),
            RangeKind::Void { allocation_id: Some(id), .. } => (id, true),
            RangeKind::Void { allocation_id: None, .. } => return Ok(What::Void(None)),
        };
        let Some(number) = self.number_of(&id)? else {
            return Ok(if void { What::Void(None) } else { What::Unaccounted });
        };
        let allocation = self.allocations.get(number);
        let voided = allocation.is_some_and(|a| a.status.is_given_up());
        Ok(if void || voided {
            What::Void(Some(number))
        } else if allocation.is_some_and(|a| a.system_id == self.sender) {
            What::Mine(number)
        } else {
            What::Foreign(number)
        })
    }

    fn number_of(&mut self, id: &AllocationId) -> Result<Option<usize>, LookupError> {
        if let Some(number) = self.by_id.get(id.as_str()) {
            return Ok(Some(*number));
        }
        let Some(allocation) = self.runtime.block_on(self.store.allocation_fetch(id))? else {
            return Ok(None);
        };
        let number = self.allocations.len();
        self.allocations.push(allocation);
        self.by_id.insert(id.as_str().to_owned(), number);
        Ok(Some(number))
    }
}

impl PoolEntry {
    fn cached(&mut self, index: u128) -> Option<Span> {
        let holds = |span: &Span| span.first <= index && index <= span.last;
        if !self.spans.get(self.hot).is_some_and(holds) {
            let after = self.spans.partition_point(|span| span.first <= index);
            self.hot = after.checked_sub(1)?;
        }
        let span = self.spans.get(self.hot).filter(|span| holds(span))?;
        Some(Span { ..*span })
    }
}

/// Digits that fit into 64 bits, whichever they are.
const DIGITS_MAX: usize = 19;

/// The number of at most [`DIGITS_MAX`] digits.
#[inline]
fn number(digits: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    let mut wrong = 0_u8;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        wrong |= u8::from(digit > 9);
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    (wrong == 0).then_some(number)
}

fn found(span: &Span, index: u128, way: usize) -> Found {
    match span.what {
        What::Mine(allocation) => {
            Found::Mine { allocation, index: index.saturating_sub(span.start) }
        }
        What::Foreign(allocation) => Found::Foreign { allocation, index },
        What::Void(allocation) => Found::Void { allocation, index, way },
        What::Unaccounted => Found::Unreserved { index, way, provisional: false },
    }
}
