//! What every function does before and beside its own work: start, connect, say what a failed
//! store means to a caller, note who signs in, and tell whose session a request is of.
//!
//! It stands between `edge`, which knows the environment and the problems, and `store`, which knows
//! AWS; neither knows the other. It knows no route, no item and no event.

pub mod finding;
pub mod object_key;
pub mod session;
mod sign_in;

use edge::{Clock, Config, Problem};
use store::client::{AwsSettings, HttpClient, dynamo, https, s3, sqs};
use store::jobs::Jobs;
use store::kms::Kms;
use store::{Buckets, Objects, Store, StoreError};

pub use sign_in::{note_use, sign_in_refused};

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

    /// The table. A main joins its `warm_up` with those of the buckets and queues it uses.
    #[must_use]
    pub fn store(&self) -> Store {
        let dynamo = dynamo(&self.settings, &self.http);
        Store::new(dynamo, &self.config.table_name).with_kms(self.kms())
    }

    /// The key service. It is asked with the first space that is made or opened, so no start meets it.
    fn kms(&self) -> Kms {
        let mut settings = self.settings.clone();
        if let Some(endpoint) = &self.config.kms_endpoint_url {
            settings.endpoint_url = Some(endpoint.clone());
        }
        Kms::new(&settings, &self.http, &self.config.space_key_arn)
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

    /// The queue of background work.
    #[must_use]
    pub fn jobs(&self) -> Jobs {
        Jobs { sqs: self.sqs(), url: self.config.jobs_queue_url.as_str().into() }
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
