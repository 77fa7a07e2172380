//! Findings of a posting that another document changes: a pack whose end was reported was never
//! commissioned until its commissioning comes, and a fact that is taken back breaks nothing any more.
//!
//! The document that brings the news cannot change the findings of the other one; it has it judged again,
//! and only that run looks at its posting anew. So findings follow from the set of documents, in whatever
//! order they came (decision 28). A crash in between is made up for: who posts again looks again.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use domain::fact::Fact;
use domain::ids::SystemId;
use domain::ledger::transition::supposes_a_pack;
use domain::ledger::{BlockState, Posting, review, unsettled};

use super::Place;
use crate::Store;
use crate::allocation::Gain;
use crate::error::{StoreError, sdk_error};
use crate::item::key;
use crate::judgement::DocumentStatus;
use crate::keys::{Pk, Sk};
use crate::meter::Meter;
use crate::number_change;

/// A posting that is stored.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The posting with its findings as they are by now.
    pub posting: Posting,
    /// What it changed when it was applied.
    pub gain: Gain,
    /// Documents with postings in this block of which other findings hold by now than they had: they are to
    /// be judged again.
    pub unsettled: Vec<String>,
}

impl Store {
    /// A posting of an earlier delivery, its findings looked at anew; `None` when another worker did so at
    /// this moment.
    pub(super) async fn block_review(
        &self,
        place: Place<'_>,
        (mut posting, gain): (Posting, Gain),
        state: &BlockState,
        meter: &Meter,
    ) -> Result<Option<Posted>, StoreError> {
        let findings = review(&posting, state);
        if findings != posting.verdict.findings {
            let seen = posting.encode();
            posting.verdict.findings = findings;
            if !self.verdict_write(place, &posting, seen, meter).await? {
                return Ok(None);
            }
        }
        let commissioned = posting.stated(Fact::Commissioned);
        let ends = |fact: &Fact| supposes_a_pack(*fact) && commissioned.intersects(state.of(*fact));
        let may_settle = state.retracted || Fact::BY_PRECEDENCE.iter().any(ends);
        let others = if may_settle {
            self.block_postings(place.allocation, place.block).await?
        } else {
            Vec::new()
        };
        let others = others.into_iter().filter(|(sha, _)| sha != place.content_sha256);
        let unsettled = others.filter(|(_, other)| unsettled(other, state)).map(|(sha, _)| sha);
        Ok(Some(Posted { posting, gain, unsettled: unsettled.collect() }))
    }

    /// Writes the findings of a posting; `false` when another worker did so since it was read.
    async fn verdict_write(
        &self,
        place: Place<'_>,
        posting: &Posting,
        seen: Vec<u8>,
        meter: &Meter,
    ) -> Result<bool, StoreError> {
        let pk = Pk::Block(place.allocation.clone(), place.block);
        let sk = Sk::DocumentOf(place.content_sha256.to_owned());
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&pk, &sk)))
            .update_expression("SET body = :body")
            // I5: decided on what is stored; what the document says never changes.
            .condition_expression("body = :seen")
            .expression_attribute_values(":body", AttributeValue::B(posting.encode().into()))
            .expression_attribute_values(":seen", AttributeValue::B(seen.into()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match outcome {
            Ok(output) => {
                meter.add(output.consumed_capacity());
                Ok(true)
            }
            Err(error)
                if error.as_service_error().is_some_and(|error| {
                    error.is_conditional_check_failed_exception()
                        || error.is_transaction_conflict_exception()
                }) =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error("UpdateItem posting", &error)),
        }
    }

    /// Has a document judged again for a system, because another one changed what is to be found of it. It
    /// is due at once; a run that is at work is followed by another one.
    pub async fn document_recall(
        &self,
        (content_sha256, system): (&str, &SystemId),
        now: &str,
        meter: &Meter,
    ) -> Result<(), StoreError> {
        let recall = |document: &mut crate::document::Document| {
            // What the hub decided itself has no findings.
            if document.kind == number_change::KIND {
                return;
            }
            let mut judgements = document.judgements.iter_mut();
            let Some(judgement) = judgements.find(|one| one.system_id == *system) else { return };
            match judgement.status {
                DocumentStatus::Reconciled | DocumentStatus::Parked => {
                    judgement.status = DocumentStatus::Parked;
                    judgement.end(Some(now.to_owned()));
                }
                DocumentStatus::Received | DocumentStatus::Applying => judgement.is_recalled = true,
                DocumentStatus::Quarantined => {}
            }
        };
        self.document_judge(content_sha256, (None, Some(now)), meter, recall).await.map(drop)
    }
}
