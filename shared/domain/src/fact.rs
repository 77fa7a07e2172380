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

/// What is stated of a serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The fact.
    pub fact: Fact,
    /// It is said of a number or of a label, not of a pack: nothing follows for what came before it.
    pub is_bare: bool,
}

impl Statement {
    /// Said of a pack.
    #[must_use]
    pub const fn of_pack(fact: Fact) -> Self {
        Self { fact, is_bare: false }
    }

    /// Said of a number or of a label.
    #[must_use]
    pub const fn of_number(fact: Fact) -> Self {
        Self { fact, is_bare: true }
    }
}

/// The events of OPC 30260 (OPEN-SCS) that change the state of a serial, by the names of its methods, as
/// vendors put them into a business step: CBV has no word for what happens to a label or to an unused
/// number. Inspecting changes no state, shipping is none of the ledger's.
const OPEN_SCS_EVENTS: [(&str, Statement); 9] = [
    ("LabelsEncodingEvent", Statement::of_number(Fact::Encoded)),
    ("LabelsScrappingEvent", Statement::of_number(Fact::Scrapped)),
    ("LabelsSamplingEvent", Statement::of_number(Fact::Sampled)),
    ("SIDCommissioningEvent", Statement::of_pack(Fact::Commissioned)),
    ("SIDDecommissioningEvent", Statement::of_pack(Fact::Decommissioned)),
    ("SIDDestroyingEvent", Statement::of_pack(Fact::Destroyed)),
    ("SNInvalidatingEvent", Statement::of_number(Fact::Deactivated)),
    ("SNReturnAllocated", Statement::of_number(Fact::Returned)),
    ("SNReturnUnallocated", Statement::of_number(Fact::Returned)),
];

/// The states of OPC 30260 (`OPENSCSSerialNumberStateEnum`) that no CBV disposition names.
const OPEN_SCS_STATES: [(&str, Statement); 3] = [
    ("LabelScrapped", Statement::of_number(Fact::Scrapped)),
    ("LabelSampled", Statement::of_number(Fact::Sampled)),
    ("SNInvalid", Statement::of_number(Fact::Deactivated)),
];

/// The last part of a private URI, or the whole of a bare word, looked up.
fn open_scs(text: Option<&str>, names: &[(&str, Statement)]) -> Option<Statement> {
    let word = text?.rsplit([':', '/', '#']).next()?;
    let known = names.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    known.map(|(_, statement)| *statement)
}

/// What an event states about each EPC of its main list, or `None` when it states nothing.
///
/// | Event | Step or disposition | States | Source |
/// |---|---|---|---|
/// | Object ADD | `commissioning`, or no step and `active` | commissioned | CBV 7.1.3, 7.2.3 |
/// | Object, Transaction ADD, OBSERVE | `encoding` | encoded | CBV |
/// | Object, Transaction DELETE | `encoding` | label scrapped: what was written is no more | ours |
/// | Object OBSERVE, DELETE | `sampling` | sampled; with `encoded` a label | CBV; ours |
/// | Object DELETE | `destroying`, or `destroyed` | destroyed | CBV |
/// | Object DELETE | `reserving` | returned: the reservation is taken back | ours |
/// | Object DELETE | everything else | decommissioned | CBV `decommissioning`, `inactive` |
/// | Object, Transaction | a name of OPC 30260 | see [`OPEN_SCS_EVENTS`], [`OPEN_SCS_STATES`] | OPC 30260 |
///
/// An ADD under `reserving` or any other step states nothing (CBV: a reserved identifier is not yet used),
/// nor do the dispositions `returned` and `non_sellable_other`: they are of goods that come back, not of
/// unused numbers. `killing` ends a tag; its serial may live on.
#[must_use]
pub fn fact_of(words: &Words<'_>) -> Option<Statement> {
    let Words { happening, action, biz_step, disposition } = *words;
    if happening == Happening::Other {
        return None;
    }
    let object = happening == Happening::Object;
    let action = action?;
    match (action, biz_step) {
        ("ADD", Some("commissioning")) if object => Some(Statement::of_pack(Fact::Commissioned)),
        ("ADD", None) if object && disposition == Some("active") => {
            Some(Statement::of_pack(Fact::Commissioned))
        }
        ("ADD" | "OBSERVE", Some("encoding")) => Some(Statement::of_number(Fact::Encoded)),
        ("DELETE", Some("encoding")) => Some(Statement::of_number(Fact::Scrapped)),
        ("OBSERVE" | "DELETE", Some("sampling")) if object => {
            Some(Statement { fact: Fact::Sampled, is_bare: disposition == Some("encoded") })
        }
        ("DELETE", Some("destroying")) if object => Some(Statement::of_pack(Fact::Destroyed)),
        ("DELETE", Some("reserving")) if object => Some(Statement::of_number(Fact::Returned)),
        _ => {
            let named = open_scs(biz_step, &OPEN_SCS_EVENTS);
            let named = named.or_else(|| open_scs(disposition, &OPEN_SCS_STATES));
            named.or_else(|| (action == "DELETE" && object).then(|| ended(disposition)))
        }
    }
}

