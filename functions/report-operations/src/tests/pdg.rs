//! Findings as exception reports: every code, against PDG's schema and against what the table holds.

mod schema;

use domain::bitmap::{BlockSet, Offset};
use domain::fact::Fact;
use domain::finding::{Code, Finding, SerialRange, Subject};
use domain::gtin::Gtin14;
use domain::ids::{PoolId, RequestId};
use domain::ledger::{Claim, Draft, Terms};
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest};
use edge::HttpEvent;
use serde_json::{Value, json};
use store::block::Place;
use store::finding::FindingRecord;
use store::meter::Meter;

use self::schema::Schema;
use super::{Bench, at, bench, context, sha, system};

const GTIN: &str = "00313000007772";

impl Bench {
    /// Reserves 5,000 serials of lot LOT42, expiry 2028-10-31; the allocation's id.
    async fn lot42(&self) -> domain::ids::AllocationId {
        let gtin = Gtin14::parse(GTIN).unwrap();
        let draft = PoolDraft {
            name: "pool".into(),
            key: gtin.into(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 12 },
            eu_rules: false,
            from: 1_000,
            to: 999_999,
            max_request: 10_000,
            threshold: 0,
            policy: domain::policy::PoolPolicy::default(),
        };
        let pool = PoolId::from_entropy([7; 17]);
        self.store.pool_create(pool.clone(), draft, &at(1)).await.unwrap();
        let details = Details {
            lot: Some("LOT42".into()),
            expiry: Some("2028-10-31".into()),
            po_number: Some("PO-7".into()),
            ..Details::default()
        };
        let request = ReserveRequest {
            requester: system("L1"),
            credential: None,
            request_id: RequestId::parse("R1").unwrap(),
            key: gtin.into(),
            quantity: 5_000,
            pool_id: Some(pool.clone()),
            system_id: None,
            line_gln: None,
            plant_gln: Some(domain::gln::Gln::parse("0313000000001").unwrap()),
            details,
            terms: domain::request::Terms::default(),
        };
        self.store.reserve(&request, &[pool], &at(1)).await.unwrap().allocation.id
    }

    /// Posts that the n-th document commissions the serials at `offsets` with a lot.
    async fn commission(
        &self,
        allocation: &domain::ids::AllocationId,
        n: u8,
        lot: &str,
        offsets: std::ops::Range<u32>,
    ) {
        let serials: BlockSet = offsets.map(|offset| Offset::new(offset).unwrap()).collect();
        let claim = Claim {
            fact: Fact::Commissioned,
            lot: Some(lot),
            expiry: None,
            time_ms: 1_795_428_000_000,
            ordinal: 1,
            is_bare: false,
        };
        let mut draft = Draft::default();
        draft.assert_all(&claim, &serials);
        let place = Place { allocation, block: 0, content_sha256: &sha(n) };
        let meter = Meter::default();
        self.store.block_apply((place, &at(1)), &draft, &Terms::default(), &meter).await.unwrap();
    }

    async fn keep(&self, finding: Finding, n: u8) -> String {
        let id = finding.id.clone();
        let (content_sha256, system_id) = (sha(n), system("L1"));
        let record = FindingRecord { content_sha256, system_id, at: at(1), finding };
        self.store.finding_put(&record, &Meter::default()).await.unwrap();
        id
    }

    async fn export(&self, id: &str) -> (u16, Value) {
        let path = format!("/api/v1/findings/{id}/export");
        let query = "format=pdg&email=quality@example.com";
        let by = context("documents:read");
        self.send(HttpEvent::get(&path).query(query).caller(&by)).await
    }

    async fn report(&self, id: &str) -> Value {
        let (status, report) = self.export(id).await;
        assert_eq!(status, 200, "{report}");
        let errors = Schema::read().errors(&report);
        assert!(errors.is_empty(), "{errors:?} {report}");
        report
    }

    async fn resolve(&self, id: &str) {
        let path = format!("/api/v1/findings/{id}/resolve");
        let event = HttpEvent::new("POST", &path).json(&json!({"reason": "done"}));
        let (status, view) = self.send(event.caller(&context("operator"))).await;
        assert_eq!(status, 200, "{view}");
    }
}

fn finding(code: Code, n: u8, about: Option<&str>, gtin: Option<&str>) -> Finding {
    let (allocation_id, gtin) = (about.map(str::to_owned), gtin.map(str::to_owned));
    let subject = Subject { code, provisional: false, allocation_id, gtin };
    subject.finding((&sha(n), "L1"), 0)
}

