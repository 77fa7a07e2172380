//! Numbers that somebody gives up unused: returned, deactivated, destroyed.
//!
//! A change is a document of the hub's own making (decision 24). What was decided is kept as JSON under its
//! hash like any file, and is posted to the ledger like any file; so the balance, the audit and the trace of
//! a number need nothing that they do not have for files.
//!
//! - I3: a key of a system means one change of an allocation for ever. The item [`Sk::NumberChange`] is put
//!   once, together with the document and the audit record (I11); from then on the change is completed, by
//!   whoever comes next: the same request, or the sweep through reconcile-commissioning.
//! - I5: each block is judged against its state in the transaction that posts. A number that was used between
//!   the decision and the posting is not given up; the answer counts what was.
//! - A list or ranges with one number that cannot be given up changes nothing at all.

mod decide;
mod finish;
mod item;
pub mod kept;

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem, Update};
use data_encoding::HEXLOWER;
use domain::allocation::{Allocation, AllocationStatus, Reuse, Transition};
use domain::bitmap::BlockSet;
use domain::give_back::Fate;
use domain::ids::{AllocationId, RequestId, SystemId, length_prefixed_sha256};
use sha2::{Digest, Sha256};

use self::kept::Decision;
use crate::Store;
use crate::allocation::ChangeError;
use crate::audit_record::AuditRecord;
use crate::document::{Document, Judgement};
use crate::error::StoreError;
use crate::item::{key, text};
use crate::keys::{Pk, Sk};
use crate::meter::Meter;
use crate::objects::Objects;
use crate::pause::pause;
use crate::pool::built;
use crate::time::{parse_rfc3339, rfc3339_ms};

/// The kind of a document that the hub made of a change.
pub const KIND: &str = "number-change";
/// Ledger blocks that one change may touch: 3,276,800 numbers.
pub const BLOCKS_MAX: usize = 100;
/// Numbers of so many blocks.
pub const NUMBERS_MAX: u64 = 3_276_800;
/// Numbers named in a refusal.
pub const NAMED_MAX: usize = 20;
/// How often a change is decided again when something of the allocation changed meanwhile.
const DECIDE_TRIES: u32 = 8;
/// The step of the pauses between these tries, milliseconds.
const DECIDE_PAUSE_MS: u64 = 5;
/// A change that was recorded and not completed for so long is completed by the sweep.
const PATIENCE: time::Duration = time::Duration::minutes(5);

/// Which numbers are meant, counted from the allocation's first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every one that the fate is open to.
    AllUnused,
    /// These runs, both ends included: ascending, disjoint, within the allocation.
    Runs(Vec<(u64, u64)>),
}

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The system of the caller's credential.
    pub requester: &'a SystemId,
    /// `<system>/<credential>`, for the audit record.
    pub actor: &'a str,
    /// The caller's name for this request.
    pub key: &'a RequestId,
    /// Which numbers.
    pub selection: Selection,
    /// What is to become of them.
    pub fate: Fate,
    /// Why, in the caller's words.
    pub reason: &'a str,
}

/// A change as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberChange {
    /// Derived from the allocation, the system and its key.
    pub id: String,
    /// The allocation.
    pub allocation_id: AllocationId,
    /// The system that asked.
    pub system_id: SystemId,
    /// What is to become of the numbers.
    pub fate: Fate,
    /// Why.
    pub reason: String,
    /// When it was decided, RFC 3339.
    pub at: String,
    /// The document it became.
    pub content_sha256: String,
    /// The hash of the request (I3).
    pub request_hash: String,
    /// Numbers that were open to the fate when it was decided.
    pub decided: u64,
    /// The numbers are offered again.
    pub offers: bool,
    /// What was done, once it is.
    pub done: Option<Done>,
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// When, RFC 3339.
    pub at: String,
    /// Numbers that met the fate; the others were used between the decision and the posting.
    pub taken: u64,
}

