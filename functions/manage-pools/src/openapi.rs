//! What this function says of its routes.

use domain::policy::Reoffer;
use domain::pool::PoolStatus;
use edge::openapi::{Answer, Gtin14, Part, PoolId, Route, part};
use edge::{ProblemKind, Scope};
use http::Method;
use serde_json::json;
use utoipa::ToSchema;

use crate::product::{ProductBody, ProductView};
use crate::request::{ListQuery, PoolBody, PoolPatch};
use crate::serials::{ImportView, ImportedView};
use crate::space::{SpaceQuery, SpaceView};
use crate::view::{PoolView, RangeView};
use crate::webhook;

edge::words! {
    Encoding = ["SGTIN", "SSCC"], "What is numbered: packs of a product, or logistic units.";
    SchemeWord = ["sequential", "randomised", "list"],
        "How a number becomes text: zero-padded decimal, by the keyed permutation of a space, or by what was imported.";
    CharactersWord = ["digits", "upper", "lower"], "A set of characters.";
    PoolStatusWord = [PoolStatus::Active, PoolStatus::Suspended].map(PoolStatus::as_str),
        "Whether a pool hands out numbers.";
    ReofferWord = Reoffer::ALL.map(Reoffer::as_str), "Which numbers are offered a second time.";
    RangeKindWord = ["allocation", "void"], "What became of a range of numbers.";
}

/// The name of a pool, for people.
#[derive(Debug, ToSchema)]
#[schema(min_length = 1, max_length = 100, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$")]
pub(crate) struct PoolName(#[expect(dead_code, reason = "only its schema is used")] String);

const POOLS: &str = "/api/v1/l3/pools";
const SPACES: &str = "/api/v1/l3/pools/spaces";
const POOL: &str = "/api/v1/l3/pools/{id}";
const PRODUCT: &str = "/api/v1/l3/pools/products/{gtin}";
const RANGES: &str = "/api/v1/l3/pools/{id}/ranges";
const SERIALS: &str = "/api/v1/l3/pools/{id}/serials";

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
                .says(
                    "Create a pool",
                    "A repeated call meets the boundaries of the first: 409. The first randomised pool of a form makes its \
                     space, whose texts no other space or sequential pool of the product may share, case folded.",
                )
                .body::<PoolBody>(new_pool())
                .answers(
                    Answer::json::<PoolView>(201, "The new pool.")
                        .with_header("Location", "The path of the pool."),
                )
                .refuses(&[
                    ProblemKind::LineNotBound,
                    ProblemKind::PoolOverlap,
                    ProblemKind::SpaceClash,
                    ProblemKind::Unprocessable,
                ]),
            Route::new(&Method::GET, SPACES, "space_list", read)
                .says("List the spaces of a product", "In the order of their creation, all on one page.")
                .query::<SpaceQuery>()
                .answers(Answer::list::<SpaceView>("All spaces.")),
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
            Route::new(&Method::GET, PRODUCT, "product_fetch", read)
                .says("What a product allows", "The yield at the end of its batches; any while nothing was said.")
                .path::<Gtin14>("gtin", "The product.")
                .answers(Answer::json::<ProductView>(200, "The product.")),
            Route::new(&Method::PUT, PRODUCT, "product_change", write)
                .says("Say what a product allows", "Counts for batches that are closed from now on.")
                .path::<Gtin14>("gtin", "The product.")
                .body::<ProductBody>(json!({ "yield_min": 950, "yield_max": 1_000, "reason": "validated" }))
                .answers(Answer::json::<ProductView>(200, "The product as it is now."))
                .refuses(&[ProblemKind::LineNotBound]),
        ]
        .into_iter()
        .chain(webhook::routes())
        .chain(imports())
        .collect(),
    )
}

fn imports() -> [Route; 2] {
    let id = "A pool of the scheme `list`.";
    [
        Route::new(&Method::POST, SERIALS, "serials_import", &[Scope::PoolsWrite])
            .says(
                "Import numbers",
                "All of a file or none: 422 names the first hundred wrong lines in `lines`, and their count in \
                 `wrong_lines`. The same file again is answered the same, with `Idempotent-Replay`.",
            )
            .path::<PoolId>("id", id)
            .text_body("text/csv", "SerialNumber,CryptoKey,CryptoCode\r\nA1B2C3D4E5F6,,\r\n")
            .answers(Answer::json::<ImportedView>(201, "The import, and what is left in the pool."))
            .answers(
                Answer::json::<ImportedView>(200, "The import of the same file.")
                    .with_header("Idempotent-Replay", "`true`."),
            )
            .refuses(&[
                ProblemKind::LineNotBound,
                ProblemKind::SizeLimit,
                ProblemKind::Unprocessable,
            ]),
        Route::new(&Method::GET, SERIALS, "serials_imports", &[Scope::PoolsRead])
            .says("List the imports of a pool", "In their order, all on one page.")
            .path::<PoolId>("id", id)
            .answers(Answer::list::<ImportView>("All imports.")),
    ]
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