fn with_range(mut finding: Finding, from: u64, to: u64) -> Finding {
    finding.count = finding.count.saturating_add(to.saturating_sub(from)).saturating_add(1);
    finding.ranges.push(SerialRange { from: format!("{from:012}"), to: format!("{to:012}") });
    finding
}

/// A member of each object of a list.
fn each<'a>(list: &'a Value, member: &str) -> Vec<&'a Value> {
    list.as_array().unwrap().iter().map(|item| &item[member]).collect()
}

#[tokio::test]
async fn every_code_gives_a_report_of_the_schema_or_none_as_the_table_says() {
    let bench = bench().await;
    let allocation = bench.lot42().await;
    bench.commission(&allocation, 7, "LOT43", 0..5).await;
    let table = include_str!("../../../../infra/decisions/0009-findings-for-trading-partners.md");
    for code in Code::ALL {
        let row = format!("| `{}` | ", code.as_str());
        let part = table.lines().find_map(|line| line.strip_prefix(&row)).unwrap();
        let part = part.trim_end_matches(" |").trim_matches('`');
        let full = finding(*code, 7, Some(allocation.as_str()), Some(GTIN));
        let mut bare = finding(*code, 7, None, None);
        bare.count = 1;
        for (finding, is_full) in [(with_range(full, 1_000, 1_002), true), (bare, false)] {
            let id = bench.keep(finding, 7).await;
            if part == "none" {
                assert_eq!(bench.export(&id).await.0, 422, "{code:?}");
                continue;
            }
            let report = bench.report(&id).await;
            let pointer = match part {
                "other_errors" => "/other_errors".to_owned(),
                part => format!("/exceptions/{}", part.replace('.', "/")),
            };
            let told = report.pointer(&pointer).and_then(Value::as_array);
            if is_full {
                assert!(told.is_some_and(|told| !told.is_empty()), "{code:?} {report}");
            } else {
                // What a part needs is not known: a sentence says what is.
                assert_eq!(report["exceptions"], json!({}), "{code:?} {report}");
                let sentence = report["other_errors"][0].as_str().unwrap();
                assert!(sentence.starts_with(code.as_str()), "{sentence}");
            }
            assert_eq!(report["case_resolved"], false);
            bench.resolve(&id).await;
            let closing = bench.report(&id).await;
            assert_eq!(closing["exceptions"], json!({}));
            assert_eq!(
                (&closing["other_errors"], &closing["case_resolved"]),
                (&Value::Null, &json!(true))
            );
            assert_eq!(closing["exception_case_uuid"], report["exception_case_uuid"]);
            assert_ne!(closing["message_uuid"], report["message_uuid"]);
        }
    }
}

#[tokio::test]
async fn a_report_done_again_is_the_same_and_names_order_plant_and_time() {
    let bench = bench().await;
    let allocation = bench.lot42().await;
    let found = finding(Code::OverRun, 7, Some(allocation.as_str()), Some(GTIN));
    let id = bench.keep(with_range(found, 6_000, 6_009), 7).await;
    let report = bench.report(&id).await;
    assert_eq!(bench.report(&id).await, report);
    assert_eq!(report["po_number"], "PO-7");
    assert_eq!(report["sender_information"]["gln"], "0313000000001");
    // 2026-11-23T01:00:00Z
    assert_eq!(report["timestamp"], 1_795_395_600);
    let overage = &report["exceptions"]["overages"][0];
    let quantities = (&overage["quantity_ordered"], &overage["quantity_received"]);
    assert_eq!(quantities, (&json!(5_000), &json!(5_010)));
    assert_eq!(report["other_errors"], Value::Null);
}

