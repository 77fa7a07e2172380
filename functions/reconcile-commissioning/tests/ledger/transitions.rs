//! What breaks the table of transitions is found whichever document comes first, and goes away when a later
//! one settles it.

use crate::bench::{Bench, commission, document, end, serials};

/// Sends the documents in this order and in the other; what is found of them is the same.
async fn both_ways(one: &str, other: &str, expected: &[&str]) {
    for documents in [[one, other], [other, one]] {
        let bench = Bench::start().await;
        bench.reserve("r1", "L1", 100).await;
        let mut found = Vec::new();
        for text in documents {
            bench.send("L1", text).await;
        }
        // Once more, as the sweep has it: what a later document settled is gone, nothing comes twice.
        for text in documents {
            let report = bench.send("L1", text).await;
            assert_eq!(report.applied.unsettled.len(), 0, "all is settled by now");
            found.extend(report.lines());
        }
        found.sort();
        found.dedup();
        assert_eq!(found, expected);
    }
}

fn row(index: u128, status: &str, time: &str) -> String {
    let gtin = crate::bench::GTIN;
    format!("GTIN,SerialNumber,Status,EventTime\n{gtin},{index:012},{status},{time}\n")
}

#[tokio::test]
async fn a_number_that_was_given_back_and_used_is_told_in_either_order() {
    let packs = document(&[commission(serials(1000, 1009))]);
    let early = row(1004, "UNUSED", "2026-11-23T09:00:00Z");
    let late = row(1004, "UNUSED", "2026-11-23T11:00:00Z");
    let after = ["critical RECOMMISSION_AFTER_TERMINAL 1 000000001004-000000001004"];
    both_ways(&packs, &early, &after).await;
    let before = ["error GIVEN_BACK_AND_USED 1 000000001004-000000001004"];
    both_ways(&packs, &late, &before).await;
}

#[tokio::test]
async fn a_label_after_its_pack_is_out_of_order() {
    let packs = document(&[commission(serials(1000, 1009))]);
    let late = row(1004, "ENCODED", "2026-11-23T11:00:00Z");
    let expected = ["warning EVENTS_OUT_OF_ORDER 1 000000001004-000000001004"];
    both_ways(&packs, &late, &expected).await;
    let early = row(1004, "ENCODED", "2026-11-23T09:00:00Z");
    both_ways(&packs, &early, &[]).await;
}

#[tokio::test]
async fn a_pack_that_was_never_commissioned_is_settled_when_its_commissioning_comes_late() {
    let ends = document(&[end("destroying", "2026-11-23T11:00:00Z", serials(1003, 1004))]);
    let bench = Bench::start().await;
    bench.reserve("r1", "L1", 100).await;
    let never = ["warning NEVER_COMMISSIONED 2 000000001003-000000001004"];
    assert_eq!(bench.send("L1", &ends).await.lines(), never);
    assert_eq!(bench.send("L1", &ends).await.lines(), never, "nothing new, nothing gone");
    let report = bench.send("L1", &document(&[commission(serials(1000, 1003))])).await;
    assert_eq!(report.lines(), Vec::<String>::new());
    let sha = bench.read("L1", &ends).await.content_sha256;
    let named: Vec<&str> = report.applied.unsettled.iter().map(|(sha, _)| sha.as_str()).collect();
    assert_eq!(named, [sha.as_str()], "it is to be judged again");
    let rest = ["warning NEVER_COMMISSIONED 1 000000001004-000000001004"];
    assert_eq!(bench.send("L1", &ends).await.lines(), rest);
    both_ways(&ends, &document(&[commission(serials(1000, 1009))]), &[]).await;
}
