//! Error answers after RFC 9457 (`application/problem+json`) with stable types.
//!
//! [`ProblemKind::ALL`] is the table that README shows. A 4xx says what was wrong; a 5xx says only
//! its title and the request id, and its cause goes to the log, once, where the answer leaves.

use std::error::Error;
use std::fmt::Write;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

/// Where the types live; the slug of a kind is appended.
pub const TYPE_BASE: &str = "https://pharmatrace.dev/problems/";

/// The challenge of a 401: the two ways to present a credential.
pub const CHALLENGE: &str =
    r#"Bearer realm="pharmatrace", Basic realm="pharmatrace", charset="UTF-8""#;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $slug:literal, $title:literal;)*) => {
        /// One row of the problem table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemKind { $($(#[$doc])* $name,)* }

        impl ProblemKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The last segment of the type's URI.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// The HTTP status of this kind.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// The short text that never changes between occurrences.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

kinds! {
    /// The request cannot be read: bad JSON, unknown field or parameter, bad form of a value.
    Validation = BAD_REQUEST, "validation", "The request is not valid";
    /// The request can be read, but its values contradict a rule. Same type as `Validation`.
    Unprocessable = UNPROCESSABLE_ENTITY, "validation", "The request is not valid";
    /// No credential, or one that is unknown, revoked or expired.
    Unauthorized = UNAUTHORIZED, "unauthorized", "A valid credential is required";
    /// The credential lacks the scope.
    Forbidden = FORBIDDEN, "forbidden", "The credential does not allow this";
    /// The credential is bound to other lines.
    LineNotBound = FORBIDDEN, "line-not-bound", "The credential is bound to other lines";
    /// The tenant's profile does not open these routes.
    CapabilityNotEnabled = FORBIDDEN, "capability-not-enabled",
        "The tenant's profile does not enable this";
    /// Nothing here, or nothing that this caller may see.
    NotFound = NOT_FOUND, "not-found", "Not found";
    /// The resource exists, the method does not.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here";
    /// The same request id came with another body.
    IdempotencyKeyReuse = CONFLICT, "idempotency-key-reuse",
        "The request id was used with another body";
    /// The boundaries overlap those of another pool of the GTIN.
    PoolOverlap = CONFLICT, "pool-overlap", "The pool overlaps another one";
    /// The pool and another source of the GTIN could print the same text (`texts`), case folded.
    SpaceClash = CONFLICT, "space-clash", "The pool could print the numbers of another source";
    /// The allocation's status forbids the step.
    AllocationState = CONFLICT, "allocation-state", "The allocation's status forbids this";
    /// The finding's status forbids the step, or it was done before for another reason.
    FindingState = CONFLICT, "finding-state", "The finding's status forbids this";
    /// The document's status forbids the step.
    DocumentState = CONFLICT, "document-state", "The document's status forbids this";
    /// A file could not be written in the background; it rests for a while.
    ExportFailed = CONFLICT, "export-failed", "The export failed";
    /// The body exceeds the limit.
    PayloadTooLarge = PAYLOAD_TOO_LARGE, "payload-too-large", "The body is too large";
    /// The body's content type is not supported.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type",
        "The content type is not supported";
    /// The pool holds fewer numbers than asked for (`available`).
    InsufficientSerialNumbers = UNPROCESSABLE_ENTITY, "insufficient-serial-numbers",
        "Too few serial numbers are left";
    /// More than the pool's largest request (`max`).
    SizeLimit = UNPROCESSABLE_ENTITY, "size-limit", "The quantity exceeds the limit";
    /// The pool does not allow this mode.
    ModeNotAllowed = UNPROCESSABLE_ENTITY, "mode-not-allowed", "The mode is not allowed";
    /// The finding has no equivalent in the format that was asked for.
    NotExportable = UNPROCESSABLE_ENTITY, "not-exportable", "The finding has no such export";
    /// The pool is suspended.
    PoolInactive = LOCKED, "pool-inactive", "The pool is not active";
    /// Too many calls at once; try again after `Retry-After` seconds.
    TooManyRequests = TOO_MANY_REQUESTS, "too-many-requests", "Too many requests";
    /// A defect or an unexpected failure.
    Internal = INTERNAL_SERVER_ERROR, "internal", "Internal error";
    /// A passing failure; try again after `Retry-After` seconds.
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable";
}

impl ProblemKind {
    /// The stable URI of this kind.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("{TYPE_BASE}{}", self.slug())
    }
}

/// The table of all kinds in Markdown, as README shows it.
#[must_use]
pub fn markdown_table() -> String {
    let head = "| Type | Status | Title |\n|---|---|---|\n".to_owned();
    let row = |kind: &ProblemKind| {
        format!("| `{}` | {} | {} |\n", kind.slug(), kind.status().as_u16(), kind.title())
    };
    head + &ProblemKind::ALL.iter().map(row).collect::<String>()
}

/// One thing wrong with a request. `pointer` is a JSON pointer (RFC 6901) into the body, or
/// `?name` for a query parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Violation {
    pub pointer: String,
    pub detail: String,
}

/// An error answer. Build it with a kind and add what the caller may know.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ProblemKind,
    detail: Option<String>,
    violations: Vec<Violation>,
    extensions: Map<String, Value>,
    retry_after_seconds: Option<u32>,
    cause: Option<String>,
}

