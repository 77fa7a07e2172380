//! Wiring of the allocations.

use allocate_serials::{Hub, router};
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let hub = Hub::new(service.store().await, service.objects(), service.clock.clone());
    edge::serve(router(hub), &service.config).await
}
