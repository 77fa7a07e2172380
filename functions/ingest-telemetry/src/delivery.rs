//! What one call brings: a heartbeat, or a batch of them.

use domain::telemetry::Heartbeat;
use edge::Problem;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::heartbeat::{self, Wrong};

/// Heartbeats of one call at the most.
pub(crate) const HEARTBEATS_MAX: usize = 500;
/// The only member of a batch that is an object.
const BATCH: &str = "heartbeats";

/// A heartbeat of a batch that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rejected {
    /// Its place in the batch, from 0.
    index: usize,
    /// What is wrong with it.
    detail: String,
}

/// The heartbeats of a call, and which of them were wrong.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) heartbeats: Vec<Heartbeat>,
    pub(crate) rejected: Vec<Rejected>,
}

impl Delivery {
    /// Reads a body.
    ///
    /// # Errors
    /// 400 for what is neither an object nor an array, 422 for one wrong heartbeat alone, and for a
    /// batch of none or too many.
    pub(crate) fn parse(body: Value, now_ms: u64) -> Result<Self, Problem> {
        match body {
            Value::Array(batch) => Self::of_batch("", batch, now_ms),
            Value::Object(mut members) => match members.remove(BATCH) {
                Some(Value::Array(batch)) if members.is_empty() => {
                    Self::of_batch("/heartbeats", batch, now_ms)
                }
                Some(_) => Err(of_no_form(&members)),
                None => heartbeat::parse(Value::Object(members), now_ms)
                    .map(|one| Self { heartbeats: vec![one], rejected: Vec::new() })
                    .map_err(Wrong::into_problem),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Err(of_no_form(&Map::new()))
            }
        }
    }

    fn of_batch(pointer: &str, batch: Vec<Value>, now_ms: u64) -> Result<Self, Problem> {
        if batch.is_empty() || batch.len() > HEARTBEATS_MAX {
            let problem = Problem::unprocessable("The number of heartbeats is out of bounds.");
            return Err(problem
                .violation(pointer, format!("1 to {HEARTBEATS_MAX} heartbeats"))
                .with("max", HEARTBEATS_MAX));
        }
        let mut delivery = Self { heartbeats: Vec::with_capacity(batch.len()), rejected: vec![] };
        for (index, one) in batch.into_iter().enumerate() {
            match heartbeat::parse(one, now_ms) {
                Ok(heartbeat) => delivery.heartbeats.push(heartbeat),
                Err(wrong) => delivery.rejected.push(Rejected { index, detail: wrong.to_string() }),
            }
        }
        Ok(delivery)
    }
}

/// The batch as an object may have no other member, and must have an array in this one.
fn of_no_form(others: &Map<String, Value>) -> Problem {
    let problem = Problem::bad_request("The body is neither a heartbeat nor a batch of them.");
    match others.keys().next() {
        Some(other) => problem.violation(format!("/{other}"), "unknown beside heartbeats"),
        None => problem.violation("", "an object, or an array of objects, is expected"),
    }
}
