//! The heartbeats of one minute of a line, as a set.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::sample::{Identity, Sample};

/// Most heartbeats kept of one minute of a line: ten a second.
pub const SAMPLES_MAX: usize = 600;

/// What came of a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was not there before.
    New,
    /// One of this identity was there already.
    Repeated,
}

/// The heartbeats of a minute, one for each identity. [`Minute::join`] is the union of two sets: it is
/// commutative, associative and idempotent, beyond [`SAMPLES_MAX`] too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minute(BTreeMap<Identity, Sample>);

impl Minute {
    /// Adds a heartbeat of this minute.
    pub fn add(&mut self, sample: Sample) -> Added {
        let added = self.take(sample);
        self.trim();
        added
    }

    /// Adds all heartbeats of another set of this minute.
    pub fn join(&mut self, other: &Self) {
        for sample in other.0.values() {
            self.take(*sample);
        }
        self.trim();
    }

    /// The heartbeats in the order of the line's clock.
    #[must_use]
    pub fn in_order(&self) -> Vec<Sample> {
        let mut samples: Vec<Sample> = self.0.values().copied().collect();
        samples.sort_unstable();
        samples
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it keeps as many as it may, so that others may have been left out.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.len() >= SAMPLES_MAX
    }

    fn take(&mut self, sample: Sample) -> Added {
        match self.0.entry(sample.identity()) {
            Entry::Vacant(place) => {
                place.insert(sample);
                Added::New
            }
            Entry::Occupied(mut place) => {
                // Not the first to come, which would depend on the order of deliveries.
                if sample < *place.get() {
                    place.insert(sample);
                }
                Added::Repeated
            }
        }
    }

    /// Keeps the identities with the least hashes. What is among the least of a union is among the
    /// least of each part that has it, so a part never dropped what the union needs.
    fn trim(&mut self) {
        if self.0.len() <= SAMPLES_MAX {
            return;
        }
        let mut ranked: Vec<Identity> = self.0.keys().copied().collect();
        ranked.sort_unstable_by_key(|identity| (identity.hash(), *identity));
        for identity in ranked.iter().skip(SAMPLES_MAX) {
            self.0.remove(identity);
        }
    }
}
