//! One small document per finding: the whole list of findings is compared.

use domain::finding::Code;
use domain::ids::PoolId;
use domain::ledger::Bucket;
use domain::request::Terms;
use store::pool::OpenEntry;

use crate::bench::{Bench, Event, LINE, NOW_TEXT, PLANT, STEM, commission, document, end, serials};

/// A fresh bench with 100 serials from 1000 for `L1` and 100 from 1100 for `L2`; the document is sent
/// by `L1`.
async fn check(events: &[Event], newly_commissioned: u64, expected: &[&str]) {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 100).await;
    bench.reserve("r2", "L2", 100).await;
    let report = bench.send("L1", &document(events)).await;
    assert_eq!(report.lines(), expected);
    assert_eq!(report.applied.newly_commissioned, newly_commissioned);
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn a_clean_document_has_no_findings_and_fills_the_bucket() {
    let bench = Bench::start().await;
    let allocation = bench.reserve("r1", "L1", 100).await;
    let report = bench.send("L1", &document(&[commission(serials(1000, 1099))])).await;
    assert_eq!(report.lines(), Vec::<String>::new());
    assert_eq!(bench.count(&allocation, Bucket::Commissioned).await, 100);
    let status = bench.store.allocation_fetch(&allocation.id).await.unwrap().unwrap().status;
    assert_eq!(status.as_str(), "active");
}

#[tokio::test]
async fn serials_above_the_cursor_are_provisional_and_below_the_pool_final() {
    let run = [serials(1200, 1209), serials(1250, 1250), serials(10, 12)].concat();
    let expected = [
        "critical NOT_RESERVED 3 000000000010-000000000012",
        "critical NOT_RESERVED 11 provisional 000000001200-000000001209",
    ];
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 200).await;
    let report = bench.send("L1", &document(&[commission(run)])).await;
    let mut lines = report.lines();
    lines.sort_by_key(|line| line.contains("provisional"));
    assert_eq!(lines, expected);
    assert_eq!((report.unmatched, report.provisional), (14, 11));
    assert_eq!(report.findings.iter().map(|f| f.ranges.len()).sum::<usize>(), 3);
}

#[tokio::test]
async fn numbers_right_behind_the_run_are_an_over_run_as_well() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 100).await;
    let report = bench.send("L1", &document(&[commission(serials(1000, 1104))])).await;
    let expected = [
        "critical NOT_RESERVED 5 provisional 000000001100-000000001104",
        "error OVER_RUN 5 provisional 000000001100-000000001104",
    ];
    assert_eq!(report.lines(), expected);
}

#[tokio::test]
async fn serials_of_another_system_are_not_posted() {
    let expected = ["critical NOT_PROVISIONED_FOR_LOCATION 3 000000001100-000000001102"];
    check(&[commission(serials(1098, 1102))], 2, &expected).await;
}

#[tokio::test]
async fn unknown_gtins_wait_for_a_pool() {
    let foreign = texts(&["urn:epc:id:sgtin:0614141.107346.2017"]);
    let expected = ["error UNKNOWN_GTIN 1 provisional urn:epc:id:sgtin:0614141.107346.2017"];
    check(&[commission(foreign)], 0, &expected).await;
}

#[tokio::test]
async fn malformed_identifiers_are_named() {
    let bad = texts(&[
        "urn:epc:id:sgtin:0313000.00777.1",
        "0031300000777221000000001000",
        "https://id.gs1.org/01/00313000007773/21/000000001000",
    ]);
    let expected = [
        "error BAD_CHECK_DIGIT 1 https://id.gs1.org/01/00313000007773/21/000000001000",
        "error INVALID_EPC_URI 2 urn:epc:id:sgtin:0313000.00777.1",
    ];
    check(&[commission(bad)], 0, &expected).await;
}

#[tokio::test]
async fn stripped_zeros_never_commission() {
    let stripped = texts(&[&format!("{STEM}1000"), &format!("{STEM}01001"), &format!("{STEM}A")]);
    let expected = [
        "critical NOT_RESERVED 1 urn:epc:id:sgtin:0313000.000777.A",
        "error LEADING_ZERO_STRIPPED 2 urn:epc:id:sgtin:0313000.000777.1000",
    ];
    check(&[commission(stripped)], 0, &expected).await;
}

#[tokio::test]
async fn a_digital_link_commissions_like_a_urn() {
    let link = texts(&["https://id.gs1.org/01/00313000007772/21/000000001000"]);
    check(&[commission(link)], 1, &[]).await;
}

