//! Many callers of one pool at once, without and with dying processes (I1, I2, I3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::ids::PoolId;
use pharmatrace::api::Api;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::flow_kit::{ALLOCATIONS, Dice, Hub, POOLS, problem, reservation, text};

const CALLERS: u64 = 64;
const REQUESTS: u64 = 50;
const QUANTITY_MAX: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_callers_get_disjoint_ranges_and_nothing_is_void() {
    let hub = Hub::start().await;
    let pool = hub.pool().await;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let api = hub.api.clone();
        callers.spawn(async move {
            let mut dice = Dice::new(caller + 1);
            let mut granted = 0;
            for turn in 0..REQUESTS {
                let quantity = 1 + dice.below(QUANTITY_MAX);
                let body = reservation(&format!("R-{caller}-{turn}"), quantity);
                let answer = api.post(ALLOCATIONS, &body).await.unwrap();
                assert_eq!(answer.status, 201, "no call may fail: {}", answer.json());
                granted += quantity;
            }
            granted
        });
    }
    let granted: u64 = callers.join_all().await.into_iter().sum();
    let ranges = ranges(&hub.api, &pool).await;
    let end = tiled(&ranges);
    assert_eq!(u64::try_from(ranges.len()), Ok(CALLERS * REQUESTS));
    assert!(ranges.iter().all(|range| range["kind"] == "allocation"), "nothing is void");
    assert_eq!(end, granted, "cursor = allocated");
    holds(&hub, granted).await;
    hub.stop().await;
}

/// What happened in the run with dying processes.
#[derive(Default)]
struct Counts {
    failed: AtomicU64,
    killed: AtomicU64,
    refused: AtomicU64,
    over: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_processes_and_duplicates_lose_and_double_nothing() {
    let hub = Hub::start().await;
    let pool = hub.pool().await;
    let counts = Arc::new(Counts::default());
    let killing = tokio::spawn(kill_now_and_then(hub.port(), counts.clone()));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(call_with_duplicates(hub.api.clone(), caller, counts.clone()));
    }
    let told: Vec<BTreeMap<String, String>> = callers.join_all().await;
    counts.over.store(true, Ordering::Relaxed);
    killing.await.unwrap();

    let failed = counts.failed.load(Ordering::Relaxed);
    let killed = counts.killed.load(Ordering::Relaxed);
    println!("{failed} calls saw 5xx, {killed} processes were killed");
    assert!(killed > 0, "nothing was killed: the test shows nothing");
    assert!(failed > 0, "no call was hit: the test shows nothing");
    assert!(failed <= killed, "a call failed that was not killed: {failed} > {killed}");
    assert!(counts.refused.load(Ordering::Relaxed) > 0, "no altered duplicate was refused");

    // Whoever died left an entry; the sweeper, an hour later, leaves none.
    let pool_id = PoolId::parse(&pool).unwrap();
    let (before, now) = ("9999-01-01T00:00:00.000Z", "2026-11-03T13:00:00.000Z");
    hub.store.pool_sweep(&pool_id, before, now).await.unwrap();
    let ranges = ranges(&hub.api, &pool).await;
    let end = tiled(&ranges);
    let sum = |kind: &str| -> u64 {
        let of = ranges.iter().filter(|range| range["kind"] == kind);
        of.map(|range| range["size"].as_u64().unwrap()).sum()
    };
    assert_eq!(end, sum("allocation") + sum("void"), "cursor = allocated + void");
    // I3: one allocation per request id, and it is the one that its callers were told.
    let stored: BTreeSet<String> = ranges
        .iter()
        .filter(|range| range["kind"] == "allocation")
        .map(|range| text(range, "allocation_id"))
        .collect();
    let told: BTreeSet<String> = told.into_iter().flat_map(BTreeMap::into_values).collect();
    assert_eq!(u64::try_from(told.len()), Ok(CALLERS * REQUESTS));
    assert_eq!(told, stored);
    holds(&hub, end).await;
    hub.stop().await;
}

/// All requests of one caller, a tenth of them twice at the same time, one in fifty with another body
/// beside it. Gives the allocation of each request id.
async fn call_with_duplicates(
    api: Api,
    caller: u64,
    counts: Arc<Counts>,
) -> BTreeMap<String, String> {
    let mut dice = Dice::new(caller + 1_000);
    let mut told = BTreeMap::new();
    for turn in 0..REQUESTS {
        let (id, quantity) = (format!("R-{caller}-{turn}"), 1 + dice.below(QUANTITY_MAX));
        let body = reservation(&id, quantity);
        let other = match dice.below(50) {
            0 => Some(reservation(&id, quantity + 1)),
            1..=5 => Some(body.clone()),
            _ => None,
        };
        let first = until_answered(&api, &body, &counts);
        let answers = match &other {
            Some(other) => {
                let (first, second) = tokio::join!(first, until_answered(&api, other, &counts));
                vec![first, second]
            }
            None => vec![first.await],
        };
        let ids: BTreeSet<String> = answers.into_iter().flatten().collect();
        assert_eq!(ids.len(), 1, "{id}: one allocation, whoever came first");
        told.extend(ids.into_iter().map(|allocation| (id.clone(), allocation)));
    }
    told
}

