//! Every route with every credential that does not open it (I8).

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use pharmatrace::api::{Answer, Api};
use pharmatrace::credential;
use serde_json::{Value, json};
use time::Duration;

use crate::flow_kit::{ALLOCATIONS, GTIN, Hub, LINE, NOW, OTHER_LINE, problem, reservation, text};
use crate::tidy_kit::read;

const POOL_ID: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A route that needs a credential, and the scopes that open it; none where any credential does.
struct Door {
    method: Method,
    path: String,
    scopes: Vec<String>,
}

/// Every route of the OpenAPI document that a credential opens: all but health and the page.
fn doors(allocation: &str) -> Vec<Door> {
    let document: Value = serde_json::from_str(&read("infra/openapi.json")).unwrap();
    let mut doors = Vec::new();
    for (pattern, item) in document["paths"].as_object().unwrap() {
        let id = if pattern.contains("/allocations/") { allocation } else { POOL_ID };
        let path = pattern.replace("{id}", id).replace("{gln}", LINE);
        let path = path.replace("{sha256}", &"a".repeat(64)).replace("{gtin}", "00313000007772");
        for (method, operation) in item.as_object().unwrap() {
            let Some(ways) = operation["security"].as_array() else { continue };
            if !ways.iter().any(|way| way.get("bearer").is_some()) {
                continue;
            }
            let scopes = ways.iter().filter_map(|way| way["bearer"].as_array()).flatten();
            let scopes = scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect();
            let method = method.to_uppercase().parse().unwrap();
            doors.push(Door { method, path: path.clone(), scopes });
        }
    }
    assert!(doors.len() > 30, "only {} routes", doors.len());
    doors
}

async fn call(api: &Api, method: &Method, path: &str) -> Answer {
    let body = (method != Method::GET).then(|| json!({}));
    api.call(method.clone(), path, body.as_ref()).await.unwrap()
}

fn assert_problem(answer: &Answer, status: u16, kind: &str, what: &str) {
    let json = answer.json();
    assert_eq!((answer.status, problem(&json).as_str()), (status, kind), "{what}: {json}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_opens_without_the_credential_it_asks_for() {
    let hub = Hub::start().await;
    hub.pool().await;
    let mut body = reservation("R1", 10);
    body["line_gln"] = LINE.into();
    let made = hub.api.post(ALLOCATIONS, &body).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.json());
    let allocation = text(&made.json(), "allocation_id");

    let nobody = hub.api.with_token(None);
    let health = nobody.get("/health").await.unwrap();
    assert_eq!(health.status, 200, "health asks for nothing");

    let bad = hub.api.with_token(Some("tp_aaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"));
    let garbled = hub.api.with_token(Some("not-one-of-ours"));
    let expired = hub.api.with_token(Some(&expired(&hub).await));
    let revoked = hub.credential("line-1", &["operator"], &[]).await;
    credential::revoke(&hub.store, &revoked.id, None, NOW).await.unwrap();
    let revoked = hub.api.with_token(Some(&revoked.token));
    let mut powerless = Vec::new();
    for scope in ["telemetry:write", "uploads:write"] {
        let issued = hub.credential("line-1", &[scope], &[]).await;
        powerless.push((scope.to_owned(), hub.api.with_token(Some(&issued.token))));
    }

    for Door { method, path, scopes } in doors(&allocation) {
        let without = call(&nobody, &method, &path).await;
        assert_eq!(without.status, 401, "{method} {path} without a credential");
        for (name, api) in
            [("bad", &bad), ("garbled", &garbled), ("expired", &expired), ("revoked", &revoked)]
        {
            let what = format!("{method} {path} with a credential that is {name}");
            let answer = call(api, &method, &path).await;
            assert_problem(&answer, 401, "unauthorized", &what);
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.contains("Bearer") && challenge.contains("Basic"), "{what}");
        }
        for (scope, api) in powerless.iter().filter(|(scope, _)| !scopes.contains(scope)) {
            let what = format!("{method} {path} with {scope}");
            let answer = call(api, &method, &path).await;
            match scopes.as_slice() {
                [] => assert_eq!(answer.status, 200, "{what}"),
                _ => assert_problem(&answer, 403, "forbidden", &what),
            }
        }
    }
    // What was refused did nothing.
    let after = hub.api.get(&format!("{ALLOCATIONS}/{allocation}")).await.unwrap();
    assert_eq!(after.json()["status"], "reserved");
    hub.stop().await;
}

