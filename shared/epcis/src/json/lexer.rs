//! A pull tokenizer of RFC 8259 over the checked bytes: strings, numbers, words and structure.
//!
//! It holds one string at a time and no tree. What it is given is UTF-8 without control
//! characters inside tokens, as the source guarantees.

use std::io::Read;

use crate::error::{ReadError, ReadErrorCode};
use crate::limits::Limits;
use crate::source::Source;

/// The beginning of a value. The text of a scalar is in [`Lexer::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

pub(crate) struct Lexer<R> {
    pub(crate) source: Source<R>,
    /// Text of the last string (unescaped), number or word.
    pub(crate) text: String,
    depth: usize,
    depth_max: usize,
}

impl<R: Read> Lexer<R> {
    pub(crate) fn new(source: Source<R>, limits: &Limits) -> Self {
        Self { source, text: String::with_capacity(256), depth: 0, depth_max: limits.depth_max }
    }

    /// The next value: a scalar whole, or the opening of an object or array.
    pub(crate) fn value(&mut self) -> Result<Token, ReadError> {
        match self.visible("a value")? {
            b'"' => {
                self.string()?;
                Ok(Token::String)
            }
            b'{' => self.open(Token::Object),
            b'[' => self.open(Token::Array),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Token::True),
            b'f' => self.word("false", Token::False),
            b'n' => self.word("null", Token::Null),
            _ => Err(self.broken("a value is expected")),
        }
    }

    /// The name of the object's next member into [`Lexer::text`]; false at the object's end.
    pub(crate) fn member(&mut self, first: &mut bool) -> Result<bool, ReadError> {
        if !self.separated(first, b'}', "`,` or `}` is expected")? {
            return Ok(false);
        }
        if self.visible("a member name")? != b'"' {
            return Err(self.broken("a member name in double quotes is expected"));
        }
        self.string()?;
        if self.visible("`:`")? != b':' {
            return Err(self.broken("`:` is expected"));
        }
        self.source.advance(1);
        Ok(true)
    }

    /// True when the array has another element, which is next.
    pub(crate) fn element(&mut self, first: &mut bool) -> Result<bool, ReadError> {
        self.separated(first, b']', "`,` or `]` is expected")
    }

    /// Passes over what remains of a value whose beginning was read.
    pub(crate) fn skip(&mut self, begun: Token) -> Result<(), ReadError> {
        let mut first = true;
        match begun {
            Token::Object => {
                while self.member(&mut first)? {
                    let value = self.value()?;
                    self.skip(value)?;
                }
            }
            Token::Array => {
                while self.element(&mut first)? {
                    let value = self.value()?;
                    self.skip(value)?;
                }
            }
            Token::String | Token::Number | Token::True | Token::False | Token::Null => {}
        }
        Ok(())
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), ReadError> {
        match self.source.peek_visible()? {
            None => Ok(()),
            Some(_) => Err(self.broken("there is something after the end of the value")),
        }
    }

    fn visible(&mut self, expected: &str) -> Result<u8, ReadError> {
        let window = self.source.window().as_bytes();
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let spaces = window.iter().take_while(|byte| is_space(byte)).count();
        let byte = match window.get(spaces).copied() {
            Some(byte) => {
                self.source.advance(spaces);
                Some(byte)
            }
            None => self.source.peek_visible()?,
        };
        self.source.mark();
        byte.ok_or_else(|| self.truncated(expected))
    }

    fn separated(&mut self, first: &mut bool, end: u8, message: &str) -> Result<bool, ReadError> {
        let byte = self.visible(message)?;
        if byte == end {
            self.source.advance(1);
            self.depth = self.depth.saturating_sub(1);
            return Ok(false);
        }
        if *first {
            *first = false;
            return Ok(true);
        }
        if byte != b',' {
            return Err(self.broken(message));
        }
        self.source.advance(1);
        if self.visible("what follows `,`")? == end {
            return Err(self.broken("nothing follows `,`"));
        }
        Ok(true)
    }

    fn open(&mut self, token: Token) -> Result<Token, ReadError> {
        self.source.advance(1);
        self.depth = self.depth.saturating_add(1);
        if self.depth > self.depth_max {
            let message = format!("values are nested deeper than {}", self.depth_max);
            return Err(self.located(ReadErrorCode::TooDeep, &message));
        }
        Ok(token)
    }

    fn string(&mut self) -> Result<(), ReadError> {
        self.source.advance(1);
        self.text.clear();
        loop {
            let available = self.source.available()?;
            if available.is_empty() {
                return Err(self.truncated("the end of a string"));
            }
            let stop = memchr::memchr2(b'"', b'\\', available);
            let plain = available.get(..stop.unwrap_or(available.len())).unwrap_or_default();
            if let Some(at) = memchr::memchr3(b'\n', b'\r', b'\t', plain) {
                self.source.advance(at);
                return Err(self.broken("a line end or tab inside a string"));
            }
            // Quotes and backslashes are never inside a character, nor does the source end in one.
            let (taken, at) = (plain.len(), stop.and_then(|at| available.get(at)).copied());
            self.text.push_str(self.source.window().get(..taken).unwrap_or_default());
            self.source.advance(taken);
            self.bounded()?;
            match at {
                Some(b'"') => {
                    self.source.advance(1);
                    return self.bounded();
                }
                Some(_) => self.escape()?,
                None => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), ReadError> {
        self.source.advance(1);
        let char = match self.byte("an escape")? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return Err(self.broken("an unknown escape in a string")),
        };
        self.text.push(char);
        Ok(())
    }

    fn unicode(&mut self) -> Result<char, ReadError> {
        let high = self.hex4()?;
        if !(0xd800..0xe000).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.broken("no such character"));
        }
        let low = if high < 0xdc00 && self.byte("an escape")? == b'\\' {
            match self.byte("an escape")? {
                b'u' => self.hex4()?,
                _ => 0,
            }
        } else {
            0
        };
        if !(0xdc00..0xe000).contains(&low) {
            return Err(self.broken("half a surrogate pair in a string"));
        }
        let pair = ((high & 0x3ff) << 10) | (low & 0x3ff);
        char::from_u32(pair.wrapping_add(0x1_0000)).ok_or_else(|| self.broken("no such character"))
    }

    fn hex4(&mut self) -> Result<u32, ReadError> {
        let mut value = 0u32;
        for _ in 0..4 {
            let digit = char::from(self.byte("an escape")?).to_digit(16);
            let Some(digit) = digit else {
                return Err(self.broken("four hexadecimal digits are expected"));
            };
            value = (value << 4) | digit;
        }
        Ok(value)
    }

    fn byte(&mut self, expected: &str) -> Result<u8, ReadError> {
        let byte = self.source.available()?.first().copied();
        self.source.advance(1);
        byte.ok_or_else(|| self.truncated(expected))
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fn number(&mut self) -> Result<Token, ReadError> {
        self.gather(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))?;
        let bytes = self.text.as_bytes();
        let bytes = bytes.strip_prefix(b"-").unwrap_or(bytes);
        let (whole, rest) = digits(bytes);
        let mut good = whole.len() == 1 || (whole.len() > 1 && !whole.starts_with(b"0"));
        let mut rest = rest;
        if let Some(fraction) = rest.strip_prefix(b".") {
            let (fraction, after) = digits(fraction);
            good = good && !fraction.is_empty();
            rest = after;
        }
        if let [b'e' | b'E', exponent @ ..] = rest {
            let signed = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-"));
            let exponent = signed.unwrap_or(exponent);
            let (exponent, after) = digits(exponent);
            good = good && !exponent.is_empty();
            rest = after;
        }
        if good && rest.is_empty() {
            return Ok(Token::Number);
        }
        if self.source.is_at_end() {
            return Err(self.truncated("the end of a number"));
        }
        Err(self.located(ReadErrorCode::NotJson, "a number is malformed"))
    }

    fn word(&mut self, word: &str, token: Token) -> Result<Token, ReadError> {
        self.gather(|byte| byte.is_ascii_alphanumeric())?;
        if self.text == word {
            return Ok(token);
        }
        if word.starts_with(&self.text) && self.source.is_at_end() {
            return Err(self.truncated("the end of a word"));
        }
        Err(self.located(ReadErrorCode::NotJson, "an unknown word"))
    }

    /// Takes the bytes that belong to a number or a word.
    fn gather(&mut self, belongs: impl Fn(u8) -> bool) -> Result<(), ReadError> {
        self.text.clear();
        loop {
            let available = self.source.available()?;
            let count = available.iter().take_while(|byte| belongs(**byte)).count();
            let more = count == available.len() && count > 0;
            self.text.push_str(self.source.window().get(..count).unwrap_or_default());
            self.source.advance(count);
            self.bounded()?;
            if !more {
                return Ok(());
            }
        }
    }

    fn bounded(&mut self) -> Result<(), ReadError> {
        if self.source.token_is_too_large() { Err(self.source.too_large()) } else { Ok(()) }
    }

    /// An error at the token being read.
    pub(crate) fn located(&mut self, code: ReadErrorCode, message: &str) -> ReadError {
        ReadError::at(code, self.source.mark_position(), message)
    }

    /// An error at the byte that does not fit.
    fn broken(&mut self, message: &str) -> ReadError {
        ReadError::at(ReadErrorCode::NotJson, self.source.here(), message)
    }

    fn truncated(&mut self, expected: &str) -> ReadError {
        let message = format!("the document ends before {expected}");
        ReadError::at(ReadErrorCode::Truncated, self.source.here(), message)
    }
}

fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.split_at_checked(count).unwrap_or((bytes, b""))
}
