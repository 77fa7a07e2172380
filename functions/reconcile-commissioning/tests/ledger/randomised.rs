//! Random serials: found like others, in whatever batches their texts are deciphered.

use std::sync::{Arc, LazyLock};

use domain::finding::Code;
use domain::gtin::Gtin14;
use domain::ids::{PoolId, RequestId};
use domain::ledger::Bucket;
use domain::numbering::Numbering;
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, Mode, ReserveRequest, Terms};
use domain::space::{Alphabet, Characters, SpaceCipher, SpaceForm, SpaceId, SpaceKey};
use epcis::{Limits, inflate};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reconcile_commissioning::catalog::Catalog;
use reconcile_commissioning::fold::Fold;
use reconcile_commissioning::plan::Plan;
use sha2::Digest as _;
use store::client::{AwsSettings, https};
use store::kms::Kms;
use testkit::KeyService;
use tokio::runtime::Runtime;

use crate::bench::{Bench, Event, GTIN, NOW, NOW_TEXT, PLACES, STEM, commission, document, system};

/// A product all of whose pools are of one space.
const OTHER_GTIN: &str = "00313000007789";
const OTHER_STEM: &str = "urn:epc:id:sgtin:0313000.000778.";
const FIRST: u128 = 5_000;
const LAST: u128 = 104_999;

/// The bench's table with pools of random serials beside the sequential one.
struct World {
    bench: Bench,
    _service: KeyService,
    numbering: Numbering,
    other: Numbering,
    /// Of the same form as `numbering`, with another key.
    stranger: Numbering,
}

fn form(length: u8) -> SpaceForm {
    let alphabet = Alphabet::of(&[Characters::Digits, Characters::Upper], false).unwrap();
    SpaceForm::new("A", alphabet, length).unwrap()
}

fn gtin(text: &str) -> Gtin14 {
    Gtin14::parse(text).unwrap()
}

fn scheme(of: &str, length: u8) -> Scheme {
    let form = form(length);
    Scheme::Randomised { space: SpaceId::of(&gtin(of), &form), form }
}

impl World {
    async fn start() -> Self {
        let mut bench = Bench::start().await;
        let service = KeyService::start().await;
        let endpoint = Some(service.endpoint().to_owned());
        let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
        bench.store =
            bench.store.clone().with_kms(Kms::new(&settings, &https(), service.key_arn()));
        // Two pools of one space, and one of another product.
        for (id, of, from, to) in [
            (21, GTIN, FIRST, LAST),
            (22, GTIN, LAST + 1, LAST + 10_000),
            (23, OTHER_GTIN, 0, 99_999),
        ] {
            let draft = PoolDraft {
                name: "random".to_owned(),
                key: gtin(of).into(),
                company_prefix_length: 7,
                scheme: scheme(of, 10),
                eu_rules: false,
                from,
                to,
                max_request: 100_000,
                threshold: 0,
                policy: domain::policy::PoolPolicy::default(),
            };
            bench.store.pool_create(PoolId::from_entropy([id; 17]), draft, NOW_TEXT).await.unwrap();
        }
        let numbering = bench.store.numbering(&gtin(GTIN), scheme(GTIN, 10)).await.unwrap();
        let other = bench.store.numbering(&gtin(OTHER_GTIN), scheme(OTHER_GTIN, 10)).await.unwrap();
        let stranger =
            SpaceCipher::new(form(10), &gtin(GTIN), &SpaceKey::from_bytes([9; 32])).unwrap();
        let stranger = Numbering::Randomised(Arc::new(stranger));
        Self { bench, _service: service, numbering, other, stranger }
    }

    async fn reserve(
        &self,
        request: &str,
        (of, pool): (&str, u8),
        (by, quantity): (&str, u64),
    ) -> domain::allocation::Allocation {
        let details = Details {
            lot: Some("LOT42".to_owned()),
            expiry: Some("2028-10-31".to_owned()),
            ..Details::default()
        };
        let request = ReserveRequest {
            requester: system(by),
            credential: None,
            request_id: RequestId::parse(request).unwrap(),
            key: gtin(of).into(),
            quantity,
            pool_id: None,
            system_id: None,
            line_gln: None,
            plant_gln: None,
            details,
            terms: Terms { mode: Mode::Random, ..Terms::default() },
        };
        let pools = [PoolId::from_entropy([pool; 17])];
        self.bench.store.reserve(&request, &pools, NOW_TEXT).await.unwrap().allocation
    }

    fn texts(&self, from: u128, count: u64) -> Vec<String> {
        let texts = self.numbering.texts(from, count);
        texts.into_iter().map(|text| format!("{STEM}{text}")).collect()
    }
}

fn sha_of(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(text.as_bytes()))
}

fn bare(epcs: Vec<String>) -> Event {
    Event { places: "", ..commission(epcs) }
}

