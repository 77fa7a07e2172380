//! Which allocation a serial belongs to, looked up while the document streams by.
//!
//! - A pool is read before its ranges: an index that its cursor had passed and that no open entry
//!   held has a range record, for ever. So whatever is cached here stays true for the run.
//! - At most [`RANGES_MAX`] ranges are kept; a document that needs more is refused.
//!
//! The catalog runs on a blocking thread and reads the store through the runtime's handle.

use domain::allocation::Allocation;
use domain::gtin::Gtin14;
use domain::ids::{AllocationId, SystemId};
use domain::pool::{Scheme, SerialMatch};
use rustc_hash::FxHashMap;
use store::pool::PoolState;
use store::range::RangeKind;
use store::{Store, StoreError};
use tokio::runtime::Handle;

/// Ranges that one document may touch.
pub const RANGES_MAX: usize = 1_000;

/// Why a serial could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The document touches more than [`RANGES_MAX`] ranges.
    #[error("too many ranges")]
    TooScattered,
    /// The store failed: try again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The place of a serial in what was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Reserved for the sender: allocation (its number here) and index from its start.
    Mine {
        /// The number of the allocation in the catalog.
        allocation: usize,
        /// Counted from the allocation's start.
        index: u128,
    },
    /// Reserved for another system.
    Foreign {
        /// The number of the allocation in the catalog.
        allocation: usize,
        /// In the pool.
        index: u128,
    },
    /// In a void range.
    Void {
        /// The number of the allocation in the catalog, if the range ever had one.
        allocation: Option<usize>,
        /// In the pool.
        index: u128,
        /// Writes the index as serial.
        scheme: Scheme,
    },
    /// In a pool, but not reserved.
    Unreserved {
        /// In the pool.
        index: u128,
        /// Writes the index as serial.
        scheme: Scheme,
        /// A later reservation may cover it.
        provisional: bool,
    },
    /// The number of a pool's serial that lost its leading zeros.
    Stripped,
    /// No pool of the GTIN has serials like this.
    NotOfScheme,
    /// There is no pool of the GTIN.
    UnknownGtin,
}

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
    what: What,
}

#[derive(Debug)]
struct PoolEntry {
    state: PoolState,
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
    runtime: Handle,
    sender: SystemId,
    gtins: FxHashMap<Gtin14, usize>,
    pools: Vec<Vec<PoolEntry>>,
    allocations: Vec<Allocation>,
    by_id: FxHashMap<String, usize>,
    spans: usize,
    stretch: Option<Stretch>,
}

impl Catalog {
    /// An empty catalog for documents of `sender`. To be used on a blocking thread.
    #[must_use]
    pub fn new(store: Store, runtime: Handle, sender: SystemId) -> Self {
        Self {
            store,
            runtime,
            sender,
            gtins: FxHashMap::default(),
            pools: Vec::new(),
            allocations: Vec::new(),
            by_id: FxHashMap::default(),
            spans: 0,
            stretch: None,
        }
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
        for boundary in self.runtime.block_on(self.store.pools_of_gtin(gtin))? {
            let state = self.runtime.block_on(self.store.pool_fetch(&boundary.pool_id))?;
            pools.extend(state.map(|state| PoolEntry { state, spans: Vec::new(), hot: 0 }));
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
        let mut miss = Found::NotOfScheme;
        for (number, entry) in pools.iter().enumerate() {
            let draft = &entry.state.pool.draft;
            let within = |index: u128| (draft.from..=draft.to).contains(&index);
            let scheme = draft.scheme;
            match scheme.index_of(serial) {
                SerialMatch::Index(index) if within(index) => {
                    let found = self.find_in(gtin, number, index, scheme)?;
                    if let Found::Mine { .. } = found {
                        self.stretch = self.stretch_of(gtin, number);
                    }
                    return Ok(found);
                }
                SerialMatch::Index(index) => {
                    miss = Found::Unreserved { index, scheme, provisional: false };
                }
                SerialMatch::LeadingZeroStripped(index)
                    if within(index) && miss == Found::NotOfScheme =>
                {
                    miss = Found::Stripped;
                }
                SerialMatch::LeadingZeroStripped(_) | SerialMatch::NotOfScheme => {}
            }
        }
        Ok(miss)
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
        let Scheme::Sequential { width } = draft.scheme;
        Some(Stretch {
            gtin,
            width: Some(usize::from(width)).filter(|width| *width <= DIGITS_MAX)?,
            first: u64::try_from(span.first.max(draft.from)).ok()?,
            last: u64::try_from(span.last.min(draft.to)).ok()?,
            allocation,
            start: u64::try_from(span.first).ok()?,
        })
    }

    fn find_in(
        &mut self,
        gtin: usize,
        pool: usize,
        index: u128,
        scheme: Scheme,
    ) -> Result<Found, LookupError> {
        let missing = Found::Unreserved { index, scheme, provisional: true };
        let Some(entry) = self.pools.get_mut(gtin).and_then(|pools| pools.get_mut(pool)) else {
            return Ok(missing);
        };
        if let Some(span) = entry.cached(index) {
            return Ok(found(&span, index, scheme));
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
            None => Span { first: index, last: index, what: What::Unaccounted },
            Some(range) => Span {
                first: range.start,
                last: range.start.saturating_add(u128::from(range.size)).saturating_sub(1),
                what: self.what(range.kind)?,
            },
        };
        self.spans = self.spans.saturating_add(1);
        if self.spans > RANGES_MAX {
            return Err(LookupError::TooScattered);
        }
        let answer = found(&span, index, scheme);
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

fn found(span: &Span, index: u128, scheme: Scheme) -> Found {
    match span.what {
        What::Mine(allocation) => {
            Found::Mine { allocation, index: index.saturating_sub(span.first) }
        }
        What::Foreign(allocation) => Found::Foreign { allocation, index },
        What::Void(allocation) => Found::Void { allocation, index, scheme },
        What::Unaccounted => Found::Unreserved { index, scheme, provisional: false },
    }
}
