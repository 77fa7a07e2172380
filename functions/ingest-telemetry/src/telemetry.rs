//! `POST /api/v1/plant-floor/telemetry`

use axum::extract::State;
use domain::ids::SystemId;
use domain::telemetry::{Added, Heartbeat};
use edge::{Caller, JsonBody, Measures, Metric, Problem, Scope};
use http::StatusCode;
use serde::Serialize;
use service::store_problem;
use store::meter::Meter;
use store::time::epoch_ms;
use utoipa::ToSchema;

use crate::Hub;
use crate::delivery::{Delivery, Rejected};

/// What came of a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// Heartbeats that were new.
    accepted: usize,
    /// Heartbeats that were known, from this delivery or an earlier one.
    duplicates: usize,
    /// Heartbeats that are wrong; sending them again is of no use.
    rejected: Vec<Rejected>,
}

pub(crate) async fn ingest(
    State(hub): State<Hub>,
    caller: Caller,
    body: JsonBody,
) -> Result<(StatusCode, axum::Json<Receipt>), Problem> {
    caller.require(Scope::TelemetryWrite)?;
    let now_ms = epoch_ms(hub.clock.now());
    let Delivery { mut heartbeats, rejected } = Delivery::parse(body.parse_value()?, now_ms)?;
    for heartbeat in &heartbeats {
        caller.require_line(Some(heartbeat.line.as_str()))?;
    }
    let reporter = SystemId::parse(caller.system()).ok();
    for heartbeat in &mut heartbeats {
        heartbeat.about.reported_by.clone_from(&reporter);
    }
    let receipt = store(&hub, &heartbeats, rejected).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(receipt)))
}

async fn store(
    hub: &Hub,
    heartbeats: &[Heartbeat],
    rejected: Vec<Rejected>,
) -> Result<Receipt, Problem> {
    let meter = Meter::default();
    let added = hub.store.line_ingest(heartbeats, &meter).await;
    let added = added.map_err(|error| store_problem(&error))?;
    let accepted = added.iter().filter(|one| **one == Added::New).count();
    let duplicates = added.len().saturating_sub(accepted);
    tracing::info!(
        accepted,
        duplicates,
        rejected = rejected.len(),
        write_units = meter.units(),
        "heartbeats stored"
    );
    let taken = u64::try_from(accepted).unwrap_or(u64::MAX);
    edge::emit(&Measures::of("telemetry").with(Metric::TelemetryAccepted, taken));
    Ok(Receipt { accepted, duplicates, rejected })
}
