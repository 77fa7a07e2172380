//! The sign of life of a run: its message stays hidden while it lives, and comes back soon when it dies.

use std::time::Duration;

use store::jobs::Jobs;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

/// For so long the message of a run that has just died stays hidden, in seconds.
pub const HIDDEN_SECONDS: i32 = 30;
/// How often that is renewed: two of three may fail.
const RENEWED_EVERY: Duration = Duration::from_secs(10);

/// Ends the renewal when it is dropped.
pub(crate) struct Alive(Option<AbortHandle>);

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Hides a message from now on for [`HIDDEN_SECONDS`] at a time. After the run has failed, it comes back
/// when that time is over.
pub(crate) async fn keep_hidden(jobs: &Jobs, receipt: Option<&str>) -> Alive {
    let Some(receipt) = receipt.map(str::to_owned) else {
        return Alive(None);
    };
    // Before anything else: a run that fails at once is tried again soon, too.
    hide(jobs, &receipt).await;
    let jobs = jobs.clone();
    let task = tokio::spawn(async move {
        let mut tick = interval(RENEWED_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        loop {
            tick.tick().await;
            hide(&jobs, &receipt).await;
        }
    });
    Alive(Some(task.abort_handle()))
}

async fn hide(jobs: &Jobs, receipt: &str) {
    if let Err(error) = jobs.hide(receipt, HIDDEN_SECONDS).await {
        tracing::warn!(%error, "the message could not be hidden");
    }
}
