//! `GET` and `PUT /api/v1/l3/pools/products/{gtin}`: what a product allows at the end of its batches.
//!
//! Nothing is known of most products: any yield will do then. Saying the same again changes nothing.

use axum::Json;
use axum::extract::{Path, State};
use domain::closing::Tolerance;
use domain::gtin::Gtin14;
use edge::openapi::{Gtin14 as GtinForm, Reason, Time};
use edge::{Caller, JsonBody, Problem, Scope};
use serde::{Deserialize, Serialize};
use service::store_problem;
use store::product::Product;
use store::time::rfc3339_ms;
use utoipa::ToSchema;

use crate::Hub;

/// The longest reason, characters.
const REASON_CHARACTERS_MAX: usize = 200;

/// The yield a product allows, in thousandths, ends included: numbers on packs of numbers printed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductBody {
    #[schema(maximum = 1_000)]
    yield_min: u16,
    #[schema(maximum = 1_000)]
    yield_max: u16,
    #[schema(value_type = Option<Reason>)]
    reason: Option<String>,
}

/// What is known of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub(crate) struct ProductView {
    #[schema(value_type = GtinForm)]
    gtin: String,
    /// The least yield, thousandths; 0 is no limit.
    yield_min: u16,
    /// The greatest yield, thousandths; 1000 is no limit.
    yield_max: u16,
    /// Counted up by each change; 0 while nothing was said.
    version: u64,
    #[schema(required, value_type = Option<Time>)]
    changed_at: Option<String>,
}

impl From<Product> for ProductView {
    fn from(product: Product) -> Self {
        Self {
            gtin: product.gtin.to_string(),
            yield_min: product.tolerance.min(),
            yield_max: product.tolerance.max(),
            version: product.version,
            changed_at: product.changed_at,
        }
    }
}

impl ProductBody {
    fn parsed(self) -> Result<(Tolerance, Option<String>), Problem> {
        let tolerance = Tolerance::new(self.yield_min, self.yield_max).map_err(|error| {
            Problem::bad_request("The tolerance is not valid.")
                .violation("/yield_min", error.to_string())
        })?;
        let fits = |reason: &String| {
            (1..=REASON_CHARACTERS_MAX).contains(&reason.chars().count())
                && !reason.chars().any(char::is_control)
        };
        if !self.reason.as_ref().is_none_or(fits) {
            let problem = Problem::bad_request("The reason is not valid.");
            let detail = "1 to 200 characters without control characters";
            return Err(problem.violation("/reason", detail));
        }
        Ok((tolerance, self.reason))
    }
}

pub(crate) async fn fetch(
    State(hub): State<Hub>,
    caller: Caller,
    Path(gtin): Path<String>,
) -> Result<Json<ProductView>, Problem> {
    caller.require(Scope::PoolsRead)?;
    let product = hub.store.product_fetch(&gtin_of(&gtin)?).await;
    Ok(Json(product.map_err(|error| store_problem(&error))?.into()))
}

pub(crate) async fn put(
    State(hub): State<Hub>,
    caller: Caller,
    Path(gtin): Path<String>,
    body: JsonBody,
) -> Result<Json<ProductView>, Problem> {
    caller.require(Scope::PoolsWrite)?;
    // A product is made on all lines.
    caller.require_line(None)?;
    let gtin = gtin_of(&gtin)?;
    let (tolerance, reason) = body.parse::<ProductBody>()?.parsed()?;
    let (actor, now) = (caller.actor(), rfc3339_ms(hub.clock.now()));
    let by = (actor.as_str(), now.as_str(), reason.as_deref());
    let product = hub.store.product_change(&gtin, tolerance, by).await;
    let product = product.map_err(|error| store_problem(&error))?;
    tracing::info!(gtin = gtin.as_str(), version = product.version, "tolerance set");
    Ok(Json(product.into()))
}

/// A text that is no GTIN names no product.
fn gtin_of(text: &str) -> Result<Gtin14, Problem> {
    Gtin14::parse(text).map_err(|_| Problem::not_found())
}
