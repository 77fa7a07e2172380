//! Generated documents of any size as streams: commissioning events in the shapes that line systems
//! send. Nothing is kept: a gigabyte costs one event of memory.

use std::fmt::Write as _;
use std::io::{self, Read};

/// The syntax and how many serials an event has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// EPCIS 1.2 XML.
    Xml,
    /// EPCIS 2.0 JSON-LD.
    Json,
}

/// A document that is written while it is read.
pub struct Document {
    shape: Shape,
    serials_per_event: u64,
    events: u64,
    next_event: u64,
    /// What is written and not read yet, and how much of it was read.
    text: String,
    read: usize,
    ended: bool,
}

impl Document {
    /// A document of `events` events with `serials_per_event` serials each.
    pub fn new(shape: Shape, events: u64, serials_per_event: u64) -> Self {
        let head = match shape {
            Shape::Xml => concat!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
                "<epcis:EPCISDocument xmlns:epcis=\"urn:epcglobal:epcis:xsd:1\" ",
                "xmlns:cbvmda=\"urn:epcglobal:cbv:mda\" schemaVersion=\"1.2\" ",
                "creationDate=\"2026-11-23T07:40:00Z\">\n<EPCISBody>\n<EventList>\n"
            ),
            Shape::Json => concat!(
                "{\"@context\": [\"https://ref.gs1.org/standards/epcis/epcis-context.jsonld\"],\n",
                "\"type\": \"EPCISDocument\", \"schemaVersion\": \"2.0\", ",
                "\"creationDate\": \"2026-11-23T07:40:00Z\",\n\"epcisBody\": {\"eventList\": [\n"
            ),
        };
        Self {
            shape,
            serials_per_event,
            events,
            next_event: 0,
            text: head.to_owned(),
            read: 0,
            ended: false,
        }
    }

    fn refill(&mut self) {
        self.text.clear();
        self.read = 0;
        if self.next_event < self.events {
            let event = self.next_event;
            self.next_event += 1;
            match self.shape {
                Shape::Xml => self.xml_event(event),
                Shape::Json => self.json_event(event),
            }
        } else if !self.ended {
            self.ended = true;
            self.text.push_str(match self.shape {
                Shape::Xml => "</EventList>\n</EPCISBody>\n</epcis:EPCISDocument>\n",
                Shape::Json => "]}}\n",
            });
        }
    }

    fn xml_event(&mut self, event: u64) {
        let (minute, second) = (event / 60 % 60, event % 60);
        let text = &mut self.text;
        write!(
            text,
            "<ObjectEvent>\n  <eventTime>2026-11-23T07:{minute:02}:{second:02}.000Z</eventTime>\n  \
             <eventTimeZoneOffset>+01:00</eventTimeZoneOffset>\n  <epcList>\n"
        )
        .expect("writing to a string cannot fail");
        let first = event * self.serials_per_event;
        for serial in first..first + self.serials_per_event {
            writeln!(text, "    <epc>urn:epc:id:sgtin:0313000.000777.{serial:012}</epc>")
                .expect("writing to a string cannot fail");
        }
        text.push_str(
            "  </epcList>\n  <action>ADD</action>\n  \
             <bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>\n  \
             <disposition>urn:epcglobal:cbv:disp:active</disposition>\n  \
             <readPoint>\n    <id>urn:epc:id:sgln:0313000.00001.1</id>\n  </readPoint>\n  \
             <extension>\n    <ilmd>\n      <cbvmda:lotNumber>LOT42</cbvmda:lotNumber>\n      \
             <cbvmda:itemExpirationDate>2028-10-31</cbvmda:itemExpirationDate>\n    </ilmd>\n  \
             </extension>\n</ObjectEvent>\n",
        );
    }

    fn json_event(&mut self, event: u64) {
        let (minute, second) = (event / 60 % 60, event % 60);
        let text = &mut self.text;
        write!(
            text,
            "{}{{\"type\": \"ObjectEvent\",\n \"eventTime\": \
             \"2026-11-23T07:{minute:02}:{second:02}.000Z\",\n \"eventTimeZoneOffset\": \"+01:00\",\n \
             \"epcList\": [\n",
            if event == 0 { "" } else { ",\n" }
        )
        .expect("writing to a string cannot fail");
        let first = event * self.serials_per_event;
        for serial in first..first + self.serials_per_event {
            let comma = if serial == first { "" } else { ",\n" };
            write!(text, "{comma}  \"urn:epc:id:sgtin:0313000.000777.{serial:012}\"")
                .expect("writing to a string cannot fail");
        }
        text.push_str(
            "],\n \"action\": \"ADD\", \"bizStep\": \"commissioning\", \"disposition\": \"active\",\n \
             \"readPoint\": {\"id\": \"urn:epc:id:sgln:0313000.00001.1\"},\n \
             \"ilmd\": {\"cbvmda:lotNumber\": \"LOT42\", \
             \"cbvmda:itemExpirationDate\": \"2028-10-31\"}}",
        );
    }
}

impl Read for Document {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            if self.read == self.text.len() {
                self.refill();
                if self.text.is_empty() {
                    break;
                }
            }
            let part = &self.text.as_bytes()[self.read..];
            let count = part.len().min(buf.len() - filled);
            buf[filled..filled + count].copy_from_slice(&part[..count]);
            filled += count;
            self.read += count;
        }
        Ok(filled)
    }
}
