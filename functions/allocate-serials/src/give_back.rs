//! `POST /{id}/return`: unused numbers are returned, deactivated or destroyed, once per `Idempotency-Key`.
//!
//! 200 tells what was done; the same request again is answered the same, with `Idempotent-Replay: true`. A
//! list or ranges with one wrong number change nothing: 422 names the first of them.

mod selection;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use domain::allocation::Allocation;
use domain::give_back::Fate;
use domain::ids::{RequestId, SystemId};
use domain::pool::Scheme;
use edge::openapi::{AllocationId as AllocationIdForm, Reason, Sha256, Time};
use edge::{Caller, JsonBody, Problem, ProblemKind, Scope};
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use service::store_problem;
use store::number_change::{GiveUpError, NumberChange, Request};
use store::time::rfc3339_ms;
use utoipa::ToSchema;

use self::selection::SelectionBody;
use crate::Hub;
use crate::openapi::{FateWord, SerialText};
use crate::reserve::{REPLAY, idempotency_key};
use crate::turn::check_reason;

/// Imported numbers of an allocation that are read to tell which are named.
const LISTED_MAX: u64 = 200_000;

/// Numbers that are given up: a list, ranges, or all that nobody used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveBackBody {
    /// Serial numbers, one by one.
    #[schema(min_items = 1, max_items = 10_000, value_type = Option<Vec<SerialText>>)]
    serials: Option<Vec<String>>,
    /// Runs of serial numbers, of sequential pools only.
    #[schema(min_items = 1, max_items = 1_000)]
    ranges: Option<Vec<RangeBody>>,
    /// `true`: every number that may still meet the fate.
    all_unused: Option<bool>,
    #[schema(value_type = FateWord)]
    fate: String,
    #[schema(value_type = Reason)]
    reason: String,
}

/// The first and the last serial number of a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RangeBody {
    #[schema(value_type = SerialText)]
    from: String,
    #[schema(value_type = SerialText)]
    to: String,
}

/// What became of numbers that were given up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NumberChange)]
pub(crate) struct GiveBackView {
    change_id: String,
    #[schema(value_type = AllocationIdForm)]
    allocation_id: String,
    #[schema(value_type = FateWord)]
    fate: &'static str,
    #[schema(value_type = Reason)]
    reason: String,
    /// Numbers that were unused when it was decided.
    selected: u64,
    /// Those of them that met the fate.
    taken: u64,
    /// Those that were used before it could be written.
    used_meanwhile: u64,
    /// Whether the pool offers them again: the 64 longest runs of each block of 32,768 numbers.
    offered_again: bool,
    /// The document that the ledger was posted from.
    #[schema(value_type = Sha256)]
    document: String,
    #[schema(value_type = Time)]
    decided_at: String,
}

pub(crate) async fn give_back(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Problem> {
    caller.require(Scope::AllocationsWrite)?;
    let key = required_key(&headers)?;
    let body = body.parse::<GiveBackBody>()?;
    let allocation = hub.allocation(&caller, &id).await?;
    let (fate, reason) = (body.fate()?, body.reason.clone());
    check_reason(&reason)?;
    // Texts that were imported are read to be compared; who has more of them gives up all that is unused.
    let numbering = match allocation.scheme {
        Scheme::List { .. } if allocation.size <= LISTED_MAX => {
            hub.store.numbering_whole(&hub.objects, &allocation).await
        }
        Scheme::Sequential { .. } | Scheme::Randomised { .. } | Scheme::List { .. } => {
            hub.store.numbering(allocation.key, allocation.scheme).await
        }
    };
    let numbering = numbering.map_err(|error| store_problem(&error))?;
    let selection = SelectionBody::of(body)?.read(&allocation, &numbering)?;
    let requester = SystemId::parse(caller.system());
    let requester = requester.map_err(|error| Problem::bad_request(error.to_string()))?;
    let actor = caller.actor();
    let request = Request {
        requester: &requester,
        actor: &actor,
        key: &key,
        selection,
        fate,
        reason: &reason,
    };
    let now = rfc3339_ms(hub.clock.now());
    let (change, is_replay) =
        hub.store.numbers_give_up(&hub.objects, &allocation.id, &request, &now).await.map_err(
            |error| {
                let text =
                    |index: u64| numbering.text_of(allocation.start.saturating_add(index.into()));
                give_up_problem(&error, text)
            },
        )?;
    note(&allocation, &change, is_replay);
    let answer = Json(GiveBackView::new(&change));
    if is_replay {
        return Ok(([(REPLAY, HeaderValue::from_static("true"))], answer).into_response());
    }
    Ok(answer.into_response())
}

fn note(allocation: &Allocation, change: &NumberChange, is_replay: bool) {
    let (id, fate) = (allocation.id.as_str(), change.fate.as_str());
    let taken = change.done.as_ref().map_or(0, |done| done.taken);
    tracing::info!(allocation.id = id, fate, taken, is_replay, "numbers given up");
}

fn required_key(headers: &HeaderMap) -> Result<RequestId, Problem> {
    let refused = |detail: String| {
        Problem::bad_request("The change needs a name.").violation("header Idempotency-Key", detail)
    };
    let key = idempotency_key(headers)?.ok_or_else(|| refused("needed".to_owned()))?;
    RequestId::parse(key).map_err(|error| refused(error.to_string()))
}

impl GiveBackBody {
    fn fate(&self) -> Result<Fate, Problem> {
        Fate::parse(&self.fate).ok_or_else(|| {
            Problem::bad_request("The fate is not known.")
                .violation("/fate", "one of return, deactivate, destroy")
        })
    }
}

impl GiveBackView {
    fn new(change: &NumberChange) -> Self {
        let taken = change.done.as_ref().map_or(0, |done| done.taken);
        Self {
            change_id: change.id.clone(),
            allocation_id: change.allocation_id.to_string(),
            fate: change.fate.as_str(),
            reason: change.reason.clone(),
            selected: change.decided,
            taken,
            used_meanwhile: change.decided.saturating_sub(taken),
            offered_again: change.offers,
            document: change.content_sha256.clone(),
            decided_at: change.at.clone(),
        }
    }
}

pub(crate) fn give_up_problem(error: &GiveUpError, text: impl Fn(u64) -> String) -> Problem {
    match error {
        GiveUpError::KeyReuse => {
            Problem::new(ProblemKind::IdempotencyKeyReuse).detail(error.to_string())
        }
        GiveUpError::State(status) => Problem::new(ProblemKind::AllocationState)
            .detail(error.to_string())
            .with("status_now", status.as_str()),
        GiveUpError::Used { count, first } => {
            let serials: Vec<String> = first.iter().map(|index| text(*index)).collect();
            Problem::unprocessable(error.to_string()).with("count", *count).with("serials", serials)
        }
        GiveUpError::TooManyBlocks { .. } => Problem::new(ProblemKind::SizeLimit)
            .detail(error.to_string())
            .with("max", store::number_change::NUMBERS_MAX),
        GiveUpError::Store(error) => store_problem(error),
    }
}
