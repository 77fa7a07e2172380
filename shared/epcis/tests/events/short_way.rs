//! The short way through ordinary XML tells exactly what the general path tells: the same calls in the
//! same order, the same summary, the same error at the same place, for any bytes and any buffer.

use std::fmt::Write as _;
use std::io::BufReader;

use epcis::{DocumentSummary, EpcList, EventHead, Failure, Limits, Sink, inflate};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::Recorder;
use super::arbitrary::{damaged, pieces};

/// Ordinary markup, and next to it what the short way must leave alone.
const MARKUP: [&str; 76] = [
    "<ObjectEvent>",
    "</ObjectEvent>",
    "<ObjectEvent>",
    "</ObjectEvent>",
    "<AggregationEvent>",
    "</AggregationEvent>",
    "<epcList>",
    "</epcList>",
    "<epcList>",
    "</epcList>",
    "<epcList a='1'>",
    "<childEPCs>",
    "</childEPCs>",
    "<epc>urn:epc:id:sgtin:0614141.107346.1</epc>",
    "<epc>urn:epc:id:sgtin:0614141.107346.2</epc>",
    "\n  <epc>urn:epc:id:sgtin:0614141.107346.3</epc>",
    "\n  <epc>urn:epc:id:sgtin:0614141.107346.4</epc>",
    "\n  <epc>urn:epc:id:sgtin:0614141.107347.</epc>",
    "\n  <epc>https://id.gs1.org/01/10614141073464/21/1</epc>",
    "<epc> urn:epc:id:sgtin:0614141.107346.5\n</epc>",
    "<epc><![CDATA[urn:epc:id:sgtin:0614141.107346.6]]></epc>",
    "<epc>urn:epc:id:sgtin:0614141.107346.<!-- c -->7</epc>",
    "<epc>urn:epc:id:sgtin:0614141.107346.a&amp;b</epc>",
    "<epc>urn:epc:id:sgtin:0614141.107346.\u{e9}</epc>",
    "<epc>\u{a0}urn:x:\u{2003}</epc>",
    "<epc>a]b</epc>",
    "<epc>a]]>b</epc>",
    "<epc>a>b\u{7f}</epc>",
    "<epc/>",
    "<epc></epc>",
    "<epc x='1'>urn:a:b</epc>",
    "<epc >urn:a:b</epc >",
    "<epc>urn:a:b</epc\n>",
    "<epc>urn:a:b</epcx>",
    "<x:epc xmlns:x='urn:other'>urn:a:b</x:epc>",
    "<x:epc>urn:a:b</x:epc>",
    "<epc>",
    "</epc>",
    "<epc><b>urn:a:b</b></epc>",
    "<epc>0123456789<b>0123456789</b>0123456789<c>0123456789</c></epc>",
    "<bizStep><b>0123456789</b>0123456789<c>0123456789</c>0123456789</bizStep>",
    "<eventTime>2026-03-02T09:00:01Z</eventTime>",
    "<eventTime>2026-<!-- x -->03-02T09:00:01Z</eventTime>",
    "<action>ADD</action>",
    "<action>OB&#x53;ERVE</action>",
    "<bizStep>\n urn:epcglobal:cbv:bizstep:shipping\n</bizStep>",
    "<readPoint><id>urn:epc:id:sgln:0614141.00777.0</id></readPoint>",
    "<parentID>urn:epc:id:sscc:0614141.1234567890</parentID>",
    "<ilmd>",
    "</ilmd>",
    "<extension>",
    "</extension>",
    "<x:lotNumber>L1</x:lotNumber>",
    "<lot>L2</lot>",
    "<a:lotNumber xmlns:a='urn:x'>L3</a:lotNumber>",
    "<other xmlns='urn:other'>",
    "</other>",
    "<quantityElement><epcClass>urn:c</epcClass><quantity>1</quantity></quantityElement>",
    "<errorDeclaration><declarationTime>2026-03-02T09:00:01Z</declarationTime></errorDeclaration>",
    "<EventList>",
    "</EventList>",
    "<EPCISDocument>",
    "</EPCISDocument>",
    "<1a/>",
    "<a:b:c>",
    "</a:b:c>",
    "<\u{e9}t\u{e9}>x</\u{e9}t\u{e9}>",
    "&lt;",
    "&nbsp;",
    "\r\n\t ",
    "text",
    "]]>",
    "<!-- c -->",
    "<?pi x?>",
    "<",
    "\u{1}",
];

