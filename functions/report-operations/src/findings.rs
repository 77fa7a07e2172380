//! Findings: `GET /api/v1/findings` (also as `GET /api/v1/l3/findings`), one finding with its history, what
//! people do about it, and its export.

mod change;
mod export;
pub(crate) mod openapi;
mod pdg;
mod view;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::finding::{Assignee, Code, FindingStatus, Severity};
use domain::gtin::Gtin14;
use domain::ids::{AllocationId, SystemId};
use edge::openapi::{
    AllocationId as AllocationIdForm, AnyTime, Cursor, Gtin, Limit, Sha256,
    SystemId as SystemIdForm,
};
use edge::{Caller, List, Problem, QueryText, Scope};
use serde::Deserialize;
use service::finding::{FindingCode, FindingStatusWord, SeverityWord};
use store::finding::FindingFilter;
use utoipa::IntoParams;

pub(crate) use self::openapi::routes;
use self::view::FoundFinding;
use crate::Hub;
use crate::documents::{is_sha256, own_system};
use crate::failure::{malformed, store_problem};
use crate::position::Position;

const FINDINGS: &str = "/api/v1/findings";
/// The same list where it was before findings could be handled.
const FINDINGS_OF_LINES: &str = "/api/v1/l3/findings";
const FINDING: &str = "/api/v1/findings/{id}";

/// The routes of findings.
pub(crate) fn router() -> Router<Hub> {
    let of = |verb: &str| format!("{FINDING}/{verb}");
    Router::new()
        .route(FINDINGS, get(list))
        .route(FINDINGS_OF_LINES, get(list))
        .route(FINDING, get(change::fetch))
        .route(&of("acknowledge"), post(change::acknowledge))
        .route(&of("resolve"), post(change::resolve))
        .route(&of("assign"), post(change::assign))
        .route(&of("comment"), post(change::comment))
        .route(&of("export"), get(export::fetch))
}

/// Query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    #[param(value_type = Option<FindingCode>)]
    code: Option<String>,
    #[param(value_type = Option<SeverityWord>)]
    severity: Option<String>,
    #[param(value_type = Option<AllocationIdForm>)]
    allocation_id: Option<String>,
    #[param(value_type = Option<Gtin>)]
    gtin: Option<String>,
    #[param(value_type = Option<Sha256>)]
    content_sha256: Option<String>,
    #[param(value_type = Option<FindingStatusWord>)]
    status: Option<String>,
    /// Who looks after it.
    #[param(value_type = Option<openapi::AssigneeForm>)]
    assignee: Option<String>,
    /// The system it was found for.
    #[serde(alias = "system")]
    #[param(value_type = Option<SystemIdForm>)]
    system_id: Option<String>,
    /// Only what was found then or later.
    #[param(value_type = Option<AnyTime>)]
    since: Option<String>,
    #[param(value_type = Option<Limit>)]
    limit: Option<u32>,
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
}

/// `GET /api/v1/findings`. A page may hold fewer items than its limit although more follow.
async fn list(
    State(hub): State<Hub>,
    caller: Caller,
    query: QueryText,
) -> Result<Json<List<FoundFinding>>, Problem> {
    caller.require_any(&[Scope::DocumentsRead, Scope::ReportsRead])?;
    let query = query.parse::<ListQuery>()?;
    let since = query.since.as_deref();
    let position = Position::parse(query.limit, query.cursor.as_deref(), since)?;
    let asked = query.into_filter()?;
    let own = own_system(&caller)?;
    let foreign = matches!((&own, &asked.system_id), (Some(own), Some(asked)) if own != asked);
    let Some(position) = position.filter(|_| !foreign) else {
        return Ok(Json(List::new(Vec::new(), None)));
    };
    let system_id = own.or(asked.system_id);
    let filter = FindingFilter { since: position.since, system_id, ..asked };
    let page = hub.store.finding_list(&filter, position.limit, position.after.as_deref());
    let page = page.await.map_err(|error| store_problem(&error))?;
    let items = page.items.iter().map(FoundFinding::listed).collect();
    Ok(Json(List::new(items, page.next.as_deref())))
}

impl ListQuery {
    fn into_filter(self) -> Result<FindingFilter, Problem> {
        Ok(FindingFilter {
            code: parsed("code", self.code.as_deref(), Code::parse)?,
            severity: parsed("severity", self.severity.as_deref(), Severity::parse)?,
            allocation_id: parsed("allocation_id", self.allocation_id.as_deref(), |text| {
                AllocationId::parse(text).ok().map(|id| id.to_string())
            })?,
            gtin: parsed("gtin", self.gtin.as_deref(), |text| {
                Gtin14::parse_padded(text).ok().map(|gtin| gtin.as_str().to_owned())
            })?,
            content_sha256: parsed("content_sha256", self.content_sha256.as_deref(), |text| {
                is_sha256(text).then(|| text.to_owned())
            })?,
            status: parsed("status", self.status.as_deref(), FindingStatus::parse)?,
            assignee: parsed("assignee", self.assignee.as_deref(), |text| {
                Assignee::parse(text).ok().map(|assignee| assignee.to_string())
            })?,
            system_id: parsed("system_id", self.system_id.as_deref(), |text| {
                SystemId::parse(text).ok()
            })?,
            ..FindingFilter::default()
        })
    }
}

fn parsed<T>(
    name: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let parse = |text| parse(text).ok_or_else(|| malformed(name, "no value of this parameter"));
    text.map(parse).transpose()
}
