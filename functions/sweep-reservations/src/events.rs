//! Events of pools are sent, again and again until they are taken: at least once, always with the same id and the
//! same bytes.

use store::StoreError;
use store::pool_event::{Hook, PoolEvent};
use store::time::rfc3339_ms;
use time::Duration;

use crate::{Sweep, Sweeper};

/// Events sent in one run; the rest follows in the next.
const SENT_MAX: i32 = 200;
/// What the queue did not take is sent again in the next run.
const QUEUE_AGAIN: Duration = Duration::minutes(1);

/// Sends what is due.
pub(crate) async fn send(sweeper: &Sweeper, done: &mut Sweep) -> Result<(), StoreError> {
    let now = sweeper.clock.now();
    for mut event in sweeper.store.pool_events_due(&rfc3339_ms(now), SENT_MAX).await? {
        if !event.queued {
            event.queued = queue(sweeper, &event, done).await;
            event.next_at = rfc3339_ms(now.saturating_add(QUEUE_AGAIN));
        }
        if matches!(event.hook, Hook::Waits(_)) {
            event.hook = Hook::None;
        }
        // Sent twice when this fails: whoever gets it knows it by its id.
        sweeper.store.pool_event_put(&event).await?;
    }
    Ok(())
}

async fn queue(sweeper: &Sweeper, event: &PoolEvent, done: &mut Sweep) -> bool {
    let send = sweeper.sqs.send_message().queue_url(&sweeper.pool_events_queue_url);
    match send.message_body(&event.body).send().await {
        Ok(_) => {
            done.told = done.told.saturating_add(1);
            true
        }
        Err(error) => {
            tracing::warn!(event = event.id(), %error, "pool event not sent");
            done.failed = done.failed.saturating_add(1);
            false
        }
    }
}
