//! A posting next to what its document says of the block.

use domain::allocation::Allocation;
use domain::bitmap::BLOCK_SIZE;
use domain::fact::Fact;
use domain::finding::{Code, Finding, RANGES_MAX, SAMPLES_MAX, SerialRange, SpaceRuns};
use domain::ledger::{Draft, Posting};
use domain::numbering::Numbering;
use domain::pool::Scheme;
use domain::space::SpaceId;

/// What is wrong with a posting; `None` if it says what the document says.
#[must_use]
pub fn differences(posting: &Posting, said: &Draft) -> Option<String> {
    for fact in Fact::BY_PRECEDENCE {
        let (posted, named) = (posting.stated(fact), said.stated(fact));
        if posted != named {
            let (more, fewer) = (posted.difference(&named).len(), named.difference(&posted).len());
            let fact = fact.as_str();
            return Some(format!(
                "{fact}: {more} numbers of the posting are not in the document, {fewer} of the document \
                 not in the posting"
            ));
        }
    }
    if posting.retractions != said.retractions {
        return Some("takes back other facts than the document".to_owned());
    }
    (posting.groups != said.groups)
        .then(|| "has other lots, expiries or times than the document".to_owned())
}

/// The findings of a document about serials that are not posted.
#[derive(Debug, Default)]
pub struct Names {
    told: Vec<Told>,
}

#[derive(Debug)]
struct Told {
    gtin: Option<String>,
    /// First and last serial.
    ranges: Vec<(String, String)>,
    /// First and last index of random serials, by space.
    indexes: Vec<SpaceRuns>,
    /// It is about more serials than it names.
    cut: bool,
}

impl Names {
    /// Those of its findings that say why serials are not posted.
    #[must_use]
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let why = |finding: &&Finding| {
            matches!(
                finding.code,
                Code::NotReserved | Code::UnknownGtin | Code::WrongAllocationState
            )
        };
        let told = findings.into_iter().filter(why).map(|finding| {
            let ends = |range: &SerialRange| (range.from.clone(), range.to.clone());
            let runs = finding.indexes.iter().map(|of| of.runs.len());
            // A GTIN without a pool was foreign with all its serials; else the lists have limits.
            let cut = finding.code == Code::UnknownGtin
                || finding.ranges.len().saturating_add(runs.sum()) >= RANGES_MAX
                || finding.samples.len() >= SAMPLES_MAX;
            Told {
                gtin: finding.gtin.clone(),
                ranges: finding.ranges.iter().map(ends).collect(),
                indexes: finding.indexes.clone(),
                cut,
            }
        });
        Self { told: told.collect() }
    }

    fn names(&self, gtin: Option<&str>, first: &str, last: &str) -> bool {
        let about = |told: &&Told| told.gtin.as_deref() == gtin;
        self.told.iter().filter(about).any(|told| {
            told.cut
                || told.ranges.iter().any(|(from, to)| {
                    // Serials of one width sort as their numbers.
                    let same_width = from.len() == first.len();
                    same_width && from.as_str() <= first && last <= to.as_str()
                })
        })
    }

    /// The same of random serials, whose order is that of their indexes.
    fn names_indexes(
        &self,
        gtin: Option<&str>,
        space: SpaceId,
        (first, last): (u128, u128),
    ) -> bool {
        let about = |told: &&Told| told.gtin.as_deref() == gtin;
        self.told.iter().filter(about).any(|told| {
            let own = told.indexes.iter().filter(|of| of.space == space);
            told.cut || own.flat_map(|of| &of.runs).any(|(from, to)| *from <= first && last <= *to)
        })
    }
}

