//! A process that dies at any call of an import: nothing of it is visible before all of it is, and the same
//! file again ends as if nothing had happened.

use store::list::{ENTRIES_MAX, ImportError, Outcome};
use testkit::Faults;

use crate::bench::{Bench, file, import};

/// Everything that callers see of a pool.
async fn seen(bench: &Bench) -> (u128, u128, Vec<String>) {
    let pool = crate::bench::id(1);
    let state = bench.store.pool_fetch(&pool).await.unwrap().unwrap();
    let imports = bench.store.list_imports(&pool).await.unwrap().unwrap();
    let names = imports.into_iter().map(|import| import.sha256).collect();
    (state.pool.draft.to, state.pool.remaining, names)
}

#[tokio::test]
async fn a_cut_at_any_call_leaves_all_or_nothing_and_a_repeat_finishes() {
    let calls = {
        let (bench, faults) = (Bench::new().await, Faults::none());
        let pool = bench.list(1).await;
        let (store, objects) = bench.process(&faults);
        import((&store, &objects), &pool, &file("A", 0..40_000), ENTRIES_MAX).await.unwrap();
        faults.count()
    };
    assert!(calls > 8, "{calls}");
    for k in 1..=calls {
        for dies_after in [false, true] {
            let bench = Bench::new().await;
            let pool = bench.list(1).await;
            let faults = Faults::none();
            let faults = if dies_after { faults.dies_after(k) } else { faults.dies_before(k) };
            let (store, objects) = bench.process(&faults);
            let text = file("A", 0..40_000);
            let first = import((&store, &objects), &pool, &text, ENTRIES_MAX).await;
            let (to, remaining, names) = seen(&bench).await;
            assert!(to == 0 || to == 40_000, "{k}: half of it");
            assert_eq!((remaining, names.len()), (to, usize::from(to > 0)), "{k}");
            assert!(first.is_err() || to > 0, "{k}: nothing, but answered as done");
            // Somebody else does not get its numbers meanwhile, claimed or not.
            let again = bench.import(&pool, &text).await.unwrap();
            assert_eq!((again.import.first, again.import.count), (1, 40_000), "{k}");
            assert_eq!(again.is_replay, to > 0, "{k}");
            let (to, remaining, names) = seen(&bench).await;
            assert_eq!((to, remaining, names.len()), (40_000, 40_000, 1), "{k}");
            let mut reader = bench.store.list_reader(&bench.objects, &pool).await.unwrap();
            assert_eq!(reader.index_of("A00039999").await.unwrap(), Some(40_000));
            bench.holds().await;
        }
    }
}

#[tokio::test]
async fn i1_of_racing_imports_no_number_counts_twice() {
    let bench = Bench::new().await;
    let pools = [bench.list(1).await, bench.list(2).await];
    // Half of each file is in the other one.
    let texts = [file("A", 0..600), file("A", 300..900)];
    let race = |pool, text| {
        let bench = &bench;
        async move {
            for _ in 0..10 {
                match bench.import(pool, text).await {
                    Err(ImportError::Moved) => {}
                    outcome => return outcome,
                }
            }
            Err(ImportError::Moved)
        }
    };
    let (one, other) = tokio::join!(race(&pools[0], &texts[0]), race(&pools[1], &texts[1]));
    let won = |outcome: &Result<Outcome, ImportError>| outcome.is_ok();
    assert!(won(&one) != won(&other), "{one:?} {other:?}");
    let lost = one.err().or(other.err());
    let Some(ImportError::Refused(refusal)) = lost else { panic!("{lost:?}") };
    assert_eq!(refusal.lines.len(), 100);
    bench.holds().await;
}

#[tokio::test]
async fn i1_what_a_dead_caller_claimed_is_nobody_elses() {
    let bench = Bench::new().await;
    let (pool, other) = (bench.list(1).await, bench.list(2).await);
    let text = file("A", 0..10);
    // Dies between the claim and the link.
    let faults = Faults::none().on("UpdateItem", testkit::Fault::CutBefore);
    let faults = (0..4).fold(faults, |f, _| f.on("UpdateItem", testkit::Fault::CutBefore));
    let (store, objects) = bench.process(&faults);
    import((&store, &objects), &pool, &text, ENTRIES_MAX).await.unwrap_err();
    assert_eq!(seen(&bench).await.0, 0);
    let refusal = bench.refusal(&other, &file("A", 5..15), ENTRIES_MAX).await;
    assert_eq!((refusal.count, refusal.lines[0].line), (5, 2));
    // The same file finishes; another one of the pool may have come first.
    bench.import(&pool, &file("B", 0..3)).await.unwrap();
    let done = bench.import(&pool, &text).await.unwrap();
    assert_eq!((done.import.first, done.pool.remaining), (4, 13));
    bench.holds().await;
}
