//! The story of the demo, step by step.

use serde_json::{Value, json};
use store::time::rfc3339_ms;

use super::deliver::{report, upload};
use super::line::{self, Run};
use super::view::{count, expect, found, head, list, show_report, text};
use super::{Show, fetch, shift};
use crate::api::Api;
use crate::error::CommandError;
use crate::hub::Hub;
use crate::table;
use crate::{credential, system, wiring};

const GTIN: &str = "00313000007772";
const LINE_GLN: &str = "0313000000018";
const LINE_SGLN: &str = "urn:epc:id:sgln:0313000.00001.0";
const SYSTEM: &str = "line-1";
const EXPIRY: &str = "2028-10-31";
const ALLOCATIONS: &str = "/api/v1/l3/allocations";
/// Callers that ask for numbers at the same moment, and how many each asks for.
const RACERS: u64 = 16;
const RACER_QUANTITY: u64 = 50;
/// The numbers of the first run that are not printed: a hole of this size at this place.
const HOLE: std::ops::Range<usize> = 100..110;
/// What became of how many numbers of the third run, in their order; of the last ones its file says nothing.
const THIRD: [(&str, usize); 5] =
    [("COMMISSIONED", 900), ("REJECTED", 20), ("SAMPLED", 5), ("UNUSED", 50), ("RESERVED", 25)];

/// A reserved range as the demo remembers it.
struct Reserved {
    id: String,
    lot: &'static str,
    size: u64,
    epcs: Vec<String>,
}

/// The whole story.
pub(super) async fn story(hub: &Hub, api: &Api, show: &mut Show) -> Result<(), CommandError> {
    let line = connect(hub, api, show).await?;
    let pool = create_pool(api, show).await?;
    let mut runs = Vec::new();
    for (lot, size) in [("LOT-A", 60_000), ("LOT-B", 5_000), ("LOT-C", 1_000)] {
        runs.push(reserve(&line, show, lot, size).await?);
    }
    replay(&line, show, &runs).await?;
    race(&line, show).await?;
    ranges(api, show, &pool).await?;
    for run in &mut runs {
        run.epcs = export(&line, show, run).await?;
    }
    let [a, b, c] = runs.as_slice() else {
        return Err(CommandError::Failed("three runs were expected".to_owned()));
    };
    print_first(&line, show, a).await?;
    print_second(&line, show, b).await?;
    print_third(&line, show, c).await?;
    broken_file(&line, show).await?;
    let closed = line.post(&format!("{ALLOCATIONS}/{}/close", c.id), &json!({})).await?;
    show.check("close of LOT-C", 200, closed.status);
    balances(&line, show, [a, b, c]).await?;
    shift::heartbeats(&line, show, LINE_GLN).await?;
    // LOT-A, LOT-B and what the racers reserved; LOT-C is closed.
    shift::scorecard(api, show, RACERS.saturating_add(2)).await?;
    shift::settle(api, show).await
}

async fn connect(hub: &Hub, api: &Api, show: &mut Show) -> Result<Api, CommandError> {
    show.doing("connecting a packaging line");
    let store = hub.store().await?;
    let lines = vec![LINE_GLN.to_owned()];
    let wanted = system::Request {
        id: SYSTEM.to_owned(),
        kind: "generic".to_owned(),
        line_glns: lines.clone(),
    };
    system::create(&store, &wanted, wiring::now()).await?;
    let scopes = [
        "allocations:read",
        "allocations:write",
        "uploads:write",
        "documents:read",
        "telemetry:write",
    ];
    let request = credential::Request {
        system: SYSTEM.to_owned(),
        scopes: scopes.map(str::to_owned).to_vec(),
        line_glns: lines,
        expires: None,
    };
    let issued = credential::create(&store, &request, wiring::now()).await?;
    show.say(&format!("system        {SYSTEM}, bound to line {LINE_GLN}"))?;
    Ok(api.with_token(Some(&issued.token)))
}