fn documents() -> impl Strategy<Value = Vec<u8>> {
    let heads = [
        "<EPCISDocument schemaVersion='1.2'><EPCISBody><EventList>",
        "<e:EPCISDocument xmlns:e='urn:epcglobal:epcis:xsd:1'><EPCISBody><EventList><ObjectEvent><epcList>",
        "<EPCISDocument xmlns='urn:epcglobal:epcis:xsd:2'><EPCISBody>\n<EventList>\n<ObjectEvent>\n<epcList>",
        "<ObjectEvent><epcList>",
        "",
    ];
    let tails = [
        "</epcList></ObjectEvent></EventList></EPCISBody></EPCISDocument>",
        "</epcList></ObjectEvent></EventList></EPCISBody></e:EPCISDocument>",
        "</EventList></EPCISBody></EPCISDocument>",
        "</epcList></ObjectEvent>",
        "",
    ];
    (select(heads.to_vec()), vec(select(&MARKUP[..]), 0..30), select(tails.to_vec()))
        .prop_map(|(head, pieces, tail)| format!("{head}{}{tail}", pieces.concat()).into_bytes())
}

/// Lists of plain entries, the bulk of real files, in which a few bytes are overwritten.
fn lists() -> impl Strategy<Value = Vec<u8>> {
    let indent = select(vec!["", "\n", "\n      ", "\r\n\t\t"]);
    let serials = vec((any::<u16>(), 0u8..20), 1..40);
    let damage = vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (indent, serials, damage, any::<bool>()).prop_map(|(indent, serials, damage, per_event)| {
        let mut text = "<EPCISDocument><EPCISBody><EventList>".to_owned();
        let event = |text: &mut String, epcs: &str| {
            let tail = "<action>ADD</action>";
            write!(text, "<ObjectEvent><epcList>{epcs}</epcList>{tail}</ObjectEvent>").unwrap();
        };
        let mut epcs = String::new();
        for (serial, other) in serials {
            let item = if other == 0 { 107_347 } else { 107_346 };
            write!(epcs, "{indent}<epc>urn:epc:id:sgtin:0614141.{item}.{serial}</epc>").unwrap();
            if per_event {
                event(&mut text, &std::mem::take(&mut epcs));
            }
        }
        event(&mut text, &epcs);
        text.push_str("</EventList></EPCISBody></EPCISDocument>");
        let mut bytes = text.into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

/// Records, and refuses after so many calls.
struct Refusing {
    recorder: Recorder,
    calls_left: u32,
}

impl Refusing {
    fn call(&mut self) -> Result<&mut Recorder, &'static str> {
        self.calls_left = self.calls_left.checked_sub(1).ok_or("enough")?;
        Ok(&mut self.recorder)
    }
}

impl Sink for Refusing {
    type Error = &'static str;

    fn epc(&mut self, list: EpcList, text: &str) -> Result<(), Self::Error> {
        let Ok(()) = self.call()?.epc(list, text);
        Ok(())
    }

    fn class(&mut self, text: &str) -> Result<(), Self::Error> {
        let Ok(()) = self.call()?.class(text);
        Ok(())
    }

    fn event(&mut self, head: &EventHead) -> Result<(), Self::Error> {
        let Ok(()) = self.call()?.event(head);
        Ok(())
    }
}

/// Everything that can be seen of a reading: its outcome, and what the sink was told until then.
pub(super) fn seen(
    bytes: &[u8],
    limits: &Limits,
    calls: u32,
) -> (Result<DocumentSummary, Failure<&'static str>>, Recorder) {
    let mut sink = Refusing { recorder: Recorder::default(), calls_left: calls };
    let outcome = epcis::read(BufReader::new(inflate(bytes, limits)), limits, &mut sink);
    (outcome, sink.recorder)
}

pub(super) fn check(bytes: &[u8], limits: &Limits, calls: u32) -> Result<(), TestCaseError> {
    let general = seen(bytes, &Limits { short_way: false, ..limits.clone() }, calls);
    let short = seen(bytes, &Limits { short_way: true, ..limits.clone() }, calls);
    prop_assert_eq!(&general, &short, "{}", String::from_utf8_lossy(bytes));
    Ok(())
}

pub(super) fn limits() -> impl Strategy<Value = Limits> {
    (16usize..300, 100usize..400, 10usize..200, 2usize..12, 0u64..6).prop_map(
        |(buffer_bytes, token_bytes_max, value_bytes_max, depth_max, events_max)| Limits {
            buffer_bytes,
            token_bytes_max,
            value_bytes_max,
            depth_max,
            events_max,
            ..Limits::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn markup_is_told_alike(bytes in documents(), limits in limits(), calls in 0u32..60) {
        check(&bytes, &Limits { buffer_bytes: limits.buffer_bytes, ..Limits::default() }, u32::MAX)?;
        check(&bytes, &Limits::default(), calls)?;
        check(&bytes, &limits, u32::MAX)?;
    }

    #[test]
    fn lists_are_told_alike(bytes in lists(), limits in limits(), calls in 0u32..60) {
        check(&bytes, &Limits { buffer_bytes: limits.buffer_bytes, ..Limits::default() }, u32::MAX)?;
        check(&bytes, &Limits::default(), calls)?;
        check(&bytes, &limits, u32::MAX)?;
    }

    #[test]
    fn damaged_documents_are_told_alike(bytes in damaged(), limits in limits()) {
        check(&bytes, &Limits { buffer_bytes: limits.buffer_bytes, ..Limits::default() }, u32::MAX)?;
        check(&bytes, &limits, u32::MAX)?;
    }

    #[test]
    fn pieces_are_told_alike(bytes in pieces(), limits in limits()) {
        check(&bytes, &limits, u32::MAX)?;
    }
}

#[test]
fn every_buffer_boundary_is_told_alike() {
    let entry = "\n    <epc>urn:epc:id:sgtin:0614141.107346.12</epc>";
    let event = format!(
        "<ObjectEvent>\n<eventTime>2026-03-02T09:00:01Z</eventTime><epcList>{}</epcList>\
         <action>ADD</action></ObjectEvent>",
        entry.repeat(3)
    );
    let document =
        format!("<EPCISDocument><EventList>{}</EventList></EPCISDocument>", event.repeat(2));
    let whole = seen(document.as_bytes(), &Limits::default(), u32::MAX);
    assert_eq!(whole.1.events.len(), 2);
    for buffer_bytes in 16..document.len() + 2 {
        let limits = Limits { buffer_bytes, ..Limits::default() };
        assert_eq!(seen(document.as_bytes(), &limits, u32::MAX), whole, "{buffer_bytes}");
    }
}

#[test]
fn elements_opened_on_either_way_are_closed_on_the_other() {
    let check = |text: &str, line_and_column: Option<(u64, u64)>| {
        for short_way in [false, true] {
            let limits = Limits { short_way, ..Limits::default() };
            let (outcome, _) = seen(text.as_bytes(), &limits, u32::MAX);
            let place = match outcome {
                Ok(_) => None,
                Err(Failure::Read(error)) => Some((error.line.unwrap(), error.column.unwrap())),
                Err(Failure::Sink(error)) => panic!("{error}"),
            };
            assert_eq!(place, line_and_column, "{text} {short_way}");
        }
    };
    check("<a><b></b ></a>", None);
    check("<a><b c='1'></b></a>", None);
    check("<a>\n<b c='1'><d></d></a>", Some((2, 17)));
    check("<a><b><c d='1'></b></c></a>", Some((1, 16)));
    check("<a><b></a>", Some((1, 7)));
    check("<a><b></bc></a>", Some((1, 7)));
    check("<a><b></b></b></a>", Some((1, 11)));
}