#[tokio::test]
async fn serials_named_twice_are_counted_once_each() {
    let twice = [serials(1000, 1009), serials(1005, 1006), serials(1005, 1005)].concat();
    let expected = ["error DUPLICATE_IN_FILE 2 000000001005-000000001006"];
    check(&[commission(twice)], 10, &expected).await;
    let in_a_long_list = [serials(1000, 1079), serials(1005, 1006)].concat();
    check(&[commission(in_a_long_list)], 80, &expected).await;
    let across = [commission(serials(1000, 1004)), commission(serials(1004, 1005))];
    check(&across, 6, &["error DUPLICATE_IN_FILE 1 000000001004-000000001004"]).await;
}

#[tokio::test]
async fn wrong_lot_expiry_and_line_still_commission() {
    let one = || commission(serials(1000, 1001));
    let with = |ilmd| Event { ilmd, ..one() };
    let lot = "<extension><ilmd><c:lotNumber>L9</c:lotNumber>\
        <c:itemExpirationDate>2028-10-31</c:itemExpirationDate></ilmd></extension>";
    let range = "2 000000001000-000000001001";
    check(&[with(lot)], 2, &[&format!("error LOT_MISMATCH {range}")]).await;
    let expiry = "<extension><ilmd><c:lotNumber>LOT42</c:lotNumber>\
        <c:itemExpirationDate>2029-01-31</c:itemExpirationDate></ilmd></extension>";
    check(&[with(expiry)], 2, &[&format!("error EXPIRY_MISMATCH {range}")]).await;
    let (no_lot, no_expiry) =
        (format!("warning MISSING_LOT {range}"), format!("warning MISSING_EXPIRY {range}"));
    check(&[with("")], 2, &[&no_lot, &no_expiry]).await;
}

#[tokio::test]
async fn the_line_is_compared_wherever_a_gln_is_given() {
    let at = |places| Event { places, ..commission(serials(1000, 1000)) };
    let wrong = ["warning LINE_GLN_MISMATCH 1 000000001000-000000001000"];
    check(&[at("<readPoint><id>urn:epc:id:sgln:0614141.00777.0</id></readPoint>")], 1, &wrong)
        .await;
    check(&[at("<readPoint><id>line 3</id></readPoint>")], 1, &[]).await;
    check(&[at("")], 1, &[]).await;
    assert!(LINE != PLANT);
    let plant = "<bizLocation><id>https://id.gs1.org/414/0313000000001</id></bizLocation>";
    check(&[at(plant)], 1, &[]).await;
    let line = "<readPoint><id>urn:epc:id:sgln:0614141.00777.0</id></readPoint>\
        <bizLocation><id>https://id.gs1.org/414/0313000000018</id></bizLocation>";
    check(&[at(line)], 1, &[]).await;
}

#[tokio::test]
async fn a_time_ahead_of_receipt_is_told() {
    let at = |time| Event { time, ..commission(serials(1000, 1000)) };
    let late = ["warning FUTURE_EVENT_TIME 1 000000001000-000000001000"];
    check(&[at("2026-11-23T12:05:00.001Z")], 1, &late).await;
    check(&[at("2026-11-23T12:05:00.000Z")], 1, &[]).await;
}

#[tokio::test]
async fn holes_between_commissioned_serials_are_told_by_the_document_that_comes_last() {
    let expected = ["info INTERNAL_GAP 3 000000001002-000000001004"];
    check(&[commission([serials(1000, 1001), serials(1005, 1006)].concat())], 4, &expected).await;
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 100).await;
    let late = bench.send("L1", &document(&[commission(serials(1010, 1019))])).await;
    assert!(late.findings.is_empty());
    let early = bench.send("L1", &document(&[commission(serials(1000, 1004))])).await;
    assert_eq!(early.lines(), ["info INTERNAL_GAP 5 000000001005-000000001009"]);
    // A scrapped label is no gap.
    let scrapped = end("LabelsScrappingEvent", "2026-11-23T11:00:00Z", serials(1005, 1009));
    let last = [scrapped, commission(serials(1020, 1020))];
    assert!(bench.send("L1", &document(&last)).await.findings.is_empty());
}

#[tokio::test]
async fn serials_of_a_voided_allocation_are_critical_and_of_a_closed_one_recorded() {
    let bench = Bench::start().await;
    let void = bench.reserve("r1", "L1", 10).await;
    let closed = bench.reserve("r2", "L1", 10).await;
    bench.store.allocation_void(&void.id, "not needed", ("test", NOW_TEXT)).await.unwrap();
    bench.close(&closed).await;
    let report = bench.send("L1", &document(&[commission(serials(1008, 1011))])).await;
    let expected = [
        "critical WRONG_ALLOCATION_STATE 2 000000001008-000000001009",
        "warning WRONG_ALLOCATION_STATE 2 000000001010-000000001011",
    ];
    assert_eq!(report.lines(), expected);
    assert_eq!(bench.count(&closed, Bucket::Commissioned).await, 2);
    assert_eq!(bench.count(&closed, Bucket::Deactivated).await, 8);
    assert_eq!(bench.count(&void, Bucket::Commissioned).await, 0);
}

