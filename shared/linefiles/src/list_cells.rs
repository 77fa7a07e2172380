//! The cells of a row of imported numbers: these may have any character of set 82, so each is quoted and escaped
//! where it stands.

use domain::epc::push_urn_serial;
use domain::list::{ListRun, Longest};

use crate::row::Texts;
use crate::{Format, Profile};

/// The cells behind the pieces of a row: for the profile `full` the serial number three times, in the middle as
/// part of a URN or in both other places as it is, then crypto key and code.
pub(crate) struct ListCells<'n> {
    run: ListRun<'n>,
    profile: Profile,
    format: Format,
    cells: [Vec<u8>; 5],
}

impl<'n> ListCells<'n> {
    pub(crate) fn new(run: ListRun<'n>, profile: Profile, format: Format) -> Self {
        let mut cells = Self { run, profile, format, cells: std::array::from_fn(|_| Vec::new()) };
        cells.fill();
        cells
    }

    /// The most bytes that the cells of a row can have.
    pub(crate) fn bytes_max(longest: Longest, profile: Profile) -> usize {
        let Longest { serial, key, code } = longest;
        match profile {
            // Each character may be escaped: by one more, in a URN by two.
            Profile::Full => {
                [serial.saturating_mul(7), key.saturating_mul(2), code.saturating_mul(2)]
                    .into_iter()
                    .fold(0, usize::saturating_add)
            }
            Profile::Bare => serial.saturating_mul(2).saturating_add(2),
            Profile::Range => 0,
        }
    }

    fn fill(&mut self) {
        let (row, format) = (self.run.row(), self.format);
        self.cells.iter_mut().for_each(Vec::clear);
        let [first, urn, third, key, code] = &mut self.cells;
        if self.profile == Profile::Bare && format == Format::Csv {
            // A value alone is quoted only where it must be.
            let quoted = row.serial.contains([',', '"']);
            first.extend(quoted.then_some(b'"'));
            escape(first, row.serial, format);
            first.extend(quoted.then_some(b'"'));
            return;
        }
        escape(first, row.serial, format);
        escape(third, row.serial, format);
        let mut escaped = String::new();
        push_urn_serial(&mut escaped, row.serial);
        urn.extend_from_slice(escaped.as_bytes());
        escape(key, row.key, format);
        escape(code, row.code, format);
    }
}

impl Texts for ListCells<'_> {
    fn behind(&self, piece: usize) -> &[u8] {
        self.cells.get(piece).map_or(&[], Vec::as_slice)
    }

    fn advance(&mut self) {
        self.run.advance();
        self.fill();
    }
}

/// A text of set 82 inside quotes, of which only the quote itself is escaped; there is no backslash in the set.
fn escape(out: &mut Vec<u8>, text: &str, format: Format) {
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(match format {
                Format::Csv => b'"',
                Format::Json => b'\\',
            });
        }
        out.push(byte);
    }
}