/// Repeats a request until it is answered below 500; the allocation's id, or `None` if it was refused.
async fn until_answered(api: &Api, body: &Value, counts: &Counts) -> Option<String> {
    loop {
        let answer = api.post(ALLOCATIONS, body).await.unwrap();
        let json = answer.json();
        match answer.status {
            200 | 201 => return Some(text(&json, "allocation_id")),
            409 => {
                assert_eq!(problem(&json), "idempotency-key-reuse", "{json}");
                counts.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            500.. => {
                // How the local cloud tells that the process died under this call; a fault that our own
                // code answered would be a problem.
                let died = "Runtime exited before returning a response";
                assert_eq!(json["errorMessage"], died, "not a killed process: {json}");
                counts.failed.fetch_add(1, Ordering::Relaxed);
            }
            status => panic!("{status}: {json}"),
        }
    }
}

/// Kills a process that reserves twice a second, until the callers are done.
async fn kill_now_and_then(port: u16, counts: Arc<Counts>) {
    let mut dice = Dice::new(7);
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    let mut served_before = BTreeSet::new();
    while !counts.over.load(Ordering::Relaxed) {
        tick.tick().await;
        // Only processes that have asked for work: when one dies while it starts, the local cloud ends
        // all processes of the function, and calls fail that nobody killed.
        let serving = serving(port, "allocate-serials");
        let ripe: Vec<u32> = serving.intersection(&served_before).copied().collect();
        served_before = serving;
        let Ok(count @ 1..) = u64::try_from(ripe.len()) else { continue };
        let chosen = usize::try_from(dice.below(count)).unwrap();
        let kill =
            std::process::Command::new("kill").args(["-KILL", &ripe[chosen].to_string()]).status();
        if kill.is_ok_and(|status| status.success()) {
            counts.killed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The processes of a function of the local cloud on this port, told by their environment, that hold a
/// connection to their Runtime API: they have asked for work.
pub fn serving(port: u16, function: &str) -> BTreeSet<u32> {
    let connected = connected_ports();
    let endpoint = format!("http://127.0.0.1:{port}");
    let serves = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let value = |name: &str| {
            let mut entries = environment.split(|byte| *byte == 0);
            let found = entries.find_map(|entry| entry.strip_prefix(format!("{name}=").as_bytes()));
            String::from_utf8_lossy(found.unwrap_or_default()).into_owned()
        };
        value("AWS_ENDPOINT_URL") == endpoint
            && value("AWS_LAMBDA_FUNCTION_NAME").ends_with(function)
            && value("AWS_LAMBDA_RUNTIME_API")
                .rsplit(':')
                .next()
                .and_then(|port| port.parse().ok())
                .is_some_and(|port: u16| connected.contains(&port))
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(serves)
        .collect()
}

/// The remote ports of all established connections of this machine.
fn connected_ports() -> BTreeSet<u16> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let remote = |line: &str| {
        let mut columns = line.split_whitespace().skip(2);
        let (remote, state) = (columns.next()?, columns.next()?);
        let port = u16::from_str_radix(remote.rsplit(':').next()?, 16).ok()?;
        (state == "01").then_some(port)
    };
    table.lines().skip(1).filter_map(remote).collect()
}

/// All ranges of a pool, page by page.
async fn ranges(api: &Api, pool: &str) -> Vec<Value> {
    let mut ranges = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{POOLS}/{pool}/ranges?limit=200{cursor}");
        let page = api.get(&path).await.unwrap();
        assert_eq!(page.status, 200, "{}", page.json());
        let page = page.json();
        ranges.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ranges,
        }
    }
}

/// The ranges follow each other without gap and overlap; where they end.
fn tiled(ranges: &[Value]) -> u64 {
    ranges.iter().fold(0, |next, range| {
        assert_eq!(text(range, "start"), next.to_string(), "{range}");
        next + range["size"].as_u64().unwrap()
    })
}

async fn holds(hub: &Hub, cursor: u64) {
    let audit = pharmatrace::audit::quiet(&hub.cloud.hub).await.unwrap();
    assert_eq!(audit.breaches, []);
    assert_eq!((audit.open, audit.numbers), (0, u128::from(cursor)));
}
