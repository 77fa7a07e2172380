//! `cargo bench -p domain`: randomised serial numbers forth and back, and the `fpe` crate on the same
//! numbers in the same run.
//!
//! `cargo bench -p domain --bench randomise -- whole` takes domains of up to 2^24 texts apart instead: each
//! text is printed once and leads back to its index.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that fails should stop"
)]

use std::hint::black_box;
use std::time::Instant;

use aes::Aes256;
use aes::cipher::KeyInit;
use divan::Bencher;
use divan::counter::ItemsCount;
use domain::ff1::{Ff1, LANES, Lanes};
use domain::gtin::Gtin14;
use domain::serial::DecimalRun;
use domain::space::{Alphabet, SpaceCipher, SpaceForm, SpaceKey};
use fpe::ff1::{FF1, FlexibleNumeralString};

/// Numbers of each sample; the reference gets fewer.
const NUMBERS: u64 = 64_000;
const REFERENCE_NUMBERS: u64 = 200;
const KEY: [u8; 32] = [7; 32];
const DIGITS: &str = "0123456789";
/// Digits and upper-case letters without look-alikes: what most spaces have.
const USUAL: &str = "0123456789ABCDEFGHKMNPRSTVWXYZ";
const ALL: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const FORMS: [(&str, &str, u8); 4] =
    [("", USUAL, 12), ("EU", USUAL, 14), ("", DIGITS, 16), ("", ALL, 20)];
/// Radix and length, for the bare cipher.
const SHAPES: [(u32, usize); 4] = [(30, 12), (36, 12), (10, 16), (62, 20)];

fn main() {
    if std::env::args().any(|argument| argument == "whole") {
        for (alphabet, length) in [(DIGITS, 6), ("ACGT", 12), ("ACEGKMPRTVXZ2469", 6), (ALL, 4)] {
            whole(alphabet, length);
        }
    } else {
        divan::main();
    }
}

fn cipher((prefix, alphabet, length): (&str, &str, u8)) -> SpaceCipher {
    let form = SpaceForm::new(prefix, Alphabet::custom(alphabet).unwrap(), length).unwrap();
    let gtin = Gtin14::parse("00313000007772").unwrap();
    SpaceCipher::new(form, &gtin, &SpaceKey::from_bytes(KEY)).unwrap()
}

fn ff1((radix, length): (u32, usize)) -> Ff1 {
    Ff1::new(Aes256::new(&KEY.into()), radix, length, &[]).unwrap()
}

/// The kernel alone: numbers side by side, no text.
#[divan::bench(args = SHAPES)]
fn kernel_forth(bencher: Bencher, shape: (u32, usize)) {
    let (ff1, mut lanes) = (ff1(shape), Lanes::default());
    bencher.counter(ItemsCount::new(NUMBERS)).bench_local(|| {
        for _ in 0..NUMBERS / u64::try_from(LANES).unwrap() {
            ff1.encrypt(black_box(&mut lanes), LANES);
        }
    });
}

#[divan::bench(args = SHAPES)]
fn kernel_back(bencher: Bencher, shape: (u32, usize)) {
    let (ff1, mut lanes) = (ff1(shape), Lanes::default());
    bencher.counter(ItemsCount::new(NUMBERS)).bench_local(|| {
        for _ in 0..NUMBERS / u64::try_from(LANES).unwrap() {
            ff1.decrypt(black_box(&mut lanes), LANES);
        }
    });
}

/// From indexes to texts, as an export does.
#[divan::bench(args = FORMS)]
fn texts(bencher: Bencher, form: (&str, &str, u8)) {
    let cipher = cipher(form);
    bencher.counter(ItemsCount::new(NUMBERS)).bench_local(|| {
        let mut run = cipher.run(black_box(1_000_000), NUMBERS);
        for _ in 0..NUMBERS {
            black_box(run.as_bytes());
            run.advance();
        }
    });
}

