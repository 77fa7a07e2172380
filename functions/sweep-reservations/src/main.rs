//! Wiring of the sweeper.

use store::Store;
use store::client::{AwsSettings, dynamo, https, sqs};
use sweep_reservations::{Sweeper, sweep};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let config = edge::start()?;
    let token = config.session_token.as_ref().map(|token| token.reveal().to_owned());
    let key = (config.access_key_id.as_str(), config.secret_access_key.reveal());
    let settings = AwsSettings::new(&config.region, config.endpoint_url.clone(), key, token);
    let http = https();
    let sweeper = Sweeper {
        store: Store::new(dynamo(&settings, &http), &config.table_name),
        sqs: sqs(&settings, &http),
        inbound_queue_url: config.inbound_queue_url.clone(),
        clock: edge::Clock::system(),
    };
    sweeper.store.warm_up().await;
    edge::serve_event(async |_: serde_json::Value| Ok(sweep(&sweeper).await?)).await
}
