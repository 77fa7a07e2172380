//! `pharmatrace demo`: the main job on a local cloud, with every number checked.
//!
//! A pool is created, ranges are reserved (also by several callers at once), exported as CSV, printed by
//! a simulated line with the mistakes that lines make, reported back as EPCIS files and as a result file dropped
//! in S3, and reconciled; then the people on shift look at it. What the hub finds is compared with what the line
//! did; the exit status is 0 only if all agrees.

mod deliver;
mod fetch;
mod line;
mod run;
mod shift;
mod view;

use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::api::Api;
use crate::error::CommandError;
use crate::local::{LocalCloud, Options};
use crate::wiring::print_line;

/// One thing that was compared.
#[derive(Debug)]
struct Check {
    what: String,
    expected: Value,
    found: Value,
}

impl Check {
    fn holds(&self) -> bool {
        self.expected == self.found
    }
}

/// What a run shows: what happened, and what was compared.
struct Show {
    bar: ProgressBar,
    json: bool,
    steps: Vec<Value>,
    checks: Vec<Check>,
}

impl Show {
    fn new(json: bool) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, json, steps: Vec::new(), checks: Vec::new() }
    }

    fn doing(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        if self.bar.is_hidden() {
            tracing::info!("{what}");
        }
    }

    /// Text for people; nothing when the output is for a machine.
    fn say(&self, text: &str) -> Result<(), CommandError> {
        if self.json {
            return Ok(());
        }
        self.bar.suspend(|| print_line(text))
    }

    fn step(&mut self, name: &str, value: &Value) {
        self.steps.push(json!({ "step": name, "result": value }));
    }

    fn check(
        &mut self,
        what: impl Into<String>,
        expected: impl Into<Value>,
        found: impl Into<Value>,
    ) {
        let (what, expected, found) = (what.into(), expected.into(), found.into());
        self.checks.push(Check { what, expected, found });
    }

    fn finish(&self) -> Result<bool, CommandError> {
        self.bar.finish_and_clear();
        let broken: Vec<&Check> = self.checks.iter().filter(|check| !check.holds()).collect();
        for check in &broken {
            self.say(&format!(
                "DOES NOT ADD UP  {}: expected {}, found {}",
                check.what, check.expected, check.found
            ))?;
        }
        let total = self.checks.len();
        let good = total.saturating_sub(broken.len());
        if self.json {
            let broken: Vec<Value> = broken
                .iter()
                .map(|c| json!({ "what": c.what, "expected": c.expected, "found": c.found }))
                .collect();
            let summary = json!({
                "steps": self.steps, "checks": total, "held": good, "broken": broken,
            });
            print_line(&summary.to_string())?;
        }
        let verdict = if good == total { "every number adds up" } else { "something is wrong" };
        self.say(&format!("\n{good} of {total} checks hold: {verdict}."))?;
        Ok(good == total)
    }
}

/// Runs the main job on a local cloud; `true` if every number adds up.
///
/// # Errors
/// If a step does not work.
pub async fn run(epcis: &[PathBuf], json: bool) -> Result<bool, CommandError> {
    let mut show = Show::new(json);
    show.doing("building the functions and starting the local cloud");
    let cloud = LocalCloud::start(&Options::default()).await?;
    let outcome = tokio::select! {
        outcome = main_job(&cloud, epcis, &mut show) => outcome,
        _ = tokio::signal::ctrl_c() => Err(CommandError::Failed("interrupted".to_owned())),
    };
    cloud.stop().await;
    outcome?;
    show.finish()
}

async fn main_job(
    cloud: &LocalCloud,
    epcis: &[PathBuf],
    show: &mut Show,
) -> Result<(), CommandError> {
    let hub = &cloud.hub;
    show.say(&format!("local cloud   {}", hub.api_url))?;
    show.say(&format!("page          {}/operations", hub.api_url))?;
    let token = hub.credential.as_ref().map(|credential| credential.token.as_str());
    let api = Api::new(&hub.api_url, token);
    run::story(hub, &api, show).await?;
    for path in epcis {
        deliver::own_file(hub, &api, show, path).await?;
    }
    show.doing("proving the books from the table and the documents alone");
    let audit = crate::audit::quiet(hub).await?;
    show.say("\nAudit")?;
    for line in crate::audit::report(&audit) {
        show.say(&format!("  {line}"))?;
    }
    show.check("breaches found by the audit", 0, audit.breaches.len());
    Ok(())
}
