use aes::cipher::{KeyInit, common::KeySizeUser};
use aes::{Aes128, Aes192};
use fpe::ff1::{FF1, FlexibleNumeralString};
use proptest::prelude::*;

use super::*;

/// The key of the standard's samples; the shorter ones begin it.
const SAMPLE_KEY: [u8; 32] = [
    0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c,
    0xef, 0x43, 0x59, 0xd8, 0xd5, 0x80, 0xaa, 0x4f, 0x7f, 0x03, 0x6d, 0x6f, 0x04, 0xfc, 0x6a, 0x94,
];

fn sample<C>(radix: u32, tweak: &str, plain: &str, expected: &str)
where
    C: BlockCipherEncrypt<BlockSize = U16> + KeyInit + KeySizeUser,
{
    let cipher = C::new_from_slice(&SAMPLE_KEY[..C::key_size()]).unwrap();
    let tweak = data_encoding::HEXLOWER.decode(tweak.as_bytes()).unwrap();
    let ff1 = Ff1::new(cipher, radix, plain.len(), &tweak).unwrap();
    let mut numerals: Vec<u32> = plain.chars().map(|c| c.to_digit(radix).unwrap()).collect();
    ff1.encrypt_numerals(&mut numerals).unwrap();
    let text = |numerals: &[u32]| -> String {
        numerals.iter().map(|n| char::from_digit(*n, radix).unwrap()).collect()
    };
    assert_eq!(text(&numerals), expected);
    ff1.decrypt_numerals(&mut numerals).unwrap();
    assert_eq!(text(&numerals), plain);
}

#[test]
fn the_samples_of_the_standard_come_out() {
    let (ten, tweaked) = ("0123456789", "39383736353433323130");
    let (nineteen, long) = ("0123456789abcdefghi", "3737373770717273373737");
    sample::<Aes128>(10, "", ten, "2433477484");
    sample::<Aes128>(10, tweaked, ten, "6124200773");
    sample::<Aes128>(36, long, nineteen, "a9tv40mll9kdu509eum");
    sample::<Aes192>(10, "", ten, "2830668132");
    sample::<Aes192>(10, tweaked, ten, "2496655549");
    sample::<Aes192>(36, long, nineteen, "xbj3kv35jrawxv32ysr");
    sample::<Aes256>(10, "", ten, "6657667009");
    sample::<Aes256>(10, tweaked, ten, "1001623463");
    sample::<Aes256>(36, long, nineteen, "xs8a0azh2avyalyzuwd");
}

