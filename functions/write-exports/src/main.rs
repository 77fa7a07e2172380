//! Wiring of the writer of exports.

use service::Service;
use store::upload::PART_BYTES_MIN;
use write_exports::{Hub, consume};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let (store, objects) = (service.store(), service.objects());
    tokio::join!(store.warm_up(), objects.warm_up(&objects.buckets.outbound));
    let (jobs, clock) = (service.jobs(), service.clock.clone());
    let hub = Hub { store, objects, jobs, clock, part_bytes_min: PART_BYTES_MIN };
    edge::serve_long_batch(|record, ends_at| {
        let hub = hub.clone();
        // Boxed: the future of a whole run is large.
        async move { Box::pin(consume(&hub, record, ends_at)).await }
    })
    .await
}
