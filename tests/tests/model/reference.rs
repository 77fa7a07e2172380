//! What a hub should be, as plain maps: written from design.md and the decisions, with no code of the
//! product but the names it derives (allocation ids). It forgets nothing and is in no hurry.

mod changes;
mod documents;
mod ends;
mod judge;
mod order;
mod pools;
mod reoffer;
mod turns;

use std::collections::{BTreeMap, BTreeSet};

use self::changes::Change;
use self::documents::Document;
pub use self::documents::Notice;
use self::ends::Ending;
pub use self::judge::EXPIRY;
pub use self::pools::{Asked, request_id};
use crate::op::{Kind, Wish};

/// Numbers of a ledger block.
pub const BLOCK: u64 = 32_768;

/// A hub.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    /// Seconds since 1970.
    pub now: i64,
    pub pools: BTreeMap<String, Pool>,
    pub allocations: BTreeMap<String, Allocation>,
    /// What documents say, by allocation and block, and there by document.
    pub ledger: BTreeMap<(String, u64), BTreeMap<String, Posting>>,
    pub documents: BTreeMap<String, Document>,
    /// Count and whether it is open.
    pub findings: BTreeMap<Finding, (u64, bool)>,
    /// Numbers given up, by the document that it became.
    pub changes: BTreeMap<String, Change>,
    /// Every object that was put.
    pub notices: Vec<Notice>,
    /// The pools of a GTIN as the process that serves requests has read them.
    pub known: BTreeMap<&'static str, Vec<String>>,
    /// Which pools that process takes for those that offer returned numbers again, and since when.
    pub offering: BTreeMap<String, (bool, i64)>,
    /// When the last search for lost notices ended.
    pub searched_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    pub gtin: &'static str,
    pub space: Option<usize>,
    pub eu: bool,
    /// It offers returned numbers again.
    pub reoffer: bool,
    pub from: u64,
    pub to: u64,
    pub active: bool,
    pub max_request: u64,
    pub cursor: u64,
    pub remaining: u64,
    pub open: BTreeMap<String, Entry>,
    pub ranges: BTreeMap<u64, Range>,
    /// Returned numbers by the first of a run.
    pub runs: BTreeMap<u64, Run>,
    /// Those of them that were taken again, as ranges.
    pub again: BTreeMap<u64, Range>,
}

/// Numbers that were returned together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub size: u64,
    /// The first that nobody has taken since.
    pub next: u64,
    pub of: String,
    /// A document named one of them all the same.
    pub withdrawn: bool,
}

/// A reservation that moved the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub start: u64,
    pub size: u64,
    pub wish: Wish,
    pub at: i64,
}

/// What became of numbers below the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub size: u64,
    pub allocation: String,
    /// Why nobody may use them.
    pub void: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    pub system: &'static str,
    pub request: u64,
    pub wish: Wish,
    pub pool: String,
    pub start: u64,
    pub size: u64,
    pub status: Status,
    pub reuse: Reuse,
    pub ending: Ending,
    /// When the hold ends, and whether the caller confirmed.
    pub hold: Option<(i64, bool)>,
}

/// Whether an allocation has to do with numbers that are used a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    None,
    Gave,
    Took,
}

impl Reuse {
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gave => " gave",
            Self::Took => " took",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Pending,
    Reserved,
    Exported,
    Active,
    /// Its end waits for a review.
    Review,
    Closed,
    Voided,
    Expired,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending_confirmation",
            Self::Reserved => "reserved",
            Self::Exported => "exported",
            Self::Active => "active",
            Self::Review => "pending_review",
            Self::Closed => "closed",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }

    /// The line is done with it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Review | Self::Closed)
    }

    pub fn is_given_up(self) -> bool {
        matches!(self, Self::Voided | Self::Expired)
    }
}

impl Allocation {
    pub fn is_unconfirmed(&self) -> bool {
        self.hold.is_some_and(|(_, confirmed)| !confirmed)
    }
}

