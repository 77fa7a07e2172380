//! Documents: what was received, who sent it, and how far its judgement has come.
//!
//! I5, I6: a document is named by the SHA-256 of its inflated bytes and has one item; its judgement
//! is per sending system, because each system may only report its own numbers. The item is changed
//! by reading it, deciding, and writing it back if nobody else did meanwhile.

use aws_sdk_dynamodb::types::{Put, ReturnConsumedCapacity, TransactWriteItem};
use domain::ids::SystemId;

use crate::attention::Queue;
use crate::audit_record::{AuditRecord, HUB};
use crate::document_item::{from_item, to_item};
use crate::error::{StoreError, sdk_error};
use crate::item::{Reader, new_item, number, text};
use crate::keys::{Pk, Sk, listing};
use crate::meter::Meter;
use crate::pause::pause;
use crate::pool::built;
use crate::{Page, Store};

pub use crate::judgement::{
    DocumentError, DocumentStatus, Judgement, Metrics, Resolution, ResolutionKind, SerialCounts,
};

/// How often a change of a document is tried again when another one came between.
const CHANGE_TRIES: u32 = 20;
/// The step of the pauses between these tries, milliseconds.
const CHANGE_PAUSE_MS: u64 = 5;

/// Pages of the index that one call for a list reads; each has up to 1 MB.
pub const LIST_PAGES_MAX: u32 = 10;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Of the inflated bytes, hex; of the received bytes where they cannot be inflated.
    pub content_sha256: String,
    /// Of the received bytes, hex; they are kept under this name. `None` when they were gone.
    pub raw_sha256: Option<String>,
    /// Such as `epcis-xml-1` or `result-csv`.
    pub kind: String,
    /// The system that sent it first.
    pub system_id: SystemId,
    /// When it was first received, RFC 3339.
    pub received_at: String,
    /// Events in it.
    pub events: u64,
    /// The latest time of an event that states a fact, RFC 3339.
    pub last_event_at: Option<String>,
    /// Why its bytes are refused, whoever sends them.
    pub error: Option<DocumentError>,
    /// One per system that sent it.
    pub judgements: Vec<Judgement>,
    /// Of the run that finished it.
    pub metrics: Option<Metrics>,
    /// How it was dealt with when its judgement did not settle it.
    pub resolution: Option<Resolution>,
    /// Counted up by each write; 0 = not stored yet.
    pub version: u64,
}

impl Document {
    /// A document that was just received.
    #[must_use]
    pub fn new(sha: &str, kind: &str, system: &SystemId, now: &str) -> Self {
        Self {
            content_sha256: sha.to_owned(),
            raw_sha256: None,
            kind: kind.to_owned(),
            system_id: system.clone(),
            received_at: now.to_owned(),
            events: 0,
            last_event_at: None,
            error: None,
            judgements: vec![Judgement::new(system, now)],
            metrics: None,
            resolution: None,
            version: 0,
        }
    }

    /// How far it has come, over all systems that sent it.
    #[must_use]
    pub fn status(&self) -> DocumentStatus {
        let any = |status| self.judgements.iter().any(|judgement| judgement.status == status);
        let refused = |judgement: &Judgement| judgement.status == DocumentStatus::Quarantined;
        let all_refused = !self.judgements.is_empty() && self.judgements.iter().all(refused);
        if all_refused || self.is_refused() {
            DocumentStatus::Quarantined
        } else if any(DocumentStatus::Applying) {
            DocumentStatus::Applying
        } else if any(DocumentStatus::Received) || self.judgements.is_empty() {
            DocumentStatus::Received
        } else if any(DocumentStatus::Parked) {
            DocumentStatus::Parked
        } else {
            DocumentStatus::Reconciled
        }
    }

