//! What this function says of its routes.

mod batch;

use domain::allocation::AllocationStatus;
use domain::closing::{Decision, Unused};
use domain::give_back::Fate;
use domain::request::Mode;
use edge::openapi::{AllocationId, Answer, Part, RequestId, Route, part};
use edge::{ProblemKind, Scope};
use http::Method;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::answer::AllocationView;
use crate::body::{LEVELS, ReserveBody};
use crate::give_back::{GiveBackBody, GiveBackView};
use crate::list::ListQuery;
use crate::reconciliation::ReconciliationView;
use crate::turn::TurnBody;

edge::words! {
    Encoding = ["SGTIN", "SSCC"], "What is numbered: packs of a product, or logistic units.";
    ChoiceWord = Mode::ALL.map(Mode::as_str), "How the numbers are chosen and told.";
    ActionCode = ["C", "P"], "Complete, or partial: fewer numbers than asked for.";
    Level = LEVELS, "The packaging level.";
    FateWord = Fate::ALL.map(Fate::as_str), "What becomes of unused numbers.";
    CodeType = ["GTIN-14"], "What a packaging code is.";
    UnusedWord = Unused::ALL.map(Unused::as_str), "What becomes of unused numbers when the run ends.";
    ReviewWord = [Decision::Accept, Decision::Reopen].map(Decision::as_str), "What a review comes to.";
    ResultWord = ["accepted", "pending_review", "reopened"], "What the end of a run came to.";
    DocumentWord = ["json", "html"], "The form of a batch document.";
    StatusWord = AllocationStatus::ALL.map(AllocationStatus::as_str),
        "Where an allocation stands.";
}

/// A serial number as it is printed, exact to the character.
#[derive(Debug, ToSchema)]
#[schema(min_length = 1, max_length = 20, pattern = "^[!\"%&'()*+,./0-9:;<=>?A-Z_a-z-]+$")]
pub(crate) struct SerialText(#[expect(dead_code, reason = "only its schema is used")] String);

const ALLOCATIONS: &str = "/api/v1/l3/allocations";
const ALLOCATION: &str = "/api/v1/l3/allocations/{id}";
const RECONCILIATION: &str = "/api/v1/l3/allocations/{id}/reconciliation";
const CONFIRM: &str = "/api/v1/l3/allocations/{id}/confirm";
const VOID: &str = "/api/v1/l3/allocations/{id}/void";
const RETURN: &str = "/api/v1/l3/allocations/{id}/return";

/// The routes of [`crate::router`] as OpenAPI.
#[must_use]
pub fn openapi() -> Part {
    let (read, write) = (&[Scope::AllocationsRead], &[Scope::AllocationsWrite]);
    let id = "The allocation.";
    let turn = |path, name, summary, description, example| {
        Route::new(&Method::POST, path, name, write)
            .says(summary, description)
            .path::<AllocationId>("id", id)
            .optional_body::<TurnBody>(example)
            .answers(Answer::json::<AllocationView>(200, "The allocation as it is now."))
            .refuses(&[ProblemKind::AllocationState])
    };
    part(
        "allocate-serials",
        "Numbers reserved for packaging runs. A request id of a system means one allocation for ever.",
        vec![
            reserve(write),
            Route::new(&Method::GET, ALLOCATIONS, "allocation_list", read)
                .says("List allocations", "Newest first; may lag a moment.")
                .query::<ListQuery>()
                .answers(Answer::list::<AllocationView>("One page.")),
            Route::new(&Method::GET, ALLOCATION, "allocation_fetch", read)
                .says("Fetch an allocation", "")
                .path::<AllocationId>("id", id)
                .answers(Answer::json::<AllocationView>(200, "The allocation.")),
            Route::new(&Method::GET, RECONCILIATION, "allocation_reconciliation", read)
                .says("Where every reserved number is", "Computed from the ledger on each call.")
                .path::<AllocationId>("id", id)
                .answers(Answer::json::<ReconciliationView>(200, "The balance and the findings.")),
            turn(
                CONFIRM,
                "allocation_confirm",
                "Keep numbers that are held",
                "Until then they are neither exported nor dropped as a file, and when the hold ends they are \
                 given up. Doing it again changes nothing, nor for an allocation that was not held.",
                json!({ "reason": "order released" }),
            ),
            turn(
                VOID,
                "allocation_void",
                "Give up an allocation before any of its numbers was used",
                "Doing it again changes nothing.",
                json!({ "reason": "wrong order" }),
            ),
            give_back(write),
            batch::close(),
            batch::review(),
            batch::review_form(),
            batch::document(),
        ],
    )
}

fn give_back(scopes: &[Scope]) -> Route {
    Route::new(&Method::POST, RETURN, "allocation_return", scopes)
        .says(
            "Return, deactivate or destroy unused numbers",
            "Numbers are named as `serials`, as `ranges` or as `all_unused`, of at most 100 blocks of 32,768 \
             numbers. A list or ranges with one number that is not of the allocation or not unused change \
             nothing. Encoded labels can be destroyed, not returned. The same key with the same body is \
             answered the same.",
        )
        .path::<AllocationId>("id", "The allocation.")
        .header::<RequestId>("Idempotency-Key", "The caller's name for this change; needed.")
        .body::<GiveBackBody>(json!({
            "ranges": [{ "from": "000000010000", "to": "000000010499" }],
            "fate": "return",
            "reason": "order cut short",
        }))
        .answers(
            Answer::json::<GiveBackView>(200, "What was done.")
                .with_header("Idempotent-Replay", "`true` where this request had done it before."),
        )
        .refuses(&[
            ProblemKind::AllocationState,
            ProblemKind::IdempotencyKeyReuse,
            ProblemKind::Unprocessable,
            ProblemKind::SizeLimit,
            ProblemKind::ModeNotAllowed,
        ])
}

fn reserve(scopes: &[Scope]) -> Route {
    Route::new(&Method::POST, ALLOCATIONS, "allocation_reserve", scopes)
        .says(
            "Reserve numbers",
            "Needs `request_id` or the header `Idempotency-Key`; if both are given they agree. The same \
             request again gives the same allocation. Without `pool_id` the hub takes the active pool of \
             the GTIN with enough numbers and the lowest boundary.",
        )
        .header::<RequestId>("Idempotency-Key", "The caller's name for this request.")
        .body::<ReserveBody>(new_allocation())
        .answers(
            Answer::json::<AllocationView>(201, "The new allocation.")
                .with_header("Location", "The path of the allocation."),
        )
        .answers(
            Answer::json::<AllocationView>(200, "The allocation that this request made before.")
                .with_header("Idempotent-Replay", "`true`."),
        )
        .refuses(&[
            ProblemKind::LineNotBound,
            ProblemKind::NotFound,
            ProblemKind::IdempotencyKeyReuse,
            ProblemKind::Unprocessable,
            ProblemKind::InsufficientSerialNumbers,
            ProblemKind::SizeLimit,
            ProblemKind::ModeNotAllowed,
            ProblemKind::PoolInactive,
            ProblemKind::TooManyRequests,
        ])
}

fn new_allocation() -> Value {
    json!({
        "request_id": "REQ-20261123-0007",
        "encoding": "SGTIN",
        "gtin": "00313000007772",
        "quantity": 5_000,
        "mode": "range",
        "packaging_level": "EA",
        "filter_value": 1,
        "lot": "LOT42",
        "expiry": "2028-10-31",
        "manufactured": "2026-11-01",
        "work_order": "WO-1",
    })
}
