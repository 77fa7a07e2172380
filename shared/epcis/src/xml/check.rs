//! The rules of XML 1.0 that the tokenizer leaves to its user.

use quick_xml::errors::SyntaxError;
use quick_xml::events::attributes::{AttrError, Attribute};
use quick_xml::events::{BytesDecl, BytesRef, BytesStart};

use crate::error::ReadErrorCode;
use crate::limits::Limits;

/// A broken rule, and how many bytes into the token.
pub(crate) struct Fault {
    pub(crate) code: ReadErrorCode,
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(code: ReadErrorCode, at: usize, message: impl Into<String>) -> Self {
        Self { code, at, message: message.into() }
    }

    fn broken(at: usize, message: impl Into<String>) -> Self {
        Self::new(ReadErrorCode::NotWellFormed, at, message)
    }
}

/// Letters, digits, `_`, `-`, `.`, `:` and everything beyond ASCII; not a digit, `-` or `.` first.
pub(crate) fn is_name(name: &[u8]) -> bool {
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':' | 0x80..);
    let is_part = |byte: &u8| is_start(*byte) || matches!(byte, b'0'..=b'9' | b'-' | b'.');
    name.first().is_some_and(|first| is_start(*first)) && name.iter().all(is_part)
}

/// Walks the attributes of a tag; `see` gets each of them.
pub(crate) fn attributes<'a>(
    start: &'a BytesStart<'_>,
    limits: &Limits,
    mut see: impl FnMut(&Attribute<'a>) -> bool,
) -> Result<(), Fault> {
    let raw = start.attributes_raw();
    // One byte of `<` before the name.
    let shift = start.name().as_ref().len().saturating_add(1);
    if raw.len() > limits.attribute_bytes_max {
        let message = format!("the attributes exceed {} bytes", limits.attribute_bytes_max);
        return Err(Fault::new(ReadErrorCode::TooManyAttributes, shift, message));
    }
    for (count, attribute) in start.attributes().enumerate() {
        let attribute = attribute.map_err(|error| {
            Fault::broken(attribute_place(&error).saturating_add(1), error.to_string())
        })?;
        if count >= limits.attributes_max {
            let message = format!("the tag has more than {} attributes", limits.attributes_max);
            return Err(Fault::new(ReadErrorCode::TooManyAttributes, shift, message));
        }
        let at = place_in(raw, attribute.key.as_ref()).saturating_add(shift);
        if !is_name(attribute.key.as_ref()) {
            return Err(Fault::broken(at, "an attribute has no proper name"));
        }
        if !matches!(
            raw.get(at.saturating_sub(shift.saturating_add(1))),
            Some(b' ' | b'\t' | b'\r' | b'\n')
        ) {
            return Err(Fault::broken(at, "no space before an attribute"));
        }
        if memchr::memchr(b'<', &attribute.value).is_some() {
            return Err(Fault::broken(at, "`<` in an attribute value"));
        }
        if memchr::memchr(b'&', &attribute.value).is_some() {
            let text = std::str::from_utf8(&attribute.value).unwrap_or_default();
            match quick_xml::escape::unescape(text) {
                Ok(text) if text.chars().all(is_xml_char) => {}
                Ok(_) => return Err(Fault::broken(at, "a reference is to no XML character")),
                Err(error) => return Err(Fault::broken(at, error.to_string())),
            }
        }
        if !see(&attribute) {
            let message = "too many namespaces are bound at once";
            return Err(Fault::new(ReadErrorCode::TooManyAttributes, at, message));
        }
    }
    Ok(())
}

fn attribute_place(error: &AttrError) -> usize {
    match error {
        AttrError::ExpectedEq(at)
        | AttrError::ExpectedValue(at)
        | AttrError::UnquotedValue(at)
        | AttrError::ExpectedQuote(at, _)
        | AttrError::Duplicated(at, _) => *at,
    }
}

/// Distance of `part` from the start of `whole`, of which it is a slice.
fn place_in(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr()).min(whole.len())
}

