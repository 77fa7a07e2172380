//! Events that are alike are taken at once, and told exactly as if each were read by itself.

use epcis::Limits;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::short_way::{check, limits, seen};

/// What stands between two values of an event, or is a value that tests the rules.
#[derive(Clone, Debug)]
enum Piece {
    /// The same in every event.
    Markup(&'static str),
    /// Between a start and an end tag, in each event another of these.
    Value(&'static str, &'static str, &'static [&'static str]),
    Entries,
}

const TIMES: [&str; 6] = [
    "2026-03-02T09:00:01Z",
    "2026-03-02T09:00:02.5+01:00",
    "\n2026-03-02T09:00:02Z ",
    "yesterday",
    "",
    "2026-03-02T09:00:<!-- x -->03Z",
];
const TEXTS: [&str; 12] = [
    "ADD",
    "DELETE",
    "urn:epcglobal:cbv:bizstep:commissioning",
    "shipping",
    "",
    " ",
    "\u{a0}",
    "\u{e9}t\u{e9}",
    "a]b",
    "a&amp;b",
    "a\nb",
    "<b>x</b>",
];
const LOTS: [&str; 8] = ["L1", "L2", "LOT 42", "", "  ", "\u{2003}", "L&#x31;", "2028-10-31"];
const ENTRIES: [&str; 9] = [
    "\n <epc>urn:epc:id:sgtin:0614141.107346.1</epc>",
    "\n <epc>urn:epc:id:sgtin:0614141.107346.22</epc>",
    "\n <epc>urn:epc:id:sgtin:0614141.107347.3</epc>",
    "<epc>https://id.gs1.org/01/10614141073464/21/4</epc>",
    "<epc></epc>",
    "<epc> urn:a:b </epc>",
    "<epc/>",
    "<epc>a]b</epc>",
    "<!-- none -->",
];

fn pieces() -> Vec<Piece> {
    use Piece::{Entries, Markup, Value};
    vec![
        Value("\n<eventTime>", "</eventTime>", &TIMES),
        Value("<eventTime>", "</eventTime>", &TIMES),
        Value("<eventID>", "</eventID>", &TEXTS),
        Value("<action>", "</action>", &TEXTS),
        Value("<action>", "</action>", &TEXTS),
        Value("<bizStep>", "</bizStep>", &TEXTS),
        Value("<x:anything>", "</x:anything>", &TEXTS),
        Value("<readPoint><id>", "</id></readPoint>", &TEXTS),
        Value("<bizTransaction type='po'>", "</bizTransaction>", &TEXTS),
        Value("<ilmd><x:lotNumber>", "</x:lotNumber></ilmd>", &LOTS),
        Value("<lotNumber>", "</lotNumber>", &LOTS),
        Value("<ilmd>\n<lot>", "</lot></ilmd>", &LOTS),
        Value("<itemExpirationDate>", "</itemExpirationDate>", &LOTS),
        Value("<ilmd><expiry>", "</expiry></ilmd>", &LOTS),
        Value("<extension name='BATCH'>", "</extension>", &LOTS),
        Value("<parentID>", "</parentID>", &TEXTS),
        Value("<childEPCs><epc>", "</epc></childEPCs>", &TEXTS),
        Value(
            "<errorDeclaration><declarationTime>",
            "</declarationTime></errorDeclaration>",
            &TIMES,
        ),
        Value("<errorDeclaration><reason>", "</reason></errorDeclaration>", &TEXTS),
        Value("<quantityElement><epcClass>", "</epcClass></quantityElement>", &TEXTS),
        Value("<foo xmlns='urn:other'><action>", "</action></foo>", &TEXTS),
        Value("<EPCISDocument><bizStep>", "</bizStep></EPCISDocument>", &TEXTS),
        Value("<ObjectEvent><action>", "</action></ObjectEvent>", &TEXTS),
        Value("<!--", "-->", &["", "x", "longer"]),
        Value("<![CDATA[", "]]>", &["", "x", "longer"]),
        Entries,
        Entries,
        Markup("\n  "),
        Markup("text"),
        Markup("<EventList></EventList>"),
        Markup("<disposition>\n active\n</disposition>"),
    ]
}

/// The start tag, what is in it, and the end tag.
type Shape = (&'static str, Vec<Piece>, &'static str);

fn shape() -> impl Strategy<Value = Shape> {
    let tags = [
        ("<ObjectEvent>", "</ObjectEvent>"),
        ("<ObjectEvent>", "</ObjectEvent>"),
        ("<ObjectEvent>", "</ObjectEvent>"),
        ("<ObjectEvent a='1'>", "</ObjectEvent >"),
        ("<x:AggregationEvent>", "</x:AggregationEvent>"),
        ("<QuantityEvent>", "</QuantityEvent>"),
        ("<o:ObjectEvent xmlns:o='urn:o'>", "</o:ObjectEvent>"),
        ("<extension><TransformationEvent>", "</TransformationEvent></extension>"),
    ];
    (select(tags.to_vec()), vec(select(pieces()), 0..8))
        .prop_map(|((start, end), inside)| (start, inside, end))
}

fn event(shape: &Shape, dice: &mut impl Iterator<Item = u8>) -> String {
    let (start, inside, end) = shape;
    let mut text = (*start).to_owned();
    let mut roll = |sides: usize| match dice.next() {
        // Most events have the first of the values, so that what they share is learnt.
        Some(byte) if byte >= 128 => usize::from(byte).checked_rem(sides).unwrap(),
        _ => 0,
    };
    for piece in inside {
        match piece {
            Piece::Markup(markup) => text.push_str(markup),
            Piece::Value(before, after, values) => {
                text.push_str(before);
                text.push_str(values[roll(values.len())]);
                text.push_str(after);
            }
            Piece::Entries => {
                text.push_str("<epcList>");
                for _ in 0..=roll(4) {
                    text.push_str(ENTRIES[roll(ENTRIES.len())]);
                }
                text.push_str("\n</epcList>");
            }
        }
    }
    text.push_str(end);
    text
}

