//! Folds the rows of a result file: each is an event about one number.
//!
//! What a status says is the reader's to know, where a number belongs is the fold's; so a result file leads
//! to the same ledger as events that say the same.

use std::fmt::Write as _;

use domain::finding::Code;
use domain::gtin::{Gtin14, GtinError};
use domain::serial::check_ai82;
use domain::sscc::Sscc;
use epcis::EventHead;
use linefiles::results::{Column, Place, Row};

use super::Fold;
use crate::held::Beside;
use crate::pending::Kept;
use crate::stop::Stop;

/// Takes the rows of one file.
#[derive(Debug)]
pub struct Rows<'a> {
    fold: &'a mut Fold,
    /// What a row says besides its number, as an event says it.
    head: EventHead,
    /// The trade item of the row before: mostly that of the next one, with its number in the catalog.
    gtin: Option<(String, Gtin14, usize)>,
    /// The number of the row as it is written for people.
    text: String,
}

impl<'a> Rows<'a> {
    /// Takes rows into a fold.
    pub fn new(fold: &'a mut Fold) -> Self {
        Self { fold, head: EventHead::new(), gtin: None, text: String::new() }
    }

    /// Takes one row.
    ///
    /// # Errors
    /// The file is refused, or the store could not be read.
    pub fn row(&mut self, row: &Row<'_>) -> Result<(), Stop> {
        let stated = row.status.statement();
        match stated {
            None => self.fold.event.others = self.fold.event.others.saturating_add(1),
            Some(_) => self.number(row)?,
        }
        self.head(row);
        let allocation = Some(row.get(Column::AllocationId)).filter(|id| !id.is_empty());
        let beside = Beside { allocation, ..Beside::of(&self.head) };
        self.fold.end(stated, (&self.head, &beside))
    }

    fn head(&mut self, row: &Row<'_>) {
        let head = &mut self.head;
        head.ordinal = row.ordinal.saturating_sub(1);
        let Place { line, column } = row.place(Column::EventTime);
        (head.line, head.column) = (line, column);
        let time = row.get(Column::EventTime);
        head.time_text_present = !time.is_empty();
        head.event_time = epcis::moment(time);
        keep(&mut head.lot, row.get(Column::Lot));
        keep(&mut head.read_point, row.get(Column::LineGln));
        let expiry = row.get(Column::Expiry);
        let mut date = [0; 10];
        keep(&mut head.expiry, epcis::date(expiry, &mut date).unwrap_or(expiry));
    }

    fn number(&mut self, row: &Row<'_>) -> Result<(), Stop> {
        let (gtin, serial) = (row.get(Column::Gtin), row.get(Column::Serial));
        if gtin.is_empty() || serial.is_empty() {
            let epc = row.get(Column::Epc);
            if !epc.is_empty() {
                return self.fold.instance(epc);
            }
            let digits = serial.bytes().all(|byte| byte.is_ascii_digit());
            if digits && serial.len() == Sscc::DIGITS {
                return self.fold.sscc_digits(serial);
            }
        }
        let known = self.gtin.as_ref().filter(|(text, ..)| text == gtin);
        if let Some((allocation, index)) =
            known.and_then(|(_, _, number)| self.fold.catalog.near(*number, serial))
        {
            return self.fold.mine(allocation, u128::from(index));
        }
        if let Some((.., number)) = known {
            match self.fold.pending.again(*number, serial) {
                Kept::Not => {}
                Kept::Waits => return Ok(()),
                Kept::Full(way) => return self.fold.full(way),
            }
        }
        self.text.clear();
        // Writing into memory cannot fail.
        write!(self.text, "(01){gtin}(21){serial}").unwrap_or_default();
        if check_ai82(serial).is_err() {
            self.fold.unreadable(Code::InvalidEpcUri, &self.text);
            return Ok(());
        }
        let (item, number) = match known {
            Some((_, item, number)) => (*item, *number),
            None => match Gtin14::parse_padded(gtin) {
                Ok(item) => {
                    let number = self.fold.catalog.gtin(&item)?;
                    self.gtin = Some((gtin.to_owned(), item, number));
                    (item, number)
                }
                Err(error) => {
                    self.fold.unreadable(code_of(&error), &self.text);
                    return Ok(());
                }
            },
        };
        self.fold.serial(item, number, serial, &self.text)
    }
}

fn code_of(error: &GtinError) -> Code {
    match error {
        GtinError::CheckDigit { .. } => Code::BadCheckDigit,
        GtinError::Length(_) | GtinError::NotDigits => Code::InvalidEpcUri,
    }
}

/// Keeps a text in the room of the one before; an empty one says nothing.
fn keep(slot: &mut Option<String>, text: &str) {
    if text.is_empty() {
        *slot = None;
        return;
    }
    let kept = slot.get_or_insert_default();
    kept.clear();
    kept.push_str(text);
}