/// Radix and length of everything both ciphers take: a domain of a million, halves within a word.
fn shapes() -> impl Strategy<Value = (u32, usize)> {
    let radix = prop_oneof![
        4 => 2_u32..=73,
        1 => 74_u32..=65_536,
        1 => (1_u32..=16).prop_map(|bits| 1 << bits),
    ];
    radix.prop_flat_map(|radix| {
        let fits = |length: usize| {
            let domain = u128::from(radix).checked_pow(u32::try_from(length).unwrap());
            power(radix, length.div_ceil(2)).is_some() && domain.is_some_and(|d| d >= 1_000_000)
        };
        let lengths: Vec<usize> = (2..=124).filter(|length| fits(*length)).collect();
        (Just(radix), proptest::sample::select(lengths))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn any_text_is_enciphered_as_the_reference_does(
        key in any::<[u8; 32]>(),
        (radix, length) in shapes(),
        tweak in proptest::collection::vec(any::<u8>(), 0..40),
        seed in proptest::collection::vec(any::<u32>(), 124),
        // Halves of all the least or all the greatest numerals are where carries happen.
        edge in 0_u8..4,
    ) {
        let numeral = |seed: &u32| match edge {
            0 => radix - 1,
            1 => 0,
            _ => seed % radix,
        };
        let plain: Vec<u32> = seed.iter().take(length).map(numeral).collect();
        let reference = FF1::<Aes256>::new(&key, radix).unwrap();
        let short = plain.iter().map(|n| u16::try_from(*n).unwrap()).collect::<Vec<_>>();
        let expected = reference.encrypt(&tweak, &FlexibleNumeralString::from(short)).unwrap();
        let expected: Vec<u32> =
            Vec::<u16>::from(expected).into_iter().map(u32::from).collect();

        let ff1 = Ff1::new(Aes256::new(&key.into()), radix, length, &tweak).unwrap();
        let mut numerals = plain.clone();
        ff1.encrypt_numerals(&mut numerals).unwrap();
        prop_assert_eq!(&numerals, &expected);
        ff1.decrypt_numerals(&mut numerals).unwrap();
        prop_assert_eq!(&numerals, &plain);
    }

    #[test]
    fn numbers_side_by_side_do_not_disturb_each_other(
        key in any::<[u8; 32]>(),
        (radix, length) in shapes(),
        seed in any::<[u128; LANES]>(),
        count in 0..=LANES,
    ) {
        let ff1 = Ff1::new(Aes256::new(&key.into()), radix, length, &[]).unwrap();
        let mut together = Lanes::default();
        for ((left, right), seed) in
            together.left.iter_mut().zip(&mut together.right).zip(seed)
        {
            (*left, *right) = ff1.split(seed % ff1.domain());
        }
        let before = together.clone();
        ff1.encrypt(&mut together, count);
        for lane in 0..LANES {
            let mut alone = Lanes::default();
            (alone.left[0], alone.right[0]) = (before.left[lane], before.right[lane]);
            ff1.encrypt(&mut alone, usize::from(lane < count));
            prop_assert_eq!(alone.left[0], together.left[lane]);
            prop_assert_eq!(alone.right[0], together.right[lane]);
        }
        ff1.decrypt(&mut together, count);
        prop_assert_eq!(together.left, before.left);
        prop_assert_eq!(together.right, before.right);
    }
}

/// Enciphers every number of a domain and checks that each comes out once and leads back.
fn check_permutation(radix: u32, length: usize) {
    let ff1 = Ff1::new(Aes256::new(&SAMPLE_KEY.into()), radix, length, b"all").unwrap();
    let domain = usize::try_from(ff1.domain()).unwrap();
    let mut seen = vec![false; domain];
    let mut numbers = 0..domain;
    loop {
        let batch: Vec<usize> = numbers.by_ref().take(LANES).collect();
        if batch.is_empty() {
            break;
        }
        let mut lanes = Lanes::default();
        for (lane, number) in batch.iter().enumerate() {
            (lanes.left[lane], lanes.right[lane]) = ff1.split(u128::try_from(*number).unwrap());
        }
        ff1.encrypt(&mut lanes, batch.len());
        for lane in 0..batch.len() {
            let number = ff1.join(lanes.left[lane], lanes.right[lane]);
            let seen = &mut seen[usize::try_from(number).unwrap()];
            assert!(!std::mem::replace(seen, true), "{radix}^{length}: {number} twice");
        }
        ff1.decrypt(&mut lanes, batch.len());
        for (lane, number) in batch.iter().enumerate() {
            assert_eq!(
                ff1.join(lanes.left[lane], lanes.right[lane]),
                u128::try_from(*number).unwrap()
            );
        }
    }
    assert!(seen.into_iter().all(|seen| seen), "{radix}^{length}");
}

#[test]
fn every_small_domain_is_permuted() {
    for (radix, length) in [
        (2, 7),
        (2, 20),
        (3, 12),
        (4, 10),
        (10, 2),
        (10, 5),
        (10, 6),
        (16, 5),
        (30, 4),
        (32, 4),
        (36, 3),
        (62, 3),
        (101, 3),
        (1_000, 2),
        (1_024, 2),
    ] {
        check_permutation(radix, length);
    }
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    let check = |radix: u32, length: usize, tweak: usize, expected: Option<Ff1Error>| {
        let cipher = Aes256::new(&SAMPLE_KEY.into());
        let made = Ff1::new(cipher, radix, length, &vec![0; tweak]);
        assert_eq!(made.err(), expected, "{radix}^{length}");
    };
    let length = |radix, length| Some(Ff1Error::Length { radix, length });
    check(1, 20, 0, Some(Ff1Error::Radix(1)));
    check(65_537, 2, 0, Some(Ff1Error::Radix(65_537)));
    check(65_536, 6, 0, None);
    check(65_536, 7, 0, length(65_536, 7));
    check(2, 124, 0, None);
    check(2, 125, 0, length(2, 125));
    check(2, usize::MAX, 0, length(2, usize::MAX));
    check(10, 1, 0, length(10, 1));
    check(10, 0, 0, length(10, 0));
    check(10, 2, 0, None);
    check(9, 2, 0, Some(Ff1Error::Domain(81)));
    check(62, 20, 0, None);
    check(73, 20, 0, None);
    check(74, 20, 0, length(74, 20));
    check(10, 10, 65_535, None);
    check(10, 10, 65_536, Some(Ff1Error::Tweak));
}

#[test]
fn numerals_that_do_not_fit_are_refused() {
    let ff1 = Ff1::new(Aes256::new(&SAMPLE_KEY.into()), 10, 6, &[]).unwrap();
    assert_eq!(ff1.encrypt_numerals(&mut [1; 5]), Err(NumeralError::Length(5)));
    assert_eq!(ff1.decrypt_numerals(&mut [1; 7]), Err(NumeralError::Length(7)));
    assert_eq!(ff1.encrypt_numerals(&mut [1, 2, 10, 4, 5, 6]), Err(NumeralError::Value(10)));
}

#[test]
fn neither_key_nor_frames_are_printed() {
    let ff1 = Ff1::new(Aes256::new(&SAMPLE_KEY.into()), 10, 6, &[]).unwrap();
    assert_eq!(format!("{ff1:?}"), "Ff1 { radix: 10, length: 6, .. }");
}
