//! Changes of a pool, each with its audit record (I11).
//!
//! No transaction ever contains a live pool item, or reservations would meet its conflicts. So the write that
//! changes a pool keeps the record in the item itself, and the record is put into the pool's chain right
//! afterwards; whoever comes next (another change, the sweep) makes good what a crash left undone. A record
//! that waits in the item is never overwritten: a change names the place in the chain that it saw.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::ids::PoolId;
use domain::pool::{Pool, PoolRuleError, PoolStatus, Scheme};

use super::guard::Others;
use super::policy::{self, PolicyChange};
use super::{Boundary, GUARD_TRIES, PoolError};
use crate::Store;
use crate::audit_record::{AuditRecord, ChainedRecord};
use crate::error::{StoreError, sdk_error};
use crate::item::{Item, key, number, text};
use crate::keys::{Pk, Sk};
use crate::meter::Meter;
use crate::pause::pause;
use crate::pool_item::from_item;

/// The step of the pauses between tries, milliseconds.
const CHANGE_PAUSE_MS: u64 = 10;

/// What to change; absent fields stay as they are.
#[derive(Debug, Clone, Default)]
pub struct PoolChange {
    /// Suspend or resume.
    pub status: Option<PoolStatus>,
    /// The new first index; only while nothing was reserved.
    pub from: Option<u128>,
    /// The new last index; not below what was reserved.
    pub to: Option<u128>,
    /// The new threshold.
    pub threshold: Option<u128>,
    /// The new largest quantity of one request.
    pub max_request: Option<u64>,
    /// How it is looked after.
    pub policy: PolicyChange,
    /// One extension as its policy says; without effect when the pool may not be extended further.
    pub extend: bool,
}

/// A change of a pool, decided on what was read.
struct Decided<'a> {
    before: &'a Pool,
    change: &'a PoolChange,
    bounds: (u128, u128),
    record: ChainedRecord,
}

/// What an audit record says of a pool: everything that a change may change, in a fixed order.
pub(crate) fn told(pool: &Pool) -> String {
    let draft = &pool.draft;
    // What pools of earlier versions did not have is told only where there is some: their records hold.
    let space = match draft.scheme {
        Scheme::Sequential { .. } | Scheme::List { .. } => String::new(),
        Scheme::Randomised { space, .. } => format!(" space {space}"),
    };
    format!(
        "{} from {} to {} max_request {} threshold {}{space}{}{}",
        pool.status.as_str(),
        draft.from,
        draft.to,
        draft.max_request,
        draft.threshold,
        if draft.eu_rules { " eu" } else { "" },
        policy::told(&draft.policy)
    )
}

impl PoolChange {
    /// The pool as it will be.
    fn made_to(&self, before: &Pool, (from, to): (u128, u128)) -> Pool {
        let mut after = before.clone();
        (after.draft.from, after.draft.to) = (from, to);
        after.status = self.status.unwrap_or(before.status);
        after.draft.threshold = self.threshold.unwrap_or(before.draft.threshold);
        after.draft.max_request = self.max_request.unwrap_or(before.draft.max_request);
        after.draft.policy = self.policy.made_to(before.draft.policy);
        after
    }

    /// The first and the last index as they will be.
    fn bounds(&self, before: &Pool) -> (u128, u128) {
        let draft = &before.draft;
        // Decided on the policy that was read: the write fails when it has changed since.
        let extended = self.extend.then(|| draft.policy.extended(draft.to)).flatten();
        (self.from.unwrap_or(draft.from), self.to.or(extended).unwrap_or(draft.to))
    }
}

/// I1: a pool of imported numbers grows by imports alone. What it claims is what they look like, which follows from
/// no boundary; a number without one has no text.
fn refuse_to_grow_a_list(
    change: &PoolChange,
    before: &Pool,
    after: &Pool,
) -> Result<(), PoolRuleError> {
    if !matches!(before.draft.scheme, Scheme::List { .. }) {
        return Ok(());
    }
    let named = [
        ("from", change.from.is_some()),
        ("to", change.to.is_some()),
        ("auto_extend", after.draft.policy.auto_extend.is_some()),
    ];
    let Some((field, _)) = named.into_iter().find(|(_, named)| *named) else { return Ok(()) };
    let detail = "the numbers of the pool are those that were imported".to_owned();
    Err(PoolRuleError { field, detail })
}

impl Store {
    /// Changes a pool. Its boundaries are claimed before it changes, and what it no longer needs is given
    /// up afterwards, only after a certain success and only if no other claim of the key came between. So
    /// the claim always covers the pool (I1); one that is too wide is put right by the next change.
    pub async fn pool_change(
        &self,
        id: &PoolId,
        change: &PoolChange,
        by: (&str, &str),
    ) -> Result<Pool, PoolError> {
        let mut outcome = self.pool_change_once(id, change, by).await;
        for attempt in 0..GUARD_TRIES {
            if !matches!(outcome, Err(PoolError::Store(StoreError::Conflict { .. }))) {
                break;
            }
            pause(attempt, CHANGE_PAUSE_MS).await;
            outcome = self.pool_change_once(id, change, by).await;
        }
        outcome
    }

