//! Heartbeats in the table: in any order, repeated, in parallel and over broken connections they give the
//! same minutes, and few write units.

#![expect(clippy::unwrap_used, reason = "a test fails here")]
#![expect(clippy::disallowed_methods, reason = "corruption is written past the crate store")]
#![expect(clippy::arithmetic_side_effects, reason = "the numbers of a test are small")]

use domain::gln::Gln;
use domain::telemetry::{
    About, Added, Counters, HOUR_MS, Heartbeat, LineStatus, MINUTE_MS, MinuteRollup, Mode, Sample,
    State, Totals,
};
use store::line::{MINUTE_KEPT_S, Window};
use store::meter::Meter;
use store::{Store, StoreError};
use testkit::{Dynamo, Fault, Faults};

/// 2026-11-23T08:00:00Z.
const START: u64 = 1_795_420_800_000;
const WHOLE: Window = Window { from_ms: START, until_ms: START + 24 * HOUR_MS, now_ms: u64::MAX };

fn line(number: u64) -> Gln {
    Gln::from_location(&format!("urn:epc:id:sgln:0313000.{number:05}.0")).unwrap()
}

/// The n-th heartbeat of a line that beats every `step_ms` and sets its counters back after 190.
fn heartbeat(gln: Gln, n: u64, step_ms: u64) -> Heartbeat {
    let made = (n % 190) * 3;
    let counters =
        Counters { consumed: Some(made + 1), processed: Some(made), defective: Some(made / 20) };
    let sample = Sample {
        at_ms: START + n * step_ms,
        seq: (!n.is_multiple_of(7)).then_some(18_000 + n),
        state: if n.is_multiple_of(11) { State::Held } else { State::Execute },
        mode: Some(Mode::Production),
        counters,
        speed_milli: Some(118_000),
        design_milli: Some(150_000),
        blocked: n.is_multiple_of(11),
        starved: false,
        serials_remaining: Some(500_000 - n * 3),
    };
    let about = About { lot: Some("LOT42".to_owned()), ..About::default() };
    Heartbeat { line: gln, sample, about }
}

fn day(gln: Gln, count: u64, step_ms: u64) -> Vec<Heartbeat> {
    (0..count).map(|n| heartbeat(gln, n, step_ms)).collect()
}

/// An order that looks random and is the same in each run.
fn shuffled(mut heartbeats: Vec<Heartbeat>, seed: u64) -> Vec<Heartbeat> {
    heartbeats.sort_by_key(|one| {
        (one.sample.at_ms ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17)
    });
    heartbeats
}

async fn store() -> (Dynamo, Store) {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    (dynamo, store)
}

