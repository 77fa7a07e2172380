//! Wiring of the line systems' routes.

use edge::Entropy;
use exchange_serials::{Hub, router};
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let objects = service.objects();
    let hub = Hub { objects, clock: service.clock.clone(), entropy: Entropy::system() };
    edge::serve(router(hub), &service.config).await
}
