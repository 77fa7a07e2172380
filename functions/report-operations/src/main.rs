//! Wiring of the reports' routes.

use report_operations::{Hub, JudgeQueue, SignIn, router};
use service::Service;
use store::document_queue::patience;
use store::warm_up_queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let hub = Hub {
        store: service.store(),
        objects: service.objects(),
        queue: JudgeQueue {
            sqs: service.sqs(),
            url: service.config.inbound_queue_url.clone(),
            patience: patience(service.config.inbound_visibility_seconds),
        },
        clock: service.clock.clone(),
        contact_email: service.config.contact_email.clone(),
        sign_in: SignIn::of(&service.config),
    };
    let buckets = &hub.objects.buckets;
    tokio::join!(
        hub.store.warm_up(),
        hub.objects.warm_up(&buckets.documents),
        warm_up_queue(&hub.queue.sqs, &hub.queue.url)
    );
    edge::serve(router(hub), &service.config).await
}
