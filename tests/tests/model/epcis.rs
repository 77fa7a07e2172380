//! The bytes of a file.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use store::time::rfc3339_ms;
use time::OffsetDateTime;

use crate::op::{Event, File};
use crate::spaces::text;

/// The trade items of the model, with the stems of their URNs. Nobody has a pool of the last.
pub const GTINS: [(&str, &str); 3] = [
    ("00313000007772", "urn:epc:id:sgtin:0313000.000777."),
    ("00313000007789", "urn:epc:id:sgtin:0313000.000778."),
    ("00313000007796", "urn:epc:id:sgtin:0313000.000779."),
];

impl File {
    /// An EPCIS 1.2 document.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:EPCISDocument schemaVersion=\"1.2\" \
             xmlns:e=\"urn:epcglobal:epcis:xsd:1\" xmlns:c=\"urn:epcglobal:cbv:mda\">\
             <EPCISBody><EventList>\n",
        );
        for event in &self.events {
            write_event(&mut out, event);
        }
        writeln!(out, "</EventList></EPCISBody></e:EPCISDocument>\n<!-- {} -->", self.number)
            .unwrap();
        if self.broken {
            out.truncate(out.len().saturating_sub(60));
            write!(out, "{}", self.number).unwrap();
        }
        out.into_bytes()
    }

    /// The name of the document.
    pub fn sha256(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(self.bytes()))
    }
}

fn write_event(out: &mut String, event: &Event) {
    let at = OffsetDateTime::from_unix_timestamp(event.time).unwrap();
    write!(
        out,
        "<ObjectEvent><eventTime>{}</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>",
        rfc3339_ms(at)
    )
    .unwrap();
    if event.error {
        out.push_str(
            "<baseExtension><errorDeclaration><declarationTime>2026-11-23T11:00:00Z\
             </declarationTime></errorDeclaration></baseExtension>",
        );
    }
    out.push_str("<epcList>");
    let (_, stem) = GTINS.iter().find(|(gtin, _)| *gtin == event.gtin).unwrap();
    for number in event.numbers() {
        let text = text(event.gtin, event.space, number);
        write!(out, "<epc>{stem}{text}</epc>").unwrap();
    }
    let (action, business) = event.kind.words();
    write!(
        out,
        "</epcList><action>{action}</action><bizStep>urn:epcglobal:cbv:bizstep:{business}</bizStep>"
    )
    .unwrap();
    if event.lot.is_some() || event.expiry.is_some() {
        out.push_str("<extension><ilmd>");
        if let Some(lot) = event.lot {
            write!(out, "<c:lotNumber>{lot}</c:lotNumber>").unwrap();
        }
        if let Some(expiry) = event.expiry {
            write!(out, "<c:itemExpirationDate>{expiry}</c:itemExpirationDate>").unwrap();
        }
        out.push_str("</ilmd></extension>");
    }
    out.push_str("</ObjectEvent>\n");
}

impl Event {
    /// The numbers in the order in which they are named.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.runs.iter().flat_map(|(first, last)| *first..=*last)
    }
}
