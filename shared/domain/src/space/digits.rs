//! Halves of a number to characters and back, without a division and without a table that is looked up
//! by what it hides.
//!
//! A half has at most ten digits: two groups of five. A group times a constant is a fixed-point number
//! whose whole part is the first digit; the rest times the radix gives the next. Digits become characters
//! by comparison with the places where the alphabet skips characters, all of a row at once.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "words are cut and multiplied on purpose; the bounds are proven beside each"
)]

use super::Alphabet;

/// The bytes of a row: more than a serial number, so that ten bytes can be copied anywhere in it.
pub(super) const ROW: usize = 32;
/// Digits of a half at the most.
pub(super) const HALF_DIGITS: usize = 10;
/// Digits of a group.
const GROUP: u32 = 5;
/// Where the whole part of the fixed-point numbers begins: `62 * 2^58` fits a word.
const POINT: u32 = 58;
const FRACTION: u64 = (1 << POINT) - 1;

/// The alphabet of a space as arithmetic.
#[derive(Debug)]
pub(super) struct Digits {
    radix: u64,
    /// `radix^5`.
    group: u64,
    /// `2^64 / radix^5`, rounded down.
    group_reciprocal: u64,
    /// `2^58 / radix^4`, rounded up.
    scale: u64,
    /// Runs of neighbouring characters, ascending.
    runs: Vec<Run>,
    first: u8,
}

/// Characters of the alphabet that follow each other in ASCII.
#[derive(Debug)]
struct Run {
    /// The first of them.
    character: u8,
    /// How many.
    count: u8,
    /// The digit of the first.
    digit: u8,
    /// How many characters of ASCII were skipped between this run and the one before.
    skipped: u8,
}

impl Digits {
    pub(super) fn new(alphabet: Alphabet) -> Self {
        let radix = u64::from(alphabet.size());
        let group = radix.pow(GROUP);
        let mut runs: Vec<Run> = Vec::new();
        for (digit, character) in (0_u8..).zip(alphabet.characters()) {
            match runs.last_mut() {
                Some(run) if run.character + run.count == character => run.count += 1,
                before => {
                    let skipped = before.map_or(0, |run| character - run.character - run.count);
                    runs.push(Run { character, count: 1, digit, skipped });
                }
            }
        }
        Self {
            radix,
            group,
            group_reciprocal: ((1_u128 << 64) / u128::from(group)) as u64,
            scale: (1 << POINT) / radix.pow(GROUP - 1) + 1,
            first: runs.first().map_or(0, |run| run.character),
            runs,
        }
    }

    /// The character of the digit 0.
    pub(super) fn first(&self) -> u8 {
        self.first
    }

    /// Two halves as characters: each in ten places, aligned to the right.
    #[inline]
    pub(super) fn print(&self, left: u64, right: u64) -> [u8; ROW] {
        let mut row = [0; ROW];
        let (halves, _) = row.as_chunks_mut::<HALF_DIGITS>();
        for (places, half) in halves.iter_mut().zip([left, right]) {
            self.digits(half, places);
        }
        let mut characters = row;
        for byte in &mut characters {
            *byte = byte.wrapping_add(self.first);
        }
        for run in self.runs.iter().skip(1) {
            for (character, digit) in characters.iter_mut().zip(&row) {
                let beyond = u8::from(*digit >= run.digit).wrapping_neg();
                *character = character.wrapping_add(beyond & run.skipped);
            }
        }
        characters
    }

    /// The ten digits of a half below `radix^10`.
    #[inline]
    fn digits(&self, half: u64, places: &mut [u8; HALF_DIGITS]) {
        // The quotient may be too small by one: its reciprocal and it itself were rounded down.
        let product = u128::from(half) * u128::from(self.group_reciprocal);
        let quotient = (product >> 64) as u64;
        let rest = half.wrapping_sub(quotient.wrapping_mul(self.group));
        let more = u64::from(rest >= self.group);
        let rest = rest.wrapping_sub(self.group & more.wrapping_neg());
        let (groups, _) = places.as_chunks_mut::<5>();
        for (places, value) in groups.iter_mut().zip([quotient.wrapping_add(more), rest]) {
            // Rounding `scale` up adds at most `value < radix^5` in units of 2^-58, times `radix` with each
            // digit. A digit would come out wrong from 2^58 / radix^4 on, and `62^9 < 2^58`.
            let mut fixed = value.wrapping_mul(self.scale);
            for place in places {
                *place = (fixed >> POINT) as u8;
                fixed = (fixed & FRACTION).wrapping_mul(self.radix);
            }
        }
    }

    /// The digits of a row of characters, and whether all of them are of the alphabet.
    #[inline]
    pub(super) fn read(&self, row: &[u8; ROW]) -> ([u8; ROW], bool) {
        let (mut digits, mut known) = ([0; ROW], [0_u8; ROW]);
        for run in &self.runs {
            for ((character, digit), known) in row.iter().zip(&mut digits).zip(&mut known) {
                let place = character.wrapping_sub(run.character);
                let within = u8::from(place < run.count).wrapping_neg();
                *digit |= within & place.wrapping_add(run.digit);
                *known |= within;
            }
        }
        (digits, known.iter().fold(u8::MAX, |all, known| all & known) != 0)
    }

    /// The number that digits are of, at most ten of them.
    #[inline]
    pub(super) fn value(&self, digits: &[u8]) -> u64 {
        let add = |sum: u64, digit: &u8| sum.wrapping_mul(self.radix).wrapping_add((*digit).into());
        digits.iter().fold(0, add)
    }
}
