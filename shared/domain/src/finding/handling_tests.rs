use super::*;
use crate::finding::{Code, Subject};

fn note(text: &str) -> Note {
    Note::parse(text).unwrap()
}

fn finding(status: FindingStatus, count: u64) -> Finding {
    let code = Code::NotReserved;
    let subject = Subject { code, provisional: false, allocation_id: None, gtin: None };
    Finding { status, ..subject.finding(("ab", "L1"), count) }
}

#[test]
fn every_pair_of_status_and_step_is_as_the_table_says() {
    use FindingStatus::{Acknowledged, Open, Resolved};
    let table = [
        (Open, Step::Acknowledge, Some(Acknowledged)),
        (Open, Step::Resolve, Some(Resolved)),
        (Open, Step::Recur, Some(Open)),
        (Open, Step::Vanish, Some(Resolved)),
        (Acknowledged, Step::Acknowledge, Some(Acknowledged)),
        (Acknowledged, Step::Resolve, Some(Resolved)),
        (Acknowledged, Step::Recur, Some(Acknowledged)),
        (Acknowledged, Step::Vanish, Some(Resolved)),
        (Resolved, Step::Acknowledge, None),
        (Resolved, Step::Resolve, Some(Resolved)),
        (Resolved, Step::Recur, Some(Open)),
        (Resolved, Step::Vanish, Some(Resolved)),
    ];
    let mut pairs = 0;
    for status in FindingStatus::ALL {
        for step in Step::ALL {
            let row = table.iter().find(|row| (row.0, row.1) == (status, step)).unwrap();
            assert_eq!(status.after(step).ok(), row.2, "{status:?} {step:?}");
            pairs += 1;
        }
    }
    assert_eq!(pairs, table.len());
}

#[test]
fn a_step_done_again_for_the_same_reason_changes_nothing_and_for_another_one_is_refused() {
    for (change, other, status) in [
        (
            Change::Acknowledge(note("mine")),
            Change::Acknowledge(note("hers")),
            FindingStatus::Acknowledged,
        ),
        (Change::Resolve(note("done")), Change::Resolve(note("void")), FindingStatus::Resolved),
    ] {
        let open = finding(FindingStatus::Open, 3);
        let (after, handling) = Handling::default().changed(&open, &change).unwrap().unwrap();
        assert_eq!(after, status);
        let now = finding(status, 3);
        assert_eq!(handling.changed(&now, &change), Ok(None));
        assert_eq!(handling.changed(&now, &other), Err(Refusal::OtherReason { status }));
    }
}

#[test]
fn a_resolved_finding_is_neither_acknowledged_nor_assigned_but_may_be_commented() {
    let resolve = Change::Resolve(note("done"));
    let open = finding(FindingStatus::Open, 3);
    let (_, handling) = Handling::default().changed(&open, &resolve).unwrap().unwrap();
    let resolved = finding(FindingStatus::Resolved, 3);
    let acknowledge = Change::Acknowledge(note("mine"));
    assert!(matches!(handling.changed(&resolved, &acknowledge), Err(Refusal::Status { .. })));
    let assign = Change::Assign(Some(Assignee::parse("ada").unwrap()));
    assert_eq!(handling.changed(&resolved, &assign), Err(Refusal::AssignResolved));
    assert_eq!(handling.changed(&resolved, &Change::Assign(None)), Ok(None));
    let comment = Change::Comment { text: note("for the record"), author: "L1".into() };
    let (status, after) = handling.changed(&resolved, &comment).unwrap().unwrap();
    assert_eq!((status, after.comments), (FindingStatus::Resolved, 1));
}

#[test]
fn a_comment_sent_twice_is_one_and_the_number_of_comments_is_bounded() {
    let open = finding(FindingStatus::Open, 3);
    let comment =
        |text: &str, author: &str| Change::Comment { text: note(text), author: author.to_owned() };
    let mut handling = Handling::default();
    for n in 0..COMMENTS_MAX {
        let change = comment(&n.to_string(), "L1");
        (_, handling) = handling.changed(&open, &change).unwrap().unwrap();
        assert_eq!(handling.changed(&open, &change), Ok(None));
    }
    let again = comment("199", "L2");
    assert_eq!(handling.changed(&open, &again), Err(Refusal::TooManyComments));
    assert_eq!(handling.comments, COMMENTS_MAX);
}

#[test]
fn only_more_or_graver_or_vanished_findings_recur() {
    let settled = Settled { count: 3, severity: Severity::Error, vanished: false };
    let of = |count, severity| Finding { severity, ..finding(FindingStatus::Resolved, count) };
    for (found, expected) in [
        (of(3, Severity::Error), false),
        (of(2, Severity::Error), false),
        (of(3, Severity::Warning), false),
        (of(4, Severity::Error), true),
        (of(1, Severity::Critical), true),
    ] {
        assert_eq!(settled.recurs(&found), expected, "{} {:?}", found.count, found.severity);
        assert!(Settled { vanished: true, ..settled }.recurs(&found));
    }
}

#[test]
fn coming_back_keeps_assignee_and_comments() {
    let handling = Handling {
        assignee: Some("ada".into()),
        comments: 2,
        settled: Some(Settled { count: 1, severity: Severity::Info, vanished: false }),
        ..Handling::default()
    };
    let back = handling.reopened("found again");
    assert_eq!((back.assignee.as_deref(), back.comments, back.recurrences), (Some("ada"), 2, 1));
    assert_eq!((back.settled, back.reason.as_deref()), (None, Some("found again")));
    let gone = back.vanished(&finding(FindingStatus::Open, 9), "gone");
    let settled = gone.settled.unwrap();
    assert_eq!((settled.count, settled.vanished, gone.comments), (9, true, 2));
}

#[test]
fn texts_have_limits_and_no_control_characters() {
    for good in ["a", &"é".repeat(1_000), "two\nlines", " a "] {
        assert_eq!(Note::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", " ", "\n", "a\u{0}", "a\tb", &"a".repeat(1_001)] {
        assert!(Note::parse(bad).is_err(), "{bad:?}");
    }
    for good in ["ada@example.com", &"é".repeat(64)] {
        assert_eq!(Assignee::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", " ", "a\nb", &"a".repeat(65)] {
        assert!(Assignee::parse(bad).is_err(), "{bad:?}");
    }
}
