//! Decisions about the end of a run: closed, accepted after a review, reopened.
//!
//! Every decision is an item of its own, `ALLOC#A / CLOSING#n`, numbered from 1 and never changed. It is put by
//! the transaction that makes the allocation turn, with an audit record that names the hashes of the batch
//! document (I11) and with the findings of it; so no status changes without its document, and a document that no
//! decision names is what a crash left behind. The last item tells how the run stands.

mod item;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use data_encoding::HEXLOWER;
use domain::allocation::{Allocation, AllocationStatus};
use domain::closing::Decision;
use domain::finding::{Change, Note};
use domain::ids::AllocationId;
use sha2::{Digest, Sha256};

use crate::allocation::Gain;
use crate::audit_record::{AuditRecord, ChainedRecord};
use crate::error::{StoreError, sdk_error};
use crate::finding::{Asked, FindingError, FindingRecord};
use crate::item::{key, text};
use crate::keys::{CLOSING_PREFIX, Pk, Sk};
use crate::meter::Meter;
use crate::pool::built;
use crate::{Objects, Store};

/// What the records of decisions have, and no other record of an allocation.
pub(crate) const TOLD_MARK: &str = " by decision ";

/// The hashes of a batch document, hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    /// Of its JSON, which is the document.
    pub json: String,
    /// Of the same as a page to print.
    pub html: String,
}

/// One decision about the end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The allocation.
    pub allocation: AllocationId,
    /// Its place among the decisions, from 1: the revision of the batch document.
    pub number: u32,
    /// What was decided.
    pub decision: Decision,
    /// What the allocation became.
    pub status: AllocationStatus,
    /// When, RFC 3339.
    pub at: String,
    /// `<system>/<credential>` of who decided.
    pub actor: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// The hash of the request, hex.
    pub request_hash: String,
    /// The caller's name for the request, if it was given one.
    pub request_key: Option<String>,
    /// Of the batch document that shows the decision.
    pub document: Hashes,
    /// The fill of the allocation when it was counted.
    pub counted: Gain,
    /// The findings of the end of the run that this decision raised, or leaves to be reviewed.
    pub findings: Vec<String>,
}

/// The name of a batch document: the SHA-256 of its bytes, hex.
#[must_use]
pub fn content_sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

impl Closing {
    /// What the audit record of the decision says the allocation became.
    #[must_use]
    pub fn told(&self) -> String {
        let (status, document) = (self.status.as_str(), &self.document);
        format!("{status}{TOLD_MARK}{} {} {}", self.number, document.json, document.html)
    }

    /// The key of its document, as JSON or as a page, in the documents bucket.
    #[must_use]
    pub fn object_key(&self, html: bool) -> String {
        batch_key((&self.allocation, self.number), &self.document, html)
    }
}

/// A name that follows from the content: a crash between object and decision leaves an object that nothing
/// names, and the next try writes another one beside it.
fn batch_key((id, number): (&AllocationId, u32), hashes: &Hashes, html: bool) -> String {
    let (sha, ending) = if html { (&hashes.html, "html") } else { (&hashes.json, "json") };
    format!("batches/{id}/{number}.{sha}.{ending}")
}

/// An allocation about whose end somebody is going to decide, as it was seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The allocation.
    pub allocation: Allocation,
    /// The last record of its chain, read before anything else: whatever is decided about the allocation after
    /// that takes the next place, which the decision about its end then does not get.
    last: Option<ChainedRecord>,
}

impl Seen {
    /// How many records its chain has: another number once anything was decided about it.
    #[must_use]
    pub fn place(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.place)
    }
}

/// What changes together with a decision.
#[derive(Debug, Clone, Copy)]
pub struct Effects<'a> {
    /// Findings that are new.
    pub raised: &'a [FindingRecord],
    /// Findings that somebody reviewed, with the reason that is theirs then.
    pub resolved: (&'a [String], Option<&'a Note>),
}

