//! Files that are refused as a whole, with the lines that are to blame.

use domain::pool::Scheme;
use domain::space::{Alphabet, SpaceForm, SpaceId};
use store::list::{ENTRIES_MAX, ImportError};
use store::pool::{PoolChange, PoolError};

use crate::bench::{Bench, NOW, draft, file, id};

fn space() -> Scheme {
    let form = SpaceForm::new("S", Alphabet::custom("0123456789AB").unwrap(), 9).unwrap();
    Scheme::Randomised { space: SpaceId::of(&"00313000007772".parse().unwrap(), &form), form }
}

#[tokio::test]
async fn one_wrong_line_refuses_the_file_and_each_is_told() {
    let bench = Bench::new().await;
    let pool = bench.list(1).await;
    let decimals = draft(Scheme::Sequential { width: 8 }, (100, 199));
    bench.store.pool_create(id(7), decimals, NOW).await.unwrap();
    bench.store.pool_create(id(8), draft(space(), (0, 999)), NOW).await.unwrap();
    bench.import(&pool, &file("A", 0..10)).await.unwrap();
    let other = bench.list(2).await;
    bench.import(&other, "serial\nOTHER\n").await.unwrap();
    let text = "serial,crypto_key\ngood,\n,k\n123456789012345678901,\na b,\ngood,x\n00000150,\n\
        00000200,\ns0000000aB,\nA00000003,\nOTHER,\nwrong\nkey,a b\nGOOD,\n";
    let refusal = bench.refusal(&pool, text, ENTRIES_MAX).await;
    let told: Vec<(u64, &str)> =
        refusal.lines.iter().map(|line| (line.line, line.reason.as_str())).collect();
    let SpaceText(space) = space_text();
    let expected = [
        (3, "a serial number has 1 to 20 characters, not 0".to_owned()),
        (4, "a serial number has 1 to 20 characters, not 21".to_owned()),
        (5, "the character ' ' is not in the GS1 character set 82".to_owned()),
        (6, "it is in line 2 already".to_owned()),
        (7, format!("it is a number of pool {}", id(7))),
        (9, format!("space {space} of the product could print it")),
        (10, "it is in the pool already".to_owned()),
        (11, format!("it is in pool {} already", id(2))),
        (12, "the line has 1 values for 2 columns".to_owned()),
        (13, "the crypto key has at most 90 characters of the GS1 character set 82".to_owned()),
    ];
    let expected: Vec<(u64, &str)> = expected.iter().map(|(l, text)| (*l, text.as_str())).collect();
    assert_eq!(told, expected);
    assert_eq!((refusal.count, refusal.lines[8].serial.as_str()), (10, ""));
    assert_eq!(refusal.lines[3].serial, "good");
    // I9: what is printed for people who look after the hub has no number.
    assert!(!format!("{refusal:?}").contains("good"));
    // Nothing came of it, and without those lines the file is fine.
    let state = bench.store.pool_fetch(&pool).await.unwrap().unwrap();
    assert_eq!((state.pool.draft.to, state.pool.remaining), (10, 10));
    bench.import(&pool, "serial\ngood\n00000200\nGOOD\n").await.unwrap();
    bench.holds().await;
}

struct SpaceText(SpaceId);

fn space_text() -> SpaceText {
    match space() {
        Scheme::Randomised { space, .. } => SpaceText(space),
        Scheme::Sequential { .. } | Scheme::List { .. } => panic!("no space"),
    }
}

#[tokio::test]
async fn the_first_hundred_lines_are_told() {
    let bench = Bench::new().await;
    let pool = bench.list(1).await;
    let doubled = format!("{}{}", file("A", 0..300), file("A", 0..300).replace("serial\n", ""));
    let refusal = bench.refusal(&pool, &doubled, ENTRIES_MAX).await;
    assert_eq!((refusal.lines.len(), refusal.lines[0].line), (100, 302));
    assert_eq!(refusal.lines[99].line, 401);
    let wrong = "serial\n".to_owned() + &"a b\n".repeat(250);
    let refusal = bench.refusal(&pool, &wrong, ENTRIES_MAX).await;
    assert_eq!((refusal.count, refusal.lines.len()), (250, 100));
}

#[tokio::test]
async fn files_without_numbers_and_pools_without_lists_are_refused() {
    let bench = Bench::new().await;
    let pool = bench.list(1).await;
    let empty = bench.import(&pool, "serial\n").await;
    assert!(matches!(empty, Err(ImportError::Empty)), "{empty:?}");
    let none = bench.import(&id(9), "serial\nA\n").await;
    assert!(matches!(none, Err(ImportError::NoPool)), "{none:?}");
    let decimals = draft(Scheme::Sequential { width: 8 }, (100, 199));
    bench.store.pool_create(id(7), decimals, NOW).await.unwrap();
    let none = bench.import(&id(7), "serial\nA\n").await;
    assert!(matches!(none, Err(ImportError::NoList)), "{none:?}");
    // A list grows by imports only.
    let change = PoolChange { to: Some(5), ..PoolChange::default() };
    let refused = bench.store.pool_change(&pool, &change, ("L1/c", NOW)).await;
    assert!(matches!(refused, Err(PoolError::Rule(_))), "{refused:?}");
}

#[tokio::test]
async fn i1_sources_that_come_later_stay_clear_of_what_was_imported() {
    let bench = Bench::new().await;
    let pool = bench.list(1).await;
    bench.import(&pool, "serial\n00000150\n00000160\ns123456789\n").await.unwrap();
    let check = async |number: u8, scheme, bounds, clear: bool| {
        let outcome = bench.store.pool_create(id(number), draft(scheme, bounds), NOW).await;
        let refused = match &outcome {
            Ok(_) => None,
            Err(PoolError::Overlap { pool }) => Some(pool.clone()),
            Err(PoolError::Clash { with: store::pool::Source::Pool(pool), .. }) => {
                Some(pool.clone())
            }
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(refused, (!clear).then(|| pool.clone()), "{number}: {outcome:?}");
    };
    let decimals = Scheme::Sequential { width: 8 };
    check(11, decimals, (0, 149), true).await;
    check(12, decimals, (155, 155), false).await;
    check(13, decimals, (161, 300), true).await;
    check(14, Scheme::Sequential { width: 9 }, (400, 500), true).await;
    check(15, space(), (0, 999), false).await;
    // Nor may a pool grow into it.
    let change = PoolChange { to: Some(150), ..PoolChange::default() };
    let refused = bench.store.pool_change(&id(11), &change, ("L1/c", NOW)).await;
    assert!(matches!(refused, Err(PoolError::Overlap { .. })), "{refused:?}");
    bench.holds().await;
}