impl Problem {
    /// A problem with the kind's title and nothing else.
    #[must_use]
    pub fn new(kind: ProblemKind) -> Self {
        let retry_after_seconds = match kind.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(1),
            _ => None,
        };
        Self(Box::new(Inner {
            kind,
            detail: None,
            violations: Vec::new(),
            extensions: Map::new(),
            retry_after_seconds,
            cause: None,
        }))
    }

    /// 400 `validation`.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Validation).detail(detail)
    }

    /// 422 `validation`.
    #[must_use]
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Unprocessable).detail(detail)
    }

    /// 404 `not-found`, the same for what does not exist and for what is not the caller's (I8).
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ProblemKind::NotFound)
            .detail("There is nothing under this path, or nothing that the credential may see.")
    }

    /// 500 `internal`; `cause` and its sources are logged, never sent.
    #[must_use]
    pub fn internal(cause: &dyn Error) -> Self {
        Self::new(ProblemKind::Internal).caused_by(cause)
    }

    /// 503 `unavailable` with `Retry-After: 1`; `cause` is logged, never sent.
    #[must_use]
    pub fn unavailable(cause: &dyn Error) -> Self {
        Self::new(ProblemKind::Unavailable).caused_by(cause)
    }

    /// What happened this time, for the caller.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds one thing that is wrong with the request.
    #[must_use]
    pub fn violation(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let violation = Violation { pointer: pointer.into(), detail: detail.into() };
        self.0.violations.push(violation);
        self
    }

    /// Adds an extension member such as `available` or `max`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the `Retry-After` header, in seconds.
    #[must_use]
    pub fn retry_after_seconds(mut self, seconds: u32) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// Keeps the text of `cause` and its sources for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: &dyn Error) -> Self {
        let mut text = cause.to_string();
        let mut next = cause.source();
        while let Some(source) = next {
            // Writing to a String cannot fail.
            if write!(text, ": {source}").is_err() {
                break;
            }
            next = source.source();
        }
        self.0.cause = Some(text);
        self
    }

    /// The row of the table.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        self.0.kind
    }

    /// What the log shall know and the caller not.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The violations so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The answer, with the request id where it is known.
    #[must_use]
    pub fn response(&self, request_id: Option<&str>) -> Response {
        let inner = &self.0;
        let status = inner.kind.status();
        let body = self.body(request_id).to_string();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Some(seconds) = inner.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    pub(crate) fn body(&self, request_id: Option<&str>) -> Value {
        let inner = &self.0;
        let mut body = Map::new();
        body.insert("type".into(), inner.kind.type_uri().into());
        body.insert("title".into(), inner.kind.title().into());
        body.insert("status".into(), inner.kind.status().as_u16().into());
        if let Some(id) = request_id {
            body.insert("instance".into(), format!("urn:uuid:{id}").into());
        }
        if inner.kind.status().is_server_error() {
            body.insert("request_id".into(), request_id.into());
            return Value::Object(body);
        }
        if let Some(detail) = &inner.detail {
            body.insert("detail".into(), detail.as_str().into());
        }
        if !inner.violations.is_empty() {
            let violations = inner.violations.iter().map(|violation| {
                serde_json::json!({"pointer": violation.pointer, "detail": violation.detail})
            });
            body.insert("violations".into(), violations.collect());
        }
        for (name, value) in &inner.extensions {
            body.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(body)
    }
}

impl IntoResponse for Problem {
    /// The problem itself travels in the response's extensions, so that the door can add the
    /// request id and log the cause.
    fn into_response(self) -> Response {
        let mut response = self.response(None);
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::{Problem, ProblemKind};
    use std::collections::HashSet;

    #[test]
    fn each_slug_is_kebab_case_and_means_one_thing() {
        let mut seen = HashSet::new();
        for kind in ProblemKind::ALL {
            assert!(kind.slug().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
            assert!(seen.insert((kind.slug(), kind.status())), "{kind:?}");
        }
        assert_eq!(ProblemKind::ALL.len(), 25);
    }

    #[test]
    fn the_table_has_a_row_for_each_kind() {
        let table = super::markdown_table();
        assert_eq!(table.lines().count(), ProblemKind::ALL.len() + 2);
        assert!(table.contains("| `pool-inactive` | 423 | The pool is not active |"));
    }

    #[test]
    fn a_client_error_carries_detail_violations_and_extensions() {
        let problem = Problem::bad_request("no").violation("/gtin", "bad").with("max", 5);
        let body = problem.body(Some("7f"));
        assert_eq!(body["type"], "https://pharmatrace.dev/problems/validation");
        assert_eq!(body["status"], 400);
        assert_eq!(body["detail"], "no");
        assert_eq!(body["violations"][0]["pointer"], "/gtin");
        assert_eq!(body["max"], 5);
        assert_eq!(body["instance"], "urn:uuid:7f");
    }

    #[test]
    fn an_extension_never_replaces_a_member_of_the_problem() {
        let body = Problem::not_found().with("status", 200).body(None);
        assert_eq!(body["status"], 404);
    }

    #[test]
    fn a_server_error_says_only_its_title_and_request_id() {
        let cause = std::io::Error::other("table gone");
        let problem = Problem::internal(&cause).detail("secret").with("key", "secret");
        let body = problem.body(Some("7f"));
        assert!(!body.to_string().contains("secret") && !body.to_string().contains("table"));
        assert_eq!(body["request_id"], "7f");
        assert_eq!(problem.cause(), Some("table gone"));
    }

    #[test]
    fn unauthorized_names_both_ways_and_unavailable_says_when() {
        let response = Problem::new(ProblemKind::Unauthorized).response(None);
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("Bearer") && challenge.contains("Basic"));
        let response = Problem::new(ProblemKind::Unavailable).response(None);
        assert_eq!(response.headers()["retry-after"], "1");
    }
}