/// What one document says of one block, and what was found when it was posted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posting {
    /// By number within the allocation.
    pub said: BTreeMap<u64, Said>,
    pub newly: BTreeSet<u64>,
    pub repeated: BTreeSet<u64>,
    pub found: BTreeMap<&'static str, BTreeSet<u64>>,
}

/// What a document says of a number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub claims: BTreeMap<Kind, Claim>,
    /// What it takes back without having said it.
    pub back: BTreeSet<Kind>,
    /// What there is to remark.
    pub marks: BTreeSet<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub lot: Option<&'static str>,
    pub expiry: Option<&'static str>,
    pub time: i64,
    /// Said of a number or a label, not of a pack.
    pub bare: bool,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub sha: String,
    pub system: String,
    pub code: String,
    pub allocation: Option<String>,
    pub gtin: Option<String>,
    pub provisional: bool,
}

/// Facts in the order in which they decide where a number is.
pub const PRECEDENCE: [(Kind, &str); 8] = [
    (Kind::Destroy, "destroyed"),
    (Kind::Decommission, "decommissioned"),
    (Kind::Sample, "sampled"),
    (Kind::Scrap, "scrapped"),
    (Kind::Commission, "commissioned"),
    (Kind::Encode, "encoded"),
    (Kind::Return, "returned"),
    (Kind::Deactivate, "deactivated"),
];

impl Reference {
    /// The facts that hold of each number of an allocation: said more often than taken back.
    pub fn facts(&self, allocation: &str) -> BTreeMap<u64, BTreeSet<Kind>> {
        let first = (allocation.to_owned(), 0);
        let own = self.ledger.range(first..).take_while(|((id, _), _)| id == allocation);
        own.flat_map(|((_, _), postings)| facts(postings.values())).collect()
    }

    /// The space of an allocation's numbers.
    pub fn space_of(&self, allocation: &Allocation) -> Option<usize> {
        self.pools[&allocation.pool].space
    }

    /// How many numbers are where.
    pub fn balance(&self, id: &str) -> BTreeMap<&'static str, u64> {
        let Some(allocation) = self.allocations.get(id) else { return BTreeMap::new() };
        let (mut balance, mut rest) = (BTreeMap::new(), allocation.size);
        for kinds in self.facts(id).values() {
            let first = PRECEDENCE.iter().find(|(kind, _)| kinds.contains(kind));
            if let Some((_, bucket)) = first {
                *balance.entry(*bucket).or_insert(0) += 1;
                rest -= 1;
            }
        }
        let over = allocation.status == Status::Closed || allocation.status.is_given_up();
        *balance.entry(if over { "deactivated" } else { "outstanding" }).or_insert(0) += rest;
        balance
    }

    /// Opens a finding, or finds it again.
    fn find(&mut self, finding: Finding, count: u64) {
        self.findings.insert(finding, (count, true));
    }
}

/// What holds of each number when some postings are put together.
pub fn facts<'a>(postings: impl IntoIterator<Item = &'a Posting>) -> BTreeMap<u64, BTreeSet<Kind>> {
    let mut said: BTreeMap<u64, BTreeMap<Kind, i64>> = BTreeMap::new();
    for (number, one) in postings.into_iter().flat_map(|posting| &posting.said) {
        let counts = said.entry(*number).or_default();
        for kind in one.claims.keys() {
            *counts.entry(*kind).or_default() += 1;
        }
        for kind in &one.back {
            *counts.entry(*kind).or_default() -= 1;
        }
    }
    let mut held = BTreeMap::new();
    for (number, counts) in said {
        let kinds: BTreeSet<Kind> =
            counts.into_iter().filter(|(_, count)| *count > 0).map(|(kind, _)| kind).collect();
        if !kinds.is_empty() {
            held.insert(number, kinds);
        }
    }
    held
}
