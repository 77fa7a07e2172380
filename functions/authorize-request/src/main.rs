//! Wiring of the authorizer.

use authorize_request::{Authorizer, authorize};
use edge::authorizer::AuthorizerEvent;
use service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    let service = Service::start()?;
    let authorizer = Authorizer { store: service.store(), clock: service.clock.clone() };
    authorizer.store.warm_up().await;
    edge::serve_event(async |event: AuthorizerEvent| Ok(authorize(&authorizer, &event).await?))
        .await
}
