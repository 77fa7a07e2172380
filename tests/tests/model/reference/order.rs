//! What may become of a number, and what a breach of that is called (decision 28).

use std::collections::BTreeSet;

use super::{Claim, EXPIRY, Posting, Said};
use crate::op::{Event, Kind};

pub const OVER: &str = "RECOMMISSION_AFTER_TERMINAL";
const USED: &str = "GIVEN_BACK_AND_USED";
const TURN: &str = "EVENTS_OUT_OF_ORDER";
pub const NEVER: &str = "NEVER_COMMISSIONED";

/// What it is called when one thing happens to a number after another; `None` where it may.
#[expect(clippy::match_same_arms, reason = "each rule has a line and its reason")]
fn breach(earlier: Kind, later: Kind) -> Option<&'static str> {
    use Kind::{Commission, Deactivate, Decommission, Destroy, Encode, Return, Sample, Scrap};
    match (earlier, later) {
        (one, other) if one == other => None,
        // Over, whatever ended it: no pack any more.
        (Scrap | Sample | Decommission | Destroy | Return | Deactivate, Commission) => Some(OVER),
        // Whoever has a number does not give it back.
        (Return, Destroy | Deactivate) => None,
        // What is never to be used does not go back.
        (Deactivate, Return) => Some(TURN),
        (Destroy | Encode | Scrap | Commission | Sample | Decommission, Return) => Some(USED),
        // What is on a pack, or was, is not written off; a label may be.
        (Commission | Decommission | Destroy, Deactivate) => Some(USED),
        // What was given back is not used after all; what was written off may still be thrown away.
        (Return, Encode | Scrap | Sample | Decommission) => Some(USED),
        (Deactivate, Encode | Decommission) => Some(USED),
        // A label comes before its pack, and nothing after its end.
        (Commission | Scrap | Sample | Decommission | Destroy, Encode) => Some(TURN),
        (Commission | Destroy, Scrap) => Some(TURN),
        (Destroy, Sample | Decommission) => Some(TURN),
        _ => None,
    }
}

/// What two things said of a number are called, whichever was heard of first.
pub fn violation(one: (Kind, &Claim), other: (Kind, &Claim)) -> Option<&'static str> {
    let (forth, back) = (breach(one.0, other.0), breach(other.0, one.0));
    if one.1.time < other.1.time {
        return forth;
    }
    if other.1.time < one.1.time {
        return back;
    }
    // At the same time: what is wrong either way, and of two names the milder.
    let mild = |code: &str| match code {
        TURN => 0,
        USED => 1,
        _ => 2,
    };
    forth.zip(back).map(|(a, b)| if mild(a) <= mild(b) { a } else { b })
}

impl Said {
    /// An event states something.
    pub(super) fn say(&mut self, event: &Event, lot: Option<&'static str>) {
        let bare =
            matches!(event.kind, Kind::Encode | Kind::Scrap | Kind::Return | Kind::Deactivate);
        let claim = Claim { lot: event.lot, expiry: event.expiry, time: event.time, bare };
        let others = self.claims.iter().filter(|(kind, _)| **kind != event.kind);
        let broken: BTreeSet<_> = others
            .filter_map(|(kind, other)| violation((*kind, other), (event.kind, &claim)))
            .collect();
        if self.claims.contains_key(&event.kind) && !broken.contains(OVER) {
            self.marks.insert("DUPLICATE_IN_FILE");
        }
        self.marks.extend(broken);
        self.claims.entry(event.kind).or_insert(claim);
        if event.kind != Kind::Commission {
            return;
        }
        let remarks = [
            ("MISSING_LOT", event.lot.is_none()),
            ("MISSING_EXPIRY", event.expiry.is_none()),
            ("LOT_MISMATCH", lot.zip(event.lot).is_some_and(|(own, said)| own != said)),
            ("EXPIRY_MISMATCH", event.expiry.is_some_and(|said| said != EXPIRY)),
        ];
        self.marks.extend(remarks.into_iter().filter(|(_, yes)| *yes).map(|(code, _)| code));
    }

    /// An event declares wrong what this document, or another one, said.
    pub(super) fn take_back(&mut self, kind: Kind) {
        if self.claims.remove(&kind).is_some() {
            self.marks.clear();
        } else {
            self.back.insert(kind);
        }
    }

    /// Whether it tells the end of a pack that nobody is known to have commissioned.
    pub fn supposes_a_pack(&self, holds: impl Fn(Kind) -> bool) -> bool {
        let ends = [Kind::Sample, Kind::Decommission, Kind::Destroy];
        let of_pack = |kind: &Kind| self.claims.get(kind).is_some_and(|claim| !claim.bare);
        ends.iter().any(|kind| of_pack(kind) && holds(*kind)) && !holds(Kind::Commission)
    }
}

impl Posting {
    /// What is to be found of it by now; `taken_back` when anything of its block ever was.
    pub fn review(&self, holds: impl Fn(u64, Kind) -> bool, taken_back: bool) -> Self {
        let mut next = self.clone();
        next.found.remove(NEVER);
        for code in [OVER, USED, TURN].into_iter().filter(|_| taken_back) {
            let two = |number: &u64| {
                super::PRECEDENCE.iter().filter(|(kind, _)| holds(*number, *kind)).count() > 1
            };
            if let Some(numbers) = next.found.get_mut(code) {
                numbers.retain(two);
            }
        }
        for (number, one) in &self.said {
            if one.supposes_a_pack(|kind| holds(*number, kind)) {
                next.found.entry(NEVER).or_default().insert(*number);
            }
        }
        next.found.retain(|_, numbers| !numbers.is_empty());
        next
    }
}
