//! What a restore changes, so that nothing that the lost stack handed out is handed out again (I1).
//!
//! - A pool skips numbers: those behind its cursor become a void range, put before the pool itself. Where the
//!   hub may have extended it meanwhile it is extended first, up to its ceiling: what lies behind the copy's end
//!   was within its claim. It offers no numbers again until somebody says so: numbers that are given back from
//!   now on may have been given back, and offered again, by the lost stack already.
//! - Runs that were to be offered again may have been taken: they are withdrawn.
//! - The webhook is switched off. Its secret is sealed for the old stack, and the numbers of events begin again
//!   where the copy ends: whoever receives them has to know that this is another hub.
//!
//! All of it follows from the item and the order alone, but for who did it and when; so it comes out the same
//! when it is done again.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::PoolId;
use domain::policy::Reoffer;
use domain::pool::Pool;

use super::{Passed, Restoring};
use crate::Store;
use crate::audit_record::AuditRecord;
use crate::error::StoreError;
use crate::item::{Item, number, text};
use crate::keys::{Pk, Sk};
use crate::meter::Meter;
use crate::pool::told;
use crate::pool_item::{PoolState, from_item};
use crate::range::{Range, RangeKind};
use crate::returned::{self, Withdrawal};

/// Why numbers are skipped, runs withdrawn and nothing offered again.
const REASON: &str = "may have been handed out before the restore";
/// What runs are withdrawn for.
const RESTORE: &str = "restore";

/// Attributes of a pool's item about its record: they differ from one try to the next, and the sweep of the new
/// stack takes them away.
const RECORD: [&str; 2] = ["audit_waits", "audit_place"];

/// What two tries of a restore have in common of an item.
pub(super) fn without_its_record(item: &Item) -> Item {
    let mut item = item.clone();
    item.retain(|name, _| !RECORD.contains(&name.as_str()));
    item
}

impl Store {
    pub(super) async fn restore_pool(
        &self,
        mut item: Item,
        of: &Restoring,
    ) -> Result<Passed, StoreError> {
        let state = from_item(&item)?;
        let (before, after) = (&state.pool, skipped(&state.pool, of.skip));
        let count = after.cursor.saturating_sub(before.cursor);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if after != *before {
            let record = self.pool_restored(&state, &after, of).await?;
            let fields = [
                ("to", number(after.draft.to)),
                ("cursor", number(after.cursor)),
                ("remaining", number(after.remaining)),
            ];
            item.extend(fields.into_iter().chain(record).map(|(name, it)| (name.to_owned(), it)));
            if after.draft.policy.reoffer != before.draft.policy.reoffer {
                item.insert("reoffer".to_owned(), text(after.draft.policy.reoffer.as_str()));
            }
        }
        self.pool_is_not_in_use(&item, &after).await?;
        if count > 0 {
            self.range_skip((before, count), &of.now).await?;
        }
        let is_new = self.restore_item(item).await?;
        let reoffers_no_more = after.draft.policy.reoffer != before.draft.policy.reoffer;
        Ok(Passed { is_new, skipped: Some(count), reoffers_no_more, ..Passed::default() })
    }

    /// Before anything of a pool is put: where it is there already, it is as it would be put.
    async fn pool_is_not_in_use(&self, item: &Item, pool: &Pool) -> Result<(), StoreError> {
        let pk = Pk::Pool(pool.id.clone());
        let there = self.item_fetch("GetItem restored pool", &pk, &Sk::Pool).await?;
        let same = |there: &Item| without_its_record(there) == without_its_record(item);
        let conflict = StoreError::Conflict { what: "an item of the restored table" };
        if there.as_ref().is_none_or(same) { Ok(()) } else { Err(conflict) }
    }

    /// I2: the numbers that are skipped are accounted for, before the cursor passes them.
    async fn range_skip(&self, (pool, size): (&Pool, u64), now: &str) -> Result<(), StoreError> {
        let kind = RangeKind::Void { reason: REASON.to_owned(), allocation_id: None };
        let range = Range { start: pool.cursor, size, kind };
        let item = crate::range::to_item(&pool.id, &range, now);
        if self.put_if_absent("PutItem skipped range", item, &Meter::default()).await? {
            return Ok(());
        }
        // An earlier try has put it; with another count it is another restore.
        let known = self.range_of(&pool.id, pool.cursor).await?;
        let conflict = StoreError::Conflict { what: "an item of the restored table" };
        if known == Some(range) { Ok(()) } else { Err(conflict) }
    }

