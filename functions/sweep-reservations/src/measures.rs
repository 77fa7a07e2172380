//! What a run measured, and how much waits now, for CloudWatch (see `edge::metrics`).

mod credentials;
mod lines;

use edge::{Measures, Metric};
use store::attention::Queue;

use crate::{Sweep, Sweeper};

/// Documents counted of a queue; more than this many is too many anyway, and counting costs reads.
const COUNTED_MAX: i32 = 200;

/// What a run did.
pub(crate) fn of(done: &Sweep) -> Measures {
    Measures::of("sweep")
        .with(Metric::ReservationsVoided, done.voided)
        .with(Metric::DocumentsRetried, done.retried)
        .with(Metric::NotificationsLost, done.announced)
        .with(Metric::SweepFailures, done.failed)
        .with(Metric::WebhookLost, done.lost)
}

/// Adds what waits now. That it cannot be counted is no failure of the run.
pub(crate) async fn with_waiting(sweeper: &Sweeper, mut measures: Measures) -> Measures {
    for (queue, metric) in
        [(Queue::Parked, Metric::ParkedNow), (Queue::Quarantined, Metric::QuarantinedNow)]
    {
        match sweeper.store.attention_count(queue, COUNTED_MAX).await {
            Ok(count) => measures = measures.with(metric, count),
            Err(error) => tracing::warn!(queue = queue.as_str(), %error, "queue not counted"),
        }
    }
    let now = sweeper.clock.now();
    let measures = credentials::with_ending(&sweeper.store, now, measures).await;
    lines::with_silent(&sweeper.store, now, measures).await
}
