//! EPCIS 1.0 to 2.0 as XML: tokens from quick-xml, our limits, our well-formedness, our places.
//!
//! Invariants: a document that is cut short is an error, never a shorter document; no entity is
//! ever expanded; one token at a time is in memory.

mod check;
mod element;
mod names;
mod opened;
mod pattern;
mod short;
mod tag;
mod walk;

use std::io::Read;

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::{BytesStart, Event};

use crate::draft::Field;
use crate::error::{Failure, Position, ReadError, ReadErrorCode};
use crate::event::{DocumentSummary, Sink};
use crate::limits::Limits;
use crate::source::Source;
use check::Fault;
use element::{Element, Met};
use names::Names;
use opened::Opened;
use pattern::Patterns;
use short::Stem;
use tag::Tag;
use walk::Walk;

struct Document<'a, S: ?Sized> {
    limits: &'a Limits,
    sink: &'a mut S,
    names: Names,
    walk: Walk,
    opened: Opened,
    stem: Stem,
    patterns: Patterns,
    met: Met,
    /// The root element was opened.
    rooted: bool,
    doctype: bool,
    first: bool,
}

/// Reads an XML document to its end.
pub(crate) fn read<R: Read, S: Sink + ?Sized>(
    source: Source<R>,
    limits: &Limits,
    sink: &mut S,
) -> Result<DocumentSummary, Failure<S::Error>> {
    let first = source.offset() == 0;
    let mut reader = Reader::from_reader(source);
    let config = reader.config_mut();
    config.check_comments = true;
    // End tags are checked here: the tokenizer does not see all start tags.
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut buffer = Vec::with_capacity(4096);
    let mut document = Document {
        limits,
        sink,
        names: Names::default(),
        walk: Walk::new(),
        opened: Opened::new(),
        stem: Stem::new(),
        patterns: Patterns::default(),
        met: Met::new(),
        rooted: false,
        doctype: false,
        first,
    };
    loop {
        buffer.clear();
        reader.get_mut().mark();
        let step = {
            let read = reader.read_event_into(&mut buffer);
            // Looked at where it is: moving events out costs a sixth of the whole reading.
            match &read {
                Ok(event) => Ok(document.step(event, reader.get_mut())),
                Err(error) => Err(error.clone()),
            }
        };
        let step = match step {
            Ok(step) => step,
            Err(error) => return Err(tokenizer_error(&error, reader.get_mut(), &buffer).into()),
        };
        let step = match step {
            Ok(Step::End) => break,
            Ok(step) => step,
            Err(Stop::Fault(fault)) => {
                let source = reader.get_mut();
                return Err(locate(&fault, source.mark_position(), &buffer).into());
            }
            Err(Stop::Sink(error)) => return Err(Failure::Sink(error)),
        };
        let source = reader.get_mut();
        if source.token_is_too_large() {
            return Err(source.too_large().into());
        }
        if step == Step::Markup {
            document.short_way(source).map_err(Failure::Sink)?;
            document.text_here(source);
        }
    }
    document.finish(reader.get_mut())
}

#[derive(PartialEq, Eq)]
enum Step {
    /// The tokenizer is at markup or a reference, and knows it.
    Text,
    /// Text may follow.
    Markup,
    End,
}

enum Stop<E> {
    Fault(Fault),
    Sink(E),
}

