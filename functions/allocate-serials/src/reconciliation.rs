//! `GET /{id}/reconciliation`: where every reserved number is (I4), and what was found on the way.
//!
//! Computed from the ledger blocks on each call and therefore never behind them.

use axum::Json;
use axum::extract::{Path, State};
use domain::allocation::Allocation;
use domain::ledger::{Balance, Bucket};
use edge::openapi::{AllocationId, CompanyPrefix, Gtin14, Sha256};
use edge::{Caller, Problem, Scope};
use serde::Serialize;
use service::finding::FindingView;
use service::store_problem;
use store::StoreError;
use store::finding::FindingRecord;
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
    /// Null of SSCCs.
    #[schema(required, value_type = Option<Gtin14>)]
    gtin: Option<String>,
    /// Of SSCCs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<CompanyPrefix>)]
    company_prefix: Option<String>,
    /// Of SSCCs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 9)]
    extension_digit: Option<u8>,
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
    // The findings of the end of the batch have its document for theirs.
    let closings = hub.store.closing_list(&allocation.id).await.map_err(failed)?;
    let ends = closings.into_iter().rev().map(|closing| closing.document.json);
    let looked: Vec<String> = ends.chain(documents.iter().cloned()).collect();
    let findings = findings(&hub, allocation.id.as_str(), &looked).await.map_err(failed)?;
    Ok(Json(ReconciliationView::new(&allocation, &balance, documents, findings)))
}

impl ReconciliationView {
    fn new(
        allocation: &Allocation,
        balance: &Balance,
        documents: Vec<String>,
        findings: Vec<DocumentFinding>,
    ) -> Self {
        let (buckets, sscc) = (&balance.buckets, allocation.key.sscc());
        Self {
            allocation_id: allocation.id.to_string(),
            status: allocation.status.as_str(),
            gtin: allocation.key.gtin().map(|gtin| gtin.to_string()),
            company_prefix: sscc.map(|prefix| prefix.company_prefix().to_owned()),
            extension_digit: sscc.map(|prefix| prefix.extension_digit()),
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
    let records = finding_records(hub, allocation_id, documents).await?;
    let view = |record: FindingRecord| DocumentFinding {
        finding: FindingView::new(&record.finding, RANGES_MAX),
        document: record.content_sha256,
    };
    Ok(records.into_iter().map(view).collect())
}

/// The findings about an allocation in the first of some documents.
pub(crate) async fn finding_records(
    hub: &Hub,
    allocation_id: &str,
    documents: &[String],
) -> Result<Vec<FindingRecord>, StoreError> {
    let mut records = Vec::new();
    for document in documents.iter().take(DOCUMENTS_MAX) {
        let mut found = hub.store.document_findings(document).await?;
        found.retain(|record| record.finding.allocation_id.as_deref() == Some(allocation_id));
        records.extend(found);
    }
    Ok(records)
}
