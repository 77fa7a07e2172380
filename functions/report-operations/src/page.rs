//! `/operations`: the scorecard as a page, for people on shift.
//!
//! | Route | Answers |
//! |---|---|
//! | `GET /operations` | the page; 303 to the sign-in without a session |
//! | `GET /operations/sign-in` | the form |
//! | `POST /operations/sign-in` | 303 and the cookie; 403 and the form again |
//! | `POST /operations/sign-out` | 303 and no cookie |
//! | `GET /operations/allocations/{id}`, `/documents/{sha256}`, `/findings/{id}` | 200, 404 |
//! | `GET /operations/allocations/{id}/batch-document/{revision}` | the document as it was kept; 404 |
//! | `GET /operations/pools`, `/pools/{id}`, `/spaces` | 200; 403 without `pools:read`; 404 |
//! | `GET /operations/holds`, `/reviews`, `/reviews/{id}` | 200, 404 |
//! | `POST /operations/documents/{sha256}/retry`, `/reject`, `/reprocess` | 303; 422 and the page again |
//! | `POST /operations/findings/{id}/acknowledge`, `/resolve` | 303; 422 and the page again |
//! | `GET /operations/api-docs` | the description of the API, to browse |
//! | `GET /operations/icon.svg` | the icon |
//!
//! Rendered here, without scripts and without anything from another host. Links are relative: the
//! gateway may put a stage or more before the path, and the function does not know it. Numbers come
//! from the scorecard and so cannot differ from it.
//!
//! The policy allows one style sheet, named by its hash, our own icon and forms to ourselves.

mod allocation;
mod batch;
mod chart;
mod dashboard;
mod document;
mod finding;
mod holds;
pub(crate) mod layout;
mod pool;
mod pools;
mod query;
mod reviews;
mod sign_in;
mod spaces;
mod todo;
mod words;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use data_encoding::BASE64;
use edge::{Problem, ProblemKind};
use http::{HeaderValue, StatusCode, header};
use maud::{Markup, html};
use sha2::{Digest, Sha256};

use crate::{Hub, openapi_page};

/// The style sheet of all pages.
const STYLE: &str = include_str!("../assets/page.css");
const ICON: &str = include_str!("../assets/icon.svg");

/// The routes of the page.
pub(crate) fn router() -> Router<Hub> {
    Router::new()
        .route("/operations", get(dashboard::show))
        .route("/operations/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/operations/sign-out", post(sign_in::sign_out))
        .route("/operations/allocations/{id}", get(allocation::show))
        .route("/operations/allocations/{id}/batch-document/{revision}", get(batch::show))
        .route("/operations/pools", get(pools::show))
        .route("/operations/pools/{id}", get(pool::show))
        .route("/operations/spaces", get(spaces::show))
        .route("/operations/holds", get(holds::show))
        .route("/operations/reviews", get(reviews::list))
        .route("/operations/reviews/{id}", get(reviews::show))
        .route("/operations/documents/{sha256}", get(document::show))
        .route("/operations/documents/{sha256}/{verb}", post(document::act))
        .route("/operations/findings/{id}", get(finding::show))
        .route("/operations/findings/{id}/acknowledge", post(finding::acknowledge))
        .route("/operations/findings/{id}/resolve", post(finding::resolve))
        .route("/operations/api-docs", get(openapi_page::browse))
        .route("/operations/icon.svg", get(icon))
        .layer(from_fn(closed))
}

async fn icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], ICON).into_response()
}

/// Gives every answer the headers that let a browser do nothing but show it.
async fn closed(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let style = BASE64.encode(&Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A document that was kept as a page has a policy of its own.
    if let (false, Ok(policy)) =
        (headers.contains_key(header::CONTENT_SECURITY_POLICY), HeaderValue::from_str(&policy))
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// How the pages at one depth below the gateway's prefix name each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Links {
    depth: usize,
}

impl Links {
    /// The links of a page at a path such as `/operations/findings/x`.
    pub(crate) fn at(path: &str) -> Self {
        let below = path.trim_start_matches('/').split('/').count().saturating_sub(1);
        Self { depth: below }
    }

    /// The address of a page below `/operations`; of `/operations` itself with an empty `page`.
    pub(crate) fn to(self, page: &str) -> String {
        match (self.depth, page) {
            (0, "") => "operations".to_owned(),
            (0, page) => format!("operations/{page}"),
            (depth, "") => format!("{}operations", "../".repeat(depth)),
            (1, page) => page.to_owned(),
            (depth, page) => format!("{}{page}", "../".repeat(depth.saturating_sub(1))),
        }
    }
}

/// Leads a browser without a session to the sign-in, and from there back.
pub(crate) fn to_sign_in(path: &str) -> Response {
    let links = Links::at(path);
    let back = path.strip_prefix("/operations/").filter(|back| sign_in::is_page(back));
    let query = back.map(|back| format!("?next={back}")).unwrap_or_default();
    see(&format!("{}{query}", links.to("sign-in")))
}

/// 303 to a relative address.
pub(crate) fn see(address: &str) -> Response {
    let location = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("."));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// A whole page as an answer.
pub(crate) fn page(status: StatusCode, markup: Markup) -> Response {
    (status, Html(markup.into_string())).into_response()
}

/// A problem for a person. The cause of a failure goes to the log, once, here.
#[expect(clippy::needless_pass_by_value, reason = "this is what `map_err` gives")]
pub(crate) fn failed(problem: Problem) -> Response {
    let (kind, status) = (problem.kind(), problem.kind().status());
    if status.is_server_error() {
        let cause = problem.cause().unwrap_or_default();
        tracing::error!(problem = kind.slug(), cause, "page failed");
    }
    let advice = if kind == ProblemKind::NotFound {
        "There is no such page, or it is not yours to see."
    } else if kind == ProblemKind::CapabilityNotEnabled {
        "This tenant assigns no serial numbers."
    } else if kind == ProblemKind::Forbidden {
        "Your credential may not do this, or the form was not sent from its page. Go back and try again, \
         or sign in with another credential."
    } else if kind == ProblemKind::Unavailable {
        "Try again in a moment."
    } else {
        "Go back and try again."
    };
    let body = html! {
        h1 { (kind.title()) }
        p { (advice) }
    };
    page(status, layout::bare(kind.title(), &body))
}

#[cfg(test)]
mod tests {
    use super::Links;

    #[test]
    fn links_lead_from_every_depth_to_every_page() {
        let check = |path: &str, page: &str, expected: &str| {
            assert_eq!(Links::at(path).to(page), expected, "{path} {page}");
        };
        check("/operations", "", "operations");
        check("/operations", "sign-in", "operations/sign-in");
        check("/operations/sign-in", "", "../operations");
        check("/operations/sign-in", "icon.svg", "icon.svg");
        check("/operations/findings/x", "", "../../operations");
        check("/operations/findings/x", "documents/y", "../documents/y");
        check("/operations/findings/x/resolve", "findings/x", "../../findings/x");
    }
}
