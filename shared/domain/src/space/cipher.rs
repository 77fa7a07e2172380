//! Indexes of a space to texts and back.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "places in rows of 32 bytes follow from the form: prefix and random part have at most 20"
)]

use std::fmt;

use aes::Aes256;
use aes::cipher::KeyInit;
use zeroize::Zeroize;

use super::digits::{Digits, HALF_DIGITS, Places};
use super::{SpaceError, SpaceForm};
use crate::ff1::{Ff1, LANES, Lanes};
use crate::gtin::Gtin14;

/// The bytes of a row: more than a serial number, so that ten bytes can be copied anywhere in it.
const ROW: usize = 32;

/// The AES-256 key of one space. Wiped when it is no longer needed, never printed.
pub struct SpaceKey([u8; 32]);

impl SpaceKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be wrapped.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for SpaceKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SpaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpaceKey(..)")
    }
}

/// The permutation of one space. The GTIN is its tweak: a key that got into a second space by mistake
/// would still not print the same sequence there.
#[derive(Debug)]
pub struct SpaceCipher {
    form: SpaceForm,
    ff1: Ff1,
    digits: Digits,
    /// Characters of the random part's first and second half.
    halves: (usize, usize),
    prefix: usize,
    /// The digit that each byte stands for, or [`NO_DIGIT`].
    values: [u8; 256],
}

/// What stands for no digit; those are below 62.
const NO_DIGIT: u8 = 0x80;

impl SpaceCipher {
    /// Expands the key.
    pub fn new(form: SpaceForm, gtin: &Gtin14, key: &SpaceKey) -> Result<Self, SpaceError> {
        let aes = Aes256::new(&key.0.into());
        let (radix, length) = (u32::from(form.alphabet().size()), usize::from(form.length()));
        let ff1 = Ff1::new(aes, radix, length, gtin.as_bytes());
        // A form that was checked has no more than 62 characters and 20 places.
        let ff1 = ff1.map_err(|_| SpaceError::Length(form.length()))?;
        let left = length / 2;
        let mut values = [NO_DIGIT; 256];
        for (digit, byte) in (0..).zip(form.alphabet().characters()) {
            values[usize::from(byte)] = digit;
        }
        Ok(Self {
            values,
            form,
            ff1,
            digits: Digits::new(form.alphabet()),
            halves: (left, length - left),
            prefix: form.prefix().len(),
        })
    }

    /// The form of the space.
    #[must_use]
    pub fn form(&self) -> &SpaceForm {
        &self.form
    }

    /// The texts of `count` indexes from `index` on, which are below the capacity.
    #[must_use]
    pub fn run(&self, index: u128, count: u64) -> TextRun<'_> {
        let mut row = [0; ROW];
        row[..self.prefix].copy_from_slice(self.form.prefix().as_bytes());
        let (left, right) = self.ff1.split(index);
        let mut run = TextRun {
            cipher: self,
            rows: [row; LANES],
            place: 0,
            filled: 0,
            left,
            right,
            rest: count,
        };
        run.fill();
        run
    }

    /// The text of an index below the capacity.
    #[must_use]
    pub fn text_of(&self, index: u128) -> String {
        let run = self.run(index, 1);
        run.as_bytes().iter().copied().map(char::from).collect()
    }

    /// The index of a text, if the space has it.
    #[must_use]
    pub fn index_of(&self, text: &str) -> Option<u128> {
        let mut batch = self.batch();
        if !self.push(&mut batch, text.as_bytes()) {
            return None;
        }
        self.drain(&mut batch).next()
    }

    /// Whether the space has the text, so that it has an index.
    #[inline]
    #[must_use]
    pub fn has(&self, text: &[u8]) -> bool {
        self.halves_of(text).is_some()
    }

    /// The two halves of a text that the space has, as numbers. A text that is read hides nothing, so what
    /// its characters stand for is looked up.
    #[inline]
    fn halves_of(&self, text: &[u8]) -> Option<(u64, u64)> {
        let random = text.strip_prefix(self.form.prefix.as_bytes())?;
        let (left, right) = random.split_at_checked(self.halves.0)?;
        if right.len() != self.halves.1 {
            return None;
        }
        // The second half is the longer one where the length is odd.
        let (odd, right) = right.split_at_checked(self.halves.1 - self.halves.0)?;
        let radix = self.digits.radix();
        let (mut seen, mut halves) = (0, (0_u64, 0_u64));
        let add = |sum: u64, digit: u8| sum.wrapping_mul(radix).wrapping_add(u64::from(digit));
        for byte in odd {
            let digit = self.values[usize::from(*byte)];
            seen |= digit;
            halves.1 = u64::from(digit);
        }
        // Side by side, for each digit waits for the one before it.
        for (left, right) in left.iter().zip(right) {
            let digits = (self.values[usize::from(*left)], self.values[usize::from(*right)]);
            seen |= digits.0 | digits.1;
            halves = (add(halves.0, digits.0), add(halves.1, digits.1));
        }
        (seen & NO_DIGIT == 0).then_some(halves)
    }

    /// Room for texts whose indexes are to be found together.
    #[must_use]
    pub fn batch(&self) -> TextBatch {
        TextBatch { lanes: Lanes::default(), count: 0 }
    }

    /// Puts a text into a batch of this cipher, if that is not full and the space has the text.
    #[inline]
    pub fn push(&self, batch: &mut TextBatch, text: &[u8]) -> bool {
        let Some((left, right)) = self.halves_of(text) else { return false };
        let TextBatch { lanes, count } = batch;
        let (Some(to_left), Some(to_right)) =
            (lanes.left.get_mut(*count), lanes.right.get_mut(*count))
        else {
            return false;
        };
        (*to_left, *to_right) = (left, right);
        *count += 1;
        true
    }

    /// Empties a batch: the indexes of its texts, in their order.
    pub fn drain<'b>(&'b self, batch: &'b mut TextBatch) -> impl Iterator<Item = u128> + 'b {
        let count = std::mem::take(&mut batch.count);
        self.ff1.decrypt(&mut batch.lanes, count);
        let halves = batch.lanes.left.iter().zip(&batch.lanes.right);
        halves.take(count).map(|(left, right)| self.ff1.join(*left, *right))
    }
}

