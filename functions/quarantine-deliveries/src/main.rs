//! Wiring of the dead-letter queue's consumer.

use quarantine_deliveries::{Hub, keep};
use service::Service;
use store::Buckets;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let (store, objects) = (service.store(), service.objects());
    let Buckets { inbound, documents, .. } = &objects.buckets;
    tokio::join!(store.warm_up(), objects.warm_up(inbound), objects.warm_up(documents));
    let hub = Hub { store, objects, clock: service.clock.clone() };
    edge::serve_batch(|record| {
        let hub = hub.clone();
        // Boxed: the future of a whole run is large.
        async move { Box::pin(keep(&hub, record)).await }
    })
    .await
}
