use std::collections::HashSet;

use proptest::prelude::*;

use super::super::{Alphabet, SpaceForm};
use super::*;

fn space(prefix: &str, alphabet: &str, length: u8) -> TextShape {
    let form = SpaceForm::new(prefix, Alphabet::custom(alphabet).unwrap(), length).unwrap();
    TextShape::of_space(&form)
}

fn check(one: &TextShape, other: &TextShape, expected: Result<Separation, (&str, &str)>) {
    let found = separate(one, other).map_err(|clash| (clash.one, clash.other));
    let expected = expected.map_err(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(found, expected);
    let back = separate(other, one).map_err(|clash| (clash.other, clash.one));
    assert_eq!(back, expected);
}

#[test]
fn spaces_are_told_apart_by_length_prefix_or_alphabet() {
    let digits = "0123456789";
    let plain = space("", digits, 8);
    check(&plain, &space("", digits, 9), Ok(Separation::Length));
    check(&plain, &space("A", digits, 7), Ok(Separation::Position(1)));
    check(&space("AB", digits, 8), &space("AC", digits, 8), Ok(Separation::Position(2)));
    // The prefix of one against the random part of the other.
    check(&space("0A", digits, 6), &plain, Ok(Separation::Position(2)));
    check(&space("07", digits, 6), &plain, Err(("07000000", "07000000")));
    check(&plain, &space("", "ABCDEFGH", 8), Ok(Separation::Position(1)));
    check(&plain, &space("", "ABCDEFG0", 8), Err(("00000000", "00000000")));
    check(&plain, &plain, Err(("00000000", "00000000")));
}

#[test]
fn case_alone_does_not_tell_spaces_apart() {
    let (upper, lower) = (space("", "ABCDEFGH", 8), space("", "efghijkl", 8));
    check(&upper, &lower, Err(("EEEEEEEE", "eeeeeeee")));
    check(
        &space("EU", "01234567", 8),
        &space("eu", "01234567", 8),
        Err(("EU00000000", "eu00000000")),
    );
    check(&space("EU", "01234567", 8), &space("ev", "01234567", 8), Ok(Separation::Position(2)));
}

#[test]
fn decimal_numbers_are_a_shape_too() {
    let decimals = TextShape::of_decimals(8);
    check(&decimals, &space("", "0123456789", 8), Err(("00000000", "00000000")));
    check(&decimals, &space("A", "0123456789", 7), Ok(Separation::Position(1)));
    check(&decimals, &TextShape::of_decimals(9), Ok(Separation::Length));
    check(
        &TextShape::of_decimals(20),
        &space("", "01", 20),
        Err((&"0".repeat(20), &"0".repeat(20))),
    );
}

#[test]
fn imported_texts_are_judged_one_by_one() {
    let shape = space("Eu", "0123456789ABCDEF", 6);
    let check =
        |text: &str, expected: bool| assert_eq!(shape.admits_folded(text), expected, "{text}");
    check("Eu0123AB", true);
    check("eU0123ab", true);
    check("Eu0123AG", false);
    check("Eu0123A", false);
    check("Eu0123ABC", false);
    check("EuÄ123A", false);
    check("", false);
}

/// A shape of few texts, so that all of them can be written down.
fn small_shapes() -> impl Strategy<Value = TextShape> {
    let set = proptest::sample::subsequence(b"01aAbBzZ".to_vec(), 1..=4);
    proptest::collection::vec(set, 1..=4).prop_map(|positions| {
        let sets = positions.iter().map(|set| set.iter().fold(0, |all, byte| all | bit(*byte)));
        TextShape::of_sets(sets)
    })
}

fn all_texts(shape: &TextShape) -> Vec<String> {
    shape.sets().fold(vec![String::new()], |texts, set| {
        let characters: Vec<char> =
            (0..128).filter(|byte| set & bit(*byte) != 0).map(char::from).collect();
        let longer =
            |text: &String| characters.iter().map(|c| format!("{text}{c}")).collect::<Vec<_>>();
        texts.iter().flat_map(longer).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]
    #[test]
    fn the_proof_agrees_with_writing_all_texts_down(one in small_shapes(), other in small_shapes()) {
        let texts = all_texts(&one);
        let folded: HashSet<String> = texts.iter().map(|t| t.to_lowercase()).collect();
        let others = all_texts(&other);
        let meet = others.iter().any(|text| folded.contains(&text.to_lowercase()));
        match separate(&one, &other) {
            Ok(_) => prop_assert!(!meet),
            Err(clash) => {
                prop_assert!(meet);
                prop_assert!(texts.contains(&clash.one) && others.contains(&clash.other));
                prop_assert_eq!(clash.one.to_lowercase(), clash.other.to_lowercase());
            }
        }
        for text in others.iter().chain(&texts) {
            prop_assert_eq!(one.admits_folded(text), folded.contains(&text.to_lowercase()));
        }
    }
}
