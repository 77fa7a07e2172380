//! Events that wait for their random serials (decision 22).
//!
//! A line that reports one serial an event would have each deciphered alone. So an event that names nothing
//! but random serials is held: what it states, when, and how many texts of which spaces. Everything is made
//! of it later, in the order of the document, and nothing is made of a later event before. What events say
//! beside their serials is kept once as long as they say the same.
//!
//! - I10: at most [`EVENTS_MAX`] events are held, and of each at most [`TEXT_BYTES_MAX`].

use domain::fact::Statement;
use epcis::EventHead;

/// Events that are held at the most.
const EVENTS_MAX: usize = 256;
/// An event that says more beside its serials is not held.
const TEXT_BYTES_MAX: usize = 1_024;

/// What an event says beside its serials, as far as anything depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The lot.
    pub lot: Option<&'a str>,
    /// The expiry.
    pub expiry: Option<&'a str>,
    /// The read point.
    pub read_point: Option<&'a str>,
    /// The business location.
    pub biz_location: Option<&'a str>,
    /// The allocation that the serials are said to belong to; only rows of result files say one.
    pub allocation: Option<&'a str>,
}

/// The same, kept.
#[derive(Debug, Default)]
pub struct Said([Option<String>; 5]);

/// What an event states about the serials that it names.
#[derive(Debug, Clone, Copy)]
pub struct Stated {
    /// The fact.
    pub statement: Statement,
    /// The event time, milliseconds since 1970.
    pub time_ms: i64,
    /// The position of the event in its document, from 1.
    pub ordinal: u64,
    /// It takes the fact back.
    pub is_error: bool,
}

/// One event that is held.
#[derive(Debug, Clone, Copy)]
pub struct HeldEvent<'a> {
    /// What it states, if anything.
    pub stated: Option<Stated>,
    /// What else it says.
    pub beside: Beside<'a>,
    /// Ways, and how many texts of each.
    pub texts: &'a [(usize, usize)],
}

#[derive(Debug)]
struct Entry {
    stated: Option<Stated>,
    said: usize,
    texts_end: usize,
}

/// Events that are held, in the order of the document.
#[derive(Debug, Default)]
pub struct Held {
    entries: Vec<Entry>,
    texts: Vec<(usize, usize)>,
    /// Given back for their room: the first `said_len` are in use.
    said: Vec<Said>,
    said_len: usize,
}

impl<'a> Beside<'a> {
    /// What this event says.
    #[must_use]
    pub fn of(head: &'a EventHead) -> Self {
        Self {
            lot: head.lot.as_deref(),
            expiry: head.expiry.as_deref(),
            read_point: head.read_point.as_deref(),
            biz_location: head.biz_location.as_deref(),
            allocation: None,
        }
    }

    /// Whether it is short enough to be held.
    #[must_use]
    pub fn is_short(&self) -> bool {
        let bytes = self.texts().into_iter().flatten().map(str::len);
        bytes.fold(0, usize::saturating_add) <= TEXT_BYTES_MAX
    }

    fn texts(&self) -> [Option<&'a str>; 5] {
        [self.lot, self.expiry, self.read_point, self.biz_location, self.allocation]
    }
}

impl Said {
    /// Whether this is what was kept.
    #[must_use]
    pub fn is(&self, beside: &Beside<'_>) -> bool {
        self.0.iter().map(Option::as_deref).eq(beside.texts())
    }

    /// Keeps it, in the room of what was kept before.
    pub fn keep(&mut self, beside: &Beside<'_>) {
        for (kept, text) in self.0.iter_mut().zip(beside.texts()) {
            match (&mut *kept, text) {
                (Some(kept), Some(text)) => {
                    kept.clear();
                    kept.push_str(text);
                }
                (_, text) => *kept = text.map(str::to_owned),
            }
        }
    }

    fn beside(&self) -> Beside<'_> {
        let [lot, expiry, read_point, biz_location, allocation] =
            self.0.each_ref().map(Option::as_deref);
        Beside { lot, expiry, read_point, biz_location, allocation }
    }
}

impl Held {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether something is to be made of them now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.entries.len() >= EVENTS_MAX
    }

    /// Holds an event that names texts of these ways.
    pub fn push(
        &mut self,
        stated: Option<Stated>,
        beside: &Beside<'_>,
        texts: impl Iterator<Item = (usize, usize)>,
    ) {
        self.texts.extend(texts);
        let said = self.said_as(beside);
        self.entries.push(Entry { stated, said, texts_end: self.texts.len() });
    }

    /// Where it is kept what an event says.
    fn said_as(&mut self, beside: &Beside<'_>) -> usize {
        let last = self.said_len.checked_sub(1);
        if let Some(last) = last
            && self.said.get(last).is_some_and(|said| said.is(beside))
        {
            return last;
        }
        let fresh = self.said_len;
        if self.said.len() == fresh {
            self.said.push(Said::default());
        }
        if let Some(said) = self.said.get_mut(fresh) {
            said.keep(beside);
        }
        self.said_len = fresh.saturating_add(1);
        fresh
    }

    /// The events in their order.
    pub fn events(&self) -> impl Iterator<Item = HeldEvent<'_>> {
        let mut begin = 0;
        self.entries.iter().filter_map(move |entry| {
            let texts = self.texts.get(begin..entry.texts_end)?;
            begin = entry.texts_end;
            let beside = self.said.get(entry.said)?.beside();
            Some(HeldEvent { stated: entry.stated, beside, texts })
        })
    }

    /// Forgets everything but the room it took.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.texts.clear();
        self.said_len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(lot: &str) -> Beside<'_> {
        Beside {
            lot: Some(lot),
            expiry: None,
            read_point: Some("here"),
            biz_location: None,
            allocation: None,
        }
    }

    #[test]
    fn events_come_back_as_they_were_held_and_again_after_clearing() {
        let mut held = Held::default();
        for _ in 0..2 {
            assert!(held.is_empty());
            for (at, lot) in ["A", "A", "", "A"].into_iter().enumerate() {
                held.push(None, &beside(lot), (0..at).map(|way| (way, at)));
            }
            assert_eq!(held.said_len, 3, "what is said again is kept once");
            let events: Vec<_> =
                held.events().map(|event| (event.beside.lot, event.texts.to_vec())).collect();
            let expected = [
                (Some("A"), vec![]),
                (Some("A"), vec![(0, 1)]),
                (Some(""), vec![(0, 2), (1, 2)]),
                (Some("A"), vec![(0, 3), (1, 3), (2, 3)]),
            ];
            assert_eq!(events, expected);
            held.clear();
        }
    }

    #[test]
    fn i10_held_events_are_few_and_short() {
        let mut held = Held::default();
        while !held.is_full() {
            held.push(None, &beside("A"), std::iter::once((0, 1)));
        }
        assert_eq!(held.events().count(), EVENTS_MAX);
        let long = "x".repeat(TEXT_BYTES_MAX);
        assert!(beside(&long[4..]).is_short() && !beside(&long[3..]).is_short());
    }
}