impl<E> From<Fault> for Stop<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<S: Sink + ?Sized> Document<'_, S> {
    #[inline]
    fn step<R: Read>(
        &mut self,
        event: &Event<'_>,
        source: &mut Source<R>,
    ) -> Result<Step, Stop<S::Error>> {
        match event {
            Event::Start(start) => self.open(start, source)?,
            Event::Empty(start) => {
                self.open(start, source)?;
                self.close()?;
            }
            Event::End(end) => {
                self.matches(end.name().0)?;
                self.close()?;
            }
            Event::Text(text) => {
                self.text(text)?;
                self.first = false;
                return Ok(Step::Text);
            }
            Event::CData(data) => {
                self.inside("a CDATA section")?;
                self.gather(data)?;
            }
            Event::GeneralRef(reference) => {
                let char = check::reference(reference)?;
                self.inside("a reference")?;
                let mut utf8 = [0; 4];
                self.gather(char.encode_utf8(&mut utf8).as_bytes())?;
            }
            Event::Decl(declaration) => {
                if !self.first {
                    return Err(fault("the XML declaration is not at the start").into());
                }
                check::declaration(declaration, self.limits)?;
            }
            Event::DocType(content) => {
                check::doctype(content)?;
                if self.rooted || self.doctype {
                    return Err(fault("the document type declaration is misplaced").into());
                }
                self.doctype = true;
            }
            Event::PI(instruction) => check::instruction(instruction.target())?,
            Event::Comment(_) => {}
            Event::Eof => return Ok(Step::End),
        }
        self.first = false;
        Ok(Step::Markup)
    }

    #[inline]
    fn open<R: Read>(
        &mut self,
        start: &BytesStart<'_>,
        source: &mut Source<R>,
    ) -> Result<(), Stop<S::Error>> {
        let depth = self.walk.depth();
        let is_plain_epc = &**start == b"epc" && self.names.is_standard(b"");
        if is_plain_epc && depth < self.limits.depth_max && self.walk.open_epc() {
            self.opened.push(b"epc", true);
            return Ok(());
        }
        let name = start.name().0;
        if depth == 0 && self.rooted {
            return Err(fault("there is a second root element").into());
        }
        if depth >= self.limits.depth_max {
            let message = format!("elements are nested deeper than {}", self.limits.depth_max);
            return Err(Fault::new(ReadErrorCode::TooDeep, 0, message).into());
        }
        if name.len() > self.limits.value_bytes_max {
            let message = format!("a name exceeds {} bytes", self.limits.value_bytes_max);
            return Err(Fault::new(ReadErrorCode::TokenTooLarge, 0, message).into());
        }
        self.rooted = true;
        let Some(mut element) = self.met.element(name) else {
            return Err(fault("a tag has no proper name").into());
        };
        if name.len() < start.len() {
            self.attributes(start, &mut element)?;
        }
        element.standard = self.names.is_standard(element.prefix);
        if let Tag::Event(_) = element.tag {
            if self.walk.events() >= self.limits.events_max {
                let message = format!("there are more than {} events", self.limits.events_max);
                return Err(Fault::new(ReadErrorCode::TooManyEvents, 0, message).into());
            }
            let Position { line, column } = source.mark_position();
            element.place = (line, column);
            if self.limits.short_way && !self.walk.is_in_event() {
                self.patterns.begin(source.mark_offset(), self.walk.context());
            }
        }
        self.opened.push(name, true);
        self.walk.open(&element, &mut self.names);
        Ok(())
    }

    fn attributes(
        &mut self,
        start: &BytesStart<'_>,
        element: &mut Element<'_>,
    ) -> Result<(), Fault> {
        let depth = self.walk.depth().saturating_add(1);
        let names = &mut self.names;
        let tag = element.tag;
        check::attributes(start, self.limits, |attribute| {
            match attribute.key.0 {
                b"schemaVersion" => {
                    let text = String::from_utf8_lossy(&attribute.value).into_owned();
                    element.schema_version = Some(text);
                }
                b"name" if tag == Tag::Extension => {
                    element.extension = match attribute.value.as_ref() {
                        b"BATCH" => Some(Field::Lot),
                        b"EXPIRY" => Some(Field::Expiry),
                        _ => None,
                    };
                }
                b"xmlns" => return names.bind(b"", &attribute.value, depth),
                key => {
                    if let Some(prefix) = key.strip_prefix(b"xmlns:") {
                        return names.bind(prefix, &attribute.value, depth);
                    }
                }
            }
            true
        })
    }

    /// An end tag closes the element that was opened last.
    #[inline]
    fn matches(&self, name: &[u8]) -> Result<(), Fault> {
        let message = match self.opened.last() {
            Some((open, _)) if open == name => return Ok(()),
            Some(_) => "an end tag has another name than its start tag",
            None => "an end tag has no start tag",
        };
        Err(Fault { at: check::end_tag_fault(name), ..fault(message) })
    }

    #[inline]
    fn close(&mut self) -> Result<(), Stop<S::Error>> {
        self.opened.pop();
        self.walk.close(self.sink).map_err(Stop::Sink)?;
        self.names.leave(self.walk.depth());
        Ok(())
    }

    #[inline]
    fn text(&mut self, text: &[u8]) -> Result<(), Fault> {
        if self.walk.depth() == 0 {
            let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            return match text.iter().position(|byte| !is_space(byte)) {
                None => Ok(()),
                Some(at) => Err(Fault { at, ..fault("there is text outside the root element") }),
            };
        }
        if let Some(at) = check::stray_section_end(text) {
            return Err(Fault { at, ..fault("`]]>` in character data") });
        }
        self.gather(text)
    }

    fn inside(&self, what: &str) -> Result<(), Fault> {
        if self.walk.depth() > 0 {
            return Ok(());
        }
        Err(fault(&format!("there is {what} outside the root element")))
    }

    #[inline]
    fn gather(&mut self, text: &[u8]) -> Result<(), Fault> {
        if !self.walk.wants_text() {
            return Ok(());
        }
        // The source hands out UTF-8 only, and pieces of text begin and end at markup or a reference.
        let text = std::str::from_utf8(text).unwrap_or_default();
        if self.walk.text(text) <= self.limits.value_bytes_max {
            return Ok(());
        }
        let message = format!("a value exceeds {} bytes", self.limits.value_bytes_max);
        Err(Fault::new(ReadErrorCode::TokenTooLarge, 0, message))
    }

    fn finish<R: Read>(
        mut self,
        source: &mut Source<R>,
    ) -> Result<DocumentSummary, Failure<S::Error>> {
        let message = if self.walk.depth() > 0 {
            format!("the document ends inside {} open elements", self.walk.depth())
        } else if self.rooted {
            return Ok(self.walk.finish(&self.names, self.doctype));
        } else {
            "the document ends before its root element".to_owned()
        };
        Err(ReadError::at(ReadErrorCode::Truncated, source.here(), message).into())
    }
}

