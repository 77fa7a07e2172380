//! `DynamoDB` in process: a dynoxide server on a loopback port, one database per [`Dynamo`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use tokio::sync::oneshot;

use crate::Faults;

/// The secondary indexes of the table with their keys.
const TABLE_INDEXES: [(&str, &str, &str); 2] =
    [("listing", "list_pk", "list_sk"), ("attention", "attention_pk", "attention_sk")];

/// A `DynamoDB` server of one test. It stops when dropped.
#[derive(Debug)]
pub struct Dynamo {
    endpoint: String,
    tables: AtomicU64,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Dynamo {
    /// Starts a server with an empty database on a free loopback port, on a thread of its own, so that it
    /// outlives no test and shares no runtime with one.
    ///
    /// # Panics
    /// When the machine grants no port, thread or memory: a test cannot go on without.
    #[expect(clippy::expect_used, reason = "a test that cannot start its server must fail here")]
    pub async fn start() -> Self {
        let (ready, address) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("dynoxide".into())
            .spawn(move || serve(ready, stopped))
            .expect("a thread");
        let endpoint = format!("http://{}", address.await.expect("the server listens"));
        Self { endpoint, tables: AtomicU64::new(0), stop: Some(stop), thread: Some(thread) }
    }

    /// Where the server listens, `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A client of this server with the SDK's standard retries, only quicker: three attempts, pauses of a
    /// few milliseconds.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_over(plain_http())
    }

    /// A client of this server whose calls pass through `faults`.
    #[must_use]
    pub fn client_with(&self, faults: &Faults) -> Client {
        self.client_over(SharedHttpClient::new(faults.around(plain_http())))
    }

    fn client_over(&self, http: SharedHttpClient) -> Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "testkit"))
            .endpoint_url(&self.endpoint)
            .http_client(http)
            .retry_config(quick_retries())
            .build();
        Client::from_conf(config)
    }

    /// Makes a fresh table of our schema and gives its name.
    ///
    /// # Panics
    /// When the server refuses the table.
    #[expect(clippy::expect_used, reason = "a test that has no table must fail here")]
    pub async fn table(&self) -> String {
        let name = format!("hub-{}", self.tables.fetch_add(1, Ordering::Relaxed));
        create_table(&self.client(), &name).await.expect("a table");
        name
    }
}

impl Drop for Dynamo {
    fn drop(&mut self) {
        // Dropping the sender ends the server; the thread then ends by itself and is not waited for.
        drop(self.stop.take());
        drop(self.thread.take());
    }
}

/// Makes a table with the schema of `infra/template.yaml`: keys `pk` and `sk`, indexes
/// `listing` and `attention`.
///
/// # Errors
/// The SDK's, for a name that is taken or a server that does not answer.
pub async fn create_table(
    client: &Client,
    name: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut request =
        client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for attribute in ["pk", "sk", "list_pk", "list_sk", "attention_pk", "attention_sk"] {
        request = request.attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name(attribute)
                .attribute_type(ScalarAttributeType::S)
                .build()?,
        );
    }
    for (name, hash, range) in TABLE_INDEXES {
        let index = GlobalSecondaryIndex::builder()
            .index_name(name)
            .key_schema(key(hash, KeyType::Hash)?)
            .key_schema(key(range, KeyType::Range)?)
            .projection(Projection::builder().projection_type(ProjectionType::All).build());
        request = request.global_secondary_indexes(index.build()?);
    }
    request
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?)
        .send()
        .await?;
    Ok(())
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, aws_sdk_dynamodb::error::BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}

fn quick_retries() -> RetryConfig {
    RetryConfig::standard()
        .with_initial_backoff(Duration::from_millis(5))
        .with_max_backoff(Duration::from_millis(20))
}

fn plain_http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// The server's thread: listens, tells where, serves until asked to stop.
#[expect(clippy::expect_used, reason = "the test waiting for the address fails with it")]
fn serve(ready: oneshot::Sender<std::net::SocketAddr>, stopped: oneshot::Receiver<()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let database = dynoxide::Database::memory().expect("an empty database");
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = dynoxide::server::serve_on(listener, database);
        if ready.send(address).is_ok() {
            tokio::select! {
                () = server => {}
                _ = stopped => {}
            }
        }
    });
}