async fn create_pool(api: &Api, show: &mut Show) -> Result<String, CommandError> {
    show.doing("creating a pool");
    let draft = json!({
        "name": "Demo 30 tablets", "encoding": "SGTIN", "gtin": GTIN, "company_prefix_length": 7,
        "scheme": "sequential", "width": 12, "from": "1000000", "to": "1999999",
        "max_request": 500_000, "threshold": 10_000,
    });
    let made = api.post("/api/v1/l3/pools", &draft).await?;
    expect(&made, 201, "the pool")?;
    let again = api.post("/api/v1/l3/pools", &draft).await?;
    show.check("an overlapping pool is refused", 409, again.status);
    show.say(&format!("pool          {GTIN}, 000001000000 to 000001999999"))?;
    Ok(text(&made.json(), "/id"))
}

async fn reserve(
    line: &Api,
    show: &mut Show,
    lot: &'static str,
    size: u64,
) -> Result<Reserved, CommandError> {
    show.doing(&format!("reserving {size} numbers for {lot}"));
    let made = line.post(ALLOCATIONS, &request(lot, lot, size)).await?;
    expect(&made, 201, lot)?;
    show.step("reserve", &made.json());
    Ok(Reserved { id: text(&made.json(), "/allocation_id"), lot, size, epcs: Vec::new() })
}

fn request(id: &str, lot: &str, size: u64) -> Value {
    json!({
        "request_id": id, "gtin": GTIN, "quantity": size, "lot": lot, "expiry": EXPIRY,
        "line_gln": LINE_GLN, "work_order": format!("WO-{id}"),
    })
}

async fn replay(line: &Api, show: &mut Show, runs: &[Reserved]) -> Result<(), CommandError> {
    show.doing("sending a request twice");
    for run in runs {
        let again = line.post(ALLOCATIONS, &request(run.lot, run.lot, run.size)).await?;
        show.check(format!("{} asked for again", run.lot), 200, again.status);
        let id = text(&again.json(), "/allocation_id");
        show.check(format!("{} keeps its allocation", run.lot), run.id.as_str(), id);
        let other = line.post(ALLOCATIONS, &request(run.lot, run.lot, 1)).await?;
        show.check(format!("{} with another body", run.lot), 409, other.status);
    }
    Ok(())
}

/// Callers at once: none may fail, and the ranges are checked with all others below.
async fn race(line: &Api, show: &mut Show) -> Result<(), CommandError> {
    show.doing("sixteen callers at once");
    let mut racers = tokio::task::JoinSet::new();
    for racer in 0..RACERS {
        let line = line.clone();
        let body = request(&format!("RACE-{racer}"), "LOT-R", RACER_QUANTITY);
        racers.spawn(async move { line.post(ALLOCATIONS, &body).await });
    }
    while let Some(answer) = racers.join_next().await {
        let answer = answer.map_err(|error| CommandError::Failed(error.to_string()))??;
        show.check("a caller among sixteen is served", 201, answer.status);
    }
    Ok(())
}

/// All ranges of the pool: in order, without gap or overlap, up to the cursor (I1, I2).
async fn ranges(api: &Api, show: &mut Show, pool: &str) -> Result<(), CommandError> {
    let mut rows = vec![head(&["range from", "numbers", "kind", "allocation"])];
    let mut next = 1_000_000_u64;
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/l3/pools/{pool}/ranges?limit=200{cursor}");
        let page = api.get(&path).await?;
        expect(&page, 200, "the pool's ranges")?;
        for range in list(&page.json(), "/items") {
            show.check(
                "a range begins where the one before ends",
                next.to_string(),
                text(&range, "/start"),
            );
            let size = count(&range, "/size");
            next = next.saturating_add(size);
            let row = [text(&range, "/start"), size.to_string(), text(&range, "/kind")];
            rows.push(row.into_iter().chain([text(&range, "/allocation_id")]).collect());
        }
        match page.json().get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let pool = api.get(&format!("/api/v1/l3/pools/{pool}")).await?;
    show.check(
        "the cursor stands behind the last range",
        next.to_string(),
        text(&pool.json(), "/cursor"),
    );
    show.say("\nReserved")?;
    rows.truncate(6);
    for line in table::lines(&rows) {
        show.say(&line)?;
    }
    show.say(&format!("  … {RACERS} callers at once, all served"))
}

