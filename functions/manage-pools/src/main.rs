//! Wiring of the pools' routes.

use edge::{Clock, Entropy};
use manage_pools::{Hub, router};
use store::client::{AwsSettings, dynamo, https};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let config = edge::start()?;
    let token = config.session_token.as_ref().map(|token| token.reveal().to_owned());
    let key = (config.access_key_id.as_str(), config.secret_access_key.reveal());
    let settings = AwsSettings::new(&config.region, config.endpoint_url.clone(), key, token);
    let store = store::Store::new(dynamo(&settings, &https()), &config.table_name);
    let hub = Hub { store, clock: Clock::system(), entropy: Entropy::system() };
    hub.store.warm_up().await;
    edge::serve(router(hub), &config).await
}
