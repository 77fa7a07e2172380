//! What is known of one block.

use super::balance::{Bucket, Buckets};
use super::posting::{Group, Posting};
use super::transition::Told;
use crate::bitmap::{BLOCK_SIZE, BlockSet, Offset};
use crate::fact::Fact;

/// One set per fact seen. The version is that of the stored item; 0 = there is none yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockState {
    facts: [BlockSet; 8],
    /// The earliest and the latest event time of each fact, milliseconds since 1970.
    times: [Option<(i64, i64)>; 8],
    /// The version of the stored item, counted up by each write.
    pub version: u64,
    /// Some posting takes a fact back: the sets are those computed from all postings.
    pub retracted: bool,
}

impl BlockState {
    /// The serials of which the fact holds.
    #[must_use]
    pub fn of(&self, fact: Fact) -> &BlockSet {
        static NONE: BlockSet = BlockSet::EMPTY;
        self.facts.get(fact.rank()).unwrap_or(&NONE)
    }

    /// Replaces the serials of a fact, when reading an item.
    pub fn set(&mut self, fact: Fact, serials: BlockSet) {
        if let Some(slot) = self.facts.get_mut(fact.rank()) {
            *slot = serials;
        }
    }

    /// The facts of which there are serials.
    pub fn facts(&self) -> impl Iterator<Item = (Fact, &BlockSet)> {
        Fact::BY_PRECEDENCE.into_iter().zip(&self.facts).filter(|(_, set)| !set.is_empty())
    }

    /// The earliest and the latest event time of a fact. Unknown where no document stated it, and in items
    /// of a release that did not keep it.
    #[must_use]
    pub fn told(&self, fact: Fact) -> Option<Told> {
        let (first_ms, last_ms) = self.times.get(fact.rank()).copied().flatten()?;
        Some(Told { fact, first_ms, last_ms })
    }

    /// Widens the times of a fact.
    pub fn tell(&mut self, told: Told) {
        if let Some(times) = self.times.get_mut(told.fact.rank()) {
            let (first, last) = times.unwrap_or((told.first_ms, told.last_ms));
            *times = Some((first.min(told.first_ms), last.max(told.last_ms)));
        }
    }

    /// Whether at least two facts of the block hold, and of which serials.
    #[must_use]
    pub(super) fn contradictory(&self) -> BlockSet {
        let (mut once, mut twice) = (BlockSet::new(), BlockSet::new());
        for (_, set) in self.facts() {
            twice.union_with(&once.intersection(set));
            once.union_with(set);
        }
        twice
    }

    /// Adds the groups of a posting.
    pub fn add(&mut self, groups: &[Group]) {
        for group in groups {
            // Beside serials of which the times are not known, these would be told for all.
            let are_known = self.of(group.fact).is_empty() || self.told(group.fact).is_some();
            if let Some(slot) = self.facts.get_mut(group.fact.rank()) {
                slot.union_with(&group.serials);
            }
            if are_known {
                self.tell(group.told());
            }
        }
    }

    /// The state that postings add up to, in whatever order they come.
    ///
    /// A fact of a serial holds while more postings state it than take it back.
    #[must_use]
    pub fn from_postings<'a>(postings: impl IntoIterator<Item = &'a Posting>) -> Self {
        let postings: Vec<&Posting> = postings.into_iter().collect();
        let mut state = Self::default();
        for posting in &postings {
            state.add(&posting.groups);
            state.retracted |= !posting.retractions.is_empty();
        }
        if state.retracted {
            for fact in Fact::BY_PRECEDENCE {
                state.set(fact, counted(fact, &postings));
            }
        }
        state
    }

    /// How many of the block's first `size` serials are in each bucket, `outstanding` included.
    /// `None` when facts are known of serials beyond `size`: the block breaks I4.
    #[must_use]
    pub fn buckets(&self, size: u32) -> Option<Buckets> {
        let mut rest = BlockSet::EMPTY;
        if let Some(last) = size.min(BLOCK_SIZE).checked_sub(1).and_then(Offset::new) {
            rest = Offset::new(0).map_or(rest, |first| BlockSet::span(first, last));
        }
        let mut buckets = Buckets::default();
        for (fact, set) in self.facts() {
            let mine = rest.intersection(set);
            buckets.add(Bucket::of(fact), u64::from(mine.len()));
            rest.subtract(&mine);
        }
        buckets.add(Bucket::Outstanding, u64::from(rest.len()));
        let beyond = |(_, set): (Fact, &BlockSet)| {
            set.last().is_some_and(|last| u32::from(last.get()) >= size)
        };
        (!self.facts().any(beyond)).then_some(buckets)
    }
}

/// The serials for which the fact is stated more often than taken back.
fn counted(fact: Fact, postings: &[&Posting]) -> BlockSet {
    let mut taken_back = BlockSet::new();
    for posting in postings {
        for (of, set) in &posting.retractions {
            if *of == fact {
                taken_back.union_with(set);
            }
        }
    }
    let mut holds = BlockSet::new();
    for posting in postings {
        holds.union_with(&posting.stated(fact));
    }
    // Only serials that are taken back somewhere need counting.
    let doubtful = holds.intersection(&taken_back);
    for serial in doubtful.iter() {
        let stated = postings.iter().filter(|p| names(&p.groups, fact, serial)).count();
        let back = postings.iter().filter(|posting| {
            posting.retractions.iter().any(|(of, set)| *of == fact && set.contains(serial))
        });
        if stated <= back.count() {
            holds.remove(serial);
        }
    }
    holds
}

fn names(groups: &[Group], fact: Fact, serial: Offset) -> bool {
    groups.iter().any(|group| group.fact == fact && group.serials.contains(serial))
}
