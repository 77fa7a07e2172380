//! Sets of serials inside one ledger block of 32,768 indexes.
//!
//! A block is small and touched as a whole, so its sets are either a sorted list of offsets (a few
//! serials) or 4,096 bytes of bits. On the wire a set is its runs as varints or the raw bits,
//! whichever is shorter; the tag says which, and the decoder accepts only what the encoder writes.
//!
//! - Two sets holding the same offsets are equal whatever their representation, and encode to the
//!   same bytes, so a stored item may be compared byte for byte.
//! - The number of runs is the only thing the encoded size depends on: a dense block costs 5 bytes.
//!
//! This module knows nothing of facts, allocations or documents.
#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "hot kernel: every offset is below 32,768 by its type, so word and bit are in bounds"
)]

mod codec;
pub(crate) mod wire;

pub use codec::BitmapError;

/// Serials of one block.
pub const BLOCK_SIZE: u32 = 32_768;
const WORDS: usize = 512;
/// Beyond this many offsets the list would cost a quarter of the bits: switch to bits.
const SPARSE_MAX: usize = 512;

/// A position inside a block, always below [`BLOCK_SIZE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(u16);

impl Offset {
    /// The offset, or `None` at or above [`BLOCK_SIZE`].
    #[must_use]
    pub fn new(value: u32) -> Option<Self> {
        (value < BLOCK_SIZE).then_some(Self(value as u16))
    }

    /// The position, 0 to 32,767.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// Where the `index`-th serial of an allocation (counted from its start) lives: block and offset.
/// `None` beyond block 99,999,999, which no allocation reaches.
#[inline]
#[must_use]
pub fn place(index: u128) -> Option<(u32, Offset)> {
    let block = index / u128::from(BLOCK_SIZE);
    let offset = (index % u128::from(BLOCK_SIZE)) as u16;
    (block < 100_000_000).then_some((block as u32, Offset(offset)))
}

#[derive(Clone)]
enum Repr {
    Sparse(Vec<u16>),
    Dense(Box<[u64; WORDS]>, u32),
}

/// A set of offsets of one block.
#[derive(Clone)]
pub struct BlockSet(Repr);

impl Default for BlockSet {
    fn default() -> Self {
        Self(Repr::Sparse(Vec::new()))
    }
}

impl PartialEq for BlockSet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for BlockSet {}

impl core::fmt::Debug for BlockSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.runs()).finish()
    }
}

impl FromIterator<Offset> for BlockSet {
    fn from_iter<I: IntoIterator<Item = Offset>>(offsets: I) -> Self {
        let mut set = Self::new();
        for offset in offsets {
            set.insert(offset);
        }
        set
    }
}

impl BlockSet {
    /// The empty set.
    pub const EMPTY: Self = Self(Repr::Sparse(Vec::new()));

    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an offset; false when it was there already.
    #[inline]
    pub fn insert(&mut self, offset: Offset) -> bool {
        match &mut self.0 {
            Repr::Dense(words, len) => {
                let word = &mut words[usize::from(offset.0 >> 6)];
                let bit = 1_u64 << (offset.0 & 63);
                let fresh = *word & bit == 0;
                *word |= bit;
                *len += u32::from(fresh);
                fresh
            }
            Repr::Sparse(list) => {
                if list.last().is_some_and(|last| *last >= offset.0) {
                    let Err(at) = list.binary_search(&offset.0) else {
                        return false;
                    };
                    list.insert(at, offset.0);
                } else {
                    list.push(offset.0);
                }
                if list.len() > SPARSE_MAX {
                    self.densify();
                }
                true
            }
        }
    }

    /// Removes an offset; false when it was not there.
    pub fn remove(&mut self, offset: Offset) -> bool {
        match &mut self.0 {
            Repr::Dense(words, len) => {
                let word = &mut words[usize::from(offset.0 >> 6)];
                let bit = 1_u64 << (offset.0 & 63);
                let found = *word & bit != 0;
                *word &= !bit;
                *len -= u32::from(found);
                found
            }
            Repr::Sparse(list) => {
                let found = list.binary_search(&offset.0);
                found.map(|at| list.remove(at)).is_ok()
            }
        }
    }