/// What a DELETE says whose step says nothing.
fn ended(disposition: Option<&str>) -> Statement {
    let destroyed = disposition == Some("destroyed");
    Statement::of_pack(if destroyed { Fact::Destroyed } else { Fact::Decommissioned })
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
            assert_eq!(fact_of(&words).map(|stated| stated.fact), fact, "{words:?}");
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
        check(Object, "OBSERVE", "receiving", "returned", None);
        check(Object, "OBSERVE", "killing", "", None);
        check(Object, "DELETE", "reserving", "", Some(Fact::Returned));
        check(Object, "DELETE", "encoding", "", Some(Fact::Scrapped));
        check(Transaction, "DELETE", "encoding", "", Some(Fact::Scrapped));
        check(Object, "OBSERVE", "sampling", "encoded", Some(Fact::Sampled));
        // OPC 30260, as a bare word and at the end of a private URI.
        let private = "https://vendor.example/bizstep/LabelsScrappingEvent";
        check(Object, "OBSERVE", private, "", Some(Fact::Scrapped));
        check(Object, "DELETE", "labelsscrappingevent", "", Some(Fact::Scrapped));
        check(Object, "OBSERVE", "urn:x:LabelsSamplingEvent", "", Some(Fact::Sampled));
        check(Object, "OBSERVE", "inspecting", "urn:x:LabelScrapped", Some(Fact::Scrapped));
        check(Object, "OBSERVE", "", "LabelSampled", Some(Fact::Sampled));
        check(Object, "DELETE", "", "SNInvalid", Some(Fact::Deactivated));
        check(Object, "DELETE", "SNInvalidatingEvent", "", Some(Fact::Deactivated));
        check(Object, "DELETE", "SNReturnAllocated", "", Some(Fact::Returned));
        check(Transaction, "ADD", "LabelsEncodingEvent", "", Some(Fact::Encoded));
        check(Object, "ADD", "SIDCommissioningEvent", "", Some(Fact::Commissioned));
        check(Object, "OBSERVE", "SIDDestroyingEvent", "", Some(Fact::Destroyed));
        check(Object, "OBSERVE", "SIDInspectingEvent", "", None);
        check(Other, "OBSERVE", "LabelsScrappingEvent", "", None);
    }

    #[test]
    fn what_is_said_of_labels_and_numbers_is_told_from_packs() {
        let check = |biz_step, disposition, is_bare| {
            let words = Words {
                happening: Happening::Object,
                action: Some("DELETE"),
                biz_step: Some(biz_step),
                disposition: Some(disposition),
            };
            assert_eq!(fact_of(&words).map(|stated| stated.is_bare), Some(is_bare), "{words:?}");
        };
        check("sampling", "encoded", true);
        check("sampling", "inactive", false);
        check("LabelsSamplingEvent", "inactive", true);
        check("encoding", "", true);
        check("reserving", "", true);
        check("destroying", "destroyed", false);
        check("decommissioning", "inactive", false);
    }
}
