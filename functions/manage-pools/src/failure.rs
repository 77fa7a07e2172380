//! From errors to problems; every variant by name.

use edge::{Problem, ProblemKind};
use service::store_problem;
use store::pool::{PoolError, Source};

pub(crate) fn pool_problem(error: PoolError) -> Problem {
    match error {
        PoolError::Overlap { pool } => Problem::new(ProblemKind::PoolOverlap)
            .detail(format!("The numbers overlap those of pool {pool}."))
            .with("pool_id", pool.as_str()),
        PoolError::Clash { clash, with } => {
            let (member, id) = match &with {
                Source::Pool(id) => ("pool_id", id.as_str()),
                Source::Space(id) => ("space_id", id.as_str()),
            };
            Problem::new(ProblemKind::SpaceClash)
                .detail(format!(
                    "The pool could print {:?} and {with} could print {:?}: only case tells them apart, if anything. \
                     Take another length or prefix.",
                    clash.one, clash.other
                ))
                .with("texts", serde_json::json!([clash.one, clash.other]))
                .with(member, id)
        }
        PoolError::Density(density) => Problem::unprocessable("The space would be too dense.")
            .violation("/to", density.to_string())
            .with("total", density.total.to_string())
            .with("limit", density.limit.to_string())
            .with("capacity", density.capacity.to_string()),
        PoolError::BelowCursor { cursor } => Problem::unprocessable("Numbers are in use.")
            .detail(format!("The numbers below {cursor} are reserved already."))
            .violation("/to", format!("at least {}", cursor.saturating_sub(1)))
            .with("cursor", cursor.to_string()),
        PoolError::Rule(rule) => Problem::unprocessable("The pool breaks a rule.")
            .violation(format!("/{}", rule.field), rule.detail),
        PoolError::Store(error) => store_problem(&error),
    }
}
