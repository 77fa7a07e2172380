//! Wiring of the pools' routes.

use domain::webhook::AllowedHosts;
use edge::Entropy;
use manage_pools::{Hub, router};
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let (store, objects) = (service.store(), service.objects());
    store.warm_up().await;
    let hub = Hub {
        store,
        objects,
        clock: service.clock.clone(),
        entropy: Entropy::system(),
        webhook_hosts: AllowedHosts::parse(
            service.config.webhook_hosts.as_deref().unwrap_or_default(),
        ),
    };
    edge::serve(router(hub), &service.config).await
}
