//! Pools that run low, and how long they last.
//!
//! The burn rate of a pool is what was reserved from it in the window. Plants reserve in bursts, a run at
//! a time, so a shorter time would tell the bursts and not the use. Numbers of voided allocations count:
//! they are gone from the pool. A pool is *near* when fewer than twice its threshold remain, or when what remains lasts fewer than
//! [`NEAR_HOURS`] hours: nobody orders numbers on a weekend.

use std::collections::HashMap;

use domain::ids::PoolId;
use domain::pool::Pool;
use serde::Serialize;
use store::scorecard::{Reading, Taken};
use store::time::parse_rfc3339;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::{WINDOW_HOURS, span_ms};

/// A pool that lasts fewer hours is near its end.
pub(crate) const NEAR_HOURS: u64 = 72;
/// Pools shown at most.
const ROWS_MAX: usize = 50;
/// The longest time left that is told, hours: ten years.
const HOURS_MAX: u64 = 87_600;

/// Pools that run low.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardPools)]
pub struct Pools {
    /// How many pools there are.
    pub total: usize,
    /// Not all pools, or not all reservations of the window, were read.
    pub truncated: bool,
    /// How many are near their end.
    pub near_total: usize,
    /// The first 50 of them, the one that ends first before the others.
    pub near: Vec<PoolRow>,
}

/// A pool that runs low.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ScorecardPoolRow)]
pub struct PoolRow {
    /// Its id.
    pub pool_id: String,
    /// Its name.
    pub name: String,
    /// The trade item; of SSCCs company prefix and extension digit, with a dot between.
    pub gtin: String,
    /// `active` or `suspended`.
    pub status: &'static str,
    /// Numbers left.
    pub remaining: String,
    /// The pool's threshold.
    pub threshold: String,
    /// Fewer than the threshold remain.
    pub below_threshold: bool,
    /// Numbers reserved in the window.
    pub reserved_in_window: u64,
    /// Hours until it is empty if it goes on like this, rounded down, at most 87,600; null when nothing
    /// was reserved in the window.
    #[schema(required)]
    pub hours_left: Option<u64>,
}

impl Pools {
    pub(crate) fn of(pools: &Reading<Pool>, taken: &Reading<Taken>, now: OffsetDateTime) -> Self {
        let window = now.saturating_sub(Duration::hours(WINDOW_HOURS));
        // Reservations are read back in time, so a cut leaves a shorter window.
        let oldest = taken.items.last().and_then(|taken| parse_rfc3339(&taken.at));
        let start = oldest.filter(|_| taken.truncated).unwrap_or(window);
        let seconds = span_ms(start, now) / 1_000;
        let seconds = u128::try_from(seconds).unwrap_or(0).max(1);
        let mut sums: HashMap<&PoolId, u64> = HashMap::new();
        for one in &taken.items {
            let sum = sums.entry(&one.pool_id).or_default();
            *sum = sum.saturating_add(one.size);
        }
        let rows = pools.items.iter().map(|pool| {
            let reserved = sums.get(&pool.id).copied().unwrap_or(0);
            row(pool, reserved, seconds)
        });
        let mut near: Vec<PoolRow> = rows.flatten().collect();
        near.sort_by_key(|row| {
            (row.hours_left.unwrap_or(u64::MAX), !row.below_threshold, row.pool_id.clone())
        });
        let near_total = near.len();
        near.truncate(ROWS_MAX);
        Self {
            total: pools.items.len(),
            truncated: pools.truncated || taken.truncated,
            near_total,
            near,
        }
    }
}

/// The row of a pool that is near; `None` for one that is not.
fn row(pool: &Pool, reserved: u64, seconds: u128) -> Option<PoolRow> {
    let left = pool.remaining.saturating_mul(seconds).checked_div(u128::from(reserved));
    let hours_left =
        left.map(|seconds| u64::try_from(seconds / 3_600).unwrap_or(HOURS_MAX).min(HOURS_MAX));
    let few = pool.remaining < pool.draft.threshold.saturating_mul(2);
    let soon = hours_left.is_some_and(|hours| hours < NEAR_HOURS);
    (few || soon).then(|| PoolRow {
        pool_id: pool.id.to_string(),
        name: pool.draft.name.clone(),
        gtin: pool.draft.key.to_string(),
        status: pool.status.as_str(),
        remaining: pool.remaining.to_string(),
        threshold: pool.draft.threshold.to_string(),
        below_threshold: pool.is_below_threshold(),
        reserved_in_window: reserved,
        hours_left,
    })
}
