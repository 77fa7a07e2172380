//! Completes a change that was recorded: its postings, its counts, its report. Done again it changes nothing.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::allocation::Allocation;
use domain::bitmap::BlockSet;
use domain::ids::AllocationId;
use domain::ledger::block_size;
use tokio::task::JoinSet;

use super::kept::{Decision, Read};
use super::{Done, KIND, NumberChange, until};
use crate::Store;
use crate::allocation::{Counted, Gain};
use crate::block::{GivenUp, Place, Said};
use crate::document::{Document, DocumentStatus};
use crate::error::{StoreError, sdk_error};
use crate::item::{key, number, text};
use crate::keys::{Pk, Sk};
use crate::meter::Meter;
use crate::objects::Objects;
use crate::plan::PlanRun;
use crate::returned::Offer;

/// Blocks that are written at the same time.
const AT_ONCE: usize = 16;

impl Store {
    /// Completes the change whose document this is.
    ///
    /// # Errors
    /// `NotFound` when the document is none of a change, or its bytes are gone.
    pub async fn number_change_resume(
        &self,
        objects: &Objects,
        content_sha256: &str,
        now: &str,
    ) -> Result<NumberChange, StoreError> {
        let read = self.decision_kept(objects, content_sha256).await?;
        let missing = StoreError::NotFound { what: "the change" };
        let change = self.number_change_fetch(&read.allocation_id, &read.change_id).await?;
        self.number_change_finish(objects, change.ok_or(missing)?, now).await
    }

    /// Completes all changes of an allocation that were recorded and not completed: before its run ends, so that
    /// what is counted then is all that was decided.
    ///
    /// # Errors
    /// A failed store: to be done again.
    pub async fn number_changes_finish(
        &self,
        objects: &Objects,
        allocation: &AllocationId,
        now: &str,
    ) -> Result<(), StoreError> {
        let changes = self.number_changes(allocation).await?;
        for change in changes.into_iter().filter(|change| change.done.is_none()) {
            Box::pin(self.number_change_finish(objects, change, now)).await?;
        }
        Ok(())
    }

    /// Completes a change, if that was not done.
    pub(super) async fn number_change_finish(
        &self,
        objects: &Objects,
        change: NumberChange,
        now: &str,
    ) -> Result<NumberChange, StoreError> {
        if change.done.is_some() {
            return Ok(change);
        }
        let (sha, meter) = (change.content_sha256.as_str(), Meter::default());
        let read = self.decision_kept(objects, sha).await?;
        let missing = StoreError::NotFound { what: "the allocation" };
        let allocation = self.allocation_fetch(&change.allocation_id).await?.ok_or(missing)?;
        let ends = read.blocks.first().zip(read.blocks.last());
        if let Some(((first, _), (last, _))) = ends {
            self.allocation_fill_widen(&allocation.id, (*first, *last), &meter).await?;
            self.plan_put(sha, &plan_runs(&allocation.id, &read.blocks), &meter).await?;
        }
        let applying = |document: &mut Document| {
            if let Some(judgement) = document.judgement_mut(&change.system_id, now)
                && judgement.is_unfinished()
            {
                judgement.status = DocumentStatus::Applying;
                judgement.is_in_part = ends.is_some();
                judgement.left_until = Some(until(now));
            }
        };
        self.document_change(sha, None, &meter, applying).await?;
        let (all, taken) = self.numbers_post((&allocation, &change), &read, (now, &meter)).await?;
        let of = (&allocation.id, sha);
        let (_, counted) = self.allocation_fill_fetch(of).await?;
        self.allocation_fill_add(of, (counted, all), now, &meter).await?;
        self.number_change_settle(objects, &change, now).await?;
        self.number_change_done(change, (now, taken)).await
    }

    async fn decision_kept(
        &self,
        objects: &Objects,
        content_sha256: &str,
    ) -> Result<Read, StoreError> {
        let bytes = objects.message_kept(content_sha256).await?;
        let missing = StoreError::NotFound { what: "the kept decision of a change" };
        bytes.as_deref().and_then(Decision::read).ok_or(missing)
    }

