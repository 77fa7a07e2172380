//! `pharmatrace bench load`: the traffic of a plant against a hub, with every answer checked.
//!
//! Callers draw what they do next from one mix: reserve, ask again, fetch, list, export, heartbeats, the
//! scorecard, and files whose reports are waited for. Without `--rate` each begins its next operation when
//! the last has ended, which shows what the hub gives at most; with it operations are due at fixed times and
//! their latency counts from then on, so that a hub that hangs is not asked less and looks better for it.
//!
//! Judged are the share of 429 and 5xx answers, answers that are wrong (none may be), latencies where a limit
//! is given, and with `--audit` the books of the hub afterwards. On the local cloud latencies are those of
//! its emulation and say nothing about the hub.

mod caller;
mod follow;
mod mix;
mod sample;
mod sheet;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

pub use self::sheet::Sheet;
use super::plant::{Plant, tell};
use crate::error::CommandError;
use crate::hub::{Hub, HubArguments};
use crate::local::DOCUMENT_SECONDS;
use crate::{audit, bench::plant::Pool};
use caller::{Callers, Delivery};
use mix::{Dice, Operation};
use sample::{Fault, Sample};
use sheet::Budget;

/// Numbers of the pool, and of the largest request.
const POOL_NUMBERS: u64 = 1_000_000_000_000;
const REQUEST_MAX: u64 = 100_000;
/// Orders that are there before the traffic begins; the first is too large for an inline export.
const ORDERS_BEFORE: [u64; 4] = [REQUEST_MAX, 1_000, 500, 100];
/// An operation that takes longer was not served.
const OPERATION_TIMEOUT: Duration = Duration::from_mins(3);

/// How much traffic, and what is allowed.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Callers at the same time
    #[arg(long, default_value_t = 8, value_name = "NUMBER",
          value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub callers: u64,
    /// How long
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// End after so many operations, if they are done before that time
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub operations: Option<u64>,
    /// Operations that are due a second, instead of one after the other
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub rate: Option<u64>,
    /// Seconds before the measurement, for functions to start
    #[arg(long, default_value_t = 3, value_name = "SECONDS")]
    pub warm_up: u64,
    /// Operations that may be throttled or not served, of a million
    #[arg(long, default_value_t = 1_000, value_name = "NUMBER")]
    pub errors_per_million: u64,
    /// What 99 of 100 calls of each operation may take
    #[arg(long, value_name = "MILLISECONDS")]
    pub p99_ms: Option<u64>,
    /// Another seed means other operations
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Prove the books of the hub afterwards
    #[arg(long)]
    pub audit: bool,
    /// The name of the stack, if it is not on this machine: what is made there stays
    #[arg(long, value_name = "STACK")]
    write_into: Option<String>,
}

impl Options {
    /// So many operations of so many callers, without warm-up, and the audit.
    #[must_use]
    pub fn of(callers: u64, operations: u64) -> Self {
        Self {
            callers,
            seconds: 600,
            operations: Some(operations),
            rate: None,
            warm_up: 0,
            errors_per_million: 1_000,
            p99_ms: None,
            seed: 1,
            audit: true,
            write_into: None,
        }
    }
}

/// Loads the hub and judges.
///
/// # Errors
/// If the traffic cannot begin.
pub(super) async fn run(
    options: &Options,
    target: &HubArguments,
    json: bool,
) -> Result<bool, CommandError> {
    let plant = Plant::build(target, options.write_into.as_deref(), DOCUMENT_SECONDS).await?;
    let sheet = Box::pin(plant.used(async |plant| sheet_of(plant, options).await)).await?;
    tell(json, &sheet.json(), &sheet.lines())?;
    Ok(sheet.holds())
}

/// Loads a hub that somebody else looks after.
///
/// # Errors
/// If the traffic cannot begin.
pub async fn measure(hub: &Hub, options: &Options) -> Result<Sheet, CommandError> {
    let plant = Plant::within(hub.clone(), None).await?;
    Box::pin(plant.used(async |plant| sheet_of(plant, options).await)).await
}

async fn sheet_of(plant: &Plant, options: &Options) -> Result<Sheet, CommandError> {
    let pool = plant.pool(POOL_NUMBERS, REQUEST_MAX).await?;
    let (samples, milliseconds) = traffic(plant, pool, options).await?;
    let budget = Budget { errors_per_million: options.errors_per_million, p99_ms: options.p99_ms };
    let mut sheet = Sheet::of(&samples, (milliseconds, options.callers), budget);
    if options.audit {
        tracing::info!("proving the books …");
        let breaches = audit::quiet(&plant.hub).await?.breaches;
        sheet.breaches = Some(breaches.iter().map(|breach| format!("{breach:?}")).collect());
    }
    Ok(sheet)
}

