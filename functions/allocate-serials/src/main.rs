//! Wiring of the allocations.

use allocate_serials::{Hub, router};
use service::Service;
use store::warm_up_queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let (store, objects) = (service.store(), service.objects());
    let (jobs, bucket) = (service.jobs(), &objects.buckets.outbound);
    tokio::join!(store.warm_up(), objects.warm_up(bucket), warm_up_queue(&jobs.sqs, &jobs.url));
    let hub = Hub::new(store, objects, jobs, service.clock.clone());
    edge::serve(router(hub), &service.config).await
}
