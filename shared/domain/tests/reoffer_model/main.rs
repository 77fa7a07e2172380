//! Returned numbers and those who want them, searched exhaustively: whoever returns, takes, or tells that a
//! returned number is on a pack all the same, in every interleaving and stopped at any step, no number is
//! used in one allocation and given to another (I1), what was taken is accounted for (I2), and a request has
//! one allocation, by whichever way (I3). Each plausible shortcut, built in, breaks one of them.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "numbers are tiny, and a model that leaves its bounds must fail loudly"
)]
#![expect(clippy::print_stdout, reason = "the state counts are part of the result")]

mod steps;
mod void;

use std::collections::BTreeMap;

use stateright::{Checker, HasDiscoveries, Model, Property};

use steps::{Shortcut, bits};

/// A set of numbers.
type Set = u8;

/// A run of returned numbers with its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Run {
    pub start: u8,
    pub end: u8,
    pub next: u8,
    pub withdrawn: bool,
}

/// An allocation other than the one that gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Made {
    pub body: u8,
    pub start: u8,
    pub size: u8,
}

/// Who returns numbers of the first allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Giver {
    Read,
    Post {
        version: u8,
        open: Set,
    },
    /// Only with a shortcut: the runs come in a step of their own.
    Offer {
        open: Set,
    },
    Done,
}

/// A file that names numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Teller {
    Look,
    Read { mine: Set },
    Withdraw { mine: Set, version: u8, named: Set },
    Post { mine: Set, version: u8 },
    Done,
}

/// A request for numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Taker {
    List,
    Take { run: usize, next: u8 },
    Open,
    Record { start: u8 },
    Done(Option<Made>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The block of the first allocation.
    pub version: u8,
    pub returned: Set,
    pub used: Set,
    pub runs: Vec<Run>,
    /// By request id; those of runs lie below `World::numbers`, those of the cursor above.
    pub made: BTreeMap<u8, Made>,
    pub cursor: u8,
    pub void: u8,
    pub givers: Vec<Giver>,
    pub tellers: Vec<Teller>,
    pub takers: Vec<Taker>,
}

/// A bounded world; the first allocation has the numbers below `numbers`.
#[derive(Debug, Clone)]
pub struct World {
    pub numbers: u8,
    /// What each giver returns.
    pub gives: Vec<Set>,
    /// What each file names.
    pub tells: Vec<Set>,
    /// Id, body and size of each request.
    pub asks: Vec<(u8, u8, u8)>,
    pub shortcut: Shortcut,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    Give(usize),
    Tell(usize),
    Take(usize),
}

const DISJOINT: &str = "I1 disjoint";
const ACCOUNTED: &str = "I2 accounted";
const ONCE: &str = "I3 once";
const INVARIANTS: [&str; 3] = [DISJOINT, ACCOUNTED, ONCE];

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            version: 0,
            returned: 0,
            used: 0,
            runs: Vec::new(),
            made: BTreeMap::new(),
            cursor: self.numbers,
            void: 0,
            givers: vec![Giver::Read; self.gives.len()],
            tellers: vec![Teller::Look; self.tells.len()],
            takers: vec![Taker::List; self.asks.len()],
        }]
    }

    // Whoever stops for good is one that is never scheduled again, so every crash is among these.
    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let open = |done: bool| !done;
        let givers = state.givers.iter().enumerate().filter(|(_, at)| open(**at == Giver::Done));
        actions.extend(givers.map(|(index, _)| Action::Give(index)));
        let tellers = state.tellers.iter().enumerate().filter(|(_, at)| open(**at == Teller::Done));
        actions.extend(tellers.map(|(index, _)| Action::Tell(index)));
        let takers =
            state.takers.iter().enumerate().filter(|(_, at)| open(matches!(at, Taker::Done(_))));
        actions.extend(takers.map(|(index, _)| Action::Take(index)));
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Give(index) => state.give(self, index),
            Action::Tell(index) => state.tell(self, index),
            Action::Take(index) => state.take(self, index),
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(DISJOINT, disjoint),
            Property::always(ACCOUNTED, accounted),
            Property::always(ONCE, once),
            Property::sometimes("a run is taken", |world: &Self, state: &State| {
                state.made.values().any(|made| made.start < world.numbers)
            }),
            Property::sometimes("a run is withdrawn", |_, state: &State| {
                state.runs.iter().any(|run| run.withdrawn)
            }),
            Property::sometimes("the cursor serves", |world: &Self, state: &State| {
                state.made.values().any(|made| made.start >= world.numbers)
            }),
        ]
    }
}

