use domain::gtin::Gtin14;
use domain::ids::PoolId;
use domain::policy::PoolPolicy;
use domain::pool::{Pool, PoolDraft, Scheme};
use domain::space::{Alphabet, SpaceForm, SpaceId};
use store::Store;
use store::client::{AwsSettings, https};
use store::kms::Kms;
use store::pool::{PoolChange, PoolError};
use testkit::{Dynamo, KeyService};

pub const NOW: &str = "2026-11-23T10:00:00.000Z";
pub const DIGITS: &str = "0123456789";

pub struct Bench {
    pub dynamo: Dynamo,
    pub keys: KeyService,
    pub store: Store,
}

impl Bench {
    pub async fn start() -> Self {
        let (dynamo, keys) = (Dynamo::start().await, KeyService::start().await);
        let table = dynamo.table().await;
        let store = process(&dynamo, &keys, &table);
        Self { dynamo, keys, store }
    }

    /// Another process on the same table.
    pub fn another(&self) -> Store {
        process(&self.dynamo, &self.keys, &self.store.table)
    }

    pub async fn create(&self, number: u8, draft: PoolDraft) -> Result<Pool, PoolError> {
        self.store.pool_create(id(number), draft, NOW).await
    }

    pub async fn change(&self, number: u8, change: PoolChange) -> Result<Pool, PoolError> {
        self.store.pool_change(&id(number), &change, ("test", NOW)).await
    }
}

pub fn process(dynamo: &Dynamo, keys: &KeyService, table: &str) -> Store {
    let endpoint = Some(keys.endpoint().to_owned());
    let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
    Store::new(dynamo.client(), table).with_kms(Kms::new(&settings, &https(), keys.key_arn()))
}

pub fn gtin() -> Gtin14 {
    Gtin14::parse("00313000007772").unwrap()
}

pub fn id(number: u8) -> PoolId {
    PoolId::from_entropy([number; 17])
}

pub fn space(prefix: &str, alphabet: &str, length: u8) -> Scheme {
    let form = SpaceForm::new(prefix, Alphabet::custom(alphabet).unwrap(), length).unwrap();
    Scheme::Randomised { space: SpaceId::of(&gtin(), &form), form }
}

pub fn space_id(scheme: Scheme) -> SpaceId {
    match scheme {
        Scheme::Randomised { space, .. } => space,
        Scheme::Sequential { .. } | Scheme::List { .. } => panic!("no space"),
    }
}

pub fn draft(scheme: Scheme, from: u128, to: u128) -> PoolDraft {
    PoolDraft {
        name: "pool".into(),
        key: gtin().into(),
        company_prefix_length: 7,
        scheme,
        eu_rules: false,
        from,
        to,
        max_request: 1_000,
        threshold: 0,
        policy: PoolPolicy::default(),
    }
}

pub fn eu(draft: PoolDraft) -> PoolDraft {
    PoolDraft { eu_rules: true, ..draft }
}

pub fn to(to: u128) -> PoolChange {
    PoolChange { to: Some(to), ..PoolChange::default() }
}
