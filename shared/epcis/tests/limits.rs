//! Each limit and each class of malformed input: its code and its place.

#![cfg(test)]

use std::io::{BufReader, Read};

use epcis::facts::Facts;
use epcis::{Failure, Limits, ReadError, ReadErrorCode, inflate};
use flate2::Compression;
use flate2::write::GzEncoder;

fn read_with(bytes: &[u8], limits: &Limits) -> Result<Facts, ReadError> {
    let mut facts = Facts::default();
    match epcis::read(BufReader::new(inflate(bytes, limits)), limits, &mut facts) {
        Ok(_) => Ok(facts),
        Err(Failure::Read(error)) => Err(error),
        Err(Failure::Sink(error)) => panic!("{error}"),
    }
}

/// Small limits, so that the table stays readable.
fn small() -> Limits {
    Limits {
        token_bytes_max: 2000,
        value_bytes_max: 100,
        depth_max: 6,
        attributes_max: 4,
        attribute_bytes_max: 500,
        events_max: 2,
        inflated_bytes_max: 100_000,
        ratio_max: 50,
        ratio_free_bytes: 10_000,
        ..Limits::default()
    }
}

fn check(bytes: impl AsRef<[u8]>, code: &str, line: u64, column: u64) {
    let bytes = bytes.as_ref();
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
    for buffer_bytes in [16, 100, 64 << 10] {
        let limits = Limits { buffer_bytes, ..small() };
        let error = read_with(bytes, &limits).expect_err(&shown);
        let found = (error.code.to_string(), error.line, error.column);
        assert_eq!(found, (code.to_owned(), Some(line), Some(column)), "{shown}: {error}");
    }
}

