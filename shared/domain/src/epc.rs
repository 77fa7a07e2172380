//! EPC identifiers of instances, read and written as EPC URN and as GS1 Digital Link.
//!
//! Sources: GS1 EPC Tag Data Standard 2.0 (section 6, pure identity URNs), GS1 Digital Link URI syntax 1.2.
//! A serial number is text and comes back byte for byte (I7).

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::gtin::{Gtin14, GtinError};
use crate::serial::{SERIAL_LENGTH_MAX, check_ai82, is_ai82};
use crate::sscc::{COMPANY_PREFIX_DIGITS, Sscc, SsccPrefix};

/// The root of the canonical Digital Link form.
pub const DIGITAL_LINK_ROOT: &str = "https://id.gs1.org";
const SGTIN_URN: &str = "urn:epc:id:sgtin:";
const SSCC_URN: &str = "urn:epc:id:sscc:";

/// An instance identifier as it stands in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Epc<'a> {
    /// A serialized trade item.
    Sgtin(Sgtin<'a>),
    /// A logistic unit.
    Sscc(Sscc),
    /// A well-formed identifier of another kind (GIAI, GRAI, SGLN, a company's own URI …).
    Other,
}

/// A trade item's GTIN and serial number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sgtin<'a> {
    /// The trade item.
    pub gtin: Gtin14,
    /// The serial number with escapes resolved.
    pub serial: Cow<'a, str>,
}

/// Why a text is no EPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EpcError {
    /// The text follows no known form of URI.
    #[error("the identifier is no URI of a known form")]
    NotUri,
    /// An SGTIN URN whose company prefix and item reference do not have 13 digits in all.
    #[error("company prefix and item reference of an SGTIN have 13 digits in all")]
    SgtinParts,
    /// The serial number is empty, too long, or has a character that is not allowed or not escaped.
    #[error(
        "the serial number has 1 to 20 characters of the GS1 set 82, escaped where the URI demands it"
    )]
    Serial,
    /// The GTIN of a Digital Link has a wrong form.
    #[error("the GTIN of the Digital Link has a wrong form")]
    Gtin,
    /// The GTIN of a Digital Link has a wrong check digit.
    #[error("the check digit of the key is wrong")]
    CheckDigit,
    /// The SSCC of a Digital Link has a wrong check digit.
    #[error("the check digit of the SSCC is wrong")]
    SsccCheckDigit,
    /// A malformed SSCC.
    #[error("company prefix and serial reference of an SSCC have 17 digits in all")]
    Sscc,
    /// A trade item without a serial number: a class, not an instance.
    #[error("the identifier names a class of trade items, not an instance")]
    ClassNotInstance,
}

/// Reads an instance identifier; white space around it is ignored.
pub fn parse_epc(text: &str) -> Result<Epc<'_>, EpcError> {
    let text = text.trim_ascii();
    if let Some(body) = text.strip_prefix(SGTIN_URN) {
        return sgtin_urn(body).map(Epc::Sgtin);
    }
    if let Some(body) = text.strip_prefix(SSCC_URN) {
        let (prefix, reference) = body.split_once('.').ok_or(EpcError::Sscc)?;
        return Sscc::from_urn_parts(prefix, reference).map(Epc::Sscc).ok_or(EpcError::Sscc);
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return web_uri(text);
    }
    if text.starts_with("urn:epc:class:lgtin:") || text.starts_with("urn:epc:idpat:sgtin:") {
        return Err(EpcError::ClassNotInstance);
    }
    other_uri(text)
}

fn other_uri(text: &str) -> Result<Epc<'_>, EpcError> {
    let (scheme, rest) = text.split_once(':').ok_or(EpcError::NotUri)?;
    let scheme_ok = scheme.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let rest_ok = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic());
    if scheme_ok && rest_ok { Ok(Epc::Other) } else { Err(EpcError::NotUri) }
}

