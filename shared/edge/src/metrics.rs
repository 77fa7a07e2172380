//! Metrics: one line in CloudWatch's embedded metric format (EMF) for a measured piece of work.
//!
//! A line goes to standard output beside the log lines; CloudWatch Logs makes metrics of it in the
//! namespace [`NAMESPACE`] under the one dimension `Stack`. Nothing is called over a network, and a
//! line that is lost costs a number on a dashboard and nothing else.
//!
//! Cost: CloudWatch bills a month of each metric *and dimension* that was ever sent in it. So there
//! are few metrics ([`Metric::ALL`]), and what would multiply them (route, pool, system, document) is
//! a property of the line, which Logs Insights finds and nobody pays for as a metric.
//!
//! Counts of requests are the number of samples of [`Metric::RequestLatency`]; a rate of failures is
//! the average of [`Metric::ServerErrors`], which is sent as 0 or 1 with each request.
//!
//! I9: a line names ids, codes and counts, never a secret, a body or a serial number.

use std::io::Write as _;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::clock::Clock;

/// The CloudWatch namespace of all metrics.
pub const NAMESPACE: &str = "Pharmatrace";
/// The only dimension.
pub const DIMENSION: &str = "Stack";
/// What EMF takes in one line.
pub const METRICS_PER_LINE_MAX: usize = 100;

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident: $unit:ident,)+) => {
        /// A metric of the hub.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric { $($(#[$doc])* $name,)+ }

        impl Metric {
            /// Every metric, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in CloudWatch.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The unit in CloudWatch.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$name => stringify!($unit),)+ }
            }
        }
    };
}

metrics! {
    /// Time a function took for a request; the number of samples is the number of requests.
    RequestLatency: Milliseconds,
    /// 1 for an answer of 400 to 499, else 0.
    ClientErrors: Count,
    /// 1 for an answer of 500 and above, else 0.
    ServerErrors: Count,
    /// 1 for a new reservation, 0 for a replay.
    Reservations: Count,
    /// Numbers of a new reservation.
    SerialsReserved: Count,
    /// Time of a reservation from the parsed request to the recorded allocation.
    ReservationLatency: Milliseconds,
    /// Documents read to an end, whatever came of them.
    Documents: Count,
    /// Serials that a document commissioned for the first time.
    SerialsCommissioned: Count,
    /// Time from a document's receipt to its reconciliation.
    CommissioningLatency: Milliseconds,
    /// Time from the last event in a document to its reconciliation.
    CommissioningLag: Milliseconds,
    /// DynamoDB write units of one run over a document.
    WriteUnits: Count,
    /// New critical findings of a document; provisional ones count when they are final.
    FindingsCritical: Count,
    /// Errors among the new findings of a document.
    FindingsError: Count,
    /// Warnings among the new findings of a document.
    FindingsWarning: Count,
    /// 1 for a document that waits for a later reservation, else 0.
    DocumentsParked: Count,
    /// 1 for a document that was refused, else 0.
    DocumentsQuarantined: Count,
    /// Documents parked at this moment.
    ParkedNow: Count,
    /// Documents in quarantine at this moment, not yet dealt with.
    QuarantinedNow: Count,
    /// Unfinished reservations that a sweep made void.
    ReservationsVoided: Count,
    /// Documents that a sweep sent to be tried again.
    DocumentsRetried: Count,
    /// Delivered objects without an arrival: their notice was lost and sent anew.
    NotificationsLost: Count,
    /// Things a sweep failed at; they wait for the next one.
    SweepFailures: Count,
    /// Events of pools that the webhook never took: they were tried for four hours and are given up.
    WebhookLost: Count,
    /// Deliveries that died in the queue and were put into quarantine.
    DeadDeliveries: Count,
    /// Time from the first request for a file that is written in the background until it was there.
    ExportLatency: Milliseconds,
    /// Background exports given up after runs without progress.
    ExportsFailed: Count,
    /// Heartbeats taken.
    TelemetryAccepted: Count,
    /// Requests with a credential that is unknown, malformed, or has another secret.
    CredentialsBad: Count,
    /// Requests with the right secret of a credential that has ended.
    CredentialsExpired: Count,
    /// Requests with the right secret of a credential that was revoked.
    CredentialsRevoked: Count,
    /// Live credentials that end within 30 days, at this moment.
    CredentialsEndingSoon: Count,
    /// Live secrets at this moment that were replaced, end within hours, and are still used.
    OlderSecretsInUse: Count,
    /// Lines at this moment that were running when last heard and are offline since, for a day at most.
    LinesSilent: Count,
}

/// What one piece of work measured.
#[derive(Clone, Debug)]
pub struct Measures {
    metrics: Vec<(Metric, u64)>,
    properties: Map<String, Value>,
}

impl Measures {
    /// Nothing measured yet of `work`, such as `request`.
    #[must_use]
    pub fn of(work: &'static str) -> Self {
        Self { metrics: Vec::new(), properties: Map::new() }.about("work", work)
    }

    /// Adds a value. A metric that has one keeps it.
    #[must_use]
    pub fn with(mut self, metric: Metric, value: impl Into<u64>) -> Self {
        let known = self.metrics.iter().any(|(other, _)| *other == metric);
        if !known && self.metrics.len() < METRICS_PER_LINE_MAX {
            self.metrics.push((metric, value.into()));
        }
        self
    }

    /// Adds what the values are about: found by Logs Insights, and no dimension.
    #[must_use]
    pub fn about(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.properties.insert(name.to_owned(), value.into());
        self
    }

    /// The line as CloudWatch reads it.
    #[must_use]
    pub fn line(&self, stack: &str, at_ms: i64) -> Value {
        let definitions: Vec<Value> = self
            .metrics
            .iter()
            .map(|(metric, _)| json!({ "Name": metric.name(), "Unit": metric.unit() }))
            .collect();
        let mut line = self.properties.clone();
        let directive = json!({
            "Namespace": NAMESPACE,
            "Dimensions": [[DIMENSION]],
            "Metrics": definitions,
        });
        let about = json!({ "Timestamp": at_ms, "CloudWatchMetrics": [directive] });
        line.insert("_aws".to_owned(), about);
        line.insert(DIMENSION.to_owned(), stack.into());
        for (metric, value) in &self.metrics {
            line.insert(metric.name().to_owned(), (*value).into());
        }
        Value::Object(line)
    }
}

static STACK: OnceLock<String> = OnceLock::new();

/// Says which stack this process measures for; [`crate::start`] does. The first call counts.
pub(crate) fn init(stack: &str) {
    // Fails only if it is set already, and then that one stays.
    drop(STACK.set(stack.to_owned()));
}

/// Writes the line. A process that did not start as a function, such as a test, measures nothing.
pub fn emit(measures: &Measures) {
    let Some(stack) = STACK.get() else {
        return;
    };
    let at_ms = Clock::system().now().unix_timestamp_nanos().div_euclid(1_000_000);
    let line = measures.line(stack, i64::try_from(at_ms).unwrap_or(i64::MAX));
    // One write, so that no log line comes between. A closed output is nobody's loss.
    std::io::stdout().lock().write_all(format!("{line}\n").as_bytes()).unwrap_or_default();
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