#[tokio::test]
async fn random_serials_are_told_from_those_of_another_key() {
    let world = World::start().await;
    let own = world.reserve("R1", (GTIN, 21), ("L1", 200)).await;
    let theirs = world.reserve("R2", (GTIN, 21), ("L2", 10)).await;
    assert_eq!((own.start, theirs.start), (FIRST, FIRST + 200));
    let mut epcs = world.texts(FIRST, 150);
    // Of L2, not reserved yet, of the space but of no pool, of another key, of no space.
    epcs.extend(world.texts(FIRST + 200, 3));
    epcs.extend(world.texts(FIRST + 1_000, 2));
    epcs.extend(world.texts(7_000_000, 1));
    epcs.extend(world.stranger.texts(FIRST, 5).into_iter().map(|text| format!("{STEM}{text}")));
    epcs.push(format!("{STEM}Aaaaaaaaaaa"));
    let text = document(&[bare(epcs)]);
    let report = world.bench.send("L1", &text).await;
    assert_eq!((report.applied.matched, report.unmatched, report.provisional), (150, 12, 2));
    assert_eq!(world.bench.count(&own, Bucket::Commissioned).await, 150);
    assert_eq!(world.bench.count(&theirs, Bucket::Commissioned).await, 0);
    let found = |code, provisional| {
        let mut of = report.findings.iter();
        of.find(|f| f.code == code && f.provisional == provisional).unwrap()
    };
    let Scheme::Randomised { space, .. } = own.scheme else { panic!("{own:?}") };
    let foreign = found(Code::NotProvisionedForLocation, false);
    assert_eq!((foreign.count, foreign.ranges.len()), (3, 0), "ends of random texts tell nothing");
    assert_eq!(foreign.indexes[0].space, space);
    assert_eq!(foreign.indexes[0].runs, [(FIRST + 200, FIRST + 202)]);
    assert_eq!(foreign.samples, world.texts(FIRST + 200, 3));
    let early = found(Code::NotReserved, true);
    assert_eq!(early.indexes[0].runs, [(FIRST + 1_000, FIRST + 1_001)]);
    let never = found(Code::NotReserved, false);
    assert_eq!(never.count, 7);
    assert!(never.samples.contains(&format!("{STEM}Aaaaaaaaaaa")));
    assert!(never.indexes[0].runs.contains(&(7_000_000, 7_000_000)));
    let sha = sha_of(&text);
    let kept = world.bench.store.document_findings(&sha).await.unwrap();
    assert!(kept.iter().any(|record| record.finding == *never), "kept as it was found: {kept:?}");
    assert!(!report.findings.iter().any(|f| matches!(f.code, Code::InternalGap | Code::OverRun)));
}

/// A text of an event of a document.
#[derive(Debug, Clone)]
enum Named {
    Sequential(u128),
    Random(u128),
    Other(u128),
    Stranger(u128),
    Text(&'static str),
}

fn named() -> impl Strategy<Value = Named> {
    // Reserved for both systems, above the cursors, outside of the pools.
    prop_oneof![
        3 => (1_000_u128..2_500).prop_map(Named::Sequential),
        6 => (FIRST..FIRST + 1_500).prop_map(Named::Random),
        1 => prop_oneof![LAST - 2..LAST + 200, 0..20_u128, 9_000_000..9_000_100_u128]
            .prop_map(Named::Random),
        3 => (0_u128..1_200).prop_map(Named::Other),
        1 => (0_u128..5_000).prop_map(Named::Stranger),
        1 => prop::sample::select(vec![
            "urn:epc:id:sgtin:0313000.000777.1001",
            "urn:epc:id:sgtin:0313000.000777.A123",
            "urn:epc:id:sgtin:0313000.000777.Aaaaaaaaaaa",
            "urn:epc:id:sgtin:0313000.000778.000000001001",
            "urn:epc:id:sgtin:0313000.000778.a%2Fb",
            "urn:epc:id:sgtin:0399999.000778.A23456789BC",
            "https://id.gs1.org/01/00313000007772/21/A23456789BC",
            "https://id.gs1.org/01/00313000007771/21/A23456789BC",
            "urn:epc:id:sscc:0313000.0000000001",
            "nothing",
        ]).prop_map(Named::Text),
    ]
}

/// An event of a document: its kind, what it says beside its serials, its minute, and what it names.
type Draft = (u8, u8, u8, Vec<Named>);

/// Mostly events of one or a few serials, as lines send them, some of many, and some of none.
fn events() -> impl Strategy<Value = Vec<Draft>> {
    let few = prop::collection::vec(named(), 0..4);
    let many = prop::collection::vec(named(), 0..200);
    // One random serial, again and again: these wait for each other.
    let alike = (FIRST..FIRST + 900).prop_map(|index| vec![Named::Random(index)]);
    let names = prop_oneof![2 => few, 1 => many, 5 => alike];
    // Mostly the same is said of them.
    let kind = prop_oneof![12 => Just(0_u8), 4 => 1_u8..8];
    let beside = prop_oneof![8 => Just(0_u8), 2 => 1_u8..7];
    prop::collection::vec((kind, beside, 0_u8..20, names), 1..120)
}

/// More of them than groups of one fact and lot are kept apart, and one that is yet to come.
const TIMES: [&str; 11] = [
    "2026-11-23T10:00:00.000Z",
    "2026-11-23T10:01:00.000Z",
    "2026-11-23T10:02:00.000Z",
    "2026-11-23T10:03:00.000Z",
    "2026-11-23T10:04:00.000Z",
    "2026-11-23T10:05:00.000Z",
    "2026-11-23T10:06:00.000Z",
    "2026-11-23T10:07:00.000Z",
    "2026-11-23T10:08:00.000Z",
    "2026-11-23T10:09:00.000Z",
    "2027-01-01T00:00:00.000Z",
];

/// Commissioned, ended, taken back, commissioned as a label, or nothing of ours.
fn of_kind(kind: u8, event: Event) -> Event {
    match kind {
        0 | 1 => event,
        2 => Event { action: "DELETE", step: "decommissioning", ..event },
        3 => Event { action: "DELETE", step: "destroying", ilmd: "", ..event },
        4 => Event { action: "OBSERVE", step: "packing", ..event },
        5 => Event { action: "DELETE", step: "decommissioning", error: true, ..event },
        _ => Event { error: true, ..event },
    }
}

/// What an event says beside its serials, which decides groups and remarks.
fn said(beside: u8, event: Event) -> Event {
    const OTHER_LOT: &str = "<extension><ilmd><c:lotNumber>LOT43</c:lotNumber>\
        <c:itemExpirationDate>2028-10-31</c:itemExpirationDate></ilmd></extension>";
    match beside {
        0 => event,
        1 => Event { ilmd: OTHER_LOT, ..event },
        2 => Event { ilmd: "", ..event },
        3 => Event { places: PLACES, ..event },
        4 => Event { places: OTHER_PLACE, ..event },
        // Longer than what is held.
        _ => Event { places: long_place(), ..event },
    }
}

const OTHER_PLACE: &str = "<readPoint><id>urn:epc:id:sgln:0313000.00002.9</id></readPoint>";

fn long_place() -> &'static str {
    static PLACE: LazyLock<String> =
        LazyLock::new(|| format!("<bizLocation><id>{}</id></bizLocation>", "x".repeat(1_100)));
    &PLACE
}