fn sgtin_urn(body: &str) -> Result<Sgtin<'_>, EpcError> {
    let dot = |text| find(text, |byte| byte == b'.').ok_or(EpcError::SgtinParts);
    let (prefix, rest) = body.split_at(dot(body)?);
    let rest = rest.get(1..).unwrap_or_default();
    let (reference, serial) = rest.split_at(dot(rest)?);
    let serial = serial.get(1..).unwrap_or_default();
    let (prefix, reference) = (prefix.as_bytes(), reference.as_bytes());
    if !(6..=12).contains(&prefix.len()) || prefix.len().saturating_add(reference.len()) != 13 {
        return Err(EpcError::SgtinParts);
    }
    let (indicator, item) = reference.split_first().ok_or(EpcError::SgtinParts)?;
    let mut digits = [0_u8; 13];
    let source = std::iter::once(indicator).chain(prefix).chain(item);
    for (slot, byte) in digits.iter_mut().zip(source) {
        *slot = *byte;
    }
    let gtin = Gtin14::from_body(&digits).map_err(|_| EpcError::SgtinParts)?;
    Ok(Sgtin { gtin, serial: unescape(serial, is_urn_plain)? })
}

/// `/01/<gtin>` with `/21/<serial>` (or the long words `gtin`, `ser`) anywhere below any web root.
fn web_uri(text: &str) -> Result<Epc<'_>, EpcError> {
    let end = find(text, |byte| matches!(byte, b'?' | b'#')).unwrap_or(text.len());
    let path = text.get(..end).unwrap_or_default();
    if let Some(rest) = after_key(path, *b"00", b"sscc") {
        let key = rest.split('/').next().unwrap_or_default();
        return Sscc::parse(key).map(Epc::Sscc).map_err(|error| match error {
            crate::sscc::SsccError::Form => EpcError::Sscc,
            crate::sscc::SsccError::CheckDigit => EpcError::SsccCheckDigit,
        });
    }
    let Some(rest) = after_key(path, *b"01", b"gtin") else {
        return other_uri(text);
    };
    let key_end = find(rest, |byte| byte == b'/').unwrap_or(rest.len());
    let gtin =
        Gtin14::parse_padded(rest.get(..key_end).unwrap_or_default()).map_err(
            |error| match error {
                GtinError::CheckDigit { .. } => EpcError::CheckDigit,
                GtinError::Length(_) | GtinError::NotDigits => EpcError::Gtin,
            },
        )?;
    let qualifiers = rest.get(key_end..).unwrap_or_default();
    let Some(serial) = after_key(qualifiers, *b"21", b"ser") else {
        return Err(EpcError::ClassNotInstance);
    };
    let serial_end = find(serial, |byte| byte == b'/').unwrap_or(serial.len());
    let serial = serial.get(..serial_end).unwrap_or_default();
    Ok(Epc::Sgtin(Sgtin { gtin, serial: unescape(serial, is_link_plain)? }))
}

/// Where the first such byte of ASCII is; these texts are too short for a search that is set up first.
fn find(text: &str, is_it: impl Fn(u8) -> bool) -> Option<usize> {
    text.bytes().position(is_it)
}

/// What follows the first path segment that is one of the two. It is asked of each identifier of a file.
fn after_key<'a>(path: &'a str, number: [u8; 2], word: &[u8]) -> Option<&'a str> {
    let mut rest = path;
    while let Some(tail) = find(rest, |byte| byte == b'/').and_then(|at| rest.get(at..)?.get(1..)) {
        rest = tail;
        let end = match tail.as_bytes() {
            [one, two, b'/', ..] if [*one, *two] == number => Some("00/".len()),
            [first, ..] if Some(first) == word.first() => {
                let after = tail.as_bytes().strip_prefix(word);
                after.filter(|it| it.first() == Some(&b'/')).map(|_| word.len().saturating_add(1))
            }
            _ => None,
        };
        if let Some(end) = end {
            return tail.get(end..);
        }
    }
    None
}

/// Set 82 less `" % & / < > ?`, which a URN carries escaped (Tag Data Standard, table 6-2).
const fn is_urn_plain(byte: u8) -> bool {
    is_ai82(byte) && !matches!(byte, b'"' | b'%' | b'&' | b'/' | b'<' | b'>' | b'?')
}

