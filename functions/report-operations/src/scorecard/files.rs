//! Files: what came in, what waits, and how long it takes until a file is reconciled.

use domain::ids::SystemId;
use serde::Serialize;
use store::document::{Document, DocumentStatus};
use store::scorecard::Reading;
use store::time::parse_rfc3339;
use utoipa::ToSchema;

use super::span_ms;

/// Documents shown of each queue at most.
const ROWS_MAX: usize = 20;

/// Files received in the window, and those that wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardFiles)]
pub struct Files {
    /// Documents first received in the window.
    pub received: usize,
    /// Of these: reconciled.
    pub reconciled: usize,
    /// Of these: still being read or applied.
    pub in_progress: usize,
    /// Of these: parked until a later reservation.
    pub parked: usize,
    /// Of these: refused.
    pub quarantined: usize,
    /// Not all documents of the window were counted.
    pub truncated: bool,
    /// All parked documents, whenever they were received, by their next try.
    pub waiting: Waiting,
    /// All quarantined documents that nobody has dealt with, by receipt.
    pub refused: Waiting,
}

/// A queue of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardWaiting)]
pub struct Waiting {
    /// How many there are.
    pub total: usize,
    /// Not all were counted.
    pub truncated: bool,
    /// The first 20 of them.
    pub documents: Vec<DocumentRow>,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardDocumentRow)]
pub struct DocumentRow {
    /// Of the inflated bytes, hexadecimal.
    pub content_sha256: String,
    /// Such as `epcis-xml-1` or `result-csv`.
    pub kind: String,
    /// How far it has come.
    pub status: &'static str,
    /// The system that sent it first.
    pub system_id: String,
    /// When it was first received, RFC 3339.
    pub received_at: String,
    /// Why it was refused.
    #[schema(required)]
    pub error_code: Option<String>,
    /// Serials that a later reservation may still cover.
    pub provisional: u64,
    /// When it is tried again, RFC 3339.
    #[schema(required)]
    pub next_try_at: Option<String>,
}

/// How long it takes from the arrival of a system's copy to its reconciliation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardLatency)]
pub struct Latency {
    /// Reconciled copies of documents received in the window.
    pub samples: usize,
    /// Half of them took at most this long, milliseconds.
    #[schema(required)]
    pub p50_ms: Option<u64>,
    /// 95 of a hundred took at most this long, milliseconds.
    #[schema(required)]
    pub p95_ms: Option<u64>,
    /// The longest, milliseconds.
    #[schema(required)]
    pub max_ms: Option<u64>,
}

/// Documents as a system may see them; `visible` cuts one down to its part.
pub(crate) fn part_of(
    documents: Reading<Document>,
    system: Option<&SystemId>,
    visible: impl Fn(Document, Option<&SystemId>) -> Document,
) -> Reading<Document> {
    let Some(own) = system else {
        return documents;
    };
    let is_own =
        |document: &Document| document.system_id == *own || document.judgement(own).is_some();
    let Reading { items, truncated } = documents.filtered(is_own);
    Reading { items: items.into_iter().map(|one| visible(one, Some(own))).collect(), truncated }
}

impl Files {
    pub(crate) fn of(
        received: &Reading<Document>,
        parked: &Reading<Document>,
        quarantined: &Reading<Document>,
    ) -> Self {
        let count = |wanted: &[DocumentStatus]| {
            received.items.iter().filter(|document| wanted.contains(&document.status())).count()
        };
        Self {
            received: received.items.len(),
            reconciled: count(&[DocumentStatus::Reconciled]),
            in_progress: count(&[DocumentStatus::Received, DocumentStatus::Applying]),
            parked: count(&[DocumentStatus::Parked]),
            quarantined: count(&[DocumentStatus::Quarantined]),
            truncated: received.truncated,
            waiting: Waiting::of(parked),
            refused: Waiting::of(quarantined),
        }
    }
}

impl Waiting {
    fn of(documents: &Reading<Document>) -> Self {
        Self {
            total: documents.items.len(),
            truncated: documents.truncated,
            documents: documents.items.iter().take(ROWS_MAX).map(row).collect(),
        }
    }
}

fn row(document: &Document) -> DocumentRow {
    DocumentRow {
        content_sha256: document.content_sha256.clone(),
        kind: document.kind.clone(),
        status: document.status().as_str(),
        system_id: document.system_id.to_string(),
        received_at: document.received_at.clone(),
        error_code: document.refusal().map(|error| error.code.clone()),
        provisional: document.serials().provisional,
        next_try_at: document.next_try_at().map(str::to_owned),
    }
}

impl Latency {
    pub(crate) fn of(received: &Reading<Document>) -> Self {
        let copies = received.items.iter().flat_map(|document| &document.judgements);
        let done = copies.filter(|copy| copy.status == DocumentStatus::Reconciled);
        let mut all: Vec<u64> = done
            .filter_map(|copy| {
                let from = parse_rfc3339(&copy.first_at)?;
                let to = parse_rfc3339(copy.reconciled_at.as_deref()?)?;
                Some(u64::try_from(span_ms(from, to)).unwrap_or(0))
            })
            .collect();
        all.sort_unstable();
        Self {
            samples: all.len(),
            p50_ms: percentile(&all, 50),
            p95_ms: percentile(&all, 95),
            max_ms: all.last().copied(),
        }
    }
}

/// The least of `sorted` that at least `percent` of a hundred do not exceed (nearest rank).
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}
