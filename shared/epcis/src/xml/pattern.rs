//! Events alike: an event that differs from one before it in values only is taken at once.
//!
//! A line that reports one serial an event writes the same markup thousands of times. The bytes of such
//! an event are kept, with the places of its entries and values. The next event is laid beside them:
//! markup must be the same byte for byte; a value may be another one of plain text.
//!
//! Invariants:
//! - An event is compared to its end before anything of it is told. Where it differs in anything but
//!   a value, or does not lie whole in the buffer, nothing has happened yet, and it is read as any other.
//! - Whatever decides what the markup means lies in those bytes or in [`Walk::context`], which must be
//!   the same too. Events in which one value has a bearing on another are not kept.
//! - What is kept is bounded: [`PATTERNS_MAX`] events of [`EVENT_BYTES_MAX`] bytes with [`SLOTS_MAX`] values,
//!   and with it the work for an event.
//!
//! [`Walk::context`]: crate::xml::walk::Walk::context

use std::io::Read;

use crate::draft::{Field, put, trimmed};
use crate::event::{EpcList, EventHead, Sink};
use crate::limits::Limits;
use crate::source::Source;
use crate::xml::Document;
use crate::xml::short::{SPACE, Stem, TEXT, entry, is};

/// Events that are remembered: a line may write several kinds in turn.
const PATTERNS_MAX: usize = 4;
/// A longer event has so many entries that the way there no longer matters.
const EVENT_BYTES_MAX: usize = 8 << 10;
/// Values of one event, beyond which it is not kept: each that differs for the first time is one comparison
/// more.
const SLOTS_MAX: usize = 64;
/// Entries of one event, beyond which it is no longer compared.
const ENTRIES_MAX: usize = 256;

/// What stands in an event where another event may have something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Entries of a list, at least one.
    Entries(EpcList),
    Field(Field),
    /// A value that means nothing to the hub.
    Other,
}

/// A part of an event, by its place from the event's first byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) part: Part,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Debug)]
struct Pattern {
    bytes: Vec<u8>,
    /// Values that were the same in every event so far, in order. They are compared like markup.
    fixed: Vec<Slot>,
    /// Entries and values that differed, in order.
    varying: Vec<Slot>,
    head: EventHead,
    context: u64,
    /// The pattern of the event that followed one of this.
    next: usize,
}

/// The event that is being read.
#[derive(Debug)]
struct Begun {
    offset: u64,
    context: u64,
}

/// What is kept of events.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    known: Vec<Pattern>,
    /// The one that the next event probably has, and the one before it.
    hot: usize,
    last: usize,
    /// The one that is replaced next.
    oldest: usize,
    begun: Option<Begun>,
    /// The parts of the event that is being read.
    slots: Vec<Slot>,
    /// The entries and fields of the event that was compared.
    found: Vec<Slot>,
    spare: Vec<String>,
}

impl<S: Sink + ?Sized> Document<'_, S> {
    /// Takes events that are like one before, each with the white space before it.
    #[inline]
    pub(super) fn alike<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), S::Error> {
        self.patterns.learn(source, self.walk.plain_event(), self.walk.context());
        let context = self.walk.context();
        while self.walk.events() < self.limits.events_max {
            let window = source.window();
            let Some(spaces) = window.bytes().position(|byte| !is(byte, SPACE)) else { break };
            if spaces > self.limits.token_bytes_max {
                break;
            }
            let rest = window.as_bytes().get(spaces..).unwrap_or_default();
            let Some(bytes) = self.patterns.find(rest, context, &mut self.stem, self.limits) else {
                break;
            };
            source.advance(spaces);
            source.mark();
            let place = source.mark_position();
            let event = source.window();
            let head = self.patterns.head(self.walk.events());
            if let Some((head, found, spare)) = head {
                (head.line, head.column) = (place.line, place.column);
                tell(head, found, spare, event, self.sink)?;
            }
            source.advance(bytes);
            self.walk.count_event();
        }
        Ok(())
    }
}

/// Tells what was found in an event, and the event.
#[inline]
fn tell<S: Sink + ?Sized>(
    head: &mut EventHead,
    found: &[Slot],
    spare: &mut Vec<String>,
    event: &str,
    sink: &mut S,
) -> Result<(), S::Error> {
    for slot in found {
        let text = event.get(slot.start..slot.end).unwrap_or_default();
        match slot.part {
            Part::Entries(list) => sink.epc(list, text)?,
            Part::Field(field) => put(head, field, trimmed(text), spare),
            Part::Other => {}
        }
    }
    sink.event(head)
}

