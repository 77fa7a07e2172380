//! Wiring of the export.

use export_allocation::{Hub, router};
use service::Service;
use store::warm_up_queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let (store, objects) = (service.store(), service.objects());
    let (jobs, bucket) = (service.jobs(), &objects.buckets.outbound);
    tokio::join!(store.warm_up(), objects.warm_up(bucket), warm_up_queue(&jobs.sqs, &jobs.url));
    let hub = Hub { store, objects, jobs, clock: service.clock.clone() };
    edge::serve(router(hub), &service.config).await
}
