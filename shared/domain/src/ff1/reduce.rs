//! The remainder of a round: `(half ± y) mod radix^m` without a division and without a branch on the data.
//!
//! `y` is the beginning of an AES block: 8 bytes where a half takes at most 4 bytes, 12 bytes above that.
//! The quotient comes from the high word of a product with a reciprocal that was rounded down, so it may
//! be too small by a little, never too great: each way below says by how much. Added to a half, the
//! remainder so far is below four times the modulus, which two selections bring down.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "words are cut and multiplied on purpose; the bounds are proven beside each"
)]

use super::Block;

/// A modulus of at most 2^62 with its reciprocal.
pub(super) struct Modulus {
    value: u64,
    reciprocal: u64,
    way: Way,
}

/// How the remainder is taken; follows from the radix and the length.
enum Way {
    /// `y` has 8 bytes.
    Narrow,
    /// `y` has 12 bytes and the modulus is above 2^32.
    Wide,
    /// `y` has 12 bytes and the modulus is at most 2^32.
    Chained,
}

impl Modulus {
    /// `wide` says that `y` has 12 bytes, not 8. The value is 2 to 2^62.
    pub(super) fn new(value: u64, wide: bool) -> Self {
        let (way, one) = if !wide {
            (Way::Narrow, 1_u128 << 64)
        } else if value > 1 << 32 {
            (Way::Wide, 1 << 96)
        } else {
            (Way::Chained, 1 << 64)
        };
        // Below 2^64: in the first and the last way the value is at least 2, in the other above 2^32.
        let reciprocal = (one / u128::from(value)) as u64;
        Self { value, reciprocal, way }
    }

    pub(super) fn value(&self) -> u64 {
        self.value
    }

    /// Adds to each half the number its block begins with.
    pub(super) fn add(&self, halves: &mut [u64], blocks: &[Block]) {
        self.each(halves, blocks, u64::wrapping_add);
    }

    /// Subtracts from each half the number its block begins with.
    pub(super) fn subtract(&self, halves: &mut [u64], blocks: &[Block]) {
        // The remainder so far is below three times the modulus: the difference is not negative.
        let thrice = self.value.wrapping_mul(3);
        self.each(halves, blocks, |half, rest| half.wrapping_add(thrice).wrapping_sub(rest));
    }

    /// The way is chosen outside of the loop.
    #[inline]
    fn each(&self, halves: &mut [u64], blocks: &[Block], join: impl Fn(u64, u64) -> u64) {
        let pairs = halves.iter_mut().zip(blocks);
        match self.way {
            Way::Narrow => {
                for (half, block) in pairs {
                    let (high, _) = words(block);
                    *half = self.settle(join(*half, self.narrow(high)));
                }
            }
            Way::Wide => {
                for (half, block) in pairs {
                    let (high, low) = words(block);
                    *half = self.settle(join(*half, self.wide(high, low)));
                }
            }
            Way::Chained => {
                for (half, block) in pairs {
                    let (high, low) = words(block);
                    *half = self.settle(join(*half, self.chained(high, low)));
                }
            }
        }
    }

    /// `y mod value`, or that plus the value: with `y < 2^64` the quotient loses less than 1 to the
    /// rounding of the reciprocal and less than 1 to its own.
    #[inline]
    fn narrow(&self, y: u64) -> u64 {
        y.wrapping_sub(high_product(y, self.reciprocal).wrapping_mul(self.value))
    }

    /// `(high * 2^32 + low) mod value`, or that plus once or twice the value: the quotient loses less than
    /// 1 each to the rounding of the reciprocal, to leaving `low` out (for `2^32 < value`), and to its own.
    /// Only its low word matters, for the remainder fits a word.
    #[inline]
    fn wide(&self, high: u64, low: u32) -> u64 {
        let y = (high << 32) | u64::from(low);
        y.wrapping_sub(high_product(high, self.reciprocal).wrapping_mul(self.value))
    }

    /// `(high * 2^32 + low) mod value`, or that plus the value, 8 bytes at a time. The first remainder is
    /// below the value, hence below 2^32, so the second number fits a word.
    #[inline]
    fn chained(&self, high: u64, low: u32) -> u64 {
        let rest = least(self.narrow(high), self.value);
        self.narrow((rest << 32) | u64::from(low))
    }

    /// Brings a number below four times the value below the value.
    #[inline]
    fn settle(&self, number: u64) -> u64 {
        least(least(number, self.value.wrapping_mul(2)), self.value)
    }
}

/// `number`, or `number - step` if that is not negative. Both are at most 2^63, or the step is and the
/// number is below twice the step: a negative difference wraps to something greater than the number.
#[inline]
fn least(number: u64, step: u64) -> u64 {
    number.min(number.wrapping_sub(step))
}

#[inline]
fn high_product(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 64) as u64
}

/// The first 8 and the next 4 bytes of a block, as numbers.
#[inline]
fn words(block: &Block) -> (u64, u32) {
    let number = u128::from_be_bytes((*block).into());
    ((number >> 64) as u64, (number >> 32) as u32)
}
