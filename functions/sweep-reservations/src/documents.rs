//! Documents whose time has come are sent to be judged: parked ones, and those whose reading was asked for
//! or has begun and never ended.
//!
//! A document stays in its queue until it was judged, so a message that is lost is sent again. What was
//! sent is left alone for longer than the message is hidden, so that one document never has a second
//! message while the first is being worked off.

use domain::ids::SystemId;
use store::StoreError;
use store::document_queue::Due;
use store::inbound::again_message;
use store::time::rfc3339_ms;

use crate::{Sweep, Sweeper};

/// Documents sent in one run; the rest follows in the next.
const DUE_MAX: usize = 500;

/// Sends what is due.
pub(crate) async fn retry(sweeper: &Sweeper, done: &mut Sweep) -> Result<(), StoreError> {
    let now = sweeper.clock.now();
    let until = rfc3339_ms(now.saturating_add(sweeper.patience));
    let now = rfc3339_ms(now);
    for due in sweeper.store.documents_due(&now, DUE_MAX).await? {
        // The lease comes first: what could not be sent then waits for its end.
        match sweeper.store.document_lease(&due, (&now, &until)).await {
            Ok(systems) => send(sweeper, (&due, &systems), done).await,
            Err(error) => {
                tracing::warn!(document.sha256 = due.content_sha256, %error, "document not leased");
                done.failed = done.failed.saturating_add(1);
            }
        }
    }
    Ok(())
}

async fn send(sweeper: &Sweeper, (due, systems): (&Due, &[SystemId]), done: &mut Sweep) {
    for system in systems {
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
