//! From errors to problems; every variant by name.

use domain::allocation::AllocationStatus;
use domain::request::Mode;
use edge::{Problem, ProblemKind};
use service::store_problem;
use store::allocation::ChangeError;
use store::allocation::hold::ConfirmError;
use store::reserve::ReserveError;

pub(crate) fn reserve_problem(error: &ReserveError) -> Problem {
    match error {
        ReserveError::IdReuse => {
            Problem::new(ProblemKind::IdempotencyKeyReuse).detail(error.to_string())
        }
        ReserveError::NoPool => {
            Problem::not_found().detail("No pool serves this GTIN or company prefix.")
        }
        ReserveError::OtherKey => Problem::unprocessable("The pool serves other numbers.")
            .violation("/pool_id", "a pool of the request's GTIN or company prefix"),
        ReserveError::Inactive => Problem::new(ProblemKind::PoolInactive).detail(error.to_string()),
        ReserveError::ModeNotAllowed { scheme, .. } => Problem::new(ProblemKind::ModeNotAllowed)
            .detail(error.to_string())
            .violation("/mode", modes(scheme)),
        ReserveError::SizeLimit { max } => Problem::new(ProblemKind::SizeLimit)
            .detail(error.to_string())
            .violation("/quantity", format!("at most {max}"))
            .with("max", *max),
        ReserveError::Insufficient { available } => {
            Problem::new(ProblemKind::InsufficientSerialNumbers)
                .detail(error.to_string())
                .with("available", available.to_string())
        }
        ReserveError::TooManyOpen => {
            Problem::new(ProblemKind::TooManyRequests).detail(error.to_string())
        }
        ReserveError::Swept => Problem::unavailable(error),
        ReserveError::Store(error) => store_problem(error),
    }
}

/// The modes in which numbers of a scheme can be told.
fn modes(scheme: &str) -> String {
    let all = Mode::ALL.into_iter().filter(|mode| mode.schemes().contains(&scheme));
    format!("one of {}", all.map(Mode::as_str).collect::<Vec<_>>().join(", "))
}

pub(crate) fn confirm_problem(error: &ConfirmError) -> Problem {
    match error {
        ConfirmError::Ended { ends_at } => Problem::new(ProblemKind::AllocationState)
            .detail(error.to_string())
            .with("status_now", AllocationStatus::Expired.as_str())
            .with("ended_at", ends_at.clone()),
        ConfirmError::Change(error) => change_problem(error),
    }
}

pub(crate) fn change_problem(error: &ChangeError) -> Problem {
    match error {
        ChangeError::Transition(refused) => Problem::new(ProblemKind::AllocationState)
            .detail(refused.to_string())
            .with("status_now", refused.status.as_str()),
        ChangeError::Store(error) => store_problem(error),
    }
}
