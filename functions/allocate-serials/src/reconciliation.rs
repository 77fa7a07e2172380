//! `GET /{id}/reconciliation`: where every reserved number is (I4), and what was found on the way.
//!
//! Computed from the ledger blocks on each call and therefore never behind them.

use axum::Json;
use axum::extract::{Path, State};
use domain::allocation::Allocation;
use domain::ledger::{Balance, Bucket};
use edge::openapi::{AllocationId, Gtin14, Sha256};
use edge::{Caller, Problem, Scope};
use serde::Serialize;
use service::finding::FindingView;
use service::store_problem;
use store::StoreError;
use utoipa::ToSchema;

use crate::Hub;
use crate::openapi::StatusWord;

/// Documents whose findings are shown at the most; the rest is under `/api/v1/l3/findings`.
const DOCUMENTS_MAX: usize = 100;
/// Ranges shown of one finding; the report of its document has the rest.
const RANGES_MAX: usize = 20;

/// Where every reserved number is: `reserved` is the sum of the buckets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reconciliation)]
pub(crate) struct ReconciliationView {
    #[schema(value_type = AllocationId)]
    allocation_id: String,
    #[schema(value_type = StatusWord)]
    status: &'static str,
    #[schema(value_type = Gtin14)]
    gtin: String,
    reserved: u64,
    commissioned: u64,
    encoded: u64,
    scrapped: u64,
    sampled: u64,
    decommissioned: u64,
    destroyed: u64,
    returned: u64,
    deactivated: u64,
    outstanding: u64,
    balanced: bool,
    /// Documents that named one of the numbers.
    documents_total: usize,
    /// The first of them, by the SHA-256 of their content.
    #[schema(max_items = 100, value_type = Vec<Sha256>)]
    documents: Vec<String>,
    findings: Vec<DocumentFinding>,
}

/// A finding and the document it was made in.
#[derive(Debug, Serialize, ToSchema)]
struct DocumentFinding {
    #[serde(flatten)]
    finding: FindingView,
    #[schema(value_type = Sha256)]
    document: String,
}

pub(crate) async fn reconciliation(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ReconciliationView>, Problem> {
    caller.require(Scope::AllocationsRead)?;
    let allocation = hub.allocation(&caller, &id).await?;
    let failed = |error: StoreError| store_problem(&error);
    let balance = hub.store.allocation_balance(&allocation).await.map_err(failed)?;
    let documents = hub.store.allocation_documents(&allocation.id).await.map_err(failed)?;
    let findings = findings(&hub, allocation.id.as_str(), &documents).await.map_err(failed)?;
    Ok(Json(ReconciliationView::new(&allocation, &balance, documents, findings)))
}

impl ReconciliationView {
    fn new(
        allocation: &Allocation,
        balance: &Balance,
        documents: Vec<String>,
        findings: Vec<DocumentFinding>,
    ) -> Self {
        let buckets = &balance.buckets;
        Self {
            allocation_id: allocation.id.to_string(),
            status: allocation.status.as_str(),
            gtin: allocation.gtin.to_string(),
            reserved: balance.reserved,
            commissioned: buckets.get(Bucket::Commissioned),
            encoded: buckets.get(Bucket::Encoded),
            scrapped: buckets.get(Bucket::Scrapped),
            sampled: buckets.get(Bucket::Sampled),
            decommissioned: buckets.get(Bucket::Decommissioned),
            destroyed: buckets.get(Bucket::Destroyed),
            returned: buckets.get(Bucket::Returned),
            deactivated: buckets.get(Bucket::Deactivated),
            outstanding: buckets.get(Bucket::Outstanding),
            balanced: balance.holds(),
            documents_total: documents.len(),
            documents: documents.into_iter().take(DOCUMENTS_MAX).collect(),
            findings,
        }
    }
}

async fn findings(
    hub: &Hub,
    allocation_id: &str,
    documents: &[String],
) -> Result<Vec<DocumentFinding>, StoreError> {
    let mut findings = Vec::new();
    for document in documents.iter().take(DOCUMENTS_MAX) {
        for record in hub.store.document_findings(document).await? {
            if record.finding.allocation_id.as_deref() == Some(allocation_id) {
                let finding = FindingView::new(&record.finding, RANGES_MAX);
                findings.push(DocumentFinding { finding, document: document.clone() });
            }
        }
    }
    Ok(findings)
}
