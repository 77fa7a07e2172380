//! Documents whose time has come.
//!
//! A parked document stands in the queue until its judgement settles it, so a message that is lost is
//! sent again. Sending leases the place in the queue, not the document: the document is due until it was
//! judged, but it is not sent every minute.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use domain::ids::SystemId;

use crate::Store;
use crate::attention::{Queue, SK};
use crate::document_item::from_item;
use crate::error::{StoreError, sdk_error};
use crate::item::{Reader, key, text};
use crate::keys::{Pk, Sk};

/// Documents read per page of a queue.
const PAGE: i32 = 100;

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

impl Store {
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
}