/// Whether it is in order that a block has no posting of a document that names its numbers: they were not
/// reserved for the sender when the document was judged, and a finding says so. Numbers that are not
/// commissioned raise no finding; there the allocation must be younger than the document.
#[must_use]
pub fn excused(
    names: &Names,
    allocation: &Allocation,
    said: (u32, &Draft),
    first_at: &str,
) -> bool {
    let (block, draft) = said;
    let commissioned = draft.stated(Fact::Commissioned);
    // Numbers that were offered again were somebody else's when the document was judged.
    let offered = allocation.reuse == domain::allocation::Reuse::Took;
    if commissioned.is_empty() || (offered && allocation.created_at.as_str() >= first_at) {
        return allocation.created_at.as_str() >= first_at;
    }
    let base = u128::from(block).saturating_mul(u128::from(BLOCK_SIZE));
    let base = allocation.start.saturating_add(base);
    let index = |offset: u16| base.saturating_add(u128::from(offset));
    // Findings about SSCCs name no GTIN, and the texts of SSCCs are in order of their numbers.
    let gtin = allocation.key.gtin().map(|gtin| gtin.to_string());
    commissioned.runs().all(|(first, last)| {
        let (first, last) = (index(first), index(last));
        match (allocation.scheme, Numbering::keyless(allocation.key, allocation.scheme)) {
            (Scheme::Randomised { space, .. }, _) => {
                names.names_indexes(gtin.as_deref(), space, (first, last))
            }
            (Scheme::Sequential { .. }, Some(numbering)) => {
                names.names(gtin.as_deref(), &numbering.text_of(first), &numbering.text_of(last))
            }
            (Scheme::Sequential { .. } | Scheme::List { .. }, _) => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use domain::allocation::AllocationStatus;
    use domain::bitmap::{BlockSet, Offset};
    use domain::finding::Subject;
    use domain::gtin::Gtin14;
    use domain::ids::{AllocationId, PoolId, RequestId, SystemId};
    use domain::ledger::Claim;
    use domain::request::Details;
    use domain::space::{Alphabet, SpaceForm};

    use super::*;

    const GTIN: &str = "00313000007772";
    const CREATED: &str = "2026-11-23T12:00:00.000Z";

    fn draft(fact: Fact, lot: &str, last: u32) -> Draft {
        let claim =
            Claim { fact, lot: Some(lot), expiry: None, time_ms: 7, ordinal: 1, is_bare: false };
        let span = BlockSet::span(Offset::new(0).unwrap(), Offset::new(last).unwrap());
        let mut draft = Draft::default();
        draft.assert_all(&claim, &span);
        draft
    }

    fn posting(draft: &Draft) -> Posting {
        Posting {
            groups: draft.groups.clone(),
            retractions: draft.retractions.clone(),
            ..Posting::default()
        }
    }

    #[test]
    fn a_posting_that_says_what_the_document_says_is_right() {
        let said = draft(Fact::Commissioned, "LOT1", 49);
        assert_eq!(differences(&posting(&said), &said), None);
    }

    #[test]
    fn one_number_more_or_fewer_is_told() {
        let said = draft(Fact::Commissioned, "LOT1", 49);
        let more = differences(&posting(&draft(Fact::Commissioned, "LOT1", 50)), &said).unwrap();
        assert!(more.starts_with("commissioned: 1 numbers of the posting are not in"), "{more}");
        let fewer = differences(&posting(&draft(Fact::Commissioned, "LOT1", 48)), &said).unwrap();
        assert!(
            fewer.contains("0 numbers of the posting") && fewer.contains(" 1 of the"),
            "{fewer}"
        );
        let none = differences(&posting(&said), &Draft::default()).unwrap();
        assert!(none.contains("50 numbers of the posting"), "{none}");
    }

    #[test]
    fn another_fact_lot_or_retraction_is_told() {
        let said = draft(Fact::Commissioned, "LOT1", 49);
        let fact = posting(&draft(Fact::Sampled, "LOT1", 49));
        assert!(differences(&fact, &said).unwrap().starts_with("sampled: 50 numbers"));
        let lot = posting(&draft(Fact::Commissioned, "LOT2", 49));
        assert_eq!(
            differences(&lot, &said).unwrap(),
            "has other lots, expiries or times than the document"
        );
        let mut back = said.clone();
        back.retractions.push((Fact::Sampled, BlockSet::new()));
        assert_eq!(
            differences(&posting(&said), &back).unwrap(),
            "takes back other facts than the document"
        );
    }

    fn allocation() -> Allocation {
        Allocation {
            id: AllocationId::parse("AAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap(),
            request_id: RequestId::parse("R1").unwrap(),
            request_hash: String::new(),
            requester: SystemId::parse("L1").unwrap(),
            system_id: SystemId::parse("L1").unwrap(),
            pool_id: PoolId::from_entropy([0; 17]),
            key: GTIN.parse().unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 6 },
            start: 1_000,
            size: 100_000,
            status: AllocationStatus::Active,
            line_gln: None,
            plant_gln: None,
            details: Details::default(),
            created_at: CREATED.into(),
            closed_at: None,
            requested: 100_000,
            mode: domain::request::Mode::Range,
            hold: None,
            reuse: domain::allocation::Reuse::None,
        }
    }

    fn names(code: Code, ranges: &[(&str, &str)]) -> Names {
        let subject =
            Subject { code, provisional: false, allocation_id: None, gtin: Some(GTIN.into()) };
        let mut finding = subject.finding(("sha", "L1"), 50);
        let range =
            |(from, to): &(&str, &str)| SerialRange { from: (*from).into(), to: (*to).into() };
        finding.ranges = ranges.iter().map(range).collect();
        Names::of([&finding])
    }

    #[test]
    fn only_a_finding_about_all_its_serials_excuses_a_missing_posting() {
        let said = draft(Fact::Commissioned, "LOT1", 49);
        let told = |names: &Names, block| excused(names, &allocation(), (block, &said), CREATED);
        // Block 1 begins at 1,000 + 32,768.
        let whole = names(Code::NotReserved, &[("033768", "033817")]);
        assert!(told(&whole, 1));
        assert!(!told(&whole, 0));
        assert!(!told(&names(Code::NotReserved, &[("033768", "033816")]), 1));
        assert!(!told(&names(Code::LotMismatch, &[("033768", "033817")]), 1));
        assert!(!told(&Names::default(), 1));
        assert!(told(&names(Code::UnknownGtin, &[]), 1));
    }

    #[test]
    fn random_serials_are_named_by_the_indexes_of_their_space() {
        let said = draft(Fact::Commissioned, "LOT1", 49);
        let gtin = Gtin14::parse(GTIN).unwrap();
        let form = |length| {
            SpaceForm::new("", Alphabet::custom("0123456789ABC").unwrap(), length).unwrap()
        };
        let space = |length| SpaceId::of(&gtin, &form(length));
        let scheme = Scheme::Randomised { space: space(12), form: form(12) };
        let random = Allocation { scheme, ..allocation() };
        let told = |length, runs: &[(u128, u128)], samples: usize| {
            let subject = Subject {
                code: Code::NotReserved,
                provisional: false,
                allocation_id: None,
                gtin: Some(GTIN.into()),
            };
            let mut finding = subject.finding(("sha", "L1"), 50);
            finding.indexes.push(SpaceRuns { space: space(length), runs: runs.to_vec() });
            finding.samples = vec!["urn:epc:id:sgtin:0313000.000777.A".into(); samples];
            excused(&Names::of([&finding]), &random, (1, &said), CREATED)
        };
        // Block 1 begins at 1,000 + 32,768.
        assert!(told(12, &[(33_768, 33_817)], 10));
        assert!(told(12, &[(5, 6), (33_000, 40_000)], 10));
        assert!(!told(12, &[(33_768, 33_816)], 10));
        assert!(!told(13, &[(33_768, 33_817)], 10), "indexes of another space");
        assert!(told(13, &[], SAMPLES_MAX), "cut");
    }

    #[test]
    fn numbers_that_are_not_commissioned_need_an_older_document() {
        let said = draft(Fact::Sampled, "LOT1", 49);
        let told = |first_at| excused(&Names::default(), &allocation(), (0, &said), first_at);
        assert!(told("2026-11-23T11:00:00.000Z"));
        assert!(!told("2026-11-23T13:00:00.000Z"));
    }
}
