//! What every function does before and beside its own work: start, connect, and say what a failed
//! store means to a caller.
//!
//! It stands between `edge`, which knows the environment and the problems, and `store`, which knows
//! AWS; neither knows the other. It knows no route, no item and no event.

pub mod finding;

use edge::{Clock, Config, Measures, Metric, Problem};
use store::client::{AwsSettings, HttpClient, dynamo, https, s3, sqs};
use store::credential::Refusal;
use store::{Buckets, Objects, Store, StoreError};

/// A started function: its environment was read, its logs run.
pub struct Service {
    /// The environment.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    settings: AwsSettings,
    http: HttpClient,
}

impl Service {
    /// Reads the environment and starts the logs; no call is made yet.
    ///
    /// # Errors
    /// Names every variable that is missing or unusable.
    pub fn start() -> Result<Self, edge::Error> {
        let config = edge::start()?;
        let token = config.session_token.as_ref().map(|token| token.reveal().to_owned());
        let key = (config.access_key_id.as_str(), config.secret_access_key.reveal());
        let settings = AwsSettings::new(&config.region, config.endpoint_url.clone(), key, token);
        Ok(Self { config, clock: Clock::system(), settings, http: https() })
    }

    /// The table, connected: the first request does not pay for it.
    pub async fn store(&self) -> Store {
        let store = Store::new(dynamo(&self.settings, &self.http), &self.config.table_name);
        store.warm_up().await;
        store
    }

    /// The buckets.
    #[must_use]
    pub fn objects(&self) -> Objects {
        let buckets = Buckets {
            inbound: self.config.inbound_bucket.as_str().into(),
            outbound: self.config.outbound_bucket.as_str().into(),
            documents: self.config.documents_bucket.as_str().into(),
        };
        Objects { s3: s3(&self.settings, &self.http), buckets }
    }

    /// The queues' client.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        sqs(&self.settings, &self.http)
    }
}

/// What a failed store means to a caller of the HTTP API; every variant by name.
#[must_use]
pub fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::NotFound { .. } => Problem::not_found(),
        StoreError::AlreadyExists { .. } | StoreError::Corrupt(_) => Problem::internal(error),
        StoreError::Conflict { .. }
        | StoreError::Throttled { .. }
        | StoreError::Unavailable { .. } => Problem::unavailable(error),
    }
}

/// Counts and logs an attempt to sign in that was refused; the reason as callers are told it. The
/// credential is named where it exists; what was presented is never written down (I9).
pub fn sign_in_refused(refusal: Refusal, credential_id: Option<&str>) -> &'static str {
    let (reason, metric) = match refusal {
        Refusal::Bad => ("bad", Metric::CredentialsBad),
        Refusal::Expired => ("expired", Metric::CredentialsExpired),
        Refusal::Revoked => ("revoked", Metric::CredentialsRevoked),
    };
    let id = credential_id.unwrap_or_default();
    tracing::warn!(credential.id = id, reason, "credential refused");
    let measures = Measures::of("sign-in").about("credential.id", id).about("reason", reason);
    edge::emit(&measures.with(metric, 1_u64));
    reason
}
