//! What this function says of the routes of audit records.

use edge::openapi::{Answer, Route};
use edge::{ProblemKind, Scope};
use http::Method;

use super::{AUDIT, RecordView, RecordsQuery, SEALS, SealView, SealsQuery};

/// The routes of audit records.
pub(crate) fn routes() -> Vec<Route> {
    let read = &[Scope::AuditRead];
    vec![
        Route::new(&Method::GET, AUDIT, "audit_list", read)
            .says(
                "List audit records",
                "Either the chain of an entity, consistent and from its beginning, or the records of days, \
                 which may lag a moment and whose pages may hold fewer items than their limit although more \
                 follow. `hash` is the SHA-256 of these parts, each preceded by its length in bytes (8 bytes, \
                 big endian): `1`, `key`, `place` (8 bytes, big endian), `previous`, `at`, `actor`, `action`, \
                 `reason`, `before`, `after`, `version` (8 bytes, big endian); what is null counts as one \
                 zero byte.",
            )
            .query::<RecordsQuery>()
            .answers(Answer::list::<RecordView>("One page."))
            .refuses(&[ProblemKind::LineNotBound, ProblemKind::NotFound]),
        Route::new(&Method::GET, SEALS, "audit_seal_list", read)
            .says(
                "List the seals of days",
                "The oldest first. `hash` is made as that of a record, of `1`, `day`, `records` (8 bytes, big \
                 endian), `root` and `previous`.",
            )
            .query::<SealsQuery>()
            .answers(Answer::list::<SealView>("One page."))
            .refuses(&[ProblemKind::LineNotBound]),
    ]
}
