//! Lists: filters, pages, and the index of what is unresolved.

use domain::finding::{Code, FindingStatus, Severity};
use store::finding::FindingFilter;

use crate::bench::{Bench, GTIN, acknowledge, assign, at, finding, resolve, sha, system};

/// Documents 1 to 6 with one finding each: 1, 4 resolved; 2, 5 acknowledged by ada; 3, 6 open.
async fn filled() -> Bench {
    let bench = Bench::start().await;
    for n in 1..=6 {
        let code = if n < 4 { Code::NotReserved } else { Code::MissingLot };
        let found = finding(n, code, u64::from(n));
        bench.judge(n, u32::from(n), std::slice::from_ref(&found)).await;
    }
    for n in 1..=6 {
        let code = if n < 4 { Code::NotReserved } else { Code::MissingLot };
        let found = finding(n, code, u64::from(n));
        match n % 3 {
            1 => drop(bench.done(&found.id, 30, &resolve("done")).await),
            2 => {
                bench.done(&found.id, 30, &acknowledge("mine")).await;
                bench.done(&found.id, 30, &assign("ada")).await;
            }
            _ => {}
        }
    }
    bench
}

async fn listed(bench: &Bench, filter: &FindingFilter, limit: usize) -> Vec<String> {
    let mut seen = Vec::new();
    let mut after = None;
    for _ in 0..20 {
        let page = bench.store.finding_list(filter, limit, after.as_deref()).await.unwrap();
        assert!(page.items.len() <= limit);
        seen.extend(page.items.into_iter().map(|case| case.record.content_sha256));
        after = page.next;
        if after.is_none() {
            return seen;
        }
    }
    panic!("the list has no end");
}

#[tokio::test]
async fn every_filter_gives_its_findings_newest_first_whatever_the_page_size() {
    let bench = filled().await;
    let all = FindingFilter::default;
    let rows: Vec<(FindingFilter, Vec<u8>)> = vec![
        (all(), vec![6, 5, 4, 3, 2, 1]),
        (FindingFilter { status: Some(FindingStatus::Open), ..all() }, vec![6, 3]),
        (FindingFilter { status: Some(FindingStatus::Acknowledged), ..all() }, vec![5, 2]),
        (FindingFilter { status: Some(FindingStatus::Resolved), ..all() }, vec![4, 1]),
        (FindingFilter { assignee: Some("ada".into()), ..all() }, vec![5, 2]),
        (FindingFilter { assignee: Some("bob".into()), ..all() }, vec![]),
        (FindingFilter { code: Some(Code::MissingLot), ..all() }, vec![6, 5, 4]),
        (FindingFilter { severity: Some(Severity::Critical), ..all() }, vec![3, 2, 1]),
        (FindingFilter { system_id: Some(system("L1")), ..all() }, vec![6, 5, 4, 3, 2, 1]),
        (FindingFilter { system_id: Some(system("L2")), ..all() }, vec![]),
        (FindingFilter { gtin: Some(GTIN.into()), ..all() }, vec![6, 5, 4, 3, 2, 1]),
        (FindingFilter { allocation_id: Some("A".repeat(26)), ..all() }, vec![]),
        (FindingFilter { content_sha256: Some(sha(2)), ..all() }, vec![2]),
        (
            FindingFilter {
                content_sha256: Some(sha(2)),
                status: Some(FindingStatus::Open),
                ..all()
            },
            vec![],
        ),
        (FindingFilter { since: Some(at(4)), ..all() }, vec![6, 5, 4]),
        (
            FindingFilter { since: Some(at(3)), status: Some(FindingStatus::Open), ..all() },
            vec![6, 3],
        ),
        (FindingFilter { content_sha256: Some(sha(2)), since: Some(at(3)), ..all() }, vec![]),
    ];
    for (filter, expected) in rows {
        let expected: Vec<String> = expected.into_iter().map(sha).collect();
        for limit in [1, 2, 50] {
            assert_eq!(listed(&bench, &filter, limit).await, expected, "{filter:?} {limit}");
        }
    }
}

#[tokio::test]
async fn the_findings_of_one_document_are_paged_too() {
    let bench = Bench::start().await;
    let found = [
        finding(1, Code::NotReserved, 1),
        finding(1, Code::MissingLot, 1),
        finding(1, Code::UnknownGtin, 1),
    ];
    bench.judge(1, 0, &found).await;
    let filter = FindingFilter { content_sha256: Some(sha(1)), ..FindingFilter::default() };
    assert_eq!(listed(&bench, &filter, 1).await.len(), 3);
    assert_eq!(listed(&bench, &filter, 2).await.len(), 3);
}

#[tokio::test]
async fn only_unresolved_findings_are_in_the_queue_with_what_counts_need() {
    let bench = filled().await;
    let found = bench.store.findings_unresolved(None).await.unwrap();
    let lines: Vec<String> = found
        .findings
        .iter()
        .map(|f| {
            let (code, severity) = (f.code.as_str(), f.severity.as_str());
            let who = f.assignee.as_deref().unwrap_or("-");
            format!("{} {code} {severity} {} {} {who}", f.at, f.status.as_str(), f.count)
        })
        .collect();
    let expected = [
        format!("{} NOT_RESERVED critical acknowledged 2 ada", at(2)),
        format!("{} NOT_RESERVED critical open 3 -", at(3)),
        format!("{} MISSING_LOT warning acknowledged 5 ada", at(5)),
        format!("{} MISSING_LOT warning open 6 -", at(6)),
    ];
    assert_eq!(lines, expected);
    let none = bench.store.findings_unresolved(Some(&system("L2"))).await.unwrap();
    assert!(none.findings.is_empty() && !none.truncated);
}
