//! A finding as an exception report of the Partnership for DSCSA Governance (PDG), version of April 2024.
//!
//! The report knows six kinds of exceptions between trading partners; [`part_of`] says which one a code of
//! ours is. What no kind fits goes into `other_errors` as a sentence, and so does what a kind would need
//! but is not known. Codes that tell only about our own work have no report. Decision 9 has the table.
//!
//! The same finding in the same version gives the same report, ids included.

mod shape;

use domain::allocation::Allocation;
use domain::epc::{Epc, parse_epc};
use domain::finding::{Code, Finding, FindingStatus};
use domain::gtin::Gtin14;
use store::finding::FindingCase;
use store::time::parse_rfc3339;
use uuid::Uuid;

pub(crate) use self::shape::Report;
use self::shape::{
    Contact, DataMisalignment, Exceptions, GtinError, MasterDataErrors, MissingProductData, Overage,
};

/// Serials that are listed one by one at the most; more are told as ranges.
pub(super) const SERIALS_MAX: usize = 1_000;
/// Ranges that a sentence names.
const RANGES_MAX: usize = 100;
/// What stands where a text must be and nothing is known.
const UNKNOWN: &str = "unknown";
/// What is asked of the other side: that it report the truth.
const RESOLUTION: &str = "Send new data";

/// The part of a report that tells of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Product without data.
    MissingProductData,
    /// Product and data differ.
    DataMisalignment,
    /// More product than ordered.
    Overages,
    /// A GTIN that is no good.
    GtinErrors,
    /// A sentence.
    OtherErrors,
    /// There is no report.
    None,
}

/// Which part of a report tells of a code, and the code in words.
pub(super) const fn part_of(code: Code) -> (Part, &'static str) {
    match code {
        Code::NotReserved => (Part::MissingProductData, "commissioned, but never reserved"),
        Code::LotMismatch => (Part::DataMisalignment, "lot differs from the reservation's"),
        Code::ExpiryMismatch => (Part::DataMisalignment, "expiry differs from the reservation's"),
        Code::AlreadyCommissioned => {
            (Part::DataMisalignment, "commissioned before with another lot or expiry")
        }
        Code::OverRun => (Part::Overages, "more commissioned than reserved"),
        Code::UnknownGtin => (Part::GtinErrors, "GTIN without serial numbers here"),
        Code::BadCheckDigit => (Part::GtinErrors, "check digit is wrong"),
        Code::WrongAllocationState => {
            (Part::OtherErrors, "commissioned from a voided or closed reservation")
        }
        Code::NotProvisionedForLocation => (Part::OtherErrors, "reserved for another system"),
        Code::RecommissionAfterTerminal => (Part::OtherErrors, "commissioned after their end"),
        Code::GivenBackAndUsed => (Part::OtherErrors, "given back as unused, and used"),
        Code::NeverCommissioned => (Part::OtherErrors, "ended without having been commissioned"),
        Code::EventsOutOfOrder => (Part::OtherErrors, "events in an order that does not happen"),
        Code::InvalidSsccCheckDigit => (Part::OtherErrors, "check digit of an SSCC is wrong"),
        Code::InvalidEpcUri => (Part::OtherErrors, "identifier is no valid EPC"),
        Code::LeadingZeroStripped => (Part::OtherErrors, "serial lost its leading zeros"),
        Code::DuplicateInFile => (Part::OtherErrors, "the same serial twice in one file"),
        Code::Gone => (Part::OtherErrors, "the file was deleted before it could be read"),
        Code::LineGlnMismatch => (Part::OtherErrors, "place is not that of the reservation"),
        Code::AllocationMismatch => (Part::OtherErrors, "reported for another reservation"),
        Code::MissingLot => (Part::OtherErrors, "commissioned without a lot"),
        Code::MissingExpiry => (Part::OtherErrors, "commissioned without an expiry"),
        Code::FutureEventTime => (Part::OtherErrors, "event time lies in the future"),
        Code::EobCountMismatch => (Part::None, "another quantity reported than commissioned"),
        Code::YieldOutOfTolerance => (Part::None, "the yield of the batch is out of tolerance"),
        Code::FindingsTruncated => (Part::None, "findings were cut"),
        Code::DuplicateTransmission => (Part::None, "the same content arrived again"),
        Code::InternalGap => (Part::None, "numbers without a fate in between"),
    }
}

/// Lot and expiry of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Goods {
    pub(super) lot: Option<String>,
    /// `YYYY-MM-DD`.
    pub(super) expiry: Option<String>,
}

/// Serials of which a document says one thing and the records another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) reported: Goods,
    pub(super) recorded: Goods,
    /// One by one; `None` where there are too many.
    pub(super) serials: Option<Vec<String>>,
}

