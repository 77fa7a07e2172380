//! Wiring of the plant floor's routes.

use ingest_telemetry::{Hub, router};
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let hub = Hub { store: service.store(), clock: service.clock.clone() };
    hub.store.warm_up().await;
    edge::serve(router(hub), &service.config).await
}
