//! Wiring of the reports' routes.

use report_operations::{Hub, JudgeQueue, SignIn, router};
use service::Service;
use store::document_queue::patience;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let hub = Hub {
        store: service.store().await,
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
    edge::serve(router(hub), &service.config).await
}