impl World {
    fn document(&self, events: &[Draft]) -> String {
        let text = |named: &Named| match named {
            Named::Sequential(index) => format!("{STEM}{index:012}"),
            Named::Random(index) => format!("{STEM}{}", self.numbering.text_of(*index)),
            Named::Other(index) => format!("{OTHER_STEM}{}", self.other.text_of(*index)),
            Named::Stranger(index) => format!("{STEM}{}", self.stranger.text_of(*index)),
            Named::Text(text) => (*text).to_owned(),
        };
        let events: Vec<Event> = events
            .iter()
            .map(|(kind, beside, minute, named)| {
                let epcs = named.iter().map(text).collect();
                let event = Event {
                    time: TIMES.iter().cycle().nth(usize::from(*minute)).unwrap(),
                    ..bare(epcs)
                };
                said(*beside, of_kind(*kind, event))
            })
            .collect();
        document(&events)
    }

    /// Everything that is made of a document, deciphering so many texts at once.
    fn outcome(&self, runtime: &Runtime, text: &str, at_once: usize) -> String {
        let handle = runtime.handle().clone();
        let catalog = Catalog::new(self.bench.store.clone(), handle, system("L1"));
        let ms = i64::try_from(NOW.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap();
        let mut fold = Fold::new(catalog, ms).deciphering(at_once);
        let limits = Limits::default();
        let input = std::io::BufReader::new(inflate(text.as_bytes(), &limits));
        epcis::read(input, &limits, &mut fold).unwrap();
        let plan = Plan::of(fold.finish().unwrap(), false);
        let (unmatched, provisional) = (plan.unmatched, plan.provisional);
        let blocks: Vec<String> = plan
            .allocations
            .iter()
            .map(|of| format!("{} {:?}", of.allocation.id, of.blocks))
            .collect();
        let findings = plan.findings.finish(("sha", "L1"));
        format!("{blocks:#?} {findings:#?} {unmatched} {provisional} {:?}", plan.totals)
    }
}

#[test]
fn batches_change_nothing() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(async {
        let world = World::start().await;
        world.bench.reserve("S1", "L1", 1_000).await;
        world.bench.reserve("S2", "L2", 100).await;
        world.reserve("R1", (GTIN, 21), ("L1", 700)).await;
        world.reserve("R2", (GTIN, 21), ("L2", 300)).await;
        world.reserve("R3", (GTIN, 22), ("L1", 100)).await;
        world.reserve("R4", (OTHER_GTIN, 23), ("L1", 900)).await;
        world
    });
    let mut runner = TestRunner::new(Config { cases: 60, ..Config::default() });
    let outcome = runner.run(&events(), |events| {
        let text = world.document(&events);
        let alone = world.outcome(&runtime, &text, 1);
        for at_once in [2, 7, 63, 64] {
            prop_assert_eq!(&world.outcome(&runtime, &text, at_once), &alone, "{}", at_once);
        }
        Ok(())
    });
    outcome.unwrap();
}
