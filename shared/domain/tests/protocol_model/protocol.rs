//! The calls of the protocol, each atomic as `DynamoDB` makes a single write or transaction.

use crate::state::{
    After, Allocation, Answer, At, Entry, Id, Range, Request, State, Sweeper, Write,
};

/// A plausible simplification that is wrong. `None` is the protocol itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shortcut {
    None,
    /// A caller that finds its entry open goes on with the size it wants, not the entry's.
    ResumeWithOwnSize,
    /// A caller that finds an entry open does not compare the body.
    ResumeAnyBody,
    /// Step 2 does not ask whether the entry exists.
    OpenTwice,
    /// A range is put void without "if absent".
    VoidUnconditional,
    /// Step 4 does not compare the start.
    CloseUnconditional,
    /// Step 4 before step 3.
    CloseFirst,
    /// Step 2 compares the cursor with the bound of the pool as it was read before.
    BoundReadEarlier,
    /// An unfinished range at the end is given back by lowering the cursor.
    LowerCursor,
    /// The sweeper completes what a caller left, and voids only what it cannot.
    SweeperCompletes,
    /// Step 3 puts the allocation without "if absent".
    RecordUnconditional,
    /// A caller that is refused leaves its range without a record.
    RefuseWithoutVoid,
}

/// What step 2 came to.
pub enum Opened {
    Entry(Entry),
    OtherBody,
    TooFew,
}

impl State {
    /// Step 2: `UpdateItem`, one conditional write.
    pub fn open(&mut self, cut: Shortcut, request: Request, to: u8) -> Opened {
        let Request { id, body, size, pool } = request;
        let pool = &mut self.pools[pool];
        let present = pool.open.get(&id).copied().filter(|_| cut != Shortcut::OpenTwice);
        match present {
            Some(entry) if entry.body != body && cut != Shortcut::ResumeAnyBody => {
                return Opened::OtherBody;
            }
            Some(entry) if cut == Shortcut::ResumeWithOwnSize => {
                return Opened::Entry(Entry { size, ..entry });
            }
            Some(entry) => return Opened::Entry(entry),
            None => {}
        }
        let enough = match cut {
            Shortcut::BoundReadEarlier => pool.cursor + size <= to,
            _ => pool.remaining >= size,
        };
        if !enough {
            return Opened::TooFew;
        }
        let entry = Entry { start: pool.cursor, size, body };
        pool.cursor += size;
        pool.remaining = pool.remaining.saturating_sub(size);
        pool.open.insert(id, entry);
        Opened::Entry(entry)
    }

    /// Step 3: `TransactWriteItems`, both only if absent. False if called off.
    pub fn record(&mut self, cut: Shortcut, id: Id, pool: usize, entry: Entry) -> bool {
        let free = !self.allocations.contains_key(&id) || cut == Shortcut::RecordUnconditional;
        if !free || self.pools[pool].ranges.contains_key(&entry.start) {
            return false;
        }
        let Entry { start, size, body } = entry;
        self.allocations.insert(id, Allocation { pool, start, size, body });
        self.pools[pool].ranges.insert(start, Range { size, of: Some(id) });
        true
    }

    /// `PutItem` of a void range, only if absent.
    pub fn void(&mut self, cut: Shortcut, pool: usize, id: Id, entry: Entry) {
        let pool = &mut self.pools[pool];
        let range = Range { size: entry.size, of: None };
        match cut {
            Shortcut::LowerCursor
                if pool.cursor == entry.start + entry.size
                    && !pool.ranges.contains_key(&entry.start)
                    && pool.open.get(&id) == Some(&entry) =>
            {
                pool.cursor = entry.start;
                pool.remaining += entry.size;
                pool.open.remove(&id);
            }
            Shortcut::VoidUnconditional => {
                pool.ranges.insert(entry.start, range);
            }
            _ => {
                pool.ranges.entry(entry.start).or_insert(range);
            }
        }
    }

    /// Step 4: `UpdateItem … REMOVE`, if the entry has this start.
    pub fn close(&mut self, cut: Shortcut, pool: usize, id: Id, start: u8) {
        let open = &mut self.pools[pool].open;
        let same = open.get(&id).is_some_and(|entry| entry.start == start);
        if same || cut == Shortcut::CloseUnconditional {
            open.remove(&id);
        }
    }

