//! What one document says about one block.

use super::transition::{Told, violation};
use crate::bitmap::{BlockSet, Offset};
use crate::fact::Fact;
use crate::finding::Code;

/// Groups a posting keeps apart; what exceeds them shares one `mixed` group per fact.
pub const GROUPS_MAX: usize = 64;
/// Event times of one lot and fact that are kept apart before a group covers a span of time.
const TIMED_MAX: usize = 8;

/// What an event says about some serials.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The fact.
    pub fact: Fact,
    /// The event's own lot.
    pub lot: Option<&'a str>,
    /// The event's own expiry, `YYYY-MM-DD` where it could be normalised.
    pub expiry: Option<&'a str>,
    /// The event time in milliseconds since 1970.
    pub time_ms: i64,
    /// The event's position in the document, from 1.
    pub ordinal: u64,
    /// It is said of numbers or labels, not of packs (see [`crate::fact::Statement`]).
    pub is_bare: bool,
}

/// Serials of a block about which a document says the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The fact.
    pub fact: Fact,
    /// The events' lot.
    pub lot: Option<String>,
    /// The events' expiry.
    pub expiry: Option<String>,
    /// The group took what exceeded [`GROUPS_MAX`]: its lot and expiry say nothing.
    pub mixed: bool,
    /// The earliest event time, milliseconds since 1970.
    pub time_first_ms: i64,
    /// The latest event time.
    pub time_last_ms: i64,
    /// The first event's position in the document.
    pub ordinal_first: u64,
    /// The last event's position.
    pub ordinal_last: u64,
    /// It is said of numbers or labels, not of packs.
    pub is_bare: bool,
    /// The serials.
    pub serials: BlockSet,
}

impl Group {
    fn new(claim: &Claim<'_>, mixed: bool) -> Self {
        let own = |text: Option<&str>| text.filter(|_| !mixed).map(str::to_owned);
        Self {
            fact: claim.fact,
            lot: own(claim.lot),
            expiry: own(claim.expiry),
            mixed,
            time_first_ms: claim.time_ms,
            time_last_ms: claim.time_ms,
            ordinal_first: claim.ordinal,
            ordinal_last: claim.ordinal,
            is_bare: claim.is_bare,
            serials: BlockSet::new(),
        }
    }

    fn is_of(&self, claim: &Claim<'_>) -> bool {
        self.fact == claim.fact
            && !self.mixed
            && self.is_bare == claim.is_bare
            && self.lot.as_deref() == claim.lot
            && self.expiry.as_deref() == claim.expiry
    }

    /// The fact with its times.
    #[must_use]
    pub fn told(&self) -> Told {
        Told { fact: self.fact, first_ms: self.time_first_ms, last_ms: self.time_last_ms }
    }

    fn is_at(&self, claim: &Claim<'_>) -> bool {
        self.time_first_ms == claim.time_ms && self.time_last_ms == claim.time_ms
    }

    fn widen(&mut self, claim: &Claim<'_>) {
        self.time_first_ms = self.time_first_ms.min(claim.time_ms);
        self.time_last_ms = self.time_last_ms.max(claim.time_ms);
        self.ordinal_first = self.ordinal_first.min(claim.ordinal);
        self.ordinal_last = self.ordinal_last.max(claim.ordinal);
    }
}

/// A posting in the making: what the events of a document said about a block so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Groups of serials; the groups of one fact are disjoint.
    pub groups: Vec<Group>,
    /// Facts that error declarations took back and this document had not stated before.
    pub retractions: Vec<(Fact, BlockSet)>,
    /// Serials with something to remark that needs no other posting (wrong lot, twice in the file).
    pub marks: Vec<(Code, BlockSet)>,
}

impl Draft {
    /// Adds serials for which one event states a fact.
    ///
    /// A serial for which the document states the fact already is marked `DUPLICATE_IN_FILE`, unless
    /// it is commissioned again after its end; what breaks the table of transitions is marked so.
    pub fn assert_all(&mut self, claim: &Claim<'_>, serials: &BlockSet) {
        let again = self.violations(claim, serials);
        let mut fresh = serials.clone();
        for group in self.groups.iter().filter(|group| group.fact == claim.fact) {
            fresh.subtract(&group.serials);
        }
        let mut twice = serials.difference(&fresh);
        twice.subtract(&again);
        self.mark(Code::DuplicateInFile, &twice);
        let at = self.group_for(claim);
        if let Some(group) = self.groups.get_mut(at) {
            group.widen(claim);
            group.serials.union_with(&fresh);
        }
    }

    /// The same for one serial, without building a set where nothing is remarkable.
    pub fn assert_one(&mut self, claim: &Claim<'_>, serial: Offset) {
        let plain = self.groups.iter().all(|group| !group.serials.contains(serial));
        if !plain {
            return self.assert_all(claim, &BlockSet::from_iter([serial]));
        }
        let at = self.group_for(claim);
        if let Some(group) = self.groups.get_mut(at) {
            group.widen(claim);
            group.serials.insert(serial);
        }
    }

