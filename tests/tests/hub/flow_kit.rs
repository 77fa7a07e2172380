//! A hub on this machine for one test, and what its callers need.

use pharmatrace::api::Api;
use pharmatrace::credential::{self, Issued, Request};
use pharmatrace::local::{LocalCloud, Options};
use pharmatrace::system;
use serde_json::{Value, json};
use store::Store;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::sync::{Semaphore, SemaphorePermit};

pub const GTIN: &str = "00313000007772";
pub const LINE: &str = "0313000000018";
pub const OTHER_LINE: &str = "0313000000025";
pub const POOLS: &str = "/api/v1/l3/pools";
pub const ALLOCATIONS: &str = "/api/v1/l3/allocations";
/// When credentials of tests are made: long before any day that a sweep of the clouds may seal, for what comes
/// under a sealed day breaks it.
pub const NOW: OffsetDateTime = datetime!(2026-11-03 12:00 UTC);

/// One hub at a time: each keeps two cores busy, and a flow that waits for another one's processor time
/// would measure that.
static TURN: Semaphore = Semaphore::const_new(1);

/// A running hub and a client with all scopes.
pub struct Hub {
    pub cloud: LocalCloud,
    pub api: Api,
    pub store: Store,
    _turn: SemaphorePermit<'static>,
}

impl Hub {
    /// A hub of a manufacturer.
    pub async fn start() -> Self {
        Self::of_profile("manufacturer").await
    }

    pub async fn of_profile(profile: &str) -> Self {
        Self::with(Options { profile: profile.to_owned(), ..Options::default() }).await
    }

    /// A hub that anybody may ask anything: for calls that no right describes.
    pub async fn without_rights() -> Self {
        Self::with(Options { enforce_rights: false, ..Options::default() }).await
    }

    pub async fn with(options: Options) -> Self {
        let turn = TURN.acquire().await.unwrap();
        let cloud = LocalCloud::start(&options).await.unwrap();
        let token = cloud.hub.credential.as_ref().map(|credential| credential.token.clone());
        let api = Api::new(&cloud.hub.api_url, token.as_deref());
        let store = cloud.hub.store().await.unwrap();
        Self { cloud, api, store, _turn: turn }
    }

    /// A credential of a system, which is made if need be.
    pub async fn credential(&self, system: &str, scopes: &[&str], lines: &[&str]) -> Issued {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let known = system::list(&self.store).await.unwrap();
        if !known.iter().any(|one| one.id == system) {
            let wanted = system::Request {
                id: system.to_owned(),
                kind: "generic".to_owned(),
                line_glns: vec![LINE.to_owned(), OTHER_LINE.to_owned()],
            };
            system::create(&self.store, &wanted, NOW).await.unwrap();
        }
        let request = Request {
            system: system.to_owned(),
            scopes: owned(scopes),
            line_glns: owned(lines),
            expires: None,
        };
        credential::create(&self.store, &request, NOW).await.unwrap()
    }

    /// A pool of a million numbers; its id.
    pub async fn pool(&self) -> String {
        let draft = json!({
            "name": "flow", "encoding": "SGTIN", "gtin": GTIN, "company_prefix_length": 7,
            "scheme": "sequential", "width": 12, "from": "0", "to": "999999",
            "max_request": 500_000, "threshold": 10,
        });
        let made = self.api.post(POOLS, &draft).await.unwrap();
        assert_eq!(made.status, 201, "{}", made.json());
        text(&made.json(), "id")
    }

    /// The port of the local cloud.
    pub fn port(&self) -> u16 {
        let endpoint = self.cloud.hub.endpoint_url.clone().unwrap();
        endpoint.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// What precedes every path of the API in its address.
    pub fn base_path(&self) -> String {
        let endpoint = self.cloud.hub.endpoint_url.clone().unwrap();
        self.cloud.hub.api_url.strip_prefix(&endpoint).unwrap().to_owned()
    }

    pub async fn stop(self) {
        self.cloud.stop().await;
    }
}

/// The body of a reservation.
pub fn reservation(id: &str, quantity: u64) -> Value {
    json!({ "request_id": id, "gtin": GTIN, "quantity": quantity, "lot": "LOT42" })
}

pub fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("no text {member} in {value}")).to_owned()
}

/// The last segment of a problem's type; empty if the answer is no problem.
pub fn problem(value: &Value) -> String {
    let kind = value["type"].as_str().unwrap_or_default();
    kind.strip_prefix("https://pharmatrace.dev/problems/").unwrap_or_default().to_owned()
}

/// Numbers that look random and are the same in each run (xorshift).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
