//! `GET /api/v1/l3/pools/spaces?gtin=…`: the spaces of a product. A space's key is told to nobody.

use axum::extract::State;
use domain::gtin::Gtin14;
use domain::pool::{PoolDraft, Scheme};
use domain::space::{SpaceForm, SpaceId};
use edge::openapi::{Count, Gtin, Gtin14 as GtinForm, PoolId, Time};
use edge::{Caller, List, Problem, QueryText, Scope};
use serde::{Deserialize, Serialize};
use service::store_problem;
use store::space::SpaceState;
use utoipa::{IntoParams, ToSchema};

use crate::Hub;

/// Query of the spaces.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpaceQuery {
    /// The product.
    #[param(value_type = Gtin)]
    gtin: String,
}

/// The form of the numbers of a randomised pool.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpaceForm)]
pub(crate) struct FormView {
    /// What every number begins with.
    prefix: String,
    /// The characters of the random part that follows.
    alphabet: String,
    /// How many random characters there are.
    length: u8,
    /// How many texts there are: decimal text below 10^36.
    #[schema(pattern = "^[0-9]{1,36}$")]
    capacity: String,
}

/// The space of which a randomised pool is a part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PoolSpace)]
pub(crate) struct PoolSpaceView {
    /// The space's id; it follows from product and form.
    #[schema(pattern = "^[a-z2-7]{26}$")]
    id: String,
    #[serde(flatten)]
    form: FormView,
    /// One guess in so many hits a number that this pool alone may give out, up to its ceiling: decimal text.
    #[schema(pattern = "^[0-9]{1,36}$")]
    one_in: String,
}

/// A space as it is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Space)]
pub(crate) struct SpaceView {
    /// The space's id; it follows from product and form.
    #[schema(pattern = "^[a-z2-7]{26}$")]
    id: String,
    #[schema(value_type = GtinForm)]
    gtin: String,
    #[serde(flatten)]
    form: FormView,
    /// Whether a pool asks for the European rules, which then hold for all pools of the space.
    eu_rules: bool,
    /// The most that all its pools may give out together.
    #[schema(pattern = "^[0-9]{1,36}$")]
    limit: String,
    /// What its pools may give out together, up to their ceilings.
    #[schema(pattern = "^[0-9]{1,36}$")]
    claimed: String,
    /// How much of it is reserved or void.
    #[schema(value_type = Count)]
    reserved: String,
    /// One guess in so many hits a number that may be given out: above 10000 under the European rules.
    #[schema(pattern = "^[0-9]{1,36}$")]
    one_in: String,
    /// Its pools, by lower boundary.
    #[schema(value_type = Vec<PoolId>)]
    pools: Vec<String>,
    #[schema(value_type = Time)]
    created_at: String,
}

pub(crate) async fn list(
    State(hub): State<Hub>,
    caller: Caller,
    query: QueryText,
) -> Result<axum::Json<List<SpaceView>>, Problem> {
    caller.require(Scope::PoolsRead)?;
    let SpaceQuery { gtin } = query.parse()?;
    let gtin = Gtin14::parse_padded(&gtin).map_err(|error| {
        Problem::bad_request("The query is not valid.").violation("?gtin", error.to_string())
    })?;
    let spaces = hub.store.space_list(&gtin).await.map_err(|error| store_problem(&error))?;
    // Not paged: a product has as many forms as its packaging ever had, a handful.
    Ok(axum::Json(List::new(spaces.iter().map(SpaceView::from).collect(), None)))
}

impl FormView {
    fn of(form: &SpaceForm) -> Self {
        Self {
            prefix: form.prefix().to_owned(),
            alphabet: form.alphabet().to_string(),
            length: form.length(),
            capacity: form.capacity().to_string(),
        }
    }
}

impl PoolSpaceView {
    /// The space of a pool; a sequential one has none.
    pub(crate) fn of(draft: &PoolDraft) -> Option<Self> {
        match draft.scheme {
            Scheme::Sequential { .. } | Scheme::List { .. } => None,
            Scheme::Randomised { space, form } => {
                let one_in = one_in(&form, draft.share().ceiling);
                Some(Self { id: id(space), form: FormView::of(&form), one_in })
            }
        }
    }
}

impl From<&SpaceState> for SpaceView {
    fn from(space: &SpaceState) -> Self {
        Self {
            id: id(space.id),
            gtin: space.gtin.as_str().to_owned(),
            form: FormView::of(&space.form),
            eu_rules: space.eu_rules,
            limit: space.limit().to_string(),
            claimed: space.claimed.to_string(),
            reserved: space.reserved.to_string(),
            one_in: one_in(&space.form, space.claimed),
            pools: space.pools.iter().map(|pool| pool.as_str().to_owned()).collect(),
            created_at: space.created_at.clone(),
        }
    }
}

fn id(space: SpaceId) -> String {
    space.as_str().to_owned()
}

/// Texts for each number that may be given out, rounded down.
fn one_in(form: &SpaceForm, numbers: u128) -> String {
    form.capacity().checked_div(numbers).unwrap_or(form.capacity()).to_string()
}