/// What every caller shares.
struct Traffic {
    callers: Callers,
    options: Options,
    /// Operations that were begun.
    begun: AtomicU64,
    started: Instant,
}

impl Traffic {
    /// The number of the next operation and when it is due; `None` if there is no next one.
    fn next(&self) -> Option<(u64, Instant)> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        if self.options.operations.is_some_and(|most| number >= most) {
            return None;
        }
        let due = match self.options.rate {
            None => Instant::now(),
            Some(rate) => {
                let micros = number.saturating_mul(1_000_000).checked_div(rate).unwrap_or(0);
                self.started.checked_add(Duration::from_micros(micros))?
            }
        };
        let seconds = self.options.warm_up.saturating_add(self.options.seconds);
        (due.saturating_duration_since(self.started) < Duration::from_secs(seconds))
            .then_some((number, due))
    }

    fn is_warm_up(&self, due: Instant) -> bool {
        due.saturating_duration_since(self.started) < Duration::from_secs(self.options.warm_up)
    }
}

/// All operations, and the milliseconds of those that were measured.
async fn traffic(
    plant: &Plant,
    pool: Pool,
    options: &Options,
) -> Result<(Vec<Sample>, u64), CommandError> {
    let callers = Callers::new(plant.api.clone(), pool, plant.lines.clone());
    for size in ORDERS_BEFORE {
        let made = callers.reserve(&format!("before-{size}"), size).await;
        made.map_err(|fault| CommandError::Failed(format!("the first order: {fault:?}")))?;
    }
    tracing::info!("{} callers begin …", options.callers);
    let (options, begun, started) = (options.clone(), AtomicU64::new(0), Instant::now());
    let traffic = Arc::new(Traffic { callers, options, begun, started });
    let (deliveries, delivered) = mpsc::unbounded_channel();
    let follower = tokio::spawn(follow::all(Arc::clone(&traffic), delivered));
    let mut callers = JoinSet::new();
    for caller in 0..traffic.options.callers {
        callers.spawn(call(Arc::clone(&traffic), caller, deliveries.clone()));
    }
    drop(deliveries);
    let mut samples: Vec<Sample> = callers.join_all().await.into_iter().flatten().collect();
    let warm_up = Duration::from_secs(traffic.options.warm_up);
    let measured = started.elapsed().saturating_sub(warm_up).as_millis();
    tracing::info!("waiting for the reports of the files …");
    let more = follower.await.map_err(|error| CommandError::Failed(error.to_string()))?;
    samples.extend(more);
    Ok((samples, u64::try_from(measured).unwrap_or(u64::MAX)))
}

/// One caller until the end.
async fn call(
    traffic: Arc<Traffic>,
    caller: u64,
    deliveries: UnboundedSender<Delivery>,
) -> Vec<Sample> {
    let mut dice = Dice::new(traffic.options.seed, caller);
    let mut samples = Vec::new();
    while let Some((number, due)) = traffic.next() {
        sleep_until(due).await;
        let is_warm_up = traffic.is_warm_up(due);
        let wanted = dice.operation();
        let id = format!("order-{number}");
        let done = operation(&traffic.callers, (wanted, &id, is_warm_up), &mut dice);
        let late = (wanted, Err(Fault::Unserved("no answer in time".to_owned())));
        let (operation, outcome) = timeout(OPERATION_TIMEOUT, done).await.unwrap_or(late);
        let took = due.elapsed();
        let fault = match outcome {
            Ok(delivery) => {
                if let Some(delivery) = delivery
                    && deliveries.send(delivery).is_err()
                {
                    tracing::warn!("nobody follows the files any more");
                }
                None
            }
            Err(fault) => Some(fault),
        };
        samples.push(Sample { operation, took, is_warm_up, fault });
    }
    samples
}

/// Does what was drawn; an export may turn out to be a file, and where nothing is left to report numbers
/// are reserved.
async fn operation(
    callers: &Callers,
    (wanted, id, is_warm_up): (Operation, &str, bool),
    dice: &mut Dice,
) -> (Operation, Result<Option<Delivery>, Fault>) {
    let outcome = match wanted {
        Operation::Reserve => callers.reserve(id, dice.size()).await,
        Operation::Replay => callers.replay(dice).await,
        Operation::List => callers.list(dice).await,
        Operation::Telemetry => callers.telemetry().await,
        Operation::Scorecard => callers.scorecard().await,
        Operation::Export | Operation::ExportFile => {
            let (done, outcome) = callers.export(dice).await;
            return (done, outcome.map(|()| None));
        }
        Operation::Upload => match callers.upload(is_warm_up).await {
            Ok(None) => {
                return (Operation::Reserve, callers.reserve(id, dice.size()).await.map(|()| None));
            }
            outcome => return (wanted, outcome),
        },
        Operation::Get | Operation::Status | Operation::Reconcile => callers.get(dice).await,
    };
    (wanted, outcome.map(|()| None))
}
