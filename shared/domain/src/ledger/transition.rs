//! The one table of what may become of a serial, and what a breach of it is called.
//!
//! - Two facts of a serial are judged by their event times, never by the order in which documents arrive: a
//!   finding follows from the set of documents alone.
//! - An event time is known as a span (events that say the same share one). Where two spans overlap the
//!   order is unknown; then only what is wrong in either order is a finding (decision 28).

use crate::fact::Fact;
use crate::finding::Code;

/// A fact with the earliest and the latest time at which it was stated, milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The fact.
    pub fact: Fact,
    /// The earliest event time.
    pub first_ms: i64,
    /// The latest event time.
    pub last_ms: i64,
}

impl Told {
    fn is_before(&self, other: &Self) -> bool {
        self.last_ms < other.first_ms
    }
}

/// The columns of [`TABLE`].
const LATER: [Fact; 8] = [
    Fact::Encoded,
    Fact::Scrapped,
    Fact::Commissioned,
    Fact::Sampled,
    Fact::Decommissioned,
    Fact::Destroyed,
    Fact::Returned,
    Fact::Deactivated,
];

/// Legal.
const GOOD: Option<Code> = None;
/// A pack with a number that was over.
const OVER: Option<Code> = Some(Code::RecommissionAfterTerminal);
/// A number that was given back, and is somewhere all the same.
const USED: Option<Code> = Some(Code::GivenBackAndUsed);
/// An order that does not happen.
const TURN: Option<Code> = Some(Code::EventsOutOfOrder);

/// From the fact stated earlier (row) to the one stated later (column, see [`LATER`]).
///
/// | From | Rule | Source |
/// |---|---|---|
/// | encoded | a label goes on a pack, to scrap or to the sample; it is not given back, but may be written off | OPC 30260 states 4–7; closing a run deactivates printed labels that nobody scanned (reconciliation.md 4.2) |
/// | label scrapped | ends the label: not on a pack, not printed again | OPC 30260 state 6 |
/// | commissioned | may only be sampled, decommissioned, destroyed; what is done to labels comes before | TraceLink life cycle; OPC 30260 states 4–7 |
/// | sampled | never sold: not commissioned again; destroyed in the end | TraceLink `TakeSample` |
/// | decommissioned | commissioned again only where a pool says so, and none can yet | TraceLink life cycle; design.md §4 |
/// | destroyed | nothing follows | TraceLink: terminal; `BADITEMSTATE` |
/// | returned | another allocation may have the number: nothing of it here | OPC 30260 `SNReturn…` |
/// | deactivated | only from reserved, for ever; the label it may have had is thrown away | TraceLink `DEACTIVATED` |
const TABLE: [(Fact, [Option<Code>; 8]); 8] = [
    (Fact::Encoded, [GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, USED, GOOD]),
    (Fact::Scrapped, [TURN, GOOD, OVER, GOOD, GOOD, GOOD, USED, GOOD]),
    (Fact::Commissioned, [TURN, TURN, GOOD, GOOD, GOOD, GOOD, USED, USED]),
    (Fact::Sampled, [TURN, GOOD, OVER, GOOD, GOOD, GOOD, USED, GOOD]),
    (Fact::Decommissioned, [TURN, GOOD, OVER, GOOD, GOOD, GOOD, USED, USED]),
    (Fact::Destroyed, [TURN, TURN, OVER, TURN, TURN, GOOD, USED, USED]),
    (Fact::Returned, [USED, USED, OVER, USED, USED, GOOD, GOOD, GOOD]),
    (Fact::Deactivated, [USED, GOOD, OVER, GOOD, USED, GOOD, TURN, GOOD]),
];

/// What it is called when `later` is stated at a time after `earlier`; `None` where that is legal.
#[must_use]
pub fn breach(earlier: Fact, later: Fact) -> Option<Code> {
    let (_, row) = TABLE.iter().find(|(fact, _)| *fact == earlier)?;
    let column = LATER.iter().position(|fact| *fact == later)?;
    row.get(column).copied().flatten()
}

/// What two facts of one serial are called, whichever was heard of first.
#[must_use]
pub fn violation(one: Told, other: Told) -> Option<Code> {
    if one.is_before(&other) {
        return breach(one.fact, other.fact);
    }
    if other.is_before(&one) {
        return breach(other.fact, one.fact);
    }
    let ways = breach(one.fact, other.fact).zip(breach(other.fact, one.fact));
    ways.map(|(a, b)| if (a.severity(), a) <= (b.severity(), b) { a } else { b })
}

/// Whether facts stated at some times within these spans can be a violation.
#[must_use]
pub fn is_possible(one: Told, other: Told) -> bool {
    let forth = !other.is_before(&one) && breach(one.fact, other.fact).is_some();
    let back = !one.is_before(&other) && breach(other.fact, one.fact).is_some();
    forth || back
}

