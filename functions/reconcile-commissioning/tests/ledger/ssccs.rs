//! SSCCs: posted to the ledger of their allocation like serials, and judged as what things are packed into.

use domain::allocation::Allocation;
use domain::ids::{PoolId, RequestId};
use domain::ledger::Bucket;
use domain::object_key::ObjectKey;
use domain::pool::{PoolDraft, Scheme};
use domain::request::{ReserveRequest, Terms};
use domain::sscc::SsccPrefix;

use crate::bench::{
    Bench, Event, GTIN, NOW_TEXT, Report, STEM, commission, document, end, serials,
};

const PREFIX: &str = "0355555.1";

fn prefix() -> SsccPrefix {
    PREFIX.parse().unwrap()
}

/// SSCCs of a run of serial references as URNs.
fn ssccs(from: u128, to: u128) -> Vec<String> {
    (from..=to).map(|reference| format!("urn:epc:id:sscc:{PREFIX}{reference:09}")).collect()
}

/// The same as Digital Links.
fn links(from: u128, to: u128) -> Vec<String> {
    (from..=to).map(|at| format!("https://id.gs1.org/00/{}", prefix().sscc(at))).collect()
}

fn units(epcs: Vec<String>) -> Event {
    Event { ilmd: "", ..commission(epcs) }
}

/// Serial references 1,000 to 9,999, of which L1 has the first hundred and L2 the second.
struct Yard {
    bench: Bench,
    mine: Allocation,
}

impl Yard {
    async fn start() -> Self {
        let bench = Bench::start().await;
        pool(&bench, 40, PREFIX, (1_000, 9_999)).await;
        let mine = reserve(&bench, (40, PREFIX), ("S1", "L1")).await;
        reserve(&bench, (40, PREFIX), ("S2", "L2")).await;
        Self { bench, mine }
    }

    async fn check(&self, text: &str, commissioned: u64, expected: &[&str]) -> Report {
        let report = self.bench.send("L1", text).await;
        assert_eq!(report.lines(), expected);
        let count = self.bench.count(&self.mine, Bucket::Commissioned).await;
        assert_eq!(count, commissioned);
        report
    }
}

async fn pool(bench: &Bench, id: u8, key: &str, (from, to): (u128, u128)) {
    let key: ObjectKey = key.parse().unwrap();
    let prefix = key.sscc().unwrap();
    let draft = PoolDraft {
        name: "pallets".to_owned(),
        key,
        company_prefix_length: prefix.company_prefix_length(),
        scheme: Scheme::Sequential { width: prefix.reference_digits() },
        eu_rules: false,
        from,
        to,
        max_request: 1_000,
        threshold: 0,
        policy: domain::policy::PoolPolicy::default(),
    };
    bench.store.pool_create(PoolId::from_entropy([id; 17]), draft, NOW_TEXT).await.unwrap();
}

async fn reserve(bench: &Bench, (id, key): (u8, &str), (request, of): (&str, &str)) -> Allocation {
    let request = ReserveRequest {
        key: key.parse().unwrap(),
        request_id: RequestId::parse(request).unwrap(),
        pool_id: None,
        ..bench.request((request, of), 100, Terms::default())
    };
    let pools = [PoolId::from_entropy([id; 17])];
    bench.store.reserve(&request, &pools, NOW_TEXT).await.unwrap().allocation
}

/// An aggregation of one serial into a parent.
fn packed(action: &str, parent: &str, rest: &str) -> String {
    format!(
        "<AggregationEvent><eventTime>2026-11-23T10:30:00Z</eventTime>\
         <eventTimeZoneOffset>+00:00</eventTimeZoneOffset>{rest}<parentID>{parent}</parentID>\
         <childEPCs><epc>{STEM}000000001000</epc></childEPCs><action>{action}</action>\
         <bizStep>urn:epcglobal:cbv:bizstep:packing</bizStep></AggregationEvent>\n"
    )
}

fn with(events: &[Event], aggregations: &[String]) -> String {
    let end = "</EventList>";
    document(events).replace(end, &format!("{}{end}", aggregations.concat()))
}

#[tokio::test]
async fn ssccs_are_posted_in_every_spelling_and_once() {
    let yard = Yard::start().await;
    let mut named = ssccs(1_000, 1_009);
    named.extend(links(1_010, 1_019));
    // A sender that takes the company prefix for a longer one names the same SSCC.
    named.push("urn:epc:id:sscc:03555550.100001020".to_owned());
    let text = document(&[units(named)]);
    let report = yard.check(&text, 21, &[]).await;
    assert_eq!((report.unmatched, report.provisional), (0, 0));
    // I5: once more changes nothing.
    yard.check(&text, 21, &[]).await;
    let more = document(&[units(ssccs(1_015, 1_029))]);
    yard.check(&more, 30, &[]).await;
    let gone = document(&[end("decommissioning", "2026-11-23T11:00:00.000Z", links(1_000, 1_001))]);
    yard.check(&gone, 28, &[]).await;
    assert_eq!(yard.bench.count(&yard.mine, Bucket::Decommissioned).await, 2);
}