#[tokio::test]
async fn few_serials_are_listed_and_many_are_told_as_ranges() {
    let bench = bench().await;
    let mut few = with_range(finding(Code::NotReserved, 7, None, Some(GTIN)), 98, 100);
    few.samples.push("urn:epc:id:sgtin:0313000.000777.A%2F1".into());
    few.count = few.count.saturating_add(1);
    let id = bench.keep(few, 7).await;
    let report = bench.report(&id).await;
    let items = &report["exceptions"]["missing_product_data"];
    let serials = ["000000000098", "000000000099", "000000000100", "A/1"];
    assert_eq!(each(items, "product_serial"), serials);
    assert_eq!(each(items, "product_gtin"), [GTIN; 4]);
    assert_eq!(report["other_errors"], Value::Null);
    let ids: std::collections::BTreeSet<String> =
        each(items, "exception_item_uuid").iter().map(ToString::to_string).collect();
    assert_eq!(ids.len(), 4);
    let most = with_range(finding(Code::NotReserved, 8, None, Some(GTIN)), 1, 1_000);
    let id = bench.keep(most, 8).await;
    let report = bench.report(&id).await;
    let items = &report["exceptions"]["missing_product_data"];
    assert_eq!(each(items, "product_serial").len(), 1_000);
    let many = with_range(finding(Code::NotReserved, 9, None, Some(GTIN)), 1, 1_001);
    let id = bench.keep(many, 9).await;
    let report = bench.report(&id).await;
    let items = &report["exceptions"]["missing_product_data"];
    assert_eq!(each(items, "product_serial"), [&Value::Null]);
    let sentence = report["other_errors"][0].as_str().unwrap();
    assert!(sentence.contains("1001 in all"), "{sentence}");
    assert!(sentence.contains("serials 000000000001 to 000000001001"), "{sentence}");
}

#[tokio::test]
async fn a_misalignment_tells_both_lots_from_the_ledger() {
    let bench = bench().await;
    let allocation = bench.lot42().await;
    bench.commission(&allocation, 7, "LOT43", 0..3).await;
    bench.commission(&allocation, 8, "LOT44", 2..5).await;
    let about = Some(allocation.as_str());
    let mismatch = with_range(finding(Code::LotMismatch, 7, about, Some(GTIN)), 1_000, 1_002);
    let again = with_range(finding(Code::AlreadyCommissioned, 8, about, Some(GTIN)), 1_002, 1_002);
    let mismatch = bench.keep(mismatch, 7).await;
    let again = bench.keep(again, 8).await;
    for (id, serials, reported, recorded) in [
        (mismatch, vec!["000000001000", "000000001001", "000000001002"], "LOT43", "LOT42"),
        (again, vec!["000000001002"], "LOT44", "LOT43"),
    ] {
        let report = bench.report(&id).await;
        let items = &report["exceptions"]["data_misalignment"];
        assert_eq!(each(items, "received_product_serial"), serials);
        assert_eq!(each(items, "product_data_serial"), serials);
        assert_eq!(each(items, "received_product_lot"), vec![reported; serials.len()]);
        assert_eq!(each(items, "product_data_lot"), vec![recorded; serials.len()]);
        assert_eq!(each(items, "product_data_expiry"), vec!["2028-10-31"; serials.len()]);
        assert_eq!(report["other_errors"], Value::Null);
    }
}

#[tokio::test]
async fn a_misalignment_of_many_serials_is_told_once_for_each_pair_of_lots() {
    let bench = bench().await;
    let allocation = bench.lot42().await;
    bench.commission(&allocation, 7, "LOT43", 0..600).await;
    bench.commission(&allocation, 8, "LOT44", 600..4_000).await;
    bench.commission(&allocation, 9, "LOT45", 0..4_000).await;
    let found = finding(Code::AlreadyCommissioned, 9, Some(allocation.as_str()), Some(GTIN));
    let id = bench.keep(with_range(found, 1_000, 4_999), 9).await;
    let report = bench.report(&id).await;
    let items = &report["exceptions"]["data_misalignment"];
    assert_eq!(each(items, "received_product_serial"), [&Value::Null, &Value::Null]);
    assert_eq!(each(items, "product_data_lot"), ["LOT43", "LOT44"]);
    assert!(report["other_errors"][0].as_str().unwrap().contains("4000 in all"));
}

#[tokio::test]
async fn gtins_with_a_wrong_check_digit_are_named_and_other_texts_are_samples() {
    let bench = bench().await;
    let mut found = finding(Code::BadCheckDigit, 7, None, None);
    found.samples = vec![
        "https://id.gs1.org/01/00313000007773/21/1".into(),
        "https://id.gs1.org/00/003130000000000019".into(),
    ];
    found.count = 2;
    let id = bench.keep(found, 7).await;
    let report = bench.report(&id).await;
    let errors = &report["exceptions"]["master_data_errors"]["gtin_errors"];
    assert_eq!(each(errors, "invalid_gtin"), ["00313000007773"]);
    assert!(report["other_errors"][0].as_str().unwrap().contains("003130000000000019"));
}
