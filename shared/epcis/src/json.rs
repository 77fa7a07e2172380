//! EPCIS 2.0 as JSON or JSON-LD: documents, query results, arrays of events, single events.
//!
//! Members may come in any order, and no event is held as a tree: identifiers go to the sink as
//! they are read. Keys are matched as written in the standard's context (`epcList`, `eventTime`),
//! lot and expiry by local name under any prefix.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a name or value without meaning here is passed over, whichever it is"
)]

mod lexer;
mod member;
mod value;

use std::io::Read;

use crate::draft::{Draft, Field};
use crate::error::{Failure, Position, ReadError, ReadErrorCode};
use crate::event::{DocumentSummary, EpcList, EventKind, Kind, Sink};
use crate::limits::Limits;
use crate::source::Source;
use lexer::{Lexer, Token};
use member::Member;

type Outcome<T, S> = Result<T, Failure<<S as Sink>::Error>>;

/// Where an object stands: only in an event list is it an event whatever it says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Loose,
    Listed,
}

/// What is known of an object while its members go by.
struct Candidate {
    place: Place,
    position: Position,
    /// `type` was given, so `isA` is not asked.
    typed: bool,
    container: bool,
    /// Identifiers were handed over.
    told: bool,
}

struct Document<'a, R, S: ?Sized> {
    lexer: Lexer<R>,
    limits: &'a Limits,
    sink: &'a mut S,
    draft: Draft,
    class: String,
    name: Option<String>,
    schema_version: Option<String>,
    recognised: bool,
}

/// Reads a JSON document to its end.
pub(crate) fn read<R: Read, S: Sink + ?Sized>(
    source: Source<R>,
    limits: &Limits,
    sink: &mut S,
) -> Outcome<DocumentSummary, S> {
    let mut document = Document {
        lexer: Lexer::new(source, limits),
        limits,
        sink,
        draft: Draft::new(false),
        class: String::new(),
        name: None,
        schema_version: None,
        recognised: false,
    };
    let root = document.lexer.value()?;
    let untyped = if root == Token::Object {
        document.object(Place::Root)?;
        "object"
    } else {
        document.objects(root, Place::Loose)?;
        "array"
    };
    document.lexer.end()?;
    Ok(document.finish(untyped))
}

