//! Numbers that were returned, or of void ranges, given out a second time: one transaction instead of the four steps.
//!
//! I3: the allocation is put only if the request has none, as in step 3; so a copy of the request that is on
//! its way through the four steps finds this allocation, and its own range becomes void. I1: the runs are taken
//! only as they were read. Whoever loses tries the next run, and in the end the pool's cursor.

use domain::allocation::Reuse;
use domain::ids::PoolId;
use domain::policy::Reoffer;
use domain::pool::{Pool, PoolStatus};
use domain::request::ReserveRequest;

use super::judge::{new_allocation, record_of};
use super::{Outcome, Reservation, ReserveError};
use crate::Store;
use crate::attention::Queue;
use crate::error::sdk_error;
use crate::keys::{Pk, Sk};
use crate::pause::pause;
use crate::pool::{OpenEntry, is_cancelled};
use crate::range::{Range, RangeKind};
use crate::returned::ReturnedRun;

/// How often runs are chosen anew when somebody was faster.
const TAKE_TRIES: u32 = 4;
/// The step of the pauses between these tries, milliseconds.
const TAKE_PAUSE_MS: u64 = 10;
/// Runs that one allocation may span; a transaction has room for no more.
const RUNS_AT_ONCE: usize = 90;

impl Store {
    /// Serves a request whole from numbers that are offered again; `None` when no run of the pool is large enough,
    /// or the pool offers none again: then the four steps serve it.
    ///
    /// # Errors
    /// `IdReuse` when the request id was used before for another request; a failed store.
    pub async fn reserve_again(
        &self,
        request: &ReserveRequest,
        pool: &PoolId,
        now: &str,
    ) -> Result<Option<Outcome>, ReserveError> {
        for attempt in 0..TAKE_TRIES {
            let runs = self.returned_free(pool, request.quantity).await?;
            if choose(&runs, request.quantity).is_none() {
                return Ok(None);
            }
            if let Some(allocation) = self.reservation_find(request).await? {
                return Ok(Some(Outcome { allocation, pool: None }));
            }
            let state = self.pool_fetch(pool).await?;
            let serves = |pool: &Pool| {
                pool.draft.policy.reoffer != Reoffer::Never
                    && pool.draft.key == request.key
                    && request.terms.mode.schemes().contains(&pool.draft.scheme.as_str())
                    && pool.status == PoolStatus::Active
                    && request.quantity <= pool.draft.max_request
            };
            let Some(pool) = state.map(|state| state.pool).filter(serves) else { return Ok(None) };
            // The policy decides when numbers are taken, whatever it was when they were put there.
            let policy = pool.draft.policy.reoffer;
            let mut runs = runs;
            runs.retain(|run| offers(policy, run));
            let Some(chosen) = choose(&runs, request.quantity) else { return Ok(None) };
            if let Some(outcome) = self.returned_record(request, (pool, chosen), now).await? {
                return Ok(Some(outcome));
            }
            pause(attempt, TAKE_PAUSE_MS).await;
        }
        Ok(None)
    }