    /// A copy of a write arrives; nobody waits for its answer.
    pub fn arrive_late(&mut self, cut: Shortcut, write: Write) {
        match write {
            Write::Open { request, to } => drop(self.open(cut, request, to)),
            Write::Record { id, pool, entry } => drop(self.record(cut, id, pool, entry)),
            Write::Void { pool, id, entry } => self.void(cut, pool, id, entry),
            Write::Close { pool, id, start } => self.close(cut, pool, id, start),
        }
    }

    /// One call of one caller, and where it stands with the answer.
    pub fn call(&mut self, cut: Shortcut, caller: usize, request: Request) {
        let Request { id, body, pool, .. } = request;
        let at = self.callers[caller].at;
        self.callers[caller].at = match at {
            At::Find => match self.allocations.get(&id) {
                Some(found) if found.body != body => At::Done(Answer::IdReuse),
                Some(found) => At::Done(Answer::Reserved(*found)),
                None => At::Open { to: self.pools[pool].to },
            },
            At::Open { to } => {
                self.sent.insert(Write::Open { request, to });
                match self.open(cut, request, to) {
                    Opened::OtherBody => At::Done(Answer::IdReuse),
                    Opened::TooFew => At::Done(Answer::TooFew),
                    Opened::Entry(entry) => {
                        if cut == Shortcut::CloseFirst {
                            self.close(cut, pool, id, entry.start);
                        }
                        At::Record { entry }
                    }
                }
            }
            At::Record { entry } => {
                self.sent.insert(Write::Record { id, pool, entry });
                let Entry { start, size, body } = entry;
                if self.record(cut, id, pool, entry) {
                    let answer = Answer::Reserved(Allocation { pool, start, size, body });
                    At::Close { start, after: After::Answer(answer) }
                } else {
                    At::Judge { entry }
                }
            }
            At::Judge { entry } => self.judge(cut, request, entry),
            At::Void { entry, after } => {
                self.sent.insert(Write::Void { pool, id, entry });
                self.void(cut, pool, id, entry);
                At::Close { start: entry.start, after }
            }
            At::Close { start, after } => {
                self.sent.insert(Write::Close { pool, id, start });
                self.close(cut, pool, id, start);
                match after {
                    After::Answer(answer) => At::Done(answer),
                    After::Again if self.callers[caller].again => At::Done(Answer::Unavailable),
                    After::Again => {
                        self.callers[caller].again = true;
                        At::Find
                    }
                }
            }
            At::Done(_) | At::Crashed => at,
        };
    }

    /// Step 3 was called off: what stands there instead?
    fn judge(&self, cut: Shortcut, request: Request, entry: Entry) -> At {
        let start = entry.start;
        let Some(stored) = self.allocations.get(&request.id).copied() else {
            return At::Close { start, after: After::Again };
        };
        let after = After::Answer(if stored.body == request.body {
            Answer::Reserved(stored)
        } else {
            Answer::IdReuse
        });
        let own = stored.pool == request.pool && stored.start == start;
        if own || cut == Shortcut::RefuseWithoutVoid {
            At::Close { start, after }
        } else {
            At::Void { entry, after }
        }
    }

    /// One call of the sweeper.
    pub fn sweep(&mut self, cut: Shortcut) {
        self.sweeper = match self.sweeper {
            Sweeper::Idle => Sweeper::Idle,
            Sweeper::Seen { pool, id, entry } => {
                let completed =
                    cut == Shortcut::SweeperCompletes && self.record(cut, id, pool, entry);
                if !completed {
                    self.sent.insert(Write::Void { pool, id, entry });
                    self.void(cut, pool, id, entry);
                }
                Sweeper::Close { pool, id, start: entry.start }
            }
            Sweeper::Close { pool, id, start } => {
                self.close(cut, pool, id, start);
                Sweeper::Idle
            }
        };
    }

    /// The operator shrinks the first pool to its cursor and extends the second down to it.
    pub fn cut_pool(&mut self) {
        let cursor = self.pools[0].cursor;
        let end = self.pools[0].to;
        self.pools[0].to = cursor;
        self.pools[0].remaining = 0;
        self.pools[1] = crate::state::Pool::new(cursor, end);
        self.cut_left = false;
    }
}