#[tokio::test]
async fn what_is_wrong_with_ssccs_is_found_as_with_serials() {
    let yard = Yard::start().await;
    let mut named = ssccs(1_098, 1_101);
    named.extend(ssccs(1_098, 1_098));
    named.extend(ssccs(1_200, 1_201));
    named.extend(links(10_000, 10_000));
    // No company prefix or extension digit of ours, and one whose check digit is wrong.
    named.push("urn:epc:id:sscc:0614141.3000000417".to_owned());
    named.push("urn:epc:id:sscc:0355555.2000001000".to_owned());
    named.push("https://id.gs1.org/00/306141410000004173".to_owned());
    let text = document(&[units(named)]);
    let sscc = |reference| prefix().sscc(reference);
    let ends = |from, to| format!("{}-{}", sscc(from), sscc(to));
    let expected = [
        format!("critical NOT_RESERVED 1 {}", ends(10_000, 10_000)),
        format!("critical NOT_RESERVED 2 provisional {}", ends(1_200, 1_201)),
        format!("critical NOT_PROVISIONED_FOR_LOCATION 2 {}", ends(1_100, 1_101)),
        "error INVALID_SSCC_CHECK_DIGIT 1 https://id.gs1.org/00/306141410000004173".to_owned(),
        format!("error DUPLICATE_IN_FILE 1 {}", ends(1_098, 1_098)),
    ];
    let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let report = yard.bench.send("L1", &text).await;
    let mut lines = report.lines();
    lines.sort();
    expected.sort_unstable();
    assert_eq!(lines, expected);
    assert_eq!((report.unmatched, report.provisional), (5, 2));
    assert_eq!(yard.bench.count(&yard.mine, Bucket::Commissioned).await, 2);
}

#[tokio::test]
async fn a_line_that_goes_on_printing_ssccs_runs_over_and_gaps_are_told() {
    let yard = Yard::start().await;
    pool(&yard.bench, 41, "0399999.1", (0, 99)).await;
    let mine = reserve(&yard.bench, (41, "0399999.1"), ("S3", "L1")).await;
    assert_eq!((mine.start, mine.size), (0, 100));
    let prefix: SsccPrefix = "0399999.1".parse().unwrap();
    let links =
        |from, to| (from..=to).map(move |at| format!("https://id.gs1.org/00/{}", prefix.sscc(at)));
    let mut named: Vec<String> = links(97, 101).collect();
    named.extend(links(90, 90));
    let report = yard.bench.send("L1", &document(&[units(named)])).await;
    let over = format!("{}-{}", prefix.sscc(100), prefix.sscc(101));
    let told = report.lines();
    assert!(told.contains(&format!("critical NOT_RESERVED 2 {over}")), "{told:?}");
    assert!(told.contains(&format!("error OVER_RUN 2 {over}")), "{told:?}");
    assert_eq!(yard.bench.count(&mine, Bucket::Commissioned).await, 4);
}

