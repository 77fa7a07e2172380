//! A hub with one pool, and the account of a pool as I2 asks for it.

use domain::ids::{PoolId, RequestId, SystemId};
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest};
use store::Store;
use store::range::RangeKind;
use testkit::{Dynamo, Faults};

pub const NOW: &str = "2026-11-23T12:00:00.000Z";
pub const LATER: &str = "2026-11-23T13:00:00.000Z";

pub struct Hub {
    dynamo: Dynamo,
    table: String,
    pub store: Store,
    pub pool: PoolId,
}

/// What became of a pool's numbers.
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    pub cursor: u128,
    pub allocations: usize,
    pub allocated: u64,
    pub void: u64,
    pub open: usize,
}

pub fn request(id: &str, quantity: u64) -> ReserveRequest {
    ReserveRequest {
        requester: SystemId::parse("line-1").unwrap(),
        credential: None,
        request_id: RequestId::parse(id).unwrap(),
        key: "00313000007772".parse().unwrap(),
        quantity,
        pool_id: None,
        system_id: None,
        line_gln: None,
        plant_gln: None,
        details: Details { lot: Some("LOT42".into()), ..Details::default() },
        terms: domain::request::Terms::default(),
    }
}

impl Hub {
    pub async fn with_pool(from: u128, to: u128) -> Self {
        let dynamo = Dynamo::start().await;
        let table = dynamo.table().await;
        let store = Store::new(dynamo.client(), &table);
        let pool = PoolId::from_entropy([0; 17]);
        let hub = Self { dynamo, table, store, pool };
        hub.create(hub.pool.clone(), from, to).await;
        hub
    }

    pub async fn another_pool(&self, from: u128, to: u128) -> PoolId {
        self.create(PoolId::from_entropy([1; 17]), from, to).await
    }

    async fn create(&self, id: PoolId, from: u128, to: u128) -> PoolId {
        let draft = PoolDraft {
            name: "a pool".into(),
            key: "00313000007772".parse().unwrap(),
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 12 },
            eu_rules: false,
            from,
            to,
            max_request: 100_000_000,
            threshold: 0,
            policy: domain::policy::PoolPolicy::default(),
        };
        self.store.pool_create(id, draft, NOW).await.unwrap().id
    }

    /// The same table through a client that breaks on demand.
    pub fn store_over(&self, faults: &Faults) -> Store {
        Store::new(self.dynamo.client_with(faults), &self.table)
    }

    pub fn pools(&self) -> Vec<PoolId> {
        vec![self.pool.clone()]
    }

    pub async fn accounted(&self) -> Account {
        self.accounted_of(&self.pool).await
    }

    /// I1 and I2, proved from the table while nobody is at work: ranges and open entries without a record
    /// follow each other without gap or overlap up to the cursor, and every range of an allocation has that
    /// allocation.
    pub async fn accounted_of(&self, id: &PoolId) -> Account {
        let state = self.store.pool_fetch(id).await.unwrap().unwrap();
        let ranges = self.store.range_list(id, 10_000, None).await.unwrap();
        assert!(ranges.next.is_none(), "one page holds all ranges of a test");
        let mut parts = Vec::new();
        let mut account = Account {
            cursor: state.pool.cursor,
            allocations: 0,
            allocated: 0,
            void: 0,
            open: state.open.len(),
        };
        for range in &ranges.items {
            parts.push((range.start, u128::from(range.size)));
            if let RangeKind::Allocation(allocation) = &range.kind {
                let stored = self.store.allocation_fetch(allocation).await.unwrap().unwrap();
                assert_eq!((stored.start, stored.size), (range.start, range.size));
                assert_eq!(stored.pool_id, *id);
                account.allocations += 1;
                account.allocated += range.size;
            } else {
                account.void += range.size;
            }
        }
        for entry in &state.open {
            match ranges.items.iter().find(|range| range.start == entry.start) {
                Some(range) => assert_eq!(range.size, entry.size, "sizes agree"),
                None => parts.push((entry.start, u128::from(entry.size))),
            }
        }
        parts.sort_unstable();
        let mut next = state.pool.draft.from;
        for (start, size) in parts {
            assert_eq!(start, next, "no gap and no overlap");
            next += size;
        }
        assert_eq!(next, state.pool.cursor, "every number below the cursor is accounted for");
        assert_eq!(state.pool.cursor + state.pool.remaining, state.pool.draft.to + 1);
        account
    }
}
