//! What this function says of its routes.

use domain::pool::PoolStatus;
use edge::openapi::{Answer, Part, PoolId, Route, part};
use edge::{ProblemKind, Scope};
use http::Method;
use serde_json::json;
use utoipa::ToSchema;

use crate::request::{ListQuery, PoolBody, PoolPatch};
use crate::view::{PoolView, RangeView};

edge::words! {
    Encoding = ["SGTIN"], "What is numbered.";
    SchemeWord = ["sequential"], "How a number becomes text: zero-padded decimal.";
    PoolStatusWord = [PoolStatus::Active, PoolStatus::Suspended].map(PoolStatus::as_str),
        "Whether a pool hands out numbers.";
    RangeKindWord = ["allocation", "void"], "What became of a range of numbers.";
}

/// The name of a pool, for people.
#[derive(Debug, ToSchema)]
#[schema(min_length = 1, max_length = 100, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$")]
pub(crate) struct PoolName(#[expect(dead_code, reason = "only its schema is used")] String);

const POOLS: &str = "/api/v1/l3/pools";
const POOL: &str = "/api/v1/l3/pools/{id}";
const RANGES: &str = "/api/v1/l3/pools/{id}/ranges";

/// The routes of [`crate::router`] as OpenAPI.
#[must_use]
pub fn openapi() -> Part {
    let (read, write) = (&[Scope::PoolsRead], &[Scope::PoolsWrite]);
    let id = "The pool.";
    part(
        "manage-pools",
        "Serial pools, their boundaries and their ranges. A pool serves all lines, so a credential bound to \
         lines may read pools but neither change them nor list their ranges.",
        vec![
            Route::new(&Method::POST, POOLS, "pool_create", write)
                .says("Create a pool", "A repeated call meets the boundaries of the first: 409.")
                .body::<PoolBody>(new_pool())
                .answers(
                    Answer::json::<PoolView>(201, "The new pool.")
                        .with_header("Location", "The path of the pool."),
                )
                .refuses(&[
                    ProblemKind::LineNotBound,
                    ProblemKind::PoolOverlap,
                    ProblemKind::Unprocessable,
                ]),
            Route::new(&Method::GET, POOLS, "pool_list", read)
                .says("List pools", "By id.")
                .query::<ListQuery>()
                .answers(Answer::list::<PoolView>("One page.")),
            Route::new(&Method::GET, POOL, "pool_fetch", read)
                .says("Fetch a pool", "")
                .path::<PoolId>("id", id)
                .answers(Answer::json::<PoolView>(200, "The pool.")),
            Route::new(&Method::PATCH, POOL, "pool_change", write)
                .says("Change a pool", "What is absent or null stays as it is.")
                .path::<PoolId>("id", id)
                .body::<PoolPatch>(json!({ "threshold": 5_000 }))
                .answers(Answer::json::<PoolView>(200, "The pool as it is now."))
                .refuses(&[
                    ProblemKind::LineNotBound,
                    ProblemKind::PoolOverlap,
                    ProblemKind::Unprocessable,
                ]),
            Route::new(&Method::GET, RANGES, "pool_ranges", read)
                .says("List the ranges of a pool", "Every range below the cursor, in order.")
                .path::<PoolId>("id", id)
                .query::<ListQuery>()
                .answers(Answer::list::<RangeView>("One page."))
                .refuses(&[ProblemKind::LineNotBound]),
        ],
    )
}

fn new_pool() -> serde_json::Value {
    json!({
        "name": "Film-coated tablets 20",
        "encoding": "SGTIN",
        "gtin": "00313000007772",
        "company_prefix_length": 7,
        "scheme": "sequential",
        "width": 12,
        "from": "1000",
        "to": "999999",
        "max_request": 500_000,
        "threshold": 10_000,
    })
}
