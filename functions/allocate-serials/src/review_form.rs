//! `POST /operations/reviews/{id}`: the form of the page by which somebody reviews the end of a run.
//!
//! It is served here and not where the page is, because a review writes the ledger's side of the table: the page
//! has no right to. Session and form are verified as on the page, and the rest is the review of the API, its four
//! eyes included. The answer is always a 303: back to the page, which says in its own words what came of it.

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use domain::closing::Decision;
use domain::finding::Note;
use domain::ids::AllocationId;
use edge::{Problem, ProblemKind, Scope};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use service::session::{FORM_BYTES_MAX, Visitor, is_form};

use crate::Hub;
use crate::review::Review;
use crate::turn::Turn;

/// What came of a form: a word of the page's address.
enum Outcome {
    /// There is no session.
    SignIn,
    /// What was decided.
    Done(Decision),
    /// Why nothing was.
    Refused(&'static str),
}

pub(crate) async fn review(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let Ok(id) = AllocationId::parse(&id) else {
        return see("../reviews");
    };
    let (parts, body) = request.into_parts();
    let outcome = Box::pin(decide(&hub, &id, &parts.headers, body)).await;
    match outcome {
        Ok(Outcome::SignIn) => see(&format!("../sign-in?next=reviews/{id}")),
        Ok(Outcome::Done(decision)) => see(&format!("{id}?done={}", decision.as_str())),
        Ok(Outcome::Refused(why)) => see(&format!("{id}?refused={why}")),
        Err(problem) => see(&format!("{id}?refused={}", told(&problem))),
    }
}

async fn decide(
    hub: &Hub,
    id: &AllocationId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Outcome, Problem> {
    let Some(visitor) = Visitor::of(&hub.store, headers, hub.clock.now()).await? else {
        return Ok(Outcome::SignIn);
    };
    let bytes = to_bytes(body, FORM_BYTES_MAX).await.unwrap_or_default();
    let field = |wanted: &str| {
        let mut fields = form_urlencoded::parse(&bytes);
        fields.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    if !is_form(headers) || !visitor.sent(headers, field("form_token").as_deref()) {
        return Ok(Outcome::Refused("form"));
    }
    if !visitor.caller.has(Scope::FindingsWrite) {
        return Ok(Outcome::Refused("scope"));
    }
    let decision = field("decision").and_then(|word| Decision::parse(&word));
    let Some(decision) = decision.filter(|decision| *decision != Decision::Close) else {
        return Ok(Outcome::Refused("form"));
    };
    // Browsers send the line breaks of a text area as CR LF.
    let reason = field("reason").unwrap_or_default().replace("\r\n", "\n");
    let Ok(note) = Note::parse(&reason) else {
        return Ok(Outcome::Refused("reason"));
    };
    let turn = Turn::new(hub, &visitor.caller, id.as_str(), Some(note.to_string())).await?;
    let review = Review { hub, turn: &turn, decision, note };
    review.decide().await?;
    Ok(Outcome::Done(decision))
}

/// The word for a problem; the cause of a failure goes to the log, once, here.
fn told(problem: &Problem) -> &'static str {
    let kind = problem.kind();
    if kind.status().is_server_error() && kind != ProblemKind::Unavailable {
        let cause = problem.cause().unwrap_or_default();
        tracing::error!(problem = kind.slug(), cause, "review by form failed");
        return "failed";
    }
    if kind == ProblemKind::Forbidden {
        "eyes"
    } else if kind == ProblemKind::Unavailable {
        "busy"
    } else {
        "state"
    }
}

/// 303 to a relative address, kept by nobody.
fn see(address: &str) -> Response {
    let location = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("."));
    let no_store = HeaderValue::from_static("no-store");
    (StatusCode::SEE_OTHER, [(header::LOCATION, location), (header::CACHE_CONTROL, no_store)])
        .into_response()
}
