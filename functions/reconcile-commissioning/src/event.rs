//! What one event names, held until its head is known.
//!
//! In XML the head of an event follows its list, and a list may have millions of entries: entries
//! are resolved as they come and held as sets, so memory follows the blocks, not the serials.

use domain::bitmap::{BlockSet, Offset};
use domain::finding::{Code, IndexRuns, Samples};
use domain::gtin::Gtin14;
use rustc_hash::FxHashMap;

/// Hits that are held one by one before they become sets. A set costs as much as some dozen of them
/// when it is made and joined, and next to nothing for each further one.
const SINGLE_MAX: usize = 64;

/// What a finding about serials that are not posted is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Miss {
    /// What it says.
    pub code: Code,
    /// A later reservation may still make it go away.
    pub provisional: bool,
    /// The allocation concerned, by its number in the catalog.
    pub allocation: Option<usize>,
    /// The trade item.
    pub gtin: Option<Gtin14>,
    /// Writes indexes as serials, by its number in the catalog.
    pub way: Option<usize>,
    /// It is about what other things were packed into, and about no serial that an event states a fact about.
    pub parent: bool,
}

impl Miss {
    /// A finding about texts of which nothing else is known.
    #[must_use]
    pub const fn about(code: Code) -> Self {
        Self { code, provisional: false, allocation: None, gtin: None, way: None, parent: false }
    }
}

/// The serials of one block that an event names.
#[derive(Debug, Default)]
pub struct Named {
    /// Named at least once.
    pub once: BlockSet,
    /// Named more than once.
    pub twice: BlockSet,
}

/// What the event at hand names.
#[derive(Debug, Default)]
pub struct EventBuffer {
    /// Reserved serials: slot and offset, in order. Empty once `sets` is in use.
    pub single: Vec<(usize, Offset)>,
    /// The same as sets by slot, for long lists.
    sets: Vec<(usize, Named)>,
    set_of: FxHashMap<usize, usize>,
    /// The set of the hit before: mostly that of the next one.
    hot: usize,
    /// Serials with an index that are not the sender's to report, by subject.
    pub runs: FxHashMap<usize, IndexRuns>,
    /// Texts that no index describes, by subject.
    pub texts: FxHashMap<usize, Samples>,
    /// Identifiers of other kinds: foreign SSCCs, private URIs, children, inputs.
    pub others: u64,
}

impl EventBuffer {
    /// Notes a reserved serial.
    pub fn hit(&mut self, slot: usize, offset: Offset) {
        if self.sets.is_empty() && self.single.len() < SINGLE_MAX {
            self.single.push((slot, offset));
            return;
        }
        let mut single = std::mem::take(&mut self.single);
        for (slot, offset) in single.drain(..) {
            self.add(slot, offset);
        }
        self.single = single;
        self.add(slot, offset);
    }

    /// Notes a reserved serial, if the one before is of the same slot and the list is a long one.
    #[inline]
    pub fn hit_again(&mut self, slot: usize, offset: Offset) -> bool {
        let hot = self.sets.get_mut(self.hot).filter(|(hot, _)| *hot == slot);
        let Some((_, named)) = hot else { return false };
        if !named.once.insert(offset) {
            named.twice.insert(offset);
        }
        true
    }

    fn add(&mut self, slot: usize, offset: Offset) {
        if self.sets.get(self.hot).is_none_or(|(hot, _)| *hot != slot) {
            let fresh = self.sets.len();
            self.hot = *self.set_of.entry(slot).or_insert(fresh);
            if self.hot == fresh {
                self.sets.push((slot, Named::default()));
            }
        }
        if let Some((_, named)) = self.sets.get_mut(self.hot)
            && !named.once.insert(offset)
        {
            named.twice.insert(offset);
        }
    }

    /// Whether hits are held as sets.
    #[must_use]
    pub fn has_sets(&self) -> bool {
        !self.sets.is_empty()
    }

    /// Whether the event named nothing but identifiers of other kinds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let hits = !self.single.is_empty() || self.has_sets();
        !hits && self.runs.is_empty() && self.texts.is_empty()
    }

    /// Turns everything into sets and hands them over, by slot in ascending order.
    pub fn take_sets(&mut self) -> Vec<(usize, Named)> {
        for (slot, offset) in std::mem::take(&mut self.single) {
            self.add(slot, offset);
        }
        self.set_of.clear();
        let mut sets = std::mem::take(&mut self.sets);
        sets.sort_by_key(|(slot, _)| *slot);
        sets
    }

    /// Forgets everything but the room it took.
    pub fn clear(&mut self) {
        self.single.clear();
        self.sets.clear();
        self.set_of.clear();
        self.runs.clear();
        self.texts.clear();
        self.others = 0;
    }
}
