//! What one document says about one block.

use crate::bitmap::wire::{Reader, push_bytes, push_signed, push_text, push_varint};
use crate::bitmap::{BitmapError, BlockSet, Offset};
use crate::fact::Fact;
use crate::finding::Code;

/// Groups a posting keeps apart; what exceeds them shares one `mixed` group per fact.
pub const GROUPS_MAX: usize = 64;
/// Event times of one lot and fact that are kept apart before a group covers a span of time.
const TIMED_MAX: usize = 8;
const VERSION: u8 = 1;

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
            serials: BlockSet::new(),
        }
    }

    fn is_of(&self, claim: &Claim<'_>) -> bool {
        self.fact == claim.fact
            && !self.mixed
            && self.lot.as_deref() == claim.lot
            && self.expiry.as_deref() == claim.expiry
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
    /// it is commissioned again after its end, which is `RECOMMISSION_AFTER_TERMINAL`.
    pub fn assert_all(&mut self, claim: &Claim<'_>, serials: &BlockSet) {
        let again = if claim.fact == Fact::Commissioned {
            self.ended_before(claim.time_ms, serials)
        } else {
            self.recommissioned_later(claim, serials)
        };
        let mut fresh = serials.clone();
        for group in self.groups.iter().filter(|group| group.fact == claim.fact) {
            fresh.subtract(&group.serials);
        }
        let mut twice = serials.difference(&fresh);
        twice.subtract(&again);
        self.mark(Code::RecommissionAfterTerminal, &again);
        self.mark(Code::DuplicateInFile, &twice);
        let at = self.group_for(claim);
        if let Some(group) = self.groups.get_mut(at) {
            group.widen(claim);
            group.serials.union_with(&fresh);
        }
    }

    /// The same for one serial, without building a set where nothing is remarkable.
    pub fn assert_one(&mut self, claim: &Claim<'_>, serial: Offset) {
        let plain = self
            .groups
            .iter()
            .all(|group| group.fact == claim.fact && !group.serials.contains(serial));
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

    /// Serials that this document ended before `time_ms`.
    fn ended_before(&self, time_ms: i64, serials: &BlockSet) -> BlockSet {
        let mut ended =
            union(&self.groups, |group| group.fact.is_terminal() && group.time_last_ms < time_ms);
        ended.intersect_with(serials);
        ended
    }

    /// Serials that this document commissioned later than the end stated now.
    fn recommissioned_later(&self, claim: &Claim<'_>, serials: &BlockSet) -> BlockSet {
        if !claim.fact.is_terminal() {
            return BlockSet::new();
        }
        let mut later = union(&self.groups, |group| {
            group.fact == Fact::Commissioned && group.time_first_ms > claim.time_ms
        });
        later.intersect_with(serials);
        later
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
        let mixed = || self.groups.iter().position(|g| g.fact == claim.fact && g.mixed);
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
    /// All serials for which the fact is stated.
    #[must_use]
    pub fn stated(&self, fact: Fact) -> BlockSet {
        union(&self.groups, |group| group.fact == fact)
    }

    /// The bytes of the item.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        push_len(&mut out, self.groups.len());
        for group in &self.groups {
            push_text(&mut out, Some(group.fact.as_str()));
            push_varint(&mut out, u64::from(group.mixed));
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

fn group(reader: &mut Reader<'_>) -> Result<Group, PostingError> {
    Ok(Group {
        fact: fact(reader)?,
        mixed: match number(reader)? {
            0 => false,
            1 => true,
            _ => return Err(PostingError::Malformed),
        },
        lot: optional(reader)?,
        expiry: optional(reader)?,
        time_first_ms: reader.signed().ok_or(PostingError::Malformed)?,
        time_last_ms: reader.signed().ok_or(PostingError::Malformed)?,
        ordinal_first: number(reader)?,
        ordinal_last: number(reader)?,
        serials: set(reader)?,
    })
}
