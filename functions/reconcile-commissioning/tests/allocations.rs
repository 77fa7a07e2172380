//! I10, to the letter: folding allocates for the blocks of a document, not for its events.

#![cfg(test)]

#[path = "ledger/bench.rs"]
#[expect(dead_code, reason = "other tests use more of it than this one")]
mod bench;

use std::alloc::System;
use std::io::BufReader;

use bench::{Bench, Event, NOW, commission, document, serials, system};
use epcis::Limits;
use reconcile_commissioning::catalog::Catalog;
use reconcile_commissioning::fold::Fold;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often memory was asked for while so many events of one serial were read and folded.
fn allocations(runtime: &Runtime, bench: &Bench, events: u128) -> usize {
    let all = serials(1_000, events.checked_add(999).unwrap());
    let events: Vec<Event> = all.into_iter().map(|epc| commission(vec![epc])).collect();
    let text = document(&events);
    let catalog = Catalog::new(bench.store.clone(), runtime.handle().clone(), system("L1"));
    let received_ms = NOW.unix_timestamp().checked_mul(1_000).unwrap();
    let mut fold = Fold::new(catalog, received_ms);
    let limits = Limits::default();
    let region = Region::new(ALLOCATOR);
    epcis::read(BufReader::new(text.as_bytes()), &limits, &mut fold).unwrap();
    let folded = fold.finish().unwrap();
    let change = region.change();
    let posted: u32 =
        folded.slots.iter().flat_map(|slot| &slot.draft.groups).map(|g| g.serials.len()).sum();
    assert_eq!(usize::try_from(posted).unwrap(), events.len(), "every serial is to be posted");
    change.allocations.checked_add(change.reallocations).unwrap()
}

#[test]
fn twenty_thousand_more_events_in_a_block_allocate_nothing() {
    let runtime = Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::start());
    runtime.block_on(bench.reserve("R1", "L1", 32_768));
    // The first reading opens connections.
    allocations(&runtime, &bench, 10);
    let few = allocations(&runtime, &bench, 10_000);
    let many = allocations(&runtime, &bench, 30_000);
    // Both ask the store, whose client and server do not always need the same.
    assert!(many < few.saturating_add(1_000), "{few} and {many} allocations");
}
