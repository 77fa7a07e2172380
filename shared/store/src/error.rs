//! What can go wrong between us and the stores.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::item::Corrupt;

/// The outcome of a call that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The item or object does not exist.
    #[error("{what} does not exist")]
    NotFound {
        /// Which kind of thing.
        what: &'static str,
    },
    /// Something with this identity exists already.
    #[error("{what} exists already")]
    AlreadyExists {
        /// Which kind of thing.
        what: &'static str,
    },
    /// A condition did not hold and repeating did not help.
    #[error("{what} was changed by another call at the same time")]
    Conflict {
        /// Which kind of thing.
        what: &'static str,
    },
    /// The store asks us to slow down.
    #[error("{operation} was throttled")]
    Throttled {
        /// The call.
        operation: &'static str,
    },
    /// The store could not be reached or answered with a fault.
    #[error("{operation} failed: {detail}")]
    Unavailable {
        /// The call.
        operation: &'static str,
        /// The SDK's account of it; never an item's content.
        detail: String,
    },
    /// An item does not have the form that this version writes.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

impl StoreError {
    /// Whether the key service refused or could not be asked: nothing is known of what its keys protect.
    #[must_use]
    pub fn is_of_the_key_service(&self) -> bool {
        match self {
            Self::Unavailable { operation, .. } | Self::Throttled { operation } => {
                operation.starts_with("KMS ") || *operation == NO_KEY_SERVICE
            }
            Self::NotFound { .. }
            | Self::AlreadyExists { .. }
            | Self::Conflict { .. }
            | Self::Corrupt(_) => false,
        }
    }
}

/// What a process without a key service cannot do.
pub(crate) const NO_KEY_SERVICE: &str = "reaching the key service";

const THROTTLES: [&str; 5] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "Throttling",
    "SlowDown",
];

/// Sorts an SDK error that no caller handles by name into a store error.
pub(crate) fn sdk_error<E, R>(operation: &'static str, error: &SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let code = error.code().unwrap_or_default();
    if THROTTLES.contains(&code) {
        return StoreError::Throttled { operation };
    }
    let detail = match error {
        SdkError::ServiceError(_) => {
            format!("{code}: {}", error.message().unwrap_or("no message"))
        }
        SdkError::TimeoutError(_) => "the call timed out".to_owned(),
        SdkError::DispatchFailure(_) => "the connection failed".to_owned(),
        SdkError::ConstructionFailure(_) => "the call could not be built".to_owned(),
        SdkError::ResponseError(_) => "the answer could not be read".to_owned(),
        _ => "unknown".to_owned(),
    };
    StoreError::Unavailable { operation, detail }
}
