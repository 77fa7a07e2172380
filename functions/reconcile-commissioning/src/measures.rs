//! What a run over a document measured, for CloudWatch (see `edge::metrics`).

use domain::finding::{Code, Finding, Severity};
use edge::{Measures, Metric};
use store::document::{Document, DocumentStatus};
use store::time::parse_rfc3339;

/// The findings of a run by severity. Provisional ones are not counted: a later reservation may settle
/// them. A document that was parked finds the same with every try, so of its last one only that counts
/// which may have been provisional before.
pub(crate) fn findings(content_sha256: &str, found: &[Finding], was_parked: bool) -> Measures {
    let is_new = |finding: &&Finding| {
        let may_have_waited = matches!(finding.code, Code::NotReserved | Code::UnknownGtin);
        !finding.provisional && (!was_parked || may_have_waited)
    };
    let of = |severity: Severity| {
        let all = found.iter().filter(is_new);
        let count = all.filter(|finding| finding.severity == severity).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    };
    Measures::of("findings")
        .with(Metric::FindingsCritical, of(Severity::Critical))
        .with(Metric::FindingsError, of(Severity::Error))
        .with(Metric::FindingsWarning, of(Severity::Warning))
        .about("document.sha256", content_sha256)
}

/// What became of a document.
pub(crate) fn document(document: &Document) -> Measures {
    let run = document.metrics.unwrap_or_default();
    let status = document.status();
    let mut measures = Measures::of("document")
        .with(Metric::Documents, true)
        .with(Metric::SerialsCommissioned, document.serials().newly_commissioned)
        .with(Metric::WriteUnits, run.write_units)
        .with(Metric::DocumentsParked, status == DocumentStatus::Parked)
        .with(Metric::DocumentsQuarantined, status == DocumentStatus::Quarantined)
        .about("document.sha256", document.content_sha256.as_str())
        .about("status", status.as_str())
        .about("bytes", run.bytes)
        .about("duration_ms", run.milliseconds);
    let end = document.reconciled_at().filter(|_| status == DocumentStatus::Reconciled);
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
    use domain::finding::{Code, Subject};

    use super::{between, findings};

    #[test]
    fn provisional_findings_count_once_they_are_final() {
        let found = |code, provisional| {
            let subject = Subject { code, provisional, allocation_id: None, gtin: None };
            subject.finding(("a", "L1"), 3)
        };
        let (early, late, other) = (
            found(Code::NotReserved, true),
            found(Code::NotReserved, false),
            found(Code::AlreadyCommissioned, false),
        );
        for (found, was_parked, critical) in [
            (vec![early.clone(), other.clone()], false, 1),
            (vec![late.clone(), other.clone()], false, 2),
            (vec![late, other], true, 1),
            (vec![early], false, 0),
        ] {
            let line = findings("a", &found, was_parked).line("hub", 0);
            assert_eq!(line["FindingsCritical"], critical, "{line}");
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