/// The XML declaration: version 1.x, and UTF-8 (or ASCII, which is part of it).
pub(crate) fn declaration(declaration: &BytesDecl<'_>, limits: &Limits) -> Result<(), Fault> {
    let content: &[u8] = declaration;
    // The token begins with `<?`, one byte more than a tag.
    let tag = BytesStart::from_content(String::from_utf8_lossy(content), "xml".len());
    let mut version = None;
    let mut encoding = None;
    let mut standalone = None;
    let mut order = 0;
    attributes(&tag, limits, |attribute| {
        let (at, slot) = match attribute.key.0 {
            b"version" => (1, &mut version),
            b"encoding" => (2, &mut encoding),
            b"standalone" => (3, &mut standalone),
            _ => (0, &mut standalone),
        };
        let is_next = at > order;
        order = at;
        *slot = Some(attribute.value.to_vec());
        is_next
    })
    .map_err(|fault| {
        let at = fault.at.saturating_add(1);
        if fault.code == ReadErrorCode::NotWellFormed {
            return Fault { at, ..fault };
        }
        Fault::broken(at, "the XML declaration is malformed")
    })?;
    if !matches!(version.as_deref(), Some(b"1.0" | b"1.1")) {
        return Err(Fault::broken(0, "the XML version is not 1.0"));
    }
    let Some(encoding) = encoding else { return Ok(()) };
    let name = encoding.to_ascii_lowercase();
    if matches!(name.as_slice(), b"utf-8" | b"utf8" | b"us-ascii" | b"ascii") {
        return Ok(());
    }
    let at = memchr::memmem::find(content, &encoding).unwrap_or(0).saturating_add(2);
    let shown: String = String::from_utf8_lossy(&encoding).chars().take(40).collect();
    let message = format!("the declared encoding {shown} is not UTF-8");
    Err(Fault::new(ReadErrorCode::WrongEncoding, at, message))
}

/// A processing instruction has a name, which is not `xml`, and white space behind it.
pub(crate) fn instruction(target: &[u8]) -> Result<(), Fault> {
    if is_name(target) && !target.eq_ignore_ascii_case(b"xml") {
        return Ok(());
    }
    Err(Fault::broken(2, "a processing instruction has no proper name"))
}

/// A document type declaration may name things; it may not define any, above all no entities. Where one with
/// definitions ends, the tokenizer judges by the pieces it came in, so nothing behind its `[` is looked at.
pub(crate) fn doctype(content: &[u8]) -> Result<(), Fault> {
    if content.contains(&b'[') {
        let message = "entity declarations, and all else a document type may define, are refused";
        return Err(Fault::new(ReadErrorCode::EntityDeclaration, 0, message));
    }
    Ok(())
}

/// Whether markup that the tokenizer calls unclosed does not even begin as it should: then it is malformed, wherever
/// the input or a buffer of it ends.
pub(crate) fn begins_wrongly(error: SyntaxError, token: &[u8]) -> bool {
    let openings: [(SyntaxError, &[u8]); 3] = [
        (SyntaxError::UnclosedCData, b"<![CDATA["),
        (SyntaxError::UnclosedComment, b"<!--"),
        (SyntaxError::UnclosedDoctype, b"<!DOCTYPE"),
    ];
    let Some((_, opening)) = openings.into_iter().find(|(unclosed, _)| *unclosed == error) else {
        return false;
    };
    let length = opening.len().min(token.len());
    match (token.get(..length), opening.get(..length)) {
        // The tokenizer reads `doctype` in any case.
        (Some(token), Some(opening)) if error == SyntaxError::UnclosedDoctype => {
            !token.eq_ignore_ascii_case(opening)
        }
        (token, opening) => token != opening,
    }
}

/// The character of `&…;`: a number, or one of the five names that need no declaration.
pub(crate) fn reference(reference: &BytesRef<'_>) -> Result<char, Fault> {
    match reference.resolve_char_ref() {
        Ok(Some(char)) if is_xml_char(char) => return Ok(char),
        Ok(Some(_)) => return Err(Fault::broken(0, "the reference is to no XML character")),
        Err(error) => return Err(Fault::broken(0, error.to_string())),
        Ok(None) => {}
    }
    match &**reference {
        b"amp" => Ok('&'),
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"apos" => Ok('\''),
        b"quot" => Ok('"'),
        _ => Err(Fault::broken(0, "the entity is not declared")),
    }
}

fn is_xml_char(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | ' '..) && !matches!(char, '\u{fffe}' | '\u{ffff}')
}

/// Where character data has `]]>`, which it may not.
#[inline]
pub(crate) fn stray_section_end(text: &[u8]) -> Option<usize> {
    // Most texts are the line end and the indentation before a tag: too short to set up a search.
    if text.len() < 16 {
        text.iter().position(|byte| *byte == b']')?;
    } else {
        memchr::memchr(b']', text)?;
    }
    memchr::memmem::find(text, b"]]>")
}

/// Where the name of an end tag, which follows `</`, stops being one, or the tag's start.
pub(crate) fn end_tag_fault(name: &[u8]) -> usize {
    let length = name.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
    let rest = name.get(length..).unwrap_or_default();
    match rest.iter().position(|byte| !byte.is_ascii_whitespace()) {
        Some(at) if rest.get(at) != Some(&b'>') => length.saturating_add(at).saturating_add(2),
        _ => 0,
    }
}
