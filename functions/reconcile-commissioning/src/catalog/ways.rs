//! The ways in which the pools of a document's products and company prefixes write their numbers.

use domain::numbering::Numbering;
use domain::object_key::ObjectKey;
use domain::pool::Scheme;
use domain::sscc::SsccPrefix;
use rustc_hash::FxHashMap;

/// What a way is told apart by: numbers of all trade items are written alike by a scheme, SSCCs of each company
/// prefix are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spelling {
    /// What pools call it; a randomised one belongs to one product.
    pub scheme: Scheme,
    sscc: Option<SsccPrefix>,
}

/// One way of writing numbers.
#[derive(Debug, Clone)]
pub struct Way {
    /// What it is told apart by.
    pub spelling: Spelling,
    /// Indexes to texts and back.
    pub numbering: Numbering,
    /// The length of the company prefix, for URNs.
    pub company_prefix_length: u8,
}

/// All ways, each with its number.
#[derive(Debug, Default)]
pub struct Ways {
    all: Vec<Way>,
    numbers: FxHashMap<Spelling, usize>,
}

impl Spelling {
    /// How numbers of a key are written in a scheme.
    #[must_use]
    pub const fn of(key: ObjectKey, scheme: Scheme) -> Self {
        Self { scheme, sscc: key.sscc() }
    }
}

impl Ways {
    /// The number of a spelling, if it was met before.
    #[must_use]
    pub fn number(&self, spelling: Spelling) -> Option<usize> {
        self.numbers.get(&spelling).copied()
    }

    pub(super) fn add(&mut self, way: Way) -> usize {
        let number = self.all.len();
        self.numbers.insert(way.spelling, number);
        self.all.push(way);
        number
    }

    /// A way by its number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&Way> {
        self.all.get(number)
    }

    /// The way of a spelling that was met.
    #[must_use]
    pub fn of(&self, spelling: Spelling) -> Option<&Way> {
        self.number(spelling).and_then(|number| self.get(number))
    }
}
