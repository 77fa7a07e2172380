//! What the model knows: the table, the callers, the sweeper, and the copies still under way.

use std::collections::{BTreeMap, BTreeSet};

/// Allocation id: the hash of system and request id in the product, a small number here.
pub type Id = u8;

/// A request as a caller holds it. Two with the same id are duplicates; another `body` under the same id
/// is the misuse that I3 refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Request {
    pub id: Id,
    pub body: u8,
    /// What this caller asks of the pool. Duplicates may differ here where a part may be granted.
    pub size: u8,
    pub pool: usize,
}

/// An entry of `open_start` and `open_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    pub start: u8,
    pub size: u8,
    pub body: u8,
}

/// A `RANGE#` item: an allocation's, or void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Range {
    pub size: u8,
    pub of: Option<Id>,
}

/// A pool and its ranges. `to` is the end of its numbers (exclusive); `remaining` is held beside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pool {
    pub from: u8,
    pub to: u8,
    pub cursor: u8,
    pub remaining: u8,
    pub open: BTreeMap<Id, Entry>,
    pub ranges: BTreeMap<u8, Range>,
}

impl Pool {
    pub fn new(from: u8, to: u8) -> Self {
        let (open, ranges) = (BTreeMap::new(), BTreeMap::new());
        Self { from, to, cursor: from, remaining: to - from, open, ranges }
    }
}

/// An `ALLOC#` item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Allocation {
    pub pool: usize,
    pub start: u8,
    pub size: u8,
    pub body: u8,
}

/// What a caller was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    Reserved(Allocation),
    /// 409: the id was used for another body.
    IdReuse,
    /// 422: too few numbers.
    TooFew,
    /// 503: the sweeper was quicker, twice.
    Unavailable,
}

/// What a caller does after step 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum After {
    Answer(Answer),
    /// The sweeper took the entry: step 1 once more.
    Again,
}

/// Where a caller stands: the next call to the table, with what it holds in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum At {
    /// Step 1.
    Find,
    /// Step 2; `to` is the bound of the pool as read before, of no use to the true protocol.
    Open {
        to: u8,
    },
    /// Step 3: the transaction.
    Record {
        entry: Entry,
    },
    /// Step 3 was called off: reads the allocation again.
    Judge {
        entry: Entry,
    },
    /// Puts its own range void if absent, then step 4.
    Void {
        entry: Entry,
        after: After,
    },
    /// Step 4.
    Close {
        start: u8,
        after: After,
    },
    Done(Answer),
    Crashed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Caller {
    pub at: At,
    /// Whether step 1 was taken a second time.
    pub again: bool,
}

/// The sweeper holds at most one entry; it may stop and start anew at any point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sweeper {
    Idle,
    Seen { pool: usize, id: Id, entry: Entry },
    Close { pool: usize, id: Id, start: u8 },
}

/// A write that was sent and of which a copy may still arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Write {
    Open { request: Request, to: u8 },
    Record { id: Id, pool: usize, entry: Entry },
    Void { pool: usize, id: Id, entry: Entry },
    Close { pool: usize, id: Id, start: u8 },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub pools: Vec<Pool>,
    pub allocations: BTreeMap<Id, Allocation>,
    pub callers: Vec<Caller>,
    pub sweeper: Sweeper,
    /// Writes sent so far; any of them may arrive once more while `late_left` lasts.
    pub sent: BTreeSet<Write>,
    pub late_left: u8,
    pub crashes_left: u8,
    /// Whether the operator may still cut the first pool at its cursor and give the rest to the second.
    pub cut_left: bool,
}
