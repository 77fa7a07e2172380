#![expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]

use proptest::prelude::*;

use super::*;
use crate::ff1::LANES;
use crate::gtin::Gtin14;

const KEY: [u8; 32] = [0x5a; 32];

fn gtin() -> Gtin14 {
    Gtin14::parse("00313000007772").unwrap()
}

pub(super) fn cipher(prefix: &str, alphabet: &str, length: u8) -> SpaceCipher {
    let form = SpaceForm::new(prefix, Alphabet::custom(alphabet).unwrap(), length).unwrap();
    SpaceCipher::new(form, &gtin(), &SpaceKey::from_bytes(KEY)).unwrap()
}

fn texts(cipher: &SpaceCipher, index: u128, count: u64) -> Vec<String> {
    let mut run = cipher.run(index, count);
    (0..count)
        .map(|_| {
            let text = String::from_utf8(run.as_bytes().to_vec()).unwrap();
            run.advance();
            text
        })
        .collect()
}

fn forms() -> impl Strategy<Value = SpaceForm> {
    let characters = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect::<Vec<char>>();
    let alphabet = proptest::sample::subsequence(characters, 2..=62).prop_shuffle();
    (alphabet, "[0-9A-Za-z]{0,16}", 2_u8..=20).prop_filter_map(
        "a space has a million texts of at most 20 characters",
        |(alphabet, prefix, length)| {
            let alphabet = Alphabet::custom(&alphabet.into_iter().collect::<String>()).unwrap();
            let room = 20_usize.checked_sub(usize::from(length))?;
            SpaceForm::new(prefix.get(..room.min(prefix.len()))?, alphabet, length).ok()
        },
    )
}

proptest! {
    /// The texts are what the general entry of FF1, numeral by numeral, makes of the index.
    #[test]
    fn texts_are_prefix_and_numerals_of_the_cipher(
        form in forms(),
        seed in any::<u128>(),
        count in 0_u64..200,
        key in any::<[u8; 32]>(),
    ) {
        let cipher = SpaceCipher::new(form, &gtin(), &SpaceKey::from_bytes(key)).unwrap();
        let radix = u32::from(form.alphabet().size());
        let ff1 = crate::ff1::Ff1::new(
            <aes::Aes256 as aes::cipher::KeyInit>::new(&key.into()),
            radix,
            usize::from(form.length()),
            b"00313000007772",
        ).unwrap();
        let characters: Vec<u8> = form.alphabet().characters().collect();
        let start = (seed % form.capacity()).min(form.capacity() - 200);
        for (index, text) in (start..).zip(texts(&cipher, start, count)) {
            let mut rest = index;
            let mut numerals = vec![0_u32; usize::from(form.length())];
            for numeral in numerals.iter_mut().rev() {
                *numeral = u32::try_from(rest % u128::from(radix)).unwrap();
                rest /= u128::from(radix);
            }
            ff1.encrypt_numerals(&mut numerals).unwrap();
            let random = numerals.iter().map(|n| char::from(characters[usize::try_from(*n).unwrap()]));
            let expected = format!("{}{}", form.prefix(), random.collect::<String>());
            prop_assert_eq!(&text, &expected);
            prop_assert_eq!(cipher.index_of(&text), Some(index));
            prop_assert_eq!(&cipher.text_of(index), &expected);
        }
    }

    #[test]
    fn batches_find_what_is_of_the_space_and_nothing_else(
        form in forms(),
        entries in proptest::collection::vec((any::<u128>(), 0_u8..4, any::<u8>()), 1..=LANES),
    ) {
        let cipher = SpaceCipher::new(form, &gtin(), &SpaceKey::from_bytes(KEY)).unwrap();
        let (mut batch, mut expected) = (cipher.batch(), Vec::new());
        for (seed, damage, stranger) in entries {
            let index = seed % form.capacity();
            let mut text = cipher.text_of(index).into_bytes();
            match damage {
                0 => {
                    // A byte of the random part that is not of the alphabet.
                    let place = form.prefix().len() + usize::from(stranger) % usize::from(form.length());
                    if form.alphabet().characters().all(|known| known != stranger) {
                        text[place] = stranger;
                        prop_assert!(!cipher.push(&mut batch, &text));
                    }
                }
                1 => {
                    text.push(b'0');
                    prop_assert!(!cipher.push(&mut batch, &text));
                }
                2 => {
                    text.remove(0);
                    prop_assert!(!cipher.push(&mut batch, &text));
                }
                _ => {
                    prop_assert!(cipher.push(&mut batch, &text));
                    expected.push(index);
                }
            }
        }
        prop_assert_eq!(batch.len(), expected.len());
        let found: Vec<u128> = cipher.drain(&mut batch).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(batch.is_empty());
    }
}

