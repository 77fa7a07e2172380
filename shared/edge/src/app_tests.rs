use super::{App, app};
use crate::caller::{AuthorizerContext, Caller};
use crate::clock::Clock;
use crate::event::HttpEvent;
use crate::problem::Problem;
use crate::profile::TenantProfile;
use crate::scope::Scope;
use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http_body_util::BodyExt;
use serde_json::Value;
use time::macros::datetime;

async fn guarded(caller: Caller, Path(id): Path<String>) -> Result<String, Problem> {
    caller.require(Scope::PoolsRead)?;
    Ok(format!("{} {id}", caller.system()))
}

fn door(profile: TenantProfile) -> App {
    let router = Router::new()
        .route("/health", get(async || "ok"))
        .route("/api/v1/l3/pools/{id}", get(guarded))
        .route("/large/{bytes}", get(async |Path(bytes): Path<usize>| "a".repeat(bytes)))
        .route("/broken", get(async || Problem::internal(&std::io::Error::other("inside"))));
    app(router, profile, Clock::fixed(datetime!(2026-11-23 10:00 UTC)))
}

fn context(scopes: &str) -> AuthorizerContext {
    AuthorizerContext { system: "l1".into(), scopes: scopes.into(), ..AuthorizerContext::default() }
}

async fn send(door: &App, event: HttpEvent) -> (u16, String, http::HeaderMap) {
    let response = door.handle(event.request().unwrap()).await;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap(), headers)
}

async fn slug(door: &App, event: HttpEvent) -> (u16, String) {
    let (status, body, headers) = send(door, event).await;
    assert_eq!(headers["content-type"], "application/problem+json");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["status"], status);
    let kind = body["type"].as_str().unwrap();
    (status, kind.rsplit('/').next().unwrap().to_owned())
}

#[tokio::test]
async fn refusals_come_in_the_order_credential_capability_scope() {
    let path = "/api/v1/l3/pools/p1";
    for profile in TenantProfile::ALL {
        let door = door(profile);
        assert_eq!(slug(&door, HttpEvent::get(path)).await, (401, "unauthorized".into()));
        let wrong = slug(&door, HttpEvent::get(path).caller(&context("pools:write"))).await;
        let right = HttpEvent::get(path).caller(&context("pools:read"));
        if profile.serves_lines() {
            assert_eq!(wrong, (403, "forbidden".into()));
            let (status, body, _) = send(&door, right).await;
            assert_eq!((status, body.as_str()), (200, "l1 p1"));
        } else {
            assert_eq!(wrong, (403, "capability-not-enabled".into()));
            assert_eq!(slug(&door, right).await, (403, "capability-not-enabled".into()));
        }
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() {
    let door = door(TenantProfile::Manufacturer);
    assert_eq!(slug(&door, HttpEvent::get("/nothing")).await, (404, "not-found".into()));
    let post = HttpEvent::new("POST", "/health");
    assert_eq!(slug(&door, post).await, (405, "method-not-allowed".into()));
    let (_, _, headers) = send(&door, HttpEvent::new("POST", "/health")).await;
    assert_eq!(headers["allow"], "GET,HEAD");
}

#[tokio::test]
async fn path_tricks_reach_no_route() {
    let door = door(TenantProfile::Manufacturer);
    for path in [
        "/api/v1/l3/pools/..%2F..%2F..%2F..%2Fhealth",
        "/api/v1/l3/pools/%2e%2e/%2e%2e/%2e%2e/%2e%2e/health",
        "/x/../health",
        "/x/..%2Fhealth",
        "//health",
        "/./health",
        "/health%00",
        "/%68ealth",
        "/health%23x",
        "/health\\",
        "/api/v1/l3/pools/a%2Fb",
        "health",
        "",
        "\u{1}",
        "/hé",
    ] {
        let event = HttpEvent::get(path).caller(&context("operator"));
        assert_eq!(slug(&door, event).await, (404, "not-found".into()), "{path}");
    }
}

#[tokio::test]
async fn odd_hosts_and_queries_never_break_the_door() {
    let door = door(TenantProfile::Manufacturer);
    let long = "a".repeat(100_000);
    for (host, query) in [
        ("a b", ""),
        ("[", "x=1"),
        ("", "%"),
        ("h", "a=\u{7f}é\" <>`#"),
        ("h", "\r\n"),
        ("h", long.as_str()),
    ] {
        let event = HttpEvent::get("/health").header("host", host).query(query);
        let (status, _, _) = send(&door, event).await;
        assert!(status == 200 || status == 404, "{host} {query:.20}: {status}");
    }
}

#[tokio::test]
async fn an_answer_that_the_gateway_would_refuse_is_a_500_problem() {
    let door = door(TenantProfile::Manufacturer);
    let (status, body, _) = send(&door, HttpEvent::get("/large/5999000")).await;
    assert_eq!((status, body.len()), (200, 5_999_000));
    let refused = slug(&door, HttpEvent::get("/large/6000000")).await;
    assert_eq!(refused, (500, "internal".into()));
}

#[tokio::test]
async fn a_failure_shows_its_title_and_hides_its_cause() {
    let door = door(TenantProfile::Manufacturer);
    let (status, body, _) = send(&door, HttpEvent::get("/broken")).await;
    assert_eq!(status, 500);
    assert!(body.contains("Internal error") && !body.contains("inside"), "{body}");
}
