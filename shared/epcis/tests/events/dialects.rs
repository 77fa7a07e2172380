//! The samples of this repository, event by event.

use epcis::{DocumentSummary, EpcList, EventHead, EventKind, Kind, Limits};

use super::{Event, record};

fn sample(name: &str) -> (DocumentSummary, Vec<Event>) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name);
    let bytes = std::fs::read(path).unwrap();
    record(&bytes, &Limits::default()).unwrap()
}

fn text(value: Option<&String>) -> &str {
    value.map_or("-", String::as_str)
}

/// Kind, action, step, disposition, read point, location, lot, expiry.
fn row(head: &EventHead) -> [String; 8] {
    [
        format!("{:?}", head.kind),
        text(head.action.as_ref()).to_owned(),
        text(head.biz_step.as_ref()).to_owned(),
        text(head.disposition.as_ref()).to_owned(),
        text(head.read_point.as_ref()).to_owned(),
        text(head.biz_location.as_ref()).to_owned(),
        text(head.lot.as_ref()).to_owned(),
        text(head.expiry.as_ref()).to_owned(),
    ]
}

fn check(name: &str, kind: Kind, expected: &[[&str; 8]]) -> Vec<Event> {
    let (summary, events) = sample(name);
    assert_eq!(summary.kind, kind, "{name}");
    assert_eq!(summary.events, u64::try_from(events.len()).unwrap(), "{name}");
    let rows: Vec<[String; 8]> = events.iter().map(|event| row(&event.head)).collect();
    assert_eq!(rows, expected, "{name}");
    let ordinals: Vec<u64> = events.iter().map(|event| event.head.ordinal).collect();
    assert_eq!(ordinals, (0..summary.events).collect::<Vec<u64>>(), "{name}");
    events
}

#[test]
fn epcis_1_2_document_with_instance_data_and_a_correction() {
    let line = "urn:epc:id:sgln:0614141.00001.L1";
    let site = "urn:epc:id:sgln:0614141.00001.0";
    let events = check(
        "xml12-commissioning.xml",
        Kind::EpcisXml1,
        &[
            ["Object", "ADD", "commissioning", "active", line, site, "LOT7", "2028-02-29"],
            ["Object", "ADD", "commissioning", "-", "-", "-", "-", "-"],
            ["Aggregation", "DELETE", "unpacking", "-", "-", "-", "-", "-"],
            ["Transformation", "-", "repackaging", "-", "-", "-", "LOT8", "-"],
        ],
    );
    let first: Vec<&str> = events[0].epcs.iter().map(|(_, text)| text.as_str()).collect();
    let expected = [
        "urn:epc:id:sgtin:0614141.107346.A%2F1",
        "urn:epc:id:sgtin:0614141.107346.A&2",
        "urn:epc:id:sgtin:0614141.107346.A&34",
    ];
    assert_eq!(first, expected);
    assert_eq!(events[0].classes, ["urn:epc:class:lgtin:0614141.107346.LOT7"]);
    assert_eq!((events[0].head.line, events[0].head.column), (20, 7));
    assert_eq!(events[0].head.event_id, events[1].head.event_id);
    assert!(events[0].head.error_declaration.is_none());
    assert_eq!(events[0].head.event_time, events[1].head.event_time);
    let declaration = events[1].head.error_declaration.as_ref().unwrap();
    assert_eq!(text(declaration.reason.as_ref()), "urn:epcglobal:cbv:er:did_not_occur");
    assert_eq!(declaration.declaration_time.unwrap().unix_timestamp(), 1_772_521_200);
    assert_eq!(text(events[2].head.parent_id.as_ref()), "urn:epc:id:sscc:0614141.3000000417");
    assert_eq!(events[2].classes, [""]);
    let lists: Vec<EpcList> = events[3].epcs.iter().map(|(list, _)| *list).collect();
    assert_eq!(lists, [EpcList::Inputs, EpcList::Outputs]);
}

#[test]
fn epcis_2_0_document_with_byte_order_mark_and_line_ends_of_windows() {
    let line = "https://id.gs1.org/414/0614141000012/254/L1";
    let events = check(
        "xml20-bom-crlf.xml",
        Kind::EpcisXml2,
        &[
            ["Object", "ADD", "commissioning", "active", line, "-", "LOT9", "2027-12-31"],
            ["Transaction", "OBSERVE", "encoding", "-", "-", "-", "-", "-"],
            ["Association", "ADD", "-", "-", "-", "-", "-", "-"],
        ],
    );
    assert_eq!(events[0].epcs[1].1, "https://id.gs1.org/01/10614141073464/21/2018");
    assert_eq!((events[1].head.line, events[1].head.column), (19, 7));
    assert_eq!(events[2].epcs[0].0, EpcList::Children);
}

