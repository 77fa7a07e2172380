//! Lists of imported numbers: all of a file or nothing, once, apart from every other source of the product, and
//! with a process that dies at any call (I1, I2, I7, I11).
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails here")]

mod bench;
mod crashes;
mod refused;

use domain::allocation::Allocation;
use domain::list::Row;
use domain::request::{Mode, Terms};
use store::reserve::ReserveError;

use bench::{Bench, NOW, file, request};

#[tokio::test]
async fn numbers_of_a_file_are_there_in_its_order_with_their_crypto_columns() {
    let bench = Bench::new().await;
    let pool = bench.list(1).await;
    let text = "serial,crypto_key,crypto_code\nB+=\"x,k1,c/+=\nabc,,\nABC,k3,\n007,,c4\n7,,\n";
    let imported = bench.import(&pool, text).await.unwrap();
    assert_eq!((imported.import.first, imported.import.count, imported.is_replay), (1, 5, false));
    assert_eq!((imported.pool.draft.to, imported.pool.remaining), (5, 5));
    let mut reader = bench.store.list_reader(&bench.objects, &pool).await.unwrap();
    let texts = reader.texts_of((1, 5), (1, 5)).await.unwrap();
    let row = |serial, key, code| Row { serial, key, code };
    let expected = [
        row("B+=\"x", "k1", "c/+="),
        row("abc", "", ""),
        row("ABC", "k3", ""),
        row("007", "", "c4"),
        row("7", "", ""),
    ];
    for (index, expected) in (1_u128..).zip(expected) {
        assert_eq!(texts.row(index), expected, "{index}");
        assert_eq!(reader.index_of(expected.serial).await.unwrap(), Some(index));
    }
    for stranger in ["", "Abc", "07", "b+=\"x"] {
        assert_eq!(reader.index_of(stranger).await.unwrap(), None, "{stranger}");
    }
}

#[tokio::test]
async fn imports_follow_each_other_and_the_same_file_is_imported_once() {
    let bench = Bench::new().await;
    let pool = bench.list(1).await;
    let first = bench.import(&pool, &file("A", 0..40_000)).await.unwrap();
    let second = bench.import(&pool, &file("B", 0..10)).await.unwrap();
    assert_eq!((second.import.first, second.pool.draft.to), (40_001, 40_010));
    let again = bench.import(&pool, &file("A", 0..40_000)).await.unwrap();
    assert!(again.is_replay);
    assert_eq!((again.import, again.pool.remaining), (first.import, 40_010));
    let mut reader = bench.store.list_reader(&bench.objects, &pool).await.unwrap();
    // Over the end of a segment and of an import.
    for (index, serial) in [
        (1, "A00000000"),
        (32_768, "A00032767"),
        (32_769, "A00032768"),
        (40_000, "A00039999"),
        (40_001, "B00000000"),
        (40_010, "B00000009"),
    ] {
        assert_eq!(reader.index_of(serial).await.unwrap(), Some(index), "{serial}");
        let texts = reader.texts_of((index, 1), (index, 1)).await.unwrap();
        assert_eq!(texts.row(index).serial, serial);
    }
    let all = reader.texts_of((32_760, 7_250), (32_760, 7_250)).await.unwrap();
    assert_eq!((all.row(32_760).serial, all.row(40_009).serial), ("A00032759", "B00000008"));
    assert!(reader.texts_of((40_010, 2), (40_010, 2)).await.is_err(), "beyond the end");
    // I11: each import has its record, and the pool is what the last one says.
    bench.holds().await;
    let entity = store::keys::Pk::Pool(pool.clone());
    let records = bench.store.audit_records(&entity, 10).await.unwrap();
    let told: Vec<&str> = records.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(told, ["create", "import", "import"]);
    let reason = format!("40000 numbers of the file {}", reader.imports()[0].sha256);
    assert_eq!(records[1].reason.as_deref(), Some(reason.as_str()));
}

