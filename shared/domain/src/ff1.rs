//! FF1, the format-preserving encryption of NIST SP 800-38G: a keyed permutation of all texts of one
//! length over one alphabet.
//!
//! The standard is written for numbers of any size. A serial number has at most 20 characters, so each of
//! its two halves fits a machine word, which is all the difference: the ten rounds run over up to
//! [`LANES`] numbers side by side, so that the AES unit is never waiting for one of them; the blocks of the
//! round function that do not depend on the number are computed once; and the remainder is taken by a
//! multiplication with a reciprocal known beforehand (`reduce.rs`).
//!
//! - Nothing here branches on, divides by or looks up with a number, a half or a key: the course of the
//!   computation depends on the radix, the length and the tweak alone. AES itself is the `aes` crate's.
//! - The kernel takes the domain sizes of the standard's first edition (100 and more). What is printed on
//!   packs goes through [`crate::space`], which asks for the million of the revision.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "exponents and bit counts of a length below 64; the halves are counted with wrapping_*"
)]

mod reduce;
#[cfg(test)]
mod tests;

use aes::Aes256;
use aes::cipher::{Array, BlockCipherEncrypt, consts::U16};

use self::reduce::Modulus;

/// How many numbers are worked on side by side: as many as the widest AES unit takes at once.
pub const LANES: usize = 64;
/// The greatest value of `radix^ceil(length / 2)`: sums of four such numbers fit a word.
pub const HALF_LIMIT: u64 = 1 << 62;
/// The least domain that the kernel takes.
const DOMAIN_MIN: u128 = 100;
/// The rounds of the standard.
const ROUNDS: usize = 10;

type Block = Array<u8, U16>;

/// Why there is no FF1 with these parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ff1Error {
    /// The radix is outside what the standard allows.
    #[error("the radix is 2 to 65536, not {0}")]
    Radix(u32),
    /// A text of this length has no two halves, or they do not fit.
    #[error("texts of {length} characters over {radix} do not fit: half of one is over 2^62")]
    Length {
        /// The number of different characters.
        radix: u32,
        /// The characters of a text.
        length: usize,
    },
    /// So few texts that they could simply be tried.
    #[error("{0} texts are too few, there must be at least 100")]
    Domain(u128),
    /// The tweak's length does not fit its field.
    #[error("the tweak is longer than 65535 bytes")]
    Tweak,
}

/// Why a list of numerals cannot be enciphered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumeralError {
    /// Another length than the cipher is for.
    #[error("there are {0} numerals, not as many as the cipher is for")]
    Length(usize),
    /// A numeral that is not below the radix.
    #[error("the numeral {0} is not below the radix")]
    Value(u32),
}

/// Numbers as their two halves, to be enciphered or deciphered in place.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// The first `floor(length / 2)` characters of each, as a number.
    pub left: [u64; LANES],
    /// The other characters of each, as a number.
    pub right: [u64; LANES],
}

impl Default for Lanes {
    fn default() -> Self {
        Self { left: [0; LANES], right: [0; LANES] }
    }
}

/// What goes into AES and what comes out, for up to [`LANES`] numbers. What goes in is kept, for only the
/// second half of a block is another one in the next round.
struct Blocks {
    plain: [Block; LANES],
    secret: [Block; LANES],
    count: usize,
    /// How the first half of all of `plain` reads.
    high: u64,
}

/// FF1 with one key, radix, length and tweak.
pub struct Ff1<C = Aes256> {
    cipher: C,
    radix: u32,
    length: usize,
    /// What goes into AES in each round, but for the half.
    frames: [u128; ROUNDS],
    left: Modulus,
    right: Modulus,
}

impl<C> std::fmt::Debug for Ff1<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither the key nor what follows from it.
        let Self { radix, length, .. } = self;
        f.debug_struct("Ff1").field("radix", radix).field("length", length).finish_non_exhaustive()
    }
}