/// A line's day: events of a few shapes, with something else between them now and then.
fn documents() -> impl Strategy<Value = Vec<u8>> {
    let between = [
        "",
        "",
        "\n",
        "\n  ",
        "<!-- c -->",
        "<other/>",
        "<other xmlns='urn:other'>",
        "text",
        "]]>",
    ];
    let heads = [
        "<EPCISDocument schemaVersion='1.2'><EPCISBody><EventList>",
        "<e:EPCISDocument xmlns:e='urn:epcglobal:epcis:xsd:1' xmlns:x='urn:x'><EPCISBody>\n<EventList>",
    ];
    let turns = vec((0_usize..3, 0_usize..60), 1..12);
    let dice = vec(any::<u8>(), 1..40);
    let damage = vec((any::<prop::sample::Index>(), any::<u8>()), 0..2);
    (select(heads.to_vec()), vec(shape(), 1..4), turns, dice, damage).prop_map(
        move |(head, shapes, turns, dice, damage)| {
            let mut dice = dice.into_iter().cycle();
            let mut text = head.to_owned();
            for (shape, gap) in turns {
                text.push_str(between.get(gap % 20).copied().unwrap_or("\n"));
                let shape = shapes.iter().cycle().nth(shape).unwrap();
                text.push_str(&event(shape, &mut dice));
            }
            text.push_str("</EventList></EPCISBody>");
            text.push_str(if head.starts_with("<e:") {
                "</e:EPCISDocument>"
            } else {
                "</EPCISDocument>"
            });
            let mut bytes = text.into_bytes();
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_alike_are_told_alike(bytes in documents(), limits in limits(), calls in 0u32..60) {
        check(&bytes, &Limits::default(), u32::MAX)?;
        check(&bytes, &Limits::default(), calls)?;
        check(&bytes, &limits, u32::MAX)?;
        let buffer_bytes = limits.buffer_bytes.saturating_mul(4);
        check(&bytes, &Limits { buffer_bytes, ..limits }, calls)?;
    }
}

/// The event repeated with each text in place of `@`, read both ways and compared.
fn told(event: &str, texts: &[&str]) -> Vec<epcis::EventHead> {
    let events: String = texts.iter().map(|text| event.replace('@', text) + "\n ").collect();
    let document = format!("<EPCISDocument><EventList>\n{events}</EventList></EPCISDocument>");
    let of = |short_way| {
        let limits = Limits { short_way, ..Limits::default() };
        seen(document.as_bytes(), &limits, u32::MAX)
    };
    let (outcome, recorder) = of(true);
    assert_eq!((&outcome, &recorder), (&of(false).0, &of(false).1), "{document}");
    outcome.unwrap();
    recorder.events.into_iter().map(|event| event.head).collect()
}

#[test]
fn each_event_has_its_own_values_and_place() {
    let event = "<ObjectEvent>\n <eventTime>2026-03-02T09:00:0@Z</eventTime>\n\
                 <eventID>id-@</eventID></ObjectEvent>";
    let heads = told(event, &["1", "2", "3", "4", "\n4", ""]);
    let ids: Vec<_> = heads.iter().map(|head| head.event_id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["id-1", "id-2", "id-3", "id-4", "id-\n4", "id-"]);
    let places: Vec<_> = heads.iter().map(|head| (head.ordinal, head.line, head.column)).collect();
    assert_eq!(places, [(0, 2, 1), (1, 5, 2), (2, 8, 2), (3, 11, 2), (4, 14, 2), (5, 19, 2)]);
    let readable: Vec<_> = heads.iter().map(|head| head.event_time.is_some()).collect();
    assert_eq!(readable, [true, true, true, true, false, false]);
}

#[test]
fn a_lot_that_says_nothing_leaves_its_place_to_another() {
    let event = "<ObjectEvent><lotNumber>@</lotNumber><x:lotNumber>L9</x:lotNumber></ObjectEvent>";
    let heads = told(event, &["L1", "L2", "", "L3", " ", "\u{a0}", "L4", "L4"]);
    let lots: Vec<_> = heads.iter().map(|head| head.lot.as_deref().unwrap()).collect();
    assert_eq!(lots, ["L1", "L2", "L9", "L3", "L9", "L9", "L4", "L4"]);
}

#[test]
fn an_event_list_that_means_something_else_is_read_anew() {
    let event = "<ObjectEvent><action>ADD</action></ObjectEvent>";
    let foreign = format!("<x xmlns='urn:other'>{event}{event}</x>");
    let document = format!(
        "<e:EPCISDocument xmlns:e='urn:epcglobal:epcis:xsd:1'><EventList>{event}{event}</EventList>\
         {foreign}<EventList xmlns='urn:other'>{event}{event}</EventList></e:EPCISDocument>"
    );
    for short_way in [false, true] {
        let limits = Limits { short_way, ..Limits::default() };
        let (outcome, recorder) = seen(document.as_bytes(), &limits, u32::MAX);
        let summary = outcome.unwrap();
        assert_eq!((summary.events, summary.events_outside_list), (2, 0), "{short_way}");
        assert_eq!(recorder.events.len(), 2, "{short_way}");
    }
}
