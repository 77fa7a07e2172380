//! Parked documents whose time has come are sent to be judged again.
//!
//! A document stays in its queue until it was judged, so a message that is lost is sent again; what was
//! sent is left alone for some minutes, so that a slow judgement is not asked for every minute.

use store::StoreError;
use store::document_queue::Due;
use store::inbound::again_message;
use store::time::rfc3339_ms;
use time::Duration;

use crate::{Sweep, Sweeper};

/// How long a document that was sent is left alone.
const LEASE: Duration = Duration::minutes(5);
/// Documents sent in one run; the rest follows in the next.
const DUE_MAX: usize = 500;

/// Sends what is due.
pub(crate) async fn retry(sweeper: &Sweeper, done: &mut Sweep) -> Result<(), StoreError> {
    let now = sweeper.clock.now();
    let until = rfc3339_ms(now.saturating_add(LEASE));
    for due in sweeper.store.documents_due(&rfc3339_ms(now), DUE_MAX).await? {
        // The lease comes first: what could not be sent then waits for its end.
        match sweeper.store.document_lease(&due, &until).await {
            Ok(true) => send(sweeper, &due, done).await,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(document.sha256 = due.content_sha256, %error, "document not leased");
                done.failed = done.failed.saturating_add(1);
            }
        }
    }
    Ok(())
}

async fn send(sweeper: &Sweeper, due: &Due, done: &mut Sweep) {
    for system in &due.systems {
        let message = again_message(&due.content_sha256, system);
        match sweeper.send(message).await {
            Ok(()) => done.retried = done.retried.saturating_add(1),
            Err(error) => {
                tracing::warn!(document.sha256 = due.content_sha256, %error, "document not sent");
                done.failed = done.failed.saturating_add(1);
            }
        }
    }
}
