//! What is made of the rows of a file while they stream by. Pure: what is read and written is elsewhere.

use std::collections::BTreeMap;

use domain::list::{IMPORT_ROWS_MAX, ListShape, Longest, Row, RowError, SEGMENT_ROWS, text_hash};
use domain::serial::SERIAL_LENGTH_MAX;
use domain::space::TextShape;

use super::index::{Entry, part_of};
use super::refusal::Offences;
use crate::pool::ImportBase;

/// Numbers that may be in a file or a list twice and are looked at again, at most.
const SUSPECTS_MAX: usize = 1_000;

/// Which texts other sources of the product print.
#[derive(Debug)]
pub(super) struct Printed {
    spaces: Vec<(String, TextShape)>,
    decimals: Vec<(String, usize, (u128, u128))>,
}

impl Printed {
    pub(super) fn of(base: &ImportBase) -> Self {
        let spaces = base.spaces().iter();
        let decimals = base.decimals();
        Self {
            spaces: spaces.map(|(id, form)| (id.to_string(), TextShape::of_space(form))).collect(),
            decimals: decimals
                .map(|(id, width, ends)| (id.to_string(), usize::from(width), ends))
                .collect(),
        }
    }

    /// Who could print this text, or one that differs from it in case only.
    fn by(&self, serial: &str) -> Option<String> {
        let space = self.spaces.iter().find(|(_, shape)| shape.admits_folded(serial));
        if let Some((id, _)) = space {
            return Some(format!("space {id} of the product could print it"));
        }
        let digits =
            serial.len() <= SERIAL_LENGTH_MAX && serial.bytes().all(|it| it.is_ascii_digit());
        let number: u128 = if digits { serial.parse().ok()? } else { return None };
        let prints = |(_, width, (first, last)): &&(String, usize, (u128, u128))| {
            *width == serial.len() && (*first..=*last).contains(&number)
        };
        let pool = self.decimals.iter().find(prints);
        pool.map(|(id, _, _)| format!("it is a number of pool {id}"))
    }
}

/// Whom a number may repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suspect {
    /// A row of the same file, by its place.
    Own(u32),
    /// A number of a list: which reader, which import of it, which place there.
    Listed(usize, usize, u32),
}

/// What the rows of this pass are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// All is checked that a row shows by itself; the whole index is collected where it is small.
    Check,
    /// A part of the index is collected.
    Part(u32),
    /// Numbers that may be there twice are read again.
    Look,
    /// Rows are stored.
    Store,
}

/// Rows so far.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) pass: Pass,
    printed: Printed,
    /// Rows of this pass; 0-based places.
    place: u32,
    pub(super) count: u32,
    pub(super) parts: u32,
    entries_max: usize,
    pub(super) entries: Vec<Entry>,
    pub(super) shape: ListShape,
    pub(super) longest: Longest,
    pub(super) offences: Offences,
    pub(super) suspects: BTreeMap<u32, Vec<Suspect>>,
    /// The lines and texts of suspects, and of those in the file that they may repeat.
    pub(super) seen: BTreeMap<u32, (u64, String)>,
    /// A segment that is not full yet.
    segment: Vec<u8>,
    /// Segments that are to be stored.
    pub(super) ready: Vec<Vec<u8>>,
}