#[test]
fn a_full_batch_takes_no_more() {
    let cipher = cipher("", "0123456789", 6);
    let mut batch = cipher.batch();
    for _ in 0..LANES {
        assert!(cipher.push(&mut batch, b"123456"));
    }
    assert!(batch.is_full() && !cipher.push(&mut batch, b"123456"));
}

/// Every index of a space is printed once, in the form of the space, and found again.
fn check_whole_space(prefix: &str, alphabet: &str, length: u8) {
    let cipher = cipher(prefix, alphabet, length);
    let capacity = usize::try_from(cipher.form().capacity()).unwrap();
    let mut seen = vec![false; capacity];
    let size = usize::from(cipher.form().alphabet().size());
    let mut digits = [None; 256];
    for (digit, character) in cipher.form().alphabet().characters().enumerate() {
        digits[usize::from(character)] = Some(digit);
    }
    let rank = |text: &[u8]| {
        text.iter().fold(0, |rank, byte| rank * size + digits[usize::from(*byte)].unwrap())
    };
    let mut run = cipher.run(0, u64::try_from(capacity).unwrap());
    let mut batch = cipher.batch();
    for index in 0..capacity {
        let text = run.as_bytes();
        assert!(cipher.push(&mut batch, text));
        let random = text.strip_prefix(prefix.as_bytes()).unwrap();
        let seen = &mut seen[rank(random)];
        assert!(!std::mem::replace(seen, true), "{index} prints what was printed");
        if batch.is_full() || index + 1 == capacity {
            let first = u128::try_from(index + 1 - batch.len()).unwrap();
            let expected = first..=u128::try_from(index).unwrap();
            assert!(cipher.drain(&mut batch).eq(expected));
        }
        run.advance();
    }
    assert!(run.as_bytes().is_empty());
    assert!(seen.into_iter().all(|seen| seen));
}

#[test]
fn every_text_of_a_small_space_is_printed_once() {
    check_whole_space("", "0123456789", 6);
    check_whole_space("", "01", 20);
    check_whole_space("X7", "ACEGIKMOQSUWYacegikmoqsuwy024689", 4);
    check_whole_space("EU", "abcdefghijklmnop", 5);
    check_whole_space("", "ABDF", 10);
}

#[test]
fn texts_are_the_same_for_ever() {
    // Printed packs are found by these: a change here is a new scheme, not a correction.
    let cipher = cipher("H", "0123456789ABCDEFGHKMNPRSTVWXYZ", 12);
    assert_eq!(
        texts(&cipher, 9_999_999_999, 3),
        ["HXZ0F8BV0CXM2", "H78R49NCDSYYV", "HDYMM6N1XY6MF"]
    );
}

#[test]
fn two_products_with_one_key_print_differently() {
    let form = SpaceForm::new("", Alphabet::custom("0123456789").unwrap(), 12).unwrap();
    let of = |gtin: &str| {
        let gtin = Gtin14::parse_padded(gtin).unwrap();
        SpaceCipher::new(form, &gtin, &SpaceKey::from_bytes(KEY)).unwrap().text_of(0)
    };
    assert_ne!(of("00313000007772"), of("96385074"));
}

#[test]
fn keys_are_not_printed() {
    let cipher = cipher("", "0123456789", 6);
    let printed = format!("{:?} {cipher:?}", SpaceKey::from_bytes(KEY));
    assert!(printed.starts_with("SpaceKey(..)") && !printed.contains("90"), "{printed}");
}