impl<C: BlockCipherEncrypt<BlockSize = U16>> Ff1<C> {
    /// Prepares the cipher for texts of `length` characters of an alphabet of `radix`.
    pub fn new(cipher: C, radix: u32, length: usize, tweak: &[u8]) -> Result<Self, Ff1Error> {
        if !(2..=65_536).contains(&radix) {
            return Err(Ff1Error::Radix(radix));
        }
        let too_long = Ff1Error::Length { radix, length };
        // A length that fits is at most 124: the least radix is 2.
        if !(2..=124).contains(&length) {
            return Err(too_long);
        }
        let (u, v) = (length / 2, length - length / 2);
        let left = power(radix, u).ok_or_else(|| too_long.clone())?;
        let right = power(radix, v).ok_or(too_long)?;
        let domain = u128::from(left) * u128::from(right);
        if domain < DOMAIN_MIN {
            return Err(Ff1Error::Domain(domain));
        }
        // `b` of the standard: the bytes of a half; `d`, the bytes of `y`, is 8 or 12.
        let bits = u64::BITS - (right - 1).leading_zeros();
        let half_bytes = bits.div_ceil(8);
        let wide = half_bytes > 4;
        let frames = frames(&cipher, (radix, length), tweak, half_bytes)?;
        let (left, right) = (Modulus::new(left, wide), Modulus::new(right, wide));
        Ok(Self { cipher, radix, length, frames, left, right })
    }

    /// Enciphers the first `count` numbers. Those behind them are left as they are.
    pub fn encrypt(&self, lanes: &mut Lanes, count: usize) {
        let mut blocks = Blocks::new(count);
        for (round, frame) in self.frames.iter().enumerate() {
            let (modulus, source, target) = self.sides(round, lanes);
            modulus.add(target, blocks.cipher(&self.cipher, *frame, source));
        }
    }

    /// Deciphers the first `count` numbers. Those behind them are left as they are.
    pub fn decrypt(&self, lanes: &mut Lanes, count: usize) {
        let mut blocks = Blocks::new(count);
        for (round, frame) in self.frames.iter().enumerate().rev() {
            let (modulus, source, target) = self.sides(round, lanes);
            modulus.subtract(target, blocks.cipher(&self.cipher, *frame, source));
        }
    }

    /// What a round reads and what it changes. The standard swaps the halves after each round instead.
    fn sides<'l>(
        &self,
        round: usize,
        lanes: &'l mut Lanes,
    ) -> (&Modulus, &'l [u64; LANES], &'l mut [u64; LANES]) {
        if round.is_multiple_of(2) {
            (&self.left, &lanes.right, &mut lanes.left)
        } else {
            (&self.right, &lanes.left, &mut lanes.right)
        }
    }

    /// A number as its halves.
    #[must_use]
    pub fn split(&self, number: u128) -> (u64, u64) {
        let right = u128::from(self.right.value());
        let half = |number: u128| u64::try_from(number).unwrap_or_default();
        (half(number / right), half(number % right))
    }

    /// The number that the halves are of.
    #[must_use]
    pub fn join(&self, left: u64, right: u64) -> u128 {
        u128::from(left) * u128::from(self.right.value()) + u128::from(right)
    }

    /// How many texts there are.
    #[must_use]
    pub fn domain(&self) -> u128 {
        u128::from(self.left.value()) * u128::from(self.right.value())
    }

    /// `radix^ceil(length / 2)`: halves on the right are below it.
    #[must_use]
    pub fn right_limit(&self) -> u64 {
        self.right.value()
    }

    /// Enciphers one text, given as numerals of the radix: the standard's own form, for any radix.
    pub fn encrypt_numerals(&self, numerals: &mut [u32]) -> Result<(), NumeralError> {
        self.numerals(numerals, |lanes| self.encrypt(lanes, 1))
    }

    /// Deciphers one text, given as numerals of the radix.
    pub fn decrypt_numerals(&self, numerals: &mut [u32]) -> Result<(), NumeralError> {
        self.numerals(numerals, |lanes| self.decrypt(lanes, 1))
    }

    fn numerals(
        &self,
        numerals: &mut [u32],
        change: impl FnOnce(&mut Lanes),
    ) -> Result<(), NumeralError> {
        let length = numerals.len();
        if length != self.length {
            return Err(NumeralError::Length(length));
        }
        if let Some(stranger) = numerals.iter().find(|numeral| **numeral >= self.radix) {
            return Err(NumeralError::Value(*stranger));
        }
        let (left, right) = numerals.split_at_mut(length / 2);
        let mut lanes = Lanes::default();
        let radix = u64::from(self.radix);
        let value = |half: &[u32]| half.iter().fold(0, |sum, n| sum * radix + u64::from(*n));
        (lanes.left[0], lanes.right[0]) = (value(left), value(right));
        change(&mut lanes);
        for (half, mut value) in [(left, lanes.left[0]), (right, lanes.right[0])] {
            for numeral in half.iter_mut().rev() {
                *numeral = u32::try_from(value % radix).unwrap_or_default();
                value /= radix;
            }
        }
        Ok(())
    }
}

