//! Every number of the scorecard, from a table whose contents are known.
#![expect(clippy::arithmetic_side_effects, reason = "the numbers of tests are small")]

use domain::allocation::Allocation;
use domain::allocation::Transition::{Activate, Close, Export};
use domain::bitmap::{BLOCK_SIZE, BlockSet, Offset};
use domain::fact::Fact;
use domain::finding::{Change, Note};
use domain::gln::Gln;
use domain::ids::{PoolId, RequestId};
use domain::ledger::{Claim, Draft, Terms};
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest};
use store::allocation::Counted;
use store::block::Place;
use store::finding::Asked;

use super::*;

const SCORECARD: &str = "/api/v1/operations/scorecard";
const LINE: &str = "0313000000018";
const OTHER_LINE: &str = "0313000000025";

fn pool(n: u8) -> PoolId {
    PoolId::from_entropy([n; 17])
}

impl Bench {
    async fn pool(&self, n: u8, numbers: u128, threshold: u128, made: &str) {
        let from = u128::from(n) * 1_000_000;
        let draft = PoolDraft {
            name: format!("pool {n}"),
            key: "00313000007772".parse().unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 12 },
            eu_rules: false,
            from,
            to: from + numbers - 1,
            max_request: 1_000_000,
            threshold,
            policy: domain::policy::PoolPolicy::default(),
        };
        self.store.pool_create(pool(n), draft, made).await.unwrap();
    }

    /// Reserves numbers of a pool for a line of a system; the allocation.
    async fn reserve(
        &self,
        id: &str,
        (from, quantity): (u8, u64),
        (sender, line): (&str, Option<&str>),
        now: &str,
    ) -> Allocation {
        let request = ReserveRequest {
            requester: system(sender),
            credential: None,
            request_id: RequestId::parse(id).unwrap(),
            key: "00313000007772".parse().unwrap(),
            quantity,
            pool_id: None,
            system_id: None,
            line_gln: line.map(|line| Gln::parse(line).unwrap()),
            plant_gln: None,
            details: Details { lot: Some(format!("lot {id}")), ..Details::default() },
            terms: domain::request::Terms::default(),
        };
        self.store.reserve(&request, &[pool(from)], now).await.unwrap().allocation
    }

    async fn card(&self, by: &AuthorizerContext) -> Value {
        let (status, body) = self.send(HttpEvent::get(SCORECARD).caller(by)).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

#[tokio::test]
async fn open_allocations_are_counted_by_line_and_ended_ones_are_not() {
    let bench = bench().await;
    bench.pool(1, 900_000, 0, &at(0)).await;
    let (l1, l2) = (("L1", Some(LINE)), ("L2", Some(OTHER_LINE)));
    let first = bench.reserve("a", (1, 100), l1, &at(1)).await;
    bench.reserve("b", (1, 50), l1, &at(2)).await;
    bench.reserve("c", (1, 7), l2, &at(3)).await;
    bench.reserve("d", (1, 5), ("L1", None), &at(4)).await;
    let closed = bench.reserve("e", (1, 1_000), l1, &at(5)).await;
    let voided = bench.reserve("f", (1, 1_000), l1, &at(6)).await;
    let exported = bench.reserve("g", (1, 1), l2, &at(7)).await;
    bench.store.allocation_advance(&closed.id, Close, &at(8)).await.unwrap();
    bench.store.allocation_advance(&exported.id, Export, &at(8)).await.unwrap();
    bench.store.allocation_void(&voided.id, "test", ("test", &at(8))).await.unwrap();
    let open = &bench.card(&context("reports:read")).await["open_allocations"];
    assert_eq!((&open["total"], &open["truncated"]), (&json!(5), &json!(false)));
    assert_eq!((&open["reserved"], &open["used"]), (&json!(163), &json!(0)));
    let rows: Vec<(&Value, &Value, &Value, &Value)> = open["by_line"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (&r["line_gln"], &r["system_id"], &r["allocations"], &r["reserved"]))
        .collect();
    assert_eq!(
        rows,
        [
            (&json!(null), &json!("L1"), &json!(1), &json!(5)),
            (&json!(LINE), &json!("L1"), &json!(2), &json!(150)),
            (&json!(OTHER_LINE), &json!("L2"), &json!(2), &json!(8)),
        ]
    );
    assert_eq!(open["by_line"][1]["oldest_at"], at(1));
    let oldest = &open["oldest"][0];
    assert_eq!(oldest["allocation_id"], first.id.as_str());
    assert_eq!((&oldest["age_seconds"], &oldest["lot"]), (&json!(9 * 3_600), &json!("lot a")));
    assert_eq!(open["oldest"][4]["status"], "exported");
}

#[tokio::test]
async fn fill_is_what_the_blocks_say_however_often_a_document_is_counted() {
    let bench = bench().await;
    bench.pool(1, 900_000, 0, &at(0)).await;
    let size = u64::from(BLOCK_SIZE) + 100;
    let allocation = bench.reserve("a", (1, size), ("L1", Some(LINE)), &at(1)).await;
    bench.store.allocation_advance(&allocation.id, Activate, &at(1)).await.unwrap();
    let meter = Meter::default();
    let span = |to: u32| BlockSet::span(Offset::new(0).unwrap(), Offset::new(to).unwrap());
    let scope = ["reports:read"].join(" ");
    for (n, block, fact, to, expected) in [
        (1, 0, Fact::Commissioned, 99, (100, 100)),
        (2, 1, Fact::Commissioned, 49, (150, 150)),
        (3, 0, Fact::Scrapped, 149, (200, 50)),
    ] {
        let mut draft = Draft::default();
        let claim = Claim { fact, lot: None, expiry: None, time_ms: 1, ordinal: 1, is_bare: false };
        draft.assert_all(&claim, &span(to));
        let sha = sha(n);
        let place = Place { allocation: &allocation.id, block, content_sha256: &sha };
        let store = &bench.store;
        store.allocation_fill_widen(&allocation.id, (block, block), &meter).await.unwrap();
        for _ in 0..2 {
            let now = at(n);
            let posted = store.block_apply((place, &now), &draft, &Terms::default(), &meter).await;
            let posted = posted.unwrap();
            let of = (&allocation.id, sha.as_str());
            let (_, counted) = store.allocation_fill_fetch(of).await.unwrap();
            let all = Counted { postings: 1, gain: posted.1 };
            store.allocation_fill_add(of, (counted, all), &at(n), &meter).await.unwrap();
        }
        let card = bench.card(&context(&scope)).await;
        let row = &card["open_allocations"]["oldest"][0];
        assert_eq!((&row["used"], &row["commissioned"]), (&json!(expected.0), &json!(expected.1)));
        assert_eq!(row["last_use_at"], at(n), "the second computation writes nothing new");
    }
    let card = bench.card(&context(&scope)).await;
    let row = &card["open_allocations"]["oldest"][0];
    assert_eq!(row["fill_percent"], 200 * 100 / size);
}

#[tokio::test]
async fn pools_are_near_below_twice_the_threshold_or_three_days_at_the_burn_rate() {
    let bench = bench().await;
    let yesterday = "2026-11-20T00:00:00.000Z";
    // Made long ago, 24 numbers an hour: 1,800 left are 75 hours, 1,704 are 71.
    bench.pool(1, 576 + 1_800, 10, yesterday).await;
    bench.pool(2, 576 + 1_704, 10, yesterday).await;
    // Nothing reserved: near by threshold alone.
    bench.pool(3, 199, 100, yesterday).await;
    bench.pool(4, 200, 100, yesterday).await;
    // Two hours old, and still what it gave counts as a day's use: 3,500 left are 35 days.
    bench.pool(5, 3_600, 10, &at(8)).await;
    // Reserved too long ago to count.
    bench.pool(6, 10_000, 10, yesterday).await;
    let by = ("L1", None);
    bench.reserve("p1", (1, 576), by, &at(1)).await;
    bench.reserve("p2", (2, 500), by, &at(1)).await;
    let gone = bench.reserve("p2b", (2, 76), by, &at(1)).await;
    bench.store.allocation_void(&gone.id, "test", ("test", &at(8))).await.unwrap();
    bench.reserve("p5", (5, 100), by, &at(9)).await;
    bench.reserve("p6", (6, 9_000), by, "2026-11-22T09:59:59.999Z").await;
    let pools = &bench.card(&context("reports:read")).await["pools"];
    assert_eq!((&pools["total"], &pools["near_total"]), (&json!(6), &json!(2)));
    let near: Vec<(&Value, &Value, &Value, &Value)> = pools["near"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (&p["name"], &p["hours_left"], &p["remaining"], &p["reserved_in_window"]))
        .collect();
    assert_eq!(
        near,
        [
            (&json!("pool 2"), &json!(71), &json!("1704"), &json!(576)),
            (&json!("pool 3"), &json!(null), &json!("199"), &json!(0)),
        ]
    );
    assert_eq!(pools["near"][1]["below_threshold"], false);
}

#[tokio::test]
async fn unresolved_findings_are_counted_by_code_and_all_of_them_by_hour() {
    let bench = bench().await;
    let record = |document: u8, code, count, found: &str| {
        let subject = Subject { code, provisional: false, allocation_id: None, gtin: None };
        let finding = subject.finding((&sha(document), "L1"), count);
        let content_sha256 = sha(document);
        FindingRecord { content_sha256, system_id: system("L1"), at: found.into(), finding }
    };
    let old = "2026-11-20T00:00:00.000Z";
    let records = [
        record(11, Code::LotMismatch, 2, old),
        record(12, Code::LotMismatch, 5, "2026-11-23T09:00:00.000Z"),
        record(13, Code::NotReserved, 1, "2026-11-23T09:00:00.001Z"),
        record(14, Code::InternalGap, 9, "2026-11-23T10:00:00.000Z"),
    ];
    for record in &records {
        bench.store.finding_put(record, &Meter::default()).await.unwrap();
    }
    let note = Note::parse("why").unwrap();
    let asked = Asked { actor: "L1/c", now: "2026-11-23T10:00:00.000Z", reason: None };
    for (record, change) in
        [(&records[1], Change::Acknowledge(note.clone())), (&records[3], Change::Resolve(note))]
    {
        bench.store.finding_change(&record.finding.id, &change, asked).await.unwrap();
    }
    let findings = &bench.card(&context("reports:read")).await["findings"];
    // Four of the bench itself: NOT_RESERVED twice and MISSING_LOT twice.
    assert_eq!(findings["unresolved"], 7);
    assert_eq!(
        findings["by_severity"],
        json!([
            {"severity": "critical", "open": 3, "acknowledged": 0},
            {"severity": "error", "open": 1, "acknowledged": 1},
            {"severity": "warning", "open": 2, "acknowledged": 0},
            {"severity": "info", "open": 0, "acknowledged": 0},
        ])
    );
    let lot = json!({"code": "LOT_MISMATCH", "severity": "error", "open": 1, "acknowledged": 1,
        "serials": 7, "oldest_at": old});
    assert_eq!(findings["by_code"][1], lot);
    assert_eq!(findings["worst"][0]["id"], records[2].finding.id.as_str());
    let hours = findings["per_hour"].as_array().unwrap();
    assert_eq!(hours.len(), 24);
    let of = |hour: usize, severity: &str| hours[hour][severity].as_u64().unwrap();
    // The last hour is from 09:00 to now, what was found at this very moment included.
    assert_eq!((of(23, "critical"), of(23, "error"), of(23, "info")), (1, 1, 1));
    assert_eq!((of(15, "critical"), of(16, "warning"), of(17, "warning")), (1, 1, 1));
    let sum: u64 = hours
        .iter()
        .flat_map(|hour| {
            ["critical", "error", "warning", "info"].map(|s| hour[s].as_u64().unwrap())
        })
        .sum();
    assert_eq!(sum, 7, "of all but the one of three days ago");
}

#[tokio::test]
async fn files_of_a_day_are_counted_and_their_latency_is_measured() {
    let bench = bench().await;
    let meter = Meter::default();
    for n in 0..20_u8 {
        let fresh = document(n + 20, "L1");
        let fresh = Document { received_at: at(4), ..fresh };
        let change = |stored: &mut Document| {
            let judgement = stored.judgement_mut(&system("L1"), &at(4)).unwrap();
            judgement.status = DocumentStatus::Reconciled;
            judgement.reconciled_at = Some(format!("2026-11-23T04:00:{:02}.000Z", n + 1));
        };
        let sha = fresh.content_sha256.clone();
        bench.store.document_change(&sha, Some(&fresh), &meter, change).await.unwrap();
    }
    let parked = Document { received_at: "2026-11-20T00:00:00.000Z".into(), ..document(50, "L1") };
    let change = |stored: &mut Document| {
        let judgement = stored.judgement_mut(&system("L1"), &at(4)).unwrap();
        judgement.status = DocumentStatus::Parked;
        judgement.next_try_at = Some(at(9));
        judgement.serials.provisional = 3;
    };
    bench.store.document_change(&sha(50), Some(&parked), &meter, change).await.unwrap();
    let card = bench.card(&context("reports:read")).await;
    let files = &card["files"];
    // Three of the bench: reconciled, quarantined, parked for one of its two systems.
    assert_eq!((&files["received"], &files["reconciled"]), (&json!(23), &json!(21)));
    assert_eq!((&files["parked"], &files["quarantined"]), (&json!(1), &json!(1)));
    assert_eq!(files["in_progress"], 0);
    assert_eq!(files["refused"]["documents"][0]["error_code"], "truncated");
    let waiting = &files["waiting"]["documents"];
    let found = waiting.as_array().unwrap().iter().find(|one| one["content_sha256"] == sha(50));
    let found = found.unwrap();
    assert_eq!((&found["provisional"], &found["next_try_at"]), (&json!(3), &json!(at(9))));
    let latency = &card["commissioning_latency"];
    assert_eq!(
        *latency,
        json!({"samples": 20, "p50_ms": 10_000, "p95_ms": 19_000, "max_ms": 20_000})
    );
}

#[tokio::test]
async fn i8_a_line_sees_its_own_part_of_the_scorecard() {
    let bench = bench().await;
    bench.pool(1, 1_000, 900, &at(0)).await;
    bench.reserve("a", (1, 10), ("L2", Some(LINE)), &at(1)).await;
    bench.reserve("b", (1, 20), ("L2", Some(OTHER_LINE)), &at(1)).await;
    bench.reserve("c", (1, 30), ("L2", None), &at(1)).await;
    let card = bench.card(&bound("reports:read", "L2")).await;
    assert_eq!(card["part"], json!({"system_id": "L2", "line_glns": [LINE]}));
    assert_eq!(card["open_allocations"]["reserved"], 10);
    assert_eq!((&card["pools"]["total"], &card["pools"]["near_total"]), (&json!(0), &json!(0)));
    assert_eq!(card["findings"]["unresolved"], 2);
    assert_eq!(card["findings"]["by_code"][0]["code"], "MISSING_LOT");
    let files = &card["files"];
    assert_eq!((&files["received"], &files["reconciled"]), (&json!(2), &json!(0)));
    assert_eq!((&files["parked"], &files["quarantined"]), (&json!(1), &json!(1)));
    let whole = bench.card(&context("reports:read")).await;
    assert_eq!(whole["open_allocations"]["reserved"], 60);
    assert_eq!(whole["part"], json!({"system_id": null, "line_glns": []}));
}

#[tokio::test]
async fn the_scorecard_needs_its_scope_and_takes_no_parameter() {
    let bench = bench().await;
    let denied = HttpEvent::get(SCORECARD).caller(&context("documents:read allocations:write"));
    let (status, body) = bench.send(denied).await;
    assert_eq!((status, slug(&body)), (403, "forbidden"));
    assert_eq!(bench.send(HttpEvent::get(SCORECARD)).await.0, 401);
    let odd = HttpEvent::get(SCORECARD).query("hours=1").caller(&context("operator"));
    assert_eq!(bench.send(odd).await.0, 400);
    assert_eq!(
        bench.send(HttpEvent::new("POST", SCORECARD).caller(&context("operator"))).await.0,
        405
    );
}
