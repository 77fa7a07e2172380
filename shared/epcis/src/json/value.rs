//! Values inside an event: texts, places, error declarations, lot and expiry.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a name or value without meaning here is passed over, whichever it is"
)]

use std::fmt::Write;
use std::io::Read;

use super::Document;
use super::lexer::{Lexer, Token};
use super::member::lot_or_expiry;
use crate::draft::Field;
use crate::error::{ReadError, ReadErrorCode};
use crate::event::Sink;
use crate::limits::Limits;

impl<R: Read, S: Sink + ?Sized> Document<'_, R, S> {
    /// A value of the event's head. Whatever is no string is kept as its JSON text.
    pub(super) fn field(&mut self, field: Field, value: Token) -> Result<(), ReadError> {
        let text_only = matches!(field, Field::ParentId | Field::EventId);
        if text_only && value != Token::String {
            return self.lexer.skip(value);
        }
        self.lexer.render(value, self.limits)?;
        self.within_value()?;
        self.draft.set(field, &self.lexer.text);
        Ok(())
    }

    /// `{"id": "…"}`, or the identifier itself.
    pub(super) fn place_id(&mut self, field: Field, value: Token) -> Result<(), ReadError> {
        match value {
            Token::String => self.field(field, value),
            Token::Object => {
                let mut first = true;
                while self.lexer.member(&mut first)? {
                    let is_id = self.lexer.text == "id";
                    let value = self.lexer.value()?;
                    if is_id && value == Token::String {
                        self.field(field, value)?;
                    } else {
                        self.lexer.skip(value)?;
                    }
                }
                Ok(())
            }
            other => self.lexer.skip(other),
        }
    }

    pub(super) fn declaration(&mut self, value: Token) -> Result<(), ReadError> {
        if value != Token::Object {
            return self.lexer.skip(value);
        }
        self.draft.declare();
        let mut first = true;
        while self.lexer.member(&mut first)? {
            let field = match self.lexer.text.as_str() {
                "declarationTime" => Some(Field::DeclarationTime),
                "reason" => Some(Field::DeclarationReason),
                _ => None,
            };
            let value = self.lexer.value()?;
            match field {
                Some(field) if value == Token::String => self.field(field, value)?,
                _ => self.lexer.skip(value)?,
            }
        }
        Ok(())
    }

    /// Looks for lot and expiry in instance data and extensions, at any depth.
    pub(super) fn search(&mut self, value: Token) -> Result<(), ReadError> {
        let mut first = true;
        match value {
            Token::Object => {
                while self.lexer.member(&mut first)? {
                    let field = lot_or_expiry(&self.lexer.text);
                    let value = self.lexer.value()?;
                    match field {
                        Some(field) => self.lot(field, value)?,
                        None => self.search(value)?,
                    }
                }
            }
            Token::Array => {
                while self.lexer.element(&mut first)? {
                    let value = self.lexer.value()?;
                    self.search(value)?;
                }
            }
            Token::String | Token::Number | Token::True | Token::False | Token::Null => {}
        }
        Ok(())
    }

    /// The value of a lot or expiry: itself, the first of an array, or the `@value` of an object.
    pub(super) fn lot(&mut self, field: Field, value: Token) -> Result<(), ReadError> {
        let mut first = true;
        match value {
            Token::String | Token::Number => {
                self.within_value()?;
                self.draft.set(field, &self.lexer.text);
            }
            Token::Array => {
                while self.lexer.element(&mut first)? {
                    let value = self.lexer.value()?;
                    self.lot(field, value)?;
                }
            }
            Token::Object => {
                while self.lexer.member(&mut first)? {
                    let is_value = matches!(self.lexer.text.as_str(), "@value" | "value");
                    let value = self.lexer.value()?;
                    if is_value {
                        self.lot(field, value)?;
                    } else {
                        self.search(value)?;
                    }
                }
            }
            Token::True | Token::False | Token::Null => {}
        }
        Ok(())
    }
}

impl<R: Read> Lexer<R> {
    /// Makes [`Lexer::text`] the text of a value whose beginning was read: a string as it is, null
    /// as nothing, anything else as JSON with `, ` and `: ` between its parts.
    pub(super) fn render(&mut self, begun: Token, limits: &Limits) -> Result<(), ReadError> {
        match begun {
            Token::String | Token::Number | Token::True | Token::False => Ok(()),
            Token::Null => {
                self.text.clear();
                Ok(())
            }
            Token::Object | Token::Array => {
                let mut rendered = String::new();
                self.render_nested(begun, &mut rendered, limits)?;
                self.text = rendered;
                Ok(())
            }
        }
    }

    fn render_nested(
        &mut self,
        begun: Token,
        into: &mut String,
        limits: &Limits,
    ) -> Result<(), ReadError> {
        let mut first = true;
        match begun {
            Token::Object => {
                into.push('{');
                while self.member(&mut first)? {
                    separate(into, '{');
                    quote(&self.text, into);
                    into.push_str(": ");
                    let value = self.value()?;
                    self.render_nested(value, into, limits)?;
                }
                into.push('}');
            }
            Token::Array => {
                into.push('[');
                while self.element(&mut first)? {
                    separate(into, '[');
                    let value = self.value()?;
                    self.render_nested(value, into, limits)?;
                }
                into.push(']');
            }
            Token::String => quote(&self.text, into),
            Token::Number | Token::True | Token::False | Token::Null => into.push_str(&self.text),
        }
        if into.len() > limits.value_bytes_max {
            let message = format!("a value exceeds {} bytes", limits.value_bytes_max);
            return Err(self.located(ReadErrorCode::TokenTooLarge, &message));
        }
        Ok(())
    }
}

fn separate(into: &mut String, opening: char) {
    if !into.ends_with(opening) {
        into.push_str(", ");
    }
}

/// A JSON string in ASCII, so that equal values have one text.
fn quote(text: &str, into: &mut String) {
    into.push('"');
    for char in text.chars() {
        match char {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            ' '..='~' => into.push(char),
            _ => {
                let mut units = [0; 2];
                for unit in char.encode_utf16(&mut units) {
                    // Writing to a string cannot fail.
                    write!(into, "\\u{unit:04x}").unwrap_or_default();
                }
            }
        }
    }
    into.push('"');
}
