use super::{BLOCK_SIZE, BitmapError, BlockSet, Offset, place};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn set(offsets: &BTreeSet<u16>) -> BlockSet {
    offsets.iter().map(|value| Offset(*value)).collect()
}

fn members(set: &BlockSet) -> BTreeSet<u16> {
    set.iter().map(Offset::get).collect()
}

/// Sets of every shape: few offsets, long runs, and bits everywhere.
fn offsets() -> impl Strategy<Value = BTreeSet<u16>> {
    prop_oneof![
        prop::collection::btree_set(0_u16..32_768, 0..40),
        prop::collection::vec((0_u16..32_768, 0_u16..4_000), 0..6).prop_map(|runs| {
            runs.into_iter()
                .flat_map(|(from, len)| from..from.saturating_add(len).min(32_768))
                .collect()
        }),
        (1_u16..5, 0_u16..5)
            .prop_map(|(step, from)| { (from..32_768).step_by(usize::from(step)).collect() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_set_behaves_like_a_set_of_numbers(a in offsets(), b in offsets()) {
        let (left, right) = (set(&a), set(&b));
        prop_assert_eq!(usize::try_from(left.len()).unwrap(), a.len());
        prop_assert_eq!(&members(&left), &a);
        let mut union = left.clone();
        union.union_with(&right);
        prop_assert_eq!(members(&union), a.union(&b).copied().collect::<BTreeSet<_>>());
        prop_assert_eq!(usize::try_from(union.len()).unwrap(), union.iter().count());
        let both: BTreeSet<u16> = a.intersection(&b).copied().collect();
        prop_assert_eq!(left.intersects(&right), !both.is_empty());
        prop_assert_eq!(members(&left.intersection(&right)), both);
        let rest: BTreeSet<u16> = a.difference(&b).copied().collect();
        prop_assert_eq!(members(&left.difference(&right)), rest);
        prop_assert_eq!(left.first().map(Offset::get), a.first().copied());
        prop_assert_eq!(left.last().map(Offset::get), a.last().copied());
    }

    #[test]
    fn encoding_round_trips_and_is_the_same_for_equal_sets(a in offsets()) {
        let original = set(&a);
        let bytes = original.encode();
        prop_assert!(bytes.len() <= 4_097);
        prop_assert_eq!(&BlockSet::decode(&bytes).unwrap(), &original);
        // The same members through the other representation.
        let mut dense = BlockSet::span(Offset(0), Offset(32_767));
        let absent: BlockSet = dense.difference(&original);
        dense.subtract(&absent);
        prop_assert_eq!(dense.encode(), bytes);
    }

    #[test]
    fn decoding_any_bytes_gives_a_set_that_encodes_to_them_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..40)
    ) {
        if let Ok(decoded) = BlockSet::decode(&bytes) {
            prop_assert_eq!(decoded.encode(), bytes);
        }
    }
}

#[test]
fn a_full_block_costs_a_few_bytes() {
    let full = BlockSet::span(Offset(0), Offset(32_767));
    assert_eq!(full.len(), BLOCK_SIZE);
    assert_eq!(full.encode(), [1, 0, 0xff, 0xff, 1]);
}

#[test]
fn every_second_serial_costs_the_raw_bits() {
    let odd: BlockSet = (0..32_768_u16).step_by(2).map(Offset).collect();
    assert_eq!(odd.encode().len(), 4_097);
    assert_eq!(BlockSet::decode(&odd.encode()).unwrap(), odd);
}

#[test]
fn only_the_shortest_encoding_is_accepted() {
    let check = |bytes: &[u8], error: BitmapError| {
        assert_eq!(BlockSet::decode(bytes).unwrap_err(), error, "{bytes:?}");
    };
    check(&[], BitmapError::Length);
    check(&[3], BitmapError::Tag(3));
    check(&[1, 5], BitmapError::Length);
    check(&[1, 5, 0, 0, 0], BitmapError::Runs);
    check(&[1, 0, 0x80, 0x80, 2], BitmapError::Runs);
    check(&[1, 0x80, 0], BitmapError::Length);
    check(&[2, 1], BitmapError::Length);
    check(&[[2].as_slice(), &[0; 4_096]].concat(), BitmapError::NotShortest);
}

#[test]
fn an_index_is_placed_by_its_distance_from_the_start() {
    assert_eq!(place(0), Some((0, Offset(0))));
    assert_eq!(place(32_767), Some((0, Offset(32_767))));
    assert_eq!(place(32_768), Some((1, Offset(0))));
    assert_eq!(place(u128::from(u64::MAX)), None);
    assert_eq!(Offset::new(32_768), None);
}