    /// I11: the attributes that keep the record of the change in the pool's item until the sweep, or the next
    /// change, puts it into its chain.
    async fn pool_restored(
        &self,
        state: &PoolState,
        after: &Pool,
        of: &Restoring,
    ) -> Result<[(&'static str, AttributeValue); 2], StoreError> {
        let pk = Pk::Pool(after.id.clone());
        let last = match &state.record {
            // One that waited in the copy goes first.
            Some(waits) => {
                let filed_at = waits.at.as_str().max(of.now.as_str());
                let item = waits.to_item_filed(&pk, filed_at);
                self.put_if_absent("PutItem pool record", item, &Meter::default()).await?;
                Some(waits.clone())
            }
            None => of.from.audit_last(&pk).await?,
        };
        let place = last.as_ref().map_or(1, |last| last.place.saturating_add(1));
        let record = AuditRecord::new(&of.now, &of.actor, RESTORE, place)
            .because(Some(REASON))
            .changing(Some(&told(&state.pool)), Some(&told(after)))
            .behind(&pk, last.as_ref());
        let waits = AttributeValue::M(record.to_item(&pk));
        Ok([("audit_place", number(record.place)), ("audit_waits", waits)])
    }

    pub(super) async fn restore_run(
        &self,
        (pool, mut item): (&PoolId, Item),
        of: &Restoring,
    ) -> Result<Passed, StoreError> {
        let run = returned::from_item(&item)?;
        let is_withdrawn = of.skip > 0 && run.free() > 0;
        if is_withdrawn {
            item.insert("withdrawn_by".to_owned(), text(RESTORE));
            item.retain(|name, _| !["list_pk", "list_sk"].contains(&name.as_str()));
        }
        let is_new = self.restore_item(item).await?;
        if is_withdrawn {
            let by = Withdrawal { word: RESTORE, reason: REASON, now: &of.now };
            let pk = Pk::Run(pool.clone(), run.start);
            let record = AuditRecord { actor: of.actor.clone(), ..by.record(&run) };
            let item = record.behind(&pk, None).to_item(&pk);
            // I11: append-only; an earlier try may have put it.
            self.put_if_absent("PutItem run record", item, &Meter::default()).await?;
        }
        Ok(Passed { is_new, is_withdrawn, ..Passed::default() })
    }

    pub(super) async fn restore_webhook(
        &self,
        item: Item,
        of: &Restoring,
    ) -> Result<Passed, StoreError> {
        let (item, url) = crate::webhook::switched_off(&item)?;
        let is_switched_off = url.is_some();
        let is_new = self.restore_item(item).await?;
        if is_switched_off {
            let pk = Pk::Webhook;
            let last = of.from.audit_last(&pk).await?;
            let place = last.as_ref().map_or(1, |last| last.place.saturating_add(1));
            let record = AuditRecord::new(&of.now, &of.actor, RESTORE, place)
                .because(Some("its secret opens in the old stack only"))
                .changing(url.as_deref(), None)
                .behind(&pk, last.as_ref());
            // I11, as above.
            let item = record.to_item(&pk);
            self.put_if_absent("PutItem webhook record", item, &Meter::default()).await?;
        }
        Ok(Passed { is_new, is_switched_off, ..Passed::default() })
    }
}

/// The pool as the new stack begins with it.
fn skipped(before: &Pool, skip: u64) -> Pool {
    let mut after = before.clone();
    if skip == 0 {
        return after;
    }
    let draft = &mut after.draft;
    // What lies behind the ceiling was nobody's to hand out.
    let end = before.cursor.saturating_add(skip.into());
    draft.to = draft.to.max(draft.ceiling().min(end.saturating_sub(1)));
    let behind = draft.to.saturating_add(1);
    after.cursor = end.min(behind);
    after.remaining = behind.saturating_sub(after.cursor);
    draft.policy.reoffer = Reoffer::Never;
    after
}
