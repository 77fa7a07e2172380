//! What a run over a document measured, for CloudWatch (see `edge::metrics`).

use domain::finding::{Finding, FindingStatus, Severity};
use domain::ids::SystemId;
use edge::{Measures, Metric};
use store::document::{Document, DocumentStatus};
use store::finding::FindingRecord;
use store::time::parse_rfc3339;

use crate::outcome::Gain;

/// The findings of a system that a run put or opened again. A run that finds what was known finds nothing
/// new; provisional ones are left out, since a later reservation may settle them.
pub(crate) fn opened(
    known: &[FindingRecord],
    kept: &[FindingRecord],
    system: &SystemId,
) -> Vec<Finding> {
    let is_open = |finding: &Finding| finding.status != FindingStatus::Resolved;
    let was_open =
        |id: &str| known.iter().any(|record| record.finding.id == id && is_open(&record.finding));
    let own = kept.iter().filter(|record| record.system_id == *system);
    let new = own
        .map(|record| &record.finding)
        .filter(|finding| is_open(finding) && !finding.provisional && !was_open(&finding.id));
    new.cloned().collect()
}

/// New findings by severity.
pub(crate) fn findings(content_sha256: &str, new: &[Finding]) -> Measures {
    let of = |severity: Severity| {
        let count = new.iter().filter(|finding| finding.severity == severity).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    };
    Measures::of("findings")
        .with(Metric::FindingsCritical, of(Severity::Critical))
        .with(Metric::FindingsError, of(Severity::Error))
        .with(Metric::FindingsWarning, of(Severity::Warning))
        .about("document.sha256", content_sha256)
}

/// An announced object that is not there.
pub(crate) fn gone(arrival: &str) -> Measures {
    Measures::of("findings").with(Metric::FindingsError, 1_u64).about("arrival", arrival)
}

/// What became of a document. One that is parked still was counted when it was parked, and what takes no
/// number into the ledger has no latency.
pub(crate) fn document(document: &Document, gain: Gain) -> Measures {
    let run = document.metrics.unwrap_or_default();
    let status = document.status();
    let is_parked = status == DocumentStatus::Parked;
    let mut measures = Measures::of("document")
        .with(Metric::Documents, !gain.was_parked)
        .with(Metric::SerialsCommissioned, gain.commissioned)
        .with(Metric::WriteUnits, run.write_units)
        .with(Metric::DocumentsParked, is_parked && !gain.was_parked)
        .with(Metric::DocumentsQuarantined, status == DocumentStatus::Quarantined)
        .about("document.sha256", document.content_sha256.as_str())
        .about("status", status.as_str())
        .about("bytes", run.bytes)
        .about("duration_ms", run.milliseconds);
    let end = document.reconciled_at().filter(|_| status == DocumentStatus::Reconciled);
    let end = end.filter(|_| gain.commissioned > 0);
    if let Some(latency_ms) = between(Some(&document.received_at), end) {
        measures = measures.with(Metric::CommissioningLatency, latency_ms);
    }
    if let Some(lag_ms) = between(document.last_event_at.as_deref(), end) {
        measures = measures.with(Metric::CommissioningLag, lag_ms);
    }
    measures
}

/// Milliseconds between two times; none where one is missing or the first is the later one, as where the
/// clock of a line is ahead.
fn between(from: Option<&str>, to: Option<&str>) -> Option<u64> {
    let ms = |text| Some(parse_rfc3339(text)?.unix_timestamp_nanos().div_euclid(1_000_000));
    u64::try_from(ms(to?)?.checked_sub(ms(from?)?)?).ok()
}

#[cfg(test)]
mod tests {
    use domain::finding::{Code, FindingStatus, Subject};
    use domain::ids::SystemId;
    use store::document::{Document, DocumentStatus};
    use store::finding::FindingRecord;

    use super::{Gain, between, document, findings, opened};

    const NOW: &str = "2026-11-23T10:00:00.000Z";

    fn l1() -> SystemId {
        SystemId::parse("L1").unwrap()
    }

    fn record(code: Code, provisional: bool, status: FindingStatus) -> FindingRecord {
        let subject = Subject { code, provisional, allocation_id: None, gtin: None };
        let mut finding = subject.finding(("a", "L1"), 3);
        finding.status = status;
        FindingRecord { content_sha256: "a".into(), system_id: l1(), at: NOW.into(), finding }
    }

    #[test]
    fn only_what_a_run_opens_is_counted() {
        let (open, resolved) = (FindingStatus::Open, FindingStatus::Resolved);
        let found = |provisional, status| vec![record(Code::NotReserved, provisional, status)];
        for (known, kept, critical) in [
            (vec![], found(true, open), 0),
            (found(true, open), found(false, open), 1),
            (vec![], found(false, open), 1),
            (found(false, open), found(false, open), 0),
            (found(false, resolved), found(false, resolved), 0),
            (found(false, resolved), found(false, open), 1),
        ] {
            let line = findings("a", &opened(&known, &kept, &l1())).line("hub", 0);
            assert_eq!(line["FindingsCritical"], critical, "{known:?} {kept:?}");
        }
    }

    #[test]
    fn a_document_that_stays_parked_or_is_read_again_counts_once() {
        let mut parked = Document::new("a", "epcis-xml-1", &l1(), NOW);
        parked.judgements[0].status = DocumentStatus::Parked;
        parked.judgements[0].serials.newly_commissioned = 7;
        let mut done = parked.clone();
        done.judgements[0].status = DocumentStatus::Reconciled;
        done.judgements[0].reconciled_at = Some("2026-11-24T10:00:00.000Z".into());
        for (of, commissioned, was_parked, expected) in [
            (&parked, 7, false, (1, 7, 1, false)),
            (&parked, 0, true, (0, 0, 0, false)),
            (&done, 2, true, (0, 2, 0, true)),
            (&done, 0, false, (1, 0, 0, false)),
        ] {
            let line = document(of, Gain { commissioned, was_parked }).line("hub", 0);
            let number = |name: &str| line[name].as_u64().unwrap();
            let has_latency = line.get("CommissioningLatency").is_some();
            let found = (number("Documents"), number("SerialsCommissioned"));
            assert_eq!(
                (found.0, found.1, number("DocumentsParked"), has_latency),
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn only_times_in_order_have_a_span() {
        let (early, late) = ("2026-11-23T10:00:00.000Z", "2026-11-23T11:00:01.5+01:00");
        assert_eq!(between(Some(early), Some(late)), Some(1_500));
        assert_eq!(between(Some(late), Some(early)), None);
        assert_eq!(between(None, Some(early)), None);
        assert_eq!(between(Some(early), Some("soon")), None);
    }
}
