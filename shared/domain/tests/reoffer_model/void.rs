//! Ranges that become void and are offered again, searched exhaustively: callers with the cursor's four steps,
//! whose entries a sweep declares void at any moment; allocations that are given up while a line gets them; and
//! requests that take what was offered. In every interleaving and stopped at any step no number that a line has,
//! or that a live allocation has, is another one's (I1), every number below the cursor has one record (I2), and a
//! request has one live answer (I3). Each plausible shortcut, built in, breaks one of them.

use std::collections::BTreeMap;

use stateright::{Checker, HasDiscoveries, Model, Property};

/// A plausible simplification that is wrong. `None` is the protocol itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Cut {
    None,
    /// Step 3 does not ask whether the range has a record.
    RecordOverVoid,
    /// The sweep declares a range void whatever record it has.
    VoidOverRecord,
    /// The sweep offers the numbers first and makes the range void in a later write.
    OfferFirst,
    /// A range is offered again by every sweep of the same entry.
    OfferTwice,
    /// What is given up is offered whatever became of it since it was read.
    OfferAsRead,
    /// What a line has is offered too.
    OfferExported,
    /// A run is taken without asking for its cursor.
    TakeAsListed,
}

/// What became of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Record {
    Of(u8),
    Void,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Status {
    Reserved,
    Exported,
    Voided,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Made {
    start: u8,
    again: bool,
    status: Status,
}

/// A caller: one number per request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Caller {
    Find,
    Take { run: u8 },
    Open,
    Record { start: u8 },
    Done { start: u8 },
}

/// Whoever exports or gives up the allocation of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Turn {
    Read,
    Write { seen: Status },
    Done,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    cursor: u8,
    records: BTreeMap<u8, Record>,
    /// Runs by their number: how often offered, how often taken.
    runs: BTreeMap<u8, (u8, u8)>,
    made: BTreeMap<u8, Made>,
    printed: u16,
    callers: Vec<Caller>,
    sweeps: u8,
    /// Only with a shortcut: numbers that are offered and not void yet.
    half: Vec<u8>,
    exporter: Turn,
    voider: Turn,
}

#[derive(Debug, Clone)]
struct World {
    /// The request of each caller.
    asks: Vec<u8>,
    sweeps: u8,
    /// The request that is exported and given up; none if it is not among those asked for.
    turns: u8,
    cut: Cut,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    Call(usize),
    Sweep(u8),
    Finish(usize),
    Export,
    Void,
}

const INVARIANTS: [&str; 3] = ["I1 disjoint", "I2 accounted", "I3 once"];

impl State {
    fn offer(&mut self, start: u8, cut: Cut) {
        let run = self.runs.entry(start).or_default();
        if run.0 == 0 || cut == Cut::OfferTwice {
            run.0 += 1;
        }
    }

    fn call(&mut self, world: &World, index: usize) {
        let (id, cut) = (world.asks[index], world.cut);
        let known = self.made.get(&id).copied();
        self.callers[index] = match self.callers[index] {
            Caller::Find => {
                if let Some(made) = known {
                    Caller::Done { start: made.start }
                } else {
                    let free = self.runs.iter().find(|(_, (offered, taken))| taken < offered);
                    free.map_or(Caller::Open, |(run, _)| Caller::Take { run: *run })
                }
            }
            Caller::Take { run } => {
                let (offered, taken) = self.runs[&run];
                let free = taken < offered || cut == Cut::TakeAsListed;
                if known.is_none() && free {
                    self.runs.insert(run, (offered, taken + 1));
                    let status = Status::Reserved;
                    self.made.insert(id, Made { start: run, again: true, status });
                    Caller::Done { start: run }
                } else {
                    Caller::Find
                }
            }
            Caller::Open => {
                self.cursor += 1;
                Caller::Record { start: self.cursor - 1 }
            }
            Caller::Record { start } => {
                let is_free = !self.records.contains_key(&start) || cut == Cut::RecordOverVoid;
                match known {
                    None if is_free => {
                        self.records.insert(start, Record::Of(id));
                        let status = Status::Reserved;
                        self.made.insert(id, Made { start, again: false, status });
                        Caller::Done { start }
                    }
                    // The sweep was faster: from the start.
                    None => Caller::Find,
                    // Another copy was: its own numbers become void, and nobody was ever told them.
                    Some(made) => {
                        if made.again || made.start != start {
                            self.void(start, cut);
                        }
                        Caller::Done { start: made.start }
                    }
                }
            }
            done @ Caller::Done { .. } => done,
        };
    }

    /// A range without a record becomes void and is offered, in one write.
    fn void(&mut self, start: u8, cut: Cut) {
        let is_free = !self.records.contains_key(&start);
        if is_free || cut == Cut::VoidOverRecord {
            self.records.insert(start, Record::Void);
            self.offer(start, cut);
        } else if cut == Cut::OfferTwice && self.records[&start] == Record::Void {
            self.offer(start, cut);
        }
    }

    fn export(&mut self, world: &World) {
        let Some(made) = self.made.get_mut(&world.turns) else { return };
        self.exporter = match self.exporter {
            Turn::Read if made.status == Status::Reserved => Turn::Write { seen: made.status },
            Turn::Write { seen } if seen == made.status => {
                made.status = Status::Exported;
                self.printed |= 1 << made.start;
                Turn::Done
            }
            Turn::Write { .. } => Turn::Read,
            Turn::Read | Turn::Done => Turn::Done,
        };
    }

