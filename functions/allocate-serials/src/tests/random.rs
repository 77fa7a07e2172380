//! Random numbers: told one by one, never by their ends.

use domain::gtin::Gtin14;
use domain::space::{Alphabet, Characters, SpaceForm, SpaceId};
use store::kms::Kms;
use testkit::KeyService;

use super::*;

/// A world with a pool of random numbers of another product, whose key service must live on.
async fn world_of_random() -> (World, KeyService, PoolId) {
    let world = world().await;
    let service = KeyService::start().await;
    let endpoint = Some(service.endpoint().to_owned());
    let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
    let kms = Kms::new(&settings, &https(), service.key_arn());
    let store = world.store.clone().with_kms(kms);
    let now = datetime!(2026-11-23 10:00 UTC);
    let app = app_at((&store, &world.shelf), TenantProfile::Manufacturer, now);
    let gtin = Gtin14::parse("00313000007789").unwrap();
    let alphabet = Alphabet::of(&[Characters::Digits, Characters::Upper], false).unwrap();
    let form = SpaceForm::new("A", alphabet, 10).unwrap();
    let draft = PoolDraft {
        name: "random".into(),
        key: gtin.into(),
        company_prefix_length: 7,
        scheme: Scheme::Randomised { space: SpaceId::of(&gtin, &form), form },
        eu_rules: false,
        from: 0,
        to: 9_999,
        max_request: 5_000,
        threshold: 0,
        policy: domain::policy::PoolPolicy::default(),
    };
    let id = PoolId::from_entropy([9; 17]);
    store.pool_create(id.clone(), draft, "2026-11-23T09:00:00.000Z").await.unwrap();
    (World { store, app, ..world }, service, id)
}

fn asking(request_id: &str, quantity: u64, mode: &str) -> Value {
    let mut body = body(request_id, quantity);
    body["gtin"] = "00313000007789".into();
    body["mode"] = mode.into();
    body
}

#[tokio::test]
async fn random_numbers_are_told_one_by_one_where_they_are_few() {
    let (world, _service, _) = world_of_random().await;
    for (request, mode) in [("R1", "random"), ("R2", "list")] {
        let (status, told) = world.post(ROOT, &asking(request, 3, mode)).await;
        assert_eq!((status, &told["mode"], &told["range"]), (201, &json!(mode), &Value::Null));
        let serials = told["serials"].as_array().unwrap();
        assert!(serials.iter().all(|one| one.as_str().unwrap().len() == 11), "{serials:?}");
        assert_eq!(serials.len(), 3);
        let path = format!("{ROOT}/{}", told["allocation_id"].as_str().unwrap());
        let (_, again) = world.get(&path, "").await;
        assert_eq!(again["serials"], told["serials"]);
    }
    let (_, many) = world.post(ROOT, &asking("R3", 1_001, "random")).await;
    assert_eq!((&many["serials"], &many["granted"]), (&Value::Null, &json!(1_001)));
    let (_, list) = world.get(ROOT, "").await;
    assert_eq!(list["items"][0]["range"], Value::Null);
}

#[tokio::test]
async fn a_mode_that_the_scheme_does_not_have_is_refused_and_named() {
    let (world, _service, id) = world_of_random().await;
    let check = |answer: (u16, Value), allowed: &str| {
        assert_eq!((answer.0, slug(&answer.1)), (422, "mode-not-allowed"), "{}", answer.1);
        assert!(answer.1.to_string().contains(allowed), "{}", answer.1);
    };
    check(world.post(ROOT, &asking("R1", 3, "range")).await, "one of list, random");
    let mut by_id = asking("R2", 3, "range");
    by_id["pool_id"] = id.to_string().into();
    check(world.post(ROOT, &by_id).await, "one of list, random");
    let mut sequential = body("R3", 3);
    sequential["mode"] = "random".into();
    check(world.post(ROOT, &sequential).await, "one of range, list");
    let pool = world.store.pool_fetch(&id).await.unwrap().unwrap().pool;
    assert_eq!(pool.reserved(), 0, "nothing was taken");
}
