//! What may become of numbers that nobody used, when somebody gives them back.
//!
//! A number is given up once: one of which anything is known already keeps what is known. By decision 1 a
//! fact that ends or begins a pack's life wins over "returned" and "deactivated", so neither may be said of a
//! label that exists; such a label can only be destroyed.
//!
//! The module does not know who may give back, nor where it is written.

use crate::bitmap::{BLOCK_SIZE, BlockSet, Offset};
use crate::fact::Fact;
use crate::ledger::BlockState;

/// What is to become of unused numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// They go back to the pool, whose policy says whether they are offered again.
    Return,
    /// They are never to be used.
    Deactivate,
    /// They are destroyed, with the labels that bear them.
    Destroy,
}

impl Fate {
    /// All fates.
    pub const ALL: [Self; 3] = [Self::Return, Self::Deactivate, Self::Destroy];

    /// The word used in requests, items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Return => "return",
            Self::Deactivate => "deactivate",
            Self::Destroy => "destroy",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fate| fate.as_str() == text)
    }

    /// The fact it puts into the ledger.
    #[must_use]
    pub const fn fact(self) -> Fact {
        match self {
            Self::Return => Fact::Returned,
            Self::Deactivate => Fact::Deactivated,
            Self::Destroy => Fact::Destroyed,
        }
    }

    /// Whether a number of which this is known may still meet the fate.
    #[must_use]
    pub fn is_open_after(self, known: Fact) -> bool {
        self == Self::Destroy && known == Fact::Encoded
    }

    /// Those of a block's first `size` numbers that may meet the fate.
    #[must_use]
    pub fn open(self, state: &BlockState, size: u32) -> BlockSet {
        let last = size.min(BLOCK_SIZE).checked_sub(1).and_then(Offset::new);
        let Some((first, last)) = Offset::new(0).zip(last) else { return BlockSet::EMPTY };
        let mut open = BlockSet::span(first, last);
        for (_, set) in state.facts().filter(|(fact, _)| !self.is_open_after(*fact)) {
            open.subtract(set);
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Bucket;

    #[test]
    fn what_is_open_to_a_fate_ends_in_its_bucket() {
        let at = |n| Offset::new(n).unwrap();
        let mut state = BlockState::default();
        for (place, fact) in (0..).zip(Fact::BY_PRECEDENCE) {
            state.set(fact, BlockSet::span(at(place), at(place)));
        }
        let encoded = u32::try_from(Fact::Encoded.rank()).unwrap();
        for fate in Fate::ALL {
            assert_eq!(Fate::parse(fate.as_str()), Some(fate));
            let open = fate.open(&state, 20);
            // Eight numbers have a fact each, the other twelve none.
            let labels = u32::from(fate == Fate::Destroy);
            assert_eq!((open.len(), open.contains(at(encoded))), (12 + labels, labels == 1));
            let before = state.buckets(20).unwrap();
            let mut after = state.clone();
            let mut set = after.of(fate.fact()).clone();
            set.union_with(&open);
            after.set(fate.fact(), set);
            let after = after.buckets(20).unwrap();
            let bucket = Bucket::of(fate.fact());
            assert_eq!(after.get(bucket), before.get(bucket) + u64::from(open.len()), "{fate:?}");
            assert_eq!(after.get(Bucket::Outstanding), 0);
        }
        assert!(Fate::Return.open(&BlockState::default(), 0).is_empty());
        assert_eq!(Fate::Return.open(&BlockState::default(), BLOCK_SIZE).len(), BLOCK_SIZE);
        assert_eq!(Fate::parse("sell"), None);
    }
}