#[tokio::test]
async fn a_serial_on_a_pack_is_used_though_nobody_confirmed_it() {
    let bench = Bench::start().await;
    let held = |hold_minutes| Terms { hold_minutes: Some(hold_minutes), ..Terms::default() };
    let used = bench.reserve_on("r1", "L1", 10, held(60)).await;
    let expired = bench.reserve_on("r2", "L1", 10, held(1)).await;
    bench.store.allocation_expire(&expired.id, "2026-11-23T12:01:00.000Z").await.unwrap();
    let report = bench.send("L1", &document(&[commission(serials(1008, 1011))])).await;
    let expected = [
        "critical WRONG_ALLOCATION_STATE 2 000000001010-000000001011",
        "warning WRONG_ALLOCATION_STATE 2 000000001008-000000001009",
    ];
    assert_eq!(report.lines(), expected);
    assert_eq!(bench.count(&used, Bucket::Commissioned).await, 2);
    assert_eq!(bench.count(&expired, Bucket::Commissioned).await, 0);
    // It is in use now, so the end of its hold takes nothing away, and it can still be confirmed.
    let ended = bench.store.holds_ended("2026-11-24T00:00:00.000Z", 10).await.unwrap();
    assert_eq!(ended, []);
    let by = ("test", NOW_TEXT, None);
    let confirmed = bench.store.allocation_confirm(&used.id, by).await.unwrap();
    assert!(!confirmed.is_unconfirmed());
    let report = bench.send("L1", &document(&[commission(serials(1006, 1007))])).await;
    assert!(report.findings.is_empty(), "{:?}", report.lines());
}

#[tokio::test]
async fn an_overlapping_upload_is_repeated_or_in_conflict() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 100).await;
    bench.send("L1", &document(&[commission(serials(1000, 1009))])).await;
    let again = bench.send("L1", &document(&[commission(serials(1005, 1014))])).await;
    assert!(again.findings.is_empty());
    assert_eq!((again.applied.newly_commissioned, again.applied.repeated), (5, 5));
    let lot = "<extension><ilmd><c:lotNumber>L9</c:lotNumber>\
        <c:itemExpirationDate>2028-10-31</c:itemExpirationDate></ilmd></extension>";
    let other = Event { ilmd: lot, ..commission(serials(1009, 1010)) };
    let conflict = bench.send("L1", &document(&[other])).await;
    let expected = [
        "critical ALREADY_COMMISSIONED 2 000000001009-000000001010",
        "error LOT_MISMATCH 2 000000001009-000000001010",
    ];
    assert_eq!(conflict.lines(), expected);
}

#[tokio::test]
async fn commissioning_after_the_end_is_told_also_when_the_end_arrives_late() {
    let expected = ["critical RECOMMISSION_AFTER_TERMINAL 2 000000001003-000000001004"];
    let destroy = || end("destroying", "2026-11-23T09:00:00Z", serials(1003, 1004));
    for ends_first in [true, false] {
        let bench = Bench::start().await;
        let allocation = bench.reserve("r1", "L1", 100).await;
        let commission = document(&[commission(serials(1000, 1009))]);
        let (first, second) = if ends_first {
            (document(&[destroy()]), commission)
        } else {
            (commission, document(&[destroy()]))
        };
        let never = "warning NEVER_COMMISSIONED 2 000000001003-000000001004".to_owned();
        let known = if ends_first { vec![never] } else { Vec::new() };
        assert_eq!(bench.send("L1", &first).await.lines(), known);
        assert_eq!(bench.send("L1", &second).await.lines(), expected);
        assert_eq!(bench.count(&allocation, Bucket::Destroyed).await, 2);
        assert_eq!(bench.count(&allocation, Bucket::Commissioned).await, 8);
    }
}

#[tokio::test]
async fn the_ends_of_serials_move_them_between_buckets() {
    let bench = Bench::start().await;
    let allocation = bench.reserve("r1", "L1", 100).await;
    let time = "2026-11-23T11:00:00Z";
    let encoded = Event { action: "OBSERVE", step: "encoding", ..commission(serials(1050, 1059)) };
    let events = [
        commission(serials(1000, 1049)),
        encoded,
        end("decommissioning", time, serials(1000, 1004)),
        end("destroying", time, serials(1005, 1009)),
        end("sampling", time, serials(1010, 1010)),
        Event { action: "OBSERVE", step: "shipping", ..commission(serials(1011, 1020)) },
    ];
    let report = bench.send("L1", &document(&events)).await;
    assert!(report.findings.is_empty(), "{:?}", report.lines());
    let balance = bench.balance(&allocation).await;
    let numbers = Bucket::ALL.map(|bucket| balance.buckets.get(bucket));
    assert_eq!(numbers, [39, 10, 0, 1, 5, 5, 0, 0, 40]);
}