    /// Takes a fact back: first where this document stated it, the rest is a retraction.
    pub fn retract(&mut self, fact: Fact, serials: &BlockSet) {
        let mut rest = serials.clone();
        for group in self.groups.iter_mut().filter(|group| group.fact == fact) {
            let here = group.serials.intersection(&rest);
            group.serials.subtract(&here);
            rest.subtract(&here);
        }
        self.groups.retain(|group| !group.serials.is_empty());
        for (_, marked) in &mut self.marks {
            marked.subtract(&serials.difference(&rest));
        }
        self.marks.retain(|(_, marked)| !marked.is_empty());
        if !rest.is_empty() {
            add_to(&mut self.retractions, fact, &rest);
        }
    }

    /// Remarks something about serials.
    pub fn mark(&mut self, code: Code, serials: &BlockSet) {
        if !serials.is_empty() {
            add_to(&mut self.marks, code, serials);
        }
    }

    /// All serials for which the fact is stated.
    #[must_use]
    pub fn stated(&self, fact: Fact) -> BlockSet {
        union(&self.groups, |group| group.fact == fact)
    }

    /// Whether nothing is left to post.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.retractions.is_empty()
    }

    /// Bytes held on the heap by sets.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let groups = self.groups.iter().map(|group| group.serials.heap_bytes());
        let retracted = self.retractions.iter().map(|(_, set)| set.heap_bytes());
        let marked = self.marks.iter().map(|(_, set)| set.heap_bytes());
        groups.chain(retracted).chain(marked).fold(0, usize::saturating_add)
    }

    /// Marks what the claim breaks next to what this document said before; gives the serials that are
    /// commissioned after their end.
    fn violations(&mut self, claim: &Claim<'_>, serials: &BlockSet) -> BlockSet {
        let now = Told { fact: claim.fact, first_ms: claim.time_ms, last_ms: claim.time_ms };
        let mut found: Vec<(Code, BlockSet)> = Vec::new();
        for group in self.groups.iter().filter(|group| group.fact != claim.fact) {
            if let Some(code) = violation(group.told(), now) {
                add_to(&mut found, code, &group.serials.intersection(serials));
            }
        }
        for (code, set) in &found {
            self.mark(*code, set);
        }
        let again = found.into_iter().find(|(code, _)| *code == Code::RecommissionAfterTerminal);
        again.map(|(_, set)| set).unwrap_or_default()
    }

    fn group_for(&mut self, claim: &Claim<'_>) -> usize {
        let (mut timed, mut wide) = (0_usize, None);
        for (at, group) in self.groups.iter().enumerate().filter(|(_, group)| group.is_of(claim)) {
            if group.is_at(claim) {
                return at;
            }
            timed = timed.saturating_add(1);
            wide = wide.or(Some(at));
        }
        let room = self.groups.len() < GROUPS_MAX;
        if room && (claim.fact.is_terminal() || timed < TIMED_MAX) {
            return self.push(Group::new(claim, false));
        }
        let same = |g: &Group| g.fact == claim.fact && g.mixed && g.is_bare == claim.is_bare;
        let mixed = || self.groups.iter().position(same);
        match wide.filter(|_| !claim.fact.is_terminal()).or_else(mixed) {
            Some(at) => at,
            None => self.push(Group::new(claim, true)),
        }
    }

    fn push(&mut self, group: Group) -> usize {
        self.groups.push(group);
        self.groups.len().saturating_sub(1)
    }
}

/// The union of the serials of some groups.
pub(super) fn union(groups: &[Group], pick: impl Fn(&Group) -> bool) -> BlockSet {
    let mut all = BlockSet::new();
    for group in groups.iter().filter(|group| pick(group)) {
        all.union_with(&group.serials);
    }
    all
}

/// Adds a set under a key of a small list.
pub(super) fn add_to<K: PartialEq>(list: &mut Vec<(K, BlockSet)>, key: K, serials: &BlockSet) {
    match list.iter_mut().find(|(known, _)| *known == key) {
        Some((_, set)) => set.union_with(serials),
        None => list.push((key, serials.clone())),
    }
}

/// What was found when a posting was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Serials that no other posting had commissioned.
    pub newly_commissioned: u32,
    /// Serials commissioned before with the same lot and expiry.
    pub repeated: u32,
    /// What is to be remarked, with the serials concerned.
    pub findings: Vec<(Code, BlockSet)>,
}

/// What a document says about a block, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Posting {
    /// Groups of serials; the groups of one fact are disjoint.
    pub groups: Vec<Group>,
    /// Facts taken back.
    pub retractions: Vec<(Fact, BlockSet)>,
    /// What was found.
    pub verdict: Verdict,
}

impl Posting {
    /// All serials for which the fact is stated.
    #[must_use]
    pub fn stated(&self, fact: Fact) -> BlockSet {
        union(&self.groups, |group| group.fact == fact)
    }
}
