//! Why an import does not count.

use std::collections::BTreeMap;

use crate::error::StoreError;

/// Lines that a refusal tells, at most.
const LINES_MAX: usize = 100;
/// Characters of a text that is no serial number, at most.
const TEXT_MAX: usize = 40;

/// A line for which a file is refused. Its text belongs into the answer only (I9).
#[derive(Clone, PartialEq, Eq)]
pub struct Offence {
    /// The line of the file, from 1.
    pub line: u64,
    /// The serial number; what is too long for one is cut.
    pub serial: String,
    /// What is wrong with it.
    pub reason: String,
}

impl std::fmt::Debug for Offence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Offence").field("line", &self.line).finish_non_exhaustive()
    }
}

/// Why a file is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Lines that were found wrong; those of the end of a file with very many may not be among them.
    pub count: u64,
    /// The first of them.
    pub lines: Vec<Offence>,
}

/// Why numbers were not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no such pool.
    #[error("there is no such pool")]
    NoPool,
    /// The pool has a scheme of its own.
    #[error("the numbers of the pool follow from its scheme")]
    NoList,
    /// Some lines are wrong.
    #[error("{} lines are wrong", .0.count)]
    Refused(Refusal),
    /// The file has no numbers.
    #[error("the file has no numbers")]
    Empty,
    /// The file has more numbers than one import may have.
    #[error("an import has at most {} numbers", domain::list::IMPORT_ROWS_MAX)]
    TooMany,
    /// The pool has as many imports as a pool may have.
    #[error("a pool has at most {} imports", super::IMPORTS_MAX)]
    Full,
    /// What it was compared with has changed: to be checked anew.
    #[error("the product's pools were changed meanwhile")]
    Moved,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lines that were found wrong, the first ones of them.
#[derive(Debug, Default)]
pub(super) struct Offences {
    count: u64,
    lines: BTreeMap<u64, Offence>,
}

impl Offences {
    pub(super) fn add(&mut self, line: u64, serial: &str, reason: String) {
        if self.lines.contains_key(&line) {
            return;
        }
        self.count = self.count.saturating_add(1);
        let serial = serial.chars().take(TEXT_MAX).collect();
        self.lines.insert(line, Offence { line, serial, reason });
        if self.lines.len() > LINES_MAX {
            self.lines.pop_last();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= LINES_MAX
    }

    pub(super) fn refusal(&self) -> Refusal {
        Refusal { count: self.count, lines: self.lines.values().cloned().collect() }
    }
}