fn fault(message: &str) -> Fault {
    Fault::new(ReadErrorCode::NotWellFormed, 0, message)
}

/// The place `fault.at` bytes into the token that begins at `start`.
fn locate(fault: &Fault, start: Position, token: &[u8]) -> ReadError {
    let before = token.get(..fault.at).unwrap_or(token);
    let lines = memchr::memchr_iter(b'\n', before).count();
    let position = match memchr::memrchr(b'\n', before) {
        None => Position { line: start.line, column: start.column.saturating_add(wide(fault.at)) },
        Some(last) => Position {
            line: start.line.saturating_add(wide(lines)),
            column: wide(fault.at.saturating_sub(last)),
        },
    };
    ReadError::at(fault.code, position, fault.message.clone())
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn tokenizer_error<R: Read>(error: &Error, source: &mut Source<R>, token: &[u8]) -> ReadError {
    if let Some(fault) = source.take_fault() {
        return fault;
    }
    // An attribute value that swallowed markup is an open quote, not the end of the transmission.
    let open_quote = matches!(
        error,
        Error::Syntax(
            SyntaxError::UnclosedSingleQuotedAttributeValue
                | SyntaxError::UnclosedDoubleQuotedAttributeValue
        )
    ) && token.iter().skip(1).any(|byte| *byte == b'<');
    let unclosed =
        matches!(error, Error::Syntax(_) | Error::IllFormed(IllFormedError::UnclosedReference));
    if let Error::Syntax(error) = error {
        if check::begins_wrongly(*error, token) {
            let fault = fault(&error.to_string());
            return locate(&fault, source.mark_position(), token);
        }
        if let (SyntaxError::UnclosedDoctype, Err(fault)) = (error, check::doctype(token)) {
            return locate(&fault, source.mark_position(), token);
        }
    }
    if unclosed && !open_quote && source.is_at_end() {
        return ReadError::at(ReadErrorCode::Truncated, source.here(), error.to_string());
    }
    let at = token.strip_prefix(b"</").map_or(0, check::end_tag_fault);
    let fault = Fault::new(ReadErrorCode::NotWellFormed, at, error.to_string());
    locate(&fault, source.mark_position(), token)
}