/// What a path segment of a Digital Link may carry unescaped; tolerant on input.
const fn is_link_plain(byte: u8) -> bool {
    is_ai82(byte) && !matches!(byte, b'%' | b'/' | b'?')
}

/// What we leave unescaped in a Digital Link ourselves: the unreserved characters of RFC 3986.
const fn is_link_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

fn unescape(text: &str, plain: impl Fn(u8) -> bool) -> Result<Cow<'_, str>, EpcError> {
    let bytes = text.as_bytes();
    if !bytes.is_empty() && bytes.len() <= SERIAL_LENGTH_MAX && bytes.iter().all(|b| plain(*b)) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(SERIAL_LENGTH_MAX);
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let (hex, tail) = tail.split_at_checked(2).ok_or(EpcError::Serial)?;
            let hex = std::str::from_utf8(hex).map_err(|_| EpcError::Serial)?;
            if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(EpcError::Serial);
            }
            let byte = u8::from_str_radix(hex, 16).map_err(|_| EpcError::Serial)?;
            out.push(char::from(byte));
            rest = tail;
        } else if plain(*first) {
            out.push(char::from(*first));
            rest = tail;
        } else {
            return Err(EpcError::Serial);
        }
    }
    check_ai82(&out).map_err(|_| EpcError::Serial)?;
    Ok(Cow::Owned(out))
}

fn escape_into(out: &mut String, serial: &str, plain: fn(u8) -> bool) {
    for byte in serial.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
}

/// The part of an SGTIN URN before the serial, `urn:epc:id:sgtin:<prefix>.<indicator+item>.`; the length
/// of the company prefix is 6 to 12. `None` when the length is outside of that.
#[must_use]
pub fn sgtin_urn_stem(gtin: &Gtin14, company_prefix_length: u8) -> Option<String> {
    if !(6..=12).contains(&company_prefix_length) {
        return None;
    }
    let digits = gtin.as_str();
    let prefix_end = usize::from(company_prefix_length).saturating_add(1);
    let indicator = digits.get(..1)?;
    let (prefix, item) = (digits.get(1..prefix_end)?, digits.get(prefix_end..13)?);
    Some(format!("{SGTIN_URN}{prefix}.{indicator}{item}."))
}

/// The SGTIN URN of a serial number.
#[must_use]
pub fn sgtin_urn_text(gtin: &Gtin14, company_prefix_length: u8, serial: &str) -> Option<String> {
    let mut out = sgtin_urn_stem(gtin, company_prefix_length)?;
    push_urn_serial(&mut out, serial);
    Some(out)
}

/// Appends a serial number with the escapes of a URN.
pub fn push_urn_serial(out: &mut String, serial: &str) {
    escape_into(out, serial, is_urn_plain);
}

/// The part of an SSCC's URN before the serial reference, `urn:epc:id:sscc:<prefix>.<extension digit>`.
#[must_use]
pub fn sscc_urn_stem(prefix: &SsccPrefix) -> String {
    format!("{SSCC_URN}{prefix}")
}

/// The URN of an SSCC whose company prefix has so many digits, 6 to 12.
#[must_use]
pub fn sscc_urn_text(sscc: &Sscc, company_prefix_length: u8) -> Option<String> {
    if !COMPANY_PREFIX_DIGITS.contains(&company_prefix_length) {
        return None;
    }
    let digits = sscc.as_str();
    let prefix_end = usize::from(company_prefix_length).saturating_add(1);
    let (extension, prefix) = (digits.get(..1)?, digits.get(1..prefix_end)?);
    Some(format!("{SSCC_URN}{prefix}.{extension}{}", digits.get(prefix_end..17)?))
}

