//! Wiring of the allocations.

use allocate_serials::{Hub, router};
use store::client::{AwsSettings, dynamo, https, s3};
use store::{Buckets, Objects, Store};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let config = edge::start()?;
    let token = config.session_token.as_ref().map(|token| token.reveal().to_owned());
    let key = (config.access_key_id.as_str(), config.secret_access_key.reveal());
    let settings = AwsSettings::new(&config.region, config.endpoint_url.clone(), key, token);
    let http = https();
    let buckets = Buckets {
        inbound: config.inbound_bucket.as_str().into(),
        outbound: config.outbound_bucket.as_str().into(),
        documents: config.documents_bucket.as_str().into(),
    };
    let store = Store::new(dynamo(&settings, &http), &config.table_name);
    let objects = Objects { s3: s3(&settings, &http), buckets };
    store.warm_up().await;
    edge::serve(router(Hub::new(store, objects, edge::Clock::system())), &config).await
}
