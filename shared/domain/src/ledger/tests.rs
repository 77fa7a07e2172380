#![expect(
    clippy::arithmetic_side_effects,
    reason = "small numbers of tests; an overflow would fail the test"
)]

use super::{
    Balance, BlockState, Bucket, Claim, Draft, GROUPS_MAX, Posting, Terms, judge, needs_history,
    review, unsettled,
};
use crate::bitmap::{BlockSet, Offset};
use crate::fact::Fact;
use crate::finding::Code;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn span(first: u32, last: u32) -> BlockSet {
    BlockSet::span(Offset::new(first).unwrap(), Offset::new(last).unwrap())
}

fn claim(fact: Fact, lot: &'static str, time_ms: i64) -> Claim<'static> {
    let lot = Some(lot).filter(|lot| !lot.is_empty());
    Claim { fact, lot, expiry: None, time_ms, ordinal: 1, is_bare: false }
}

fn draft(fact: Fact, lot: &'static str, time_ms: i64, serials: &BlockSet) -> Draft {
    let mut draft = Draft::default();
    draft.assert_all(&claim(fact, lot, time_ms), serials);
    draft
}

/// A block and its postings, as the store keeps them.
#[derive(Default)]
struct Block {
    state: BlockState,
    postings: Vec<Posting>,
    terms: Terms,
}

impl Block {
    fn apply(&mut self, draft: Draft) -> &Posting {
        let history = needs_history(&draft, &self.state);
        let others = if history { self.postings.as_slice() } else { &[] };
        let (posting, state) = judge(draft, &self.state, others, &self.terms);
        self.state = state;
        self.postings.push(posting);
        self.postings.last().unwrap()
    }
}

/// What the whole of the documents breaks, once every one of them was looked at again.
fn broken(block: &Block) -> BTreeSet<(Code, u16)> {
    let mut found = BTreeSet::new();
    for posting in &block.postings {
        for (code, set) in review(posting, &block.state) {
            found.extend(set.iter().map(|serial| (code, serial.get())));
        }
    }
    let of_transitions = [
        Code::RecommissionAfterTerminal,
        Code::GivenBackAndUsed,
        Code::EventsOutOfOrder,
        Code::NeverCommissioned,
    ];
    found.retain(|(code, _)| of_transitions.contains(code));
    found
}

fn finding(posting: &Posting, code: Code) -> u32 {
    posting.verdict.findings.iter().find(|(c, _)| *c == code).map_or(0, |(_, set)| set.len())
}

#[test]
fn overlap_with_the_same_lot_is_repeated_and_with_another_is_a_finding() {
    let mut block = Block::default();
    block.terms.lot = Some("A".to_owned());
    let first = block.apply(draft(Fact::Commissioned, "A", 5, &span(0, 99)));
    assert_eq!((first.verdict.newly_commissioned, first.verdict.repeated), (100, 0));
    // No lot of its own: the allocation's counts.
    let second = block.apply(draft(Fact::Commissioned, "", 5, &span(50, 149)));
    assert_eq!((second.verdict.newly_commissioned, second.verdict.repeated), (50, 50));
    assert!(second.verdict.findings.is_empty());
    let third = block.apply(draft(Fact::Commissioned, "B", 5, &span(140, 159)));
    assert_eq!((third.verdict.newly_commissioned, third.verdict.repeated), (10, 0));
    assert_eq!(finding(third, Code::AlreadyCommissioned), 10);
    assert_eq!(block.state.of(Fact::Commissioned), &span(0, 159));
}

#[test]
fn commissioning_after_the_end_is_found_by_whichever_document_comes_last() {
    let commission = |time| draft(Fact::Commissioned, "A", time, &span(0, 9));
    let destroy = draft(Fact::Destroyed, "", 20, &span(3, 4));
    let check = |drafts: &[&Draft], expected: &[u32]| {
        let mut block = Block::default();
        let found: Vec<u32> = drafts
            .iter()
            .map(|draft| finding(block.apply((*draft).clone()), Code::RecommissionAfterTerminal))
            .collect();
        assert_eq!(found, expected);
    };
    check(&[&commission(10), &destroy], &[0, 0]);
    check(&[&destroy, &commission(10)], &[0, 0]);
    check(&[&destroy, &commission(30)], &[0, 2]);
    check(&[&commission(30), &destroy], &[0, 2]);
    check(&[&commission(20), &destroy], &[0, 0]);
    check(&[&commission(10), &destroy, &commission(30)], &[0, 0, 2]);
}

#[test]
fn within_a_document_twice_is_a_duplicate_and_after_the_end_a_recommission() {
    let mut doc = draft(Fact::Commissioned, "A", 10, &span(0, 9));
    doc.assert_one(&claim(Fact::Commissioned, "A", 10), Offset::new(4).unwrap());
    doc.assert_all(&claim(Fact::Commissioned, "B", 11), &span(4, 5));
    doc.assert_all(&claim(Fact::Destroyed, "", 20), &span(8, 9));
    doc.assert_one(&claim(Fact::Commissioned, "A", 30), Offset::new(9).unwrap());
    let mut block = Block::default();
    let posting = block.apply(doc);
    assert_eq!(finding(posting, Code::DuplicateInFile), 2);
    assert_eq!(finding(posting, Code::RecommissionAfterTerminal), 1);
    assert_eq!(posting.verdict.newly_commissioned, 10);
}

#[test]
fn an_error_declaration_takes_back_what_was_said_here_or_elsewhere() {
    // Said and taken back in one document: nothing is left.
    let mut doc = draft(Fact::Commissioned, "A", 10, &span(0, 9));
    doc.assert_all(&claim(Fact::Commissioned, "A", 10), &span(0, 0));
    doc.retract(Fact::Commissioned, &span(0, 9));
    assert!(doc.is_empty());
    assert!(doc.marks.is_empty());
    // Taken back by another document, and said again with another lot: a correction.
    let mut block = Block::default();
    block.apply(draft(Fact::Commissioned, "A", 10, &span(0, 9)));
    let mut correction = Draft::default();
    correction.retract(Fact::Commissioned, &span(0, 9));
    correction.assert_all(&claim(Fact::Commissioned, "B", 10), &span(0, 7));
    let posting = block.apply(correction);
    assert_eq!(posting.verdict.newly_commissioned, 8);
    assert!(posting.verdict.findings.is_empty());
    assert_eq!(block.state.of(Fact::Commissioned), &span(0, 7));
    assert!(block.state.retracted);
}

#[test]
fn an_error_declaration_that_comes_first_leaves_its_serials_uncommissioned() {
    let mut block = Block::default();
    let mut declaration = Draft::default();
    declaration.retract(Fact::Commissioned, &span(0, 2));
    block.apply(declaration);
    let posting = block.apply(draft(Fact::Commissioned, "A", 10, &span(0, 9)));
    assert_eq!((posting.verdict.newly_commissioned, posting.verdict.repeated), (7, 0));
    assert_eq!(block.state.of(Fact::Commissioned), &span(3, 9));
    // Said once more than taken back, it holds.
    let posting = block.apply(draft(Fact::Commissioned, "A", 10, &span(0, 9)));
    assert_eq!((posting.verdict.newly_commissioned, posting.verdict.repeated), (3, 7));
}

#[test]
fn what_was_never_commissioned_is_settled_by_a_document_that_comes_later() {
    let mut block = Block::default();
    let destroyed = block.apply(draft(Fact::Destroyed, "", 20, &span(3, 4))).clone();
    assert_eq!(finding(&destroyed, Code::NeverCommissioned), 2);
    assert!(!unsettled(&destroyed, &block.state));
    block.apply(draft(Fact::Commissioned, "A", 10, &span(0, 3)));
    assert!(unsettled(&destroyed, &block.state), "its document is to be judged again");
    assert_eq!(broken(&block), BTreeSet::from([(Code::NeverCommissioned, 4)]));
    // What is said of labels and numbers supposes no pack.
    let mut block = Block::default();
    let mut labels = Draft::default();
    let bare = |fact| Claim { is_bare: true, ..claim(fact, "", 5) };
    labels.assert_all(&bare(Fact::Sampled), &span(0, 1));
    labels.assert_all(&bare(Fact::Destroyed), &span(2, 3));
    assert_eq!(block.apply(labels).verdict.findings, []);
}

#[test]
fn a_fact_that_is_taken_back_takes_its_findings_with_it() {
    let mut block = Block::default();
    block.apply(draft(Fact::Destroyed, "", 20, &span(0, 9)));
    block.apply(draft(Fact::Commissioned, "A", 30, &span(0, 9)));
    assert_eq!(broken(&block).len(), 10);
    let mut back = Draft::default();
    back.retract(Fact::Destroyed, &span(0, 7));
    block.apply(back);
    assert_eq!(
        broken(&block).into_iter().map(|(_, serial)| serial).collect::<Vec<_>>(),
        [8, 9],
        "{:?}",
        block.state
    );
}

#[test]
fn a_closed_allocation_records_late_commissioning_with_a_finding() {
    let mut block = Block::default();
    block.apply(draft(Fact::Commissioned, "A", 10, &span(0, 9)));
    block.terms.closed = true;
    let late = block.apply(draft(Fact::Commissioned, "A", 10, &span(5, 14)));
    assert_eq!(finding(late, Code::WrongAllocationState), 5);
    assert_eq!(block.state.of(Fact::Commissioned).len(), 15);
}

#[test]
fn many_lots_share_a_mixed_group_and_many_times_a_wide_one() {
    let mut doc = Draft::default();
    let lots: Vec<String> = (0..200).map(|n| format!("L{n}")).collect();
    for (n, lot) in (0_u32..).zip(&lots) {
        let claim = Claim { lot: Some(lot), ..claim(Fact::Commissioned, "", 1) };
        doc.assert_all(&claim, &span(n, n));
    }
    assert_eq!(doc.groups.len(), GROUPS_MAX + 1);
    assert_eq!(doc.stated(Fact::Commissioned), span(0, 199));
    let mut doc = Draft::default();
    for n in 0..100_u32 {
        let claim = claim(Fact::Commissioned, "A", i64::from(n));
        doc.assert_one(&claim, Offset::new(n).unwrap());
    }
    assert_eq!(doc.groups.len(), 8);
    assert_eq!(doc.stated(Fact::Commissioned), span(0, 99));
}

#[test]
fn precedence_decides_the_bucket_and_closing_deactivates_the_rest() {
    let mut block = Block::default();
    block.apply(draft(Fact::Commissioned, "A", 1, &span(0, 99)));
    block.apply(draft(Fact::Sampled, "", 2, &span(90, 99)));
    block.apply(draft(Fact::Destroyed, "", 3, &span(95, 104)));
    let numbers = |over| {
        let balance = Balance::of(40_000, over, [(0, &block.state)]);
        assert!(balance.holds());
        Bucket::ALL.map(|bucket| balance.buckets.get(bucket))
    };
    assert_eq!(numbers(false), [90, 0, 0, 5, 0, 10, 0, 0, 39_895]);
    assert_eq!(numbers(true), [90, 0, 0, 5, 0, 10, 0, 39_895, 0]);
    // The last block of the allocation is shorter than what it was told.
    assert!(!Balance::of(100, false, [(0, &block.state)]).holds());
}

fn any_draft() -> impl Strategy<Value = Draft> {
    any_draft_of(0.2)
}

fn any_draft_of(back: f64) -> impl Strategy<Value = Draft> {
    let step = (0_usize..8, 0_u32..60, 0_u32..20, 0_usize..3, 0_i64..4, prop::bool::weighted(back));
    prop::collection::vec(step, 1..5).prop_map(|steps| {
        let mut draft = Draft::default();
        for (fact, from, len, lot, time_ms, back) in steps {
            let fact = Fact::BY_PRECEDENCE[fact];
            let serials = span(from, from + len);
            if back {
                draft.retract(fact, &serials);
            } else {
                draft.assert_all(&claim(fact, ["", "A", "B"][lot], time_ms), &serials);
            }
        }
        draft
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_order_of_documents_gives_the_same_block(
        drafts in prop::collection::vec(any_draft(), 1..6),
        order in any::<prop::sample::Index>(),
    ) {
        let run = |drafts: &mut dyn Iterator<Item = &Draft>| {
            let mut block = Block::default();
            for draft in drafts {
                block.apply(draft.clone());
            }
            block
        };
        let straight = run(&mut drafts.iter());
        let turn = order.index(drafts.len());
        let turned = run(&mut drafts.iter().cycle().skip(turn).take(drafts.len()));
        let reversed = run(&mut drafts.iter().rev());
        prop_assert_eq!(&straight.state, &turned.state);
        prop_assert_eq!(&straight.state, &reversed.state);
        prop_assert_eq!(&straight.state, &BlockState::from_postings(&straight.postings));
    }

    #[test]
    fn any_order_of_documents_breaks_the_same_transitions(
        drafts in prop::collection::vec(any_draft_of(0.0), 1..6),
        order in any::<prop::sample::Index>(),
    ) {
        let run = |drafts: &mut dyn Iterator<Item = &Draft>| {
            let mut block = Block::default();
            for draft in drafts {
                block.apply(draft.clone());
            }
            broken(&block)
        };
        let straight = run(&mut drafts.iter());
        let turn = order.index(drafts.len());
        prop_assert_eq!(&straight, &run(&mut drafts.iter().cycle().skip(turn).take(drafts.len())));
        prop_assert_eq!(&straight, &run(&mut drafts.iter().rev()));
    }

    #[test]
    fn what_needs_no_history_is_judged_alike_with_it(
        drafts in prop::collection::vec(any_draft(), 1..6)
    ) {
        let mut block = Block::default();
        for draft in drafts {
            let whole = judge(draft.clone(), &block.state, &block.postings, &block.terms);
            block.apply(draft);
            prop_assert_eq!(&whole.0, block.postings.last().unwrap());
            prop_assert_eq!(&whole.1, &block.state);
        }
    }

    #[test]
    fn every_serial_is_in_one_bucket(drafts in prop::collection::vec(any_draft(), 0..5)) {
        let mut block = Block::default();
        for draft in drafts {
            block.apply(draft);
        }
        let buckets = block.state.buckets(100).unwrap();
        prop_assert_eq!(buckets.sum(), 100);
        for over in [false, true] {
            let balance = Balance::of(70_000, over, [(1, &block.state)]);
            prop_assert!(balance.holds());
            prop_assert_eq!(over, balance.buckets.get(Bucket::Outstanding) == 0);
        }
    }

    #[test]
    fn a_verdict_accounts_for_every_commissioned_serial(
        drafts in prop::collection::vec(any_draft(), 1..6)
    ) {
        let mut block = Block::default();
        for draft in drafts {
            let commissioned = draft.stated(Fact::Commissioned);
            let posting = block.apply(draft).clone();
            let set = |code| posting.verdict.findings.iter().find(|(c, _)| *c == code)
                .map_or_else(BlockSet::new, |(_, set)| set.clone());
            let conflicting = set(Code::AlreadyCommissioned);
            let again = set(Code::RecommissionAfterTerminal);
            prop_assert!(!conflicting.intersects(&again));
            let named = posting.verdict.newly_commissioned + posting.verdict.repeated
                + conflicting.len();
            prop_assert!(named <= commissioned.len());
            // What a declaration took back before it came is neither new nor repeated.
            let taken = commissioned.difference(block.state.of(Fact::Commissioned)).len();
            prop_assert!(named + again.len() + taken >= commissioned.len());
        }
    }

    #[test]
    fn postings_come_back_from_their_bytes(drafts in prop::collection::vec(any_draft(), 1..4)) {
        let mut block = Block::default();
        for draft in drafts {
            let bytes = block.apply(draft).encode();
            let posting = Posting::decode(&bytes).unwrap();
            prop_assert_eq!(&posting, block.postings.last().unwrap());
            prop_assert!(Posting::decode(&bytes[..bytes.len() - 1]).is_err());
            prop_assert!(Posting::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _outcome = Posting::decode(&[&[1], bytes.as_slice()].concat());
    }
}