async fn minutes(store: &Store, gln: Gln) -> Vec<MinuteRollup> {
    let mut window = WHOLE;
    let mut all = Vec::new();
    loop {
        let page = store.line_minutes(gln, window, 3).await.unwrap();
        all.extend(page.items);
        let Some(next) = page.next else {
            return all;
        };
        window.from_ms = next.parse().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_shuffled_and_repeated_deliveries_lose_nothing_and_give_the_same_minutes() {
    let (_dynamo, store) = store().await;
    let (plain, rough) = (line(1), line(2));
    let meter = Meter::default();
    let told = day(plain, 400, 1_700);
    let first = store.line_ingest(&told, &meter).await.unwrap();
    assert!(first.iter().all(|added| *added == Added::New));

    let again = day(rough, 400, 1_700);
    let mut tasks = tokio::task::JoinSet::new();
    for seed in [3, 5] {
        for part in shuffled(again.clone(), seed).chunks(37) {
            let (store, part) = (store.clone(), part.to_vec());
            tasks.spawn(async move {
                let added = store.line_ingest(&part, &Meter::default()).await.unwrap();
                added.iter().filter(|added| **added == Added::New).count()
            });
        }
    }
    let new: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!(new, 400, "each heartbeat was new to exactly one of the deliveries");
    let (expected, found) = (minutes(&store, plain).await, minutes(&store, rough).await);
    assert_eq!(expected, found);
    assert_eq!(expected.len(), 12);
    let total = Totals::sum(expected.iter().map(|minute| &minute.totals));
    // Two times 189 steps of 3, and 19 steps after the second set-back to zero.
    assert_eq!((total.processed, total.resets), (Some(189 * 3 * 2 + 19 * 3), 2));
    assert_eq!(total.burned, Some(399 * 3));
    let (a, b) = (store.line_fetch(plain).await.unwrap(), store.line_fetch(rough).await.unwrap());
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!((a.last(), a.about(), a.recent_ms()), (b.last(), b.about(), b.recent_ms()));
}

#[tokio::test]
async fn a_heartbeat_costs_two_write_units_and_five_hundred_of_a_line_a_handful() {
    let (_dynamo, store) = store().await;
    let cost = async |heartbeats: &[Heartbeat]| {
        let meter = Meter::default();
        store.line_ingest(heartbeats, &meter).await.unwrap();
        meter.units()
    };
    let gln = line(1);
    // The first time the line is put on the list, which is a transaction.
    assert_eq!(cost(&day(gln, 1, 1_000)).await, 5);
    assert_eq!(cost(&[heartbeat(gln, 1, 1_000)]).await, 2);
    assert_eq!(cost(&[heartbeat(gln, 1, 1_000)]).await, 0, "a repetition writes nothing");
    assert_eq!(cost(&[heartbeat(gln, 0, 1_000)]).await, 0);
    let units = cost(&day(gln, 500, 1_000)).await;
    println!("500 heartbeats at one a second: {units} write units");
    assert!(units <= 19, "{units}");
    let units = cost(&day(line(2), 500, 10_000)).await;
    println!("500 heartbeats at one in ten seconds: {units} write units");
    assert!(units <= 90, "{units}");
}

#[tokio::test]
async fn five_hundred_heartbeats_are_written_in_parallel_and_not_one_by_one() {
    let dynamo = Dynamo::start().await;
    let faults = Faults::none();
    let store = Store::new(dynamo.client_with(&faults), &dynamo.table().await);
    store.line_ingest(&day(line(1), 500, 1_000), &Meter::default()).await.unwrap();
    let count = |name: &str| faults.operations().iter().filter(|one| *one == name).count();
    assert_eq!((count("BatchGetItem"), count("PutItem"), count("TransactWriteItems")), (1, 9, 1));
    assert_eq!(faults.count(), 11);
}

#[tokio::test]
async fn a_delivery_cut_at_any_call_is_completed_by_its_repetition() {
    let dynamo = Dynamo::start().await;
    let quiet = Store::new(dynamo.client(), &dynamo.table().await);
    let told = shuffled(day(line(1), 60, 5_000), 9);
    quiet.line_ingest(&told, &Meter::default()).await.unwrap();
    let expected = minutes(&quiet, line(1)).await;
    // 5 minutes and the line, read at once.
    for k in 1..=7 {
        for after in [false, true] {
            let table = dynamo.table().await;
            let faults = Faults::none();
            let faults = if after { faults.dies_after(k) } else { faults.dies_before(k) };
            let dying = Store::new(dynamo.client_with(&faults), &table);
            // What the dying process would have answered does not matter.
            drop(dying.line_ingest(&told, &Meter::default()).await);
            let store = Store::new(dynamo.client(), &table);
            store.line_ingest(&told, &Meter::default()).await.unwrap();
            assert_eq!(minutes(&store, line(1)).await, expected, "call {k}, after: {after}");
            let listed = store.line_list(10, None).await.unwrap();
            assert_eq!(listed.items.len(), 1);
            assert_eq!(listed.items[0].last().at_ms, START + 59 * 5_000);
        }
    }
    // A lost answer that the SDK repeats by itself changes nothing either.
    for k in 1..=7 {
        let faults = Faults::none().at(k, Fault::CutAfter);
        let table = dynamo.table().await;
        let store = Store::new(dynamo.client_with(&faults), &table);
        store.line_ingest(&told, &Meter::default()).await.unwrap();
        assert_eq!(minutes(&store, line(1)).await, expected, "call {k}");
    }
}

#[tokio::test]
async fn lines_are_listed_by_gln_over_pages_and_only_when_they_were_heard() {
    let (_dynamo, store) = store().await;
    assert_eq!(store.line_fetch(line(1)).await.unwrap(), None);
    let all: Vec<Gln> = (1..=5).map(line).collect();
    let told: Vec<Heartbeat> = all.iter().rev().map(|gln| heartbeat(*gln, 3, 1_000)).collect();
    store.line_ingest(&told, &Meter::default()).await.unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.line_list(2, after).await.unwrap();
        found.extend(page.items.iter().map(|line| *line.gln()));
        let Some(next) = page.next else {
            break;
        };
        after = Some(Gln::parse(&next).unwrap());
    }
    assert_eq!(found, all);
    let some = store.lines_fetch(&[line(9), line(4), line(2)]).await.unwrap();
    assert_eq!(some.iter().map(|line| *line.gln()).collect::<Vec<_>>(), [line(2), line(4)]);
    assert_eq!(some[0].status(START + 4_000), LineStatus::Live);
}

#[tokio::test]
async fn hours_recent_times_and_windows_follow_from_the_minutes() {
    let (_dynamo, store) = store().await;
    let gln = line(1);
    // Two hours and a half, one heartbeat in twenty seconds.
    for part in day(gln, 450, 20_000).chunks(150) {
        store.line_ingest(part, &Meter::default()).await.unwrap();
    }
    let all = minutes(&store, gln).await;
    assert_eq!(all.len(), 150);
    let hours = store.line_hours(gln, WHOLE).await.unwrap();
    assert_eq!(hours.iter().map(|hour| hour.minutes).collect::<Vec<_>>(), [60, 60, 30]);
    let total = Totals::sum(all.iter().map(|minute| &minute.totals));
    assert_eq!(Totals::sum(hours.iter().map(|hour| &hour.totals)), total);
    // A window in the middle counts from the heartbeat before it, as the whole does.
    let window =
        Window { from_ms: START + 30 * MINUTE_MS, until_ms: START + 32 * MINUTE_MS, ..WHOLE };
    let part = store.line_minutes(gln, window, 200).await.unwrap();
    assert_eq!((part.items.as_slice(), part.next), (&all[30..32], None));
    let empty = Window { until_ms: window.from_ms, ..window };
    assert!(store.line_minutes(gln, empty, 200).await.unwrap().items.is_empty());
    let recent = store.line_recent(gln, START + 150 * MINUTE_MS).await.unwrap();
    // Three numbers in twenty seconds.
    assert_eq!((recent.heartbeats, recent.burn_per_hour()), (45, Some(540)));
    assert_eq!(store.line_recent(line(2), START).await.unwrap(), Totals::default());
}

#[tokio::test]
async fn only_minutes_expire_and_a_strange_item_is_corrupt() {
    let (_dynamo, store) = store().await;
    store.line_ingest(&day(line(1), 3, 1_000), &Meter::default()).await.unwrap();
    let items = store.dynamo.scan().table_name(&*store.table).send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 3);
    for item in &items {
        let minute = item["entity"].as_s().unwrap() == "line-minute";
        assert_eq!(item.contains_key("ttl"), minute, "{item:?}");
        if minute {
            let ends_s = (START / 1_000 + MINUTE_KEPT_S).to_string();
            assert_eq!(item["ttl"].as_n().unwrap(), &ends_s);
            assert_eq!(item["first_processed"].as_n().unwrap(), "0");
            assert_eq!(item["last_processed"].as_n().unwrap(), "6");
        }
        let mut strange = item.clone();
        strange.insert("schema".to_owned(), store::item::number(2));
        let put = store.dynamo.put_item().table_name(&*store.table).set_item(Some(strange));
        put.send().await.unwrap();
    }
    let refused = store.line_minutes(line(1), WHOLE, 10).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
    let refused = store.line_list(10, None).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
}
