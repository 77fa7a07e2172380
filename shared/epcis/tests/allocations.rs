//! I10, to the letter: reading allocates for a document, not for its events.

#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "the numbers of a generated document are small"
)]

#[path = "../benches/documents/mod.rs"]
mod documents;

use std::alloc::System;
use std::io::BufReader;

use documents::{Document, Shape};
use epcis::{EpcList, EventHead, Limits, Sink, inflate};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Default)]
struct Count {
    events: u64,
    lots: usize,
}

impl Sink for Count {
    type Error = std::convert::Infallible;

    fn epc(&mut self, _list: EpcList, _text: &str) -> Result<(), Self::Error> {
        Ok(())
    }

    fn event(&mut self, head: &EventHead) -> Result<(), Self::Error> {
        self.events += 1;
        self.lots += head.lot.as_deref().map_or(0, str::len);
        Ok(())
    }
}

/// How often memory was asked for while so many events were read.
fn allocations(shape: Shape, events: u64, short_way: bool) -> usize {
    let limits = Limits { short_way, ..Limits::default() };
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut Document::new(shape, events, 1), &mut bytes).unwrap();
    let mut sink = Count::default();
    let region = Region::new(ALLOCATOR);
    epcis::read(BufReader::new(inflate(bytes.as_slice(), &limits)), &limits, &mut sink).unwrap();
    let change = region.change();
    assert_eq!((sink.events, sink.lots), (events, 5 * usize::try_from(events).unwrap()));
    change.allocations + change.reallocations
}

#[test]
fn thirty_thousand_more_events_allocate_nothing() {
    for (shape, short_way) in [(Shape::Xml, true), (Shape::Xml, false), (Shape::Json, true)] {
        // Enough for every buffer to have grown as far as it ever will.
        let few = allocations(shape, 10_000, short_way);
        let many = allocations(shape, 40_000, short_way);
        assert!(few < 200, "{shape:?} {short_way}: {few} allocations");
        // The harness has a thread of its own, which may allocate meanwhile.
        assert!(many < few + 9, "{shape:?} {short_way}: {few} and {many} allocations");
    }
}
