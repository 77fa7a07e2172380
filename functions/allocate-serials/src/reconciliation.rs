//! `GET /{id}/reconciliation`: where every reserved number is (I4), and what was found on the way.
//!
//! Computed from the ledger blocks on each call and therefore never behind them.

use axum::Json;
use axum::extract::{Path, State};
use domain::ledger::Bucket;
use edge::{Caller, Problem, Scope};
use serde_json::{Map, Value};
use store::StoreError;
use store::finding::{cut_ranges, finding_view};

use crate::Hub;
use crate::problem::store_problem;

/// Documents whose findings are shown at the most; the rest is under `/api/v1/l3/findings`.
const DOCUMENTS_MAX: usize = 100;
/// Ranges shown of one finding; the report of its document has the rest.
const RANGES_MAX: usize = 20;

pub(crate) async fn reconciliation(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    caller.require(Scope::AllocationsRead)?;
    let allocation = hub.allocation(&caller, &id).await?;
    let failed = |error: StoreError| store_problem(&error);
    let balance = hub.store.allocation_balance(&allocation).await.map_err(failed)?;
    let documents = hub.store.allocation_documents(&allocation.id).await.map_err(failed)?;
    let findings = findings(&hub, allocation.id.as_str(), &documents).await.map_err(failed)?;
    let mut view = Map::new();
    let mut add = |name: &str, value: Value| view.insert(name.to_owned(), value);
    add("allocation_id", allocation.id.as_str().into());
    add("status", allocation.status.as_str().into());
    add("gtin", allocation.gtin.as_str().into());
    add("reserved", balance.reserved.into());
    for bucket in Bucket::ALL {
        add(bucket.as_str(), balance.buckets.get(bucket).into());
    }
    add("balanced", balance.holds().into());
    add("documents_total", documents.len().into());
    add("documents", documents.into_iter().take(DOCUMENTS_MAX).collect());
    add("findings", findings.into());
    Ok(Json(Value::Object(view)))
}

async fn findings(
    hub: &Hub,
    allocation_id: &str,
    documents: &[String],
) -> Result<Vec<Value>, StoreError> {
    let mut findings = Vec::new();
    for document in documents.iter().take(DOCUMENTS_MAX) {
        for record in hub.store.document_findings(document).await? {
            if record.finding.allocation_id.as_deref() == Some(allocation_id) {
                let mut view = finding_view(&record.finding);
                cut_ranges(&mut view, RANGES_MAX);
                if let Some(object) = view.as_object_mut() {
                    object.insert("document".to_owned(), document.as_str().into());
                }
                findings.push(view);
            }
        }
    }
    Ok(findings)
}