    async fn pool_change_once(
        &self,
        id: &PoolId,
        change: &PoolChange,
        by: (&str, &str),
    ) -> Result<Pool, PoolError> {
        let missing = StoreError::NotFound { what: "the pool" };
        let state = self.pool_fetch(id).await?.ok_or(missing)?;
        if let Some(record) = &state.record {
            self.pool_record_keep(id, record, by.1).await?;
        }
        let before = &state.pool;
        let bounds = change.bounds(before);
        let scheme = before.draft.scheme;
        domain::pool::check_bounds(scheme, bounds.0, bounds.1)?;
        let after = change.made_to(before, bounds);
        refuse_to_grow_a_list(change, before, &after)?;
        after.draft.check_reoffer()?;
        after.draft.policy.check(bounds.1, scheme.capacity())?;
        // Bounds that are named are claimed again, so that a claim that is too wide is put right.
        let keeps_bounds = change.from.is_none()
            && change.to.is_none()
            && (bounds.1, after.draft.ceiling()) == (before.draft.to, before.draft.ceiling());
        if keeps_bounds && after == *before {
            // I11: what changes nothing leaves no record.
            return Ok(after);
        }
        let claim = Boundary::of(id, &before.draft).joined(&Boundary::of(id, &after.draft));
        let record = self.pool_record(after, before, by).await?;
        let decided = Decided { before, change, bounds, record };
        if keeps_bounds {
            return self.pool_update(&decided, by.1).await;
        }
        let key = before.draft.key;
        let others = Others { puts: &[], space: None, now: by.1 };
        let (version, claimed) = self.boundary_claim(key, &claim, others).await?;
        let pool = self.pool_update(&decided, by.1).await?;
        let actual = Boundary::of(id, &pool.draft);
        if actual != claimed {
            let guarded = self.guarded(key).await?;
            if guarded.version == version {
                let writes = self.claim_writes(key, &actual, &guarded)?;
                let call = self.dynamo.transact_write_items().set_transact_items(Some(writes));
                // Whatever becomes of it, the pool has changed and the wider claim is safe.
                if let Err(error) = call.send().await {
                    let error = sdk_error("TransactWriteItems claim", &error);
                    tracing::warn!(pool.id = %id, %error, "a claim stays wider than its pool");
                }
            }
        }
        Ok(pool)
    }

    /// The next record of a pool's chain.
    pub(super) async fn pool_record(
        &self,
        after: Pool,
        before: &Pool,
        (actor, now): (&str, &str),
    ) -> Result<ChainedRecord, StoreError> {
        let pk = Pk::Pool(before.id.clone());
        let last = self.audit_last(&pk).await?;
        let place = last.as_ref().map_or(0, |last| last.place);
        let record = AuditRecord::new(now, actor, "change", place.saturating_add(1))
            .changing(Some(&told(before)), Some(&told(&after)));
        Ok(record.behind(&pk, last.as_ref()))
    }

    /// Puts a record that waits in the pool's item into its chain. Done twice it changes nothing. It is filed
    /// under the day of `now`: that of its change may be sealed already.
    pub(crate) async fn pool_record_keep(
        &self,
        id: &PoolId,
        record: &ChainedRecord,
        now: &str,
    ) -> Result<(), StoreError> {
        let pk = Pk::Pool(id.clone());
        let filed_at = record.at.as_str().max(now);
        let item = record.to_item_filed(&pk, filed_at);
        // I11: append-only; it is there already when another one was quicker.
        self.put_if_absent("PutItem pool record", item, &Meter::default()).await?;
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&pk, &Sk::Pool)))
            .update_expression("REMOVE audit_waits")
            // I11: a record of a later change waits for its own turn.
            .condition_expression("audit_waits.#hash = :hash")
            .expression_attribute_names("#hash", "hash")
            .expression_attribute_values(":hash", text(record.hash.as_str()))
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(()),
            Err(error) if is_refused(&error) => Ok(()),
            Err(error) => Err(sdk_error("UpdateItem pool record", &error)),
        }
    }

    async fn pool_update(&self, decided: &Decided<'_>, now: &str) -> Result<Pool, PoolError> {
        let Decided { before, bounds: (_, to), .. } = decided;
        let moved = decided.is_moved();
        if moved && (before.cursor != before.draft.from) || *to < before.cursor.saturating_sub(1) {
            return Err(PoolError::BelowCursor { cursor: before.cursor });
        }
        let (sets, condition) = decided.expressions();
        let mut call = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Pool(before.id.clone()), &Sk::Pool)))
            .update_expression(sets)
            .condition_expression(condition)
            .expression_attribute_names("#remaining", "remaining")
            .return_values(ReturnValue::AllNew);
        for (name, value) in decided.fields() {
            call = call
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        for (name, value) in decided.values() {
            call = call.expression_attribute_values(name, value);
        }
        match call.send().await {
            Ok(output) => {
                let item = output.attributes.unwrap_or_default();
                // The change is made; that its record waits a little longer does no harm.
                if let Err(error) = self.pool_record_keep(&before.id, &decided.record, now).await {
                    tracing::warn!(pool.id = %before.id, %error, "an audit record waits");
                }
                Ok(from_item(&item).map_err(StoreError::from)?.pool)
            }
            Err(error) if is_refused(&error) => self.pool_update_judge(decided, now).await,
            Err(error) => Err(sdk_error("UpdateItem pool", &error).into()),
        }
    }
}

