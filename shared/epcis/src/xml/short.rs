//! The short way: ordinary markup is taken straight from the buffer, past the tokenizer.
//!
//! Invariant: it never finds a fault. It takes a token (with the text before it) only when the token
//! lies whole in the buffer, is of the plainest form and is within every limit; then it does what the
//! general path would have done. Anything else is left where it is, and the general path goes on from
//! there, with its checks, its errors and its places.
//!
//! Plain are start tags without attributes or white space, end tags without white space that close
//! what was opened here, and text without references or `]`. What begins or ends anywhere else (a
//! comment, a CDATA section, `<epc/>`, a document's root) is not.

use std::io::Read;
use std::ops::Range;

use crate::error::Position;
use crate::event::{EpcList, Sink};
use crate::limits::Limits;
use crate::source::Source;
use crate::xml::Document;
use crate::xml::pattern::{Part, Slot};
use crate::xml::tag::Tag;

/// The longest name that is taken here.
const NAME_BYTES_MAX: usize = 64;
/// Below this limit of a token the general path does it all, so that tags need no check of theirs.
const TOKEN_BYTES_MIN: usize = 2 * NAME_BYTES_MAX;
/// The longest beginning of an entry that is remembered.
const STEM_BYTES_MAX: usize = 128;

/// The beginning of the entry before: white space, `<epc>`, and the identifier up to its last point.
/// Nearly every entry of a list begins like the one before it.
pub(crate) struct Stem {
    bytes: Vec<u8>,
    /// Where the identifier begins.
    text: usize,
}

/// What the short way did.
enum Run {
    /// It took so many bytes and goes no further.
    Taken(usize),
    /// With so many bytes an event ended.
    Ended(usize),
    /// After so many bytes an event begins, whose place is wanted.
    AtEvent(usize),
}

