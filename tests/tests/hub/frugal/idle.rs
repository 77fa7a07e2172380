//! What the hub asks for while nobody asks it anything: the sweep, every minute.

use domain::gln::Gln;
use domain::ids::SystemId;
use domain::telemetry::{About, Counters, Heartbeat, Mode, Sample, State};
use store::credential::Credential;
use store::meter::Meter;
use store::time::rfc3339_ms;
use time::Duration;

use super::bench::{Bench, Plant};
use super::costs::Costs;
use super::operations::{draft, system};
use crate::flow_kit::{LINE, OTHER_LINE, POOLS};

pub async fn measure(bench: &Bench, costs: &mut Costs) {
    costs.section("An hour in which nothing happens, and a month of them");
    let empty = bench.plant().await;
    costs.add("sweep of an empty hub", hour(&empty).await);
    // They share a bucket, which has one anchor for each day: so each has days of its own.
    let plant = bench.plant().await;
    plant.hands.advance(Duration::days(40));
    furnish(&plant, 10).await;
    costs.add("sweep of 10 pools, 2 lines, 10 credentials", hour(&plant).await);
    let large = bench.plant().await;
    large.hands.advance(Duration::days(80));
    furnish(&large, 200).await;
    costs.add("sweep of 200 pools, 2 lines, 10 credentials", hour(&large).await);
}

async fn furnish(plant: &Plant, pools: u64) {
    system(plant).await;
    for n in 0..pools {
        let draft = draft(&format!("pool {n}"), n * 1_000, 1_000);
        plant.post(POOLS, &draft).await.with(201);
    }
    let now = plant.hands.now();
    for n in 0..10 {
        let system = SystemId::parse("L1").unwrap();
        let made = Credential::new(&format!("c{n}"), system, [1; 32], &rfc3339_ms(now));
        plant.store.credential_create(&made, "test").await.unwrap();
    }
    let at_ms = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap();
    let heartbeat = |line: &str| Heartbeat {
        line: Gln::parse(line).unwrap(),
        sample: Sample {
            at_ms,
            seq: None,
            state: State::Idle,
            mode: Some(Mode::Production),
            counters: Counters::default(),
            speed_milli: None,
            design_milli: None,
            blocked: false,
            starved: false,
            serials_remaining: None,
        },
        about: About::default(),
    };
    let beats = [heartbeat(LINE), heartbeat(OTHER_LINE)];
    plant.store.line_ingest(&beats, &Meter::default()).await.unwrap();
}

/// Sixty sweeps, one a minute, of a hub whose days before are sealed.
async fn hour(plant: &Plant) -> Vec<testkit::Call> {
    let sweeper = plant.sweeper();
    for _ in 0..2 {
        plant.hands.advance(Duration::hours(26));
        sweep_reservations::sweep(&sweeper).await.unwrap();
    }
    let work = async {
        for _ in 0..60 {
            plant.hands.advance(Duration::minutes(1));
            sweep_reservations::sweep(&sweeper).await.unwrap();
        }
    };
    plant.counted(work).await.1
}
