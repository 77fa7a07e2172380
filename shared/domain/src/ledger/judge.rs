//! What a posting means next to everything else known of its block.

use super::posting::{Draft, Group, Posting, Verdict, add_to};
use super::state::BlockState;
use super::transition::{breach, is_possible, supposes_a_pack, violation};
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
    let settles =
        Fact::BY_PRECEDENCE.into_iter().filter(|fact| supposes_a_pack(*fact)).any(|fact| {
            let never = state.of(fact).difference(state.of(Fact::Commissioned));
            commissioned.intersects(&never)
        });
    state.retracted
        || !draft.retractions.is_empty()
        || settles
        || commissioned.intersects(state.of(Fact::Commissioned))
        || draft.groups.iter().any(|group| may_violate(group, state))
}

/// Whether the group and what is known of the block can break the table of transitions. Mostly their times
/// say that they cannot, and no posting is read.
fn may_violate(group: &Group, state: &BlockState) -> bool {
    state.facts().any(|(fact, known)| {
        let possible = state.told(fact).map_or_else(
            || breach(fact, group.fact).is_some() || breach(group.fact, fact).is_some(),
            |told| is_possible(told, group.told()),
        );
        possible && known.intersects(&group.serials)
    })
}

/// Judges a draft against a block and, where [`needs_history`] says so, its other postings; gives
/// the posting to be put and the state to be stored (its version still that of `state`).
///
/// Overlap with earlier commissioning is `repeated` where lot and expiry are the same, else
/// `ALREADY_COMMISSIONED`. What breaks the table of transitions is found by event times, by whichever of
/// the two documents arrives last; what a document arriving later settles is told by [`unsettled`].
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
    let broken = violations(&draft, &before, &after, others);
    let mut again = BlockSet::new();
    for (code, set) in broken.iter().chain(&draft.marks) {
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
    for (code, set) in &broken {
        remark(*code, set);
    }
    remark(Code::NeverCommissioned, &never_commissioned(&draft.groups, &after));
    if terms.closed {
        remark(Code::WrongAllocationState, &newly);
    }
    findings.sort_by_key(|(code, _)| *code);
    let verdict = Verdict { newly_commissioned: newly.len(), repeated: repeated.len(), findings };
    let mut posting = Posting { groups: draft.groups, retractions: draft.retractions, verdict };
    if after.retracted {
        // What was taken back before the document came breaks nothing, as it would had it come after.
        posting.verdict.findings = review(&posting, &after);
    }
    (posting, after)
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

/// What the facts of this draft and those of other postings break in the table of transitions; only what
/// still holds counts.
fn violations(
    draft: &Draft,
    before: &BlockState,
    after: &BlockState,
    others: &[Posting],
) -> Vec<(Code, BlockSet)> {
    let mut found = Vec::new();
    for theirs in others.iter().flat_map(|posting| &posting.groups) {
        for mine in draft.groups.iter().filter(|mine| mine.fact != theirs.fact) {
            let Some(code) = violation(mine.told(), theirs.told()) else { continue };
            let mut both = mine.serials.intersection(&theirs.serials);
            both.intersect_with(before.of(theirs.fact));
            both.intersect_with(after.of(mine.fact));
            if !both.is_empty() {
                add_to(&mut found, code, &both);
            }
        }
    }
    found
}

/// Packs of which the groups tell the end, and no document the beginning.
fn never_commissioned(groups: &[Group], state: &BlockState) -> BlockSet {
    let mut found = BlockSet::new();
    for group in groups.iter().filter(|group| supposes_a_pack(group.fact) && !group.is_bare) {
        found.union_with(&group.serials.intersection(state.of(group.fact)));
    }
    found.subtract(state.of(Fact::Commissioned));
    found
}

/// The findings of a posting as they are by now: packs may have been commissioned by a document that came
/// later, and facts taken back.
#[must_use]
pub fn review(posting: &Posting, state: &BlockState) -> Vec<(Code, BlockSet)> {
    let mut findings = Vec::new();
    let contradictory = state.retracted.then(|| state.contradictory());
    for (code, serials) in &posting.verdict.findings {
        let serials = match (code, &contradictory) {
            (Code::NeverCommissioned, _) => continue,
            (
                Code::RecommissionAfterTerminal | Code::GivenBackAndUsed | Code::EventsOutOfOrder,
                Some(contradictory),
            ) => serials.intersection(contradictory),
            _ => serials.clone(),
        };
        if !serials.is_empty() {
            findings.push((*code, serials));
        }
    }
    let never = never_commissioned(&posting.groups, state);
    if !never.is_empty() {
        findings.push((Code::NeverCommissioned, never));
    }
    findings.sort_by_key(|(code, _)| *code);
    findings
}

/// Whether other findings than its own hold of a posting by now: its document is to be judged again.
#[must_use]
pub fn unsettled(posting: &Posting, state: &BlockState) -> bool {
    review(posting, state) != posting.verdict.findings
}
