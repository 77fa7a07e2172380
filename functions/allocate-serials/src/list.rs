//! `GET /api/v1/l3/allocations`: newest first, filtered, keyset-paged.

use axum::Json;
use axum::extract::State;
use domain::allocation::AllocationStatus;
use domain::gln::Gln;
use domain::ids::AllocationId;
use domain::object_key::ObjectKey;
use edge::openapi::{AnyTime, CompanyPrefix, Cursor, Gln as GlnForm, Gtin, Limit};
use edge::page::foreign_cursor;
use edge::{Caller, List, Page, Problem, QueryText, Scope};
use serde::Deserialize;
use service::object_key::{KeyFields, WrongField};
use service::store_problem;
use store::allocation::AllocationFilter;
use store::time::{parse_rfc3339, rfc3339_ms};
use utoipa::IntoParams;

use crate::Hub;
use crate::answer::AllocationView;
use crate::openapi::StatusWord;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    #[param(value_type = Option<StatusWord>)]
    status: Option<String>,
    #[param(value_type = Option<Gtin>)]
    gtin: Option<String>,
    /// Only SSCCs of this company prefix; together with the extension digit.
    #[param(value_type = Option<CompanyPrefix>)]
    company_prefix: Option<String>,
    #[param(minimum = 0, maximum = 9)]
    extension_digit: Option<u8>,
    #[param(value_type = Option<GlnForm>)]
    line_gln: Option<String>,
    lot: Option<String>,
    /// Only what was reserved then or later.
    #[param(value_type = Option<AnyTime>)]
    since: Option<String>,
    #[param(value_type = Option<Limit>)]
    limit: Option<u32>,
    #[param(value_type = Option<Cursor>)]
    cursor: Option<String>,
}

pub(crate) async fn list(
    State(hub): State<Hub>,
    caller: Caller,
    query: QueryText,
) -> Result<Json<List<AllocationView>>, Problem> {
    caller.require(Scope::AllocationsRead)?;
    let query = query.parse::<ListQuery>()?;
    let page = Page::parse(query.limit, query.cursor.as_deref())?;
    if page.cursor.as_deref().is_some_and(|cursor| !is_position(cursor)) {
        return Err(foreign_cursor());
    }
    let Some(filter) = filter(&query, &caller)? else {
        return Ok(Json(List::new(Vec::new(), None)));
    };
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let found = hub.store.allocation_list(&filter, limit, page.cursor.as_deref()).await;
    let found = found.map_err(|error| store_problem(&error))?;
    let items =
        found.items.iter().map(|allocation| AllocationView::new(allocation, None, None)).collect();
    Ok(Json(List::new(items, found.next.as_deref())))
}

/// Whether a cursor is a place in this list: a creation time and an allocation.
fn is_position(cursor: &str) -> bool {
    cursor
        .split_once('#')
        .is_some_and(|(time, id)| parse_rfc3339(time).is_some() && AllocationId::parse(id).is_ok())
}

impl ListQuery {
    /// Only numbers of this key.
    fn key(&self) -> Result<Option<ObjectKey>, WrongField> {
        let (prefix, digit) = (self.company_prefix.as_deref(), self.extension_digit);
        let is_sscc = prefix.is_some() || digit.is_some();
        if !is_sscc && self.gtin.is_none() {
            return Ok(None);
        }
        let fields = KeyFields {
            encoding: is_sscc.then_some("SSCC"),
            gtin: self.gtin.as_deref(),
            company_prefix: prefix,
            extension_digit: digit,
        };
        fields.key().map(Some)
    }
}

/// The filter, or `None` when the caller asks for a line that is not its own: nothing to see there.
fn filter(query: &ListQuery, caller: &Caller) -> Result<Option<AllocationFilter>, Problem> {
    let refused = |pointer: &str, detail: String| {
        Problem::bad_request("The filter is not valid.").violation(pointer, detail)
    };
    let status = query.status.as_deref().map(|text| {
        AllocationStatus::parse(text).ok_or_else(|| {
            let words = AllocationStatus::ALL.map(AllocationStatus::as_str).join(", ");
            refused("?status", format!("one of {words}"))
        })
    });
    let key = query.key().map_err(|(at, detail)| refused(&at.replace('/', "?"), detail))?;
    let line = query
        .line_gln
        .as_deref()
        .map(|text| Gln::parse(text).map_err(|error| refused("?line_gln", error.to_string())));
    let since = query.since.as_deref().map(|text| {
        parse_rfc3339(text).ok_or_else(|| refused("?since", "a time after RFC 3339".to_owned()))
    });
    let line = line.transpose()?;
    if line.is_some_and(|line| !caller.may_use_line(Some(line.as_str()))) {
        return Ok(None);
    }
    let lines = line.map_or_else(|| caller.lines().to_vec(), |line| vec![line.to_string()]);
    Ok(Some(AllocationFilter {
        status: status.transpose()?,
        key,
        line_glns: lines,
        lot: query.lot.clone(),
        since: since.transpose()?.map(rfc3339_ms),
    }))
}