/// Texts whose indexes are to be found together, at most [`LANES`].
#[derive(Debug, Clone)]
pub struct TextBatch {
    /// The random parts, as numbers.
    lanes: Lanes,
    count: usize,
}

impl TextBatch {
    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether there is no room for another.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count == LANES
    }
}

/// The texts of consecutive indexes, made [`LANES`] at a time.
#[derive(Debug, Clone)]
pub struct TextRun<'c> {
    cipher: &'c SpaceCipher,
    /// Prefix, random part, and what the copies of ten bytes left behind it.
    rows: [[u8; ROW]; LANES],
    place: usize,
    filled: usize,
    /// The next index to be enciphered.
    left: u64,
    right: u64,
    rest: u64,
}

impl TextRun<'_> {
    /// The text at hand; empty behind the last.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        if self.place >= self.filled {
            return &[];
        }
        let length = self.cipher.form.text_length();
        self.rows.get(self.place).and_then(|row| row.get(..length)).unwrap_or_default()
    }

    /// Goes on to the next index.
    #[inline]
    pub fn advance(&mut self) {
        self.place = self.place.saturating_add(1);
        if self.place >= self.filled && self.rest > 0 {
            self.fill();
        }
    }

    fn fill(&mut self) {
        let cipher = self.cipher;
        let count = usize::try_from(self.rest).map_or(LANES, |rest| rest.min(LANES));
        let mut lanes = Lanes::default();
        let limit = cipher.ff1.right_limit();
        for (left, right) in lanes.left.iter_mut().zip(&mut lanes.right).take(count) {
            (*left, *right) = (self.left, self.right);
            // Counting is not secret: which texts follow is.
            self.right = self.right.wrapping_add(1);
            if self.right == limit {
                (self.left, self.right) = (self.left.wrapping_add(1), 0);
            }
        }
        cipher.ff1.encrypt(&mut lanes, count);
        let (left_digits, right_digits) = cipher.halves;
        let (left_from, right_from) = (HALF_DIGITS - left_digits, 2 * HALF_DIGITS - right_digits);
        let (left_to, right_to) = (cipher.prefix, cipher.prefix + left_digits);
        // One more than is filled, so that ten bytes can be read from any place of the last.
        let mut texts = [Places::default(); LANES + 1];
        cipher.digits.print(&mut texts[..count], lanes.left.iter().zip(&lanes.right));
        let texts = texts.as_flattened();
        for (lane, row) in self.rows.iter_mut().enumerate().take(count) {
            // Ten bytes whatever the length: what is too much is covered by the next or never shown.
            let text = &texts[lane * size_of::<Places>()..];
            row[left_to..left_to + HALF_DIGITS]
                .copy_from_slice(&text[left_from..left_from + HALF_DIGITS]);
            row[right_to..right_to + HALF_DIGITS]
                .copy_from_slice(&text[right_from..right_from + HALF_DIGITS]);
        }
        self.place = 0;
        self.filled = count;
        self.rest = self.rest.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
    }
}
