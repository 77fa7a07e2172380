use domain::policy::{AutoExtend, PoolPolicy};
use domain::pool::{PoolDraft, Scheme};
use domain::space::DensityError;
use store::pool::{PoolChange, PoolError};

use crate::bench::*;

/// 10^8 texts: 9,999 numbers are the most, for 10,000 would be one in ten thousand.
fn scheme() -> Scheme {
    space("A", DIGITS, 8)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, PoolError>, total: u128) {
    match outcome {
        Err(PoolError::Density(DensityError { total: found, limit, capacity })) => {
            assert_eq!((found, limit, capacity), (total, 9_999, 100_000_000));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_density_holds_at_its_edge_at_creation() {
    let bench = Bench::start().await;
    refused(bench.create(1, eu(draft(scheme(), 0, 9_999))).await, 10_000);
    assert!(bench.store.space_list(&gtin()).await.unwrap().is_empty(), "nothing is left behind");
    bench.create(1, eu(draft(scheme(), 0, 9_998))).await.unwrap();
    refused(bench.create(2, eu(draft(scheme(), 50_000, 50_000))).await, 10_000);
    // A pool that does not ask for the rules is still in a space that does.
    refused(bench.create(2, draft(scheme(), 50_000, 50_000)).await, 10_000);
    // Another form is another space.
    bench.create(2, eu(draft(space("B", DIGITS, 8), 0, 9_998))).await.unwrap();
}

#[tokio::test]
async fn all_pools_of_a_space_count_as_soon_as_one_asks() {
    let bench = Bench::start().await;
    bench.create(1, draft(scheme(), 0, 4_999)).await.unwrap();
    bench.create(2, draft(scheme(), 10_000, 14_998)).await.unwrap();
    // 9,999 numbers are given out already; the rules leave none for a third pool.
    refused(bench.create(3, eu(draft(scheme(), 20_000, 20_000))).await, 10_000);
    bench.change(2, to(14_997)).await.unwrap();
    bench.create(3, eu(draft(scheme(), 20_000, 20_000))).await.unwrap();
    refused(bench.change(1, to(5_000)).await, 10_000);
    let spaces = bench.store.space_list(&gtin()).await.unwrap();
    assert_eq!((spaces.len(), spaces[0].eu_rules, spaces[0].claimed), (1, true, 9_999));
    assert_eq!((spaces[0].limit(), spaces[0].pools.len()), (9_999, 3));
}

#[tokio::test]
async fn the_density_holds_at_its_edge_when_a_pool_is_extended() {
    let bench = Bench::start().await;
    bench.create(1, eu(draft(scheme(), 0, 99))).await.unwrap();
    bench.create(2, draft(scheme(), 50_000, 50_999)).await.unwrap();
    // 1,000 of the other pool and 8,999 of this one.
    refused(bench.change(1, to(8_999)).await, 10_000);
    assert_eq!(bench.change(1, to(8_998)).await.unwrap().draft.to, 8_998);
    refused(bench.change(2, to(51_000)).await, 10_000);
    // Moved, a pool is as large as before.
    let moved = PoolChange { from: Some(60_000), to: Some(60_999), ..PoolChange::default() };
    assert_eq!(bench.change(2, moved).await.unwrap().remaining, 1_000);
    refused(bench.change(2, to(61_000)).await, 10_000);
    bench.change(1, to(8_997)).await.unwrap();
    bench.change(2, to(61_000)).await.unwrap();
}

#[tokio::test]
async fn a_ceiling_counts_before_it_is_reached() {
    let ceiling = |ceiling| PoolPolicy {
        auto_extend: Some(AutoExtend { by: 100, ceiling }),
        ..PoolPolicy::default()
    };
    let growing = |last| PoolDraft { policy: ceiling(last), ..eu(draft(scheme(), 0, 99)) };
    let bench = Bench::start().await;
    refused(bench.create(1, growing(9_999)).await, 10_000);
    bench.create(1, growing(9_998)).await.unwrap();
    refused(bench.create(2, draft(scheme(), 50_000, 50_000)).await, 10_000);
    let overlapping = bench.create(2, draft(scheme(), 9_998, 9_998)).await;
    assert!(matches!(overlapping, Err(PoolError::Overlap { .. })), "its numbers are claimed too");
}

/// Both see room for themselves alone.
#[tokio::test]
async fn of_racing_extensions_that_are_too_many_together_exactly_one_wins() {
    let bench = Bench::start().await;
    bench.create(1, eu(draft(scheme(), 0, 999))).await.unwrap();
    bench.create(2, eu(draft(scheme(), 20_000, 20_999))).await.unwrap();
    let (one, other) = tokio::join!(bench.change(1, to(5_999)), bench.change(2, to(25_999)));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    refused(if one.is_ok() { other } else { one }, 12_000);
}

#[tokio::test]
async fn the_european_rules_refuse_sequential_numbers() {
    let refused = eu(draft(Scheme::Sequential { width: 8 }, 0, 99)).check().unwrap_err();
    assert_eq!(refused.field, "scheme");
}
