//! Waits for the reports of the files that callers put.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Traffic;
use super::caller::Delivery;
use super::mix::Operation;
use super::sample::{Fault, Sample};
use crate::bench::plant::{count, text};

/// How long a file may take from the drop to its report.
const PATIENCE: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(500);

/// Follows every file to its report; the questions are calls as well.
pub(super) async fn all(
    traffic: Arc<Traffic>,
    mut delivered: UnboundedReceiver<Delivery>,
) -> Vec<Sample> {
    let mut following = JoinSet::new();
    while let Some(delivery) = delivered.recv().await {
        following.spawn(one(Arc::clone(&traffic), delivery));
    }
    following.join_all().await.into_iter().flatten().collect()
}

async fn one(traffic: Arc<Traffic>, delivery: Delivery) -> Vec<Sample> {
    let is_warm_up = delivery.is_warm_up;
    let mut samples = Vec::new();
    loop {
        sleep(POLL).await;
        let asked = Instant::now();
        let (found, fault) = match traffic.callers.status(&delivery).await {
            Ok(found) => (found, None),
            Err(fault) => (None, Some(fault)),
        };
        let took = asked.elapsed();
        samples.push(Sample { operation: Operation::Status, took, is_warm_up, fault });
        let took = delivery.put.elapsed();
        let fault = match found {
            None if took < PATIENCE => continue,
            None => Some(Fault::Wrong("a file has no report in time".to_owned())),
            Some(view) => {
                let (status, news) = (text(&view, "/status"), "/serials/newly_commissioned");
                let is_right = status == "reconciled" && count(&view, news) == delivery.serials;
                let wrong = || format!("a file of {} packs: {view}", delivery.serials);
                (!is_right).then(|| Fault::Wrong(wrong()))
            }
        };
        samples.push(Sample { operation: Operation::Reconcile, took, is_warm_up, fault });
        return samples;
    }
}
