//! Documents whose time has come.
//!
//! I6: a document that is parked, or whose reading was asked for or has begun, stands in a queue until its
//! judgement is done; so a message that is lost, and a run that is cut short, are made up for. What was
//! sent, or is being read, is left alone for longer than its message is hidden from others: while the
//! message lives, SQS alone repeats it.

use domain::ids::SystemId;
use time::Duration;

use crate::Store;
use crate::attention::Queue;
use crate::document_item::from_item;
use crate::error::StoreError;
use crate::meter::Meter;

/// How long what was sent, or has begun, is left alone, by the visibility timeout of the inbound queue: a
/// run that was cut short is repeated after that timeout, and says that it begins only when it has read
/// the document.
#[must_use]
pub fn patience(visibility_seconds: u32) -> Duration {
    let seconds = i64::from(visibility_seconds);
    Duration::seconds(seconds.saturating_add(seconds.div_euclid(2)))
}

/// Documents read per page of a queue.
const PAGE: i32 = 100;

/// A document whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The document.
    pub content_sha256: String,
}

impl Store {
    /// At most `limit` documents whose time has come. Read from the index: one that is missed now is found
    /// by the next sweep.
    pub async fn documents_due(&self, now: &str, limit: usize) -> Result<Vec<Due>, StoreError> {
        let mut due = Vec::new();
        for queue in [Queue::Parked, Queue::Unfinished] {
            self.due_in(queue, now, (limit, &mut due)).await?;
        }
        Ok(due)
    }

    async fn due_in(
        &self,
        queue: Queue,
        now: &str,
        (limit, due): (usize, &mut Vec<Due>),
    ) -> Result<(), StoreError> {
        // Places are `<time>#<hash>`; `~` sorts behind every hash of this very time.
        let last = format!("{now}#~");
        let mut after: Option<String> = None;
        while due.len() < limit {
            let page = self.attention_page(queue, Some(&last), after.as_deref(), PAGE).await?;
            for item in page.items.iter().take(limit.saturating_sub(due.len())) {
                due.push(Due { content_sha256: from_item(item)?.content_sha256 });
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Leaves what is due of a document alone until `until`, so that the next sweeps do not send it as
    /// well; gives the systems to judge it for, none when it was judged or sent meanwhile.
    pub async fn document_lease(
        &self,
        due: &Due,
        (now, until): (&str, &str),
    ) -> Result<Vec<SystemId>, StoreError> {
        let mut systems = Vec::new();
        // I6: decided on what is stored; of two sweeps at once one finds that the other has sent it.
        let lease = |document: &mut crate::document::Document| {
            systems.clear();
            for judgement in document.judgements.iter_mut().filter(|one| one.is_due(now)) {
                judgement.left_until = Some(until.to_owned());
                systems.push(judgement.system_id.clone());
            }
        };
        self.document_change(&due.content_sha256, None, &Meter::default(), lease).await?;
        Ok(systems)
    }
}