/// Whether the fact, where it is said of a pack, supposes that the pack was commissioned (TraceLink:
/// `NEVERCOMMISSIONED`).
#[must_use]
pub const fn supposes_a_pack(fact: Fact) -> bool {
    matches!(fact, Fact::Sampled | Fact::Decommissioned | Fact::Destroyed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(fact: Fact, first_ms: i64, last_ms: i64) -> Told {
        Told { fact, first_ms, last_ms }
    }

    #[test]
    fn every_pair_of_facts_is_legal_or_has_a_name() {
        let mut lines = Vec::new();
        for earlier in LATER {
            for later in LATER {
                assert!(breach(earlier, earlier).is_none(), "said twice is no violation");
                if let Some(code) = breach(earlier, later) {
                    lines.push(format!(
                        "{}>{} {}",
                        earlier.as_str(),
                        later.as_str(),
                        code.as_str()
                    ));
                }
            }
        }
        let expected = "\
encoded>returned GIVEN_BACK_AND_USED
scrapped>encoded EVENTS_OUT_OF_ORDER
scrapped>commissioned RECOMMISSION_AFTER_TERMINAL
scrapped>returned GIVEN_BACK_AND_USED
commissioned>encoded EVENTS_OUT_OF_ORDER
commissioned>scrapped EVENTS_OUT_OF_ORDER
commissioned>returned GIVEN_BACK_AND_USED
commissioned>deactivated GIVEN_BACK_AND_USED
sampled>encoded EVENTS_OUT_OF_ORDER
sampled>commissioned RECOMMISSION_AFTER_TERMINAL
sampled>returned GIVEN_BACK_AND_USED
decommissioned>encoded EVENTS_OUT_OF_ORDER
decommissioned>commissioned RECOMMISSION_AFTER_TERMINAL
decommissioned>returned GIVEN_BACK_AND_USED
decommissioned>deactivated GIVEN_BACK_AND_USED
destroyed>encoded EVENTS_OUT_OF_ORDER
destroyed>scrapped EVENTS_OUT_OF_ORDER
destroyed>commissioned RECOMMISSION_AFTER_TERMINAL
destroyed>sampled EVENTS_OUT_OF_ORDER
destroyed>decommissioned EVENTS_OUT_OF_ORDER
destroyed>returned GIVEN_BACK_AND_USED
destroyed>deactivated GIVEN_BACK_AND_USED
returned>encoded GIVEN_BACK_AND_USED
returned>scrapped GIVEN_BACK_AND_USED
returned>commissioned RECOMMISSION_AFTER_TERMINAL
returned>sampled GIVEN_BACK_AND_USED
returned>decommissioned GIVEN_BACK_AND_USED
deactivated>encoded GIVEN_BACK_AND_USED
deactivated>commissioned RECOMMISSION_AFTER_TERMINAL
deactivated>decommissioned GIVEN_BACK_AND_USED
deactivated>returned EVENTS_OUT_OF_ORDER";
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn spans_that_overlap_are_only_wrong_where_either_order_is() {
        let check = |one: Told, other: Told, expected: Option<Code>| {
            assert_eq!(violation(one, other), expected, "{one:?} {other:?}");
            assert_eq!(violation(other, one), expected, "the other way round");
            assert!(expected.is_none() || is_possible(one, other));
        };
        let destroyed = at(Fact::Destroyed, 20, 30);
        check(destroyed, at(Fact::Commissioned, 31, 40), OVER);
        check(destroyed, at(Fact::Commissioned, 30, 40), None);
        check(destroyed, at(Fact::Commissioned, 10, 19), None);
        let returned = at(Fact::Returned, 20, 20);
        check(returned, at(Fact::Commissioned, 10, 30), USED);
        check(returned, at(Fact::Commissioned, 21, 30), OVER);
        check(returned, at(Fact::Commissioned, 10, 19), USED);
        check(returned, at(Fact::Destroyed, 20, 20), None);
        check(at(Fact::Scrapped, 5, 5), at(Fact::Commissioned, 5, 5), TURN);
    }

    #[test]
    fn what_is_certainly_legal_needs_no_closer_look() {
        let encoded = at(Fact::Encoded, 10, 20);
        assert!(!is_possible(encoded, at(Fact::Commissioned, 21, 30)));
        assert!(is_possible(encoded, at(Fact::Commissioned, 20, 30)));
        assert!(is_possible(encoded, at(Fact::Commissioned, 1, 9)));
        assert!(!is_possible(encoded, at(Fact::Destroyed, 21, 30)));
    }
}
