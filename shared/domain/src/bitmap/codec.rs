//! Sets of serials as bytes: runs as varints or raw bits, whichever is shorter.
#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "hot kernel: every offset is below 32,768 by its type, so word and bit are in bounds"
)]

use super::wire::{Reader, push_varint};
use super::{BLOCK_SIZE, BlockSet, Offset, Repr, WORDS};

const TAG_RUNS: u8 = 1;
const TAG_RAW: u8 = 2;

/// Why encoded bytes are not a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BitmapError {
    /// The tag is neither runs nor raw bits.
    #[error("unknown tag {0} of an encoded block set")]
    Tag(u8),
    /// The bytes end early or go on after the end, or a varint is not minimal.
    #[error("encoded block set has the wrong length")]
    Length,
    /// Runs touch, are empty, or leave the block.
    #[error("runs of an encoded block set are out of order")]
    Runs,
    /// The other form would have been shorter.
    #[error("encoded block set is not in its shortest form")]
    NotShortest,
}

impl BlockSet {
    /// The shortest encoding, at most 4,097 bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![TAG_RUNS];
        let mut end = 0_u32;
        for (first, last) in self.runs() {
            push_varint(&mut out, u64::from(u32::from(first) - end));
            push_varint(&mut out, u64::from(last - first));
            end = u32::from(last) + 1;
            if out.len() > WORDS * 8 + 1 {
                return self.encode_raw();
            }
        }
        out
    }

    fn encode_raw(&self) -> Vec<u8> {
        let mut words = [0_u64; WORDS];
        for offset in self.iter() {
            words[usize::from(offset.0 >> 6)] |= 1 << (offset.0 & 63);
        }
        let mut out = vec![TAG_RAW];
        for word in words {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out
    }

    /// Reads what [`BlockSet::encode`] wrote, and nothing else.
    ///
    /// # Errors
    /// The bytes are not the shortest encoding of a set.
    pub fn decode(bytes: &[u8]) -> Result<Self, BitmapError> {
        let (tag, body) = bytes.split_first().ok_or(BitmapError::Length)?;
        match *tag {
            TAG_RUNS => Self::decode_runs(body),
            TAG_RAW => Self::decode_raw(bytes, body),
            other => Err(BitmapError::Tag(other)),
        }
    }

    fn decode_runs(body: &[u8]) -> Result<Self, BitmapError> {
        let mut set = Self::new();
        let mut reader = Reader::new(body);
        let mut end = 0_u64;
        while !reader.is_empty() {
            let gap = reader.varint().ok_or(BitmapError::Length)?;
            let more = reader.varint().ok_or(BitmapError::Length)?;
            // Runs that touch would have been one run.
            if (gap == 0 && end != 0) || gap >= u64::from(BLOCK_SIZE) {
                return Err(BitmapError::Runs);
            }
            let first = end + gap;
            let last = first.checked_add(more).filter(|last| *last < u64::from(BLOCK_SIZE));
            let last = last.ok_or(BitmapError::Runs)?;
            for value in first..=last {
                set.insert(Offset(value as u16));
            }
            end = last + 1;
        }
        if body.len() > WORDS * 8 {
            return Err(BitmapError::NotShortest);
        }
        Ok(set)
    }

    fn decode_raw(bytes: &[u8], body: &[u8]) -> Result<Self, BitmapError> {
        if body.len() != WORDS * 8 {
            return Err(BitmapError::Length);
        }
        let mut words = Box::new([0_u64; WORDS]);
        for (word, chunk) in words.iter_mut().zip(body.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*chunk);
        }
        let len = words.iter().map(|word| word.count_ones()).sum();
        let set = Self(Repr::Dense(words, len));
        if set.encode() == bytes { Ok(set) } else { Err(BitmapError::NotShortest) }
    }
}
