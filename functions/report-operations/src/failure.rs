//! What is wrong, as problems.

use edge::Problem;
pub(crate) use service::store_problem;

/// A query value that has not its form.
pub(crate) fn malformed(parameter: &str, detail: &str) -> Problem {
    Problem::bad_request("A query parameter does not have its form.")
        .violation(format!("?{parameter}"), detail)
}