    /// Posts every block; the postings with what they changed, and how many numbers met the fate.
    async fn numbers_post(
        &self,
        (allocation, change): (&Allocation, &NumberChange),
        read: &Read,
        (now, meter): (&str, &Meter),
    ) -> Result<(Counted, u64), StoreError> {
        let mut tasks: JoinSet<Result<(Gain, u64), StoreError>> = JoinSet::new();
        let (mut all, mut taken) = (Counted::default(), 0_u64);
        let mut count = |posted: Option<(Gain, u64)>| {
            let Some((gain, numbers)) = posted else { return };
            all.postings = all.postings.saturating_add(1);
            all.gain.add(gain);
            taken = taken.saturating_add(numbers);
        };
        for (block, wanted) in &read.blocks {
            if tasks.len() >= AT_ONCE {
                count(joined(&mut tasks).await?);
            }
            let (store, meter, wanted) = (self.clone(), meter.clone(), wanted.clone());
            let (id, block) = (allocation.id.clone(), *block);
            let (sha, now) = (change.content_sha256.clone(), now.to_owned());
            // The end of a run finishes its changes first; one that comes later all the same offers nothing.
            let offers = change.offers && !allocation.status.is_over();
            let (pool, start) = (allocation.pool_id.clone(), allocation.start);
            let (fate, time_ms) = (read.fate, read.time_ms);
            let size = block_size(allocation.size, block);
            tasks.spawn(async move {
                let place = Place { allocation: &id, block, content_sha256: &sha };
                let offer = offers.then_some(Offer { pool: &pool, start, now: &now });
                let given = GivenUp { wanted: &wanted, fate, time_ms, size, offer };
                let said = Said::GivenUp(given);
                let (posting, gain) = store.block_post((place, &now), said, &meter).await?;
                Ok((gain, posting.stated(fate.fact()).len().into()))
            });
        }
        while !tasks.is_empty() {
            count(joined(&mut tasks).await?);
        }
        Ok((all, taken))
    }

    async fn number_change_settle(
        &self,
        objects: &Objects,
        change: &NumberChange,
        now: &str,
    ) -> Result<(), StoreError> {
        let done = |document: &mut Document| {
            let Some(judgement) = document.judgement_mut(&change.system_id, now) else { return };
            if judgement.status == DocumentStatus::Reconciled {
                return; // Another run was faster.
            }
            judgement.status = DocumentStatus::Reconciled;
            judgement.end(None);
            judgement.is_in_part = false;
            judgement.reconciled_at = Some(now.to_owned());
            judgement.error = None;
            document.error = None;
            KIND.clone_into(&mut document.kind);
        };
        let of = (change.content_sha256.as_str(), None, now);
        self.document_settle(objects, of, &Meter::default(), done).await.map(|_| ())
    }

    /// Notes what the change came to: the same for every run, since it is what its postings say.
    async fn number_change_done(
        &self,
        change: NumberChange,
        (now, taken): (&str, u64),
    ) -> Result<NumberChange, StoreError> {
        let pk = Pk::Allocation(change.allocation_id.clone());
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&pk, &Sk::NumberChange(change.id.clone()))))
            .update_expression("SET done_at = :now, taken = :taken")
            // I3: the first answer is the answer.
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(done_at)")
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":taken", number(taken))
            .send()
            .await;
        let refused = UpdateItemError::is_conditional_check_failed_exception;
        match outcome {
            Ok(_) => Ok(NumberChange { done: Some(Done { at: now.to_owned(), taken }), ..change }),
            Err(error) if error.as_service_error().is_some_and(refused) => {
                let missing = StoreError::NotFound { what: "the change" };
                let stored = self.number_change_fetch(&change.allocation_id, &change.id).await?;
                stored.ok_or(missing)
            }
            Err(error) => Err(sdk_error("UpdateItem number change", &error)),
        }
    }
}

async fn joined<T: 'static>(
    tasks: &mut JoinSet<Result<T, StoreError>>,
) -> Result<Option<T>, StoreError> {
    match tasks.join_next().await {
        None => Ok(None),
        Some(Ok(outcome)) => outcome.map(Some),
        Some(Err(error)) => {
            let detail = error.to_string();
            Err(StoreError::Unavailable { operation: "posting a change", detail })
        }
    }
}

/// Blocks as runs of neighbours.
fn plan_runs(allocation: &AllocationId, blocks: &[(u32, BlockSet)]) -> Vec<PlanRun> {
    let mut runs: Vec<PlanRun> = Vec::new();
    for (block, _) in blocks {
        match runs.last_mut() {
            Some(run) if run.last.saturating_add(1) == *block => run.last = *block,
            _ => runs.push(PlanRun { allocation: allocation.clone(), first: *block, last: *block }),
        }
    }
    runs
}