/// No number is in two allocations, and none that is used in the first one is in another.
fn disjoint(_: &World, state: &State) -> bool {
    let mut seen: u16 = 0;
    let apart = state.made.values().all(|made| {
        (made.start..made.start + made.size).all(|index| {
            let fresh = seen & (1 << index) == 0;
            seen |= 1 << index;
            fresh
        })
    });
    apart && seen & u16::from(state.used) == 0
}

/// What was taken of runs is what the allocations of them have; runs hold returned numbers only; the cursor's
/// numbers are in one record each.
fn accounted(world: &World, state: &State) -> bool {
    let taken = state.runs.iter().fold(0, |set, run| set | bits(run.start, run.next));
    let offered = state.runs.iter().fold(0, |set, run| set | bits(run.start, run.end));
    let again = state.made.values().filter(|made| made.start < world.numbers);
    let owned = again.fold(0, |set, made| set | bits(made.start, made.start + made.size));
    let by_cursor = state.made.values().filter(|made| made.start >= world.numbers);
    let recorded: u8 = by_cursor.map(|made| made.size).sum();
    let open = state.takers.iter().zip(&world.asks).map(|(at, ask)| match at {
        Taker::Record { .. } => ask.2,
        Taker::List | Taker::Take { .. } | Taker::Open | Taker::Done(_) => 0,
    });
    taken == owned
        && offered & !state.returned == 0
        && recorded + state.void + open.sum::<u8>() == state.cursor - world.numbers
}

/// All answers to one request are its one allocation, of its own body.
fn once(world: &World, state: &State) -> bool {
    state.takers.iter().zip(&world.asks).all(|(at, (id, body, _))| match at {
        Taker::Done(Some(told)) => told.body == *body && state.made.get(id) == Some(told),
        Taker::Done(None)
        | Taker::List
        | Taker::Take { .. }
        | Taker::Open
        | Taker::Record { .. } => true,
    })
}

fn world(gives: &[Set], tells: &[Set], asks: &[(u8, u8, u8)]) -> World {
    let (gives, tells, asks) = (gives.to_vec(), tells.to_vec(), asks.to_vec());
    World { numbers: 4, gives, tells, asks, shortcut: Shortcut::None }
}

/// Two returns that overlap, a file that names a returned number, two requests.
fn all_at_once() -> World {
    world(&[0b0011, 0b1110], &[0b0100], &[(0, 1, 2), (1, 1, 1)])
}

/// A request, its duplicate and another body under its id, by both ways.
fn duplicates() -> World {
    world(&[0b0111], &[], &[(0, 1, 2), (0, 1, 2), (0, 2, 1)])
}

/// Two files that name numbers of one run, and a request for part of it.
fn files() -> World {
    world(&[0b1111], &[0b0001, 0b0110], &[(0, 1, 2)])
}

fn search(name: &str, world: World) {
    let checker = world.checker().threads(2).spawn_bfs().join();
    println!("{name}: {} states, {} unique", checker.state_count(), checker.unique_state_count());
    for invariant in INVARIANTS {
        checker.assert_no_discovery(invariant);
    }
    assert!(checker.unique_state_count() > 300, "{name}: too small to mean anything");
}

#[test]
fn returns_files_and_requests_hold_all_properties() {
    let checker = all_at_once().checker().threads(2).spawn_bfs().join();
    println!("all at once: {} unique", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn duplicates_by_both_ways_hold_all_properties() {
    search("duplicates", duplicates());
}

#[test]
fn files_that_name_returned_numbers_hold_all_properties() {
    search("files", files());
}

#[test]
fn every_shortcut_is_caught() {
    let check = |shortcut: Shortcut, mut world: World, broken: &'static str| {
        world.shortcut = shortcut;
        let wanted = HasDiscoveries::AnyOf(INVARIANTS.into_iter().collect());
        let checker = world.checker().threads(2).finish_when(wanted).spawn_bfs().join();
        let found = checker.discoveries();
        let name = INVARIANTS.into_iter().find(|name| found.contains_key(name));
        let name = name.unwrap_or_else(|| panic!("{shortcut:?} was not caught"));
        let steps = found[name].clone().into_actions();
        println!("{shortcut:?} breaks {name} in {} steps: {steps:?}", steps.len());
        assert_eq!(name, broken, "{shortcut:?}");
    };
    check(Shortcut::TakeAsListed, all_at_once(), DISJOINT);
    check(Shortcut::TakeWithdrawn, files(), DISJOINT);
    check(Shortcut::RecordAlways, duplicates(), ACCOUNTED);
    check(Shortcut::PostWithoutLooking, files(), DISJOINT);
    check(Shortcut::WithdrawBlindly, files(), DISJOINT);
    check(Shortcut::PostAnyVersion, files(), DISJOINT);
    check(Shortcut::OfferLater, files(), DISJOINT);
    check(Shortcut::AnswerAnyBody, duplicates(), ONCE);
}