impl Rows {
    pub(super) fn new(printed: Printed, entries_max: usize) -> Self {
        Self {
            pass: Pass::Check,
            printed,
            place: 0,
            count: 0,
            parts: 1,
            entries_max,
            entries: Vec::new(),
            shape: ListShape::default(),
            longest: Longest::default(),
            offences: Offences::default(),
            suspects: BTreeMap::new(),
            seen: BTreeMap::new(),
            segment: Vec::new(),
            ready: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, pass: Pass) {
        (self.pass, self.place) = (pass, 0);
        if matches!(pass, Pass::Part(_)) {
            self.entries.clear();
        }
    }

    pub(super) fn row(&mut self, line: u64, row: Result<Row<'_>, RowError>) {
        let place = self.place;
        self.place = place.saturating_add(1);
        match (self.pass, row) {
            (Pass::Check, row) => self.check(line, place, row),
            (_, Err(_)) => {}
            (Pass::Part(part), Ok(row)) => {
                let hash = text_hash(row.serial);
                if part_of(hash, self.parts) == part {
                    self.entries.push((hash, place));
                }
            }
            (Pass::Look, Ok(row)) => {
                if let Some(seen) = self.seen.get_mut(&place) {
                    *seen = (line, row.serial.to_owned());
                }
            }
            (Pass::Store, Ok(row)) => {
                row.put(&mut self.segment);
                if self.place.is_multiple_of(SEGMENT_ROWS) {
                    self.ready.push(std::mem::take(&mut self.segment));
                }
            }
        }
    }

    fn check(&mut self, line: u64, place: u32, row: Result<Row<'_>, RowError>) {
        self.count = self.place;
        let row = match row {
            Ok(row) => row,
            Err(error) => return self.offences.add(line, "", error.to_string()),
        };
        if let Err(error) = row.check() {
            return self.offences.add(line, row.serial, error.to_string());
        }
        if let Some(reason) = self.printed.by(row.serial) {
            return self.offences.add(line, row.serial, reason);
        }
        self.longest = self.longest.joined(Longest::of(&row));
        self.shape.add(row.serial);
        if self.entries.len() < self.entries_max {
            self.entries.push((text_hash(row.serial), place));
        }
    }

    /// Whether there are more rows than an import may have.
    pub(super) const fn is_too_long(&self) -> bool {
        self.count > IMPORT_ROWS_MAX
    }

    /// After the check: into how many parts the index is cut; 1 where it is collected already.
    pub(super) fn cut(&mut self) {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        if count > self.entries_max {
            // Hashes spread evenly, but not quite.
            let of_part = self.entries_max.saturating_mul(9).div_euclid(10).max(1);
            self.parts = u32::try_from(count.div_ceil(of_part)).unwrap_or(u32::MAX);
        }
    }

    /// The last segment, which need not be full.
    pub(super) fn end_segment(&mut self) {
        if !self.segment.is_empty() {
            self.ready.push(std::mem::take(&mut self.segment));
        }
    }

    /// Sorts what was collected and notes which rows have one hash.
    pub(super) fn sort(&mut self) {
        self.entries.sort_unstable();
        let (mut before, mut run) = (None, Vec::new());
        let entries = std::mem::take(&mut self.entries);
        for (hash, place) in entries.iter().copied() {
            if before.replace(hash) != Some(hash) {
                run.clear();
            }
            // I1: another text of the same hash may stand before the one that is repeated. What lies behind so
            // many of one hash is no suspect that is kept.
            if run.len() <= SUSPECTS_MAX {
                for earlier in &run {
                    self.suspect(place, Suspect::Own(*earlier));
                }
                run.push(place);
            }
        }
        self.entries = entries;
    }

    /// Notes that a row may repeat another number.
    pub(super) fn suspect(&mut self, place: u32, whom: Suspect) {
        self.suspects.entry(place).or_default().push(whom);
        if self.suspects.len() > SUSPECTS_MAX {
            self.suspects.pop_last();
        }
    }

    /// Makes room for what the suspects are.
    pub(super) fn look(&mut self) {
        for (place, whom) in &self.suspects {
            self.seen.insert(*place, (0, String::new()));
            for suspect in whom {
                if let Suspect::Own(first) = suspect {
                    self.seen.insert(*first, (0, String::new()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_compared_with_every_earlier_one_of_its_hash() {
        let printed = Printed { spaces: Vec::new(), decimals: Vec::new() };
        let mut rows = Rows::new(printed, 9);
        rows.entries = vec![(7, 4), (7, 0), (5, 1), (7, 2)];
        rows.sort();
        let own = |places: &[u32]| places.iter().copied().map(Suspect::Own).collect::<Vec<_>>();
        let expected = BTreeMap::from([(2, own(&[0])), (4, own(&[0, 2]))]);
        assert_eq!(rows.suspects, expected);
        assert_eq!(rows.entries, [(5, 1), (7, 0), (7, 2), (7, 4)]);
    }
}
