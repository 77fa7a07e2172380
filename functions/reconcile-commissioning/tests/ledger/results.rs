//! Result files: what becomes of numbers is the same whether rows or events say it.

use domain::ledger::Bucket;

use crate::bench::{Bench, Event, GTIN, LINE, STEM, commission, document, serials};

const HEAD: &str = "GTIN,SerialNumber,EPC,Lot,Expiry,LineGLN,AllocationId,Status,EventTime";

/// A file in the columns of our own export; each run of indexes with its status, a minute apart.
fn file(runs: &[(u128, u128, &str)]) -> String {
    let mut out = format!("{HEAD}\r\n");
    for (minute, (from, to, status)) in runs.iter().enumerate() {
        for index in *from..=*to {
            let line = format!(
                "\"{GTIN}\",\"{index:012}\",\"{STEM}{index:012}\",\"LOT42\",\"281031\",\"{LINE}\",\
                 \"\",\"{status}\",\"2026-11-23T10:{minute:02}:00Z\"\r\n"
            );
            out.push_str(&line);
        }
    }
    out
}

/// Buckets in the order in which I4 names them.
async fn buckets(bench: &Bench, request: &str) -> [u64; 9] {
    let allocation = bench.reserve(request, "L1", 100).await;
    let balance = bench.balance(&allocation).await;
    Bucket::ALL.map(|bucket| balance.buckets.get(bucket))
}

fn states() -> Vec<(u128, u128, &'static str)> {
    vec![
        (1000, 1039, "commissioned"),
        (1040, 1048, "ENCODED"),
        (1049, 1056, "Rejected"),
        (1057, 1062, "SAMPLED"),
        (1063, 1063, "LABEL_SAMPLED"),
        (1064, 1069, "DECOMMISSIONED"),
        (1070, 1074, "DESTROYED"),
        (1075, 1077, "RETURNED"),
        (1078, 1078, "UNUSED"),
        (1079, 1081, "DEACTIVATED"),
        (1082, 1090, "RESERVED"),
    ]
}

#[tokio::test]
async fn a_result_file_puts_each_number_into_its_bucket() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 100).await;
    let text = file(&states());
    let reading = bench.read("L1", &text).await;
    assert_eq!(reading.kind, "result-csv");
    assert_eq!(reading.outcome.unwrap().totals.events, 91);
    let report = bench.send("L1", &text).await;
    assert_eq!(report.lines(), Vec::<String>::new());
    assert_eq!(report.applied.newly_commissioned, 40);
    assert_eq!(buckets(&bench, "r1").await, [40, 9, 8, 7, 6, 5, 4, 3, 18]);
    // Sent once more with another delimiter and other names it is another file that says the same.
    let again = text.replace(',', ";").replacen("SerialNumber", "id", 1);
    let report = bench.send("L1", &again).await;
    assert_eq!(report.lines(), Vec::<String>::new());
    assert_eq!((report.applied.newly_commissioned, report.applied.repeated), (0, 40));
    assert_eq!(buckets(&bench, "r1").await, [40, 9, 8, 7, 6, 5, 4, 3, 18]);
}

#[tokio::test]
async fn events_put_the_numbers_into_the_same_buckets() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 100).await;
    let event = |action, step, (from, to)| Event {
        action,
        step,
        ilmd: "",
        ..commission(serials(from, to))
    };
    let ends = "2026-11-23T10:30:00Z";
    let events = [
        commission(serials(1000, 1039)),
        commission(serials(1057, 1062)),
        commission(serials(1064, 1074)),
        event("OBSERVE", "encoding", (1040, 1048)),
        event("OBSERVE", "LabelsScrappingEvent", (1049, 1056)),
        Event { time: ends, ..event("OBSERVE", "sampling", (1057, 1062)) },
        event("DELETE", "LabelsSamplingEvent", (1063, 1063)),
        Event { time: ends, ..event("DELETE", "decommissioning", (1064, 1069)) },
        Event { time: ends, ..event("DELETE", "destroying", (1070, 1074)) },
        event("DELETE", "reserving", (1075, 1078)),
        event("DELETE", "SNInvalidatingEvent", (1079, 1081)),
    ];
    let report = bench.send("L1", &document(&events)).await;
    assert_eq!(report.lines(), Vec::<String>::new());
    assert_eq!(buckets(&bench, "r1").await, [40, 9, 8, 7, 6, 5, 4, 3, 18]);
}

