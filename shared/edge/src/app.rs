//! The door around a router: path guard, problems for what the router does not answer, the size
//! limit of answers, and the one log line and the one line of metrics of an invocation.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri, header};
use lambda_http::RequestExt;
use tower::{Service, ServiceExt};
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::metrics::{self, Measures, Metric};
use crate::path_guard::has_one_reading;
use crate::problem::{Problem, ProblemKind};
use crate::profile::TenantProfile;
use crate::response_guard;

/// What [`crate::Caller`] needs to judge a request.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) profile: TenantProfile,
    pub(crate) clock: Clock,
}

/// A router behind the door. Answers every request; never fails.
#[derive(Clone)]
pub struct App {
    router: Router,
    gate: Gate,
}

/// Puts `router` behind the door. Its own fallbacks are replaced by 404 and 405 problems.
pub fn app(router: Router, profile: TenantProfile, clock: Clock) -> App {
    let router = router
        .layer(from_fn(remember_route))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            let problem = Problem::new(ProblemKind::MethodNotAllowed);
            problem.detail("The header Allow lists the methods of this path.")
        });
    App { router, gate: Gate { profile, clock } }
}

/// Carries the route's pattern to the log line, which may not show the path itself.
async fn remember_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

impl App {
    /// Answers one request.
    pub async fn handle<B>(&self, request: http::Request<B>) -> Response
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let request_id = request.lambda_context_ref().map(|context| context.request_id.clone());
        let span = tracing::info_span!("invocation", request_id);
        self.answered(request, request_id.as_deref()).instrument(span).await
    }

    async fn answered<B>(&self, request: http::Request<B>, request_id: Option<&str>) -> Response
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let started = Instant::now();
        let method = request.method().clone();
        let response = match self.routable(request) {
            Some(request) => answer(&self.router, request).await,
            None => Problem::not_found().into_response(),
        };
        let route = response.extensions().get::<MatchedPath>().cloned();
        let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
        let response = finish(response, request_id).await;
        let status = response.status();
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            method = method.as_str(),
            route,
            status = status.as_u16(),
            duration_ms,
            request_id = request_id.unwrap_or_default(),
            "request"
        );
        metrics::emit(
            &Measures::of("request")
                .with(Metric::RequestLatency, duration_ms)
                .with(Metric::ClientErrors, status.is_client_error())
                .with(Metric::ServerErrors, status.is_server_error())
                .about("method", method.as_str())
                .about("route", route)
                .about("status", status.as_u16()),
        );
        response
    }

    /// The request with its raw path as URI, or `None` if that path has two readings.
    fn routable<B>(&self, mut request: http::Request<B>) -> Option<http::Request<B>> {
        let raw_path = match request.raw_http_path() {
            "" => request.uri().path(),
            raw_path => raw_path,
        };
        if !has_one_reading(raw_path) {
            return None;
        }
        let uri = match request.uri().query() {
            Some(query) => format!("{raw_path}?{query}"),
            None => raw_path.to_owned(),
        };
        *request.uri_mut() = uri.parse::<Uri>().ok()?;
        request.extensions_mut().insert(self.gate.clone());
        Some(request)
    }
}

async fn answer<B>(router: &Router, request: http::Request<B>) -> Response
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    match router.clone().oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Gives problems their request id, logs the cause of a failure, and measures the answer.
async fn finish(response: Response, request_id: Option<&str>) -> Response {
    let response = match response.extensions().get::<Problem>() {
        Some(problem) => {
            log_failure(problem, request_id);
            let allow = response.headers().get(header::ALLOW).cloned();
            let mut headers = HeaderMap::new();
            if let Some(allow) = allow {
                headers.insert(header::ALLOW, allow);
            }
            let mut rendered = problem.response(request_id);
            rendered.headers_mut().extend(headers);
            rendered
        }
        None => response,
    };
    match response_guard::measured(response).await {
        Ok(response) => response,
        Err(refusal) => {
            let problem = Problem::internal(&refusal);
            log_failure(&problem, request_id);
            problem.response(request_id)
        }
    }
}

fn log_failure(problem: &Problem, request_id: Option<&str>) {
    let status = problem.kind().status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        tracing::error!(
            problem = problem.kind().slug(),
            cause = problem.cause().unwrap_or_default(),
            request_id = request_id.unwrap_or_default(),
            "request failed"
        );
    }
}

impl<B> Service<http::Request<B>> for App
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let app = self.clone();
        Box::pin(async move { Ok(app.handle(request).await) })
    }
}

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;
