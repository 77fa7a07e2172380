//! Wiring of the reconciliation.

use edge::Clock;
use reconcile_commissioning::{Hub, Queue, consume};
use store::client::{AwsSettings, dynamo, https, s3, sqs};
use store::{Buckets, Objects, Store};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let config = edge::start()?;
    let token = config.session_token.as_ref().map(|token| token.reveal().to_owned());
    let key = (config.access_key_id.as_str(), config.secret_access_key.reveal());
    let settings = AwsSettings::new(&config.region, config.endpoint_url.clone(), key, token);
    let http = https();
    let hub = Hub {
        store: Store::new(dynamo(&settings, &http), &config.table_name),
        objects: Objects {
            s3: s3(&settings, &http),
            buckets: Buckets {
                inbound: config.inbound_bucket.as_str().into(),
                outbound: config.outbound_bucket.as_str().into(),
                documents: config.documents_bucket.as_str().into(),
            },
        },
        clock: Clock::system(),
    };
    let queue = Queue { sqs: sqs(&settings, &http), url: config.inbound_queue_url.clone() };
    hub.store.warm_up().await;
    edge::serve_batch(|record| {
        let (hub, queue) = (hub.clone(), queue.clone());
        async move { consume(&hub, &queue, record).await }
    })
    .await
}
