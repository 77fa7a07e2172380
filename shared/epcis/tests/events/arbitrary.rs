//! Any bytes: no panic, the same result from any chunking, and an independent judge of JSON.

use epcis::{Limits, ReadErrorCode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::record;

/// Pieces of both formats: put together at random they reach far into the readers.
const PIECES: [&str; 58] = [
    "<EPCISDocument schemaVersion='1.2'>",
    "</EPCISDocument>",
    "<EventList>",
    "</EventList>",
    "<ObjectEvent>",
    "</ObjectEvent>",
    "<extension>",
    "</extension>",
    "<epcList>",
    "</epcList>",
    "<epc>",
    "</epc>",
    "<epc/>",
    "urn:epc:id:sgtin:0614141.107346.1",
    "<ilmd>",
    "</ilmd>",
    "<a:lotNumber xmlns:a='urn:x'>",
    "</a:lotNumber>",
    "<eventTime>2026-03-02T09:00:01Z</eventTime>",
    "<!-- x -->",
    "<![CDATA[",
    "]]>",
    "&amp;",
    "&#x41;",
    "&lt",
    "<?pi x?>",
    "<!DOCTYPE a>",
    "<!DOCTYPE a [<!ENTITY b 'c'>]>",
    "<?xml version='1.0'?>",
    "\u{feff}",
    "\u{e9}",
    "\u{1f600}",
    "\r\n",
    "\u{0}",
    "'",
    "\"",
    "<",
    ">",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\\u00e9",
    "\\ud83d",
    "\"type\":\"ObjectEvent\"",
    "\"epcList\":[",
    "\"eventList\":[",
    "\"action\":\"ADD\"",
    "\"ilmd\":{",
    "\"x:lotNumber\":\"L\"",
    "1.5e3",
    "-",
    "true",
    "null",
    " ",
];

pub(super) fn pieces() -> impl Strategy<Value = Vec<u8>> {
    vec(select(&PIECES[..]), 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

fn sample() -> impl Strategy<Value = Vec<u8>> {
    let samples = [
        "xml12-commissioning.xml",
        "xml20-bom-crlf.xml",
        "document.jsonld",
        "sap-delivery.xml",
        "optel-compact.xml",
        "tracelink.xml",
        "array.json",
    ];
    select(samples.to_vec()).prop_map(|name| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
        std::fs::read(folder.join(name)).unwrap()
    })
}

/// A sample in which some bytes were overwritten, and which may be cut short.
pub(super) fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let damage = vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (sample(), damage, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(mut bytes, damage, cut, is_cut)| {
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if is_cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes
        },
    )
}

/// The whole buffer at once, and as little as the smallest buffer takes.
fn same_from_any_chunking(bytes: &[u8], buffer_bytes: usize) -> Result<(), TestCaseError> {
    let whole = record(bytes, &Limits::default());
    let chunked = record(bytes, &Limits { buffer_bytes, ..Limits::default() });
    prop_assert_eq!(&whole, &chunked);
    if let Err(error) = whole {
        prop_assert!(error.line.is_some() && error.column.is_some());
        prop_assert!(!error.code.is_passing());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused_alike(bytes in vec(any::<u8>(), 0..300), buffer in 16usize..64) {
        same_from_any_chunking(&bytes, buffer)?;
    }

    #[test]
    fn any_pieces_are_read_or_refused_alike(bytes in pieces(), buffer in 16usize..200) {
        same_from_any_chunking(&bytes, buffer)?;
    }

    #[test]
    fn damaged_documents_are_read_or_refused_alike(bytes in damaged(), buffer in 16usize..200) {
        same_from_any_chunking(&bytes, buffer)?;
    }

    #[test]
    fn documents_cut_short_are_never_read(bytes in sample(), cut in any::<prop::sample::Index>()) {
        let text_end = bytes.trim_ascii_end().len();
        let cut = cut.index(text_end);
        let error = record(&bytes[..cut], &Limits::default()).expect_err("a part was read");
        let code = error.code;
        // A cut through a character is no UTF-8; a cut before the first visible byte leaves nothing.
        let expected = match cut {
            _ if std::str::from_utf8(&bytes[..cut]).is_err() => ReadErrorCode::WrongEncoding,
            0..=3 => ReadErrorCode::NotEpcis,
            _ => ReadErrorCode::Truncated,
        };
        prop_assert!(code == expected || code == ReadErrorCode::Truncated, "{}: {}", cut, error);
    }

    #[test]
    fn json_is_refused_exactly_when_it_is_malformed(bytes in pieces()) {
        let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(()) };
        // Without the members that make a well-formed document something else.
        let text = format!("[{}]", text.replace("epcList", "list"));
        let judge = serde_json::from_str::<serde_json::Value>(&text);
        let ours = record(text.as_bytes(), &Limits::default());
        prop_assert_eq!(judge.is_ok(), ours.is_ok(), "{} {:?} {:?}", text, judge, ours);
    }
}
