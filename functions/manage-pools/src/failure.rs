//! From errors to problems; every variant by name.

use edge::{Problem, ProblemKind};
use service::store_problem;
use store::pool::PoolError;

pub(crate) fn pool_problem(error: PoolError) -> Problem {
    match error {
        PoolError::Overlap { pool } => Problem::new(ProblemKind::PoolOverlap)
            .detail(format!("The numbers overlap those of pool {pool}."))
            .with("pool_id", pool.as_str()),
        PoolError::BelowCursor { cursor } => Problem::unprocessable("Numbers are in use.")
            .detail(format!("The numbers below {cursor} are reserved already."))
            .violation("/to", format!("at least {}", cursor.saturating_sub(1)))
            .with("cursor", cursor.to_string()),
        PoolError::Rule(rule) => Problem::unprocessable("The pool breaks a rule.")
            .violation(format!("/{}", rule.field), rule.detail),
        PoolError::Store(error) => store_problem(&error),
    }
}
