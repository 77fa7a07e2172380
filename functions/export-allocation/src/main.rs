//! Wiring of the export.

use export_allocation::{Hub, router};
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let (store, objects) = (service.store(), service.objects());
    tokio::join!(store.warm_up(), objects.warm_up(&objects.buckets.outbound));
    let jobs = service.jobs();
    let hub = Hub { store, objects, jobs, clock: service.clock.clone() };
    edge::serve(router(hub), &service.config).await
}