#[test]
fn json_document_with_members_in_any_order() {
    let line = "urn:epc:id:sgln:0614141.00001.L1";
    let site = "urn:epc:id:sgln:0614141.00001.0";
    let strange = "[\"in_progress\", 1]";
    let events = check(
        "document.jsonld",
        Kind::EpcisJson,
        &[
            ["Object", "ADD", "commissioning", "active", line, site, "LOTä😀", "2027-12-31"],
            ["Object", "OBSERVE", "inspecting", "-", "-", "-", "-", "-"],
            ["Aggregation", "ADD", "", strange, "-", "-", "-", "-"],
            ["Transformation", "-", "-", "-", "-", "-", "-", "-"],
            ["Unknown", "-", "-", "-", "-", "-", "-", "-"],
        ],
    );
    assert_eq!(events[0].epcs[1].1, "https://id.gs1.org/01/10614141073464/21/2018");
    assert_eq!(events[1].classes, ["urn:epc:class:lgtin:0614141.107346.L", ""]);
    let declaration = events[1].head.error_declaration.as_ref().unwrap();
    assert_eq!(text(declaration.reason.as_ref()), "incorrect_data");
    assert!(declaration.declaration_time.is_some());
    assert!(events[2].head.time_text_present && events[2].head.event_time.is_none());
    let odd: Vec<&str> = events[3].epcs.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(odd, ["urn:epc:id:sgtin:0614141.107346.2017", "{\"id\": \"x\"}", "7", ""]);
    assert_eq!((events[0].head.line, events[0].head.column), (8, 7));
}

#[test]
fn vendors_keep_lot_and_expiry_in_their_own_places() {
    let site = "urn:epc:id:sgln:0614141.00001.0";
    check(
        "sap-delivery.xml",
        Kind::EpcisXml1,
        &[
            ["Object", "ADD", "commissioning", "active", site, site, "A1B2C3", "2027-12-31"],
            ["Object", "ADD", "commissioning", "-", "-", "-", "-", "-"],
        ],
    );
    check(
        "optel-compact.xml",
        Kind::EpcisXml1,
        &[[
            "Object",
            "ADD",
            "commissioning",
            "active",
            "ML-150",
            "0614141.00001.0",
            "OPT42",
            "2027-12-31",
        ]],
    );
    check(
        "optel-2013.xml",
        Kind::EpcisXml1,
        &[
            ["Object", "ADD", "commissioning", "-", "N/A", "-", "OPT43", "2027-12-31"],
            ["Quantity", "-", "stocking", "-", "-", "-", "-", "-"],
        ],
    );
    check(
        "tracelink.xml",
        Kind::EpcisXml1,
        &[["Object", "ADD", "commissioning", "active", "-", "-", "TL44", "2027-12-31"]],
    );
    check(
        "array.json",
        Kind::EpcisJson,
        &[
            ["Object", "DELETE", "destroying", "destroyed", "-", "-", "123", "2027-12-31"],
            ["Object", "ADD", "-", "-", "-", "-", "-", "-"],
        ],
    );
}

#[test]
fn queries_and_master_data_are_told_by_content() {
    let (summary, events) = sample("soap-query.xml");
    assert_eq!(summary.kind, Kind::EpcisXml1);
    assert_eq!(summary.document, "EPCISQueryDocument");
    assert_eq!(events[0].head.kind, EventKind::Object);
    let (summary, events) = sample("masterdata.xml");
    assert_eq!(summary.kind, Kind::EpcisMasterData);
    assert!(events.is_empty());
    let check = |bytes: &str, kind: Kind| {
        let (summary, _) = record(bytes.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(summary.kind, kind, "{bytes}");
    };
    check("<project/>", Kind::Unknown);
    check("{\"name\":\"x\"}", Kind::Unknown);
    check("[]", Kind::Unknown);
    check("{\"type\":\"EPCISDocument\"}", Kind::EpcisJson);
    check("{\"eventList\":[]}", Kind::EpcisJson);
    check("<ObjectEvent/>", Kind::EpcisXml1);
    check("<EPCISDocument schemaVersion='2.0'/>", Kind::EpcisXml2);
    check("<a:EPCISDocument xmlns:a='urn:epcglobal:epcis:xsd:2'/>", Kind::EpcisXml2);
}

#[test]
fn elements_of_other_namespaces_assert_nothing_and_unbound_prefixes_are_forgiven() {
    let check = |bytes: &str, serials: usize| {
        let (_, events) = record(bytes.as_bytes(), &Limits::default()).unwrap();
        let found: usize = events.iter().map(|event| event.epcs.len()).sum();
        assert_eq!(found, serials, "{bytes}");
    };
    let list = "<epcList><epc>1</epc></epcList>";
    let document = |root: &str, event: &str| {
        format!(
            "<{root}><EventList><ObjectEvent>{event}</ObjectEvent></EventList></{}>",
            root.split(' ').next().unwrap()
        )
    };
    check(&document("EPCISDocument", list), 1);
    check(&document("EPCISDocument xmlns='https://acme.example/'", list), 1);
    check(&document("x:EPCISDocument", "<x:epcList><y:epc>1</y:epc></x:epcList>"), 1);
    check(&document("EPCISDocument", &format!("<a xmlns='https://acme.example/'>{list}</a>")), 0);
    check(&document("EPCISDocument", &format!("<a xmlns='https://acme.example/'/>{list}")), 1);
    check(&document("EPCISDocument", &format!("<ilmd>{list}</ilmd>")), 0);
    check(&document("EPCISDocument", "<epc>1</epc>"), 0);
}

#[test]
fn events_outside_the_event_list_are_counted_and_not_read() {
    let text = "<EPCISDocument><ObjectEvent><epcList><epc>1</epc></epcList></ObjectEvent>\
        <EventList/></EPCISDocument>";
    let (summary, events) = record(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!((summary.events, summary.events_outside_list), (0, 1));
    assert!(events.is_empty());
}