/// Why numbers were not given up.
#[derive(Debug, thiserror::Error)]
pub enum GiveUpError {
    /// The key was used before for another change of the allocation (I3).
    #[error("the key was used before for another change of this allocation")]
    KeyReuse,
    /// The allocation's life cycle does not have this.
    #[error("numbers of an allocation that is {} are not given up", .0.as_str())]
    State(AllocationStatus),
    /// Some of the numbers cannot be given up.
    #[error("{count} of the numbers are not unused")]
    Used {
        /// How many.
        count: u64,
        /// The first of them, counted from the allocation's first one; at most [`NAMED_MAX`].
        first: Vec<u64>,
    },
    /// The numbers lie in too many ledger blocks.
    #[error("the numbers lie in {blocks} ledger blocks, one call may touch {BLOCKS_MAX}")]
    TooManyBlocks {
        /// How many.
        blocks: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ChangeError> for GiveUpError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Transition(refused) => Self::State(refused.status),
            ChangeError::Store(error) => Self::Store(error),
        }
    }
}

impl Request<'_> {
    /// The name of the change.
    fn id(&self, allocation: &AllocationId) -> String {
        let parts = [KIND, allocation.as_str(), self.requester.as_str(), self.key.as_str()];
        let hash = HEXLOWER.encode(&length_prefixed_sha256(&parts.map(str::as_bytes)));
        hash.get(..32).unwrap_or(&hash).to_owned()
    }

    /// The hash of all that the request says.
    fn hash(&self) -> String {
        let numbers = match &self.selection {
            Selection::AllUnused => "all".to_owned(),
            Selection::Runs(runs) => {
                let runs = runs.iter().map(|(first, last)| format!("{first}-{last},"));
                runs.collect::<Vec<_>>().concat()
            }
        };
        let parts = ["1", self.fate.as_str(), self.reason, &numbers].map(str::as_bytes);
        HEXLOWER.encode(&length_prefixed_sha256(&parts))
    }
}

/// Whether numbers of an allocation in this state may be given up. A held one is not the caller's yet, and
/// closing was the fate of all that was left (decision 2).
const fn allows(status: AllocationStatus) -> bool {
    matches!(
        status,
        AllocationStatus::Reserved | AllocationStatus::Exported | AllocationStatus::Active
    )
}