#[tokio::test]
async fn rows_are_judged_as_events_are() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 10).await;
    bench.reserve("r2", "L2", 10).await;
    let row = |rest: &str| format!("{rest},2026-11-23T10:00:00+01:00\n");
    let text = [
        "GTIN,SerialNumber,Lot,Expiry,LineGLN,Status,EventTime\n".to_owned(),
        row(&format!("{GTIN},000000001000,LOT42,2028-10-31,{LINE},COMMISSIONED")),
        row(&format!("{GTIN},000000001001,OTHER,281031,{LINE},COMMISSIONED")),
        row(&format!("{GTIN},000000001002,LOT42,281031,0313000000001,COMMISSIONED")),
        row(&format!("{GTIN},000000001003,,,,COMMISSIONED")),
        row(&format!("{GTIN},000000001000,LOT42,281031,{LINE},COMMISSIONED")),
        row(&format!("{GTIN},000000001010,LOT42,281031,{LINE},COMMISSIONED")),
        // A spreadsheet has read the file in between.
        row("313000007772,1004,LOT42,281031,,COMMISSIONED"),
        row("00313000007773,000000001005,LOT42,281031,,COMMISSIONED"),
        row(&format!("{GTIN},a b,LOT42,281031,,COMMISSIONED")),
        // A case is none of ours to count.
        row(",306141410000004172,LOT42,281031,,COMMISSIONED"),
    ]
    .concat();
    let report = bench.send("L1", &text).await;
    let expected = [
        "critical NOT_PROVISIONED_FOR_LOCATION 1 000000001010-000000001010",
        "error BAD_CHECK_DIGIT 1 (01)00313000007773(21)000000001005",
        "error INVALID_EPC_URI 1 (01)00313000007772(21)a b",
        "error LEADING_ZERO_STRIPPED 1 (01)313000007772(21)1004",
        "error DUPLICATE_IN_FILE 1 000000001000-000000001000",
        "error LOT_MISMATCH 1 000000001001-000000001001",
        "warning LINE_GLN_MISMATCH 1 000000001002-000000001002",
        "warning MISSING_LOT 1 000000001003-000000001003",
        "warning MISSING_EXPIRY 1 000000001003-000000001003",
    ];
    assert_eq!(report.lines(), expected);
    assert_eq!(report.applied.newly_commissioned, 4);
}

#[tokio::test]
async fn a_row_that_names_another_allocation_counts_where_its_number_is_and_is_a_finding() {
    let bench = Bench::start().await;
    let own = bench.reserve("r1", "L1", 100).await.id;
    let other = bench.reserve("r2", "L1", 10).await.id;
    let row = |serial: u32, of: &str, status: &str| {
        format!("{GTIN},00000000{serial},LOT42,281031,{of},{status},2026-11-23T10:00:00Z\n")
    };
    let text = [
        "GTIN,SerialNumber,Lot,Expiry,AllocationId,Status,EventTime\n".to_owned(),
        row(1000, own.as_str(), "COMMISSIONED"),
        row(1001, other.as_str(), "COMMISSIONED"),
        row(1002, other.as_str(), "UNUSED"),
        row(1003, "no id", "REJECTED"),
        row(1004, "", "UNUSED"),
        row(1005, other.as_str(), "RESERVED"),
        row(1100, other.as_str(), "COMMISSIONED"),
    ]
    .concat();
    let report = bench.send("L1", &text).await;
    assert_eq!(report.lines(), ["error ALLOCATION_MISMATCH 3 000000001001-000000001003"]);
    assert_eq!(buckets(&bench, "r1").await[..3], [2, 0, 1]);
    assert_eq!(report.applied.newly_commissioned, 3);
}

#[tokio::test]
async fn a_result_file_that_is_wrong_is_refused_with_its_place() {
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 10).await;
    let head = "GTIN,SerialNumber,Status,EventTime\n";
    let good = format!("{GTIN},000000001000,COMMISSIONED,2026-11-23T10:00:00Z\n");
    let check = async |text: String, code: &str, line: u64, column: u64| {
        let error = bench.refused("L1", &text).await;
        assert_eq!(error.code, code, "{text}");
        assert_eq!((error.line, error.column), (Some(line), Some(column)), "{text}");
    };
    check(format!("{head}{good}{GTIN},1,SOLD,x\n"), "unknown-status", 3, 18).await;
    check(format!("{head}{good}{GTIN},1,SAMPLED,\n"), "missing-event-time", 3, 26).await;
    check(format!("{head}{good}{GTIN},1,SAMPLED,today\n"), "bad-event-time", 3, 26).await;
    check(format!("{head}{good}{GTIN},1\n"), "wrong-columns", 3, 1).await;
    check("GTIN,SerialNumber\n1,2\n".to_owned(), "missing-column", 1, 1).await;
    check(head.to_owned(), "no-events", 2, 1).await;
    let error = bench.refused("L1", "some words\n").await;
    assert_eq!(error.code, "not-epcis", "what is no result file is read as before");
}