impl Store {
    /// The last decision about the end of a run. Consistent.
    pub async fn closing_last(&self, id: &AllocationId) -> Result<Option<Closing>, StoreError> {
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(Pk::Allocation(id.clone()).to_string()))
            .expression_attribute_values(":prefix", text(CLOSING_PREFIX))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(1)
            .send()
            .await
            .map_err(|error| sdk_error("Query decisions", &error))?;
        let items = output.items.unwrap_or_default();
        Ok(items.first().map(|found| item::from_item(id, found)).transpose()?)
    }

    /// All decisions about the end of a run, the first first. Consistent.
    pub async fn closing_list(&self, id: &AllocationId) -> Result<Vec<Closing>, StoreError> {
        let items = self.partition(&Pk::Allocation(id.clone()), CLOSING_PREFIX).await?;
        let closings: Result<Vec<_>, _> =
            items.iter().map(|found| item::from_item(id, found)).collect();
        Ok(closings?)
    }

    /// One decision. Consistent.
    pub async fn closing_fetch(
        &self,
        id: &AllocationId,
        number: u32,
    ) -> Result<Option<Closing>, StoreError> {
        let (pk, sk) = (Pk::Allocation(id.clone()), Sk::Closing(number));
        let found = self.item_fetch("GetItem decision", &pk, &sk).await?;
        Ok(found.as_ref().map(|found| item::from_item(id, found)).transpose()?)
    }

    /// An allocation as it is, for a decision about its end. Consistent.
    pub async fn closing_seen(&self, id: &AllocationId) -> Result<Option<Seen>, StoreError> {
        let last = self.audit_last(&Pk::Allocation(id.clone())).await?;
        let allocation = self.allocation_fetch(id).await?;
        Ok(allocation.map(|allocation| Seen { allocation, last }))
    }

    /// Makes a decision: the allocation turns, and everything that belongs to it is put, together. `false` when
    /// the allocation is no longer as it was seen, numbers of it were given up since, or a finding changed: then it
    /// is to be decided again.
    pub async fn closing_put(
        &self,
        seen: &Seen,
        closing: &Closing,
        effects: Effects<'_>,
    ) -> Result<bool, StoreError> {
        let action = match closing.decision {
            Decision::Close => closing.status.as_str(),
            Decision::Accept | Decision::Reopen => closing.decision.as_str(),
        };
        let record =
            AuditRecord::new(&closing.at, &closing.actor, action, u64::from(closing.number))
                .because(closing.reason.as_deref())
                .changing(Some(seen.allocation.status.as_str()), Some(&closing.told()));
        let pk = Pk::Allocation(seen.allocation.id.clone());
        let mut writes = vec![
            self.status_write(&seen.allocation, closing)?,
            // I3: each decision is made once.
            self.put_new(item::to_item(closing))?,
            // I11. I4: nothing was decided about its numbers since it was seen, so what was counted is all.
            self.put_new(record.behind(&pk, seen.last.as_ref()).to_item(&pk))?,
        ];
        for record in effects.raised {
            writes.extend(self.finding_writes(record)?);
        }
        let (ids, note) = effects.resolved;
        for id in ids {
            writes.extend(self.resolve_writes(id, note, closing).await?);
        }
        self.write_together(writes, &Meter::default()).await
    }

    fn status_write(
        &self,
        seen: &Allocation,
        closing: &Closing,
    ) -> Result<TransactWriteItem, StoreError> {
        // One under review waits on in its queue, and one that is reopened as well; it never left it.
        let ends = closing.status == AllocationStatus::Closed;
        let change = if ends {
            "SET #status = :target, closed_at = :now REMOVE attention_pk, attention_sk"
        } else {
            "SET #status = :target"
        };
        let mut update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Allocation(seen.id.clone()), &Sk::Allocation)))
            .update_expression(change)
            // The life cycle of design I4: only from the state that was judged.
            .condition_expression("#status = :seen")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":target", text(closing.status.as_str()))
            .expression_attribute_values(":seen", text(seen.status.as_str()));
        if ends {
            update = update.expression_attribute_values(":now", text(closing.at.as_str()));
        }
        let update = update.build().map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// What a review does to a finding; nothing where somebody has settled it meanwhile.
    async fn resolve_writes(
        &self,
        id: &str,
        note: Option<&Note>,
        closing: &Closing,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let (Some(case), Some(note)) = (self.finding_find(id).await?, note) else {
            return Ok(Vec::new());
        };
        let asked = Asked { actor: &closing.actor, now: &closing.at, reason: None };
        match self.change_writes(&case, &Change::Resolve(note.clone()), asked).await {
            Ok(decided) => Ok(decided.map(|(_, writes)| writes).unwrap_or_default()),
            Err(FindingError::Refused(_)) => Ok(Vec::new()),
            Err(FindingError::Store(error)) => Err(error),
        }
    }
}

impl Objects {
    /// Puts a batch document under the names that follow from its content, once.
    pub async fn batch_put(
        &self,
        of: (&AllocationId, u32),
        hashes: &Hashes,
        (json, html): (Vec<u8>, Vec<u8>),
    ) -> Result<(), StoreError> {
        let bucket = &*self.buckets.documents;
        let put = |html: bool, bytes: Vec<u8>| {
            let content_type = if html { "text/html; charset=utf-8" } else { "application/json" };
            let key = batch_key(of, hashes, html);
            async move { self.put_once(bucket, &key, content_type, bytes.into()).await }
        };
        put(true, html).await?;
        put(false, json).await?;
        Ok(())
    }

    /// A batch document; `None` when it is not there.
    pub async fn batch_fetch(
        &self,
        closing: &Closing,
        html: bool,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.get_small(&self.buckets.documents, &closing.object_key(html)).await
    }
}
