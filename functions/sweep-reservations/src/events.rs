//! Events of pools are sent, to the queue of the stack and to the tenant's webhook, until both have taken them: at
//! least once, always with the same id and the same bytes.

use store::StoreError;
use store::pool_event::{Hook, PoolEvent};
use store::time::rfc3339_ms;
use time::{Duration, OffsetDateTime};

use crate::hook::{NotTaken, Target, target};
use crate::{Sweep, Sweeper};

/// Events sent in one run; the rest follows in the next.
const SENT_MAX: i32 = 200;
/// What the queue did not take is sent again in the next run.
const QUEUE_AGAIN: Duration = Duration::minutes(1);
/// Calls of the webhook in one run, and failures after which it is left alone until the next: a run has five
/// minutes for everything.
const CALLS_MAX: u32 = 20;
const FAILURES_MAX: u32 = 3;
/// A webhook that has not taken an event after so many attempts, four hours, does not get it.
pub(crate) const ATTEMPTS_MAX: u32 = 10;

/// The webhook in one run.
struct Calls {
    target: Option<Result<Target, NotTaken>>,
    left: u32,
    failures: u32,
}

/// Sends what is due.
pub(crate) async fn send(sweeper: &Sweeper, done: &mut Sweep) -> Result<(), StoreError> {
    let now = sweeper.clock.now();
    let due = sweeper.store.pool_events_due(&rfc3339_ms(now), SENT_MAX).await?;
    if due.is_empty() {
        return Ok(());
    }
    let mut calls = Calls { target: None, left: CALLS_MAX, failures: 0 };
    match target(&sweeper.store, &sweeper.webhook_hosts).await {
        Ok(target) => calls.target = target,
        // The queue needs neither the key service nor the webhook: only the calls wait, and none of them counts.
        Err(error) => {
            tracing::warn!(%error, "the webhook cannot be read");
            done.failed = done.failed.saturating_add(1);
            calls = Calls { target: Some(Err(NotTaken("unknown".to_owned()))), left: 0, ..calls };
        }
    }
    for before in due {
        let mut event = before.clone();
        if !event.queued {
            event.queued = queue(sweeper, &event, done).await;
            event.next_at = rfc3339_ms(now.saturating_add(QUEUE_AGAIN));
        }
        if event.queued {
            call(&mut calls, &mut event, (now, done)).await;
        }
        // Sent twice when this fails: whoever gets it knows it by its id.
        if event != before {
            sweeper.store.pool_event_put(&event).await?;
        }
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

async fn call(calls: &mut Calls, event: &mut PoolEvent, (now, done): (OffsetDateTime, &mut Sweep)) {
    let Hook::Waits(attempts) = event.hook else { return };
    let Some(target) = &calls.target else {
        event.hook = Hook::None;
        return;
    };
    if calls.left == 0 || calls.failures == FAILURES_MAX {
        // Behind what is new, which the queue waits for.
        event.next_at = rfc3339_ms(now.saturating_add(QUEUE_AGAIN));
        return;
    }
    calls.left = calls.left.saturating_sub(1);
    let sent = match target {
        Ok(target) => target.send(event, now).await,
        Err(error) => Err(NotTaken(error.to_string())),
    };
    let Err(error) = sent else {
        event.hook = Hook::Taken;
        done.hooked = done.hooked.saturating_add(1);
        return;
    };
    calls.failures = calls.failures.saturating_add(1);
    let attempts = attempts.saturating_add(1);
    tracing::warn!(event = event.id(), attempts, %error, "the webhook did not take an event");
    if attempts < ATTEMPTS_MAX {
        event.hook = Hook::Waits(attempts);
        event.next_at = rfc3339_ms(now.saturating_add(pause(attempts)));
        return;
    }
    event.hook = Hook::GivenUp;
    tracing::error!(event = event.id(), attempts, "the webhook does not get an event");
    // Rings an alarm of its own: that of the sweep takes failures for a quarter of an hour.
    done.lost = done.lost.saturating_add(1);
}

/// How long after so many attempts the next one comes: twice as long each time, an hour at the most.
fn pause(attempts: u32) -> Duration {
    let minutes = 2_i64.saturating_pow(attempts.saturating_sub(1)).min(60);
    Duration::minutes(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_spread_over_hours() {
        let pauses: Vec<i64> = (1..ATTEMPTS_MAX).map(|n| pause(n).whole_minutes()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
