use domain::pool::Scheme;
use store::pool::{PoolError, Source};

use crate::bench::*;

const DECIMALS: Scheme = Scheme::Sequential { width: 8 };

#[tokio::test]
async fn i1_pools_overlap_within_a_source_and_not_across() {
    let bench = Bench::start().await;
    let (one, other) = (space("A", DIGITS, 10), space("B", DIGITS, 10));
    bench.create(1, draft(one, 0, 999)).await.unwrap();
    bench.create(2, draft(other, 0, 999)).await.unwrap();
    bench.create(3, draft(DECIMALS, 0, 999)).await.unwrap();
    for (scheme, pool) in [(one, 1), (other, 2), (DECIMALS, 3)] {
        let refused = bench.create(9, draft(scheme, 999, 1_000)).await;
        assert!(matches!(refused, Err(PoolError::Overlap { pool: p }) if p == id(pool)), "{pool}");
    }
    bench.create(4, draft(one, 1_000, 1_999)).await.unwrap();
    let refused = bench.change(1, to(1_000)).await;
    assert!(matches!(refused, Err(PoolError::Overlap { pool }) if pool == id(4)));
    bench.change(2, to(5_000)).await.unwrap();
    assert!(bench.store.audit().await.unwrap().breaches.is_empty());
}

#[tokio::test]
async fn i1_a_space_that_could_print_a_text_of_another_source_is_refused() {
    let check = async |first: Scheme, second: Scheme, texts: Option<(&str, &str)>| {
        let bench = Bench::start().await;
        bench.create(1, draft(first, 0, 99)).await.unwrap();
        let outcome = bench.create(2, draft(second, 1_000, 1_099)).await;
        match (outcome, texts) {
            (Ok(_), None) => {}
            (Err(PoolError::Clash { clash, with }), Some(texts)) => {
                assert_eq!((clash.one.as_str(), clash.other.as_str()), texts);
                let expected = match first {
                    Scheme::Sequential { .. } | Scheme::List { .. } => Source::Pool(id(1)),
                    Scheme::Randomised { space, .. } => Source::Space(space),
                };
                assert_eq!(with, expected);
                assert_eq!(bench.store.pools_of(&gtin()).await.unwrap().len(), 1);
                let spaces = bench.store.space_list(&gtin()).await.unwrap();
                assert!(spaces.iter().all(|space| Some(space.id) != space_of(second)));
            }
            (other, _) => panic!("{other:?}"),
        }
    };
    let eight = space("", DIGITS, 8);
    check(DECIMALS, eight, Some(("00000000", "00000000"))).await;
    check(eight, DECIMALS, Some(("00000000", "00000000"))).await;
    check(DECIMALS, space("", DIGITS, 9), None).await;
    check(eight, Scheme::Sequential { width: 9 }, None).await;
    check(space("A", DIGITS, 7), DECIMALS, None).await;
    // The same to a reader who does not heed case.
    check(space("", "ABCDEFGH", 8), space("", "efghijkl", 8), Some(("eeeeeeee", "EEEEEEEE"))).await;
    check(space("EU", DIGITS, 8), space("eu", DIGITS, 8), Some(("eu00000000", "EU00000000"))).await;
    check(space("EU", DIGITS, 8), space("EV", DIGITS, 8), None).await;
}

fn space_of(scheme: Scheme) -> Option<domain::space::SpaceId> {
    match scheme {
        Scheme::Randomised { space, .. } => Some(space),
        Scheme::Sequential { .. } | Scheme::List { .. } => None,
    }
}

/// Claims of earlier versions say no width; the pool does.
#[tokio::test]
async fn i1_a_claim_of_an_earlier_version_is_judged_by_its_pool() {
    let bench = Bench::start().await;
    bench.create(1, draft(DECIMALS, 0, 99)).await.unwrap();
    let (pk, sk) = (
        store::keys::Pk::Gtin(gtin()).to_string(),
        store::keys::Sk::Boundary(0, id(1)).to_string(),
    );
    let text = aws_sdk_dynamodb::types::AttributeValue::S;
    #[expect(clippy::disallowed_methods, reason = "an item of an earlier version")]
    bench
        .store
        .dynamo
        .update_item()
        .table_name(&*bench.store.table)
        .key("pk", text(pk))
        .key("sk", text(sk))
        .update_expression("REMOVE width")
        .condition_expression("attribute_exists(width)")
        .send()
        .await
        .unwrap();
    let refused = bench.create(2, draft(space("", DIGITS, 8), 0, 99)).await;
    assert!(matches!(refused, Err(PoolError::Clash { .. })), "{refused:?}");
    bench.create(2, draft(space("", DIGITS, 9), 0, 99)).await.unwrap();
    // The next change of the pool says its width.
    bench.change(1, to(199)).await.unwrap();
    assert_eq!(bench.store.pools_of(&gtin()).await.unwrap().len(), 2);
}

/// Of two sources that clash and are created at once, one is.
#[tokio::test]
async fn i1_of_racing_sources_that_clash_exactly_one_wins() {
    let bench = Bench::start().await;
    let mut racers = tokio::task::JoinSet::new();
    for number in 0..8_u8 {
        let store = bench.another();
        let scheme = if number % 2 == 0 { DECIMALS } else { space("", "0123456", 8) };
        let from = u128::from(number) * 100;
        racers.spawn(async move {
            store.pool_create(id(number), draft(scheme, from, from + 99), NOW).await.is_ok()
        });
    }
    let mut won = 0;
    while let Some(outcome) = racers.join_next().await {
        won += u32::from(outcome.unwrap());
    }
    let claims = bench.store.pools_of(&gtin()).await.unwrap();
    let spaces = bench.store.space_list(&gtin()).await.unwrap();
    assert_eq!(claims.len(), usize::try_from(won).unwrap());
    // Either all decimals, or the space and its pools: never both.
    assert_eq!(claims.len(), 4);
    assert!(spaces.is_empty() || spaces[0].pools.len() == 4, "{spaces:?}");
}
