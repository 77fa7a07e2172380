//! The bytes of a posting.

use super::posting::{Group, Posting};
use crate::bitmap::wire::{Reader, push_bytes, push_signed, push_text, push_varint};
use crate::bitmap::{BitmapError, BlockSet};
use crate::fact::Fact;
use crate::finding::Code;

const VERSION: u8 = 1;
/// The group took what exceeded the groups of a posting.
const MIXED: u64 = 1;
/// The group is about numbers or labels, not about packs.
const BARE: u64 = 2;

/// Why bytes are no posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostingError {
    /// The first byte names another form.
    #[error("unknown version of a posting")]
    Version,
    /// The bytes end early, go on, or hold a number out of range.
    #[error("malformed posting")]
    Malformed,
    /// A word that is no fact or finding.
    #[error("unknown word in a posting")]
    Word,
    /// A set of serials cannot be read.
    #[error("malformed set in a posting")]
    Set(#[from] BitmapError),
}

impl Posting {
    /// The bytes of the item.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        push_len(&mut out, self.groups.len());
        for group in &self.groups {
            push_text(&mut out, Some(group.fact.as_str()));
            push_varint(&mut out, flags(group));
            push_text(&mut out, group.lot.as_deref());
            push_text(&mut out, group.expiry.as_deref());
            push_signed(&mut out, group.time_first_ms);
            push_signed(&mut out, group.time_last_ms);
            push_varint(&mut out, group.ordinal_first);
            push_varint(&mut out, group.ordinal_last);
            push_bytes(&mut out, &group.serials.encode());
        }
        push_len(&mut out, self.retractions.len());
        for (fact, serials) in &self.retractions {
            push_text(&mut out, Some(fact.as_str()));
            push_bytes(&mut out, &serials.encode());
        }
        push_varint(&mut out, u64::from(self.verdict.newly_commissioned));
        push_varint(&mut out, u64::from(self.verdict.repeated));
        push_len(&mut out, self.verdict.findings.len());
        for (code, serials) in &self.verdict.findings {
            push_text(&mut out, Some(code.as_str()));
            push_bytes(&mut out, &serials.encode());
        }
        out
    }

    /// Reads what [`Posting::encode`] wrote, and nothing else.
    ///
    /// # Errors
    /// The bytes are no posting of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, PostingError> {
        let mut reader = Reader::new(bytes);
        if reader.byte() != Some(VERSION) {
            return Err(PostingError::Version);
        }
        let mut posting = Self::default();
        for _ in 0..number(&mut reader)? {
            posting.groups.push(group(&mut reader)?);
        }
        for _ in 0..number(&mut reader)? {
            let fact = fact(&mut reader)?;
            posting.retractions.push((fact, set(&mut reader)?));
        }
        posting.verdict.newly_commissioned = small(&mut reader)?;
        posting.verdict.repeated = small(&mut reader)?;
        for _ in 0..number(&mut reader)? {
            let code = Code::parse(word(&mut reader)?).ok_or(PostingError::Word)?;
            posting.verdict.findings.push((code, set(&mut reader)?));
        }
        if reader.is_empty() { Ok(posting) } else { Err(PostingError::Malformed) }
    }
}

fn push_len(out: &mut Vec<u8>, len: usize) {
    push_varint(out, u64::try_from(len).unwrap_or(u64::MAX));
}

fn number(reader: &mut Reader<'_>) -> Result<u64, PostingError> {
    reader.varint().ok_or(PostingError::Malformed)
}

fn small(reader: &mut Reader<'_>) -> Result<u32, PostingError> {
    u32::try_from(number(reader)?).map_err(|_| PostingError::Malformed)
}

fn word<'a>(reader: &mut Reader<'a>) -> Result<&'a str, PostingError> {
    reader.text().flatten().ok_or(PostingError::Malformed)
}

fn optional(reader: &mut Reader<'_>) -> Result<Option<String>, PostingError> {
    Ok(reader.text().ok_or(PostingError::Malformed)?.map(str::to_owned))
}

fn fact(reader: &mut Reader<'_>) -> Result<Fact, PostingError> {
    Fact::parse(word(reader)?).ok_or(PostingError::Word)
}

fn set(reader: &mut Reader<'_>) -> Result<BlockSet, PostingError> {
    Ok(BlockSet::decode(reader.bytes().ok_or(PostingError::Malformed)?)?)
}

fn flags(group: &Group) -> u64 {
    (if group.mixed { MIXED } else { 0 }) | (if group.is_bare { BARE } else { 0 })
}

fn group(reader: &mut Reader<'_>) -> Result<Group, PostingError> {
    let fact = fact(reader)?;
    let flags = number(reader)?;
    if flags > MIXED | BARE {
        return Err(PostingError::Malformed);
    }
    Ok(Group {
        fact,
        mixed: flags & MIXED != 0,
        is_bare: flags & BARE != 0,
        lot: optional(reader)?,
        expiry: optional(reader)?,
        time_first_ms: reader.signed().ok_or(PostingError::Malformed)?,
        time_last_ms: reader.signed().ok_or(PostingError::Malformed)?,
        ordinal_first: number(reader)?,
        ordinal_last: number(reader)?,
        serials: set(reader)?,
    })
}
