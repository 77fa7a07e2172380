use store::system::System;
use testkit::Dynamo;
use time::Duration;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);
const LINE: &str = "0313000000018";
const OTHER_LINE: &str = "0313000000025";

async fn store() -> (Dynamo, Store) {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let system = System {
        id: SystemId::parse("L1").unwrap(),
        kind: "generic".to_owned(),
        line_glns: vec![Gln::parse(LINE).unwrap()],
        created_at: rfc3339_ms(NOW),
    };
    store.system_create(&system, "test").await.unwrap();
    (dynamo, store)
}

fn request(lines: &[&str], expires: Option<&str>) -> Request {
    Request {
        system: "L1".to_owned(),
        scopes: vec!["allocations:write".to_owned()],
        line_glns: lines.iter().map(|line| (*line).to_owned()).collect(),
        expires: expires.map(str::to_owned),
    }
}

fn rotation(id: &str, grace: Duration) -> RotateRequest {
    RotateRequest { id: id.to_owned(), grace, expires: None, force: false }
}

async fn codes(store: &Store, now: OffsetDateTime) -> Vec<&'static str> {
    let listed = list(store, now).await.unwrap();
    assert_eq!(listed.len(), 1);
    listed[0].warnings.iter().map(|warning| warning.code).collect()
}

#[tokio::test]
async fn a_credential_is_bound_only_to_lines_that_its_system_drives() {
    let (_dynamo, store) = store().await;
    let issued = create(&store, &request(&[LINE], None), NOW).await.unwrap();
    assert_eq!(issued.line_glns, [LINE]);
    let refused = create(&store, &request(&[LINE, OTHER_LINE], None), NOW).await.unwrap_err();
    let expected = format!("--line-gln {OTHER_LINE}: the system L1 drives {LINE}");
    assert_eq!(refused.to_string(), expected);
    let operator = bootstrap(&store, "op", NOW).await.unwrap();
    let unbound = Request { system: operator.system, ..request(&[LINE], None) };
    let refused = create(&store, &unbound, NOW).await.unwrap_err();
    assert!(refused.to_string().ends_with("drives no line"), "{refused}");
}

#[tokio::test]
async fn a_rotation_shows_a_new_secret_once_and_when_the_older_one_ends() {
    let (_dynamo, store) = store().await;
    let first = create(&store, &request(&[LINE], None), NOW).await.unwrap();
    let day = Duration::days(1);
    let second = rotate(&store, &rotation(&first.id, day), NOW).await.unwrap();
    assert_eq!((&second.issued.id, &second.issued.line_glns), (&first.id, &first.line_glns));
    assert_ne!(second.issued.secret, first.secret);
    assert_eq!(second.older_secret_ends_at, Some(rfc3339_ms(NOW + day)));
    let refused = rotate(&store, &rotation(&first.id, day), NOW).await.unwrap_err();
    assert!(refused.to_string().contains("--force"), "{refused}");
    let at_once = RotateRequest { force: true, ..rotation(&first.id, Duration::ZERO) };
    let third = rotate(&store, &at_once, NOW).await.unwrap();
    assert_eq!(third.older_secret_ends_at, None);
    revoke(&store, &first.id, Some("test"), NOW).await.unwrap();
    let refused = rotate(&store, &rotation(&first.id, day), NOW).await.unwrap_err();
    assert!(refused.to_string().contains("was revoked"), "{refused}");
    let text = format!("{:?}", list(&store, NOW).await.unwrap());
    for issued in [&first, &second.issued, &third.issued] {
        assert!(!text.contains(&issued.secret));
    }
}

#[tokio::test]
async fn an_end_in_the_past_and_a_reason_that_is_no_line_are_refused() {
    let (_dynamo, store) = store().await;
    let issued = create(&store, &request(&[], None), NOW).await.unwrap();
    for past in ["2020-01-01T00:00:00Z", "2026-11-23T10:00:00Z"] {
        let told = |error: CommandError| error.to_string();
        let wanted = format!("--expires {past}: lies in the past");
        let made = create(&store, &request(&[], Some(past)), NOW).await;
        assert_eq!(told(made.unwrap_err()), wanted);
        let again = RotateRequest {
            expires: Some(past.to_owned()),
            force: true,
            ..rotation(&issued.id, Duration::ZERO)
        };
        assert_eq!(told(rotate(&store, &again, NOW).await.unwrap_err()), wanted);
    }
    for reason in ["a\nb", "\u{1b}[31m", &"a".repeat(1_001)] {
        assert!(revoke(&store, &issued.id, Some(reason), NOW).await.is_err(), "{reason:?}");
    }
    assert_eq!(codes(&store, NOW).await, Vec::<&str>::new());
    revoke(&store, &issued.id, Some(&"ä".repeat(1_000)), NOW).await.unwrap();
}

#[tokio::test]
async fn ends_are_warned_of_thirty_days_before() {
    let (_dynamo, store) = store().await;
    let expires = Some("2027-01-01T10:00:00Z");
    let issued = create(&store, &request(&[], expires), NOW).await.unwrap();
    let end = datetime!(2027-01-01 10:00 UTC);
    let step = Duration::milliseconds(1);
    for (now, expected) in [
        (end - Duration::days(30) - step, None),
        (end - Duration::days(30), Some("expires-soon")),
        (end - step, Some("expires-soon")),
        (end, Some("expired")),
    ] {
        assert_eq!(codes(&store, now).await, expected.into_iter().collect::<Vec<_>>(), "{now}");
    }
    revoke(&store, &issued.id, None, end).await.unwrap();
    assert_eq!(codes(&store, end).await, [""; 0]);
}

#[tokio::test]
async fn a_list_tells_which_secret_is_in_use() {
    let (_dynamo, store) = store().await;
    let first = create(&store, &request(&[], None), NOW).await.unwrap();
    rotate(&store, &rotation(&first.id, Duration::days(1)), NOW).await.unwrap();
    assert_eq!(codes(&store, NOW).await, ["newer-secret-unused"]);
    let stored = store.credential_fetch(&first.id).await.unwrap().unwrap();
    let later = NOW + Duration::minutes(5);
    assert!(store.credential_used(&first.id, &stored.secrets[0], later).await.unwrap());
    assert_eq!(codes(&store, later).await, ["older-secret-in-use", "newer-secret-unused"]);
    assert!(store.credential_used(&first.id, &stored.secrets[1], later).await.unwrap());
    assert_eq!(codes(&store, later).await, ["older-secret-in-use"]);
    let listed = list(&store, later).await.unwrap();
    assert_eq!(listed[0].last_used_at, Some(rfc3339_ms(later)));
    assert!(listed[0].text().contains("the older secret"), "{}", listed[0].text());
    assert_eq!(codes(&store, NOW + Duration::days(1)).await, [""; 0]);
}

#[test]
fn a_grace_is_a_number_with_a_unit_of_thirty_days_at_most() {
    for (text, seconds) in
        [("24h", 86_400), ("0s", 0), ("90s", 90), ("15m", 900), ("30d", 2_592_000)]
    {
        assert_eq!(grace(text), Ok(Duration::seconds(seconds)), "{text}");
    }
    for text in ["", "h", "24", "-1h", "1.5h", "31d", "721h", "1w", "4294967296s", "1é", "é"] {
        assert!(grace(text).is_err(), "{text}");
    }
}