/// Fetches the numbers as CSV, inline or from S3, and checks them against the manifest.
async fn export(line: &Api, show: &mut Show, run: &Reserved) -> Result<Vec<String>, CommandError> {
    show.doing(&format!("exporting {}", run.lot));
    let (way, csv) = fetch::file(line, &format!("{ALLOCATIONS}/{}/export", run.id)).await?;
    let epcs = line::epcs_of_csv(&csv)?;
    show.check(format!("rows of {}", run.lot), run.size, epcs.len());
    let distinct: std::collections::BTreeSet<&String> = epcs.iter().collect();
    show.check(format!("distinct numbers of {}", run.lot), run.size, distinct.len());
    show.say(&format!(
        "exported      {} {} rows, {} bytes, {way}",
        run.lot,
        epcs.len(),
        csv.len()
    ))?;
    Ok(epcs)
}

/// The first run: a hole, three strangers, two numbers twice, one number without its zeros; gzip; dropped
/// twice.
async fn print_first(line: &Api, show: &mut Show, run: &Reserved) -> Result<(), CommandError> {
    let now = rfc3339_ms(wiring::now());
    let what = Run { lot: run.lot, expiry: EXPIRY, line_sgln: LINE_SGLN, event_time: &now };
    let mut printed = run.epcs.clone();
    printed.drain(HOLE);
    let twice: Vec<String> = printed.iter().take(2).cloned().collect();
    let stem = "urn:epc:id:sgtin:0313000.000777.";
    let strangers: Vec<String> = (0..3).map(|n| format!("{stem}{n:012}")).collect();
    let stripped = vec![format!("{stem}1000500")];
    let steps =
        [printed.as_slice(), &twice, &strangers, &stripped].map(|epcs| ("commissioning", epcs));
    let document = line::xml(what, &steps);
    let file = line::gzip(&document)?;
    show.doing("a line reports its first run");
    upload(line, "run-a.xml.gz", file.clone()).await?;
    let report = report(line, &document, 1).await?;
    show_report(show, "run-a.xml.gz", &report)?;
    show.check(
        "run A: newly commissioned",
        printed.len(),
        count(&report, "/serials/newly_commissioned"),
    );
    for (code, expected) in [
        ("NOT_RESERVED", 3),
        ("DUPLICATE_IN_FILE", 2),
        ("LEADING_ZERO_STRIPPED", 1),
        ("INTERNAL_GAP", HOLE.len()),
    ] {
        show.check(format!("run A: {code}"), expected, found(&report, code));
    }
    show.doing("the same file again");
    upload(line, "run-a-again.xml.gz", file).await?;
    let again = super::deliver::report(line, &document, 2).await?;
    show.check("run A again: DUPLICATE_TRANSMISSION", 1, found(&again, "DUPLICATE_TRANSMISSION"));
    show.check(
        "run A again: newly commissioned",
        printed.len(),
        count(&again, "/serials/newly_commissioned"),
    );
    Ok(())
}

/// The second run: another lot on the packs than on the order, then some packs taken out.
async fn print_second(line: &Api, show: &mut Show, run: &Reserved) -> Result<(), CommandError> {
    let now = rfc3339_ms(wiring::now());
    let wrong = Run { lot: "LOT-X", expiry: EXPIRY, line_sgln: LINE_SGLN, event_time: &now };
    let document = line::json_ld(wrong, &run.epcs);
    show.doing("a line reports its second run");
    upload(line, "run-b.jsonld", document.clone()).await?;
    let report = report(line, &document, 1).await?;
    show_report(show, "run-b.jsonld", &report)?;
    show.check("run B: LOT_MISMATCH", run.size, found(&report, "LOT_MISMATCH"));
    show.check(
        "run B: newly commissioned",
        run.size,
        count(&report, "/serials/newly_commissioned"),
    );
    let later = rfc3339_ms(wiring::now());
    let what = Run { lot: run.lot, event_time: &later, ..wrong };
    let (rejected, destroyed) = (run.epcs.get(..5), run.epcs.get(5..8));
    let steps = [
        ("decommissioning", rejected.unwrap_or_default()),
        ("destroying", destroyed.unwrap_or_default()),
    ];
    let document = line::xml(what, &steps);
    upload(line, "run-b-rejects.xml", document.clone()).await?;
    let report = super::deliver::report(line, &document, 1).await?;
    show_report(show, "run-b-rejects.xml", &report)
}

