//! The event under construction, filled by both readers with the same rules.

use time::OffsetDateTime;

use crate::cbv;
use crate::event::{ErrorDeclaration, EventHead, EventKind};
use crate::moment;

/// A value of an event that the hub understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Time,
    Action,
    BizStep,
    Disposition,
    ReadPoint,
    BizLocation,
    EventId,
    ParentId,
    DeclarationTime,
    DeclarationReason,
    Lot,
    Expiry,
}

/// An event head that is cleared and filled again for each event of a document.
pub(crate) struct Draft {
    pub(crate) head: EventHead,
    /// XML: the first of repeated elements counts. JSON: the last of repeated members does.
    first_wins: bool,
    spare: Vec<String>,
}

impl Draft {
    pub(crate) fn new(first_wins: bool) -> Self {
        Self { head: EventHead::new(), first_wins, spare: Vec::with_capacity(16) }
    }

    /// Clears everything of the event before; its strings are kept for this one.
    pub(crate) fn begin(&mut self, kind: EventKind, line: u64, column: u64) {
        let head = &mut self.head;
        let declared = head.error_declaration.take().and_then(|declaration| declaration.reason);
        let texts = [
            head.action.take(),
            head.biz_step.take(),
            head.disposition.take(),
            head.read_point.take(),
            head.biz_location.take(),
            head.event_id.take(),
            head.lot.take(),
            head.expiry.take(),
            head.parent_id.take(),
            declared,
        ];
        self.spare.extend(texts.into_iter().flatten());
        self.spare.truncate(16);
        self.head.event_time = None;
        self.head.time_text_present = false;
        self.head.quantity_elements = 0;
        self.head.kind = kind;
        self.head.line = line;
        self.head.column = column;
    }

    /// True when `field` has a value that another one must not replace.
    pub(crate) fn has(&self, field: Field) -> bool {
        let head = &self.head;
        let declaration = head.error_declaration.as_ref();
        match field {
            // Lot and expiry stand in many places: the first that says something counts.
            Field::Lot => head.lot.as_ref().is_some_and(|text| !text.is_empty()),
            Field::Expiry => head.expiry.as_ref().is_some_and(|text| !text.is_empty()),
            _ if !self.first_wins => false,
            Field::Time => head.time_text_present,
            Field::Action => head.action.is_some(),
            Field::BizStep => head.biz_step.is_some(),
            Field::Disposition => head.disposition.is_some(),
            Field::ReadPoint => head.read_point.is_some(),
            Field::BizLocation => head.biz_location.is_some(),
            Field::EventId => head.event_id.is_some(),
            Field::ParentId => head.parent_id.is_some(),
            Field::DeclarationTime => declaration.is_some_and(|d| d.declaration_time.is_some()),
            Field::DeclarationReason => declaration.is_some_and(|d| d.reason.is_some()),
        }
    }

    /// Sets `field` from its text as written; white space around it is dropped.
    pub(crate) fn set(&mut self, field: Field, text: &str) {
        let text = trimmed(text);
        if self.has(field) {
            return;
        }
        match field {
            Field::Time => {
                self.head.time_text_present = true;
                self.head.event_time = moment::parse(text);
            }
            Field::DeclarationTime => self.declare(moment::parse(text), None),
            Field::DeclarationReason => {
                let reason = self.keep(text);
                self.declare(None, Some(reason));
            }
            Field::Action => self.head.action = Some(self.keep(text)),
            Field::BizStep => self.head.biz_step = Some(self.keep(cbv::word(text))),
            Field::Disposition => self.head.disposition = Some(self.keep(cbv::word(text))),
            Field::ReadPoint => self.head.read_point = Some(self.keep(text)),
            Field::BizLocation => self.head.biz_location = Some(self.keep(text)),
            Field::EventId => self.head.event_id = Some(self.keep(text)),
            Field::ParentId => self.head.parent_id = Some(self.keep(text)),
            Field::Lot => self.head.lot = Some(self.keep(text)),
            Field::Expiry => {
                let mut date = [0; 10];
                self.head.expiry = Some(self.keep(moment::date(text, &mut date).unwrap_or(text)));
            }
        }
    }

    /// Marks the event as an error declaration, with what is known of it.
    pub(crate) fn declare(&mut self, time: Option<OffsetDateTime>, reason: Option<String>) {
        let declaration = self.head.error_declaration.get_or_insert_with(ErrorDeclaration::default);
        if time.is_some() {
            declaration.declaration_time = time;
        }
        if reason.is_some() {
            declaration.reason = reason;
        }
    }

    /// The event was handed over; the next one has the next ordinal.
    pub(crate) fn end(&mut self) {
        self.head.ordinal = self.head.ordinal.saturating_add(1);
    }

    fn keep(&mut self, text: &str) -> String {
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.clear();
        kept.push_str(text);
        kept
    }
}

/// The text without the white space around it; mostly there is none.
#[inline]
pub(crate) fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [] | [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}