impl Patterns {
    /// An event begins at `offset`.
    pub(crate) fn begin(&mut self, offset: u64, context: u64) {
        self.begun = Some(Begun { offset, context });
        self.slots.clear();
    }

    /// The open event has a part, whose place is told from `offset`.
    #[inline]
    pub(crate) fn note(&mut self, offset: u64, slot: Slot) {
        let Some(begun) = &self.begun else { return };
        let before = offset.checked_sub(begun.offset).and_then(|it| usize::try_from(it).ok());
        match before {
            Some(before) if before < EVENT_BYTES_MAX && self.slots.len() < SLOTS_MAX => {
                let start = before.saturating_add(slot.start);
                self.slots.push(Slot { start, end: before.saturating_add(slot.end), ..slot });
            }
            _ => self.begun = None,
        }
    }

    /// Keeps the event that ended where the source is, if one did and it is fit to be kept.
    #[inline]
    fn learn<R: Read>(&mut self, source: &Source<R>, head: Option<&EventHead>, context: u64) {
        let Some(begun) = self.begun.take() else { return };
        let (Some(head), Some(text)) = (head, source.since(begun.offset)) else { return };
        let bytes = text.as_bytes();
        let is_whole = bytes.first() == Some(&b'<') && bytes.last() == Some(&b'>');
        if is_whole && bytes.len() <= EVENT_BYTES_MAX && begun.context == context {
            self.keep(bytes, head, context);
        }
    }

    fn keep(&mut self, bytes: &[u8], head: &EventHead, context: u64) {
        let stale = self.known.iter().position(|pattern| pattern.context != context);
        let at = if let Some(at) = stale {
            at
        } else if self.known.len() < PATTERNS_MAX {
            self.known.push(Pattern::empty());
            self.known.len().saturating_sub(1)
        } else {
            self.oldest = self.oldest.saturating_add(1) % PATTERNS_MAX;
            self.oldest
        };
        if let Some(pattern) = self.known.get_mut(at) {
            pattern.learn(bytes, &self.slots, head, context);
            pattern.next = at;
        }
        self.follow(at);
    }

    /// The event at hand is of this pattern.
    #[inline]
    fn follow(&mut self, at: usize) {
        if let Some(last) = self.known.get_mut(self.last) {
            last.next = at;
        }
        self.last = at;
        self.hot = self.known.get(at).map_or(0, |pattern| pattern.next);
    }

    /// The bytes of the event with which `window` begins, if it is like one before.
    #[inline]
    fn find(
        &mut self,
        window: &[u8],
        context: u64,
        stem: &mut Stem,
        limits: &Limits,
    ) -> Option<usize> {
        let count = self.known.len();
        for turn in 0..count {
            let at = self.hot.saturating_add(turn).checked_rem(count)?;
            let pattern = self.known.get_mut(at).filter(|pattern| pattern.context == context)?;
            if let Some(bytes) = pattern.compare(window, &mut self.found, stem, limits) {
                self.follow(at);
                return Some(bytes);
            }
        }
        None
    }

    /// The head of the event that was found, what was found, and strings to use again.
    #[inline]
    fn head(&mut self, ordinal: u64) -> Option<(&mut EventHead, &[Slot], &mut Vec<String>)> {
        let head = &mut self.known.get_mut(self.last)?.head;
        head.ordinal = ordinal;
        Some((head, &self.found, &mut self.spare))
    }
}

impl Pattern {
    fn empty() -> Self {
        Self {
            bytes: Vec::new(),
            fixed: Vec::new(),
            varying: Vec::new(),
            head: EventHead::new(),
            context: 0,
            next: 0,
        }
    }