#[test]
fn alphabets_leave_look_alikes_out_unless_wanted() {
    use Characters::{Digits, Lower, Upper};
    let check = |parts: &[Characters], look_alikes, expected: &str| {
        assert_eq!(Alphabet::of(parts, look_alikes).unwrap().to_string(), expected);
    };
    check(&[Digits], false, "0123456789");
    check(&[Upper], false, "ABCDEFGHKMNPRSTVWXYZ");
    check(&[Lower, Digits], false, "0123456789abcdefghkmnprstvwxyz");
    check(&[Upper], true, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    assert_eq!(Alphabet::of(&[Digits, Upper, Lower], true).unwrap().size(), 62);
    assert_eq!(Alphabet::of(&[], true), Err(AlphabetError::TooFew(0)));
}

#[test]
fn custom_alphabets_are_sets_of_letters_and_digits() {
    let check = |text: &str, expected: Result<&str, AlphabetError>| {
        let made = Alphabet::custom(text).map(|alphabet| alphabet.to_string());
        assert_eq!(made, expected.map(str::to_owned), "{text}");
    };
    check("zA0", Ok("0Az"));
    check("IO01", Ok("01IO"));
    check("A-B", Err(AlphabetError::Character('-')));
    check("Aé", Err(AlphabetError::Character('é')));
    check("ABA", Err(AlphabetError::Twice('A')));
    check("A", Err(AlphabetError::TooFew(1)));
    check("", Err(AlphabetError::TooFew(0)));
}

#[test]
fn forms_that_break_a_rule_are_refused() {
    let check = |prefix: &str, alphabet: &str, length: u8, expected: Option<SpaceError>| {
        let made = SpaceForm::new(prefix, Alphabet::custom(alphabet).unwrap(), length);
        assert_eq!(made.err(), expected, "{prefix} {alphabet} {length}");
    };
    let (digits, few) = ("0123456789", |capacity, least_length| {
        Some(SpaceError::TooFew { capacity, least_length })
    });
    check("", digits, 6, None);
    check("", digits, 5, few(100_000, 6));
    check("", digits, 2, few(100, 6));
    check("", "01", 19, few(524_288, 20));
    check("", "01", 20, None);
    check("", digits, 1, Some(SpaceError::Length(1)));
    check("", digits, 21, Some(SpaceError::Length(21)));
    check("AB12", digits, 16, None);
    check("AB123", digits, 16, Some(SpaceError::TooLong { prefix: 5, length: 16 }));
    check(&"A".repeat(300), digits, 6, Some(SpaceError::TooLong { prefix: 300, length: 6 }));
    check("A/", digits, 6, Some(SpaceError::Prefix('/')));
    check("ß", digits, 6, Some(SpaceError::Prefix('ß')));
    let widest = Alphabet::of(&[Characters::Digits, Characters::Upper, Characters::Lower], true);
    let widest = SpaceForm::new("", widest.unwrap(), 20).unwrap();
    assert_eq!(widest.capacity(), 62_u128.pow(20));
    assert_eq!(widest.text_length(), 20);
}

#[test]
fn density_is_strictly_below_one_in_ten_thousand() {
    let check = |capacity, pools: &[(u128, bool)], expected: Option<(u128, u128)>| {
        let shares = pools
            .iter()
            .map(|(ceiling, eu_rules)| PoolShare { ceiling: *ceiling, eu_rules: *eu_rules });
        let refused = check_density(capacity, shares).err();
        assert_eq!(refused.map(|e| (e.total, e.limit)), expected, "{capacity} {pools:?}");
        assert!(refused.is_none_or(|e| e.capacity == capacity));
    };
    // 10,000 of 10^8 would be one in ten thousand: 9,999 is the most.
    check(100_000_000, &[(9_999, true)], None);
    check(100_000_000, &[(10_000, true)], Some((10_000, 9_999)));
    check(100_000_001, &[(10_000, true)], None);
    check(100_000_001, &[(10_001, true)], Some((10_001, 10_000)));
    // All pools count as soon as one asks, wherever it stands.
    check(100_000_000, &[(5_000, false), (4_999, true)], None);
    check(100_000_000, &[(5_000, false), (5_000, true)], Some((10_000, 9_999)));
    check(100_000_000, &[(5_000, true), (5_000, false)], Some((10_000, 9_999)));
    check(100_000_000, &[(100_000_000, false)], None);
    check(100_000_000, &[], None);
    check(
        62_u128.pow(20),
        &[(u128::MAX, true), (1, true)],
        Some((u128::MAX, density_limit(62_u128.pow(20)))),
    );
    assert_eq!(density_limit(0), 0);
    assert_eq!(density_limit(1), 0);
}
