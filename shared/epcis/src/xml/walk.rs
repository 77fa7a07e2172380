//! Where the reader is in an EPCIS document, and what the elements there mean.
//!
//! It knows names, nesting and values; it knows neither bytes nor places nor well-formedness.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a name or value without meaning here is passed over, whichever it is"
)]

use std::mem;

use crate::draft::{Draft, Field, trimmed};
use crate::event::{DocumentSummary, EpcList, EventHead, EventKind, Kind, Sink};
use crate::xml::element::Element;
use crate::xml::names::Names;
use crate::xml::pattern::Part;
use crate::xml::tag::Tag;

#[derive(Clone, Copy)]
struct Frame {
    tag: Tag,
}

/// A value whose text is being gathered.
#[derive(Clone, Copy)]
enum Value {
    Epc(EpcList),
    Class,
    Field(Field),
}

#[derive(Default)]
struct Document {
    root: String,
    root_version: Option<String>,
    /// Name, version and edition of the first document element.
    found: Option<(Tag, String, Option<String>, Option<u8>)>,
    events_outside: u64,
}

pub(crate) struct Walk {
    stack: Vec<Frame>,
    document: Document,
    draft: Draft,
    /// Depth of the open event's element, from 1; 0 outside events.
    event_depth: usize,
    event_lists: usize,
    ilmd: usize,
    /// The open quantity element counts, and whether its class was told.
    quantity: Option<bool>,
    value: Option<(Value, usize)>,
    text: String,
    /// Changes with all that decides what an event's markup means and stands outside of it.
    context: u64,
    /// Entries of the event that were told from here.
    told: u64,
}

impl Walk {
    pub(crate) fn new() -> Self {
        Self {
            stack: Vec::with_capacity(64),
            document: Document::default(),
            draft: Draft::new(true),
            event_depth: 0,
            event_lists: 0,
            ilmd: 0,
            quantity: None,
            value: None,
            text: String::with_capacity(256),
            context: 0,
            told: 0,
        }
    }

    #[inline]
    pub(crate) fn depth(&self) -> usize {
        self.stack.len()
    }

    pub(crate) fn events(&self) -> u64 {
        self.draft.head.ordinal
    }

    /// An event was handed over past this walk.
    pub(crate) fn count_event(&mut self) {
        self.draft.end();
    }

    /// Events with the same bytes mean the same where this is the same.
    #[inline]
    pub(crate) fn context(&self) -> u64 {
        self.context
    }

    /// The event that was closed last, if its bytes alone say what it told and its values have no
    /// bearing on each other.
    pub(crate) fn plain_event(&self) -> Option<&EventHead> {
        let head = &self.draft.head;
        let is_plain =
            self.told == 0 && head.quantity_elements == 0 && head.error_declaration.is_none();
        is_plain.then_some(head)
    }

    /// True while the text of a value is gathered.
    #[inline]
    pub(crate) fn wants_text(&self) -> bool {
        self.value.is_some()
    }

    /// Bytes of the value so far.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// True between the start and the end of an event.
    #[inline]
    pub(crate) fn is_in_event(&self) -> bool {
        self.event_depth > 0
    }

    /// Adds to the value; gives its length.
    #[inline]
    pub(crate) fn text(&mut self, text: &str) -> usize {
        self.text.push_str(text);
        self.text.len()
    }

    pub(crate) fn open(&mut self, element: &Element<'_>, names: &mut Names) {
        let tag = element.tag;
        let parent = self.stack.last().map_or(Tag::Other, |frame| frame.tag);
        let depth = self.stack.len();
        if depth == 0 {
            self.document.root = String::from_utf8_lossy(element.local()).into_owned();
            self.document.root_version.clone_from(&element.schema_version);
        }
        if matches!(tag, Tag::Document | Tag::QueryDocument | Tag::MasterDataDocument) {
            self.context = self.context.saturating_add(1);
            names.trust(element.prefix);
            self.note_document(element, names.edition_of(element.prefix));
        }
        self.stack.push(Frame { tag });
        if self.event_depth > 0 {
            if self.value.is_none() {
                self.open_in_event(element, parent);
            }
        } else if let Tag::Event(kind) = tag
            && (element.standard || depth == 0)
        {
            self.open_event(kind, parent, depth, element.place);
        } else {
            self.context = self.context.saturating_add(1);
        }
        match tag {
            Tag::EventList => self.event_lists = self.event_lists.saturating_add(1),
            Tag::Ilmd => self.ilmd = self.ilmd.saturating_add(1),
            _ => {}
        }
    }