#[tokio::test]
async fn numbers_of_a_product_and_ssccs_of_one_width_are_not_taken_for_each_other() {
    let yard = Yard::start().await;
    let draft = PoolDraft {
        name: "nine digits".to_owned(),
        key: GTIN.parse().unwrap(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 9 },
        eu_rules: false,
        from: 500_000_000,
        to: 500_000_999,
        max_request: 1_000,
        threshold: 0,
        policy: domain::policy::PoolPolicy::default(),
    };
    let id = PoolId::from_entropy([42; 17]);
    yard.bench.store.pool_create(id, draft, NOW_TEXT).await.unwrap();
    let mut named = links(1_200, 1_200);
    named.push(format!("{STEM}500000000"));
    let report = yard.bench.send("L1", &document(&[commission(named)])).await;
    let mut lines = report.lines();
    lines.sort();
    let sscc = prefix().sscc(1_200);
    let mut expected = [
        "critical NOT_RESERVED 1 provisional 500000000-500000000".to_owned(),
        format!("critical NOT_RESERVED 1 provisional {sscc}-{sscc}"),
    ];
    expected.sort();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn of_company_prefixes_within_each_other_the_one_with_the_number_has_it() {
    let yard = Yard::start().await;
    let longer: SsccPrefix = "03555551.1".parse().unwrap();
    pool(&yard.bench, 43, "03555551.1", (0, 99)).await;
    let theirs = reserve(&yard.bench, (43, "03555551.1"), ("S4", "L1")).await;
    let named = (0..10).map(|at| format!("https://id.gs1.org/00/{}", longer.sscc(at))).collect();
    yard.check(&document(&[units(named)]), 0, &[]).await;
    assert_eq!(yard.bench.count(&theirs, Bucket::Commissioned).await, 10);
}

#[tokio::test]
async fn ssccs_of_result_files_and_of_json_are_posted_too() {
    let yard = Yard::start().await;
    let mut rows = String::from("GTIN,SerialNumber,EPC,Status,EventTime\r\n");
    for (reference, wrong) in [(1_000, ""), (1_001, "x")] {
        let sscc = prefix().sscc(reference).to_string();
        let sscc = if wrong.is_empty() { sscc } else { format!("{}0", &sscc[..17]) };
        rows.extend([",", &sscc, ",,COMMISSIONED,2026-11-23T10:00:00Z\r\n"]);
    }
    let epc = &ssccs(1_002, 1_002)[0];
    rows.extend([",,", epc, ",COMMISSIONED,2026-11-23T10:00:00Z\r\n"]);
    let wrong =
        format!("error INVALID_SSCC_CHECK_DIGIT 1 {}0", &prefix().sscc(1_001).as_str()[..17]);
    let hole = prefix().sscc(1_001);
    let hole = format!("info INTERNAL_GAP 1 {hole}-{hole}");
    yard.check(&rows, 2, &[&wrong, &hole]).await;
    let json = format!(
        "{{\"@context\":[\"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld\"],\
         \"type\":\"EPCISDocument\",\"schemaVersion\":\"2.0\",\"epcisBody\":{{\"eventList\":[\
         {{\"type\":\"ObjectEvent\",\"eventTime\":\"2026-11-23T10:00:00Z\",\
         \"eventTimeZoneOffset\":\"+00:00\",\"action\":\"ADD\",\"bizStep\":\"commissioning\",\
         \"epcList\":[\"{}\",\"{}\"]}}]}}}}",
        ssccs(1_003, 1_003)[0],
        links(1_004, 1_004)[0]
    );
    yard.check(&json, 4, &[]).await;
}

#[tokio::test]
async fn parents_that_were_never_reserved_are_found_and_others_are_not() {
    let yard = Yard::start().await;
    yard.bench.reserve("R1", "L1", 100).await;
    let of_others = ssccs(1_150, 1_150);
    let parents = [
        packed("ADD", &ssccs(1_000, 1_000)[0], ""),
        packed("ADD", &of_others[0], ""),
        packed("ADD", "urn:epc:id:sscc:0614141.3000000417", ""),
        packed("ADD", "urn:epc:id:sgtin:0614141.107346.2017", ""),
        packed("ADD", &serials(1_001, 1_001)[0], ""),
        packed("ADD", "", ""),
        packed("DELETE", &links(10_000, 10_000)[0], ""),
        packed(
            "ADD",
            &links(10_001, 10_001)[0],
            "<baseExtension><errorDeclaration>\
            <declarationTime>2026-11-23T11:00:00Z</declarationTime></errorDeclaration></baseExtension>",
        ),
    ];
    let told = with(&[commission(serials(1_000, 1_000))], &parents);
    yard.check(&told, 0, &[]).await;
    let strange = [
        packed("ADD", &links(10_000, 10_000)[0], ""),
        packed("ADD", &ssccs(10_000, 10_000)[0], ""),
        packed("ADD", &ssccs(1_300, 1_300)[0], ""),
        packed("ADD", &serials(900, 900)[0], ""),
        packed("ADD", "https://id.gs1.org/00/306141410000004173", ""),
    ];
    let mut turned: Vec<String> = strange.to_vec();
    turned.reverse();
    let first = yard.bench.send("L1", &with(&[], &strange)).await;
    // Parents state nothing, so they are not among the serials that were to be posted.
    assert_eq!((first.unmatched, first.provisional), (0, 1));
    let one = |sscc: &str| format!("{sscc}-{sscc}");
    let mut expected = [
        "critical NOT_RESERVED 1 000000000900-000000000900".to_owned(),
        format!("critical NOT_RESERVED 1 {}", one(prefix().sscc(10_000).as_str())),
        format!("critical NOT_RESERVED 1 provisional {}", one(prefix().sscc(1_300).as_str())),
        "error INVALID_SSCC_CHECK_DIGIT 1 https://id.gs1.org/00/306141410000004173".to_owned(),
    ];
    expected.sort();
    let sorted = |report: &Report| {
        let mut lines = report.lines();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&first), expected);
    // The order of the events says nothing, and a commissioned number that is a parent too counts once.
    assert_eq!(sorted(&yard.bench.send("L1", &with(&[], &turned)).await), expected);
    let both = with(&[units(links(10_000, 10_000))], &strange[..2]);
    let both = yard.bench.send("L1", &both).await;
    assert_eq!((sorted(&both), both.unmatched), (vec![expected[1].clone()], 1));
}
