//! What a line may say about a serial, and which EPCIS events say it.
//!
//! - Facts are only ever added (or retracted by an error declaration); the bucket a serial is
//!   counted in is derived from all its facts by one fixed precedence, so the order in which
//!   documents arrive cannot matter (I4, I5).
//! - An event that is not listed in [`fact_of`] says nothing about the ledger: it is counted.
//!
//! Sources: CBV 2.0 (business steps, dispositions), TraceLink's serial life cycle for `deactivated`
//! and `encoded`. The module does not know how an event was written or who sent it.

/// Something reported about a serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// Put on a pack that entered the supply chain.
    Commissioned,
    /// Written to a label or tag that is not yet a pack.
    Encoded,
    /// Its label was rejected by the line.
    Scrapped,
    /// Taken as a sample.
    Sampled,
    /// Taken off a pack.
    Decommissioned,
    /// The pack is destroyed.
    Destroyed,
    /// Given back unused.
    Returned,
    /// Declared never to be used.
    Deactivated,
}

impl Fact {
    /// All facts, in the order of precedence: the first one present decides the bucket.
    pub const BY_PRECEDENCE: [Self; 8] = [
        Self::Destroyed,
        Self::Decommissioned,
        Self::Sampled,
        Self::Scrapped,
        Self::Commissioned,
        Self::Encoded,
        Self::Returned,
        Self::Deactivated,
    ];

    /// The word used in items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commissioned => "commissioned",
            Self::Encoded => "encoded",
            Self::Scrapped => "scrapped",
            Self::Sampled => "sampled",
            Self::Decommissioned => "decommissioned",
            Self::Destroyed => "destroyed",
            Self::Returned => "returned",
            Self::Deactivated => "deactivated",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::BY_PRECEDENCE.into_iter().find(|fact| fact.as_str() == text)
    }

    /// Whether a pack carrying the serial may not be commissioned after this.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Sampled | Self::Decommissioned | Self::Destroyed | Self::Deactivated)
    }

    /// The position in [`Fact::BY_PRECEDENCE`].
    #[must_use]
    pub const fn rank(self) -> usize {
        match self {
            Self::Destroyed => 0,
            Self::Decommissioned => 1,
            Self::Sampled => 2,
            Self::Scrapped => 3,
            Self::Commissioned => 4,
            Self::Encoded => 5,
            Self::Returned => 6,
            Self::Deactivated => 7,
        }
    }
}

/// The kinds of event that can say something about an instance of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// An `ObjectEvent`.
    Object,
    /// A `TransactionEvent`.
    Transaction,
    /// Any other event: counted only.
    Other,
}

/// The words of an event that decide its fact, without the CBV prefix.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The kind of event.
    pub happening: Happening,
    /// `ADD`, `OBSERVE`, `DELETE`.
    pub action: Option<&'a str>,
    /// Such as `commissioning`.
    pub biz_step: Option<&'a str>,
    /// Such as `active`.
    pub disposition: Option<&'a str>,
}

/// The fact an event states about each EPC of its main list, or `None` when it states none.
///
/// Object ADD commissions under `commissioning`, or without a step under the disposition `active`;
/// under `reserving` or any other step it does not (CBV 2.0: a reserved identifier is not yet used).
/// Object DELETE ends a serial: `destroying` or disposition `destroyed`, `sampling`, everything
/// else `decommissioned`. Sampling may also be observed. Encoding is an object or a transaction
/// event of any action but DELETE.
#[must_use]
pub fn fact_of(words: &Words<'_>) -> Option<Fact> {
    let Words { happening, action, biz_step, disposition } = *words;
    if happening == Happening::Other {
        return None;
    }
    let object = happening == Happening::Object;
    match (action?, biz_step) {
        ("ADD", Some("commissioning")) if object => Some(Fact::Commissioned),
        ("ADD", None) if object && disposition == Some("active") => Some(Fact::Commissioned),
        ("ADD" | "OBSERVE", Some("encoding")) => Some(Fact::Encoded),
        ("OBSERVE" | "DELETE", Some("sampling")) if object => Some(Fact::Sampled),
        ("DELETE", Some("destroying")) if object => Some(Fact::Destroyed),
        ("DELETE", _) if object && disposition == Some("destroyed") => Some(Fact::Destroyed),
        ("DELETE", _) if object => Some(Fact::Decommissioned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_and_words_are_one_to_one() {
        for (at, fact) in Fact::BY_PRECEDENCE.into_iter().enumerate() {
            assert_eq!(fact.rank(), at);
            assert_eq!(Fact::parse(fact.as_str()), Some(fact));
        }
        assert_eq!(Fact::parse("sold"), None);
    }

    #[test]
    fn events_state_the_facts_of_the_table() {
        use Happening::{Object, Other, Transaction};
        let check = |happening, action, biz_step: &str, disposition: &str, fact| {
            let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
            let words = Words {
                happening,
                action: some(action),
                biz_step: some(biz_step),
                disposition: some(disposition),
            };
            assert_eq!(fact_of(&words), fact, "{words:?}");
        };
        check(Object, "ADD", "commissioning", "active", Some(Fact::Commissioned));
        check(Object, "ADD", "commissioning", "", Some(Fact::Commissioned));
        check(Object, "ADD", "", "active", Some(Fact::Commissioned));
        check(Object, "ADD", "", "", None);
        check(Object, "ADD", "reserving", "reserved", None);
        check(Object, "OBSERVE", "commissioning", "active", None);
        check(Object, "", "commissioning", "active", None);
        check(Transaction, "ADD", "encoding", "encoded", Some(Fact::Encoded));
        check(Object, "OBSERVE", "encoding", "encoded", Some(Fact::Encoded));
        check(Transaction, "ADD", "commissioning", "active", None);
        check(Object, "OBSERVE", "sampling", "", Some(Fact::Sampled));
        check(Object, "DELETE", "sampling", "inactive", Some(Fact::Sampled));
        check(Object, "DELETE", "decommissioning", "inactive", Some(Fact::Decommissioned));
        check(Object, "DELETE", "decommissioning", "destroyed", Some(Fact::Destroyed));
        check(Object, "DELETE", "destroying", "", Some(Fact::Destroyed));
        check(Object, "DELETE", "", "", Some(Fact::Decommissioned));
        check(Object, "OBSERVE", "shipping", "in_transit", None);
        check(Other, "ADD", "packing", "in_progress", None);
        check(Other, "DELETE", "unpacking", "", None);
        check(Transaction, "DELETE", "", "", None);
    }
}
