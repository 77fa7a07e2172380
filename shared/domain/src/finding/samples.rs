//! Texts that a finding shows.

use super::{SAMPLE_BYTES_MAX, SAMPLES_MAX};

/// Collects texts that no index describes: at most [`SAMPLES_MAX`] and their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    texts: Vec<String>,
    count: u64,
}

impl Samples {
    /// Counts a text and keeps it while there is room.
    pub fn add(&mut self, text: &str) {
        self.count = self.count.saturating_add(1);
        self.keep(text);
    }

    fn keep(&mut self, text: &str) {
        let text = text.get(..text.floor_char_boundary(SAMPLE_BYTES_MAX)).unwrap_or(text);
        if self.texts.len() < SAMPLES_MAX && !self.texts.iter().any(|kept| kept == text) {
            self.texts.push(text.to_owned());
        }
    }

    /// Adds everything another collector holds.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        for text in &other.texts {
            self.keep(text);
        }
    }

    /// How many texts were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The kept texts.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}
