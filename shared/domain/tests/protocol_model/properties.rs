//! I1, I2, I3 as they can be judged from the table and the answers, and what must be reachable for the
//! search to mean anything.

use stateright::Property;

use crate::World;
use crate::state::{Answer, At, State};

pub const DISJOINT: &str = "I1 disjoint";
pub const ACCOUNTED: &str = "I2 accounted";
pub const ONCE: &str = "I3 once";
pub const INVARIANTS: [&str; 3] = [DISJOINT, ACCOUNTED, ONCE];

pub fn all() -> Vec<Property<World>> {
    vec![
        Property::always(DISJOINT, |_, state| disjoint(state)),
        Property::always(ACCOUNTED, |_, state| accounted(state)),
        Property::always(ONCE, once),
        Property::sometimes("a request is served", |_, state: &State| {
            state.callers.iter().any(|caller| matches!(caller.at, At::Done(Answer::Reserved(_))))
        }),
        Property::sometimes("a range becomes void", |_, state: &State| {
            state.pools.iter().flat_map(|pool| pool.ranges.values()).any(|range| range.of.is_none())
        }),
        Property::sometimes("a caller stops and its entry stays", |_, state: &State| {
            let stopped = |at| !matches!(at, At::Done(_));
            state.callers.iter().any(|caller| stopped(caller.at))
                && state.pools.iter().any(|pool| !pool.open.is_empty())
        }),
    ]
}

/// No number is in two allocations, whichever pools they are of.
fn disjoint(state: &State) -> bool {
    let mut seen = 0_u64;
    state.allocations.values().all(|allocation| {
        (allocation.start..allocation.start + allocation.size).all(|index| {
            let fresh = seen & (1 << index) == 0;
            seen |= 1 << index;
            fresh
        })
    })
}

/// Every number below a cursor is in exactly one range record, or in one open entry that has no record at
/// its start; sizes agree; nothing lies at or above the cursor or the pool's end; every allocation has its
/// record and every record its allocation.
fn accounted(state: &State) -> bool {
    let owned = |id, pool, start, size| {
        state.allocations.get(&id).is_some_and(|allocation| {
            (allocation.pool, allocation.start, allocation.size) == (pool, start, size)
        })
    };
    let recorded = state.allocations.iter().all(|(id, allocation)| {
        let range = state.pools[allocation.pool].ranges.get(&allocation.start);
        range.is_some_and(|range| range.of == Some(*id))
    });
    recorded
        && state.pools.iter().enumerate().all(|(number, pool)| {
            let mut parts: Vec<(u8, u8)> =
                pool.ranges.iter().map(|(start, range)| (*start, range.size)).collect();
            for entry in pool.open.values() {
                match pool.ranges.get(&entry.start) {
                    Some(range) if range.size != entry.size => return false,
                    Some(_) => {}
                    None => parts.push((entry.start, entry.size)),
                }
            }
            parts.sort_unstable();
            let end = parts.iter().try_fold(pool.from, |next, (start, size)| {
                (*start == next).then_some(start + size)
            });
            end == Some(pool.cursor)
                && pool.cursor <= pool.to
                && pool.cursor + pool.remaining == pool.to
                && pool.ranges.iter().all(|(start, range)| {
                    range.of.is_none_or(|id| owned(id, number, *start, range.size))
                })
        })
}

/// All answers to one request are the one stored allocation, of its own body; and an allocation was made
/// for somebody who was not refused.
fn once(world: &World, state: &State) -> bool {
    let calls = || state.callers.iter().zip(&world.requests);
    let answers_agree = calls().all(|(caller, request)| match caller.at {
        At::Done(Answer::Reserved(told)) => {
            told.body == request.body && state.allocations.get(&request.id) == Some(&told)
        }
        _ => true,
    });
    let refused = |at| matches!(at, At::Done(Answer::IdReuse | Answer::TooFew));
    answers_agree
        && state.allocations.iter().all(|(id, allocation)| {
            calls().any(|(caller, request)| {
                request.id == *id && request.body == allocation.body && !refused(caller.at)
            })
        })
}
