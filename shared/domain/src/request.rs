//! A request for numbers, its identity and its hash (I3).

use crate::gln::Gln;
use crate::ids::{AllocationId, PoolId, RequestId, SystemId, length_prefixed_sha256};
use crate::object_key::ObjectKey;

/// What a caller asks for. Absent fields stay absent: the hash covers only what was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReserveRequest {
    /// The system of the caller's credential.
    pub requester: SystemId,
    /// The credential itself, for the audit record; no part of the request, which another credential of the system
    /// may repeat.
    pub credential: Option<String>,
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// What the numbers are to be numbers of.
    pub key: ObjectKey,
    /// How many numbers, at least 1.
    pub quantity: u64,
    /// The pool asked for; without it the hub chooses.
    pub pool_id: Option<PoolId>,
    /// The system whose line will print; the caller's own when absent.
    pub system_id: Option<SystemId>,
    /// The packaging line.
    pub line_gln: Option<Gln>,
    /// The plant.
    pub plant_gln: Option<Gln>,
    /// Further facts, in the order of [`DETAIL_FIELDS`].
    pub details: Details,
    /// How the numbers are wanted.
    pub terms: Terms,
}

/// How numbers are chosen and told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Consecutive numbers, told by the first and the last.
    #[default]
    Range,
    /// Consecutive numbers, told one by one.
    List,
    /// Numbers that nobody can guess, told one by one.
    Random,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Range, Self::List, Self::Random];

    /// The words of the schemes whose numbers can be told so: two ends tell no random numbers, and no others
    /// are random.
    #[must_use]
    pub const fn schemes(self) -> [&'static str; 3] {
        match self {
            Self::Range => ["sequential"; 3],
            Self::List => ["sequential", "randomised", "list"],
            Self::Random => ["randomised"; 3],
        }
    }

    /// The word used in items, requests and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::List => "list",
            Self::Random => "random",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// How the numbers are wanted; the default is a range of exactly the quantity, for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// How they are chosen and told.
    pub mode: Mode,
    /// Whether fewer than asked for will do.
    pub allow_partial: bool,
    /// The numbers are held this long, minutes, and given up unless the caller confirms.
    pub hold_minutes: Option<u32>,
}

/// The longest time that numbers are held for a confirmation, minutes: 30 days.
pub const HOLD_MINUTES_MAX: u32 = 43_200;

/// What is carried along with an allocation without deciding anything in the reservation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Batch or lot, AI (10).
    pub lot: Option<String>,
    /// Expiry date, `YYYY-MM-DD`.
    pub expiry: Option<String>,
    /// Production date, `YYYY-MM-DD`.
    pub manufactured: Option<String>,
    /// Work order.
    pub work_order: Option<String>,
    /// Purchase order.
    pub po_number: Option<String>,
    /// Line of the purchase order.
    pub po_line: Option<String>,
    /// The caller's reference.
    pub reference_id: Option<String>,
    /// The line's own name.
    pub line_id: Option<String>,
    /// `EA`, `PK`, `CA` or `PL`.
    pub packaging_level: Option<String>,
    /// EPC filter value as text, 0 to 7.
    pub filter_value: Option<String>,
}

/// The names of [`Details`]' fields, in items, requests and answers.
pub const DETAIL_FIELDS: [&str; 10] = [
    "lot",
    "expiry",
    "manufactured",
    "work_order",
    "po_number",
    "po_line",
    "reference_id",
    "line_id",
    "packaging_level",
    "filter_value",
];

impl Details {
    /// Names and values, in the order of [`DETAIL_FIELDS`].
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &Option<String>); 10] {
        let [lot, expiry, made, work_order, po, po_line, reference, line, level, filter] =
            DETAIL_FIELDS;
        [
            (lot, &self.lot),
            (expiry, &self.expiry),
            (made, &self.manufactured),
            (work_order, &self.work_order),
            (po, &self.po_number),
            (po_line, &self.po_line),
            (reference, &self.reference_id),
            (line, &self.line_id),
            (level, &self.packaging_level),
            (filter, &self.filter_value),
        ]
    }

    /// The same details built from a look-up by name.
    pub fn from_lookup(mut value: impl FnMut(&'static str) -> Option<String>) -> Self {
        Self {
            lot: value("lot"),
            expiry: value("expiry"),
            manufactured: value("manufactured"),
            work_order: value("work_order"),
            po_number: value("po_number"),
            po_line: value("po_line"),
            reference_id: value("reference_id"),
            line_id: value("line_id"),
            packaging_level: value("packaging_level"),
            filter_value: value("filter_value"),
        }
    }
}

/// The version of the hash below; a request stored with another version is compared as that version did.
pub const HASH_VERSION: &str = "1";

