//! A client that breaks on demand, between the SDK and the network.
//!
//! It sits where a machine really fails: below the SDK, so that the SDK's own retries, the code's judgement
//! of an unknown outcome, and a process that dies between two calls are all exercised as they are. Calls are
//! numbered from 1 in the order they reach the network, retries by the SDK included.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use crate::sniff::{self, Service, Units};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks before the request leaves: nothing was done.
    CutBefore,
    /// The request is served, then the connection breaks: the answer is lost.
    CutAfter,
    /// `ThrottlingException`, nothing done.
    Throttle,
    /// Another transaction was in the way, nothing done: `TransactionCanceledException` with a reason
    /// `TransactionConflict` for a transaction, `TransactionConflictException` for a single write.
    Conflict,
    /// `InternalServerError` (500), nothing done.
    ServerError,
    /// 503 without a body, nothing done.
    Unavailable,
}

/// One call that reached the network, or would have.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `GetItem`, `UpdateItem`, …: the end of `x-amz-target`; for S3 the method, `LIST` for a listing.
    pub operation: String,
    /// Who was asked.
    pub service: Service,
    /// What was done to it.
    pub fault: Option<Fault>,
    /// What it consumed.
    pub units: Units,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    /// Faults by call number, at most one each.
    planned: Vec<(usize, Fault)>,
    /// Faults for the next calls of an operation.
    queued: VecDeque<(String, Fault)>,
    /// From this call on (by number), the process is dead: no request leaves.
    dead_from: Option<usize>,
}

/// The plan of faults and the record of calls; clones share both.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

impl Faults {
    /// No fault: it only counts.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One fault at the `k`-th call from now (1 = the next); the SDK's retry of it is the next call.
    #[must_use]
    pub fn at(self, k: usize, fault: Fault) -> Self {
        self.with(|state| {
            let number = state.calls.len().saturating_add(k);
            state.planned.push((number, fault));
        });
        self
    }

    /// One fault at the next call of `operation` that has none yet; call it twice for two in a row.
    #[must_use]
    pub fn on(self, operation: &str, fault: Fault) -> Self {
        self.with(|state| state.queued.push_back((operation.to_owned(), fault)));
        self
    }

    /// The process dies before its `k`-th call: neither that nor any later one leaves.
    #[must_use]
    pub fn dies_before(self, k: usize) -> Self {
        self.with(|state| state.dead_from = Some(state.calls.len().saturating_add(k)));
        self
    }

    /// The process dies when its `k`-th call has been served but not answered; no later one leaves.
    #[must_use]
    pub fn dies_after(self, k: usize) -> Self {
        self.at(k, Fault::CutAfter).dies_before(k.saturating_add(1))
    }

    /// Forgets faults and record.
    pub fn reset(&self) {
        self.with(|state| *state = State::default());
    }

    /// All calls so far, in the order they came.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.with(|state| state.calls.clone())
    }

    /// The number of calls so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.with(|state| state.calls.len())
    }

    /// The operations so far, in the order they came.
    #[must_use]
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }

    /// Sum of the write units of answered calls, without secondary indexes.
    #[must_use]
    pub fn write_units(&self) -> f64 {
        self.calls().iter().map(|call| call.units.table_writes).sum()
    }

    /// A client that passes every call through this plan to `inner`. Works with any AWS SDK client.
    #[must_use]
    pub fn around(&self, inner: SharedHttpClient) -> impl HttpClient + 'static {
        FaultyClient { inner, faults: self.clone() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Numbers a call and says what happens to it.
    fn begin(&self, operation: &str, service: Service) -> (usize, Option<Fault>) {
        self.with(|state| {
            let number = state.calls.len().saturating_add(1);
            let planned =
                state.planned.iter().find(|(at, _)| *at == number).map(|(_, fault)| *fault);
            let fault = if state.dead_from.is_some_and(|from| number >= from) {
                Some(Fault::CutBefore)
            } else if planned.is_some() {
                planned
            } else {
                let queued = state.queued.iter().position(|(name, _)| name == operation);
                queued.and_then(|at| state.queued.remove(at)).map(|(_, fault)| fault)
            };
            let operation = operation.to_owned();
            state.calls.push(Call { operation, service, fault, units: Units::default() });
            (number, fault)
        })
    }

    fn units(&self, number: usize, units: Units) {
        self.with(|state| {
            if let Some(call) = state.calls.get_mut(number.saturating_sub(1)) {
                call.units = units;
            }
        });
    }
}

#[derive(Debug)]
struct FaultyClient {
    inner: SharedHttpClient,
    faults: Faults,
}

impl HttpClient for FaultyClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(FaultyConnector { inner, faults: self.faults.clone() })
    }
}

#[derive(Debug)]
struct FaultyConnector {
    inner: SharedHttpConnector,
    faults: Faults,
}

impl HttpConnector for FaultyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, faults) = (self.inner.clone(), self.faults.clone());
        HttpConnectorFuture::new(async move {
            let operation = sniff::operation(&request);
            let (number, fault) = faults.begin(&operation, sniff::service(&request));
            match fault {
                None => exchange(&inner, &faults, number, request).await,
                Some(Fault::CutBefore) => Err(cut()),
                Some(Fault::CutAfter) => {
                    exchange(&inner, &faults, number, request).await?;
                    Err(cut())
                }
                Some(Fault::Throttle) => Ok(refusal(400, "ThrottlingException", None)),
                Some(Fault::ServerError) => Ok(refusal(500, "InternalServerError", None)),
                Some(Fault::Unavailable) => Ok(refusal(503, "ServiceUnavailable", None)),
                Some(Fault::Conflict) => Ok(conflict(&operation, &request)),
            }
        })
    }
}

/// Passes a call on and notes the units of its answer.
async fn exchange(
    inner: &SharedHttpConnector,
    faults: &Faults,
    number: usize,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let operation = sniff::operation(&request);
    let response = inner.call(sniff::asking_for_units(request)).await?;
    if response.headers().get("content-type").is_none_or(|kind| !kind.contains("amz-json")) {
        return Ok(response);
    }
    let (response, units) = sniff::units(&operation, response).await?;
    faults.units(number, units);
    Ok(response)
}

fn cut() -> ConnectorError {
    ConnectorError::io("the connection was cut by the test".into())
}

fn conflict(operation: &str, request: &HttpRequest) -> HttpResponse {
    if operation != "TransactWriteItems" {
        return refusal(400, "TransactionConflictException", None);
    }
    let reasons: Vec<_> = (0..sniff::transaction_len(request))
        .map(|position| match position {
            0 => serde_json::json!({ "Code": "TransactionConflict", "Message": "in the way" }),
            _ => serde_json::json!({ "Code": "None" }),
        })
        .collect();
    refusal(400, "TransactionCanceledException", Some(reasons))
}

fn refusal(status: u16, code: &str, reasons: Option<Vec<serde_json::Value>>) -> HttpResponse {
    let mut body = serde_json::json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
        "message": "injected by the test",
    });
    if let (Some(reasons), Some(fields)) = (reasons, body.as_object_mut()) {
        fields.insert("CancellationReasons".into(), reasons.into());
    }
    let status = aws_smithy_runtime_api::http::StatusCode::try_from(status);
    let status = status.unwrap_or_else(|_| http::StatusCode::IM_A_TEAPOT.into());
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}