    /// Takes the runs and makes the allocation; `None` when a run was not as it was read, or the request has
    /// an allocation by now.
    async fn returned_record(
        &self,
        request: &ReserveRequest,
        (pool, chosen): (Pool, &[ReturnedRun]),
        now: &str,
    ) -> Result<Option<Outcome>, ReserveError> {
        let Some(start) = chosen.first().map(|run| run.next) else { return Ok(None) };
        let entry = OpenEntry {
            allocation_id: request.allocation_id(),
            start,
            size: request.quantity,
            request_hash: request.short_hash(),
            opened_at: now.to_owned(),
        };
        let reservation = Reservation { pool, entry };
        let mut allocation = new_allocation(request, &reservation, now);
        allocation.reuse = Reuse::Took;
        let id = allocation.id.clone();
        let kind = RangeKind::Allocation(id.clone());
        let range = Range { start, size: request.quantity, kind };
        let (pool, end) = (&reservation.pool.id, start.saturating_add(request.quantity.into()));
        let mut item = crate::range::to_item_at(pool, (&range, Sk::Reoffer(start)), now);
        if reservation.pool.draft.policy.reservation_events {
            // No order of numbers shows what was offered again last, so it waits in a queue to be told.
            item.extend(Queue::Reoffer.attributes(&format!("{now}#{id}")));
        }
        let mut writes = vec![
            // I3: one allocation per id. I2: one record per start. I11. Labelled: allocation, range, audit,
            // runs.
            self.put_new(crate::allocation::to_item(&allocation))?,
            self.put_new(item)?,
            self.audit_first(&Pk::Allocation(id), record_of(&allocation, request))?,
        ];
        for run in chosen {
            writes.push(self.returned_take(pool, run, end.min(run.end()))?);
        }
        match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(Some(Outcome { allocation, pool: Some(reservation.pool) })),
            Err(error) if is_cancelled(&error) => Ok(None),
            Err(error) => Err(sdk_error("TransactWriteItems reoffer", &error).into()),
        }
    }
}

const fn offers(policy: Reoffer, run: &ReturnedRun) -> bool {
    if run.is_void { policy.offers_void() } else { policy.offers_returned() }
}

/// The smallest run that is large enough; else the first runs that follow each other without a gap and are.
fn choose(runs: &[ReturnedRun], quantity: u64) -> Option<&[ReturnedRun]> {
    let one =
        |(at, run): (usize, &ReturnedRun)| (run.free() >= quantity).then_some((run.free(), at));
    if let Some((_, at)) = runs.iter().enumerate().filter_map(one).min() {
        return runs.get(at..=at);
    }
    for (first, run) in runs.iter().enumerate() {
        let (mut end, mut free) = (run.end(), run.free());
        if free == 0 {
            continue;
        }
        let later = runs.iter().enumerate().skip(first.saturating_add(1)).take(RUNS_AT_ONCE - 1);
        for (last, next) in later {
            // Only a run of which nothing was taken follows without a gap.
            if next.start != end || next.next != end || next.free() == 0 {
                break;
            }
            (end, free) = (next.end(), free.saturating_add(next.free()));
            if free >= quantity {
                return runs.get(first..=last);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use domain::ids::AllocationId;

    use super::*;

    fn run(start: u128, size: u64, taken: u64) -> ReturnedRun {
        ReturnedRun {
            start,
            size,
            next: start.saturating_add(taken.into()),
            of: AllocationId::parse(&"A".repeat(26)).unwrap(),
            is_void: false,
            withdrawn_by: None,
        }
    }

    #[test]
    fn the_smallest_run_that_fits_is_taken_else_neighbours() {
        let check = |runs: &[ReturnedRun], quantity, expected: Option<&[u128]>| {
            let found = choose(runs, quantity);
            let starts: Option<Vec<u128>> =
                found.map(|runs| runs.iter().map(|r| r.start).collect());
            assert_eq!(starts.as_deref(), expected, "{quantity}");
        };
        let mut withdrawn = run(90, 50, 0);
        withdrawn.withdrawn_by = Some("x".into());
        let runs =
            [run(0, 10, 3), run(10, 8, 0), run(18, 2, 0), run(30, 9, 0), run(39, 5, 2), withdrawn];
        check(&runs, 1, Some(&[18]));
        check(&runs, 3, Some(&[39]));
        check(&runs, 7, Some(&[0]));
        check(&runs, 8, Some(&[10]));
        check(&runs, 9, Some(&[30]));
        check(&runs, 10, Some(&[0, 10]));
        check(&runs, 17, Some(&[0, 10, 18]));
        // Of the last one something was taken, so it does not follow the one before it.
        check(&runs, 18, None);
        check(&[], 1, None);
    }
}
