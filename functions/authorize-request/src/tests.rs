use data_encoding::BASE64;
use domain::ids::SystemId;
use edge::Clock;
use edge::authorizer::AuthorizerEvent;
use sha2::{Digest, Sha256};
use store::Store;
use store::credential::{Credential, Secret};
use testkit::{Dynamo, Fault, Faults};
use time::OffsetDateTime;
use time::macros::datetime;

use super::{Authorizer, authorize};

const NOW: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);

fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn credential(id: &str) -> Credential {
    let system = SystemId::parse("L1").unwrap();
    Credential {
        scopes: vec!["pools:read".into(), "uploads:write".into()],
        lines: vec!["0313000000018".into()],
        ..Credential::new(id, system, sha256("secret"), "2026-11-23T00:00:00.000Z")
    }
}

/// A credential with the secret `old` that ends at a time, and the secret `new`.
fn rotating(id: &str, old_ends_at: &str) -> Credential {
    let old = Secret {
        ends_at: Some(old_ends_at.into()),
        ..Secret::new(sha256("old"), "2026-11-22T00:00:00.000Z")
    };
    let new = Secret::new(sha256("new"), "2026-11-23T00:00:00.000Z");
    Credential { secrets: vec![old, new], ..credential(id) }
}

async fn authorizer(dynamo: &Dynamo) -> Authorizer {
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let expiring =
        |id: &str, at: &str| Credential { expires_at: Some(at.into()), ..credential(id) };
    for stored in [
        credential("good"),
        rotating("rotating", "2026-11-23T10:00:00.001Z"),
        rotating("rotated", "2026-11-23T10:00:00.000Z"),
        credential("gone"),
        expiring("past", "2026-11-23T10:00:00.000Z"),
        expiring("future", "2026-11-23T10:00:00.001Z"),
        expiring("odd", "tomorrow"),
    ] {
        store.credential_create(&stored, "test").await.unwrap();
    }
    store.credential_revoke("gone", "2026-11-23T09:59:00.000Z", ("test", None)).await.unwrap();
    Authorizer { store, clock: Clock::fixed(NOW) }
}

fn event(header: &str) -> AuthorizerEvent {
    AuthorizerEvent { identity_source: Some(vec![header.to_owned()]), headers: None }
}

#[tokio::test]
async fn good_credentials_tell_their_system_scopes_lines_and_expiry() {
    let dynamo = Dynamo::start().await;
    let authorizer = authorizer(&dynamo).await;
    let basic = format!("Basic {}", BASE64.encode(b"good:secret"));
    for header in [
        "Bearer tp_good_secret",
        basic.as_str(),
        "Bearer tp_rotating_old",
        "bearer tp_rotating_new",
        "Bearer tp_rotated_new",
    ] {
        let context = authorize(&authorizer, &event(header)).await.unwrap().context;
        assert_eq!(context.system, "L1", "{header}");
        assert_eq!(context.scopes, "pools:read uploads:write");
        assert_eq!(context.lines, "0313000000018");
        let older = header.ends_with("old");
        assert_eq!(context.expires_at, if older { "2026-11-23T10:00:00.001Z" } else { "" });
        assert_eq!(context.reason, "");
    }
    let context = authorize(&authorizer, &event("Bearer tp_future_secret")).await.unwrap().context;
    assert_eq!((context.system.as_str(), context.credential.as_str()), ("L1", "future"));
    assert_eq!(context.expires_at, "2026-11-23T10:00:00.001Z");
}

#[tokio::test]
async fn bad_credentials_are_anonymous_and_say_why_only_to_the_holder_of_the_secret() {
    let dynamo = Dynamo::start().await;
    let authorizer = authorizer(&dynamo).await;
    for (header, reason) in [
        ("", "bad"),
        ("Bearer", "bad"),
        ("Bearer nonsense", "bad"),
        ("Digest tp_good_secret", "bad"),
        ("Bearer tp_unknown_secret", "bad"),
        ("Bearer tp_good_wrong", "bad"),
        ("Bearer tp_good_SECRET", "bad"),
        ("Bearer tp_gone_wrong", "bad"),
        ("Bearer tp_gone_secret", "revoked"),
        ("Bearer tp_rotated_old", "expired"),
        ("Bearer tp_past_wrong", "bad"),
        ("Bearer tp_past_secret", "expired"),
        ("Bearer tp_odd_secret", "expired"),
    ] {
        let answer = authorize(&authorizer, &event(header)).await.unwrap();
        let context = &answer.context;
        assert_eq!((context.system.as_str(), context.reason.as_str()), ("", reason), "{header}");
        assert!(context.scopes.is_empty() && context.credential.is_empty());
        let json = serde_json::to_value(&answer).unwrap();
        assert_eq!(json["isAuthorized"], true);
    }
    let none = authorize(&authorizer, &AuthorizerEvent::default()).await.unwrap();
    assert_eq!(none.context.reason, "bad");
}

#[tokio::test]
async fn a_table_that_does_not_answer_lets_nobody_in() {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), "no-such-table");
    let authorizer = Authorizer { store, clock: Clock::fixed(NOW) };
    assert!(authorize(&authorizer, &event("Bearer tp_good_secret")).await.is_err());
}

#[tokio::test]
async fn use_is_noted_once_and_for_the_secret_that_was_presented() {
    let dynamo = Dynamo::start().await;
    let faults = Faults::none();
    let mut authorizer = authorizer(&dynamo).await;
    authorizer.store.dynamo = dynamo.client_with(&faults);
    for (header, calls) in [
        ("Bearer tp_rotating_old", 2),
        ("Bearer tp_rotating_old", 1),
        ("Bearer tp_rotating_wrong", 1),
        ("Bearer tp_gone_secret", 1),
    ] {
        let before = faults.count();
        authorize(&authorizer, &event(header)).await.unwrap();
        assert_eq!(faults.count() - before, calls, "{header}");
    }
    let found = authorizer.store.credential_fetch("rotating").await.unwrap().unwrap();
    let used: Vec<_> = found.secrets.iter().map(|secret| secret.last_used_at.as_deref()).collect();
    assert_eq!(used, [Some("2026-11-23T10:00:00.000Z"), None]);
}

#[tokio::test]
async fn a_use_that_cannot_be_noted_lets_the_caller_in_all_the_same() {
    let dynamo = Dynamo::start().await;
    let mut authorizer = authorizer(&dynamo).await;
    for fault in [Fault::Throttle, Fault::Conflict, Fault::Unavailable] {
        let faults = ["UpdateItem"; 3]
            .into_iter()
            .fold(Faults::none(), |faults, operation| faults.on(operation, fault));
        authorizer.store.dynamo = dynamo.client_with(&faults);
        let answer = authorize(&authorizer, &event("Bearer tp_good_secret")).await.unwrap();
        assert_eq!(answer.context.system, "L1", "{fault:?}");
        assert!(faults.operations().contains(&"UpdateItem".to_owned()));
    }
    let found = authorizer.store.credential_fetch("good").await.unwrap().unwrap();
    assert_eq!(found.last_used_at(), None);
}

#[tokio::test]
async fn sample_events_are_judged() {
    let dynamo = Dynamo::start().await;
    let authorizer = authorizer(&dynamo).await;
    for event in [
        include_str!("../../../events/authorize-request/bearer.json"),
        include_str!("../../../events/authorize-request/basic.json"),
    ] {
        let event: AuthorizerEvent = serde_json::from_str(event).unwrap();
        let context = authorize(&authorizer, &event).await.unwrap().context;
        assert_eq!((context.system.as_str(), context.credential.as_str()), ("L1", "good"));
    }
}
