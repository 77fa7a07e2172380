//! `GET /api/v1/l3/findings`.

use axum::Json;
use axum::extract::State;
use domain::finding::{Code, FindingStatus, Severity};
use domain::gtin::Gtin14;
use domain::ids::AllocationId;
use edge::openapi::{AllocationId as AllocationIdForm, AnyTime, Cursor, Gtin, Limit, Sha256};
use edge::{Caller, List, Problem, QueryText, Scope};
use serde::Deserialize;
use serde_json::{Value, json};
use service::finding::{FindingCode, FindingStatusWord, SeverityWord};
use store::finding::{FindingFilter, FindingRecord, cut_ranges, finding_view};
use utoipa::IntoParams;

use crate::Hub;
use crate::documents::{is_sha256, own_system};
use crate::failure::{malformed, store_problem};
use crate::position::Position;

/// Ranges shown of one finding in a list; the document's report has the rest.
const RANGES_MAX: usize = 20;

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
    /// Only what was found then or later.
    #[param(value_type = Option<AnyTime>)]
    since: Option<String>,
    #[param(value_type = Option<Limit>)]
    limit: Option<u32>,
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
}

/// `GET /api/v1/l3/findings`. A page may hold fewer items than its limit although more follow.
pub(crate) async fn list(
    State(hub): State<Hub>,
    caller: Caller,
    query: QueryText,
) -> Result<Json<List<Value>>, Problem> {
    caller.require_any(&[Scope::DocumentsRead, Scope::ReportsRead])?;
    let query = query.parse::<ListQuery>()?;
    let since = query.since.as_deref();
    let position = Position::parse(query.limit, query.cursor.as_deref(), since)?;
    let filter = query.into_filter()?;
    let own = own_system(&caller)?;
    let Some(position) = position else {
        return Ok(Json(List::new(Vec::new(), None)));
    };
    let filter = FindingFilter { since: position.since, ..filter };
    let page = hub.store.finding_list(&filter, position.limit, position.after.as_deref());
    let page = page.await.map_err(|error| store_problem(&error))?;
    let records = page.items.iter().map(|case| &case.record);
    let seen = records.filter(|r| own.as_ref().is_none_or(|own| r.system_id == *own));
    Ok(Json(List::new(seen.map(view).collect(), page.next.as_deref())))
}

/// A finding with where it comes from.
fn view(record: &FindingRecord) -> Value {
    let mut view = finding_view(&record.finding);
    cut_ranges(&mut view, RANGES_MAX);
    let origin = json!({
        "content_sha256": record.content_sha256,
        "system_id": record.system_id.as_str(),
        "at": record.at,
    });
    if let (Some(view), Value::Object(origin)) = (view.as_object_mut(), origin) {
        view.extend(origin);
    }
    view
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
