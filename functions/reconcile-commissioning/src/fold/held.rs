//! The end of events: what is made of them at once, and what waits for its serials (decision 22).

use domain::fact::Statement;
use epcis::EventHead;

use super::{Fold, Folded};
use crate::held::{Beside, Held, Stated};
use crate::remarks::event_time_ms;
use crate::stop::Stop;

impl Fold {
    /// The end of an event that states something about what it named, or nothing.
    pub(super) fn end(
        &mut self,
        stated: Option<Statement>,
        (head, beside): (&EventHead, &Beside<'_>),
    ) -> Result<(), Stop> {
        self.totals.events = self.totals.events.saturating_add(1);
        self.totals.others = self.totals.others.saturating_add(self.event.others);
        self.event.others = 0;
        let stated = match stated.map(|statement| stated_by(statement, head)).transpose() {
            Ok(stated) => stated,
            Err(stop) => {
                // What is wrong with an event before this one is told first.
                self.settle()?;
                return Err(stop);
            }
        };
        self.totals.last_event_ms = self.totals.last_event_ms.max(stated.map(|it| it.time_ms));
        if self.event.is_empty() && (!self.pending.is_fresh() || beside.is_short()) {
            if self.pending.is_fresh() {
                self.held.push(stated, beside, self.pending.hold());
            }
            return if self.held.is_full() { self.settle() } else { Ok(()) };
        }
        self.settle()?;
        if let Some(stated) = &stated {
            self.apply(stated, beside)?;
        }
        self.event.clear();
        Ok(())
    }

    /// Deciphers all that waits, and makes of the events that are held what is to be made of them. What is
    /// left belongs to the event at hand.
    pub(crate) fn settle(&mut self) -> Result<(), Stop> {
        self.pending.decipher_all();
        if !self.held.is_empty() {
            let mut held = std::mem::take(&mut self.held);
            std::mem::swap(&mut self.event, &mut self.aside);
            let outcome = self.replay(&held);
            std::mem::swap(&mut self.event, &mut self.aside);
            held.clear();
            self.held = held;
            outcome?;
        }
        while let Some(way) = self.pending.pop() {
            self.indexes(way, usize::MAX)?;
        }
        Ok(())
    }

    fn replay(&mut self, held: &Held) -> Result<(), Stop> {
        for event in held.events() {
            for (way, count) in event.texts {
                self.indexes(*way, *count)?;
            }
            if let Some(stated) = &event.stated {
                self.apply(stated, &event.beside)?;
            }
            self.event.clear();
        }
        Ok(())
    }

    /// What the document says, after its last event.
    ///
    /// # Errors
    /// The document is refused, or the store could not be read.
    pub fn finish(mut self) -> Result<Folded, Stop> {
        self.settle()?;
        let Self { catalog, slots, misses, totals, .. } = self;
        Ok(Folded { catalog, slots, misses, totals })
    }
}

fn stated_by(statement: Statement, head: &EventHead) -> Result<Stated, Stop> {
    Ok(Stated {
        statement,
        time_ms: event_time_ms(head)?,
        ordinal: head.ordinal.saturating_add(1),
        is_error: head.error_declaration.is_some(),
    })
}
