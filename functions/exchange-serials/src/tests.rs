use edge::{App, AuthorizerContext, Clock, Entropy, HttpEvent, TenantProfile, app};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::client::{AwsSettings, https, s3};
use store::{Buckets, Objects};
use time::macros::datetime;

use super::upload::UPLOAD_BYTES_MAX;
use super::{Hub, router};

const UPLOADS: &str = "/api/v1/l3/uploads";

fn door(profile: TenantProfile) -> App {
    let endpoint = Some("http://127.0.0.1:9".to_owned());
    let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
    let buckets =
        Buckets { inbound: "in".into(), outbound: "out".into(), documents: "docs".into() };
    let objects = Objects { s3: s3(&settings, &https()), buckets };
    let clock = Clock::fixed(datetime!(2026-11-23 23:50 UTC));
    let entropy = Entropy::from_fn(|bytes| bytes.fill(0xab));
    app(router(Hub { objects, clock: clock.clone(), entropy }), profile, clock)
}

fn context(scopes: &str) -> AuthorizerContext {
    let (system, scopes) = ("L1".to_owned(), scopes.to_owned());
    AuthorizerContext { system, scopes, ..AuthorizerContext::default() }
}

fn post(body: &Value) -> HttpEvent {
    HttpEvent::new("POST", UPLOADS).json(body)
}

async fn send(door: &App, event: HttpEvent) -> (u16, Value) {
    let response = door.handle(event.request().unwrap()).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn slug(body: &Value) -> &str {
    body["type"].as_str().unwrap().rsplit('/').next().unwrap()
}

#[tokio::test]
async fn an_upload_goes_below_the_callers_own_prefix_for_fifteen_minutes() {
    let door = door(TenantProfile::Prepackager);
    let unique = "ab".repeat(16);
    let named = json!({
        "file_name": "run-7.xml.gz", "content_type": "application/gzip",
        "content_length": UPLOAD_BYTES_MAX
    });
    for (body, tail, headers) in [
        (named, "-run-7.xml.gz", json!({"content-type": "application/gzip"})),
        (json!({}), "", json!({})),
        (json!({"file_name": null}), "", json!({})),
    ] {
        let (status, answer) = send(&door, post(&body).caller(&context("uploads:write"))).await;
        assert_eq!(status, 201, "{answer}");
        let key = format!("inbound/L1/2026-11-23/{unique}{tail}");
        assert_eq!(answer["key"], key);
        assert_eq!((&answer["bucket"], &answer["method"]), (&json!("in"), &json!("PUT")));
        assert_eq!(answer["headers"], headers);
        assert_eq!(answer["expires_at"], "2026-11-24T00:05:00.000Z");
        let url = answer["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("http://127.0.0.1:9/in/{key}?")), "{url}");
        assert!(url.contains("X-Amz-Expires=900"), "{url}");
        assert!(url.contains("X-Amz-SignedHeaders=host&"), "{url}");
    }
    let empty = HttpEvent::new("POST", UPLOADS).caller(&context("operator"));
    assert_eq!(send(&door, empty).await.0, 201);
}

#[tokio::test]
async fn names_that_could_leave_the_prefix_and_sizes_beyond_the_limit_are_refused() {
    let door = door(TenantProfile::Manufacturer);
    let long = "a".repeat(129);
    for (body, status, kind) in [
        (json!({"file_name": "../x"}), 400, "validation"),
        (json!({"file_name": ".."}), 400, "validation"),
        (json!({"file_name": "a/b"}), 400, "validation"),
        (json!({"file_name": "a b"}), 400, "validation"),
        (json!({"file_name": "ü"}), 400, "validation"),
        (json!({"file_name": ""}), 400, "validation"),
        (json!({"file_name": long}), 400, "validation"),
        (json!({"file_name": 7}), 400, "validation"),
        (json!({"content_type": "xml"}), 400, "validation"),
        (json!({"content_type": "a/b\nx-y: z"}), 400, "validation"),
        (json!({"content_length": -1}), 400, "validation"),
        (json!({"content_length": UPLOAD_BYTES_MAX + 1}), 422, "size-limit"),
        (json!({"system_id": "L2"}), 400, "validation"),
        (json!({"key": "inbound/L2/x"}), 400, "validation"),
    ] {
        let (found, answer) = send(&door, post(&body).caller(&context("uploads:write"))).await;
        assert_eq!((found, slug(&answer)), (status, kind), "{body}");
        assert!(answer["violations"][0]["pointer"].is_string());
    }
}

#[tokio::test]
async fn i8_each_refusal_has_its_problem() {
    let because =
        |reason: &str| AuthorizerContext { reason: reason.into(), ..AuthorizerContext::default() };
    let expired = AuthorizerContext {
        expires_at: "2026-11-23T23:50:00.000Z".into(),
        ..context("uploads:write")
    };
    let line = AuthorizerContext { lines: "0313000000018".into(), ..context("uploads:write") };
    let door = door(TenantProfile::Manufacturer);
    for (caller, status, kind) in [
        (None, 401, "unauthorized"),
        (Some(because("bad")), 401, "unauthorized"),
        (Some(because("expired")), 401, "unauthorized"),
        (Some(because("revoked")), 401, "unauthorized"),
        (Some(expired), 401, "unauthorized"),
        (Some(context("documents:read")), 403, "forbidden"),
        (Some(line), 201, ""),
    ] {
        let event = caller.iter().fold(post(&json!({})), HttpEvent::caller);
        let (found, body) = send(&door, event).await;
        assert_eq!(found, status, "{caller:?}");
        if status != 201 {
            assert_eq!(slug(&body), kind);
        }
    }
}

#[tokio::test]
async fn i8_other_profiles_have_no_uploads() {
    for profile in [TenantProfile::Wholesaler, TenantProfile::Dispenser] {
        let (status, body) =
            send(&door(profile), post(&json!({})).caller(&context("operator"))).await;
        assert_eq!((status, slug(&body)), (403, "capability-not-enabled"));
    }
}

#[tokio::test]
async fn other_methods_types_and_paths_are_problems() {
    let door = door(TenantProfile::Manufacturer);
    let operator = context("operator");
    let get = HttpEvent::get(UPLOADS).caller(&operator);
    let (status, body) = send(&door, get).await;
    assert_eq!((status, slug(&body)), (405, "method-not-allowed"));
    let xml = HttpEvent::new("POST", UPLOADS).header("content-type", "text/xml").body("<a/>");
    let (status, body) = send(&door, xml.caller(&operator)).await;
    assert_eq!((status, slug(&body)), (415, "unsupported-media-type"));
    let below = HttpEvent::new("POST", "/api/v1/l3/uploads/x").caller(&operator);
    let (status, body) = send(&door, below).await;
    assert_eq!((status, slug(&body)), (404, "not-found"));
}

#[tokio::test]
async fn sample_events_are_answered() {
    let event = include_str!("../../../events/exchange-serials/create-upload.json");
    let request = edge::event::request_of_json(event).unwrap();
    let response = door(TenantProfile::Manufacturer).handle(request).await;
    assert_eq!(response.status().as_u16(), 201);
}
