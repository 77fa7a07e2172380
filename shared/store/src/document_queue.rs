//! Documents that wait, and what came in during a time.
//!
//! A parked document stands in the queue until its judgement settles it, so a message that is lost is
//! sent again. Sending leases the place in the queue, not the document: the document is due until it was
//! judged, but it is not sent every minute.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::ids::SystemId;

use crate::attention::{Queue, SK};
use crate::document::{Document, DocumentStatus};
use crate::document_item::from_item;
use crate::error::{StoreError, sdk_error};
use crate::item::{Reader, key, text};
use crate::keys::{Pk, Sk, listing};
use crate::time::parse_rfc3339;
use crate::{Page, Store};

/// Documents read per page of a queue.
const PAGE: i32 = 100;

/// Why documents wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// To be judged again at a time.
    Parked,
    /// Refused, and nobody dealt with it.
    Quarantined,
}

impl Attention {
    const fn queue(self) -> Queue {
        match self {
            Self::Parked => Queue::Parked,
            Self::Quarantined => Queue::Quarantined,
        }
    }
}

/// A document whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The document.
    pub content_sha256: String,
    /// The systems to judge it for again.
    pub systems: Vec<SystemId>,
    /// Its place in the queue as it was read.
    place: String,
}

/// What came in during a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Intake {
    /// Documents received.
    pub received: u64,
    /// Those of them that are reconciled now.
    pub reconciled: u64,
    /// Those of them that are parked now.
    pub parked: u64,
    /// Those of them that are quarantined now.
    pub quarantined: u64,
    /// Milliseconds from receipt to the end of the judgement, ascending, of those that are reconciled.
    pub receipt_to_reconciled_ms: Vec<u64>,
    /// Milliseconds from the last event to the end of the judgement, ascending, likewise.
    pub event_to_reconciled_ms: Vec<u64>,
}

impl Store {
    /// One page of the documents that need attention: parked ones by the time of their next try, or
    /// quarantined ones by time of receipt. Read from the index (may lag a moment). `after` and `next`
    /// are places in the queue.
    pub async fn documents_needing_attention(
        &self,
        what: Attention,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<Document>, StoreError> {
        let page = self.attention_page(what.queue(), None, after, limit).await?;
        let items = page.items.iter().map(from_item).collect::<Result<Vec<_>, _>>()?;
        Ok(Page { items, next: page.next })
    }

    /// At most `limit` parked documents whose time has come. Read from the index: one that is missed now
    /// is found by the next sweep.
    pub async fn documents_due(&self, now: &str, limit: usize) -> Result<Vec<Due>, StoreError> {
        // Places are `<time>#<hash>`; `~` sorts behind every hash of this very time.
        let last = format!("{now}#~");
        let mut due = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.attention_page(Queue::Parked, Some(&last), after.as_deref(), PAGE);
            let page = page.await?;
            for item in &page.items {
                let document = from_item(item)?;
                let ripe = document.judgements.iter().filter(|judgement| {
                    judgement.next_try_at.as_deref().is_some_and(|at| at <= now)
                });
                due.push(Due {
                    systems: ripe.map(|judgement| judgement.system_id.clone()).collect(),
                    place: Reader::raw(item).text(SK)?.to_owned(),
                    content_sha256: document.content_sha256,
                });
                if due.len() >= limit {
                    return Ok(due);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(due);
            }
        }
    }

    /// Moves a due document's place in the queue to `until`, so that the next sweeps do not send it as
    /// well; `false` when it was judged or moved meanwhile.
    pub async fn document_lease(&self, due: &Due, until: &str) -> Result<bool, StoreError> {
        let sha = &due.content_sha256;
        // I6: only the place that was read is moved; whoever judges the document writes its own.
        let outcome = self
            .dynamo
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(&Pk::Document(sha.clone()), &Sk::Document)))
            .update_expression("SET #place = :until")
            .condition_expression("#place = :seen")
            .expression_attribute_names("#place", SK)
            .expression_attribute_values(":seen", text(due.place.as_str()))
            .expression_attribute_values(":until", text(format!("{until}#{sha}")))
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error("UpdateItem document", &error)),
        }
    }

    /// What came in from `since` on, RFC 3339 UTC; read from the index (may lag a moment), at most
    /// `limit` documents, the newest.
    pub async fn documents_intake(&self, since: &str, limit: usize) -> Result<Intake, StoreError> {
        let mut intake = Intake::default();
        let mut start: Option<String> = None;
        let mut seen = 0_usize;
        while seen < limit {
            let page = self.listing_page(listing::DOCUMENT, Some(since), start.as_deref()).await?;
            for item in page.items.iter().take(limit.saturating_sub(seen)) {
                seen = seen.saturating_add(1);
                intake.add(&from_item(item)?);
            }
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        intake.receipt_to_reconciled_ms.sort_unstable();
        intake.event_to_reconciled_ms.sort_unstable();
        Ok(intake)
    }
}

impl Intake {
    fn add(&mut self, document: &Document) {
        let count = |number: &mut u64| *number = number.saturating_add(1);
        count(&mut self.received);
        match document.status() {
            DocumentStatus::Parked => count(&mut self.parked),
            DocumentStatus::Quarantined => count(&mut self.quarantined),
            DocumentStatus::Reconciled => {
                count(&mut self.reconciled);
                let end = document.reconciled_at();
                self.receipt_to_reconciled_ms.extend(between(Some(&document.received_at), end));
                self.event_to_reconciled_ms.extend(between(document.last_event_at.as_deref(), end));
            }
            DocumentStatus::Received | DocumentStatus::Applying => {}
        }
    }
}

/// Milliseconds between two times; `None` where one is missing or the first is the later one.
fn between(from: Option<&str>, to: Option<&str>) -> Option<u64> {
    let ms = |text| Some(parse_rfc3339(text)?.unix_timestamp_nanos().div_euclid(1_000_000));
    u64::try_from(ms(to?)?.checked_sub(ms(from?)?)?).ok()
}