    /// The list whose entries may follow.
    #[inline]
    pub(crate) fn open_list(&self) -> Option<EpcList> {
        if self.event_depth == 0 || self.ilmd > 0 || self.value.is_some() {
            return None;
        }
        match self.stack.last() {
            Some(Frame { tag: Tag::List(list) }) => Some(*list),
            _ => None,
        }
    }

    /// Opens an `epc` where a list of the standard expects one; false when it is no such place.
    /// This is [`Walk::open`] for nearly every element of a large document.
    #[inline]
    pub(crate) fn open_epc(&mut self) -> bool {
        let Some(list) = self.open_list() else { return false };
        self.stack.push(Frame { tag: Tag::Epc });
        self.gather(Value::Epc(list));
        true
    }

    fn note_document(&mut self, element: &Element<'_>, edition: Option<u8>) {
        if self.document.found.is_none() {
            let name = String::from_utf8_lossy(element.local()).into_owned();
            let version = element.schema_version.clone();
            self.document.found = Some((element.tag, name, version, edition));
        }
    }

    /// Events count where an event list holds them, itself or (EPCIS 1.x) in an extension of it,
    /// and where they are the whole document.
    fn open_event(&mut self, kind: EventKind, parent: Tag, depth: usize, place: (u64, u64)) {
        let listed = parent == Tag::EventList
            || (parent == Tag::Extension && self.event_lists > 0)
            || depth == 0;
        if !listed {
            self.document.events_outside = self.document.events_outside.saturating_add(1);
            self.context = self.context.saturating_add(1);
            return;
        }
        self.draft.begin(kind, place.0, place.1);
        self.event_depth = self.stack.len();
        self.quantity = None;
        self.told = 0;
    }

    fn open_in_event(&mut self, element: &Element<'_>, parent: Tag) {
        let direct = self.stack.len() == self.event_depth.saturating_add(1);
        let plain = element.standard && self.ilmd == 0;
        let head = matches!(parent, Tag::BaseExtension | Tag::Extension) || direct;
        match element.tag {
            Tag::Epc if plain => {
                if let Tag::List(list) = parent {
                    self.gather(Value::Epc(list));
                }
            }
            Tag::QuantityElement if plain => {
                let count = self.draft.head.quantity_elements.saturating_add(1);
                self.draft.head.quantity_elements = count;
                self.quantity = Some(false);
            }
            Tag::EpcClass => self.open_class(element.standard && direct, parent),
            Tag::ErrorDeclaration if plain && head => self.draft.declare(),
            Tag::EventId if plain && head => self.gather_field(Field::EventId),
            Tag::DeclarationTime if parent == Tag::ErrorDeclaration => {
                self.gather_field(Field::DeclarationTime);
            }
            Tag::Reason if parent == Tag::ErrorDeclaration => {
                self.gather_field(Field::DeclarationReason);
            }
            Tag::Id if self.stack.len() == self.event_depth.saturating_add(2) => match parent {
                Tag::ReadPoint => self.gather_field(Field::ReadPoint),
                Tag::BizLocation => self.gather_field(Field::BizLocation),
                _ => {}
            },
            Tag::Lot => self.gather_field(Field::Lot),
            Tag::Expiry => self.gather_field(Field::Expiry),
            Tag::LooseLot if !plain => self.gather_field(Field::Lot),
            Tag::LooseExpiry if !plain => self.gather_field(Field::Expiry),
            Tag::Extension => {
                if let Some(field) = element.extension {
                    self.gather_field(field);
                }
            }
            tag if direct && element.standard => {
                if let Some(field) = direct_field(tag) {
                    self.gather_field(field);
                }
            }
            _ => {}
        }
    }