impl<R: Read, S: Sink + ?Sized> Document<'_, R, S> {
    fn finish(self, untyped: &str) -> DocumentSummary {
        let events = self.draft.head.ordinal;
        let named = self.name.as_deref().is_some_and(|name| name.starts_with("EPCIS"));
        let is_epcis = events > 0 || named || self.recognised;
        DocumentSummary {
            kind: if is_epcis { Kind::EpcisJson } else { Kind::Unknown },
            document: self.name.unwrap_or_else(|| untyped.to_owned()),
            schema_version: self.schema_version,
            events,
            events_outside_list: 0,
            doctype: false,
        }
    }

    /// The objects of a value whose beginning was read: itself, or those of an array.
    fn objects(&mut self, begun: Token, place: Place) -> Outcome<(), S> {
        match begun {
            Token::Object => self.object(place),
            Token::Array => {
                let mut first = true;
                while self.lexer.element(&mut first)? {
                    match self.lexer.value()? {
                        Token::Object => self.object(place)?,
                        Token::Array if place != Place::Listed => {
                            self.objects(Token::Array, place)?;
                        }
                        other => self.lexer.skip(other)?,
                    }
                }
                Ok(())
            }
            other => Ok(self.lexer.skip(other)?),
        }
    }

    /// An object that may be an event, or may hold events.
    fn object(&mut self, place: Place) -> Outcome<(), S> {
        let position = self.lexer.source.mark_position();
        self.draft.begin(EventKind::Unknown, position.line, position.column);
        let mut candidate =
            Candidate { place, position, typed: false, container: false, told: false };
        let mut first = true;
        while self.lexer.member(&mut first)? {
            let member = Member::from_name(&self.lexer.text);
            let value = self.lexer.value()?;
            self.member(member, value, &mut candidate)?;
        }
        let is_event = place == Place::Listed || self.draft.head.kind != EventKind::Unknown;
        if candidate.container || !is_event {
            if candidate.told {
                let message = "identifiers stand in an object that is no event";
                return Err(ReadError::at(ReadErrorCode::NotEpcis, position, message).into());
            }
            return Ok(());
        }
        if self.draft.head.ordinal >= self.limits.events_max {
            let message = format!("there are more than {} events", self.limits.events_max);
            return Err(ReadError::at(ReadErrorCode::TooManyEvents, position, message).into());
        }
        self.sink.event(&self.draft.head).map_err(Failure::Sink)?;
        self.draft.end();
        Ok(())
    }

    fn member(&mut self, member: Member, value: Token, of: &mut Candidate) -> Outcome<(), S> {
        match member {
            Member::Type | Member::IsA => Ok(self.kind(member, value, of)?),
            Member::SchemaVersion if of.place == Place::Root => {
                if value == Token::Null {
                    return Ok(());
                }
                self.lexer.render(value, self.limits)?;
                self.schema_version = Some(self.lexer.text.clone());
                Ok(())
            }
            Member::Event if value != Token::Object => Ok(self.lexer.skip(value)?),
            Member::EventList | Member::Body | Member::Event => self.container(member, value, of),
            _ if of.container => Ok(self.lexer.skip(value)?),
            Member::List(list) => self.list(list, value, of),
            Member::Quantities => self.quantities(value),
            Member::Field(field) => Ok(self.field(field, value)?),
            Member::ReadPoint => Ok(self.place_id(Field::ReadPoint, value)?),
            Member::BizLocation => Ok(self.place_id(Field::BizLocation, value)?),
            Member::ErrorDeclaration => Ok(self.declaration(value)?),
            Member::Ilmd | Member::Foreign => Ok(self.search(value)?),
            Member::Lot(field) => Ok(self.lot(field, value)?),
            Member::SchemaVersion | Member::Plain => Ok(self.lexer.skip(value)?),
        }
    }

    /// `type`, or where there is none `isA`: the event's kind, or the document's name.
    fn kind(&mut self, member: Member, value: Token, of: &mut Candidate) -> Result<(), ReadError> {
        if value != Token::String {
            let is_value = !matches!(value, Token::Null | Token::False);
            of.typed = of.typed || (is_value && member == Member::Type);
            return self.lexer.skip(value);
        }
        if self.lexer.text.is_empty() || (of.typed && member == Member::IsA) {
            return Ok(());
        }
        of.typed = of.typed || member == Member::Type;
        if !of.container {
            let kind = EventKind::from_name(self.lexer.text.as_bytes());
            self.draft.head.kind = kind.unwrap_or(EventKind::Unknown);
        }
        if of.place == Place::Root {
            self.within_value()?;
            self.name = Some(self.lexer.text.clone());
        }
        Ok(())
    }

    fn container(&mut self, member: Member, value: Token, of: &mut Candidate) -> Outcome<(), S> {
        let is_event = of.place == Place::Listed || self.draft.head.kind != EventKind::Unknown;
        if is_event && !of.container {
            return Ok(self.lexer.skip(value)?);
        }
        if of.told {
            let message = "identifiers stand in an object that is no event";
            return Err(ReadError::at(ReadErrorCode::NotEpcis, of.position, message).into());
        }
        of.container = true;
        self.recognised = true;
        match member {
            Member::EventList => self.objects(value, Place::Listed),
            _ => self.objects(value, Place::Loose),
        }
    }

    /// A list of identifiers; a single one may stand without the list.
    fn list(&mut self, list: EpcList, value: Token, of: &mut Candidate) -> Outcome<(), S> {
        if value == Token::Null {
            return Ok(());
        }
        of.told = true;
        if value != Token::Array {
            return self.epc(list, value);
        }
        let mut first = true;
        while self.lexer.element(&mut first)? {
            let value = self.lexer.value()?;
            self.epc(list, value)?;
        }
        Ok(())
    }

    fn epc(&mut self, list: EpcList, value: Token) -> Outcome<(), S> {
        if value != Token::String {
            self.lexer.render(value, self.limits)?;
        }
        self.within_value()?;
        self.sink.epc(list, self.lexer.text.trim()).map_err(Failure::Sink)
    }

    fn quantities(&mut self, value: Token) -> Outcome<(), S> {
        match value {
            Token::Null => Ok(()),
            Token::Array => {
                let mut first = true;
                while self.lexer.element(&mut first)? {
                    let value = self.lexer.value()?;
                    self.quantity(value)?;
                }
                Ok(())
            }
            other => self.quantity(other),
        }
    }

    fn quantity(&mut self, value: Token) -> Outcome<(), S> {
        self.class.clear();
        if value == Token::Object {
            let mut first = true;
            while self.lexer.member(&mut first)? {
                let is_class = self.lexer.text == "epcClass";
                let value = self.lexer.value()?;
                if is_class {
                    self.lexer.render(value, self.limits)?;
                    self.within_value()?;
                    self.class.clear();
                    self.class.push_str(&self.lexer.text);
                } else {
                    self.lexer.skip(value)?;
                }
            }
        } else {
            self.lexer.skip(value)?;
        }
        let count = self.draft.head.quantity_elements.saturating_add(1);
        self.draft.head.quantity_elements = count;
        self.sink.class(self.class.trim()).map_err(Failure::Sink)
    }

    /// Refuses a meaningful text beyond the limit.
    fn within_value(&mut self) -> Result<(), ReadError> {
        if self.lexer.text.len() <= self.limits.value_bytes_max {
            return Ok(());
        }
        let message = format!("a value exceeds {} bytes", self.limits.value_bytes_max);
        Err(self.lexer.located(ReadErrorCode::TokenTooLarge, &message))
    }
}