    /// Whether its bytes are refused, whoever sends them.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.error.is_some()
    }

    /// Whether it was refused for at least one of the systems that sent it.
    #[must_use]
    pub fn is_refused_for_any(&self) -> bool {
        let refused = |judgement: &Judgement| judgement.status == DocumentStatus::Quarantined;
        self.is_refused() || self.judgements.iter().any(refused)
    }

    /// Why it was refused: its bytes, or else for the first system that it was refused for.
    #[must_use]
    pub fn refusal(&self) -> Option<&DocumentError> {
        let of_sender = || self.judgements.iter().find_map(|judgement| judgement.error.as_ref());
        self.error.as_ref().or_else(of_sender)
    }

    /// The queue that it waits in, with its place there.
    #[must_use]
    pub fn attention(&self) -> Option<(Queue, String)> {
        let place = |at: &str| format!("{at}#{}", self.content_sha256);
        // What is refused whoever sends it is judged for nobody.
        if !self.is_refused()
            && let Some(at) = self.judgements.iter().filter_map(Judgement::place).min()
        {
            let parked = |one: &Judgement| one.status == DocumentStatus::Parked;
            let is_parked = self.judgements.iter().any(parked);
            let queue = if is_parked { Queue::Parked } else { Queue::Unfinished };
            return Some((queue, place(at)));
        }
        let waits = self.is_refused_for_any() && self.resolution.is_none();
        waits.then(|| (Queue::Quarantined, place(&self.received_at)))
    }

    /// The judgement for a system.
    #[must_use]
    pub fn judgement(&self, system: &SystemId) -> Option<&Judgement> {
        self.judgements.iter().find(|judgement| judgement.system_id == *system)
    }

    /// The judgement for a system, begun now if there is none.
    pub fn judgement_mut(&mut self, system: &SystemId, now: &str) -> Option<&mut Judgement> {
        if self.judgement(system).is_none() {
            self.judgements.push(Judgement::new(system, now));
        }
        self.judgements.iter_mut().find(|judgement| judgement.system_id == *system)
    }

    /// Whether a run that never ended may have posted blocks of it.
    #[must_use]
    pub fn is_in_part(&self) -> bool {
        self.judgements.iter().any(|judgement| judgement.is_in_part)
    }

    /// The earliest time at which a judgement is due.
    #[must_use]
    pub fn next_try_at(&self) -> Option<&str> {
        self.judgements.iter().filter_map(|judgement| judgement.next_try_at.as_deref()).min()
    }

    /// When the last judgement was done.
    #[must_use]
    pub fn reconciled_at(&self) -> Option<&str> {
        self.judgements.iter().filter_map(|judgement| judgement.reconciled_at.as_deref()).max()
    }

    /// Serials over all systems: named as the document names them, the rest added up.
    #[must_use]
    pub fn serials(&self) -> SerialCounts {
        let mut sum = SerialCounts::default();
        for judgement in &self.judgements {
            let one = judgement.serials;
            sum.named = sum.named.max(one.named);
            sum.matched = sum.matched.saturating_add(one.matched);
            sum.newly_commissioned = sum.newly_commissioned.saturating_add(one.newly_commissioned);
            sum.repeated = sum.repeated.saturating_add(one.repeated);
            sum.provisional = sum.provisional.max(one.provisional);
        }
        sum
    }
}

impl Store {
    /// A document by the SHA-256 of its inflated bytes. Strongly consistent.
    pub async fn document_fetch(&self, sha: &str) -> Result<Option<Document>, StoreError> {
        let pk = Pk::Document(sha.to_owned());
        let item = self.item_fetch("GetItem document", &pk, &Sk::Document).await?;
        Ok(item.as_ref().map(from_item).transpose()?)
    }

    /// A document by the SHA-256 of its inflated or of its received bytes. Strongly consistent.
    pub async fn document_find(&self, sha: &str) -> Result<Option<Document>, StoreError> {
        if let Some(document) = self.document_fetch(sha).await? {
            return Ok(Some(document));
        }
        let pk = Pk::Raw(sha.to_owned());
        let Some(alias) = self.item_fetch("GetItem raw", &pk, &Sk::Raw).await? else {
            return Ok(None);
        };
        self.document_fetch(Reader::new(&alias, "raw")?.text("content_sha256")?).await
    }

    /// Makes the received bytes' SHA-256 lead to the document; done twice it changes nothing.
    pub async fn raw_alias_put(
        &self,
        raw_sha256: &str,
        content_sha256: &str,
        meter: &Meter,
    ) -> Result<(), StoreError> {
        let mut item = new_item(&Pk::Raw(raw_sha256.to_owned()), &Sk::Raw, "raw");
        item.insert("content_sha256".to_owned(), text(content_sha256));
        self.put_if_absent("PutItem raw", item, meter).await.map(|_| ())
    }

    /// Changes a document, or makes it from `fresh` when there is none; gives what is stored then.
    /// `change` may run several times, each time on what another call left; a change that changes
    /// nothing writes nothing.
    ///
    /// # Errors
    /// `NotFound` when there is no document and no `fresh` one; `Conflict` after many tries.
    pub async fn document_change(
        &self,
        sha: &str,
        fresh: Option<&Document>,
        meter: &Meter,
        change: impl FnMut(&mut Document),
    ) -> Result<Document, StoreError> {
        self.document_judge(sha, (fresh, None), meter, change).await
    }

