//! Texts of randomised spaces that wait to be deciphered together (decision 22).
//!
//! To decipher 64 texts side by side takes hardly longer than to decipher a few. So the texts of a space
//! are collected while a document streams by, and their indexes are found when there are 64 of them, or when
//! something is to be made of an event that names more than texts. Each space has one batch: memory follows
//! the spaces of a document, never its size (I10), and within a space the order is that of the document.

use std::sync::Arc;

use domain::ff1::LANES;
use domain::gtin::Gtin14;
use domain::space::{SpaceCipher, TextBatch};

use crate::catalog::Reach;

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

/// What became of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The space does not have it.
    Not,
    /// It waits.
    Waits,
    /// It waits, and the batch of this way is to be deciphered now.
    Full(usize),
}

/// The batch of one space.
#[derive(Debug)]
pub struct Batch {
    /// Whose texts they are.
    pub space: Space,
    /// Where the index before was found: mostly the next one lies there too.
    pub reach: Option<Reach>,
    cipher: Arc<SpaceCipher>,
    texts: TextBatch,
    /// So many of the texts belong to events that are held.
    held: usize,
    /// What was deciphered, in the order of the texts, and which of it was not taken yet.
    found: [u128; LANES],
    next: usize,
    end: usize,
}

/// The batches of all spaces.
#[derive(Debug)]
pub struct Pending {
    /// By the number of their way.
    batches: Vec<Option<Box<Batch>>>,
    /// Ways with texts.
    filled: Vec<usize>,
    /// Ways with texts of the event at hand.
    fresh: Vec<usize>,
    /// The way of the text before.
    hot: usize,
    /// So many texts are deciphered at once.
    texts_max: usize,
}

impl Default for Pending {
    fn default() -> Self {
        let (batches, filled, fresh) = (Vec::new(), Vec::new(), Vec::new());
        Self { batches, filled, fresh, hot: 0, texts_max: LANES }
    }
}

impl Pending {
    /// Deciphers so many texts at once, 1 to [`LANES`].
    pub fn limit(&mut self, texts: usize) {
        self.texts_max = texts.clamp(1, LANES);
    }

    /// Keeps a text if the space has it.
    pub fn push(&mut self, space: Space, cipher: &Arc<SpaceCipher>, text: &str) -> Kept {
        if self.batches.len() <= space.way {
            self.batches.resize_with(space.way.saturating_add(1), || None);
        }
        if let Some(place @ None) = self.batches.get_mut(space.way) {
            *place = Some(Box::new(Batch::new(space, cipher)));
        }
        self.hot = space.way;
        self.again(space.number, text)
    }

    /// Keeps a text if the space of the text before has it, and is this product's.
    #[inline]
    pub fn again(&mut self, number: usize, text: &str) -> Kept {
        let way = self.hot;
        let Some(Some(batch)) = self.batches.get_mut(way) else { return Kept::Not };
        if batch.space.number != number {
            return Kept::Not;
        }
        let before = batch.texts.len();
        if !batch.cipher.push(&mut batch.texts, text.as_bytes()) {
            return Kept::Not;
        }
        if before == batch.held {
            self.fresh.push(way);
            if before == 0 {
                self.filled.push(way);
            }
        }
        if before.saturating_add(1) >= self.texts_max { Kept::Full(way) } else { Kept::Waits }
    }

    /// Whether the event at hand has texts that wait.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Says how many texts of which ways the event at hand has; they are counted as held now.
    pub fn hold(&mut self) -> impl Iterator<Item = (usize, usize)> {
        let batches = &mut self.batches;
        self.fresh.drain(..).filter_map(|way| {
            let batch = batches.get_mut(way)?.as_mut()?;
            let count = batch.texts.len().saturating_sub(batch.held);
            batch.held = batch.texts.len();
            Some((way, count))
        })
    }

    /// A way that had texts, said once.
    pub fn pop(&mut self) -> Option<usize> {
        self.filled.pop()
    }

    /// Takes a batch out to read its indexes; [`Pending::give_back`] follows.
    pub fn take(&mut self, way: usize) -> Option<Box<Batch>> {
        self.batches.get_mut(way)?.take()
    }

    /// Puts a batch back where it was.
    pub fn give_back(&mut self, batch: Box<Batch>) {
        if let Some(place) = self.batches.get_mut(batch.space.way) {
            *place = Some(batch);
        }
    }

    /// Deciphers what waits of a way.
    pub fn decipher(&mut self, way: usize) {
        self.filled.retain(|filled| *filled != way);
        self.fresh.retain(|fresh| *fresh != way);
        if let Some(Some(batch)) = self.batches.get_mut(way) {
            batch.decipher();
        }
    }

    /// Deciphers all that waits; [`Pending::pop`] says of which ways it was.
    pub fn decipher_all(&mut self) {
        self.fresh.clear();
        for way in &self.filled {
            if let Some(Some(batch)) = self.batches.get_mut(*way) {
                batch.decipher();
            }
        }
    }
}

impl Batch {
    fn new(space: Space, cipher: &Arc<SpaceCipher>) -> Self {
        Self {
            space,
            reach: None,
            cipher: Arc::clone(cipher),
            texts: cipher.batch(),
            held: 0,
            found: [0; LANES],
            next: 0,
            end: 0,
        }
    }

    fn decipher(&mut self) {
        self.held = 0;
        self.next = 0;
        self.end = self.texts.len();
        for (place, index) in self.found.iter_mut().zip(self.cipher.drain(&mut self.texts)) {
            *place = index;
        }
    }

    /// The next indexes of what was deciphered, at most so many, and where the one before was found.
    pub fn next(&mut self, count: usize) -> (&[u128], &mut Option<Reach>) {
        let begin = self.next;
        self.next = begin.saturating_add(count).min(self.end);
        (self.found.get(begin..self.next).unwrap_or_default(), &mut self.reach)
    }
}