/// What is known beside the finding itself.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) allocation: Option<Allocation>,
    pub(super) differences: Vec<Difference>,
    /// The random serials of the finding; `None` when they are too many or not all known.
    pub(super) randomised: Option<Vec<String>>,
}

/// Who sends the report and about which order.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) email: String,
    pub(super) phone: Option<String>,
    pub(super) po_number: Option<String>,
}

/// The report of a finding; `None` for a code that has none.
pub(super) fn report(case: &FindingCase, evidence: &Evidence, sender: Sender) -> Option<Report> {
    let finding = &case.record.finding;
    let (part, _) = part_of(finding.code);
    if part == Part::None {
        return None;
    }
    // The provisional finding and the final one that it became are one case.
    let case_id = case.continues.as_deref().unwrap_or(&finding.id);
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://pharmatrace.dev/findings");
    let case_uuid = Uuid::new_v5(&namespace, case_id.as_bytes());
    let version = case.version.to_string();
    let resolved = finding.status == FindingStatus::Resolved;
    // A report that closes its case repeats no exception.
    let (exceptions, other_errors) = if resolved {
        (Exceptions::default(), Vec::new())
    } else {
        let told = Told { finding, evidence, case_uuid };
        told.exceptions(part)
    };
    let allocation = evidence.allocation.as_ref();
    let ordered = allocation.and_then(|allocation| allocation.details.po_number.clone());
    let plant = allocation.and_then(|allocation| allocation.plant_gln.as_ref());
    let at = case.changed_at.as_deref().unwrap_or(&case.record.at);
    Some(Report {
        message_uuid: Uuid::new_v5(&case_uuid, version.as_bytes()).to_string(),
        exception_case_uuid: case_uuid.to_string(),
        timestamp: parse_rfc3339(at).map_or(0, time::OffsetDateTime::unix_timestamp),
        po_number: sender.po_number.or(ordered).unwrap_or_default(),
        sender_information: Contact {
            gln: plant.map(|gln| gln.as_str().to_owned()),
            email: sender.email,
            phone: sender.phone,
        },
        exceptions,
        other_errors: (!other_errors.is_empty()).then_some(other_errors),
        case_resolved: resolved,
    })
}

/// What is to be told.
struct Told<'a> {
    finding: &'a Finding,
    evidence: &'a Evidence,
    case_uuid: Uuid,
}

