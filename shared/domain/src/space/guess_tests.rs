//! Who knows a thousand numbers that were given out cannot name another one better than by chance.
//!
//! A predictor gets the first numbers of a pool in the order of their printing and names as many texts
//! again. It is judged by how many of its texts the pool gives out later. The same predictors are let
//! loose on numbers that follow each other, which they must see through: else they prove nothing.

#![expect(clippy::arithmetic_side_effects, reason = "the numbers of a test are small")]

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::tests::cipher;

/// Numbers that the guesser has seen, and numbers that are given out in all.
const SEEN: usize = 1_000;
const GIVEN_OUT: usize = 200_000;
const LENGTH: u8 = 7;
const DOMAIN: i64 = 10_000_000;

type Predictor = fn(&[i64]) -> Vec<i64>;

/// The numbers after the last, after the greatest, and next to each.
fn by_order(seen: &[i64]) -> Vec<i64> {
    let (last, greatest) = (seen.last().unwrap(), seen.iter().max().unwrap());
    let after = |start: &i64| start + 1..=start + 500;
    after(last).chain(after(greatest)).chain(seen.iter().flat_map(|n| [n - 1, n + 1])).collect()
}

/// The last number and what was added before: the usual steps, the steps of the steps, and each step again.
fn by_differences(seen: &[i64]) -> Vec<i64> {
    let last = *seen.last().unwrap();
    let steps: Vec<i64> = seen.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut counts: HashMap<i64, usize> = HashMap::new();
    for step in &steps {
        *counts.entry(*step).or_default() += 1;
    }
    let mut usual: Vec<(usize, i64)> = counts.into_iter().map(|(step, n)| (n, step)).collect();
    usual.sort_unstable();
    let repeated =
        usual.iter().rev().take(10).flat_map(|(_, step)| (1..=100).map(move |n| last + n * step));
    let second = steps.windows(2).map(|pair| last + 2 * pair[1] - pair[0]);
    repeated.chain(second).chain(steps.iter().map(|step| last + step)).collect()
}

/// The digits that stand most often at each place, and most often behind the one before.
fn by_digits(seen: &[i64]) -> Vec<i64> {
    let digits =
        |number: i64| (0..LENGTH).rev().map(move |place| number / 10_i64.pow(place.into()) % 10);
    // How often a digit follows another at a place.
    let mut counts = vec![[[0_u32; 10]; 10]; LENGTH.into()];
    for number in seen {
        let mut before = 0;
        for (place, digit) in digits(*number).enumerate() {
            let digit = usize::try_from(digit).unwrap();
            counts[place][before][digit] += 1;
            before = digit;
        }
    }
    // The likeliest texts, by keeping the best beginnings.
    let mut best: Vec<(u128, i64, usize)> = vec![(1, 0, 0)];
    for place in &counts {
        let mut longer: Vec<(u128, i64, usize)> = Vec::new();
        for (weight, number, before) in &best {
            for (value, count) in (0_i64..).zip(&place[*before]) {
                let weight = weight * u128::from(*count + 1);
                longer.push((weight, number * 10 + value, usize::try_from(value).unwrap()));
            }
        }
        longer.sort_unstable_by_key(|(weight, ..)| Reverse(*weight));
        longer.truncate(5_000);
        best = longer;
    }
    best.into_iter().map(|(_, number, _)| number).collect()
}

/// How many new texts a predictor names, a thousand at the most, and how many of them are hits.
fn hits(predictor: Predictor, numbers: &[i64]) -> (usize, usize) {
    let (seen, later) = numbers.split_at(SEEN);
    let known: HashSet<i64> = seen.iter().copied().collect();
    let mut named = HashSet::new();
    for guess in predictor(seen) {
        let fresh = (0..DOMAIN).contains(&guess) && !known.contains(&guess);
        if fresh && named.len() < 1_000 {
            named.insert(guess);
        }
    }
    let later: HashSet<i64> = later.iter().copied().collect();
    (named.len(), named.intersection(&later).count())
}

const PREDICTORS: [(&str, Predictor); 3] =
    [("order", by_order), ("differences", by_differences), ("digits", by_digits)];

#[test]
fn no_predictor_does_better_than_the_density() {
    let mut numbers = Vec::with_capacity(GIVEN_OUT);
    let cipher = cipher("", "0123456789", LENGTH);
    let mut run = cipher.run(0, u64::try_from(GIVEN_OUT).unwrap());
    for _ in 0..GIVEN_OUT {
        numbers.push(std::str::from_utf8(run.as_bytes()).unwrap().parse::<i64>().unwrap());
        run.advance();
    }
    for (name, predictor) in PREDICTORS {
        // One text in fifty is given out, far above what a pool may, so that chance alone hits some 20
        // times in a thousand; 40 times happens less than once in ten thousand.
        let (named, hits) = hits(predictor, &numbers);
        assert!(named >= 800, "{name}: {named}");
        assert!(hits > 0 && hits * 1_000 < named * 40, "{name}: {hits} of {named}");
    }
}

#[test]
fn every_predictor_sees_through_numbers_that_follow_each_other() {
    let first = 4_321_000;
    let numbers: Vec<i64> = (first..).take(GIVEN_OUT).collect();
    for (name, predictor) in PREDICTORS {
        let (named, hits) = hits(predictor, &numbers);
        // Ten times the density, from at least a hundred guesses.
        assert!(named >= 100 && hits * 5 > named, "{name}: {hits} of {named}");
    }
}
