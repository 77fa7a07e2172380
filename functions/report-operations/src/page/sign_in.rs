//! The sign-in form, what becomes of it, and the way out.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use edge::{Problem, ProblemKind};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use maud::{Markup, html};

use service::session::{FORM_BYTES_MAX, is_form};

use super::{Links, failed, layout, page, see};
use crate::Hub;
use crate::session::{self, Visitor, is_same_origin};

/// The fields of a form, in their order.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// A field of the form.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, Response> {
        if !is_form(request.headers()) {
            return Err(failed(Problem::new(ProblemKind::UnsupportedMediaType)));
        }
        let bytes = to_bytes(request.into_body(), FORM_BYTES_MAX).await;
        let bytes = bytes.map_err(|_| failed(Problem::new(ProblemKind::PayloadTooLarge)))?;
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

/// `GET /operations/sign-in`
pub(crate) async fn form(uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let next = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next");
    let next = next.map(|(_, value)| value.into_owned()).filter(|next| is_page(next));
    page(StatusCode::OK, view(next.as_deref().unwrap_or_default(), false))
}

/// `POST /operations/sign-in`: whatever is wrong with a token, the answer is the same.
pub(crate) async fn sign_in(
    State(hub): State<Hub>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Response> {
    if !hub.sign_in.profile.serves_lines() {
        return Err(failed(Problem::new(ProblemKind::CapabilityNotEnabled)));
    }
    let next = form.field("next").filter(|next| is_page(next)).unwrap_or_default();
    let token = form.field("token").filter(|_| is_same_origin(&headers));
    let cookie = session::open(&hub, token.unwrap_or_default()).await.map_err(failed)?;
    let Some(cookie) = cookie else {
        return Ok(page(StatusCode::FORBIDDEN, view(next, true)));
    };
    Ok(with_cookie(see(&Links::at("/operations/sign-in").to(next)), &cookie))
}

/// `POST /operations/sign-out`
pub(crate) async fn sign_out(
    State(hub): State<Hub>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Response> {
    if !visitor.sent(&headers, form.field("form_token")) {
        return Err(failed(Problem::new(ProblemKind::Forbidden)));
    }
    visitor.sign_out(&hub.store).await.map_err(failed)?;
    Ok(with_cookie(see("sign-in"), &session::no_cookie(&hub)))
}

fn with_cookie(response: Response, cookie: &str) -> Response {
    match HeaderValue::from_str(cookie) {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], response).into_response(),
        Err(error) => failed(Problem::internal(&error)),
    }
}

/// Whether a text is the address of one of our pages below `/operations`, and nothing that a browser
/// could read as another host.
pub(crate) fn is_page(text: &str) -> bool {
    matches!(text, "pools" | "spaces" | "holds" | "reviews")
        || text.split_once('/').is_some_and(|(kind, id)| {
            matches!(kind, "allocations" | "documents" | "findings" | "pools" | "reviews")
                && !id.is_empty()
                && id.len() <= 64
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn view(next: &str, refused: bool) -> Markup {
    let body = html! {
        h1 { "Sign in" }
        @if refused {
            p .notice role="alert" #refused {
                "This token is not accepted. It may be mistyped, expired or revoked, or it may not \
                 read reports. Ask the operator of the hub for a new one."
            }
        }
        form .stack method="post" action="sign-in" {
            input type="hidden" name="next" value=(next);
            // Password managers keep a token under this name.
            input type="text" name="username" value="operations" autocomplete="username" hidden;
            label for="token" { "Credential token" }
            input #token type="password" name="token" required maxlength="256"
                autocomplete="current-password" autocapitalize="off" spellcheck="false" autofocus
                aria-describedby=(if refused { "refused hint" } else { "hint" });
            p #hint .soft {
                "It begins with " code { "tp_" } " and needs the scope " code { "reports:read" }
                ". You stay signed in for 30 minutes."
            }
            div { button type="submit" { "Sign in" } }
        }
    };
    layout::outside("Sign in", Links::at("/operations/sign-in"), &body)
}

#[cfg(test)]
mod tests {
    use super::is_page;

    #[test]
    fn only_our_own_pages_are_led_back_to() {
        for page in
            ["allocations/ABC", "documents/0af", "findings/x7", "pools", "pools/AB", "reviews/AB"]
        {
            assert!(is_page(page), "{page}");
        }
        for other in [
            "",
            "//evil.example",
            "findings/",
            "findings/../x",
            "findings/a/b",
            "x/a",
            "https://evil.example",
            "documents/a?b",
            "holds/x",
            "sign-out",
            "\\evil",
        ] {
            assert!(!is_page(other), "{other}");
        }
    }
}