impl Blocks {
    fn new(count: usize) -> Self {
        let empty = [Block::default(); LANES];
        Self { plain: empty, secret: empty, count: count.min(LANES), high: 0 }
    }

    /// The round function of each half: a block that begins with `y` of the standard.
    fn cipher<C: BlockCipherEncrypt<BlockSize = U16>>(
        &mut self,
        cipher: &C,
        frame: u128,
        source: &[u64; LANES],
    ) -> &[Block] {
        let Self { plain, secret, count, high } = self;
        let plain = plain.get_mut(..*count).unwrap_or_default();
        let secret = secret.get_mut(..*count).unwrap_or_default();
        let (first, second) = halves(frame);
        if *high != first {
            *high = first;
            for block in &mut *plain {
                block.0[..8].copy_from_slice(&first.to_be_bytes());
            }
        }
        for (block, half) in plain.iter_mut().zip(source) {
            block.0[8..].copy_from_slice(&(second ^ half).to_be_bytes());
        }
        // They have the same length.
        cipher.encrypt_blocks_b2b(plain, secret).unwrap_or_default();
        secret
    }
}

/// The first and the last 8 bytes of a block.
fn halves(block: u128) -> (u64, u64) {
    let low = u128::from(u64::MAX);
    let word = |number: u128| u64::try_from(number & low).unwrap_or_default();
    (word(block >> 64), word(block))
}

/// `radix^exponent` if it is within [`HALF_LIMIT`].
fn power(radix: u32, exponent: usize) -> Option<u64> {
    let exponent = u32::try_from(exponent).ok()?;
    u64::from(radix).checked_pow(exponent).filter(|power| *power <= HALF_LIMIT)
}

/// The `CBC-MAC` of all that does not depend on the half: the block `P`, the tweak, its padding and the
/// number of the round. The half ends the last block and is put in later by exclusive or.
fn frames<C: BlockCipherEncrypt<BlockSize = U16>>(
    cipher: &C,
    (radix, length): (u32, usize),
    tweak: &[u8],
    half_bytes: u32,
) -> Result<[u128; ROUNDS], Ff1Error> {
    let tweak_length = u16::try_from(tweak.len()).map_err(|_| Ff1Error::Tweak)?;
    let (half, length) = (u128::try_from(length / 2), u128::try_from(length));
    // [1] [2] [1] [radix: 3] [10] [u mod 256] [n: 4] [t: 4]; each of them fits its field.
    let first = 0x0001_0201_u128 << 104
        | u128::from(radix) << 80
        | 10 << 72
        | half.unwrap_or_default() << 64
        | length.unwrap_or_default() << 32
        | u128::from(tweak_length);
    let encrypt = |block: u128| {
        let mut block = Block::from(block.to_be_bytes());
        cipher.encrypt_block(&mut block);
        u128::from_be_bytes(block.into())
    };
    let mut state = encrypt(first);
    // The tweak, zeros, one byte for the round and the half end at a block's end.
    let tail = usize::try_from(half_bytes).unwrap_or_default() + 1;
    let padded = (tweak.len() + tail).next_multiple_of(16);
    let mut bytes = tweak.to_vec();
    bytes.resize(padded, 0);
    let (blocks, _) = bytes.as_chunks::<16>();
    let mut blocks = blocks.iter().map(|block| u128::from_be_bytes(*block)).peekable();
    while let Some(block) = blocks.next() {
        state ^= block;
        if blocks.peek().is_some() {
            state = encrypt(state);
        }
    }
    let mut frames = [state; ROUNDS];
    for (round, frame) in (0_u128..).zip(&mut frames) {
        *frame ^= round << (8 * half_bytes);
    }
    Ok(frames)
}
