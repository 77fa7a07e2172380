//! Wiring of the export.

use export_allocation::{Hub, router};
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let (store, objects) = (service.store().await, service.objects());
    let hub = Hub { store, objects, clock: service.clock.clone() };
    edge::serve(router(hub), &service.config).await
}
