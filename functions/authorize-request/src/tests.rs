use data_encoding::BASE64;
use domain::ids::SystemId;
use edge::Clock;
use edge::authorizer::AuthorizerEvent;
use sha2::{Digest, Sha256};
use store::Store;
use store::credential::Credential;
use testkit::Dynamo;
use time::macros::datetime;

use super::{Authorizer, authorize};

fn credential(id: &str, secrets: &[&str]) -> Credential {
    Credential {
        id: id.into(),
        system_id: SystemId::parse("L1").unwrap(),
        secrets_sha256: secrets.iter().map(|secret| Sha256::digest(secret).into()).collect(),
        scopes: vec!["pools:read".into(), "uploads:write".into()],
        lines: vec!["0313000000018".into()],
        expires_at: None,
        revoked_at: None,
        created_at: "2026-11-23T00:00:00.000Z".into(),
    }
}

async fn authorizer(dynamo: &Dynamo) -> Authorizer {
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let expiring = |id: &str, at: &str| Credential {
        expires_at: Some(at.into()),
        ..credential(id, &["secret"])
    };
    for stored in [
        credential("good", &["secret"]),
        credential("rotating", &["old", "new"]),
        credential("gone", &["secret"]),
        expiring("past", "2026-11-23T10:00:00.000Z"),
        expiring("future", "2026-11-23T10:00:00.001Z"),
        expiring("odd", "tomorrow"),
    ] {
        store.credential_create(&stored).await.unwrap();
    }
    store.credential_revoke("gone", "2026-11-23T09:59:00.000Z").await.unwrap();
    Authorizer { store, clock: Clock::fixed(datetime!(2026-11-23 10:00 UTC)) }
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
    ] {
        let context = authorize(&authorizer, &event(header)).await.unwrap().context;
        assert_eq!(context.system, "L1", "{header}");
        assert_eq!(context.scopes, "pools:read uploads:write");
        assert_eq!(context.lines, "0313000000018");
        assert_eq!((context.expires_at.as_str(), context.reason.as_str()), ("", ""));
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
    let authorizer = Authorizer { store, clock: Clock::fixed(datetime!(2026-11-23 10:00 UTC)) };
    assert!(authorize(&authorizer, &event("Bearer tp_good_secret")).await.is_err());
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