    fn give_up(&mut self, world: &World) {
        let Some(made) = self.made.get_mut(&world.turns) else { return };
        let as_read = world.cut == Cut::OfferAsRead;
        self.voider = match self.voider {
            Turn::Read if made.status != Status::Voided => Turn::Write { seen: made.status },
            Turn::Write { seen } if seen == made.status || as_read => {
                made.status = Status::Voided;
                let (start, again) = (made.start, made.again);
                let unseen = seen == Status::Reserved || world.cut == Cut::OfferExported;
                if !again {
                    self.records.insert(start, Record::Void);
                    if unseen {
                        self.offer(start, world.cut);
                    }
                }
                Turn::Done
            }
            Turn::Write { .. } => Turn::Read,
            Turn::Read | Turn::Done => Turn::Done,
        };
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            cursor: 0,
            records: BTreeMap::new(),
            runs: BTreeMap::new(),
            made: BTreeMap::new(),
            printed: 0,
            callers: vec![Caller::Find; self.asks.len()],
            sweeps: self.sweeps,
            half: Vec::new(),
            exporter: Turn::Read,
            voider: Turn::Read,
        }]
    }

    // Whoever stops for good is one that is never scheduled again, so every crash is among these.
    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend((0..state.callers.len()).map(Action::Call));
        if state.sweeps > 0 {
            // An entry may be read long before it is declared void: so any number below the cursor.
            actions.extend((0..state.cursor).map(Action::Sweep));
        }
        actions.extend((0..state.half.len()).map(Action::Finish));
        actions.extend([Action::Export, Action::Void]);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Call(index) => state.call(self, index),
            Action::Sweep(start) => {
                state.sweeps -= 1;
                if self.cut == Cut::OfferFirst {
                    if !state.records.contains_key(&start) {
                        state.offer(start, self.cut);
                        state.half.push(start);
                    }
                } else {
                    state.void(start, self.cut);
                }
            }
            Action::Finish(at) => {
                let start = state.half.remove(at);
                state.records.entry(start).or_insert(Record::Void);
            }
            Action::Export => state.export(self),
            Action::Void => state.give_up(self),
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(INVARIANTS[0], disjoint),
            Property::always(INVARIANTS[1], accounted),
            Property::always(INVARIANTS[2], once),
            Property::sometimes("a void range is taken", |_, state: &State| {
                state.made.values().any(|made| made.again)
            }),
            Property::sometimes("what a line has is given up", |world: &Self, state: &State| {
                let made = state.made.get(&world.turns);
                made.is_some_and(|made| made.status == Status::Voided) && state.printed != 0
            }),
        ]
    }
}

/// No number is in two live allocations, and none that a line has is another one's.
fn disjoint(world: &World, state: &State) -> bool {
    let mut seen = 0_u16;
    state.made.iter().all(|(id, made)| {
        let bit = 1 << made.start;
        let fresh = seen & bit == 0;
        if made.status != Status::Voided {
            seen |= bit;
        }
        (made.status == Status::Voided || fresh) && (*id == world.turns || state.printed & bit == 0)
    })
}

/// A number below the cursor has one record, or somebody on the way to it; a live allocation has its own; only void
/// numbers are offered, once, and what was taken belongs to those that took it.
fn accounted(_: &World, state: &State) -> bool {
    let recorded = state.made.iter().all(|(id, made)| {
        let own = if made.status == Status::Voided { Record::Void } else { Record::Of(*id) };
        made.again || state.records.get(&made.start) == Some(&own)
    });
    let runs = state.runs.iter().all(|(start, (offered, taken))| {
        let owners = state.made.values().filter(|made| made.again && made.start == *start);
        let is_void = state.records.get(start) == Some(&Record::Void);
        *offered <= 1 && is_void && usize::from(*taken) == owners.count()
    });
    recorded && runs
}

/// All answers to a request are its one allocation.
fn once(world: &World, state: &State) -> bool {
    state.callers.iter().zip(&world.asks).all(|(caller, id)| match caller {
        Caller::Done { start } => state.made.get(id).is_some_and(|made| made.start == *start),
        Caller::Find | Caller::Take { .. } | Caller::Open | Caller::Record { .. } => true,
    })
}

/// A request that comes twice, two others, and two sweeps.
fn sweeps() -> World {
    World { asks: vec![0, 0, 1, 2], sweeps: 2, turns: 9, cut: Cut::None }
}

/// A request whose allocation is exported and given up at once, another one, and a sweep.
fn turns() -> World {
    World { asks: vec![0, 1, 1], sweeps: 1, turns: 0, cut: Cut::None }
}

#[test]
fn void_ranges_that_are_offered_again_hold_all_properties() {
    for (name, world) in [("sweeps", sweeps()), ("turns", turns())] {
        let checker = world.checker().threads(2).spawn_bfs().join();
        println!("void, {name}: {} unique", checker.unique_state_count());
        for invariant in INVARIANTS {
            checker.assert_no_discovery(invariant);
        }
        checker.assert_any_discovery("a void range is taken");
        assert!(checker.unique_state_count() > 300, "{name}: too small to mean anything");
    }
    turns().checker().spawn_bfs().join().assert_any_discovery("what a line has is given up");
}

#[test]
fn every_shortcut_with_void_ranges_is_caught() {
    let check = |cut: Cut, mut world: World| {
        world.cut = cut;
        let wanted = HasDiscoveries::AnyOf([INVARIANTS[0]].into_iter().collect());
        let checker = world.checker().threads(2).finish_when(wanted).spawn_bfs().join();
        let steps = checker.assert_any_discovery(INVARIANTS[0]).into_actions();
        println!("{cut:?} breaks I1 in {} steps: {steps:?}", steps.len());
    };
    check(Cut::RecordOverVoid, sweeps());
    check(Cut::VoidOverRecord, sweeps());
    check(Cut::OfferFirst, sweeps());
    check(Cut::OfferTwice, sweeps());
    check(Cut::OfferAsRead, turns());
    check(Cut::OfferExported, turns());
    check(Cut::TakeAsListed, sweeps());
}
