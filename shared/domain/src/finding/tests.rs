#![expect(
    clippy::arithmetic_side_effects,
    reason = "small numbers of tests; an overflow would fail the test"
)]

use super::{Code, FindingStatus, IndexRuns, RANGES_MAX, SAMPLES_MAX, Samples, Severity, Subject};
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #[test]
    fn runs_hold_each_index_once_in_any_order(
        indexes in prop::collection::vec(0_u128..300, 0..400)
    ) {
        let mut runs = IndexRuns::default();
        let mut known = BTreeSet::new();
        for index in indexes {
            prop_assert_eq!(runs.insert(index), known.insert(index));
        }
        prop_assert_eq!(runs.count(), u64::try_from(known.len()).unwrap());
        let listed: BTreeSet<u128> = runs.runs().flat_map(|(a, b)| a..=b).collect();
        prop_assert_eq!(listed, known);
        let touching = runs.runs().zip(runs.runs().skip(1)).any(|(a, b)| a.1 + 1 >= b.0);
        prop_assert!(!touching);
    }

    #[test]
    fn merging_equals_adding_all(
        a in prop::collection::vec(0_u128..200, 0..100),
        b in prop::collection::vec(0_u128..200, 0..100),
    ) {
        let collect = |indexes: &[u128]| {
            let mut runs = IndexRuns::default();
            for index in indexes {
                runs.insert(*index);
            }
            runs
        };
        let mut merged = collect(&a);
        merged.merge(&collect(&b));
        prop_assert_eq!(merged, collect(&[a, b].concat()));
    }
}

#[test]
fn beyond_the_cap_runs_are_cut_and_the_count_is_exact() {
    let mut runs = IndexRuns::default();
    for index in 0..5_000_u128 {
        runs.insert(index * 2);
    }
    assert_eq!(runs.count(), 5_000);
    assert_eq!(runs.runs().count(), RANGES_MAX);
    assert!(runs.is_truncated());
    // A known run still grows.
    runs.insert(1);
    assert_eq!(runs.runs().next(), Some((0, 2)));
}

#[test]
fn samples_are_distinct_and_capped() {
    let mut samples = Samples::default();
    for n in 0..100 {
        samples.add(&(n / 2).to_string());
    }
    assert_eq!(samples.count(), 100);
    assert_eq!(samples.texts().len(), SAMPLES_MAX);
    assert_eq!(samples.texts()[1], "1");
}

#[test]
fn words_come_back() {
    for code in Code::ALL {
        assert_eq!(Code::parse(code.as_str()), Some(*code));
        assert_eq!(Severity::parse(code.severity().as_str()), Some(code.severity()));
    }
    assert_eq!(Code::ALL.len(), 28);
    for status in [FindingStatus::Open, FindingStatus::Acknowledged, FindingStatus::Resolved] {
        assert_eq!(FindingStatus::parse(status.as_str()), Some(status));
    }
}

#[test]
fn an_id_follows_from_the_subject_alone() {
    let subject = |provisional, gtin: &str| Subject {
        code: Code::NotReserved,
        provisional,
        allocation_id: None,
        gtin: Some(gtin.to_owned()),
    };
    let id = subject(true, "a").id("doc", "sys");
    assert_eq!(id.len(), 26);
    assert_eq!(id, subject(true, "a").id("doc", "sys"));
    assert_ne!(id, subject(false, "a").id("doc", "sys"));
    assert_ne!(id, subject(true, "b").id("doc", "sys"));
    assert_ne!(id, subject(true, "a").id("doc", "other"));
}