/// The third run: the line sends back the file that it got, with what became of each number (decision 28).
async fn print_third(line: &Api, show: &mut Show, run: &Reserved) -> Result<(), CommandError> {
    show.doing("a line sends the result file of its third run");
    let (_, csv) = fetch::file(line, &format!("{ALLOCATIONS}/{}/export", run.id)).await?;
    let document = line::results(&csv, &THIRD, &rfc3339_ms(wiring::now()))?;
    upload(line, "run-c.csv", document.clone()).await?;
    let report = report(line, &document, 1).await?;
    show_report(show, "run-c.csv", &report)?;
    show.check("run C: kind", "result-csv", text(&report, "/kind"));
    show.check("run C: rows", run.size, count(&report, "/events"));
    show.check("run C: newly commissioned", 900, count(&report, "/serials/newly_commissioned"));
    show.check("run C: findings", 0, list(&report, "/findings").len());
    Ok(())
}

/// A file that ends in the middle: quarantined with the place, nothing applied.
async fn broken_file(line: &Api, show: &mut Show) -> Result<(), CommandError> {
    show.doing("a line sends half a file");
    let document =
        b"<EPCISDocument schemaVersion=\"1.2\">\n<EPCISBody><EventList><ObjectEvent>".to_vec();
    upload(line, "half.xml", document.clone()).await?;
    let report = report(line, &document, 1).await?;
    show.check("half a file: status", "quarantined", text(&report, "/status"));
    show.check("half a file: line", 2, count(&report, "/error/line"));
    show_report(show, "half.xml", &report)
}

/// Where all numbers are in the end (I4).
async fn balances(line: &Api, show: &mut Show, runs: [&Reserved; 3]) -> Result<(), CommandError> {
    show.doing("adding up");
    let expected = [
        [("commissioned", 59_990), ("outstanding", 10), ("deactivated", 0)],
        [("commissioned", 4_992), ("decommissioned", 5), ("destroyed", 3)],
        [("commissioned", 900), ("scrapped", 20), ("sampled", 5)],
    ];
    let columns = [
        "commissioned",
        "scrapped",
        "sampled",
        "decommissioned",
        "destroyed",
        "returned",
        "deactivated",
        "outstanding",
    ];
    // What the line did not use was given back, what its file said nothing of was deactivated by the close.
    let mut rows = vec![[&["lot", "reserved"][..], &columns, &["balanced"]].concat()];
    let mut texts: Vec<Vec<String>> = rows.drain(..).map(|row| head(&row)).collect();
    for (run, expected) in runs.into_iter().zip(expected) {
        let answer = line.get(&format!("{ALLOCATIONS}/{}/reconciliation", run.id)).await?;
        expect(&answer, 200, "the reconciliation")?;
        let balance = answer.json();
        for (bucket, expected) in expected {
            let found = count(&balance, &format!("/{bucket}"));
            show.check(format!("{}: {bucket}", run.lot), expected, found);
        }
        let balanced = balance.get("balanced").and_then(Value::as_bool) == Some(true);
        show.check(format!("{}: balanced", run.lot), true, balanced);
        let mut row = vec![run.lot.to_owned(), count(&balance, "/reserved").to_string()];
        row.extend(columns.map(|bucket| count(&balance, &format!("/{bucket}")).to_string()));
        row.push(if balanced { "yes" } else { "NO" }.to_owned());
        texts.push(row);
        show.step("reconciliation", &balance);
    }
    show.say("\nBalance")?;
    for line in table::lines(&texts) {
        show.say(&line)?;
    }
    Ok(())
}