fn fits(bytes: impl AsRef<[u8]>) {
    let bytes = bytes.as_ref();
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
    read_with(bytes, &small()).expect(&shown);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

fn event(epc: &str) -> String {
    format!("<ObjectEvent><epcList><epc>{epc}</epc></epcList></ObjectEvent>")
}

fn document(events: &str) -> String {
    format!("<EPCISDocument><EventList>{events}</EventList></EPCISDocument>")
}

#[test]
fn malformed_xml_is_refused_with_its_place() {
    check("<a>\n <b>\n</a>", "not-well-formed", 3, 1);
    check("<a></a></b>", "not-well-formed", 1, 8);
    check("<a></a><b/>", "not-well-formed", 1, 8);
    check("<a></a>\n x", "not-well-formed", 2, 2);
    check("<a></a>&amp;", "not-well-formed", 1, 8);
    check("<a></a><![CDATA[x]]>", "not-well-formed", 1, 8);
    check("<a>\n&nbsp;</a>", "not-well-formed", 2, 1);
    check("<a>&#0;</a>", "not-well-formed", 1, 4);
    check("<a>&#xD800;</a>", "not-well-formed", 1, 4);
    check("<a> & b</a>", "not-well-formed", 1, 5);
    check("<a>x]]>y</a>", "not-well-formed", 1, 5);
    check("<a b></a>", "not-well-formed", 1, 5);
    check("<a b=c></a>", "not-well-formed", 1, 6);
    check("<a b='1' b='2'></a>", "not-well-formed", 1, 10);
    check("<a\n b='<'></a>", "not-well-formed", 2, 2);
    check("<a b='&x;'></a>", "not-well-formed", 1, 4);
    check("<a b=\"1></a>\n<c/>", "not-well-formed", 1, 1);
    check("<a 1='1'></a>", "not-well-formed", 1, 4);
    check("<1a></1a>", "not-well-formed", 1, 1);
    check("<a></a\n b>", "not-well-formed", 2, 2);
    check("<a><!-- x -- y --></a>", "not-well-formed", 1, 4);
    check("<a>\u{1}</a>", "not-well-formed", 1, 4);
    check("\n<?xml version=\"1.0\"?><a/>", "not-well-formed", 2, 1);
    check("<a><!DOCTYPE a></a>", "not-well-formed", 1, 4);
    check("<?xml version=\"1.0\" encoding=\u{201c}UTF-8\u{201d}?><a/>", "not-well-formed", 1, 30);
    check("<?xml version='2.0'?><a/>", "not-well-formed", 1, 1);
    check("<?xml version='1.0' & ?><a/>", "not-well-formed", 1, 23);
    check("<?xml version='1.0'encoding='utf-8'?><a/>", "not-well-formed", 1, 20);
    check("<?xml encoding='utf-8' version='1.0'?><a/>", "not-well-formed", 1, 24);
    check("<?xm version='1.0'?\n><a/>", "truncated", 2, 6);
    check("<a><?1x y?></a>", "not-well-formed", 1, 6);
    check("<a><?XML y?></a>", "not-well-formed", 1, 6);
    check("<a b='1'c='2'></a>", "not-well-formed", 1, 9);
    check("<a b='&#12;'></a>", "not-well-formed", 1, 4);
    // Found by the fuzz target `xml`: the prefix of a name that is known was not looked at.
    check("<e]x:EPCISDocument/>", "not-well-formed", 1, 1);
}

#[test]
fn truncated_input_is_refused_where_it_ends() {
    check("<a>\n<b>", "truncated", 2, 4);
    check("<a><b", "truncated", 1, 6);
    check("<a><b c='1", "truncated", 1, 11);
    check("<a>text", "truncated", 1, 8);
    check("<a>&am", "truncated", 1, 7);
    check("<a><!-- x", "truncated", 1, 10);
    check("<a><![CDATA[x", "truncated", 1, 14);
    check("<a></a", "truncated", 1, 7);
    check("<", "truncated", 1, 2);
    check("<!-- only -->", "truncated", 1, 14);
    check("{\"a\":\n", "truncated", 2, 1);
    check("{\"a", "truncated", 1, 4);
    check("[1, 2", "truncated", 1, 6);
    check("[tru", "truncated", 1, 5);
    check("[1.", "truncated", 1, 4);
    check("[\"\\u00", "truncated", 1, 7);
    check(document(&event("x")).strip_suffix("</EPCISDocument>").unwrap(), "truncated", 1, 97);
}

/// Found by the fuzz target `chunks`: what has its end and a wrong beginning was cut short or malformed according
/// to whether the first buffer ended with it, as the one of 16 bytes does here.
#[test]
fn markup_that_begins_wrongly_is_malformed_however_the_input_comes() {
    check("<![)))))))))C]]>", "not-well-formed", 1, 1);
    check("<![cdata[xxxx]]>", "not-well-formed", 1, 1);
    check("<!doctype a ....", "truncated", 1, 17);
    check("<!-xxxxxxxxxx-->", "not-well-formed", 1, 1);
    check("<!dogxxxxxxxxxx>", "not-well-formed", 1, 1);
    check("<a><!d</RRRR[ >x", "not-well-formed", 1, 4);
    check("<!DOCTYPE a <b>c", "not-well-formed", 1, 16);
    check("<![CDA", "truncated", 1, 7);
    check("<!DOCTYP", "truncated", 1, 9);
}

#[test]
fn malformed_json_is_refused_with_its_place() {
    check("{\"a\":1,\n}", "not-json", 2, 1);
    check("[1,]", "not-json", 1, 4);
    check("[1 2]", "not-json", 1, 4);
    check("{a:1}", "not-json", 1, 2);
    check("{\"a\" 1}", "not-json", 1, 6);
    check("[01]", "not-json", 1, 2);
    check("[1e]", "not-json", 1, 2);
    check("[nul]", "not-json", 1, 2);
    check("[NaN]", "not-json", 1, 2);
    check("['a']", "not-json", 1, 2);
    check("[\"a\\x\"]", "not-json", 1, 6);
    check("[\"\\ud800x\"]", "not-json", 1, 10);
    check("[\"a\nb\"]", "not-json", 1, 4);
    check("[] []", "not-json", 1, 4);
    check("[\u{1}]", "not-well-formed", 1, 2);
    check("[}", "not-json", 1, 2);
}

#[test]
fn what_is_no_document_is_refused_at_its_first_byte() {
    check("", "not-epcis", 1, 1);
    check("  \n", "not-epcis", 2, 1);
    check("gtin,serial\n1,2\n", "not-epcis", 1, 1);
    check("\n \"text\"", "not-epcis", 2, 2);
    check("{\"epcList\":[\"x\"]}", "not-epcis", 1, 1);
    check("[1,\n{\"epcList\":[\"x\"],\"eventList\":[]}]", "not-epcis", 2, 1);
}

#[test]
fn other_encodings_are_refused() {
    let utf16: Vec<u8> = "<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf16, "wrong-encoding", 1, 1);
    check([b"\xff\xfe", utf16.as_slice()].concat(), "wrong-encoding", 1, 1);
    check(b"\xfe\xff\0<", "wrong-encoding", 1, 1);
    check(b"<a>\n caf\xe9</a>", "wrong-encoding", 2, 5);
    check(b"[\"caf\xe9\"]", "wrong-encoding", 1, 6);
    check(b"<a>\xc3", "wrong-encoding", 1, 4);
    check("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "wrong-encoding", 1, 31);
    check("<?xml version='1.0' encoding='utf-16'?><a/>", "wrong-encoding", 1, 31);
    fits("<?xml version='1.0' encoding='US-ASCII'?><a/>");
    fits("\u{feff}<a>caf\u{e9} \u{1f600}</a>");
}

#[test]
fn entity_declarations_are_refused_and_a_bare_doctype_is_not() {
    fits("<!DOCTYPE a><a/>");
    fits("<!DOCTYPE a SYSTEM 'a.dtd'><a/>");
    check("<!DOCTYPE a [\n<!ENTITY x 'y'>]><a>&x;</a>", "entity-declaration", 1, 1);
    check("<a><!DOCTYPE a [", "entity-declaration", 1, 4);
    check("<!DOCTYPE a [<!ENTITY % x SYSTEM 'y'>]><a/>", "entity-declaration", 1, 1);
}

#[test]
fn each_limit_holds_at_its_edge() {
    let nested = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
    fits(nested(6));
    check(nested(7), "too-deep", 1, 19);
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    fits(nested(6));
    check(nested(7), "too-deep", 1, 7);

    fits("<a b='' c='' d='' e=''/>");
    check("<a b='' c='' d='' e='' f=''/>", "too-many-attributes", 1, 3);
    let bytes = |n: usize| format!("<a b='{}'/>", "x".repeat(n));
    fits(bytes(495));
    check(bytes(496), "too-many-attributes", 1, 3);

    let comment = |n: usize| format!("<a>\n<!--{}--></a>", "x".repeat(n));
    fits(comment(1993));
    check(comment(1994), "token-too-large", 2, 1);
    let text = |n: usize| format!("<a>{}</a>", "x".repeat(n));
    fits(text(2000));
    check(text(2001), "token-too-large", 1, 4);
    check(text(300_000), "token-too-large", 1, 4);
    let string = |n: usize| format!("[\"{}\"]", "x".repeat(n));
    fits(string(1998));
    check(string(1999), "token-too-large", 1, 2);
    check(format!("[{}]", "1".repeat(2001)), "token-too-large", 1, 2);

    fits(document(&event(&"x".repeat(100))));
    check(document(&event(&"x".repeat(101))), "token-too-large", 1, 54);
    let json =
        |n: usize| format!("[{{\"type\":\"ObjectEvent\",\"epcList\":[\"{}\"]}}]", "x".repeat(n));
    fits(json(100));
    check(json(101), "token-too-large", 1, 35);
    check(
        "[{\"type\":\"ObjectEvent\",\"action\":[\"".to_owned() + &"x".repeat(101) + "\"]}]",
        "token-too-large",
        1,
        34,
    );

    fits(document(&event("x").repeat(2)));
    check(document(&event("x").repeat(3)), "too-many-events", 1, 143);
    let events = |n: usize| vec!["{\"type\":\"ObjectEvent\"}"; n].join(",\n");
    fits(format!("[{}]", events(2)));
    check(format!("[{}]", events(3)), "too-many-events", 3, 1);
}

#[test]
fn gzip_is_inflated_within_its_limits() {
    let text = document(&event("urn:epc:id:sgtin:0614141.107346.1"));
    let facts = read_with(&gzip(text.as_bytes()), &small()).unwrap();
    assert_eq!(facts.epc_entries, 1);
    // Two members are one text.
    let (head, tail) = text.split_at(40);
    let members = [gzip(head.as_bytes()), gzip(tail.as_bytes())].concat();
    assert_eq!(read_with(&members, &small()).unwrap(), facts);

    let whole = gzip(text.as_bytes());
    check(&whole[..whole.len() - 4], "bad-gzip", 1, 145);
    check(&whole[..10], "bad-gzip", 1, 1);
    let mut broken = whole.clone();
    let checksum = broken.len() - 6;
    broken[checksum] ^= 1;
    check(&broken, "bad-gzip", 1, 145);
    check([whole.as_slice(), b"trailing"].concat(), "bad-gzip", 1, 145);
    check(b"\x1f\x8b", "bad-gzip", 1, 1);

    let spaces = |n: usize| gzip(format!("{}<a/>", " ".repeat(n)).as_bytes());
    fits(spaces(9_000));
    let error = read_with(&spaces(90_000), &small()).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::RatioTooHigh);
    assert!(error.line.is_some() && error.column.is_some());
    let generous = Limits { ratio_max: 2000, ..small() };
    assert!(read_with(&spaces(90_000), &generous).is_ok());
    let error = read_with(&spaces(100_001), &generous).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::InflatedTooLarge);
    // The size is limited for plain text too.
    let plain = format!("{}<a/>", " ".repeat(100_001));
    assert_eq!(
        read_with(plain.as_bytes(), &small()).unwrap_err().code,
        ReadErrorCode::InflatedTooLarge
    );
}

