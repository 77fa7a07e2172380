//! Wiring of the allocations.

use allocate_serials::{Hub, router};
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let (store, objects) = (service.store(), service.objects());
    tokio::join!(store.warm_up(), objects.warm_up(&objects.buckets.outbound));
    let hub = Hub::new(store, objects, service.jobs(), service.clock.clone());
    edge::serve(router(hub), &service.config).await
}
