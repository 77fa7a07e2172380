//! Wiring of the reconciliation.

use reconcile_commissioning::{Hub, Queue, consume};
use service::Service;
use store::Buckets;
use store::document_queue::patience;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let (store, objects) = (service.store(), service.objects());
    let Buckets { inbound, documents, .. } = &objects.buckets;
    tokio::join!(store.warm_up(), objects.warm_up(inbound), objects.warm_up(documents));
    let patience = patience(service.config.inbound_visibility_seconds);
    let hub = Hub { store, objects, clock: service.clock.clone(), patience };
    let queue = Queue { sqs: service.sqs(), url: service.config.inbound_queue_url.clone() };
    edge::serve_batch(|record| {
        let (hub, queue) = (hub.clone(), queue.clone());
        async move { consume(&hub, &queue, record).await }
    })
    .await
}