/// Found by the fuzz target `gzip`: a stream that was cut behind a long run was too dense when it came in
/// one piece, and broken when it came byte by byte.
#[test]
fn a_gzip_stream_is_judged_alike_whatever_the_pieces() {
    let limits = Limits { ratio_free_bytes: 4096, inflated_bytes_max: 65_536, ..small() };
    let head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xed\x90\x3d\x4f\xc3\x30\x10\x86\xf7\xfe\
        \x15\x94\xf8\x9c\xc4\x25\x89\xe4\xa1\x5f\x30\x00\x2a\x12\x1d\x4a\xb6\xd4\xb9\x86\
        \x43\xb1\x1d\xea\x6b\x45\x41\xfc\x77\x54\xa2\x76\x62\x64\x64\xbb\x8f\x57\x8f\x5e\
        \x3d\x78\x40\xc7\xab\x63\x8f\x7a\xb9\x79\x45\x13\x48\xb2\x08\xc6\x11\xe4\x2b\xff\
        \xff\x03";
    let stream = [&head[..], &[0xff; 43], b"\xf4\xef\x95\xd7\x00"].concat();
    for cut in 10..=stream.len() {
        let read = |piece: usize, step: usize| {
            let input = BufReader::with_capacity(piece, &stream[..cut]);
            let mut reader = inflate(input, &limits);
            let (mut text, mut part) = (Vec::new(), vec![0; step]);
            loop {
                match reader.read(&mut part) {
                    Ok(0) => return (text, None),
                    Ok(read) => text.extend_from_slice(&part[..read]),
                    Err(error) => return (text, Some(error.to_string())),
                }
            }
        };
        let whole = read(1 << 16, 1 << 16);
        for (piece, step) in [(1, 1), (1, 1 << 16), (1 << 16, 1), (7, 4096)] {
            assert_eq!(
                read(piece, step),
                whole,
                "cut at {cut}, pieces of {piece}, {step} asked for"
            );
        }
    }
}