impl Store {
    /// Gives numbers of an allocation up, once per key; whether the change was there before this call.
    ///
    /// # Errors
    /// Nothing was changed, unless the store failed: then the same request completes the change.
    pub async fn numbers_give_up(
        &self,
        objects: &Objects,
        id: &AllocationId,
        request: &Request<'_>,
        now: &str,
    ) -> Result<(NumberChange, bool), GiveUpError> {
        for attempt in 0..DECIDE_TRIES {
            if let Some(stored) = self.number_change_fetch(id, &request.id(id)).await? {
                if stored.request_hash != request.hash() {
                    return Err(GiveUpError::KeyReuse);
                }
                return Ok((self.number_change_finish(objects, stored, now).await?, true));
            }
            let missing = StoreError::NotFound { what: "the allocation" };
            let allocation = self.allocation_fetch(id).await?.ok_or(missing)?;
            if !allows(allocation.status) {
                return Err(GiveUpError::State(allocation.status));
            }
            let blocks = self.numbers_decide(&allocation, request).await?;
            if let Some(change) =
                self.number_change_record(objects, (&allocation, blocks), request, now).await?
            {
                return Ok((self.number_change_finish(objects, change, now).await?, false));
            }
            pause(attempt, DECIDE_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the allocation" }.into())
    }

    /// Keeps the decision and records the change; `None` when something came between.
    async fn number_change_record(
        &self,
        objects: &Objects,
        (allocation, blocks): (&Allocation, Vec<(u32, BlockSet)>),
        request: &Request<'_>,
        now: &str,
    ) -> Result<Option<NumberChange>, GiveUpError> {
        let decided =
            blocks.iter().map(|(_, set)| u64::from(set.len())).fold(0, u64::saturating_add);
        let id = &allocation.id;
        let bytes = Decision::of(allocation, request, (&blocks, now)).to_bytes();
        let sha = HEXLOWER.encode(&Sha256::digest(&bytes));
        let change = NumberChange {
            id: request.id(id),
            allocation_id: id.clone(),
            system_id: request.requester.clone(),
            fate: request.fate,
            reason: request.reason.to_owned(),
            at: now.to_owned(),
            content_sha256: sha.clone(),
            request_hash: request.hash(),
            decided,
            offers: self.numbers_offered(allocation, request.fate).await?,
            done: None,
        };
        // I6: what the document says is kept before anything names it. One that a crash left is never named.
        objects.bytes_put(&sha, bytes).await?;
        // As for a file: the allocation is active before its first block is written.
        let by = (request.actor, now);
        let active = self.allocation_advance_by(id, Transition::Activate, by).await?;
        if active.status != AllocationStatus::Active {
            return Err(GiveUpError::State(active.status));
        }
        // A record of an allocation begins with its state, which stays what it is.
        let state = active.status.as_str();
        let said = format!("{state} with {decided} of {} numbers in DOC#{sha}", allocation.size);
        let record = AuditRecord::new(now, request.actor, request.fate.as_str(), 0)
            .because(Some(request.reason))
            .changing(Some(state), Some(&said));
        let writes = vec![
            // I3: one change per key.
            self.put_new(item::to_item(&change))?,
            // I5: a document is made once.
            self.put_new(crate::document_item::to_item(&document_of(&change, now)))?,
            self.still_active(id, change.offers)?,
            self.audit_next(&Pk::Allocation(id.clone()), record).await?,
        ];
        let meter = Meter::default();
        Ok(self.write_together(writes, &meter).await?.then_some(change))
    }

    /// Whether what is returned is offered again: where the pool's policy says so, once for each number.
    async fn numbers_offered(
        &self,
        allocation: &Allocation,
        fate: Fate,
    ) -> Result<bool, StoreError> {
        if fate != Fate::Return || allocation.reuse == Reuse::Took {
            return Ok(false);
        }
        let pool = self.pool_fetch(&allocation.pool_id).await?;
        Ok(pool.is_some_and(|state| state.pool.draft.policy.reoffer.offers_returned()))
    }

    /// I4: nothing is given up of an allocation that was closed or given up itself meanwhile. One whose numbers
    /// are offered again says so before the first of them is.
    fn still_active(
        &self,
        id: &AllocationId,
        offers: bool,
    ) -> Result<TransactWriteItem, StoreError> {
        let own = key(&Pk::Allocation(id.clone()), &Sk::Allocation);
        if offers {
            let update = Update::builder()
                .table_name(&*self.table)
                .set_key(Some(own))
                .update_expression("SET reuse = :gave")
                // I4, as below.
                .condition_expression("#status = :active")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":active", text(AllocationStatus::Active.as_str()))
                .expression_attribute_values(":gave", text(Reuse::Gave.as_str()))
                .build()
                .map_err(|error| built(&error))?;
            return Ok(TransactWriteItem::builder().update(update).build());
        }
        let check = ConditionCheck::builder()
            .table_name(&*self.table)
            .set_key(Some(own))
            .condition_expression("#status = :active")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", text(AllocationStatus::Active.as_str()))
            .build()
            .map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}

/// The document of a change, due for the sweep when nobody completes it.
fn document_of(change: &NumberChange, now: &str) -> Document {
    let (sha, system) = (change.content_sha256.as_str(), &change.system_id);
    let mut judgement = Judgement::new(system, now);
    judgement.begin(&until(now));
    Document {
        raw_sha256: Some(sha.to_owned()),
        events: 1,
        last_event_at: Some(change.at.clone()),
        judgements: vec![judgement],
        version: 1,
        ..Document::new(sha, KIND, system, now)
    }
}

/// When a run that began now should long have ended.
fn until(now: &str) -> String {
    let end = parse_rfc3339(now).and_then(|now| now.checked_add(PATIENCE));
    end.map_or_else(|| now.to_owned(), rfc3339_ms)
}
