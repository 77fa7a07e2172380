//! Store failures as problems; every variant by name.

use edge::Problem;
use store::StoreError;

pub(crate) fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::NotFound { .. } => Problem::not_found(),
        StoreError::AlreadyExists { .. } | StoreError::Corrupt(_) => Problem::internal(error),
        StoreError::Conflict { .. }
        | StoreError::Throttled { .. }
        | StoreError::Unavailable { .. } => Problem::unavailable(error),
    }
}

/// A query value that has not its form.
pub(crate) fn malformed(parameter: &str, detail: &str) -> Problem {
    Problem::bad_request("A query parameter does not have its form.")
        .violation(format!("?{parameter}"), detail)
}
