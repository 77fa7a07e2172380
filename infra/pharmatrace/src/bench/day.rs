//! `pharmatrace bench day`: all that a plant does to its hub in a day, then the seal of that day and the audit.
//!
//! **What is compressed.** The operations are those of a day: every order of every line and shift from its
//! request to the review of its end, every file, every heartbeat. They are done as fast as the hub takes them,
//! and the clock of the functions is the real one. So what happens by the clock happens as often as the
//! clock says while it lasts: the sweep runs once a minute of the run and not 1,440 times, no hold ends, nothing
//! waits four hours. Heartbeats bear the times of the last 24 hours and come in batches of an hour.
//! The day is sealed with the sweep's own code and the clock of the day after, in this process; only on a hub that
//! was started for this, because a seal is for ever.
//!
//! Every answer is checked; in the end the audit must prove the books from table and documents alone.

mod line;
mod order;
mod sheet;

use std::collections::VecDeque;
use std::sync::Arc;

use clap::Args;
use time::{Duration, Time};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::line::Worker;
use self::order::Order;
use self::sheet::{Sheet, Step};
use super::plant::{Plant, tell};
use crate::audit;
use crate::error::CommandError;
use crate::hub::HubArguments;
use crate::local::DOCUMENT_SECONDS;
use crate::wiring::now;

/// Numbers of the plant's pool.
const POOL_NUMBERS: u64 = 1_000_000_000_000;
/// The shifts of a day.
const SHIFTS: u64 = 3;

/// How large the plant is.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Packaging lines
    #[arg(long, default_value_t = 4, value_name = "NUMBER",
          value_parser = clap::value_parser!(u64).range(1..=16))]
    pub lines: u64,
    /// Orders of a line in each of the three shifts
    #[arg(long, default_value_t = 4, value_name = "NUMBER",
          value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub orders: u64,
    /// Numbers of an order
    #[arg(long, default_value_t = 5_000, value_name = "NUMBER",
          value_parser = clap::value_parser!(u64).range(100..=100_000))]
    pub size: u64,
    /// The name of the stack, if it is not on this machine: what is made there stays
    #[arg(long, value_name = "STACK")]
    write_into: Option<String>,
}

/// Plays the day and judges.
///
/// # Errors
/// If the day cannot begin.
pub(super) async fn run(
    options: &Options,
    target: &HubArguments,
    json: bool,
) -> Result<bool, CommandError> {
    let plant = Plant::build(target, options.write_into.as_deref(), DOCUMENT_SECONDS).await?;
    let sheet = Box::pin(plant.used(async |plant| day(plant, options).await)).await?;
    tell(json, &sheet.json(), &sheet.lines())?;
    Ok(sheet.holds())
}

async fn day(plant: &Plant, options: &Options) -> Result<Sheet, CommandError> {
    let pool = Arc::new(plant.pool(POOL_NUMBERS, options.size).await?);
    let reviewer = plant.hub.credential.as_ref().map(|credential| credential.token.clone());
    let reviewer = reviewer.map(|token| plant.api.with_token(Some(&token)));
    let (began, started) = (now(), Instant::now());
    let mut workers = JoinSet::new();
    let lines = usize::try_from(options.lines).unwrap_or(usize::MAX);
    let done = Arc::<Mutex<Sheet>>::default();
    for (place, line) in (0_u64..).zip(plant.lines.iter().take(lines)) {
        let wanted = 0..SHIFTS.saturating_mul(options.orders);
        let orders: VecDeque<Order> =
            wanted.map(|number| Order::new((place, number), options.size)).collect();
        let worker = Worker {
            api: plant.api.clone(),
            reviewer: reviewer.clone(),
            pool: Arc::clone(&pool),
            line: line.clone(),
            began,
            done: Arc::clone(&done),
        };
        workers.spawn(async move { worker.day(orders).await });
    }
    workers.join_all().await;
    let mut sheet = std::mem::take(&mut *done.lock().await);
    sheet.seconds = started.elapsed().as_secs();
    if plant.is_our_own() {
        let sealed = sealed(plant).await;
        sheet.note(Step::Seal, sealed.map_err(|error| error.to_string()));
    }
    let audit = Box::pin(audit::quiet(&plant.hub)).await?;
    sheet.audited(&audit);
    Ok(sheet)
}

/// Seals the day as the sweep of the next one would: that night it is over.
async fn sealed(plant: &Plant) -> Result<(), CommandError> {
    let (store, objects) = (plant.hub.store().await?, plant.hub.objects().await?);
    let midnight = now().replace_time(Time::MIDNIGHT).saturating_add(Duration::days(1));
    let (next, mut days) = (midnight.saturating_add(store::seal::SEALED_AFTER), 0_u64);
    while store.day_seal(&objects, next).await?.is_some() {
        days = days.saturating_add(1);
    }
    match days {
        0 => Err(CommandError::Failed("no day was sealed".to_owned())),
        _ => Ok(()),
    }
}
