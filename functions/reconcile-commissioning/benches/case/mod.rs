//! Documents to be read, and stores in which their serials are reserved.

use std::io::BufReader;

use domain::gln::Gln;
use domain::gtin::Gtin14;
use domain::ids::{PoolId, RequestId};
use domain::policy::PoolPolicy;
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, Mode, ReserveRequest, Terms};
use domain::space::{Alphabet, SpaceForm, SpaceId};
use epcis::{Limits, inflate};
use reconcile_commissioning::catalog::Catalog;
use reconcile_commissioning::fold::Fold;
use reconcile_commissioning::plan::Plan;
use store::Store;
use store::client::{AwsSettings, https};
use store::kms::Kms;
use testkit::KeyService;
use tokio::runtime::Runtime;

use crate::bench::{Bench, LINE, NOW, NOW_TEXT, PLANT, commission, document, serials, system};

/// The pool's first index, where the allocation begins.
const FIRST: u128 = 1_000;

/// A product with random serials.
const RANDOM_GTIN: &str = "00313000007789";
const RANDOM_STEM: &str = "urn:epc:id:sgtin:0313000.000778.";

fn random_scheme(gtin: &Gtin14) -> Scheme {
    let alphabet = Alphabet::custom("0123456789ABCDEFGHKMNPRSTVWXYZ").unwrap();
    let form = SpaceForm::new("", alphabet, 12).unwrap();
    Scheme::Randomised { space: SpaceId::of(gtin, &form), form }
}

/// A pool of random serials, from index 0 on, of which so many are reserved for the system `L1`.
async fn reserve_random(store: &Store, gtin: &Gtin14, quantity: u64) {
    let draft = PoolDraft {
        name: "random".to_owned(),
        key: gtin.into(),
        company_prefix_length: 7,
        scheme: random_scheme(gtin),
        eu_rules: false,
        from: 0,
        to: 9_999_999,
        max_request: 10_000_000,
        threshold: 0,
        policy: PoolPolicy::default(),
    };
    let pool = PoolId::from_entropy([31; 17]);
    store.pool_create(pool.clone(), draft, NOW_TEXT).await.unwrap();
    let details = Details {
        lot: Some("LOT42".to_owned()),
        expiry: Some("2028-10-31".to_owned()),
        ..Details::default()
    };
    let request = ReserveRequest {
        requester: system("L1"),
        credential: None,
        request_id: RequestId::parse("R1").unwrap(),
        key: gtin.into(),
        quantity,
        pool_id: Some(pool.clone()),
        system_id: None,
        line_gln: Some(Gln::parse(LINE).unwrap()),
        plant_gln: Some(Gln::parse(PLANT).unwrap()),
        details,
        terms: Terms { mode: Mode::Random, ..Terms::default() },
    };
    store.reserve(&request, &[pool], NOW_TEXT).await.unwrap();
}

/// A table where the serials of a document are reserved, and the document.
pub struct Case {
    pub runtime: Runtime,
    pub bench: Bench,
    _service: Option<KeyService>,
    pub serials: u64,
    pub text: String,
}

impl Case {
    pub fn new(total: u128, per_event: usize) -> Self {
        let runtime = Runtime::new().unwrap();
        let bench = runtime.block_on(Bench::start());
        let count = u64::try_from(total).unwrap();
        runtime.block_on(bench.reserve("R1", "L1", count));
        let all = serials(FIRST, FIRST.saturating_add(total).saturating_sub(1));
        let events: Vec<_> = all.chunks(per_event).map(|epcs| commission(epcs.to_vec())).collect();
        Self { runtime, bench, _service: None, serials: count, text: document(&events) }
    }

    /// The same with random serials of 12 letters and digits, in the order of their allocation.
    pub fn randomised(total: u128, per_event: usize) -> Self {
        let runtime = Runtime::new().unwrap();
        let count = u64::try_from(total).unwrap();
        let made = runtime.block_on(async {
            let mut bench = Bench::start().await;
            let service = KeyService::start().await;
            let endpoint = Some(service.endpoint().to_owned());
            let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
            let kms = Kms::new(&settings, &https(), service.key_arn());
            bench.store = bench.store.clone().with_kms(kms);
            let gtin = Gtin14::parse(RANDOM_GTIN).unwrap();
            reserve_random(&bench.store, &gtin, count).await;
            let numbering = bench.store.numbering(&gtin, random_scheme(&gtin)).await.unwrap();
            (bench, service, numbering)
        });
        let (bench, service, numbering) = made;
        let texts = numbering.texts(0, count);
        let all: Vec<String> = texts.iter().map(|text| format!("{RANDOM_STEM}{text}")).collect();
        let events: Vec<_> = all.chunks(per_event).map(|epcs| commission(epcs.to_vec())).collect();
        let text = document(&events);
        Self { runtime, bench, _service: Some(service), serials: count, text }
    }

    pub fn fold(&self) -> Fold {
        let handle = self.runtime.handle().clone();
        let catalog = Catalog::new(self.bench.store.clone(), handle, system("L1"));
        let ms = i64::try_from(NOW.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap();
        Fold::new(catalog, ms)
    }

    /// Bytes in memory to plan, on one thread.
    pub fn read(&self) -> Plan {
        let mut fold = self.fold();
        let limits = Limits::default();
        let input = BufReader::new(inflate(self.text.as_bytes(), &limits));
        assert!(epcis::read(input, &limits, &mut fold).is_ok(), "the document is readable");
        let plan = Plan::of(fold.finish().unwrap(), false);
        assert_eq!(plan.unmatched, 0, "every serial was reserved");
        plan
    }
}
