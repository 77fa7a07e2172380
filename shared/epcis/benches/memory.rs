//! `cargo bench -p epcis --bench memory`: what a reading needs, for documents of 1 MB to 1 GB.
//!
//! The documents are written while they are read and are never whole anywhere. One process reads them
//! from the smallest to the largest; the kernel's high-water mark (`VmHWM`) shows whether a larger one
//! needed more. An argument in megabytes adds a larger document: `-- 5000`.

#![expect(
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that fails should stop, and its output is its purpose"
)]

mod documents;

use std::io::BufReader;
use std::time::Instant;

use documents::{Document, Shape};
use epcis::{EpcList, EventHead, Limits, Sink, inflate};

/// About the bytes of one event with its serials: XML (few, many), JSON (few, many).
const SHAPES: [(&str, Shape, u64, u64); 4] = [
    ("XML, 1,000 serials an event", Shape::Xml, 1_000, 60_600),
    ("XML, 1 serial an event", Shape::Xml, 1, 606),
    ("JSON-LD, 1,000 serials an event", Shape::Json, 1_000, 50_300),
    ("JSON-LD, 1 serial an event", Shape::Json, 1, 377),
];

#[derive(Default)]
struct Count {
    epcs: u64,
}

impl Sink for Count {
    type Error = std::convert::Infallible;

    fn epc(&mut self, _list: EpcList, _text: &str) -> Result<(), Self::Error> {
        self.epcs += 1;
        Ok(())
    }

    fn event(&mut self, _head: &EventHead) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn main() {
    let more = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let sizes: Vec<u64> = [1, 100, 1_000].into_iter().chain(more).collect();
    println!("{:>8}  {:<32} {:>12} {:>8} {:>10}", "MB", "document", "serials", "s", "VmHWM kB");
    for megabytes in sizes {
        for (name, shape, serials_per_event, event_bytes) in SHAPES {
            let events = megabytes * 1_000_000 / event_bytes;
            let limits = Limits { events_max: u64::MAX, ..Limits::default() };
            let document = Document::new(shape, events, serials_per_event);
            let started = Instant::now();
            let mut sink = Count::default();
            epcis::read(
                BufReader::new(inflate(BufReader::new(document), &limits)),
                &limits,
                &mut sink,
            )
            .expect("a generated document is readable");
            assert_eq!(sink.epcs, events * serials_per_event, "{name}");
            let seconds = started.elapsed().as_secs_f32();
            let peak = high_water_mark();
            println!("{megabytes:>8}  {name:<32} {:>12} {seconds:>8.2} {peak:>10}", sink.epcs);
        }
    }
}

fn high_water_mark() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.chars().filter(char::is_ascii_digit).collect()
}
