//! The pure part of reserving: what a refused condition means, and what is recorded.

use domain::allocation::{Allocation, AllocationStatus, Hold};
use domain::ids::AllocationId;
use domain::pool::PoolStatus;
use domain::request::ReserveRequest;
use time::Duration;

use super::{Reservation, ReserveError};
use crate::audit_record::AuditRecord;
use crate::error::StoreError;
use crate::item::Item;
use crate::pool_item::from_item;
use crate::time::{parse_rfc3339, rfc3339_ms};

/// Step 2's condition failed: judged in the order that keeps I3 before all refusals.
pub(super) fn judge(
    request: &ReserveRequest,
    quantity: u64,
    item: &Item,
) -> Result<Reservation, ReserveError> {
    let state = from_item(item).map_err(StoreError::from)?;
    let id: AllocationId = request.allocation_id();
    if let Some(entry) = state.entry(&id).cloned() {
        if entry.request_hash != request.short_hash() {
            return Err(ReserveError::IdReuse);
        }
        return Ok(Reservation { pool: state.pool, entry });
    }
    let pool = state.pool;
    if pool.draft.key != request.key {
        return Err(ReserveError::OtherKey);
    }
    let (mode, scheme) = (request.terms.mode, pool.draft.scheme.as_str());
    if !mode.schemes().contains(&scheme) {
        return Err(ReserveError::ModeNotAllowed { mode, scheme });
    }
    if pool.status != PoolStatus::Active {
        return Err(ReserveError::Inactive);
    }
    if request.quantity > pool.draft.max_request {
        return Err(ReserveError::SizeLimit { max: pool.draft.max_request });
    }
    if pool.remaining < u128::from(quantity) {
        return Err(ReserveError::Insufficient { available: pool.remaining });
    }
    Err(ReserveError::TooManyOpen)
}

/// Of two refusals by two pools the one that helps the caller more.
pub(super) fn more_telling(earlier: Option<ReserveError>, later: ReserveError) -> ReserveError {
    let rank = |error: &ReserveError| match error {
        ReserveError::TooManyOpen => 5,
        ReserveError::Insufficient { .. } => 4,
        ReserveError::SizeLimit { .. } => 3,
        ReserveError::Inactive => 2,
        ReserveError::ModeNotAllowed { .. } => 1,
        ReserveError::IdReuse
        | ReserveError::NoPool
        | ReserveError::OtherKey
        | ReserveError::Swept
        | ReserveError::Store(_) => 0,
    };
    match (earlier, later) {
        (
            Some(ReserveError::Insufficient { available: a }),
            ReserveError::Insufficient { available: b },
        ) => ReserveError::Insufficient { available: a.max(b) },
        (Some(earlier), later) if rank(&earlier) > rank(&later) => earlier,
        (_, later) => later,
    }
}

pub(super) fn new_allocation(
    request: &ReserveRequest,
    reservation: &Reservation,
    now: &str,
) -> Allocation {
    let (pool, entry) = (&reservation.pool, &reservation.entry);
    // Counted from when the cursor moved, so that a request that is resumed holds no longer than another.
    let hold = request.terms.hold_minutes.map(|minutes| Hold {
        ends_at: later(&entry.opened_at, minutes).unwrap_or_else(|| now.to_owned()),
        confirmed_at: None,
    });
    let status = match hold {
        Some(_) => AllocationStatus::PendingConfirmation,
        None => AllocationStatus::Reserved,
    };
    Allocation {
        id: entry.allocation_id.clone(),
        request_id: request.request_id.clone(),
        request_hash: request.hash(),
        requester: request.requester.clone(),
        system_id: request.target().clone(),
        pool_id: pool.id.clone(),
        key: request.key,
        company_prefix_length: pool.draft.company_prefix_length,
        scheme: pool.draft.scheme,
        start: entry.start,
        size: entry.size,
        status,
        line_gln: request.line_gln,
        plant_gln: request.plant_gln,
        details: request.details.clone(),
        created_at: now.to_owned(),
        closed_at: None,
        requested: request.quantity,
        mode: request.terms.mode,
        hold,
        reuse: domain::allocation::Reuse::None,
    }
}

/// I11: what the reservation says of itself.
pub(super) fn record_of(allocation: &Allocation, request: &ReserveRequest) -> AuditRecord {
    let a = allocation;
    let actor = match &request.credential {
        Some(credential) => format!("{}/{credential}", a.requester),
        None => a.requester.to_string(),
    };
    let taken = format!("{} {}+{} of POOL#{}", a.status.as_str(), a.start, a.size, a.pool_id);
    AuditRecord::new(&a.created_at, &actor, "reserve", 0).changing(None, Some(&taken))
}

/// A time so many minutes later, RFC 3339 UTC with milliseconds.
fn later(time: &str, minutes: u32) -> Option<String> {
    let ends_at = parse_rfc3339(time)?.checked_add(Duration::minutes(i64::from(minutes)))?;
    Some(rfc3339_ms(ends_at))
}
