//! Texts of randomised spaces that wait to be deciphered together (decision 0022).
//!
//! To decipher 64 texts side by side takes hardly longer than to decipher a few. So the texts of a space
//! are collected while an event streams by, and their indexes are found when there are 64 of them or the
//! event ends, before anything is made of what it names. Each space has one batch: memory follows the
//! spaces of a document, never its size (I10), and within a space the order is that of the document.

use std::sync::Arc;

use domain::ff1::LANES;
use domain::gtin::Gtin14;
use domain::space::{SpaceCipher, TextBatch};

/// A space, as the fold knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Its way of writing numbers, by its number in the catalog.
    pub way: usize,
    /// The product.
    pub gtin: Gtin14,
    /// The number of the product in the catalog.
    pub number: usize,
}

#[derive(Debug)]
struct Waiting {
    space: Space,
    cipher: Arc<SpaceCipher>,
    texts: TextBatch,
}

/// The batches of all spaces.
#[derive(Debug)]
pub struct Pending {
    /// By the number of their way.
    batches: Vec<Option<Box<Waiting>>>,
    /// Those that are not empty.
    filled: Vec<usize>,
    /// So many texts are deciphered at once.
    texts_max: usize,
}

/// The indexes of texts in the order in which they came.
pub struct Indexes {
    /// Whose they are.
    pub space: Space,
    found: [Option<u128>; LANES],
    count: usize,
}

impl Default for Pending {
    fn default() -> Self {
        Self { batches: Vec::new(), filled: Vec::new(), texts_max: LANES }
    }
}

impl Pending {
    /// Deciphers so many texts at once, 1 to [`LANES`].
    pub fn limit(&mut self, texts: usize) {
        self.texts_max = texts.clamp(1, LANES);
    }

    /// Keeps a text that the space has; true when its batch is to be drained now.
    pub fn push(&mut self, space: Space, cipher: &Arc<SpaceCipher>, text: &str) -> bool {
        if self.batches.len() <= space.way {
            self.batches.resize_with(space.way.saturating_add(1), || None);
        }
        let Some(place) = self.batches.get_mut(space.way) else { return false };
        let waiting = place.get_or_insert_with(|| {
            let cipher = Arc::clone(cipher);
            Box::new(Waiting { space, texts: cipher.batch(), cipher })
        });
        if waiting.texts.is_empty() {
            self.filled.push(space.way);
        }
        waiting.cipher.push(&mut waiting.texts, text.as_bytes());
        waiting.texts.len() >= self.texts_max
    }

    /// A way whose texts wait.
    #[must_use]
    pub fn next(&self) -> Option<usize> {
        self.filled.last().copied()
    }

    /// Deciphers what waits of a way.
    pub fn take(&mut self, way: usize) -> Option<Indexes> {
        self.filled.retain(|filled| *filled != way);
        let waiting = self.batches.get_mut(way)?.as_mut()?;
        let mut found = [None; LANES];
        let count = waiting.texts.len();
        waiting.cipher.drain(&mut waiting.texts, |place, index| {
            if let Some(slot) = found.get_mut(place) {
                *slot = index;
            }
        });
        Some(Indexes { space: waiting.space, found, count })
    }
}

impl Indexes {
    /// The indexes. A text of the space always has one.
    pub fn iter(&self) -> impl Iterator<Item = u128> + '_ {
        self.found.iter().take(self.count).copied().flatten()
    }
}