    fn learn(&mut self, bytes: &[u8], slots: &[Slot], head: &EventHead, context: u64) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.fixed.clear();
        self.varying.clear();
        for slot in slots {
            let text = bytes.get(slot.start..slot.end).unwrap_or_default();
            match slot.part {
                Part::Entries(_) => self.varying.push(*slot),
                Part::Field(field) if is_first_that_counts(field) && says_nothing(text) => {}
                Part::Field(_) | Part::Other => self.fixed.push(*slot),
            }
        }
        self.head.copy(head);
        self.context = context;
    }

    /// Compares to the event's end, and notes its entries and fields; gives its bytes.
    fn compare(
        &mut self,
        window: &[u8],
        found: &mut Vec<Slot>,
        stem: &mut Stem,
        limits: &Limits,
    ) -> Option<usize> {
        loop {
            match self.try_compare(window, found, stem, limits) {
                Ok(bytes) => return Some(bytes),
                Err(Some(differs)) if self.vary(differs) => {}
                Err(_) => return None,
            }
        }
    }

    /// The error is where markup or a value that never differed before does so now.
    #[inline]
    fn try_compare(
        &self,
        window: &[u8],
        found: &mut Vec<Slot>,
        stem: &mut Stem,
        limits: &Limits,
    ) -> Result<usize, Option<usize>> {
        found.clear();
        let (mut at, mut from) = (0_usize, 0_usize);
        for slot in &self.varying {
            at = same(window, at, &self.bytes, (from, slot.start))?;
            from = slot.end;
            if let Part::Entries(_) = slot.part {
                at = entries(window, at, (slot.part, found), stem, limits).ok_or(None)?;
            } else {
                let end = value(window, at, slot.part, limits).ok_or(None)?;
                if let Part::Field(_) = slot.part {
                    found.push(Slot { part: slot.part, start: at, end });
                }
                at = end;
            }
        }
        same(window, at, &self.bytes, (from, self.bytes.len()))
    }

    /// From now on the value at this place may differ; false where there is no value.
    #[cold]
    fn vary(&mut self, differs: usize) -> bool {
        let holds = |slot: &Slot| (slot.start..=slot.end).contains(&differs);
        let Some(at) = self.fixed.iter().position(holds) else { return false };
        let slot = self.fixed.remove(at);
        let after = self.varying.partition_point(|known| known.start < slot.start);
        self.varying.insert(after, slot);
        true
    }
}

/// Lot and expiry may stand in many places, and the first that says something counts. So whether it says
/// something has a bearing on the others.
fn is_first_that_counts(field: Field) -> bool {
    matches!(field, Field::Lot | Field::Expiry)
}

fn says_nothing(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| trimmed(text).is_empty())
}

/// Where `window` goes on after a piece of a pattern; or where in the pattern they differ, if not
/// because the window ends.
#[inline]
fn same(
    window: &[u8],
    at: usize,
    bytes: &[u8],
    (from, to): (usize, usize),
) -> Result<usize, Option<usize>> {
    let piece = bytes.get(from..to).unwrap_or_default();
    let end = at.saturating_add(piece.len());
    let beside = window.get(at..end).ok_or(None)?;
    if beside == piece {
        return Ok(end);
    }
    let alike = beside.iter().zip(piece).take_while(|(one, other)| one == other).count();
    Err(Some(from.saturating_add(alike)))
}

/// Notes the entries at `at`; gives where they end.
#[inline]
fn entries(
    window: &[u8],
    mut at: usize,
    (part, found): (Part, &mut Vec<Slot>),
    stem: &mut Stem,
    limits: &Limits,
) -> Option<usize> {
    while let Some(entry) = entry(window.get(at..).unwrap_or_default(), stem, limits) {
        if found.len() >= ENTRIES_MAX {
            return None;
        }
        let (start, end) = (at.saturating_add(entry.start), at.saturating_add(entry.end));
        found.push(Slot { part, start, end });
        at = end.saturating_add("</epc>".len());
    }
    Some(at)
}

/// Where the value at `at` ends, if it is plain and may stand there.
#[inline]
fn value(window: &[u8], at: usize, part: Part, limits: &Limits) -> Option<usize> {
    let rest = window.get(at..)?;
    let length = rest.iter().position(|byte| !is(*byte, TEXT))?;
    let text = rest.get(..length)?;
    if rest.get(length) != Some(&b'<')
        || length > limits.token_bytes_max.min(limits.value_bytes_max)
    {
        return None;
    }
    match part {
        Part::Field(field) if is_first_that_counts(field) && says_nothing(text) => None,
        Part::Field(_) | Part::Entries(_) | Part::Other => Some(at.saturating_add(length)),
    }
}
