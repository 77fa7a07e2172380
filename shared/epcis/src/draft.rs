//! The event under construction, filled by both readers with the same rules.

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
        if !self.has(field) {
            put(&mut self.head, field, trimmed(text), &mut self.spare);
        }
    }

    /// Marks the event as an error declaration, of which nothing else may be known.
    pub(crate) fn declare(&mut self) {
        self.head.error_declaration.get_or_insert_with(ErrorDeclaration::default);
    }

    /// The event was handed over; the next one has the next ordinal.
    pub(crate) fn end(&mut self) {
        self.head.ordinal = self.head.ordinal.saturating_add(1);
    }
}

/// Writes `field`, whatever it was before; its string is used again, or one of the spare ones.
pub(crate) fn put(head: &mut EventHead, field: Field, text: &str, spare: &mut Vec<String>) {
    let mut keep = |slot: &mut Option<String>, text: &str| {
        let mut kept = slot.take().or_else(|| spare.pop()).unwrap_or_default();
        kept.clear();
        kept.push_str(text);
        *slot = Some(kept);
    };
    match field {
        Field::Time => {
            head.time_text_present = true;
            head.event_time = moment::parse(text);
        }
        Field::Action => keep(&mut head.action, text),
        Field::BizStep => keep(&mut head.biz_step, cbv::word(text)),
        Field::Disposition => keep(&mut head.disposition, cbv::word(text)),
        Field::ReadPoint => keep(&mut head.read_point, text),
        Field::BizLocation => keep(&mut head.biz_location, text),
        Field::EventId => keep(&mut head.event_id, text),
        Field::ParentId => keep(&mut head.parent_id, text),
        Field::Lot => keep(&mut head.lot, text),
        Field::Expiry => {
            let mut date = [0; 10];
            keep(&mut head.expiry, moment::date(text, &mut date).unwrap_or(text));
        }
        Field::DeclarationTime | Field::DeclarationReason => {
            let declaration = head.error_declaration.get_or_insert_with(ErrorDeclaration::default);
            if field == Field::DeclarationReason {
                keep(&mut declaration.reason, text);
            } else if let Some(time) = moment::parse(text) {
                // One that cannot be read does not replace one that can.
                declaration.declaration_time = Some(time);
            }
        }
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
