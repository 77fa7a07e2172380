//! Wiring of the authorizer.

use authorize_request::{Authorizer, authorize};
use edge::authorizer::AuthorizerEvent;
use store::client::{AwsSettings, dynamo, https};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let config = edge::start()?;
    let token = config.session_token.as_ref().map(|token| token.reveal().to_owned());
    let key = (config.access_key_id.as_str(), config.secret_access_key.reveal());
    let settings = AwsSettings::new(&config.region, config.endpoint_url.clone(), key, token);
    let authorizer = Authorizer {
        store: store::Store::new(dynamo(&settings, &https()), &config.table_name),
        clock: edge::Clock::system(),
    };
    authorizer.store.warm_up().await;
    edge::serve_event(async |event: AuthorizerEvent| Ok(authorize(&authorizer, &event).await?))
        .await
}
