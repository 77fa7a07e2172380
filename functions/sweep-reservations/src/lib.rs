//! Every minute: reservations that nobody finished become void, numbers held for a confirmation that never
//! came are given up, pools are looked at, extended and their events sent, documents that are parked or
//! were left unfinished are sent to be judged, objects whose notification was lost are announced, days of
//! audit records that are over are sealed, and last of all reservations are told as EPCIS events.
//!
//! Input: the schedule's event, whose content does not matter. Output: counts. Idempotent: every write
//! carries the condition of its protocol, so two sweeps at once do no harm (I2); a document that is sent
//! twice is reconciled once (I5). What fails does not stop the rest; the next run comes in a minute.

mod documents;
mod events;
mod holds;
mod hook;
mod measures;
pub mod notices;
mod pools;
mod reservations;

use domain::webhook::AllowedHosts;
use edge::Clock;
use serde::Serialize;
use store::{Objects, Store, StoreError};
use time::Duration;

/// How old an unfinished reservation is when it is given up. Longer than any call lives: it serves
/// progress only, safety comes from the conditions of the writes.
pub const UNFINISHED_AGE: Duration = Duration::minutes(10);
/// In the first minutes of an hour it is asked whether a day is to be sealed: asking costs reads, and a day can
/// wait.
const SEALING_MINUTES: u8 = 5;

/// What the sweeper works with.
pub struct Sweeper {
    /// The table.
    pub store: Store,
    /// The buckets.
    pub objects: Objects,
    /// The queue client.
    pub sqs: aws_sdk_sqs::Client,
    /// Where objects are announced and documents go to be tried again.
    pub inbound_queue_url: String,
    /// Where events of pools are sent.
    pub pool_events_queue_url: String,
    /// Where the webhook may be.
    pub webhook_hosts: AllowedHosts,
    /// The time.
    pub clock: Clock,
    /// How long what was sent is left alone (see `store::document_queue::patience`).
    pub patience: Duration,
}

/// What one run did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// Pools looked at.
    pub pools: u32,
    /// Reservations that became void.
    pub voided: u32,
    /// Entries that were recorded already and only had to be removed.
    pub closed: u32,
    /// Pools extended because they were low.
    pub extended: u32,
    /// Events of pools sent to the queue of the stack.
    pub told: u32,
    /// Events of pools that the webhook took.
    pub hooked: u32,
    /// Events of pools that the webhook does not get: it took them at none of the attempts.
    pub lost: u32,
    /// Reservations told as EPCIS events.
    pub reservations: u32,
    /// Allocations given up because nobody confirmed them in time.
    pub expired: u32,
    /// Documents sent to be tried again.
    pub retried: u32,
    /// Objects announced because their notification was lost.
    pub announced: u32,
    /// Days whose audit records were sealed.
    pub sealed: u32,
    /// Steps that failed and wait for the next run.
    pub failed: u32,
}

/// One run. A part that fails as a whole is counted, told in the log, and leaves the others alone.
///
/// # Errors
/// The first of the parts that failed.
pub async fn sweep(sweeper: &Sweeper) -> Result<Sweep, StoreError> {
    let (mut done, mut settled) = (Sweep::default(), Vec::new());
    let pools = pools::sweep(sweeper, &mut done).await.map(|found| settled = found);
    let outcomes = [
        ("pools", pools),
        ("holds", holds::end(sweeper, &mut done).await),
        ("documents", documents::retry(sweeper, &mut done).await),
        ("notices", notices::announce_lost(sweeper, &mut done).await),
        ("seals", seal_day(sweeper, &mut done).await),
        ("events", events::send(sweeper, &mut done).await),
        ("reservations", reservations::tell(sweeper, &settled, &mut done).await),
    ];
    for (part, outcome) in &outcomes {
        if let Err(error) = outcome {
            tracing::warn!(part, %error, "a part of the sweep failed");
            done.failed = done.failed.saturating_add(1);
        }
    }
    tracing::info!(
        pools = done.pools,
        voided = done.voided,
        closed = done.closed,
        extended = done.extended,
        told = done.told,
        reservations = done.reservations,
        hooked = done.hooked,
        lost = done.lost,
        expired = done.expired,
        retried = done.retried,
        announced = done.announced,
        sealed = done.sealed,
        failed = done.failed,
        "sweep"
    );
    edge::emit(&measures::with_waiting(sweeper, measures::of(&done)).await);
    outcomes.into_iter().try_for_each(|(_, outcome)| outcome)?;
    Ok(done)
}

/// A message that could not be sent.
type SendError =
    aws_sdk_sqs::error::SdkError<aws_sdk_sqs::operation::send_message::SendMessageError>;

impl Sweeper {
    async fn send(&self, message: String) -> Result<(), SendError> {
        let send = self.sqs.send_message().queue_url(&self.inbound_queue_url);
        let outcome = send.message_body(message).send().await;
        outcome.map(|_| ())
    }
}

/// Seals a day of audit records that is over (I11): mostly there is none; if several are due, one a run.
async fn seal_day(sweeper: &Sweeper, done: &mut Sweep) -> Result<(), StoreError> {
    let now = sweeper.clock.now();
    // A pool that could not be swept may have a record of that day that waits.
    if done.failed > 0 || now.minute() >= SEALING_MINUTES {
        return Ok(());
    }
    if let Some(seal) = sweeper.store.day_seal(&sweeper.objects, now).await? {
        let (day, records, hash) = (&seal.day, seal.records, &seal.hash);
        tracing::info!(day, records, hash, "day sealed");
        done.sealed = done.sealed.saturating_add(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
