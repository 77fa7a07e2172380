//! A table, buckets and one allocation whose numbers are given up.

use domain::allocation::Allocation;
use domain::bitmap::{BlockSet, Offset, place};
use domain::fact::Fact;
use domain::give_back::Fate;
use domain::ids::{PoolId, RequestId, SystemId};
use domain::ledger::{Bucket, Claim, Draft, Terms};
use domain::policy::PoolPolicy;
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest};
use store::allocation::{Counted, Gain};
use store::block::Place;
use store::client::{AwsSettings, s3};
use store::document::{Document, DocumentStatus};
use store::meter::Meter;
use store::number_change::{GiveUpError, NumberChange, Request, Selection};
use store::plan::PlanRun;
use store::{Buckets, Objects, Store};
use testkit::{Dynamo, Faults, Shelf, TestClock};

pub const NOW: &str = "2026-11-23T12:00:00.000Z";
pub const LATER: &str = "2026-11-23T13:00:00.000Z";
pub const ACTOR: &str = "L1/c";

pub struct Hub {
    dynamo: Dynamo,
    table: String,
    shelf: Shelf,
    pub store: Store,
    pub objects: Objects,
    pub pool: PoolId,
}

/// A process: what it works with.
pub struct Process {
    pub store: Store,
    pub objects: Objects,
}

pub fn draft(policy: PoolPolicy) -> PoolDraft {
    PoolDraft {
        name: "a pool".into(),
        key: "00313000007772".parse().unwrap(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        from: 0,
        to: 99_999_999,
        max_request: 10_000_000,
        threshold: 0,
        eu_rules: false,
        policy,
    }
}

pub fn reserve_request(id: &str, quantity: u64) -> ReserveRequest {
    ReserveRequest {
        requester: SystemId::parse("L1").unwrap(),
        credential: None,
        request_id: RequestId::parse(id).unwrap(),
        key: "00313000007772".parse().unwrap(),
        quantity,
        pool_id: None,
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: Details::default(),
        terms: domain::request::Terms::default(),
    }
}

impl Hub {
    pub async fn new(policy: PoolPolicy) -> Self {
        Self::of(draft(policy)).await
    }

    pub async fn of(draft: PoolDraft) -> Self {
        let dynamo = Dynamo::start().await;
        let table = dynamo.table().await;
        let store = Store::new(dynamo.client(), &table);
        let shelf = Shelf::new(&TestClock::default());
        let objects = objects(&shelf);
        let pool = PoolId::from_entropy([0; 17]);
        store.pool_create(pool.clone(), draft, NOW).await.unwrap();
        Self { dynamo, table, shelf, store, objects, pool }
    }

    /// Another process over the same table, whose calls to it break on demand.
    pub fn process(&self, faults: &Faults) -> Process {
        let store = Store::new(self.dynamo.client_with(faults), &self.table);
        Process { store, objects: objects(&self.shelf) }
    }

    pub async fn reserve(&self, id: &str, quantity: u64) -> Allocation {
        let pools = [self.pool.clone()];
        let outcome = self.store.reserve(&reserve_request(id, quantity), &pools, NOW).await;
        outcome.unwrap().allocation
    }

    pub async fn give_up(
        &self,
        allocation: &Allocation,
        key: &str,
        (selection, fate): (Selection, Fate),
    ) -> Result<(NumberChange, bool), GiveUpError> {
        let process = Process { store: self.store.clone(), objects: self.objects.clone() };
        process.give_up(allocation, key, (selection, fate)).await
    }

    /// A document commissions a run of an allocation, as reconciling does it.
    pub async fn commission(&self, allocation: &Allocation, sha: &str, run: (u64, u64)) {
        let told = self.says(allocation, sha, (Fact::Commissioned, run)).await;
        told.unwrap();
    }

    pub async fn says(
        &self,
        allocation: &Allocation,
        sha: &str,
        (fact, (first, last)): (Fact, (u64, u64)),
    ) -> Result<(), store::StoreError> {
        let (meter, id, store) = (Meter::default(), &allocation.id, &self.store);
        let activate = domain::allocation::Transition::Activate;
        store.allocation_advance(id, activate, NOW).await.unwrap();
        let (block, low) = place(first.into()).unwrap();
        assert_eq!(place(last.into()).unwrap().0, block, "of one block");
        let run = PlanRun { allocation: id.clone(), first: block, last: block };
        store.plan_put(sha, &[run], &meter).await.unwrap();
        store.allocation_fill_widen(id, (block, block), &meter).await.unwrap();
        let claim = Claim { fact, lot: None, expiry: None, time_ms: 1, ordinal: 1, is_bare: false };
        let mut draft = Draft::default();
        let high = Offset::new(u32::try_from(last % 32_768).unwrap()).unwrap();
        draft.assert_all(&claim, &BlockSet::span(low, high));
        let place = Place { allocation: id, block, content_sha256: sha };
        let system = SystemId::parse("L1").unwrap();
        let fresh = Document { events: 1, ..Document::new(sha, "epcis-xml-1", &system, NOW) };
        store.document_change(sha, Some(&fresh), &meter, |_| {}).await.unwrap();
        let (posting, gain) =
            store.block_apply((place, NOW), &draft, &Terms::default(), &meter).await?;
        let all = Counted { postings: 1, gain };
        let none = Counted { postings: 0, gain: Gain::default() };
        store.allocation_fill_add((id, sha), (none, all), NOW, &meter).await.unwrap();
        let done = |document: &mut Document| {
            let judgement = document.judgement_mut(&system, NOW).unwrap();
            judgement.status = DocumentStatus::Reconciled;
            judgement.serials.newly_commissioned = posting.verdict.newly_commissioned.into();
        };
        store.document_change(sha, None, &meter, done).await.unwrap();
        Ok(())
    }

    /// Numbers of an allocation by bucket; I4 holds.
    pub async fn buckets(&self, allocation: &Allocation, wanted: &[Bucket]) -> Vec<u64> {
        let current = self.store.allocation_fetch(&allocation.id).await.unwrap().unwrap();
        let balance = self.store.allocation_balance(&current).await.unwrap();
        assert!(balance.holds());
        wanted.iter().map(|bucket| balance.buckets.get(*bucket)).collect()
    }

    /// Nothing of the table is broken.
    pub async fn holds(&self) {
        assert_eq!(self.store.audit().await.unwrap().breaches, []);
    }
}

impl Process {
    pub async fn give_up(
        &self,
        allocation: &Allocation,
        key: &str,
        (selection, fate): (Selection, Fate),
    ) -> Result<(NumberChange, bool), GiveUpError> {
        let (requester, key) = (SystemId::parse("L1").unwrap(), RequestId::parse(key).unwrap());
        let request = Request {
            requester: &requester,
            actor: ACTOR,
            key: &key,
            selection,
            fate,
            reason: "order cut short",
        };
        self.store.numbers_give_up(&self.objects, &allocation.id, &request, NOW).await
    }
}

fn objects(shelf: &Shelf) -> Objects {
    let nowhere = Some("http://127.0.0.1:9".to_owned());
    let settings = AwsSettings::new("eu-central-1", nowhere, ("test", "test"), None);
    let buckets = Buckets { inbound: "i".into(), outbound: "o".into(), documents: "d".into() };
    Objects { s3: s3(&settings, &shelf.http()), buckets }
}
