//! `GET /api/v1/l3/documents` and `GET /api/v1/l3/documents/{sha256}`.

pub(crate) mod actions;

use axum::Json;
use axum::extract::{Path, State};
use domain::ids::{AllocationId, SystemId};
use edge::openapi::{AnyTime, Cursor, Limit, SystemId as SystemIdForm};
use edge::{Caller, List, Problem, QueryText, Scope};
use serde::Deserialize;
use serde_json::Value;
use store::document::{Document, DocumentStatus};
use store::finding::cut_ranges;
use store::report::{document_summary, document_view, tallies_of};
use utoipa::IntoParams;

use crate::Hub;
use crate::failure::{malformed, store_problem};
use crate::openapi::DocumentStatusWord;
use crate::position::Position;

/// Ranges shown of one finding; a document has a few hundred findings at the most, and the report in S3 has
/// all ranges.
const RANGES_MAX: usize = 300;

/// Query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    #[param(value_type = Option<DocumentStatusWord>)]
    status: Option<String>,
    #[param(value_type = Option<SystemIdForm>)]
    system_id: Option<String>,
    /// Only what was received then or later.
    #[param(value_type = Option<AnyTime>)]
    since: Option<String>,
    #[param(value_type = Option<Limit>)]
    limit: Option<u32>,
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
}

/// `GET /api/v1/l3/documents`
pub(crate) async fn list(
    State(hub): State<Hub>,
    caller: Caller,
    query: QueryText,
) -> Result<Json<List<Value>>, Problem> {
    caller.require(Scope::DocumentsRead)?;
    let query = query.parse::<ListQuery>()?;
    let status = query.status.as_deref().map(|text| {
        DocumentStatus::parse(text).ok_or_else(|| malformed("status", "no status of documents"))
    });
    let status = status.transpose()?;
    let asked = query.system_id.as_deref().map(system_id).transpose()?;
    let since = query.since.as_deref();
    let position = Position::parse(query.limit, query.cursor.as_deref(), since)?;
    let own = own_system(&caller)?;
    let foreign = matches!((&own, &asked), (Some(own), Some(asked)) if own != asked);
    let Some(position) = position.filter(|_| !foreign) else {
        return Ok(Json(List::new(Vec::new(), None)));
    };
    let since = position.since.as_deref();
    let filter = (status, own.as_ref().or(asked.as_ref()), since);
    let page = hub.store.document_list(filter, position.limit, position.after.as_deref());
    let page = page.await.map_err(|error| store_problem(&error))?;
    let items = page.items.into_iter();
    let items = items.map(|document| document_summary(&visible(document, own.as_ref())));
    Ok(Json(List::new(items.collect(), page.next.as_deref())))
}

/// `GET /api/v1/l3/documents/{sha256}`, by the hash of the content or of the received bytes.
pub(crate) async fn fetch(
    State(hub): State<Hub>,
    caller: Caller,
    Path(sha256): Path<String>,
) -> Result<Json<Value>, Problem> {
    caller.require(Scope::DocumentsRead)?;
    if !is_sha256(&sha256) {
        return Err(Problem::not_found());
    }
    let own = own_system(&caller)?;
    let found = hub.store.document_find(&sha256).await.map_err(|error| store_problem(&error))?;
    let document = found.ok_or_else(Problem::not_found)?;
    if own.as_ref().is_some_and(|own| !is_of(&document, own)) {
        return Err(Problem::not_found());
    }
    let content = document.content_sha256.clone();
    let report = hub.objects.report_fetch(&content).await.map_err(|error| store_problem(&error))?;
    let mut arrivals =
        hub.store.arrival_list(&content).await.map_err(|error| store_problem(&error))?;
    let mut findings =
        hub.store.document_findings(&content).await.map_err(|error| store_problem(&error))?;
    let mut tallies = tallies_of(report.as_ref());
    if let Some(own) = &own {
        arrivals.retain(|arrival| arrival.system_id == *own);
        findings.retain(|record| record.system_id == *own);
        tallies = own_tallies(&hub, tallies, own).await?;
    }
    let document = visible(document, own.as_ref());
    let mut view = document_view(&document, &arrivals, &findings, &tallies);
    let shown = view.get_mut("findings").and_then(Value::as_array_mut);
    for finding in shown.into_iter().flatten() {
        cut_ranges(finding, RANGES_MAX);
    }
    Ok(Json(view))
}

/// The system whose documents alone a line-bound caller sees.
pub(crate) fn own_system(caller: &Caller) -> Result<Option<SystemId>, Problem> {
    if !caller.is_line_bound() {
        return Ok(None);
    }
    let system = SystemId::parse(caller.system()).map_err(|error| Problem::internal(&error))?;
    Ok(Some(system))
}

pub(crate) fn is_of(document: &Document, system: &SystemId) -> bool {
    document.system_id == *system || document.judgement(system).is_some()
}

/// The part of a document that a caller may see.
pub(crate) fn visible(mut document: Document, own: Option<&SystemId>) -> Document {
    if let Some(own) = own {
        document.judgements.retain(|judgement| judgement.system_id == *own);
        document.system_id = own.clone();
    }
    document
}

/// Tallies of the allocations that were made for `own`.
async fn own_tallies(hub: &Hub, tallies: Value, own: &SystemId) -> Result<Value, Problem> {
    let mut kept = Vec::new();
    for tally in tallies.as_array().into_iter().flatten() {
        let id = tally.get("allocation_id").and_then(Value::as_str).unwrap_or_default();
        let Ok(id) = AllocationId::parse(id) else {
            continue;
        };
        let found = hub.store.allocation_fetch(&id).await.map_err(|error| store_problem(&error))?;
        if found.is_some_and(|allocation| allocation.system_id == *own) {
            kept.push(tally.clone());
        }
    }
    Ok(Value::Array(kept))
}

fn system_id(text: &str) -> Result<SystemId, Problem> {
    SystemId::parse(text).map_err(|error| malformed("system_id", &error.to_string()))
}

pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
