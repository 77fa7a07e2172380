//! Wiring of the pools' routes.

use edge::Entropy;
use manage_pools::{Hub, router};
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let store = service.store();
    store.warm_up().await;
    let hub = Hub { store, clock: service.clock.clone(), entropy: Entropy::system() };
    edge::serve(router(hub), &service.config).await
}