/// The canonical Digital Link of a serial number.
#[must_use]
pub fn digital_link_text(gtin: &Gtin14, serial: &str) -> String {
    let mut out = format!("{DIGITAL_LINK_ROOT}/01/{gtin}/21/");
    escape_into(&mut out, serial, is_link_unreserved);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sgtin(text: &str) -> Result<(String, String), EpcError> {
        match parse_epc(text)? {
            Epc::Sgtin(sgtin) => Ok((sgtin.gtin.to_string(), sgtin.serial.into_owned())),
            other @ (Epc::Sscc(_) | Epc::Other) => panic!("{other:?}"),
        }
    }

    fn check(text: &str, gtin: &str, serial: &str) {
        assert_eq!(sgtin(text), Ok((gtin.to_owned(), serial.to_owned())), "{text}");
    }

    #[test]
    fn instances_are_read_in_every_spelling() {
        let gtin = "00313000007772";
        check("urn:epc:id:sgtin:0313000.000777.000000010000", gtin, "000000010000");
        check(" urn:epc:id:sgtin:0313000.000777.a%2Fb%25 \n", gtin, "a/b%");
        check("https://id.gs1.org/01/00313000007772/21/007", gtin, "007");
        check("https://id.gs1.org/01/313000007772/21/7", gtin, "7");
        check("https://x.example/a/b/01/00313000007772/10/LOT/21/A%2Fb?17=281031", gtin, "A/b");
        check("http://x.example/gtin/00313000007772/ser/1.2", gtin, "1.2");
        check("http://x/0/s/gtins/01x/gtin/00313000007772/21x/serial/ser/1.2/21/3", gtin, "1.2");
        check("urn:epc:id:sgtin:0313000.000777.a.b", gtin, "a.b");
    }

    #[test]
    fn malformed_instances_are_named() {
        let check = |text: &str, error: EpcError| assert_eq!(parse_epc(text), Err(error), "{text}");
        check("urn:epc:id:sgtin:0313000.00777.1", EpcError::SgtinParts);
        check("urn:epc:id:sgtin:03130x0.000777.1", EpcError::SgtinParts);
        check("urn:epc:id:sgtin:0313000.000777", EpcError::SgtinParts);
        check("urn:epc:id:sgtin:0313000.000777.", EpcError::Serial);
        check("urn:epc:id:sgtin:0313000.000777.a/b", EpcError::Serial);
        check("urn:epc:id:sgtin:0313000.000777.a%2", EpcError::Serial);
        check("urn:epc:id:sgtin:0313000.000777.a%+2", EpcError::Serial);
        check("urn:epc:id:sgtin:0313000.000777.é", EpcError::Serial);
        check("urn:epc:id:sgtin:0313000.000777.123456789012345678901", EpcError::Serial);
        check("https://id.gs1.org/01/00313000007773/21/1", EpcError::CheckDigit);
        check("https://id.gs1.org/01/0031300000777x/21/1", EpcError::Gtin);
        check("https://id.gs1.org/01/00313000007772", EpcError::ClassNotInstance);
        check("urn:epc:idpat:sgtin:0313000.000777.*", EpcError::ClassNotInstance);
        check("urn:epc:id:sscc:0614141.300000041", EpcError::Sscc);
        check("https://id.gs1.org/00/306141410000004173", EpcError::SsccCheckDigit);
        check("0031300000777221", EpcError::NotUri);
        check("", EpcError::NotUri);
    }

    #[test]
    fn other_kinds_are_told_apart() {
        assert!(matches!(parse_epc("urn:epc:id:sscc:0614141.3000000417"), Ok(Epc::Sscc(_))));
        assert!(matches!(parse_epc("https://id.gs1.org/00/306141410000004172"), Ok(Epc::Sscc(_))));
        assert_eq!(parse_epc("urn:epc:id:sgln:0614141.00001.0"), Ok(Epc::Other));
        assert_eq!(parse_epc("https://example.org/things/7"), Ok(Epc::Other));
    }

    proptest! {
        #[test]
        fn every_serial_survives_both_forms(
            serial in "[!\"%&'()*+,\\-./_:;<=>?A-Za-z0-9]{1,20}",
            prefix_length in 6_u8..=12,
        ) {
            let gtin = Gtin14::parse("00313000007772").unwrap();
            let urn = sgtin_urn_text(&gtin, prefix_length, &serial).unwrap();
            prop_assert_eq!(sgtin(&urn), Ok((gtin.to_string(), serial.clone())));
            let link = digital_link_text(&gtin, &serial);
            prop_assert_eq!(sgtin(&link), Ok((gtin.to_string(), serial)));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,60}") {
            let _outcome = parse_epc(&text);
        }
    }
}
