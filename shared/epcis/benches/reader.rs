//! `cargo bench -p epcis`: the readers against the limits of their machine, in one run.
//!
//! For each document: a pass of `memchr` over the stream (the limit), a bare pass of quick-xml or of
//! `serde_json` over the same bytes, then our reader without and with its short way, each with a sink
//! that only counts, and with the one that does what a reconciliation does with a serial.

#![expect(
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "a bench that fails should stop"
)]

mod documents;
mod ledger;

use std::hint::black_box;
use std::io::{BufReader, Read};
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use documents::{Document, Shape};
use epcis::{EpcList, EventHead, Limits, Sink, inflate};
use ledger::Ledger;

/// Serials in each document.
const SERIALS: u64 = 1_000_000;

static DENSE: LazyLock<Vec<u8>> = LazyLock::new(|| whole(Shape::Xml, SERIALS / 1_000, 1_000));
static SINGLE: LazyLock<Vec<u8>> = LazyLock::new(|| whole(Shape::Xml, SERIALS / 5, 1));
static JSON: LazyLock<Vec<u8>> = LazyLock::new(|| whole(Shape::Json, SERIALS / 1_000, 1_000));
static JSON_SINGLE: LazyLock<Vec<u8>> = LazyLock::new(|| whole(Shape::Json, SERIALS / 5, 1));

fn main() {
    divan::main();
}

fn whole(shape: Shape, events: u64, serials_per_event: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut document = Document::new(shape, events, serials_per_event);
    document.read_to_end(&mut bytes).expect("a generated document is always readable");
    bytes
}

#[derive(Default)]
struct Count {
    epcs: u64,
    bytes: u64,
    events: u64,
}

impl Sink for Count {
    type Error = std::convert::Infallible;

    fn epc(&mut self, _list: EpcList, text: &str) -> Result<(), Self::Error> {
        self.epcs += 1;
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn event(&mut self, _head: &EventHead) -> Result<(), Self::Error> {
        self.events += 1;
        Ok(())
    }
}

fn counted<'a, 'b>(bencher: Bencher<'a, 'b>, bytes: &[u8], serials: u64) -> Bencher<'a, 'b> {
    bencher.counter(BytesCount::new(bytes.len())).counter(ItemsCount::new(serials))
}

fn read(bytes: &[u8], short_way: bool, sink: &mut impl Sink) {
    let limits = Limits { short_way, ..Limits::default() };
    let outcome = epcis::read(BufReader::new(inflate(bytes, &limits)), &limits, sink);
    assert!(outcome.is_ok(), "a generated document is readable");
}

fn stream_memchr(bytes: &[u8]) -> usize {
    let mut buffer = vec![0; 64 << 10];
    let mut input = bytes;
    let mut found = 0;
    loop {
        let count = input.read(&mut buffer).expect("memory is readable");
        if count == 0 {
            return found;
        }
        found += memchr::memchr_iter(b'<', &buffer[..count]).count();
    }
}

fn quick_xml_raw(bytes: &[u8]) -> u64 {
    let mut reader = quick_xml::Reader::from_reader(BufReader::with_capacity(64 << 10, bytes));
    let mut buffer = Vec::new();
    let mut events = 0;
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).expect("the document is well-formed");
        if matches!(black_box(event), quick_xml::events::Event::Eof) {
            return events;
        }
        events += 1;
    }
}

macro_rules! xml {
    ($group:ident, $document:ident, $serials:expr) => {
        mod $group {
            use super::*;

            #[divan::bench(sample_count = 20)]
            fn a_limit_memchr_streamed(bencher: Bencher) {
                let bytes: &[u8] = &$document;
                counted(bencher, bytes, $serials).bench(|| stream_memchr(black_box(bytes)));
            }

            #[divan::bench(sample_count = 20)]
            fn b_quick_xml_raw_events(bencher: Bencher) {
                let bytes: &[u8] = &$document;
                counted(bencher, bytes, $serials).bench(|| quick_xml_raw(black_box(bytes)));
            }

            #[divan::bench(args = [false, true], sample_count = 20)]
            fn c_reader(bencher: Bencher, short_way: bool) {
                let bytes: &[u8] = &$document;
                counted(bencher, bytes, $serials).bench(|| {
                    let mut sink = Count::default();
                    read(black_box(bytes), short_way, &mut sink);
                    assert_eq!(sink.epcs, $serials);
                    (sink.bytes, sink.events)
                });
            }

            #[divan::bench(args = [false, true], sample_count = 20)]
            fn d_reader_to_block_sets(bencher: Bencher, short_way: bool) {
                let bytes: &[u8] = &$document;
                counted(bencher, bytes, $serials).bench(|| {
                    let mut sink = Ledger::default();
                    read(black_box(bytes), short_way, &mut sink);
                    assert_eq!(sink.serials(), $serials);
                });
            }
        }
    };
}

xml!(xml_dense, DENSE, SERIALS);
xml!(xml_one_serial_per_event, SINGLE, SERIALS / 5);

macro_rules! json {
    ($group:ident, $document:ident, $serials:expr) => {
        mod $group {
            use super::*;

            #[divan::bench(sample_count = 20)]
            fn b_serde_json_ignored_any(bencher: Bencher) {
                let bytes: &[u8] = &$document;
                counted(bencher, bytes, $serials).bench(|| {
                    serde_json::from_slice::<serde::de::IgnoredAny>(black_box(bytes))
                        .expect("a generated document is JSON")
                });
            }

            #[divan::bench(sample_count = 20)]
            fn c_reader(bencher: Bencher) {
                let bytes: &[u8] = &$document;
                counted(bencher, bytes, $serials).bench(|| {
                    let mut sink = Count::default();
                    read(black_box(bytes), true, &mut sink);
                    assert_eq!(sink.epcs, $serials);
                });
            }

            #[divan::bench(sample_count = 20)]
            fn d_reader_to_block_sets(bencher: Bencher) {
                let bytes: &[u8] = &$document;
                counted(bencher, bytes, $serials).bench(|| {
                    let mut sink = Ledger::default();
                    read(black_box(bytes), true, &mut sink);
                    assert_eq!(sink.serials(), $serials);
                });
            }
        }
    };
}

json!(json_dense, JSON, SERIALS);
json!(json_one_serial_per_event, JSON_SINGLE, SERIALS / 5);
