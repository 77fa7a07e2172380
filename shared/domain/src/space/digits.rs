//! Halves of a number to characters, without a division and without a table that is looked up by what it
//! hides.
//!
//! A half has at most ten digits: two groups of five. A group times a constant is a fixed-point number
//! whose whole part is the first digit; the rest times the radix gives the next. Digits become characters
//! by comparison with the places where the alphabet skips characters, all texts at once.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "words are cut and multiplied on purpose; the bounds are proven beside each"
)]

use super::Alphabet;

/// Digits of a half at the most.
pub(super) const HALF_DIGITS: usize = 10;
/// Digits or characters of a text.
pub(super) type Places = [u8; 2 * HALF_DIGITS];
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
            runs,
        }
    }

    pub(super) fn radix(&self) -> u64 {
        self.radix
    }

    /// Pairs of halves as characters: each half in ten places, aligned to the right.
    pub(super) fn print<'h>(
        &self,
        texts: &mut [Places],
        halves: impl Iterator<Item = (&'h u64, &'h u64)>,
    ) {
        for (text, (left, right)) in texts.iter_mut().zip(halves) {
            let (places, _) = text.as_chunks_mut::<HALF_DIGITS>();
            for (places, half) in places.iter_mut().zip([left, right]) {
                self.digits(*half, places);
            }
        }
        let bytes = texts.as_flattened_mut();
        // From the last run to the first, for what has grown is still beyond all runs before.
        for run in self.runs.iter().skip(1).rev() {
            for byte in &mut *bytes {
                let beyond = u8::from(*byte >= run.digit).wrapping_neg();
                *byte = byte.wrapping_add(beyond & run.skipped);
            }
        }
        let first = self.runs.first().map_or(0, |run| run.character);
        for byte in bytes {
            *byte = byte.wrapping_add(first);
        }
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
}
