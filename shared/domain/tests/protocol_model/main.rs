//! The reservation protocol, searched exhaustively: I1 (disjoint), I2 (accounted) and I3 (once) hold in
//! every interleaving of callers, duplicates, another body under the same id, two pools, crashes, late
//! copies of writes and the sweeper; each plausible shortcut, built in, breaks one of them.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "numbers are tiny, and a model that leaves its bounds must fail loudly"
)]
#![expect(clippy::print_stdout, reason = "the state counts are part of the result")]
#![expect(clippy::wildcard_enum_match_arm, reason = "most shortcuts touch one place each")]

mod properties;
mod protocol;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use stateright::{Checker, HasDiscoveries, Model, Property};

use protocol::Shortcut;
use state::{At, Caller, Pool, Request, State, Sweeper, Write};

/// A bounded world.
#[derive(Debug, Clone)]
struct World {
    requests: Vec<Request>,
    pools: Vec<Pool>,
    crashes: u8,
    /// Copies that may arrive late: of step 2 only, or of any write.
    late: u8,
    late_of_any: bool,
    /// Whether the operator moves the boundary between the pools.
    boundary_moves: bool,
    shortcut: Shortcut,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    Call(usize),
    Crash(usize),
    Late(Write),
    Sweep,
    Look { pool: usize, id: state::Id },
    MoveBoundary,
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            pools: self.pools.clone(),
            allocations: BTreeMap::new(),
            callers: vec![Caller { at: At::Find, again: false }; self.requests.len()],
            sweeper: Sweeper::Idle,
            sent: BTreeSet::new(),
            late_left: self.late,
            crashes_left: self.crashes,
            cut_left: self.boundary_moves,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (index, caller) in state.callers.iter().enumerate() {
            if matches!(caller.at, At::Done(_) | At::Crashed) {
                continue;
            }
            actions.push(Action::Call(index));
            if state.crashes_left > 0 {
                actions.push(Action::Crash(index));
            }
        }
        if state.late_left > 0 {
            actions.extend(state.sent.iter().copied().map(Action::Late));
        }
        if state.sweeper != Sweeper::Idle {
            actions.push(Action::Sweep);
        }
        // Looking anew while an entry is held is a sweeper that was stopped and started again.
        for (pool, known) in state.pools.iter().enumerate() {
            actions.extend(known.open.keys().map(|id| Action::Look { pool, id: *id }));
        }
        if state.cut_left {
            actions.push(Action::MoveBoundary);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Call(caller) => state.call(self.shortcut, caller, self.requests[caller]),
            Action::Crash(caller) => {
                state.callers[caller].at = At::Crashed;
                state.crashes_left -= 1;
            }
            Action::Late(write) => {
                state.arrive_late(self.shortcut, write);
                state.late_left -= 1;
            }
            Action::Sweep => state.sweep(self.shortcut),
            Action::Look { pool, id } => {
                let entry = state.pools[pool].open[&id];
                state.sweeper = Sweeper::Seen { pool, id, entry };
            }
            Action::MoveBoundary => state.cut_pool(),
        }
        self.forget(&mut state);
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl World {
    /// Drops what cannot matter any more, so that equal futures are equal states.
    fn forget(&self, state: &mut State) {
        if state.late_left == 0 {
            state.sent.clear();
        } else if !self.late_of_any {
            state.sent.retain(|write| matches!(write, Write::Open { .. }));
        }
        if self.shortcut != Shortcut::BoundReadEarlier {
            let known = std::mem::take(&mut state.sent);
            state.sent = known.into_iter().map(without_bound).collect();
            for caller in &mut state.callers {
                if let At::Open { to } = &mut caller.at {
                    *to = 0;
                }
            }
        }
    }
}

fn without_bound(write: Write) -> Write {
    match write {
        Write::Open { request, .. } => Write::Open { request, to: 0 },
        other => other,
    }
}

fn request(id: state::Id, body: u8, size: u8, pool: usize) -> Request {
    Request { id, body, size, pool }
}

fn world(requests: Vec<Request>) -> World {
    World {
        requests,
        pools: vec![Pool::new(0, 9), Pool::new(20, 29)],
        crashes: 2,
        late: 1,
        late_of_any: false,
        boundary_moves: false,
        shortcut: Shortcut::None,
    }
}

/// A request, its duplicate (granted another part) and another body under its id, all of one pool.
///
/// A caller that crashed is one that is never scheduled again, so these worlds of three callers contain
/// every crash without naming it; the others name up to two.
fn one_pool() -> World {
    let requests = vec![request(0, 1, 1, 0), request(0, 1, 2, 0), request(0, 2, 1, 0)];
    World { crashes: 0, ..world(requests) }
}

/// A request, its duplicate served by the other pool, and another request.
fn two_pools() -> World {
    let requests = vec![request(0, 1, 2, 0), request(0, 1, 1, 1), request(1, 1, 1, 0)];
    World { crashes: 0, ..world(requests) }
}

/// A request and its duplicate by the other pool, of which any may crash.
fn two_crashes() -> World {
    world(vec![request(0, 1, 2, 0), request(0, 1, 1, 1)])
}

/// A request, another body under its id in the other pool, and a pool that runs out.
fn other_body_elsewhere() -> World {
    let mut world = world(vec![request(0, 1, 2, 0), request(0, 2, 1, 1), request(1, 1, 2, 0)]);
    world.pools[0] = Pool::new(0, 3);
    world
}

/// Two callers, and any write may arrive late.
fn anything_late() -> World {
    let mut world = world(vec![request(0, 1, 1, 0), request(0, 2, 2, 0)]);
    world.late = 2;
    world.late_of_any = true;
    world
}

/// The boundary between the pools moves while two requests are under way.
fn moving_boundary() -> World {
    let mut world = world(vec![request(0, 1, 2, 0), request(1, 1, 1, 1)]);
    world.pools = vec![Pool::new(0, 4), Pool::new(4, 4)];
    world.boundary_moves = true;
    world
}

/// Searches a world of the true protocol whole.
fn search(name: &str, world: World) {
    let checker = world.checker().threads(2).spawn_bfs().join();
    println!("{name}: {} states, {} unique", checker.state_count(), checker.unique_state_count());
    checker.assert_properties();
    assert!(checker.unique_state_count() > 1_000, "{name}: too small to mean anything");
}

#[test]
fn one_pool_holds_all_properties() {
    search("one pool", one_pool());
}

#[test]
fn two_pools_hold_all_properties() {
    search("two pools", two_pools());
}

#[test]
fn two_crashes_hold_all_properties() {
    search("two crashes", two_crashes());
}

#[test]
fn other_body_in_another_pool_holds_all_properties() {
    search("other body elsewhere", other_body_elsewhere());
}

#[test]
fn any_write_may_arrive_late() {
    search("anything late", anything_late());
}

#[test]
fn moving_boundaries_hold_all_properties() {
    search("moving boundary", moving_boundary());
}

#[test]
fn every_shortcut_is_caught() {
    let check = |shortcut: Shortcut, mut world: World, broken: &[&'static str]| {
        world.shortcut = shortcut;
        let wanted = HasDiscoveries::AnyOf(properties::INVARIANTS.into_iter().collect());
        let checker = world.checker().threads(2).finish_when(wanted).spawn_bfs().join();
        let found = checker.discoveries();
        let name = properties::INVARIANTS.into_iter().find(|name| found.contains_key(name));
        let name = name.unwrap_or_else(|| panic!("{shortcut:?} was not caught"));
        let steps = found[name].clone().into_actions();
        println!("{shortcut:?} breaks {name} in {} steps: {steps:?}", steps.len());
        assert!(broken.contains(&name), "{shortcut:?} breaks {name}");
    };
    let i1 = properties::DISJOINT;
    let i2 = properties::ACCOUNTED;
    let i3 = properties::ONCE;
    check(Shortcut::ResumeWithOwnSize, one_pool(), &[i1, i2]);
    check(Shortcut::ResumeAnyBody, one_pool(), &[i3]);
    check(Shortcut::OpenTwice, one_pool(), &[i2]);
    check(Shortcut::VoidUnconditional, one_pool(), &[i2]);
    check(Shortcut::CloseUnconditional, one_pool(), &[i2]);
    check(Shortcut::CloseFirst, two_pools(), &[i2]);
    check(Shortcut::BoundReadEarlier, moving_boundary(), &[i1, i2]);
    check(Shortcut::LowerCursor, two_pools(), &[i1, i2]);
    check(Shortcut::SweeperCompletes, moving_boundary(), &[i3]);
    check(Shortcut::RecordUnconditional, two_pools(), &[i2, i3]);
    check(Shortcut::RefuseWithoutVoid, other_body_elsewhere(), &[i2]);
}
