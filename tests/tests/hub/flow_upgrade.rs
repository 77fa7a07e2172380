//! An upgrade under load: other code and another environment come while sixteen callers reserve and files
//! arrive. No file is lost, no request but those that are repeated, and the books hold (I1, I2, I3, I5, I6).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use pharmatrace::api::Api;
use pharmatrace::audit;
use pharmatrace::local::{Options, Release};
use store::Objects;
use tokio::task::JoinSet;

use crate::flow_kit::{ALLOCATIONS, Dice, Hub, reservation, text};
use crate::flow_plant::{commissioning, drop_file, settled, sha256};

const CALLERS: u64 = 16;
/// Requests of each caller after the upgrade, so that the new release serves some.
const REQUESTS_AFTER: u64 = 5;
/// Serials of one file.
const SERIALS: u64 = 20;

#[derive(Default)]
struct Traffic {
    /// The upgrade is done.
    upgraded: AtomicBool,
    answered: AtomicU64,
    repeated: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_under_load_loses_no_file_and_no_request() {
    // A delivery that the upgrade cuts comes back after this time and half a minute.
    let hub = Hub::with(Options { document_seconds: 30, ..Options::default() }).await;
    hub.pool().await;
    let objects = hub.cloud.hub.objects().await.unwrap();
    let printed = hub.api.post(ALLOCATIONS, &reservation("LINE", 100_000)).await.unwrap();
    assert_eq!(printed.status, 201, "{}", printed.json());
    let traffic = Arc::new(Traffic::default());
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(reserve_on(hub.api.clone(), caller, traffic.clone()));
    }
    let line = tokio::spawn(deliver(objects, traffic.clone()));
    let answered = traffic.answered.load(Ordering::Relaxed);
    let release = Release { stamp: "second".to_owned(), log_level: "warn".to_owned() };
    hub.cloud.upgrade(&release).await.unwrap();
    assert!(traffic.answered.load(Ordering::Relaxed) > answered, "nobody called meanwhile");
    traffic.upgraded.store(true, Ordering::Relaxed);
    let told: Vec<BTreeMap<String, (u64, u64)>> = callers.join_all().await;
    let files = line.await.unwrap();
    println!(
        "{} requests answered, {} repeated, {} files",
        traffic.answered.load(Ordering::Relaxed),
        traffic.repeated.load(Ordering::Relaxed),
        files.len()
    );
    assert_eq!(
        environments(hub.port()),
        BTreeSet::from(["warn".to_owned()]),
        "old processes serve"
    );
    disjoint(told.iter().flat_map(BTreeMap::values).copied().collect());
    for sha in &files {
        let view = settled(&hub.api, sha, 1).await;
        assert_eq!((&view["status"], &view["error"]), (&"reconciled".into(), &().into()), "{view}");
        assert_eq!(view["serials"]["newly_commissioned"], SERIALS, "{view}");
    }
    let id = text(&printed.json(), "allocation_id");
    let balance = hub.api.get(&format!("{ALLOCATIONS}/{id}/reconciliation")).await.unwrap().json();
    let commissioned = u64::try_from(files.len()).unwrap() * SERIALS;
    assert_eq!(balance["commissioned"], commissioned, "{balance}");
    assert_eq!(audit::quiet(&hub.cloud.hub).await.unwrap().breaches, []);
    hub.stop().await;
}

/// Reserves until the upgrade is over, and a little longer; first and last number by request.
async fn reserve_on(api: Api, caller: u64, traffic: Arc<Traffic>) -> BTreeMap<String, (u64, u64)> {
    let mut dice = Dice::new(caller + 1);
    let mut told = BTreeMap::new();
    let mut after = 0;
    for turn in 0.. {
        if traffic.upgraded.load(Ordering::Relaxed) {
            after += 1;
        }
        if after > REQUESTS_AFTER {
            break;
        }
        let id = format!("R-{caller}-{turn}");
        let body = reservation(&id, 1 + dice.below(20));
        let mut tries = 0;
        let allocation = loop {
            let answer = api.post(ALLOCATIONS, &body).await;
            match answer {
                Ok(answer) if matches!(answer.status, 200 | 201) => break answer.json(),
                // What a caller repeats: the process went, or the gateway had none.
                Ok(answer) => assert!(answer.status >= 500, "{}: {}", answer.status, answer.json()),
                Err(_) => {}
            }
            tries += 1;
            assert!(tries < 50, "{id} is never answered");
            traffic.repeated.fetch_add(1, Ordering::Relaxed);
        };
        traffic.answered.fetch_add(1, Ordering::Relaxed);
        let end = |member| text(&allocation["range"], member).parse().unwrap();
        told.insert(id, (end("from"), end("to")));
    }
    told
}

/// Drops files until the upgrade is over, and one more; their hashes.
async fn deliver(objects: Objects, traffic: Arc<Traffic>) -> Vec<String> {
    let mut files = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    for number in 0.. {
        tick.tick().await;
        let last = traffic.upgraded.load(Ordering::Relaxed);
        let bytes = commissioning(number * SERIALS, SERIALS);
        drop_file(&objects, &format!("{number}.xml"), &bytes).await;
        files.push(sha256(&bytes));
        if last {
            break;
        }
    }
    files
}

/// I1 of what the callers were told.
fn disjoint(mut ranges: Vec<(u64, u64)>) {
    ranges.sort_unstable();
    for (one, other) in ranges.iter().zip(ranges.iter().skip(1)) {
        assert!(one.1 < other.0, "{one:?} and {other:?} overlap");
    }
}

/// The log levels of the processes that reserve on the local cloud of this port, by their environment.
fn environments(port: u16) -> BTreeSet<String> {
    let endpoint = format!("http://127.0.0.1:{port}");
    let level = |pid: u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let value = |name: &str| {
            let mut entries = environment.split(|byte| *byte == 0);
            let found =
                entries.find_map(|entry| entry.strip_prefix(format!("{name}=").as_bytes()))?;
            Some(String::from_utf8_lossy(found).into_owned())
        };
        let ours = value("AWS_ENDPOINT_URL")? == endpoint
            && value("AWS_LAMBDA_FUNCTION_NAME")?.ends_with("allocate-serials");
        if ours { value("RUST_LOG") } else { None }
    };
    let pids = std::fs::read_dir("/proc").unwrap();
    pids.filter_map(|entry| level(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}