/// A credential that ended before now.
async fn expired(hub: &Hub) -> String {
    hub.credential("line-1", &["operator"], &[]).await;
    let made_at = NOW - Duration::days(300);
    let request = credential::Request {
        system: "line-1".to_owned(),
        scopes: vec!["operator".to_owned()],
        line_glns: Vec::new(),
        expires: Some("2026-02-01T00:00:00Z".to_owned()),
    };
    credential::create(&hub.store, &request, made_at).await.unwrap().token
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_scope_opens_its_routes_and_no_other() {
    let hub = Hub::start().await;
    for scope in [
        "pools:read",
        "pools:write",
        "allocations:read",
        "allocations:write",
        "uploads:write",
        "documents:read",
        "findings:write",
        "telemetry:write",
        "reports:read",
    ] {
        let issued = hub.credential("line-1", &[scope], &[]).await;
        let api = hub.api.with_token(Some(&issued.token));
        for Door { method, path, scopes } in doors(POOL_ID) {
            let answer = call(&api, &method, &path).await;
            let what = format!("{method} {path} with {scope}");
            if scopes.is_empty() || scopes.iter().any(|one| one == scope) {
                assert!(![401, 403].contains(&answer.status), "{what}: {}", answer.json());
                assert!(answer.status < 500, "{what}: {}", answer.status);
            } else {
                assert_problem(&answer, 403, "forbidden", &what);
            }
        }
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credential_of_one_line_sees_and_serves_no_other() {
    let hub = Hub::start().await;
    hub.pool().await;
    let of_line = |id: &str, line: &str| {
        let mut body = reservation(id, 10);
        body["line_gln"] = line.into();
        body
    };
    let made = hub.api.post(ALLOCATIONS, &of_line("R1", LINE)).await.unwrap();
    let theirs = text(&made.json(), "allocation_id");
    let scopes = ["allocations:read", "allocations:write"];
    let issued = hub.credential("line-2", &scopes, &[OTHER_LINE]).await;
    let api = hub.api.with_token(Some(&issued.token));

    let refused = api.post(ALLOCATIONS, &of_line("R2", LINE)).await.unwrap();
    assert_problem(&refused, 403, "line-not-bound", "reserving for another line");
    let granted = api.post(ALLOCATIONS, &of_line("R2", OTHER_LINE)).await.unwrap();
    assert_eq!(granted.status, 201, "{}", granted.json());
    for (method, path) in [
        (Method::GET, ""),
        (Method::GET, "/reconciliation"),
        (Method::GET, "/export"),
        (Method::POST, "/void"),
        (Method::POST, "/close"),
    ] {
        let path = format!("{ALLOCATIONS}/{theirs}{path}");
        assert_problem(&call(&api, &method, &path).await, 404, "not-found", &path);
    }
    let listed = api.get(ALLOCATIONS).await.unwrap().json();
    let items = listed["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["line_gln"] == OTHER_LINE), "{listed}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_profiles_have_no_line_routes() {
    let hub = Hub::of_profile("wholesaler").await;
    for Door { method, path, .. } in doors(POOL_ID) {
        let answer = call(&hub.api, &method, &path).await;
        let what = format!("{method} {path} of a wholesaler");
        assert_problem(&answer, 403, "capability-not-enabled", &what);
    }
    assert_eq!(hub.api.get("/health").await.unwrap().status, 200);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn basic_credentials_open_what_the_token_opens() {
    let hub = Hub::start().await;
    let credential = hub.cloud.hub.credential.clone().unwrap();
    let encoded = |user: &str, password: &str| {
        let text = format!("{user}:{password}");
        format!("Basic {}", data_encoding::BASE64.encode(text.as_bytes()))
    };
    let send = async |value: String| {
        let url = format!("{}{ALLOCATIONS}?gtin={GTIN}", hub.cloud.hub.api_url);
        let request = Request::get(url).header(header::AUTHORIZATION, value);
        let request = request.body(Full::<Bytes>::default()).unwrap();
        hub.api.send("with basic", request).await.unwrap()
    };
    let good = send(encoded(&credential.id, &credential.secret)).await;
    assert_eq!(good.status, 200, "{}", good.json());
    let wrong: Vec<Value> = vec![send(encoded(&credential.id, "wrong")).await.json()];
    assert_eq!(problem(&wrong[0]), "unauthorized");
    hub.stop().await;
}
