//! What opens a resolved finding again, and what does not (decision 8).

use domain::finding::{Code, FindingStatus, Severity};
use store::meter::Meter;

use crate::bench::{Bench, at, comment, finding, resolve, sha, system};

#[tokio::test]
async fn more_serials_or_a_graver_verdict_open_a_resolved_finding_again_and_fewer_do_not() {
    for (count, severity, expected) in [
        (5, Severity::Critical, FindingStatus::Resolved),
        (4, Severity::Critical, FindingStatus::Resolved),
        (6, Severity::Critical, FindingStatus::Open),
        (5, Severity::Warning, FindingStatus::Resolved),
    ] {
        let bench = Bench::start().await;
        let id = finding(1, Code::NotReserved, 5).id;
        bench.judge(1, 0, &[finding(1, Code::NotReserved, 5)]).await;
        bench.done(&id, 1, &comment("hm")).await;
        bench.done(&id, 1, &resolve("relabelled")).await;
        let mut found = finding(1, Code::NotReserved, count);
        found.severity = severity;
        bench.judge(1, 2, &[found]).await;
        assert_eq!(bench.status(&id).await, expected, "{count} {severity:?}");
        let open = expected == FindingStatus::Open;
        assert_eq!(bench.unresolved().await.len(), usize::from(open));
        let case = bench.case(&id).await;
        assert_eq!((case.handling.comments, case.handling.recurrences), (1, u32::from(open)));
        let history = bench.history(&id).await;
        assert_eq!(history.len(), 2 + usize::from(open), "{history:?}");
        // Once more changes nothing.
        let mut found = finding(1, Code::NotReserved, count);
        found.severity = severity;
        bench.judge(1, 3, &[found]).await;
        assert_eq!(bench.case(&id).await, case);
    }
}

#[tokio::test]
async fn a_count_that_shrinks_and_grows_below_what_was_settled_stays_resolved() {
    let bench = Bench::start().await;
    let id = finding(1, Code::NotReserved, 10).id;
    bench.judge(1, 0, &[finding(1, Code::NotReserved, 10)]).await;
    bench.done(&id, 1, &resolve("done")).await;
    for count in [4, 10] {
        bench.judge(1, 2, &[finding(1, Code::NotReserved, count)]).await;
        assert_eq!(bench.status(&id).await, FindingStatus::Resolved, "{count}");
    }
    bench.judge(1, 3, &[finding(1, Code::NotReserved, 11)]).await;
    assert_eq!(bench.status(&id).await, FindingStatus::Open);
}

#[tokio::test]
async fn the_same_found_in_a_later_document_opens_the_resolved_finding_again_once() {
    let bench = Bench::start().await;
    let (first, second) = (finding(1, Code::NotReserved, 5), finding(2, Code::NotReserved, 1));
    bench.judge(1, 0, std::slice::from_ref(&first)).await;
    bench.done(&first.id, 1, &resolve("the operator was trained")).await;
    for minute in 2..4 {
        bench.judge(2, minute, std::slice::from_ref(&second)).await;
    }
    assert_eq!(bench.status(&first.id).await, FindingStatus::Open);
    assert_eq!(bench.case(&second.id).await.recurrence_of.as_ref(), Some(&first.id));
    let history = bench.history(&first.id).await;
    let expected = format!("hub reopen resolved>open found again in document {}", sha(2));
    assert_eq!(history.last(), Some(&expected));
    assert_eq!(bench.unresolved().await, [first.id.clone(), second.id.clone()]);
    // Only the latest finding is looked at: the first one is not opened a second time by the third.
    bench.done(&first.id, 4, &resolve("trained again")).await;
    let third = finding(3, Code::NotReserved, 1);
    bench.judge(3, 5, std::slice::from_ref(&third)).await;
    assert_eq!(bench.status(&first.id).await, FindingStatus::Resolved);
    assert_eq!(bench.case(&third.id).await.recurrence_of, None);
}

#[tokio::test]
async fn open_findings_other_subjects_other_systems_and_information_do_not_make_a_recurrence() {
    let bench = Bench::start().await;
    let open = finding(1, Code::UnknownGtin, 1);
    let others = finding(1, Code::NotReserved, 1);
    let info = finding(1, Code::InternalGap, 1);
    bench.judge(1, 0, &[open.clone(), others.clone(), info.clone()]).await;
    bench.done(&others.id, 1, &resolve("done")).await;
    bench.done(&info.id, 1, &resolve("done")).await;
    // Another code, the same code of another GTIN, the same open one, information.
    let mut subject = others.subject();
    subject.gtin = Some("00313000007789".into());
    let other_gtin = subject.finding((&sha(2), "L1"), 1);
    let found = [
        other_gtin,
        finding(2, Code::LotMismatch, 1),
        finding(2, Code::UnknownGtin, 1),
        finding(2, Code::InternalGap, 1),
    ];
    bench.judge(2, 2, &found).await;
    // The same document as sent by another system.
    let theirs = others.subject().finding((&sha(3), "L2"), 1);
    let (sha, system, now) = (sha(3), system("L2"), at(2));
    let of = (sha.as_str(), &system, now.as_str());
    let theirs = std::slice::from_ref(&theirs);
    bench.store.findings_replace(of, theirs, &Meter::default()).await.unwrap();
    for resolved in [&others, &info] {
        assert_eq!(bench.status(&resolved.id).await, FindingStatus::Resolved);
    }
    for finding in found.iter().chain(theirs) {
        assert_eq!(bench.case(&finding.id).await.recurrence_of, None);
    }
}

#[tokio::test]
async fn what_the_hub_itself_resolved_is_not_opened_by_another_document() {
    let bench = Bench::start().await;
    let first = finding(1, Code::NotReserved, 5);
    bench.judge(1, 0, std::slice::from_ref(&first)).await;
    bench.judge(1, 1, &[]).await;
    bench.judge(2, 2, &[finding(2, Code::NotReserved, 1)]).await;
    assert_eq!(bench.status(&first.id).await, FindingStatus::Resolved);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_judged_at_once_open_the_earlier_finding_exactly_once() {
    let bench = Bench::start().await;
    let first = finding(1, Code::NotReserved, 5);
    bench.judge(1, 0, std::slice::from_ref(&first)).await;
    bench.done(&first.id, 1, &resolve("done")).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 2..8 {
        let store = bench.store.clone();
        tasks.spawn(async move {
            let found = finding(n, Code::NotReserved, 1);
            let (sha, system, now) = (sha(n), system("L1"), at(2));
            let of = (sha.as_str(), &system, now.as_str());
            let found = std::slice::from_ref(&found);
            store.findings_replace(of, found, &Meter::default()).await.unwrap();
        });
    }
    tasks.join_all().await;
    assert_eq!(bench.status(&first.id).await, FindingStatus::Open);
    assert_eq!(bench.case(&first.id).await.handling.recurrences, 1);
    let mut told = 0;
    for n in 2..8 {
        let case = bench.case(&finding(n, Code::NotReserved, 1).id).await;
        told += usize::from(case.recurrence_of.as_ref() == Some(&first.id));
    }
    assert_eq!(told, 1);
}