impl ReserveRequest {
    /// The allocation this request means, for ever.
    #[must_use]
    pub fn allocation_id(&self) -> AllocationId {
        AllocationId::of_request(&self.requester, &self.request_id)
    }

    /// The system whose line will print.
    #[must_use]
    pub fn target(&self) -> &SystemId {
        self.system_id.as_ref().unwrap_or(&self.requester)
    }

    /// The hash of the parsed body without absent fields, prefixed by its version.
    #[must_use]
    pub fn hash(&self) -> String {
        format!("{HASH_VERSION}:{}", data_encoding::HEXLOWER.encode(&self.digest()))
    }

    /// The first 128 bits of the hash, for places where many are kept together.
    #[must_use]
    pub fn short_hash(&self) -> [u8; 16] {
        let mut short = [0; 16];
        for (slot, byte) in short.iter_mut().zip(self.digest()) {
            *slot = byte;
        }
        short
    }

    fn digest(&self) -> [u8; 32] {
        let (key, quantity) = (self.key.to_string(), self.quantity.to_string());
        let of = match self.key {
            ObjectKey::Gtin(_) => "gtin",
            ObjectKey::Sscc(_) => "sscc",
        };
        let mut parts: Vec<&str> = vec![HASH_VERSION, of, key.as_str()];
        parts.extend(["quantity", quantity.as_str()]);
        let optional = [
            ("pool_id", self.pool_id.as_ref().map(PoolId::as_str)),
            ("system_id", self.system_id.as_ref().map(SystemId::as_str)),
            ("line_gln", self.line_gln.as_ref().map(Gln::as_str)),
            ("plant_gln", self.plant_gln.as_ref().map(Gln::as_str)),
        ];
        for (name, value) in optional {
            parts.extend(value.map(|value| [name, value]).into_iter().flatten());
        }
        for (name, value) in self.details.fields() {
            parts.extend(value.as_deref().map(|value| [name, value]).into_iter().flatten());
        }
        // A default that is said and one that is left out are the same request.
        let hold = self.terms.hold_minutes.map(|minutes| minutes.to_string());
        let said = [
            ("mode", (self.terms.mode != Mode::default()).then(|| self.terms.mode.as_str())),
            ("allow_partial", self.terms.allow_partial.then_some("true")),
            ("hold_minutes", hold.as_deref()),
        ];
        for (name, value) in said {
            parts.extend(value.map(|value| [name, value]).into_iter().flatten());
        }
        let bytes: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        length_prefixed_sha256(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> ReserveRequest {
        ReserveRequest {
            requester: SystemId::parse("L1").unwrap(),
            credential: None,
            request_id: RequestId::parse("R1").unwrap(),
            key: "00313000007772".parse().unwrap(),
            quantity: 5,
            pool_id: None,
            system_id: None,
            line_gln: None,
            plant_gln: None,
            details: Details::default(),
            terms: Terms::default(),
        }
    }

    #[test]
    fn i3_another_credential_of_the_system_asks_for_the_same() {
        let other = ReserveRequest { credential: Some("c2".into()), ..request() };
        assert_eq!(
            (other.hash(), other.allocation_id()),
            (request().hash(), request().allocation_id())
        );
    }

    #[test]
    fn every_field_changes_the_hash() {
        let base = request();
        let mut changed: Vec<ReserveRequest> = Vec::new();
        let mut with = |change: &dyn Fn(&mut ReserveRequest)| {
            let mut other = request();
            change(&mut other);
            changed.push(other);
        };
        with(&|r| r.quantity = 6);
        with(&|r| r.key = "00313000007789".parse().unwrap());
        with(&|r| r.key = "0355555.1".parse().unwrap());
        with(&|r| r.key = "0355555.2".parse().unwrap());
        with(&|r| r.pool_id = Some(PoolId::from_entropy([1; 17])));
        with(&|r| r.system_id = Some(SystemId::parse("L1").unwrap()));
        with(&|r| r.line_gln = Some(Gln::parse("0313000000018").unwrap()));
        with(&|r| r.plant_gln = Some(Gln::parse("0313000000018").unwrap()));
        for field in DETAIL_FIELDS {
            with(&|r| r.details = Details::from_lookup(|n| (n == field).then(|| "x".to_owned())));
        }
        with(&|r| r.terms.mode = Mode::List);
        with(&|r| r.terms.mode = Mode::Random);
        with(&|r| r.terms.allow_partial = true);
        with(&|r| r.terms.hold_minutes = Some(5));
        let mut hashes: Vec<String> = changed.iter().map(ReserveRequest::hash).collect();
        hashes.push(base.hash());
        let count = hashes.len();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
        assert!(changed.iter().all(|r| r.allocation_id() == base.allocation_id()));
    }
}
