use aws_sdk_dynamodb::types::AttributeValue;
use testkit::Dynamo;
use time::macros::datetime;

use super::*;
use crate::item::Item;

const NOW: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);
const DAY: Duration = Duration::days(1);

fn credential(id: &str) -> Credential {
    let system = SystemId::parse("L1").unwrap();
    Credential::new(id, system, [1; 32], &rfc3339_ms(NOW.saturating_sub(DAY)))
}

fn rotation(sha256: [u8; 32], now: OffsetDateTime) -> Rotation {
    let actor = "cli".to_owned();
    Rotation {
        sha256,
        older_ends_at: now.saturating_add(DAY),
        expires_at: None,
        force: false,
        now,
        actor,
    }
}

async fn store() -> (Dynamo, Store) {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    (dynamo, store)
}

async fn created(store: &Store, id: &str) {
    store.credential_create(&credential(id), "cli").await.unwrap();
}

async fn fetched(store: &Store, id: &str) -> Credential {
    store.credential_fetch(id).await.unwrap().unwrap()
}

async fn actions(store: &Store, id: &str) -> Vec<String> {
    let pk = Pk::Credential(id.to_owned());
    let records = store.audit_records(&pk, 100).await.unwrap();
    let versions: Vec<u64> = records.iter().map(|record| record.version).collect();
    let expected: Vec<u64> = (1..).take(records.len()).collect();
    assert_eq!(versions, expected, "every change has one record");
    records.into_iter().map(|record| record.record.action).collect()
}

/// Which of the secrets 1, 2, 3 open the credential at `now`.
fn opened_by(credential: &Credential, now: OffsetDateTime) -> Vec<u8> {
    (1..=3).filter(|number| credential.admit(&[*number; 32], now).is_ok()).collect()
}

#[test]
fn a_secret_is_judged_before_revocation_and_expiry_are_told() {
    let mut rotating = credential("c");
    rotating.secrets[0].ends_at = Some("2026-11-23T10:00:00.001Z".into());
    rotating.secrets.push(Secret::new([2; 32], "2026-11-23T09:00:00.000Z"));
    rotating.expires_at = Some("2027-01-01T00:00:00.000Z".into());
    assert_eq!(rotating.admit(&[3; 32], NOW), Err(Refusal::Bad));
    let older = rotating.admit(&[1; 32], NOW).unwrap();
    assert_eq!(older.ends_at.as_deref(), Some("2026-11-23T10:00:00.001Z"));
    let newer = rotating.admit(&[2; 32], NOW).unwrap();
    assert_eq!(newer.ends_at, rotating.expires_at);
    let later = NOW + Duration::milliseconds(1);
    assert_eq!(rotating.admit(&[1; 32], later), Err(Refusal::Expired));
    assert!(rotating.admit(&[2; 32], later).is_ok());

    let expired = Credential { expires_at: Some(rfc3339_ms(NOW)), ..rotating.clone() };
    assert_eq!(expired.admit(&[2; 32], NOW), Err(Refusal::Expired));
    assert_eq!(expired.admit(&[3; 32], NOW), Err(Refusal::Bad));
    let revoked = Credential { revoked_at: Some(rfc3339_ms(NOW)), ..expired };
    assert_eq!(revoked.admit(&[2; 32], NOW), Err(Refusal::Revoked));
    let odd = Credential { expires_at: Some("tomorrow".into()), ..credential("c") };
    assert_eq!(odd.standing(NOW), Err(Refusal::Expired));
}

#[test]
fn an_item_comes_back_and_one_of_the_version_before_is_read() {
    let mut full = credential("c");
    full.secrets[0].ends_at = Some("2026-11-24T10:00:00.000Z".into());
    full.secrets[0].last_used_at = Some("2026-11-23T09:30:00.000Z".into());
    full.secrets.push(Secret::new([2; 32], "2026-11-23T09:00:00.000Z"));
    full.version = 2;
    assert_eq!(item::from_item(&item::to_item(&full)), Ok(full));

    let mut before: Item = item::to_item(&credential("c"));
    for name in ["secrets_created_at", "secrets_end_at", "version"] {
        before.remove(name).unwrap();
    }
    assert_eq!(item::from_item(&before), Ok(credential("c")));
    before.insert("secrets_sha256".into(), AttributeValue::L(vec![text("00")]));
    assert!(item::from_item(&before).is_err());
}

#[tokio::test]
async fn rotation_keeps_the_older_secret_for_its_grace_and_no_longer() {
    let (_dynamo, store) = store().await;
    created(&store, "c").await;
    store.credential_rotate("c", &rotation([2; 32], NOW)).await.unwrap();
    let rotated = fetched(&store, "c").await;
    assert_eq!(opened_by(&rotated, NOW + DAY - Duration::milliseconds(1)), [1, 2]);
    assert_eq!(opened_by(&rotated, NOW + DAY), [2]);

    let again = store.credential_rotate("c", &rotation([3; 32], NOW)).await.unwrap_err();
    assert!(
        matches!(&again, RotateError::StillRotating { until } if *until == rfc3339_ms(NOW + DAY))
    );
    assert_eq!(fetched(&store, "c").await, rotated);

    store.credential_rotate("c", &rotation([3; 32], NOW + DAY)).await.unwrap();
    let third = fetched(&store, "c").await;
    assert_eq!((third.secrets.len(), opened_by(&third, NOW + DAY)), (2, vec![2, 3]));
    assert_eq!(actions(&store, "c").await, ["create", "rotate", "rotate"]);
}

