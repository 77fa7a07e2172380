//! Documents: what was received, who sent it, and how far its judgement has come.
//!
//! I5, I6: a document is named by the SHA-256 of its inflated bytes and has one item; its judgement
//! is per sending system, because each system may only report its own numbers. The item is changed
//! by reading it, deciding, and writing it back if nobody else did meanwhile.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use domain::ids::SystemId;

use crate::document_item::{from_item, to_item};
use crate::error::{StoreError, sdk_error};
use crate::item::{Reader, new_item, number, text};
use crate::keys::{Pk, Sk, listing};
use crate::meter::Meter;
use crate::{Page, Store};

/// How often a change of a document is tried again when another one came between.
const CHANGE_TRIES: u32 = 20;

/// How far a document has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentStatus {
    /// Read and kept.
    Received,
    /// Its plan is recorded; blocks are being written.
    Applying,
    /// Done.
    Reconciled,
    /// Done as far as possible; provisional serials are tried again.
    Parked,
    /// Refused as a whole; nothing was applied.
    Quarantined,
}

impl DocumentStatus {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Received, Self::Applying, Self::Reconciled, Self::Parked, Self::Quarantined];

    /// The word used in items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Applying => "applying",
            Self::Reconciled => "reconciled",
            Self::Parked => "parked",
            Self::Quarantined => "quarantined",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    /// Kebab-case.
    pub code: String,
    /// For people; carries no serial number.
    pub message: String,
    /// In the inflated text, from 1.
    pub line: Option<u64>,
    /// In the inflated text, from 1.
    pub column: Option<u64>,
}

impl DocumentError {
    /// Whether the refusal follows from who sent the document and when, not from its bytes. Such a refusal
    /// counts for that system alone: the rightful sender's copy of the same bytes is still judged.
    #[must_use]
    pub fn is_of_sender(&self) -> bool {
        matches!(self.code.as_str(), "no-system" | "too-scattered")
    }
}

/// Numbers of serials in commissioning events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SerialCounts {
    /// Distinct serials of SGTINs, malformed ones not counted.
    pub named: u64,
    /// Those reserved for the sender.
    pub matched: u64,
    /// Matched ones that no document had commissioned.
    pub newly_commissioned: u64,
    /// Matched ones that were commissioned with the same lot and expiry.
    pub repeated: u64,
    /// Those that a later reservation may still cover.
    pub provisional: u64,
}

/// What the last run over a document took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// As received.
    pub bytes: u64,
    /// Wall-clock milliseconds.
    pub milliseconds: u64,
    /// DynamoDB write units.
    pub write_units: u64,
    /// High-water mark of the process, KiB.
    pub vm_hwm_kib: u64,
}

/// The judgement of a document as sent by one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The system.
    pub system_id: SystemId,
    /// `Quarantined` when the document was refused for this system alone.
    pub status: DocumentStatus,
    /// When this system's first copy arrived, RFC 3339.
    pub first_at: String,
    /// When provisional serials are tried again, RFC 3339.
    pub next_try_at: Option<String>,
    /// Serials.
    pub serials: SerialCounts,
    /// When it was done, RFC 3339.
    pub reconciled_at: Option<String>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Of the inflated bytes, hex; of the received bytes where they cannot be inflated.
    pub content_sha256: String,
    /// Of the received bytes, hex; they are kept under this name. `None` when they were gone.
    pub raw_sha256: Option<String>,
    /// Such as `epcis-xml-1`.
    pub kind: String,
    /// The system that sent it first.
    pub system_id: SystemId,
    /// When it was first received, RFC 3339.
    pub received_at: String,
    /// Events in it.
    pub events: u64,
    /// Why it was refused.
    pub error: Option<DocumentError>,
    /// One per system that sent it.
    pub judgements: Vec<Judgement>,
    /// Of the run that finished it.
    pub metrics: Option<Metrics>,
    /// Counted up by each write; 0 = not stored yet.
    pub version: u64,
}