impl<S: Sink + ?Sized> Document<'_, S> {
    /// Takes plain text up to a tag, which saves the tokenizer a turn, with any limits and however the
    /// reader is told to go. To be called between tokens, where text may follow.
    #[inline]
    pub(super) fn text_here<R: Read>(&mut self, source: &mut Source<R>) {
        if self.walk.depth() > 0
            && let Some((text, _)) = plain_text(source.window(), self.limits.token_bytes_max)
            && self.fits(text)
        {
            self.gather_plain(text);
            let bytes = text.len();
            source.advance(bytes);
        }
    }

    /// Takes as much as is plain. To be called between tokens, where text may follow.
    #[inline]
    pub(super) fn short_way<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), S::Error> {
        if self.walk.depth() == 0
            || !self.limits.short_way
            || self.limits.token_bytes_max < TOKEN_BYTES_MIN
        {
            return Ok(());
        }
        let mut place = None;
        loop {
            if place.is_none() && !self.walk.is_in_event() {
                self.alike(source)?;
            }
            match self.run(source.offset(), source.window(), place.take())? {
                Run::Ended(bytes) => source.advance(bytes),
                Run::Taken(bytes) => {
                    source.advance(bytes);
                    return Ok(());
                }
                Run::AtEvent(bytes) => {
                    source.advance(bytes);
                    source.mark();
                    place = Some(source.mark_position());
                }
            }
        }
    }

    /// Goes through the window, which begins at `offset`.
    fn run(
        &mut self,
        offset: u64,
        window: &str,
        mut place: Option<Position>,
    ) -> Result<Run, S::Error> {
        let at = |taken: usize| offset.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        let events = self.walk.events();
        let mut taken = 0_usize;
        loop {
            let mut rest = window.get(taken..).unwrap_or_default();
            if let Some(list) = self.walk.open_list()
                && self.names.is_standard(b"")
                && self.walk.depth() < self.limits.depth_max
            {
                let bytes = self.entries(list, rest)?;
                if bytes > 0 {
                    let slot = Slot { part: Part::Entries(list), start: 0, end: bytes };
                    self.patterns.note(at(taken), slot);
                }
                taken = taken.saturating_add(bytes);
                rest = rest.get(bytes..).unwrap_or_default();
            }
            let Some((text, markup)) = plain_text(rest, self.limits.token_bytes_max) else {
                return Ok(Run::Taken(taken));
            };
            let tag = taken.saturating_add(text.len());
            let tag_bytes = match markup.strip_prefix('/') {
                Some(name) => self.end_tag(text, name.as_bytes())?,
                None => match self.start_tag(text, markup, &mut place, at(tag))? {
                    Start::Taken(bytes) => bytes,
                    Start::Leaf(bytes, slot) => {
                        self.patterns.note(at(tag), slot);
                        bytes
                    }
                    Start::Event => return Ok(Run::AtEvent(tag)),
                    Start::Left => 0,
                },
            };
            if tag_bytes == 0 {
                return Ok(Run::Taken(taken));
            }
            taken = tag.saturating_add(tag_bytes);
            if self.walk.events() > events {
                return Ok(Run::Ended(taken));
            }
        }
    }

    /// Takes entries of a list while they are plain; gives their bytes.
    fn entries(&mut self, list: EpcList, rest: &str) -> Result<usize, S::Error> {
        let mut taken = 0_usize;
        loop {
            let unit = rest.get(taken..).unwrap_or_default();
            let Some(Range { start, end }) = entry(unit.as_bytes(), &mut self.stem, self.limits)
            else {
                return Ok(taken);
            };
            self.sink.epc(list, unit.get(start..end).unwrap_or_default())?;
            taken = taken.saturating_add(end).saturating_add("</epc>".len());
        }
    }

    /// The bytes of an end tag from its `<`, after which the text before it counts; 0 if not plain.
    #[inline]
    fn end_tag(&mut self, text: &str, name: &[u8]) -> Result<usize, S::Error> {
        let Some((open, false)) = self.opened.last() else { return Ok(0) };
        let length = open.len();
        if !name.starts_with(open) || name.get(length) != Some(&b'>') || !self.fits(text) {
            return Ok(0);
        }
        self.gather_plain(text);
        self.opened.pop();
        self.walk.close(self.sink)?;
        self.names.leave(self.walk.depth());
        Ok(length.saturating_add("</>".len()))
    }

    #[inline]
    fn start_tag(
        &mut self,
        text: &str,
        markup: &str,
        place: &mut Option<Position>,
        offset: u64,
    ) -> Result<Start, S::Error> {
        let bytes = markup.as_bytes();
        let window = bytes.get(..=NAME_BYTES_MAX).unwrap_or(bytes);
        let Some(length) = window.iter().position(|byte| !is(*byte, NAME)) else {
            return Ok(Start::Left);
        };
        let name = bytes.get(..length).unwrap_or_default();
        let is_plain = bytes.get(length) == Some(&b'>')
            && name.first().is_some_and(u8::is_ascii_alphabetic)
            && length <= self.limits.value_bytes_max
            && self.walk.depth() < self.limits.depth_max;
        if !is_plain || !self.fits(text) {
            return Ok(Start::Left);
        }
        let Some(mut element) = self.met.element(name) else { return Ok(Start::Left) };
        if let Tag::Event(_) = element.tag {
            if self.walk.is_in_event() || self.walk.events() >= self.limits.events_max {
                return Ok(Start::Left);
            }
            let Some(Position { line, column }) = place.take() else { return Ok(Start::Event) };
            element.place = (line, column);
            self.patterns.begin(offset, self.walk.context());
        }
        self.gather_plain(text);
        element.standard = self.names.is_standard(element.prefix);
        let bytes = length.saturating_add("<>".len());
        let content = markup.get(bytes.saturating_sub(1)..).unwrap_or_default();
        if !self.walk.wants_text()
            && let Some(value) = leaf(content, name, self.limits)
        {
            let part = self.walk.leaf(&element, &mut self.names, value, self.sink)?;
            let slot = Slot { part, start: bytes, end: bytes.saturating_add(value.len()) };
            let bytes = slot.end.saturating_add(length).saturating_add("</>".len());
            return Ok(Start::Leaf(bytes, slot));
        }
        self.opened.push(name, false);
        self.walk.open(&element, &mut self.names);
        Ok(Start::Taken(bytes))
    }

    fn fits(&self, text: &str) -> bool {
        !self.walk.wants_text()
            || self.walk.text_bytes().saturating_add(text.len()) <= self.limits.value_bytes_max
    }

    fn gather_plain(&mut self, text: &str) {
        if self.walk.wants_text() {
            self.walk.text(text);
        }
    }
}

/// What became of a start tag.
enum Start {
    Taken(usize),
    /// An element without children, and its value from the `<` on.
    Leaf(usize, Slot),
    Event,
    Left,
}

