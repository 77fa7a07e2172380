//! Answers: indexes and counts of numbers as text, quantities as numbers.

use domain::pool::{Pool, Scheme};
use serde::Serialize;
use store::pool::PoolState;
use store::range::{Range, RangeKind};

/// A pool as it is answered.
#[derive(Debug, Serialize)]
pub(crate) struct PoolView {
    id: String,
    name: String,
    status: &'static str,
    encoding: &'static str,
    gtin: String,
    company_prefix_length: u8,
    scheme: &'static str,
    width: u8,
    from: String,
    to: String,
    cursor: String,
    remaining: String,
    reserved: String,
    below_threshold: bool,
    max_request: u64,
    threshold: u64,
    /// Reservations that have begun and are not recorded yet.
    open_reservations: usize,
    created_at: String,
}

impl PoolView {
    pub(crate) fn new(pool: &Pool, open_reservations: usize) -> Self {
        let draft = &pool.draft;
        let Scheme::Sequential { width } = draft.scheme;
        Self {
            id: pool.id.as_str().to_owned(),
            name: draft.name.clone(),
            status: pool.status.as_str(),
            encoding: "SGTIN",
            gtin: draft.gtin.as_str().to_owned(),
            company_prefix_length: draft.company_prefix_length,
            scheme: "sequential",
            width,
            from: draft.from.to_string(),
            to: draft.to.to_string(),
            cursor: pool.cursor.to_string(),
            remaining: pool.remaining.to_string(),
            reserved: pool.reserved().to_string(),
            below_threshold: pool.is_below_threshold(),
            max_request: draft.max_request,
            threshold: u64::try_from(draft.threshold).unwrap_or(u64::MAX),
            open_reservations,
            created_at: pool.created_at.clone(),
        }
    }

    pub(crate) fn of_state(state: &PoolState) -> Self {
        Self::new(&state.pool, state.open.len())
    }
}

/// A range as it is answered.
#[derive(Debug, Serialize)]
pub(crate) struct RangeView {
    start: String,
    size: u64,
    kind: &'static str,
    allocation_id: Option<String>,
    reason: Option<String>,
}

impl From<&Range> for RangeView {
    fn from(range: &Range) -> Self {
        let (kind, allocation_id, reason) = match &range.kind {
            RangeKind::Allocation(id) => ("allocation", Some(id), None),
            RangeKind::Void { reason, allocation_id } => {
                ("void", allocation_id.as_ref(), Some(reason))
            }
        };
        Self {
            start: range.start.to_string(),
            size: range.size,
            kind,
            allocation_id: allocation_id.map(|id| id.as_str().to_owned()),
            reason: reason.cloned(),
        }
    }
}
