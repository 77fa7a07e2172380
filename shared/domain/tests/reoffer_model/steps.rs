//! The steps of those who return, tell and take, each atomic as one write or one read is.

use crate::{Giver, Made, Run, Set, State, Taker, Teller, World};

/// A plausible simplification that is wrong. `None` is the protocol itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shortcut {
    None,
    /// A run is taken without asking whether its cursor is where it was.
    TakeAsListed,
    /// A run is taken without asking whether it was withdrawn.
    TakeWithdrawn,
    /// What is taken is recorded without asking whether the request has an allocation.
    RecordAlways,
    /// A file posts used numbers without looking at the runs.
    PostWithoutLooking,
    /// A file withdraws runs without asking what was taken of them.
    WithdrawBlindly,
    /// A file posts whatever became of the block since it was read.
    PostAnyVersion,
    /// Runs are offered in a step behind the posting that returns their numbers.
    OfferLater,
    /// A request that finds an allocation does not compare the body.
    AnswerAnyBody,
}

/// The numbers from one on, up to another that is not included.
pub fn bits(from: u8, to: u8) -> Set {
    (from..to).fold(0, |set, index| set | 1 << index)
}

impl State {
    /// Numbers that belong to other allocations.
    fn taken(&self) -> Set {
        self.runs.iter().fold(0, |set, run| set | bits(run.start, run.next))
    }

    fn offer(&mut self, open: Set, numbers: u8) {
        let mut index = 0;
        while index < numbers {
            let start = index;
            while index < numbers && open & (1 << index) != 0 {
                index += 1;
            }
            if index > start {
                self.runs.push(Run { start, end: index, next: start, withdrawn: false });
            } else {
                index += 1;
            }
        }
    }

    pub fn give(&mut self, world: &World, index: usize) {
        self.givers[index] = match self.givers[index] {
            Giver::Read => {
                let open = world.gives[index] & !self.returned & !self.used;
                Giver::Post { version: self.version, open }
            }
            Giver::Post { version, .. } if version != self.version => Giver::Read,
            Giver::Post { open, .. } => {
                self.returned |= open;
                self.version += 1;
                if world.shortcut == Shortcut::OfferLater {
                    Giver::Offer { open }
                } else {
                    self.offer(open, world.numbers);
                    Giver::Done
                }
            }
            Giver::Offer { open } => {
                self.offer(open, world.numbers);
                Giver::Done
            }
            Giver::Done => Giver::Done,
        };
    }

    pub fn tell(&mut self, world: &World, index: usize) {
        let cut = world.shortcut;
        self.tellers[index] = match self.tellers[index] {
            // What belongs to others by now is posted there, and no matter here.
            Teller::Look => Teller::Read { mine: world.tells[index] & !self.taken() },
            Teller::Read { mine } => {
                let named = mine & self.returned;
                let version = self.version;
                if named == 0 || cut == Shortcut::PostWithoutLooking {
                    Teller::Post { mine, version }
                } else {
                    Teller::Withdraw { mine, version, named }
                }
            }
            Teller::Withdraw { named, .. }
                if cut != Shortcut::WithdrawBlindly && named & self.taken() != 0 =>
            {
                Teller::Look
            }
            Teller::Withdraw { mine, version, named } => {
                // One conditional write at a time; it is made only on the cursor that was just read.
                let touched = |run: &&mut Run| bits(run.next, run.end) & named != 0;
                match self.runs.iter_mut().filter(|run| !run.withdrawn).find(touched) {
                    Some(run) => {
                        run.withdrawn = true;
                        Teller::Withdraw { mine, version, named }
                    }
                    None => Teller::Post { mine, version },
                }
            }
            Teller::Post { mine, version }
                if version != self.version && cut != Shortcut::PostAnyVersion =>
            {
                Teller::Read { mine }
            }
            Teller::Post { mine, .. } => {
                self.used |= mine;
                self.version += 1;
                Teller::Done
            }
            Teller::Done => Teller::Done,
        };
    }

    pub fn take(&mut self, world: &World, index: usize) {
        let (id, body, size) = world.asks[index];
        let cut = world.shortcut;
        let made = |start| Made { body, start, size };
        let answer = |stored: &Made| {
            let same = stored.body == body || cut == Shortcut::AnswerAnyBody;
            Taker::Done(same.then_some(*stored))
        };
        self.takers[index] = match self.takers[index] {
            Taker::List => match self.made.get(&id) {
                Some(stored) if cut != Shortcut::RecordAlways => answer(stored),
                _ => {
                    let fits = |run: &Run| !run.withdrawn && run.end - run.next >= size;
                    let run = self.runs.iter().position(fits);
                    run.map_or(Taker::Open, |run| Taker::Take { run, next: self.runs[run].next })
                }
            },
            Taker::Take { run, next } => {
                let seen = self.runs[run];
                let absent = !self.made.contains_key(&id) || cut == Shortcut::RecordAlways;
                let free = (seen.next == next || cut == Shortcut::TakeAsListed)
                    && (!seen.withdrawn || cut == Shortcut::TakeWithdrawn);
                if absent && free {
                    self.runs[run].next = next + size;
                    self.made.insert(id, made(next));
                    Taker::Done(Some(made(next)))
                } else {
                    Taker::List
                }
            }
            Taker::Open => {
                let start = self.cursor;
                self.cursor += size;
                Taker::Record { start }
            }
            Taker::Record { start } => {
                if let Some(stored) = self.made.get(&id).copied() {
                    self.void += size;
                    answer(&stored)
                } else {
                    self.made.insert(id, made(start));
                    Taker::Done(Some(made(start)))
                }
            }
            Taker::Done(told) => Taker::Done(told),
        };
    }
}