    /// The same for a judgement made at `judged_at`, which leaves an audit record where it changes the
    /// document's state (I11). The steps on the way to a judgement leave none: they end in one.
    pub(crate) async fn document_judge(
        &self,
        sha: &str,
        (fresh, judged_at): (Option<&Document>, Option<&str>),
        meter: &Meter,
        mut change: impl FnMut(&mut Document),
    ) -> Result<Document, StoreError> {
        for attempt in 0..CHANGE_TRIES {
            let missing = StoreError::NotFound { what: "the document" };
            let stored = self.document_fetch(sha).await?;
            let before = stored.as_ref().or(fresh).ok_or(missing)?.clone();
            let mut after = before.clone();
            change(&mut after);
            if after == before && before.version > 0 {
                return Ok(after);
            }
            after.version = before.version.saturating_add(1);
            let judged_at = judged_at.filter(|_| told(&after) != told(&before));
            let is_written = match judged_at {
                Some(at) => self.document_put_judged((&before, &after), at, meter).await?,
                None => self.document_put(&after, before.version, meter).await?,
            };
            if is_written {
                return Ok(after);
            }
            pause(attempt, CHANGE_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the document" })
    }

    /// Writes a document together with the record of its judgement; `false` when somebody else wrote it since
    /// it was read.
    async fn document_put_judged(
        &self,
        (before, after): (&Document, &Document),
        at: &str,
        meter: &Meter,
    ) -> Result<bool, StoreError> {
        // I5: the decision was made on what is stored.
        let put = Put::builder().table_name(&*self.table).set_item(Some(to_item(after)));
        let put = if before.version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("#version = :seen")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":seen", number(before.version))
        };
        let put = put.build().map_err(|error| built(&error))?;
        let record = AuditRecord::new(at, HUB, "judge", after.version)
            .because(refusals(after).as_deref())
            .changing(Some(&told(before)), Some(&told(after)));
        let entity = Pk::Document(after.content_sha256.clone());
        let record = self.audit_next(&entity, record).await?;
        self.write_together(vec![TransactWriteItem::builder().put(put).build(), record], meter)
            .await
    }

    /// Writes a document; `false` when somebody else wrote it since it was read.
    async fn document_put(
        &self,
        document: &Document,
        seen: u64,
        meter: &Meter,
    ) -> Result<bool, StoreError> {
        // I5: the decision was made on what is stored.
        let call = self
            .dynamo
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(to_item(document)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let call = if seen == 0 {
            call.condition_expression("attribute_not_exists(pk)")
        } else {
            call.condition_expression("#version = :seen")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":seen", number(seen))
        };
        match call.send().await {
            Ok(output) => {
                meter.add(output.consumed_capacity());
                Ok(true)
            }
            Err(error)
                if error.as_service_error().is_some_and(|error| {
                    // A judgement is a transaction, and may hold the item at this moment.
                    error.is_conditional_check_failed_exception()
                        || error.is_transaction_conflict_exception()
                }) =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error("PutItem document", &error)),
        }
    }

    /// One page of documents, newest first, read from the index (may lag a moment). `after` and
    /// `next` are index sort keys. `status` and `system` restrict the list, and nothing older than `since`
    /// is read. A call reads [`LIST_PAGES_MAX`] pages of the index at most: then `next` goes on, however
    /// few documents were found.
    pub async fn document_list(
        &self,
        filter: (Option<DocumentStatus>, Option<&SystemId>, Option<&str>),
        limit: usize,
        after: Option<&str>,
    ) -> Result<Page<Document>, StoreError> {
        let (status, system, since) = filter;
        let mut items = Vec::new();
        let mut start = after.map(str::to_owned);
        for _ in 0..LIST_PAGES_MAX {
            let page = self.listing_page(listing::DOCUMENT, since, start.as_deref()).await?;
            for item in &page.items {
                let document = from_item(item)?;
                start = Some(list_key(&document));
                let wanted = status.is_none_or(|status| document.status() == status)
                    && system.is_none_or(|system| document.judgement(system).is_some());
                if wanted {
                    items.push(document);
                }
                if items.len() >= limit {
                    return Ok(Page { items, next: start });
                }
            }
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        Ok(Page { items, next: start })
    }
}

/// What an audit record says of a document: how far its judgement has come for each system.
fn told(document: &Document) -> String {
    let of =
        |judgement: &Judgement| format!("{} {}", judgement.system_id, judgement.status.as_str());
    let mut parts: Vec<String> = document.judgements.iter().map(of).collect();
    parts.extend(document.error.as_ref().map(|_| DocumentStatus::Quarantined.as_str().to_owned()));
    parts
        .extend(document.resolution.as_ref().map(|resolution| resolution.kind.as_str().to_owned()));
    parts.join(", ")
}

/// The codes of what speaks against it.
fn refusals(document: &Document) -> Option<String> {
    let own = document.error.iter();
    let codes: Vec<&str> = own
        .chain(document.judgements.iter().filter_map(|judgement| judgement.error.as_ref()))
        .map(|error| error.code.as_str())
        .collect();
    (!codes.is_empty()).then(|| codes.join(", "))
}

/// The index sort key of a document.
pub(crate) fn list_key(document: &Document) -> String {
    format!("{}#{}", document.received_at, document.content_sha256)
}
