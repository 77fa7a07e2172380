use super::*;

const GTIN: &str = "00313000007772";
const CASE: &str = "10313000007779";

fn buckets(counts: &[(Bucket, u64)]) -> Buckets {
    let mut buckets = Buckets::default();
    for (bucket, count) in counts {
        buckets.add(*bucket, *count);
    }
    buckets
}

fn reported(gtin: &str, level: &str, quantity: u64) -> Reported {
    Reported { gtin: Gtin14::parse(gtin).unwrap(), level: level.to_owned(), quantity }
}

fn judged(
    production: Option<&[Reported]>,
    (min, max): (u16, u16),
) -> Result<Vec<(Code, u64)>, ReportError> {
    // 950 on packs of 1,000 printed; 500 more were never printed.
    let buckets = buckets(&[
        (Bucket::Commissioned, 950),
        (Bucket::Scrapped, 30),
        (Bucket::Sampled, 15),
        (Bucket::Encoded, 5),
        (Bucket::Returned, 100),
        (Bucket::Deactivated, 150),
        (Bucket::Outstanding, 250),
    ]);
    let batch = Batch {
        gtin: Some(Gtin14::parse(GTIN).unwrap()),
        level: Some("EA"),
        buckets: &buckets,
        tolerance: Tolerance::new(min, max).unwrap(),
    };
    let verdict = batch.judge(production)?;
    Ok(verdict.issues.iter().map(|issue| (issue.code(), issue.count())).collect())
}

#[test]
fn what_fits_is_in_order_and_what_does_not_is_named_and_counted() {
    use Code::{EobCountMismatch as Count, YieldOutOfTolerance as Yielded};
    let (good, case) = (reported(GTIN, "EA", 950), reported(CASE, "CA", 95));
    let (few, many) = (reported(GTIN, "EA", 948), reported(GTIN, "EA", 953));
    let check = |production: &[Reported], tolerance, expected: &[(Code, u64)]| {
        assert_eq!(judged(Some(production), tolerance).unwrap(), expected, "{production:?}");
    };
    check(std::slice::from_ref(&good), (0, 1_000), &[]);
    check(&[case.clone(), good.clone()], (950, 950), &[]);
    check(&[few], (0, 1_000), &[(Count, 2)]);
    check(&[many], (951, 1_000), &[(Count, 3), (Yielded, 1)]);
    check(&[good, case], (0, 949), &[(Yielded, 1)]);
    // Without quantities the yield is judged all the same.
    assert_eq!(judged(None, (0, 1_000)).unwrap(), []);
    assert_eq!(judged(None, (960, 1_000)).unwrap(), [(Yielded, 1)]);
}

#[test]
fn reports_that_are_meant_for_something_else_are_refused() {
    let (own, case) = (reported(GTIN, "EA", 950), reported(CASE, "CA", 95));
    let check = |production: &[Reported], expected| {
        assert_eq!(judged(Some(production), (0, 1_000)), Err(expected), "{production:?}");
    };
    check(&[], ReportError::OwnMissing);
    check(std::slice::from_ref(&case), ReportError::OwnMissing);
    check(&[own.clone(), case.clone(), case], ReportError::Twice(2));
    check(&[own.clone(), own.clone()], ReportError::Twice(1));
    check(&[own, reported(GTIN, "PK", 1)], ReportError::OtherLevel(1));
}

#[test]
fn levels_without_a_ledger_are_kept_as_they_were_reported() {
    let (own, case) = (reported(GTIN, "EA", 7), reported(CASE, "CA", 95));
    let buckets = buckets(&[(Bucket::Commissioned, 7)]);
    let gtin = Gtin14::parse(GTIN).unwrap();
    let batch =
        Batch { gtin: Some(gtin), level: None, buckets: &buckets, tolerance: Tolerance::ANY };
    let verdict = batch.judge(Some(&[case.clone(), own.clone()])).unwrap();
    let counts = verdict.counted.iter().map(|one| (&one.reported, one.commissioned));
    assert_eq!(counts.collect::<Vec<_>>(), [(&case, None), (&own, Some(7))]);
    // No level was said when the numbers were reserved, but a number is on one pack.
    let twice = [own, reported(GTIN, "PK", 7)];
    assert_eq!(batch.judge(Some(&twice)), Err(ReportError::Twice(1)));
}

#[test]
fn a_yield_is_judged_without_rounding_and_shown_rounded_down() {
    let just_short = Yield { commissioned: 949_999, printed: 1_000_000 };
    assert_eq!(just_short.thousandths(), 949);
    assert!(!just_short.is_within(Tolerance::new(950, 1_000).unwrap()));
    let just_above = Yield { commissioned: 950_001, printed: 1_000_000 };
    assert_eq!(just_above.thousandths(), 950);
    assert!(just_above.is_within(Tolerance::new(950, 1_000).unwrap()));
    assert!(!just_above.is_within(Tolerance::new(0, 950).unwrap()));
    assert_eq!(Yield::of(&buckets(&[(Bucket::Outstanding, 5), (Bucket::Returned, 5)])), None);
    assert_eq!(Yield { commissioned: u64::MAX, printed: u64::MAX }.thousandths(), 1_000);
}

#[test]
fn bounds_are_thousandths_in_order() {
    assert_eq!(Tolerance::new(0, 1_000), Ok(Tolerance::ANY));
    for (min, max) in [(1, 0), (0, 1_001), (1_001, 1_002)] {
        assert_eq!(Tolerance::new(min, max), Err(ToleranceError), "{min} to {max}");
    }
}

#[test]
fn every_part_of_a_request_changes_its_hash() {
    let production = Some(vec![reported(GTIN, "EA", 950)]);
    let base = CloseRequest { production, ..CloseRequest::default() };
    let change = |edit: fn(&mut CloseRequest)| {
        let mut other = base.clone();
        edit(&mut other);
        other.hash()
    };
    let mut hashes = vec![
        base.hash(),
        change(|r| r.lot = Some("L".into())),
        change(|r| r.reason = Some("L".into())),
        change(|r| r.unused = Unused::Return),
        change(|r| r.production = None),
        change(|r| r.production = Some(Vec::new())),
        change(|r| r.production.as_mut().unwrap()[0].quantity = 951),
        change(|r| r.production.as_mut().unwrap()[0].level = "PK".into()),
        change(|r| r.production.as_mut().unwrap()[0].gtin = Gtin14::parse(CASE).unwrap()),
    ];
    let count = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
    assert_eq!(base.hash(), base.clone().hash());
}