impl Told<'_> {
    fn exceptions(&self, part: Part) -> (Exceptions, Vec<String>) {
        let mut exceptions = Exceptions::default();
        let whole = match part {
            Part::MissingProductData => self.missing_product_data(&mut exceptions),
            Part::DataMisalignment => self.data_misalignment(&mut exceptions),
            Part::Overages => self.overages(&mut exceptions),
            Part::GtinErrors => self.gtin_errors(&mut exceptions),
            Part::OtherErrors | Part::None => false,
        };
        // What the exceptions do not say in full is said in a sentence.
        (exceptions, if whole { Vec::new() } else { vec![self.sentence()] })
    }

    fn item(&self, name: &str) -> String {
        Uuid::new_v5(&self.case_uuid, name.as_bytes()).to_string()
    }

    fn missing_product_data(&self, exceptions: &mut Exceptions) -> bool {
        let Some(gtin) = &self.finding.gtin else { return false };
        let serials = serials_of(self.finding, self.evidence.randomised.as_deref());
        let whole = serials.is_some();
        let each: Vec<Option<String>> =
            serials.map_or_else(|| vec![None], |list| list.into_iter().map(Some).collect());
        let item = |serial: Option<String>| MissingProductData {
            exception_item_uuid: self.item(serial.as_deref().unwrap_or_default()),
            product_gtin: gtin.clone(),
            observation_source: "Other",
            resolution_request: RESOLUTION,
            product_serial: serial,
        };
        exceptions.missing_product_data = each.into_iter().map(item).collect();
        whole
    }

    fn data_misalignment(&self, exceptions: &mut Exceptions) -> bool {
        let Some(gtin) = &self.finding.gtin else { return false };
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| UNKNOWN.to_owned());
        let mut whole = !self.evidence.differences.is_empty();
        for (number, difference) in self.evidence.differences.iter().enumerate() {
            let serials = difference.serials.as_ref();
            whole &= serials.is_some();
            let each: Vec<Option<&String>> =
                serials.map_or_else(|| vec![None], |list| list.iter().map(Some).collect());
            let (reported, recorded) = (&difference.reported, &difference.recorded);
            let items = each.into_iter().map(|serial| {
                let name = serial.cloned().unwrap_or_default();
                DataMisalignment {
                    exception_item_uuid: self.item(&format!("{number} {name}")),
                    received_product_gtin: gtin.clone(),
                    received_product_lot: text(&reported.lot),
                    received_product_expiry: text(&reported.expiry),
                    received_product_serial: serial.cloned(),
                    product_data_gtin: gtin.clone(),
                    product_data_lot: text(&recorded.lot),
                    product_data_expiry: text(&recorded.expiry),
                    product_data_serial: serial.cloned(),
                    resolution_request: RESOLUTION,
                }
            });
            exceptions.data_misalignment.extend(items);
        }
        whole
    }

    fn overages(&self, exceptions: &mut Exceptions) -> bool {
        let Some(allocation) = &self.evidence.allocation else { return false };
        // The form is about trade items.
        let Some(gtin) = allocation.key.gtin() else { return false };
        exceptions.overages.push(Overage {
            exception_item_uuid: self.item("overage"),
            gtin: gtin.to_string(),
            quantity_ordered: allocation.size,
            quantity_received: allocation.size.saturating_add(self.finding.count),
            resolution_request: RESOLUTION,
        });
        true
    }

    fn gtin_errors(&self, exceptions: &mut Exceptions) -> bool {
        let mut gtins: Vec<String> = match &self.finding.gtin {
            Some(gtin) => vec![gtin.clone()],
            None => self.finding.samples.iter().filter_map(|text| gtin_in(text)).collect(),
        };
        // Only a code about the GTIN itself is told in full by naming it.
        let whole = self.finding.gtin.is_some();
        gtins.sort();
        gtins.dedup();
        let item = |gtin: String| GtinError {
            exception_item_uuid: self.item(&gtin),
            invalid_gtin: gtin,
            resolution_request: RESOLUTION,
        };
        let gtin_errors: Vec<GtinError> = gtins.into_iter().map(item).collect();
        if !gtin_errors.is_empty() {
            exceptions.master_data_errors = Some(MasterDataErrors { gtin_errors });
        }
        whole
    }

    /// The finding in one sentence, with its ranges and samples.
    fn sentence(&self) -> String {
        let finding = self.finding;
        let (_, words) = part_of(finding.code);
        let mut parts = vec![format!("{}: {words}", finding.code.as_str())];
        parts.push(format!("{} in all", finding.count));
        parts.extend(finding.gtin.as_ref().map(|gtin| format!("GTIN {gtin}")));
        parts.extend(finding.allocation_id.as_ref().map(|id| format!("reservation {id}")));
        for range in finding.ranges.iter().take(RANGES_MAX) {
            parts.push(format!("serials {} to {}", range.from, range.to));
        }
        let random = finding.indexes.iter().flat_map(|of| &of.runs);
        for (first, last) in random.take(RANGES_MAX) {
            parts.push(format!("random serials {first} to {last} of the pool"));
        }
        let more = finding.ranges.len().saturating_sub(RANGES_MAX);
        parts.extend((more > 0).then(|| format!("and {more} more ranges")));
        parts.extend(finding.samples.iter().map(|sample| format!("such as {sample}")));
        parts.join("; ")
    }
}

/// All serials of a finding; `None` when they are too many or not all known.
fn serials_of(finding: &Finding, randomised: Option<&[String]>) -> Option<Vec<String>> {
    let is_random = !finding.indexes.is_empty();
    let mut serials = if is_random { randomised?.to_vec() } else { Vec::new() };
    for range in &finding.ranges {
        let (from, to): (u128, u128) = (range.from.parse().ok()?, range.to.parse().ok()?);
        let room = SERIALS_MAX.saturating_sub(serials.len());
        if to.saturating_sub(from) >= u128::try_from(room).unwrap_or(0) {
            return None;
        }
        let width = range.from.len();
        serials.extend((from..=to).map(|index| format!("{index:0width$}")));
    }
    for sample in &finding.samples {
        let Ok(Epc::Sgtin(sgtin)) = parse_epc(sample) else { return None };
        // Samples of a finding about random serials are some of these, or were received besides.
        let serial = sgtin.serial.into_owned();
        if finding.indexes.is_empty() || !serials.contains(&serial) {
            serials.push(serial);
        }
    }
    let count = u64::try_from(serials.len()).unwrap_or(u64::MAX);
    (count == finding.count && serials.len() <= SERIALS_MAX).then_some(serials)
}

/// The GTIN with a wrong check digit in a Digital Link.
fn gtin_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("/01/")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let wrong = (8..=14).contains(&digits.len()) && Gtin14::parse_padded(&digits).is_err();
    wrong.then_some(digits)
}