    /// Whether the offset is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, offset: Offset) -> bool {
        match &self.0 {
            Repr::Dense(words, _) => {
                words[usize::from(offset.0 >> 6)] & (1_u64 << (offset.0 & 63)) != 0
            }
            Repr::Sparse(list) => list.binary_search(&offset.0).is_ok(),
        }
    }

    /// How many offsets the set holds.
    #[must_use]
    pub fn len(&self) -> u32 {
        match &self.0 {
            Repr::Dense(_, len) => *len,
            Repr::Sparse(list) => list.len() as u32,
        }
    }

    /// Whether the set holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The offsets in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Offset> + '_ {
        let (list, words) = match &self.0 {
            Repr::Sparse(list) => (list.as_slice(), [].as_slice()),
            Repr::Dense(words, _) => ([].as_slice(), words.as_slice()),
        };
        let dense = words.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            core::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    Offset((at as u16) * 64 + bit as u16)
                })
            })
        });
        list.iter().map(|value| Offset(*value)).chain(dense)
    }

    /// The maximal runs `(first, last)`, ends included, ascending.
    pub fn runs(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        let mut offsets = self.iter().map(Offset::get).peekable();
        core::iter::from_fn(move || {
            let first = offsets.next()?;
            let mut last = first;
            while let Some(next) = offsets.next_if(|next| *next == last + 1) {
                last = next;
            }
            Some((first, last))
        })
    }

    /// The lowest offset.
    #[must_use]
    pub fn first(&self) -> Option<Offset> {
        self.iter().next()
    }

    /// The highest offset.
    #[must_use]
    pub fn last(&self) -> Option<Offset> {
        match &self.0 {
            Repr::Sparse(list) => list.last().map(|value| Offset(*value)),
            Repr::Dense(words, _) => {
                let (at, word) = words.iter().enumerate().rev().find(|(_, word)| **word != 0)?;
                Some(Offset((at as u16) * 64 + 63 - word.leading_zeros() as u16))
            }
        }
    }

    /// Adds every offset of `other`.
    pub fn union_with(&mut self, other: &Self) {
        match &other.0 {
            Repr::Sparse(list) => {
                for value in list {
                    self.insert(Offset(*value));
                }
            }
            Repr::Dense(from, _) => {
                self.densify();
                self.zip_words(from, |mine, theirs| mine | theirs);
            }
        }
    }

    /// Removes every offset of `other`.
    pub fn subtract(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (Repr::Sparse(list), _) => list.retain(|value| !other.contains(Offset(*value))),
            (Repr::Dense(..), Repr::Dense(from, _)) => {
                self.zip_words(from, |mine, theirs| mine & !theirs);
            }
            (Repr::Dense(..), Repr::Sparse(list)) => {
                for value in list {
                    self.remove(Offset(*value));
                }
            }
        }
    }

    /// Keeps only the offsets that `other` holds too.
    pub fn intersect_with(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (Repr::Sparse(list), _) => list.retain(|value| other.contains(Offset(*value))),
            (Repr::Dense(..), Repr::Dense(from, _)) => {
                self.zip_words(from, |mine, theirs| mine & theirs);
            }
            (Repr::Dense(..), Repr::Sparse(list)) => {
                let kept = list.iter().copied().filter(|value| self.contains(Offset(*value)));
                *self = Self(Repr::Sparse(kept.collect()));
            }
        }
    }

    /// The offsets in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.intersect_with(other);
        both
    }

    /// The offsets of `self` that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        rest.subtract(other);
        rest
    }

    /// Whether the sets share an offset.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Dense(a, _), Repr::Dense(b, _)) => {
                a.iter().zip(b.iter()).any(|(mine, theirs)| mine & theirs != 0)
            }
            (Repr::Sparse(list), _) => list.iter().any(|value| other.contains(Offset(*value))),
            (_, Repr::Sparse(list)) => list.iter().any(|value| self.contains(Offset(*value))),
        }
    }

    /// All offsets from `first` to `last`, ends included; empty when reversed.
    #[must_use]
    pub fn span(first: Offset, last: Offset) -> Self {
        (first.0..=last.0).map(Offset).collect()
    }

    /// Bytes this set holds on the heap, for the limit of what one document may keep in memory.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Repr::Sparse(list) => list.capacity() * 2,
            Repr::Dense(..) => WORDS * 8,
        }
    }

    fn densify(&mut self) {
        if let Repr::Sparse(list) = &self.0 {
            let mut words = Box::new([0_u64; WORDS]);
            for value in list {
                words[usize::from(*value >> 6)] |= 1 << (value & 63);
            }
            let len = list.len() as u32;
            self.0 = Repr::Dense(words, len);
        }
    }

    fn zip_words(&mut self, from: &[u64; WORDS], join: impl Fn(u64, u64) -> u64) {
        if let Repr::Dense(words, len) = &mut self.0 {
            for (mine, theirs) in words.iter_mut().zip(from) {
                *mine = join(*mine, *theirs);
            }
            *len = words.iter().map(|word| word.count_ones()).sum();
        }
    }
}

#[cfg(test)]
mod tests;
