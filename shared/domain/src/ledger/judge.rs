//! What a posting means next to everything else known of its block.

use super::posting::{Draft, Group, Posting, Verdict, add_to, union};
use super::state::BlockState;
use crate::bitmap::BlockSet;
use crate::fact::Fact;
use crate::finding::Code;

/// What the allocation says that a judgement needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The allocation's lot: that of a commissioning event which names none.
    pub lot: Option<String>,
    /// The allocation's expiry, likewise.
    pub expiry: Option<String>,
    /// The allocation was closed before: commissioning is recorded, with a finding.
    pub closed: bool,
}

impl Terms {
    fn same_goods(&self, one: &Group, other: &Group) -> bool {
        let of = |group: &Group| {
            let lot = group.lot.clone().or_else(|| self.lot.clone());
            (lot, group.expiry.clone().or_else(|| self.expiry.clone()))
        };
        // Nothing is known of a mixed group: it raises no accusation.
        one.mixed || other.mixed || of(one) == of(other)
    }
}

/// Whether judging a draft against this state takes the block's other postings.
#[must_use]
pub fn needs_history(draft: &Draft, state: &BlockState) -> bool {
    let commissioned = draft.stated(Fact::Commissioned);
    let ended = union(&draft.groups, |group| group.fact.is_terminal());
    state.retracted
        || !draft.retractions.is_empty()
        || commissioned.intersects(state.of(Fact::Commissioned))
        || commissioned.intersects(&state.ended())
        || ended.intersects(state.of(Fact::Commissioned))
}

/// Judges a draft against a block and, where [`needs_history`] says so, its other postings; gives
/// the posting to be put and the state to be stored (its version still that of `state`).
///
/// Overlap with earlier commissioning is `repeated` where lot and expiry are the same, else
/// `ALREADY_COMMISSIONED`. `RECOMMISSION_AFTER_TERMINAL` compares event times and is found by
/// whichever of the two documents arrives last.
#[must_use]
pub fn judge(
    draft: Draft,
    state: &BlockState,
    others: &[Posting],
    terms: &Terms,
) -> (Posting, BlockState) {
    let before = before(&draft, state, others);
    let commissioned = draft.stated(Fact::Commissioned);
    let overlap = commissioned.intersection(before.of(Fact::Commissioned));
    let after = after(&draft.groups, &draft.retractions, state, others);
    // An error declaration that came before takes back what it meets: such a serial stays as it was.
    let newly = commissioned.difference(&overlap).intersection(after.of(Fact::Commissioned));
    let mut again = recommissioned(&draft, &before, others);
    for (code, set) in &draft.marks {
        if *code == Code::RecommissionAfterTerminal {
            again.union_with(set);
        }
    }
    let mut conflicting = conflicts(&draft, others, terms);
    conflicting.intersect_with(&overlap);
    conflicting.subtract(&again);
    let mut repeated = overlap.difference(&conflicting);
    repeated.subtract(&again);

    let mut findings = draft.marks;
    let mut remark = |code, set: &BlockSet| {
        if !set.is_empty() {
            add_to(&mut findings, code, set);
        }
    };
    remark(Code::AlreadyCommissioned, &conflicting);
    remark(Code::RecommissionAfterTerminal, &again);
    if terms.closed {
        remark(Code::WrongAllocationState, &newly);
    }
    findings.sort_by_key(|(code, _)| *code);
    let verdict = Verdict { newly_commissioned: newly.len(), repeated: repeated.len(), findings };
    (Posting { groups: draft.groups, retractions: draft.retractions, verdict }, after)
}

/// The block without this draft, except for what the draft takes back.
fn before(draft: &Draft, state: &BlockState, others: &[Posting]) -> BlockState {
    if draft.retractions.is_empty() {
        return state.clone();
    }
    let own = Posting { retractions: draft.retractions.clone(), ..Posting::default() };
    BlockState::from_postings(others.iter().chain([&own]))
}

/// The block with this draft.
fn after(
    groups: &[Group],
    retractions: &[(Fact, BlockSet)],
    state: &BlockState,
    others: &[Posting],
) -> BlockState {
    if state.retracted || !retractions.is_empty() {
        let own = Posting {
            groups: groups.to_vec(),
            retractions: retractions.to_vec(),
            ..Posting::default()
        };
        let mut all = BlockState::from_postings(others.iter().chain([&own]));
        all.version = state.version;
        return all;
    }
    let mut after = state.clone();
    after.add(groups);
    after
}

/// Serials that this draft and another posting commission with different lot or expiry.
fn conflicts(draft: &Draft, others: &[Posting], terms: &Terms) -> BlockSet {
    let mut found = BlockSet::new();
    for mine in draft.groups.iter().filter(|group| group.fact == Fact::Commissioned) {
        for theirs in others.iter().flat_map(|posting| &posting.groups) {
            if theirs.fact == Fact::Commissioned && !terms.same_goods(mine, theirs) {
                found.union_with(&mine.serials.intersection(&theirs.serials));
            }
        }
    }
    found
}

/// Serials that were ended at a time before the time they are commissioned, the two being said by
/// this draft and by another posting.
fn recommissioned(draft: &Draft, before: &BlockState, others: &[Posting]) -> BlockSet {
    let mut found = BlockSet::new();
    for theirs in others.iter().flat_map(|posting| &posting.groups) {
        for mine in &draft.groups {
            let (end, start) = match (mine.fact, theirs.fact) {
                (Fact::Commissioned, end) if end.is_terminal() => (theirs, mine),
                (end, Fact::Commissioned) if end.is_terminal() => (mine, theirs),
                _ => continue,
            };
            if end.time_last_ms < start.time_first_ms {
                let mut both = mine.serials.intersection(&theirs.serials);
                both.intersect_with(before.of(theirs.fact));
                found.union_with(&both);
            }
        }
    }
    found
}