#[tokio::test]
async fn force_ends_the_older_of_two_live_secrets_at_once() {
    let (_dynamo, store) = store().await;
    created(&store, "c").await;
    store.credential_rotate("c", &rotation([2; 32], NOW)).await.unwrap();
    let forced = Rotation { force: true, ..rotation([3; 32], NOW) };
    store.credential_rotate("c", &forced).await.unwrap();
    assert_eq!(opened_by(&fetched(&store, "c").await, NOW), [2, 3]);
}

#[tokio::test]
async fn what_expired_comes_back_only_with_a_new_end_and_without_its_old_secret() {
    let (_dynamo, store) = store().await;
    let expired = Credential { expires_at: Some(rfc3339_ms(NOW)), ..credential("c") };
    store.credential_create(&expired, "cli").await.unwrap();
    let refused = store.credential_rotate("c", &rotation([2; 32], NOW)).await.unwrap_err();
    assert!(matches!(refused, RotateError::Expired));
    let renewed = Rotation { expires_at: Some(NOW + DAY), ..rotation([2; 32], NOW) };
    store.credential_rotate("c", &renewed).await.unwrap();
    let found = fetched(&store, "c").await;
    assert_eq!(opened_by(&found, NOW), [2]);
    assert_eq!(opened_by(&found, NOW + DAY), [0; 0]);
}

#[tokio::test]
async fn of_many_rotations_at_once_one_is_done_and_its_secret_works() {
    let (_dynamo, store) = store().await;
    for round in 0..5 {
        let id = format!("c{round}");
        created(&store, &id).await;
        let tasks: Vec<_> = (2_u8..10)
            .map(|number| {
                let (store, id) = (store.clone(), id.clone());
                tokio::spawn(async move {
                    let rotation = rotation([number; 32], NOW);
                    (number, store.credential_rotate(&id, &rotation).await)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                (number, Ok(_)) => winners.push(number),
                (_, Err(RotateError::StillRotating { .. })) => {}
                (_, Err(other)) => panic!("{other}"),
            }
        }
        let found = fetched(&store, &id).await;
        assert_eq!(winners.len(), 1);
        assert!(found.admit(&[winners[0]; 32], NOW).is_ok());
        assert!(found.admit(&[1; 32], NOW).is_ok(), "the older one has its grace");
        assert_eq!(actions(&store, &id).await, ["create", "rotate"]);
    }
}

#[tokio::test]
async fn a_revocation_beside_a_rotation_leaves_no_secret_that_works() {
    let (_dynamo, store) = store().await;
    for round in 0..20 {
        let id = format!("c{round}");
        created(&store, &id).await;
        let other = (store.clone(), id.clone());
        let rotating = tokio::spawn(async move {
            other.0.credential_rotate(&other.1, &rotation([2; 32], NOW)).await
        });
        store.credential_revoke(&id, &rfc3339_ms(NOW), ("cli", Some("leaked"))).await.unwrap();
        let rotated = match rotating.await.unwrap() {
            Ok(_) => true,
            Err(RotateError::Revoked) => false,
            Err(other) => panic!("{other}"),
        };
        let found = fetched(&store, &id).await;
        assert_eq!((found.standing(NOW), opened_by(&found, NOW)), (Err(Refusal::Revoked), vec![]));
        let expected: &[&str] =
            if rotated { &["create", "rotate", "revoke"] } else { &["create", "revoke"] };
        assert_eq!(actions(&store, &id).await, expected);
    }
}

#[tokio::test]
async fn the_first_revocation_stands_and_an_unknown_credential_has_none() {
    let (_dynamo, store) = store().await;
    created(&store, "c").await;
    for minute in [0, 5] {
        let at = rfc3339_ms(NOW + Duration::minutes(minute));
        store.credential_revoke("c", &at, ("cli", None)).await.unwrap();
    }
    assert_eq!(fetched(&store, "c").await.revoked_at, Some(rfc3339_ms(NOW)));
    assert_eq!(actions(&store, "c").await, ["create", "revoke"]);
    let unknown = store.credential_revoke("d", &rfc3339_ms(NOW), ("cli", None)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
    let unknown = store.credential_rotate("d", &rotation([2; 32], NOW)).await;
    assert!(matches!(unknown, Err(RotateError::Store(StoreError::NotFound { .. }))));
    let again = store.credential_create(&credential("c"), "cli").await;
    assert!(matches!(again, Err(StoreError::AlreadyExists { .. })));
    assert_eq!(store.credential_fetch("d").await.unwrap(), None);
}

#[tokio::test]
async fn use_is_noted_once_an_hour_by_one_of_many() {
    let (_dynamo, store) = store().await;
    created(&store, "c").await;
    let secret = fetched(&store, "c").await.secrets[0].clone();
    for (at, expected) in
        [(NOW, 1), (NOW + USE_RESOLUTION - Duration::milliseconds(1), 0), (NOW + USE_RESOLUTION, 1)]
    {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (store, secret) = (store.clone(), secret.clone());
                tokio::spawn(async move { store.credential_used("c", &secret, at).await.unwrap() })
            })
            .collect();
        let mut written = 0;
        for task in tasks {
            written += u32::from(task.await.unwrap());
        }
        assert_eq!(written, expected, "{at}");
    }
    let found = fetched(&store, "c").await;
    assert_eq!(found.last_used_at(), Some(rfc3339_ms(NOW + USE_RESOLUTION).as_str()));
    assert!(!found.secrets[0].is_use_due(NOW + USE_RESOLUTION));
    assert!(found.secrets[0].is_use_due(NOW + USE_RESOLUTION * 2));
    assert!(!store.credential_used("d", &secret, NOW).await.unwrap());
    assert_eq!(store.credential_fetch("d").await.unwrap(), None, "no stump of an item");
    assert_eq!(actions(&store, "c").await, ["create"], "use is no change");
}
