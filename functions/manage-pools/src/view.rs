//! Answers: indexes and counts of numbers as text, quantities as numbers.

use domain::pool::{Pool, Scheme};
use edge::openapi::{AllocationId, CompanyPrefix, Count, Gtin14, Index, PoolId, Time};
use serde::Serialize;
use store::pool::PoolState;
use store::range::{Range, RangeKind};
use utoipa::ToSchema;

use crate::openapi::{Encoding, PoolStatusWord, RangeKindWord, ReofferWord, SchemeWord};
use crate::policy::ExtendView;
use crate::space::PoolSpaceView;

/// A pool as it is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pool)]
pub(crate) struct PoolView {
    #[schema(value_type = PoolId)]
    id: String,
    name: String,
    #[schema(value_type = PoolStatusWord)]
    status: &'static str,
    #[schema(value_type = Encoding)]
    encoding: &'static str,
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
    company_prefix_length: u8,
    #[schema(value_type = SchemeWord)]
    scheme: &'static str,
    /// The characters of a sequential number; of SSCCs the digits of a serial reference.
    #[schema(required)]
    width: Option<u8>,
    /// The space of randomised numbers.
    #[schema(required)]
    space: Option<PoolSpaceView>,
    /// Whether the pool asks for the European rules.
    eu_rules: bool,
    #[schema(value_type = Index)]
    from: String,
    #[schema(value_type = Index)]
    to: String,
    /// The next number to be reserved; one above `to` when none is left.
    #[schema(value_type = Count)]
    cursor: String,
    /// Numbers left.
    #[schema(value_type = Count)]
    remaining: String,
    /// Numbers reserved or void.
    #[schema(value_type = Count)]
    reserved: String,
    below_threshold: bool,
    max_request: u64,
    threshold: u64,
    #[schema(required)]
    threshold_hours: Option<u32>,
    #[schema(required)]
    auto_extend: Option<ExtendView>,
    reservation_events: bool,
    #[schema(value_type = ReofferWord)]
    reoffer: &'static str,
    /// Reservations that have begun and are not recorded yet.
    open_reservations: usize,
    #[schema(value_type = Time)]
    created_at: String,
}

impl PoolView {
    pub(crate) fn new(pool: &Pool, open_reservations: usize) -> Self {
        let (draft, sscc) = (&pool.draft, pool.draft.key.sscc());
        let width = match draft.scheme {
            Scheme::Sequential { width } => Some(width),
            Scheme::Randomised { .. } | Scheme::List { .. } => None,
        };
        Self {
            id: pool.id.as_str().to_owned(),
            name: draft.name.clone(),
            status: pool.status.as_str(),
            encoding: draft.key.encoding(),
            gtin: draft.key.gtin().map(|gtin| gtin.to_string()),
            company_prefix: sscc.map(|prefix| prefix.company_prefix().to_owned()),
            extension_digit: sscc.map(|prefix| prefix.extension_digit()),
            company_prefix_length: draft.company_prefix_length,
            scheme: draft.scheme.as_str(),
            width,
            space: PoolSpaceView::of(draft),
            eu_rules: draft.eu_rules,
            from: draft.from.to_string(),
            to: draft.to.to_string(),
            cursor: pool.cursor.to_string(),
            remaining: pool.remaining.to_string(),
            reserved: pool.reserved().to_string(),
            below_threshold: pool.is_below_threshold(),
            max_request: draft.max_request,
            threshold: u64::try_from(draft.threshold).unwrap_or(u64::MAX),
            threshold_hours: draft.policy.threshold_hours,
            auto_extend: ExtendView::of(&draft.policy),
            reservation_events: draft.policy.reservation_events,
            reoffer: draft.policy.reoffer.as_str(),
            open_reservations,
            created_at: pool.created_at.clone(),
        }
    }

    pub(crate) fn of_state(state: &PoolState) -> Self {
        Self::new(&state.pool, state.open.len())
    }
}

/// A range as it is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Range)]
pub(crate) struct RangeView {
    /// The first number.
    #[schema(value_type = Index)]
    start: String,
    /// How many numbers.
    size: u64,
    #[schema(value_type = RangeKindWord)]
    kind: &'static str,
    #[schema(required, value_type = Option<AllocationId>)]
    allocation_id: Option<String>,
    /// Why a range is void.
    #[schema(required)]
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