impl Document {
    /// How far it has come, over all systems that sent it.
    #[must_use]
    pub fn status(&self) -> DocumentStatus {
        let any = |status| self.judgements.iter().any(|judgement| judgement.status == status);
        let refused = |judgement: &Judgement| judgement.status == DocumentStatus::Quarantined;
        let all_refused = !self.judgements.is_empty() && self.judgements.iter().all(refused);
        if all_refused || self.error.as_ref().is_some_and(|error| !error.is_of_sender()) {
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

    /// The judgement for a system.
    #[must_use]
    pub fn judgement(&self, system: &SystemId) -> Option<&Judgement> {
        self.judgements.iter().find(|judgement| judgement.system_id == *system)
    }

    /// The judgement for a system, begun now if there is none.
    pub fn judgement_mut(&mut self, system: &SystemId, now: &str) -> Option<&mut Judgement> {
        if self.judgement(system).is_none() {
            self.judgements.push(Judgement {
                system_id: system.clone(),
                status: DocumentStatus::Received,
                first_at: now.to_owned(),
                next_try_at: None,
                serials: SerialCounts::default(),
                reconciled_at: None,
            });
        }
        self.judgements.iter_mut().find(|judgement| judgement.system_id == *system)
    }

    /// The earliest time at which a parked judgement is due.
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
        mut change: impl FnMut(&mut Document),
    ) -> Result<Document, StoreError> {
        for _ in 0..CHANGE_TRIES {
            let missing = StoreError::NotFound { what: "the document" };
            let stored = self.document_fetch(sha).await?;
            let before = stored.as_ref().or(fresh).ok_or(missing)?.clone();
            let mut after = before.clone();
            change(&mut after);
            if after == before && before.version > 0 {
                return Ok(after);
            }
            after.version = before.version.saturating_add(1);
            if self.document_put(&after, before.version, meter).await? {
                return Ok(after);
            }
        }
        Err(StoreError::Conflict { what: "the document" })
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
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error("PutItem document", &error)),
        }
    }

    /// One page of documents, newest first, read from the index (may lag a moment). `after` and
    /// `next` are index sort keys. `status` and `system` restrict the list.
    pub async fn document_list(
        &self,
        filter: (Option<DocumentStatus>, Option<&SystemId>),
        limit: usize,
        after: Option<&str>,
    ) -> Result<Page<Document>, StoreError> {
        let (status, system) = filter;
        let mut items = Vec::new();
        let mut start = after.map(str::to_owned);
        loop {
            let page = self.listing_page(listing::DOCUMENT, None, start.as_deref()).await?;
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
                return Ok(Page { items, next: None });
            }
        }
    }

    /// Parked documents whose time has come, with the system to judge them for again. Read from the
    /// index: one that is missed now is found by the next sweep.
    pub async fn documents_due(&self, now: &str) -> Result<Vec<(String, SystemId)>, StoreError> {
        // A document is parked for four hours; a week leaves room for a hub that stood still.
        let since = crate::time::parse_rfc3339(now)
            .and_then(|now| now.checked_sub(time::Duration::days(7)))
            .map(crate::time::rfc3339_ms);
        let mut due = Vec::new();
        let mut start: Option<String> = None;
        loop {
            let page = self.listing_page(listing::DOCUMENT, since.as_deref(), start.as_deref());
            let page = page.await?;
            for item in &page.items {
                let document = from_item(item)?;
                let ripe = document.judgements.iter().filter(|judgement| {
                    judgement.next_try_at.as_deref().is_some_and(|at| at <= now)
                });
                let sha = &document.content_sha256;
                due.extend(ripe.map(|judgement| (sha.clone(), judgement.system_id.clone())));
            }
            start = page.next;
            if start.is_none() {
                return Ok(due);
            }
        }
    }
}

/// The index sort key of a document.
pub(crate) fn list_key(document: &Document) -> String {
    format!("{}#{}", document.received_at, document.content_sha256)
}
