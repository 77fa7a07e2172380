//! Wiring of the sweeper.

use domain::webhook::AllowedHosts;
use service::Service;
use store::document_queue::patience;
use sweep_reservations::{Sweeper, sweep};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let sweeper = Sweeper {
        store: service.store(),
        objects: service.objects(),
        sqs: service.sqs(),
        inbound_queue_url: service.config.inbound_queue_url.clone(),
        pool_events_queue_url: service.config.pool_events_queue_url.clone(),
        webhook_hosts: AllowedHosts::parse(
            service.config.webhook_hosts.as_deref().unwrap_or_default(),
        ),
        clock: service.clock.clone(),
        patience: patience(service.config.inbound_visibility_seconds),
    };
    // Nobody waits for a sweep, and most of them send nothing: the other services come when they come.
    sweeper.store.warm_up().await;
    Box::pin(edge::serve_event(async |_: serde_json::Value| Ok(sweep(&sweeper).await?))).await
}