impl Store {
    /// The write of a change was refused: it had been made already, its bounds are in use by now, or another
    /// change came first.
    async fn pool_update_judge(&self, decided: &Decided<'_>, now: &str) -> Result<Pool, PoolError> {
        let id = &decided.before.id;
        let missing = StoreError::NotFound { what: "the pool" };
        let state = self.pool_fetch(id).await?.ok_or(missing)?;
        if let Some(record) = &state.record {
            self.pool_record_keep(id, record, now).await?;
        }
        let last = self.audit_last(&Pk::Pool(id.clone())).await?;
        if last.is_some_and(|last| last.hash == decided.record.hash) {
            // An SDK retry of a write that had committed.
            return Ok(state.pool);
        }
        let cursor = state.pool.cursor;
        let moves_used = decided.is_moved() && cursor != decided.before.draft.from;
        if moves_used || decided.bounds.1 < cursor.saturating_sub(1) {
            return Err(PoolError::BelowCursor { cursor });
        }
        Err(StoreError::Conflict { what: "the pool" }.into())
    }
}

impl Decided<'_> {
    /// Whether the lower end moves.
    fn is_moved(&self) -> bool {
        self.bounds.0 != self.before.draft.from
    }

    /// By how much the pool shrinks; 0 if it grows.
    fn shrunk(&self) -> u128 {
        let old = &self.before.draft;
        length((old.from, old.to)).saturating_sub(length(self.bounds))
    }

    /// What the write sets, and on which condition.
    fn expressions(&self) -> (String, String) {
        let mut sets = vec![
            "#remaining = #remaining + :change".to_owned(),
            "audit_place = :place, audit_waits = :record".to_owned(),
        ];
        sets.extend(self.fields().iter().map(|(name, _)| format!("#{name} = :{name}")));
        // I2: the bounds are those read above, what is cut off was still free, and a lower end moves only
        // while no number was ever reserved. I11: the record follows from the last one, which waits no more.
        let mut condition = "#from = :old_from AND #to = :old_to AND #remaining >= :shrunk \
            AND attribute_not_exists(audit_waits) \
            AND (attribute_not_exists(audit_place) OR audit_place = :seen_place)"
            .to_owned();
        if self.is_moved() {
            condition.push_str(" AND #cursor = :old_from");
        }
        (format!("SET {}", sets.join(", ")), condition)
    }

    /// Only what was asked for is set, so that two changes at once do not undo each other.
    fn fields(&self) -> Vec<(&'static str, AttributeValue)> {
        let (change, (from, to)) = (self.change, self.bounds);
        let mut fields = vec![("from", number(from)), ("to", number(to))];
        fields.extend(change.status.map(|status| ("status", text(status.as_str()))));
        fields.extend(change.threshold.map(|threshold| ("threshold", number(threshold))));
        fields.extend(change.max_request.map(|max| ("max_request", number(max))));
        fields.extend(change.policy.fields());
        fields.extend(self.is_moved().then(|| ("cursor", number(from))));
        fields
    }

    fn values(&self) -> [(&'static str, AttributeValue); 7] {
        let old = &self.before.draft;
        // An update expression takes one operator, so the difference carries its sign.
        let signed = match self.shrunk() {
            0 => length(self.bounds).saturating_sub(length((old.from, old.to))).to_string(),
            shrunk => format!("-{shrunk}"),
        };
        let pk = Pk::Pool(self.before.id.clone());
        let record: Item = self.record.to_item(&pk);
        [
            (":old_to", number(old.to)),
            (":old_from", number(old.from)),
            (":change", AttributeValue::N(signed)),
            (":shrunk", number(self.shrunk())),
            (":record", AttributeValue::M(record)),
            (":place", number(self.record.place)),
            (":seen_place", number(self.record.place.saturating_sub(1))),
        ]
    }
}

fn length((from, to): (u128, u128)) -> u128 {
    to.saturating_add(1).saturating_sub(from)
}

pub(super) fn is_refused<R>(error: &aws_sdk_dynamodb::error::SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}
