//! Pools that offer numbers again, returned ones or those of void ranges: a request is served from those first.
//!
//! Which pools do is remembered for a minute, so that others cost nothing; a pool that begins to offer numbers
//! again is known everywhere a minute later. The policy itself is read once more before numbers are taken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use domain::ids::PoolId;
use domain::policy::Reoffer;
use domain::request::ReserveRequest;
use store::StoreError;
use store::reserve::{Outcome, ReserveError};
use time::{Duration, OffsetDateTime};

use crate::Hub;

/// How long it is remembered whether a pool offers numbers again.
const KNOWN_FOR: Duration = Duration::minutes(1);
/// Pools that are remembered; beyond that all are forgotten.
const POOLS_MAX: usize = 10_000;

/// What is known of pools, and since when.
pub(crate) type Known = Arc<Mutex<HashMap<PoolId, (bool, OffsetDateTime)>>>;

/// Serves a request from returned numbers of the first of the pools that has enough of them; `None` when none
/// has.
pub(crate) async fn reserve(
    hub: &Hub,
    request: &ReserveRequest,
    pools: &[PoolId],
    now: &str,
) -> Result<Option<Outcome>, ReserveError> {
    for pool in pools {
        if offers(hub, pool).await?
            && let Some(outcome) = hub.store.reserve_again(request, pool, now).await?
        {
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

async fn offers(hub: &Hub, pool: &PoolId) -> Result<bool, StoreError> {
    let now = hub.clock.now();
    let known = hub.offers.lock().ok().and_then(|known| known.get(pool).copied());
    if let Some((offers, at)) = known
        && now < at.saturating_add(KNOWN_FOR)
    {
        return Ok(offers);
    }
    let state = hub.store.pool_fetch(pool).await?;
    let policy = state.map(|state| state.pool.draft.policy.reoffer);
    let offers = policy.is_some_and(|policy| policy != Reoffer::Never);
    if let Ok(mut known) = hub.offers.lock() {
        if known.len() >= POOLS_MAX {
            known.clear();
        }
        known.insert(pool.clone(), (offers, now));
    }
    Ok(offers)
}