#[tokio::test]
async fn numbers_of_the_oldest_import_are_found_without_asking_all_the_others() {
    let bench = Bench::new().await;
    let pool = bench.list(1).await;
    bench.import(&pool, &file("A", 0..70_000)).await.unwrap();
    for number in 0..8_u32 {
        bench.import(&pool, &file("B", number * 10..number * 10 + 10)).await.unwrap();
    }
    let mut reader = bench.store.list_reader(&bench.objects, &pool).await.unwrap();
    assert_eq!(reader.index_of("A00000000").await.unwrap(), Some(1));
    let (before, kept) = (reader.reads(), reader.bytes_kept());
    assert!((32_768 * 40..32_768 * 60).contains(&kept), "{kept}");
    // Two more segments of the same import: a bucket and the segment each.
    for (serial, index) in [("A00032768", 32_769), ("A00065536", 65_537)] {
        assert_eq!(reader.index_of(serial).await.unwrap(), Some(index));
    }
    assert_eq!(reader.reads() - before, 4);
    assert!(reader.bytes_kept() > 2 * kept);
    // What is longer than all texts is in none.
    let before = reader.reads();
    assert_eq!(reader.index_of("A000000000").await.unwrap(), None);
    assert_eq!(reader.reads(), before);
    assert_eq!(reader.index_of("B00000075").await.unwrap(), Some(70_076));
}

#[tokio::test]
async fn a_large_index_is_cut_into_parts_and_read_like_a_small_one() {
    let bench = Bench::new().await;
    let pool = bench.list(1).await;
    let text = file("A", 0..5_000);
    let cut = bench.import_in_parts(&pool, &text, 700).await.unwrap();
    assert_eq!(cut.import.parts, 8);
    let mut reader = bench.store.list_reader(&bench.objects, &pool).await.unwrap();
    for number in [0_u32, 1, 699, 700, 2_500, 4_999] {
        let index = reader.index_of(&format!("A{number:08}")).await.unwrap();
        assert_eq!(index, Some(u128::from(number) + 1));
    }
    // What is in a part is found by whoever comes later, whole or in parts.
    let other = bench.list(2).await;
    for entries_max in [700, 100_000] {
        let text = file("A", 4_990..5_100);
        let refusal = bench.refusal(&other, &text, entries_max).await;
        assert_eq!((refusal.count, refusal.lines[0].line), (10, 2));
    }
}

#[tokio::test]
async fn numbers_are_reserved_as_lists_only() {
    let bench = Bench::new().await;
    let pool = bench.list(1).await;
    bench.import(&pool, &file("A", 0..100)).await.unwrap();
    for mode in [Mode::Range, Mode::Random] {
        let terms = Terms { mode, ..Terms::default() };
        let refused =
            bench.store.reserve(&request("R0", 5, terms), std::slice::from_ref(&pool), NOW).await;
        assert!(matches!(refused, Err(ReserveError::ModeNotAllowed { .. })), "{refused:?}");
    }
    let terms = Terms { mode: Mode::List, ..Terms::default() };
    let reserved =
        bench.store.reserve(&request("R1", 60, terms), std::slice::from_ref(&pool), NOW).await;
    let allocation: Allocation = reserved.unwrap().allocation;
    assert_eq!((allocation.start, allocation.size), (1, 60));
    let numbering = bench.store.numbering_whole(&bench.objects, &allocation).await.unwrap();
    let texts = numbering.texts(allocation.start, 2);
    assert_eq!(texts, ["A00000000", "A00000001"]);
    let refused =
        bench.store.reserve(&request("R2", 41, terms), std::slice::from_ref(&pool), NOW).await;
    assert!(matches!(refused, Err(ReserveError::Insufficient { .. })), "{refused:?}");
    // An import fills the pool up.
    bench.import(&pool, &file("B", 0..1)).await.unwrap();
    let reserved =
        bench.store.reserve(&request("R2", 41, terms), std::slice::from_ref(&pool), NOW).await;
    assert_eq!(reserved.unwrap().allocation.start, 61);
    bench.holds().await;
}

#[tokio::test]
async fn a_changed_segment_is_never_taken_for_what_was_imported() {
    let bench = Bench::new().await;
    let pool = bench.list(1).await;
    bench.import(&pool, &file("A", 0..100)).await.unwrap();
    let key = bench
        .shelf
        .keys("documents")
        .into_iter()
        .find(|key| key.rsplit('.').next() == Some("rows"))
        .unwrap();
    let mut bytes = bench.shelf.get("documents", &key).unwrap();
    bytes[1] = b'B';
    bench.shelf.put("documents", &key, bytes);
    let mut reader = bench.store.list_reader(&bench.objects, &pool).await.unwrap();
    let refused = reader.texts_of((1, 1), (1, 1)).await;
    assert!(matches!(refused, Err(store::StoreError::Corrupt(_))), "{refused:?}");
}