impl Stem {
    /// The beginning that every plain entry without white space has.
    pub(crate) fn new() -> Self {
        let mut bytes = Vec::with_capacity(STEM_BYTES_MAX);
        bytes.extend_from_slice(b"<epc>");
        Self { text: bytes.len(), bytes }
    }

    fn remember(&mut self, unit: &[u8], start: usize, text: &[u8]) {
        let prefix = memchr::memrchr(b'.', text).map_or(0, |at| at.saturating_add(1));
        let end = start.saturating_add(prefix);
        if end <= STEM_BYTES_MAX {
            self.bytes.clear();
            self.bytes.extend_from_slice(unit.get(..end).unwrap_or_default());
            self.text = start;
        }
    }
}

/// Where the identifier of the entry stands with which `unit` begins, if it is plain.
#[inline]
pub(super) fn entry(unit: &[u8], stem: &mut Stem, limits: &Limits) -> Option<Range<usize>> {
    let (start, known) = if unit.starts_with(&stem.bytes) {
        (stem.text, stem.bytes.len())
    } else {
        let start = entry_start(unit)?;
        (start, start)
    };
    let more = unit.get(known..)?;
    let length = more.iter().position(|byte| !is(*byte, VALUE))?;
    let end = known.saturating_add(length);
    let text = unit.get(start..end)?;
    let is_closed = more.get(length..).is_some_and(|tail| tail.starts_with(b"</epc>"));
    if !is_closed
        || start > limits.token_bytes_max
        || text.len() > limits.value_bytes_max.min(limits.token_bytes_max)
    {
        return None;
    }
    if known == start {
        stem.remember(unit, start, text);
    }
    Some(start..end)
}

/// The text of an element that holds nothing else and ends in the buffer.
#[inline]
fn leaf<'a>(content: &'a str, name: &[u8], limits: &Limits) -> Option<&'a str> {
    if content.as_bytes().first().is_none_or(|byte| is(*byte, SPACE)) {
        // White space mostly stands before a child.
        return None;
    }
    let (text, end) = plain_text(content, limits.token_bytes_max.min(limits.value_bytes_max))?;
    let after = end.as_bytes().strip_prefix(b"/")?.strip_prefix(name)?;
    (after.first() == Some(&b'>')).then_some(text)
}

/// Where the identifier of an entry begins.
fn entry_start(unit: &[u8]) -> Option<usize> {
    let spaces = unit.iter().position(|byte| !is(*byte, SPACE))?;
    let tag = unit.get(spaces..)?;
    tag.starts_with(b"<epc>").then(|| spaces.saturating_add("<epc>".len()))
}

/// Text without references and `]`, and what follows the `<` behind it.
#[inline]
fn plain_text(rest: &str, bytes_max: usize) -> Option<(&str, &str)> {
    let bytes = rest.as_bytes();
    let spaces = bytes.iter().position(|byte| !is(*byte, SPACE))?;
    let more = bytes.get(spaces..)?;
    let length = if more.first() == Some(&b'<') {
        spaces
    } else {
        let stop = memchr::memchr3(b'<', b'&', b']', more)?;
        if more.get(stop) != Some(&b'<') {
            return None;
        }
        spaces.saturating_add(stop)
    };
    let (text, markup) = rest.split_at_checked(length)?;
    (length <= bytes_max).then_some((text, markup.get(1..)?))
}

/// Classes of bytes.
pub(super) const SPACE: u8 = 1;
/// May stand in a name; its first byte must be a letter.
const NAME: u8 = 2;
/// May stand in an identifier: visible ASCII without markup, references and `]`.
const VALUE: u8 = 4;
/// May stand in plain text: all but markup, references and `]`.
pub(super) const TEXT: u8 = 8;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let mut class = 0;
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            class |= SPACE;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':') {
            class |= NAME;
        }
        if byte.is_ascii_graphic() && !matches!(byte, b'<' | b'&' | b']') {
            class |= VALUE;
        }
        if !matches!(byte, b'<' | b'&' | b']') {
            class |= TEXT;
        }
        #[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "a byte is below 256")]
        {
            classes[byte as usize] = class;
        }
        if byte == u8::MAX {
            return classes;
        }
        byte = byte.wrapping_add(1);
    }
}

#[inline]
#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}