#[test]
fn open_namespaces_are_bounded() {
    let bindings: String = (0..40).fold(String::new(), |all, n| {
        let seven = (0..7).fold(String::new(), |all, m| all + &format!(" xmlns:p{n}x{m}='u'"));
        all + &format!("<a{seven}>")
    });
    let limits = Limits { depth_max: 64, attributes_max: 256, ..Limits::default() };
    let error = read_with(bindings.as_bytes(), &limits).unwrap_err();
    assert_eq!(error.code, ReadErrorCode::TooManyAttributes);
}

/// Fails after its first bytes, as a broken connection does.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        }
        self.0.read(buf)
    }
}

#[test]
fn bytes_that_never_arrive_are_no_fault_of_the_document() {
    let text = document(&event("x"));
    for bytes in [text.as_bytes()[..60].to_vec(), gzip(text.as_bytes())[..30].to_vec()] {
        let limits = small();
        let input = BufReader::new(inflate(BufReader::new(Broken(&bytes)), &limits));
        let failure = epcis::read(input, &limits, &mut Facts::default()).unwrap_err();
        let Failure::Read(error) = failure else { panic!("{failure:?}") };
        assert_eq!((error.code, error.line), (ReadErrorCode::Io, None));
        assert!(error.code.is_passing());
    }
}