/// From texts to indexes, as reconciliation does.
#[divan::bench(args = FORMS)]
fn indexes(bencher: Bencher, form: (&str, &str, u8)) {
    let cipher = cipher(form);
    let length = cipher.form().text_length();
    let mut all = Vec::new();
    let mut run = cipher.run(1_000_000, NUMBERS);
    for _ in 0..NUMBERS {
        all.extend_from_slice(run.as_bytes());
        run.advance();
    }
    bencher.counter(ItemsCount::new(NUMBERS)).bench_local(|| {
        let mut batch = cipher.batch();
        let mut sum = 0_u128;
        for text in black_box(&all).chunks_exact(length) {
            cipher.push(&mut batch, text);
            if batch.is_full() {
                sum += cipher.drain(&mut batch).sum::<u128>();
            }
        }
        assert_eq!(sum, u128::from(NUMBERS) * (2_000_000 + u128::from(NUMBERS) - 1) / 2);
    });
}

/// One text at a time, as a single look-up does.
#[divan::bench]
fn one_index(bencher: Bencher) {
    let cipher = cipher(FORMS[0]);
    let text = cipher.text_of(1_000_000);
    bencher.bench_local(|| cipher.index_of(black_box(&text)).unwrap());
}

/// The sequential scheme, for comparison.
#[divan::bench]
fn sequential_texts(bencher: Bencher) {
    bencher.counter(ItemsCount::new(NUMBERS)).bench_local(|| {
        let mut run = DecimalRun::new(black_box(1_000_000), 12);
        for _ in 0..NUMBERS {
            black_box(run.as_bytes());
            run.advance();
        }
    });
}

#[divan::bench(args = SHAPES)]
fn reference_forth(bencher: Bencher, (radix, length): (u32, usize)) {
    let reference = FF1::<Aes256>::new(&KEY, radix).unwrap();
    let numerals = FlexibleNumeralString::from(vec![1; length]);
    bencher.counter(ItemsCount::new(REFERENCE_NUMBERS)).bench_local(|| {
        for _ in 0..REFERENCE_NUMBERS {
            black_box(reference.encrypt(&[], black_box(&numerals)).unwrap());
        }
    });
}

#[divan::bench(args = SHAPES)]
fn reference_back(bencher: Bencher, (radix, length): (u32, usize)) {
    let reference = FF1::<Aes256>::new(&KEY, radix).unwrap();
    let numerals = FlexibleNumeralString::from(vec![1; length]);
    bencher.counter(ItemsCount::new(REFERENCE_NUMBERS)).bench_local(|| {
        for _ in 0..REFERENCE_NUMBERS {
            black_box(reference.decrypt(&[], black_box(&numerals)).unwrap());
        }
    });
}

/// Prints every text of a domain, and says how fast.
fn whole(alphabet: &str, length: u8) {
    let started = Instant::now();
    let cipher = cipher(("", alphabet, length));
    let capacity = usize::try_from(cipher.form().capacity()).unwrap();
    let mut digits = [None; 256];
    for (digit, character) in cipher.form().alphabet().characters().enumerate() {
        digits[usize::from(character)] = Some(digit);
    }
    let mut seen = vec![false; capacity];
    let mut run = cipher.run(0, u64::try_from(capacity).unwrap());
    let (mut batch, mut next) = (cipher.batch(), 0_u128);
    for index in 0..capacity {
        let place = run
            .as_bytes()
            .iter()
            .fold(0, |place, byte| place * alphabet.len() + digits[usize::from(*byte)].unwrap());
        assert!(!std::mem::replace(&mut seen[place], true), "{index} prints what was printed");
        assert!(cipher.push(&mut batch, run.as_bytes()));
        run.advance();
        if batch.is_full() || index + 1 == capacity {
            for found in cipher.drain(&mut batch) {
                assert_eq!(found, next, "leads back");
                next += 1;
            }
        }
    }
    assert!(seen.into_iter().all(|seen| seen));
    let seconds = started.elapsed().as_secs_f64();
    println!("{alphabet} {length}: {capacity} texts, each once and back, {seconds:.2} s");
}