#[tokio::test]
async fn an_error_declaration_takes_a_document_back() {
    let bench = Bench::start().await;
    let allocation = bench.reserve("r1", "L1", 100).await;
    bench.send("L1", &document(&[commission(serials(1000, 1009))])).await;
    let wrong = Event { error: true, ..commission(serials(1000, 1009)) };
    let right = commission(serials(1000, 1004));
    let report = bench.send("L1", &document(&[wrong, right])).await;
    assert!(report.findings.is_empty(), "{:?}", report.lines());
    assert_eq!(report.applied.newly_commissioned, 5);
    assert_eq!(bench.count(&allocation, Bucket::Commissioned).await, 5);
    assert_eq!(bench.count(&allocation, Bucket::Outstanding).await, 95);
}

#[tokio::test]
async fn too_many_ranges_are_cut_and_that_is_told() {
    let scattered = (0..1_500).flat_map(|n| serials(2_000 + n * 2, 2_000 + n * 2)).collect();
    let expected = [
        "critical NOT_RESERVED 1500 provisional 000000002000-000000002000",
        "warning FINDINGS_TRUNCATED 1 ",
    ];
    check(&[commission(scattered)], 0, &expected).await;
}

#[tokio::test]
async fn facts_other_than_commissioning_raise_nothing_about_unreserved_serials() {
    let time = "2026-11-23T11:00:00Z";
    let foreign = texts(&["urn:epc:id:sgtin:0614141.107346.2017", "not a uri at all"]);
    let shipped = Event { action: "OBSERVE", step: "shipping", ..commission(foreign.clone()) };
    let events = [shipped, end("destroying", time, [foreign, serials(5_000, 5_001)].concat())];
    check(&events, 0, &[]).await;
}

#[tokio::test]
async fn readable_documents_without_commissioning_sense_are_refused() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 100).await;
    let refused = async |text: &str| bench.refused("L1", text).await;
    let no_time = document(&[commission(serials(1000, 1000))])
        .replace("<eventTime>2026-11-23T10:00:00.000Z</eventTime>", "");
    let error = refused(&no_time).await;
    assert_eq!((error.code.as_str(), error.line), ("missing-event-time", Some(3)));
    let bad_time = document(&[Event { time: "today", ..commission(serials(1000, 1000)) }]);
    assert_eq!(refused(&bad_time).await.code, "bad-event-time");
    assert_eq!(refused(&document(&[])).await.code, "no-events");
    assert_eq!(refused("<a/>").await.code, "not-epcis");
    assert_eq!(refused("").await.code, "not-epcis");
    assert_eq!(refused("hello").await.code, "not-epcis");
    let cut = document(&[commission(serials(1000, 1009))]);
    assert_eq!(refused(&cut[..cut.len() - 40]).await.code, "truncated");
    let entity = cut.replacen("<e:EPCIS", "<!DOCTYPE x [<!ENTITY a \"b\">]><e:EPCIS", 1);
    assert_eq!(refused(&entity).await.code, "entity-declaration");
}

#[tokio::test]
async fn a_document_across_too_many_ranges_is_refused() {
    let bench = Bench::start().await;
    let all = bench.reserve("r1", "L1", 2_000).await;
    // Ranges of one number each, put behind the back of the protocol.
    for start in 1_001..=2_001 {
        let entry = OpenEntry {
            allocation_id: all.id.clone(),
            start,
            size: 1,
            request_hash: [0; 16],
            opened_at: NOW_TEXT.to_owned(),
        };
        bench.store.range_void(&bench.pool, &entry, "test", NOW_TEXT).await.unwrap();
    }
    let error = bench.refused("L1", &document(&[commission(serials(1_001, 2_001))])).await;
    assert_eq!(error.code, "too-scattered");
}

#[tokio::test]
async fn each_pool_of_a_gtin_is_looked_at() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 10).await;
    bench.pool(PoolId::from_entropy([9; 17]), crate::bench::GTIN, (500_000_000, 600_000_000)).await;
    let report =
        bench.send("L1", &document(&[commission(serials(500_000_000, 500_000_001))])).await;
    let [finding] = report.findings.as_slice() else { panic!("{:?}", report.lines()) };
    assert_eq!((finding.code, finding.provisional), (Code::NotReserved, true));
}
