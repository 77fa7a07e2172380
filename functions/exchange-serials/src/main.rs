//! Wiring of the line systems' routes.

use edge::{Clock, Entropy};
use exchange_serials::{Hub, router};
use store::client::{AwsSettings, https, s3};
use store::{Buckets, Objects};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let config = edge::start()?;
    let token = config.session_token.as_ref().map(|token| token.reveal().to_owned());
    let key = (config.access_key_id.as_str(), config.secret_access_key.reveal());
    let settings = AwsSettings::new(&config.region, config.endpoint_url.clone(), key, token);
    let buckets = Buckets {
        inbound: config.inbound_bucket.as_str().into(),
        outbound: config.outbound_bucket.as_str().into(),
        documents: config.documents_bucket.as_str().into(),
    };
    let objects = Objects { s3: s3(&settings, &https()), buckets };
    let hub = Hub { objects, clock: Clock::system(), entropy: Entropy::system() };
    edge::serve(router(hub), &config).await
}
