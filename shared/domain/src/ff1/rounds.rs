//! The ten rounds over many numbers.
//!
//! A round enciphers a block for each number and takes a remainder of what comes out. The one keeps the AES
//! unit busy, the other the multiplier. So the numbers go through their rounds in two groups, in turn: while
//! the blocks of one group are enciphered, the remainders of the other are taken, and neither waits.

use aes::cipher::{BlockCipherEncrypt, consts::U16};

use super::reduce::Modulus;
use super::{Block, LANES, Lanes, ROUNDS};

/// Numbers of a group: as many blocks as the widest AES unit takes at once.
const GROUP: usize = 64;

/// One round, the same for all numbers.
pub(super) struct Round<'f> {
    /// What goes into AES, but for the half.
    pub(super) frame: u128,
    /// Of the half that is changed.
    pub(super) modulus: &'f Modulus,
    /// Which half that is. The standard swaps the halves after each round instead.
    pub(super) is_left: bool,
}

/// Numbers and their blocks.
struct Group<'l> {
    left: &'l mut [u64],
    right: &'l mut [u64],
    /// What goes into AES: only the second half of a block is another one in the next round.
    plain: [Block; GROUP],
    /// What comes out.
    secret: [Block; GROUP],
}

/// Takes the first `count` numbers through the rounds. `change` gives each half its new value, by what came
/// out for it, and puts that beneath the words of the next round, given last.
pub(super) fn run<C: BlockCipherEncrypt<BlockSize = U16>>(
    cipher: &C,
    rounds: &[Round<'_>; ROUNDS],
    (lanes, count): (&mut Lanes, usize),
    change: impl Fn(&Modulus, &mut [u64], &[Block], (&mut [Block], u64)),
) {
    let count = count.min(LANES);
    let left = lanes.left.get_mut(..count).unwrap_or_default().chunks_mut(GROUP);
    let right = lanes.right.get_mut(..count).unwrap_or_default().chunks_mut(GROUP);
    let mut halves = left.zip(right);
    let (Some(one), other) = (halves.next(), halves.next()) else { return };
    let mut one = Group::new(one);
    let Some(other) = other else { return one.run(cipher, rounds, change) };
    let mut other = Group::new(other);
    let [first, ..] = rounds;
    for group in [&mut one, &mut other] {
        group.begin(first);
        group.encipher(cipher);
    }
    for (round, next) in rounds.iter().zip(nexts(rounds)) {
        for group in [&mut one, &mut other] {
            group.change(round, next, &change);
            if next.is_some() {
                group.encipher(cipher);
            }
        }
    }
}

/// The round behind each.
fn nexts<'r, 'f>(rounds: &'r [Round<'f>]) -> impl Iterator<Item = Option<&'r Round<'f>>> {
    rounds.iter().skip(1).map(Some).chain(std::iter::once(None))
}

impl<'l> Group<'l> {
    fn new((left, right): (&'l mut [u64], &'l mut [u64])) -> Self {
        let blocks = [Block::default(); GROUP];
        Self { left, right, plain: blocks, secret: blocks }
    }

    fn run<C: BlockCipherEncrypt<BlockSize = U16>>(
        &mut self,
        cipher: &C,
        rounds: &[Round<'_>; ROUNDS],
        change: impl Fn(&Modulus, &mut [u64], &[Block], (&mut [Block], u64)),
    ) {
        let [first, ..] = rounds;
        self.begin(first);
        for (round, next) in rounds.iter().zip(nexts(rounds)) {
            self.encipher(cipher);
            self.change(round, next, &change);
        }
    }

    /// What goes into AES in the first round.
    fn begin(&mut self, round: &Round<'_>) {
        let source = if round.is_left { &*self.right } else { &*self.left };
        for (block, half) in self.plain.iter_mut().zip(source) {
            block.0 = (round.frame ^ u128::from(*half)).to_be_bytes();
        }
    }

    fn encipher<C: BlockCipherEncrypt<BlockSize = U16>>(&mut self, cipher: &C) {
        let count = self.left.len();
        let plain = self.plain.get(..count).unwrap_or_default();
        let secret = self.secret.get_mut(..count).unwrap_or_default();
        // They have the same length.
        cipher.encrypt_blocks_b2b(plain, secret).unwrap_or_default();
    }

    fn change(
        &mut self,
        round: &Round<'_>,
        next: Option<&Round<'_>>,
        change: &impl Fn(&Modulus, &mut [u64], &[Block], (&mut [Block], u64)),
    ) {
        let target = if round.is_left { &mut *self.left } else { &mut *self.right };
        let (high, low) = words(next.map_or(0, |next| next.frame));
        let (before, _) = words(round.frame);
        if next.is_some() && high != before {
            for block in &mut self.plain {
                block.0[..8].copy_from_slice(&high.to_be_bytes());
            }
        }
        change(round.modulus, target, &self.secret, (&mut self.plain, low));
    }
}

/// The first and the last 8 bytes of a block.
fn words(block: u128) -> (u64, u64) {
    let low = u128::from(u64::MAX);
    let word = |number: u128| u64::try_from(number & low).unwrap_or_default();
    (word(block >> 64), word(block))
}
