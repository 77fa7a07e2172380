//! The ways in which the pools of a document's products write their numbers.

use domain::numbering::Numbering;
use domain::pool::Scheme;
use rustc_hash::FxHashMap;

/// One way of writing numbers.
#[derive(Debug, Clone)]
pub struct Way {
    /// What pools call it; a randomised one belongs to one product.
    pub scheme: Scheme,
    /// Indexes to texts and back.
    pub numbering: Numbering,
    /// The length of the company prefix, for URNs.
    pub company_prefix_length: u8,
}

/// All ways, each with its number.
#[derive(Debug, Default)]
pub struct Ways {
    all: Vec<Way>,
    numbers: FxHashMap<Scheme, usize>,
}

impl Ways {
    /// The number of a scheme, if it was met before.
    #[must_use]
    pub fn number(&self, scheme: Scheme) -> Option<usize> {
        self.numbers.get(&scheme).copied()
    }

    pub(super) fn add(&mut self, way: Way) -> usize {
        let number = self.all.len();
        self.numbers.insert(way.scheme, number);
        self.all.push(way);
        number
    }

    /// A way by its number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&Way> {
        self.all.get(number)
    }

    /// The way of a scheme that was met.
    #[must_use]
    pub fn of(&self, scheme: Scheme) -> Option<&Way> {
        self.number(scheme).and_then(|number| self.get(number))
    }
}