    fn open_class(&mut self, direct: bool, parent: Tag) {
        if parent == Tag::QuantityElement && self.quantity == Some(false) {
            self.quantity = Some(true);
            self.gather(Value::Class);
        } else if direct && self.draft.head.kind == EventKind::Quantity {
            let head = &mut self.draft.head;
            if head.quantity_elements == 0 {
                head.quantity_elements = 1;
                self.gather(Value::Class);
            }
        }
    }

    fn gather_field(&mut self, field: Field) {
        if !self.draft.has(field) {
            self.gather(Value::Field(field));
        }
    }

    #[inline]
    fn gather(&mut self, value: Value) {
        self.text.clear();
        self.value = Some((value, self.stack.len()));
    }

    /// The end of the innermost element; true when it ended an event.
    #[inline]
    pub(crate) fn close<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), S::Error> {
        let depth = self.stack.len();
        if let Some((value, at)) = self.value
            && at == depth
        {
            self.value = None;
            tell(value, &self.text, (&mut self.draft, &mut self.told), sink)?;
        }
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        match frame.tag {
            Tag::EventList => self.event_lists = self.event_lists.saturating_sub(1),
            Tag::Ilmd => self.ilmd = self.ilmd.saturating_sub(1),
            Tag::QuantityElement if self.quantity.take() == Some(false) => sink.class("")?,
            _ => {}
        }
        if depth == self.event_depth {
            self.event_depth = 0;
            sink.event(&self.draft.head)?;
            self.draft.end();
        } else if self.event_depth == 0 {
            self.context = self.context.saturating_add(1);
        }
        Ok(())
    }

    /// [`Walk::open`], [`Walk::text`] and [`Walk::close`] of an element that holds but this text, where
    /// no value was being gathered; gives what the text is to the event.
    #[inline]
    pub(crate) fn leaf<S: Sink + ?Sized>(
        &mut self,
        element: &Element<'_>,
        names: &mut Names,
        text: &str,
        sink: &mut S,
    ) -> Result<Part, S::Error> {
        self.open(element, names);
        let mut part = Part::Other;
        if let Some((value, _)) = self.value.take() {
            tell(value, text, (&mut self.draft, &mut self.told), sink)?;
            if let Value::Field(field) = value {
                part = Part::Field(field);
            }
        }
        self.close(sink)?;
        Ok(part)
    }

    pub(crate) fn finish(&mut self, names: &Names, doctype: bool) -> DocumentSummary {
        let document = mem::take(&mut self.document);
        let events = self.events();
        let seen = if names.seen_2 && !names.seen_1 { 2 } else { 1 };
        let (tag, name, version, edition) = match document.found {
            Some((tag, name, version, edition)) => (Some(tag), name, version, edition),
            None => (None, document.root, document.root_version, None),
        };
        let declared = version.as_deref().and_then(|version| version.trim().chars().next());
        let edition = edition.unwrap_or(match declared {
            Some('2') => 2,
            Some('1') => 1,
            _ => seen,
        });
        let kind = match (tag, edition) {
            (Some(Tag::MasterDataDocument), _) => Kind::EpcisMasterData,
            (None, _) if events == 0 => Kind::Unknown,
            (_, 2) => Kind::EpcisXml2,
            _ => Kind::EpcisXml1,
        };
        DocumentSummary {
            kind,
            document: name,
            schema_version: version,
            events,
            events_outside_list: document.events_outside,
            doctype,
        }
    }
}

/// A value is over; entries are counted in `told`.
#[inline]
fn tell<S: Sink + ?Sized>(
    value: Value,
    text: &str,
    (draft, told): (&mut Draft, &mut u64),
    sink: &mut S,
) -> Result<(), S::Error> {
    let text = trimmed(text);
    match value {
        Value::Epc(list) => {
            *told = told.saturating_add(1);
            sink.epc(list, text)
        }
        Value::Class => sink.class(text),
        Value::Field(field) => {
            draft.set(field, text);
            Ok(())
        }
    }
}

fn direct_field(tag: Tag) -> Option<Field> {
    match tag {
        Tag::EventTime => Some(Field::Time),
        Tag::Action => Some(Field::Action),
        Tag::BizStep => Some(Field::BizStep),
        Tag::Disposition => Some(Field::Disposition),
        Tag::ParentId => Some(Field::ParentId),
        _ => None,
    }
}
