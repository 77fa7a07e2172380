//! A line through its day: orders, files, heartbeats, ends. What goes wrong is noted and ends the order, not the
//! day.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::time::rfc3339_ms;
use time::OffsetDateTime;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::order::Order;
use super::sheet::{Sheet, Step};
use crate::api::{Answer, Api};
use crate::bench::plant::{Line, Pool, count, text};
use crate::error::CommandError;

const ALLOCATIONS: &str = "/api/v1/l3/allocations";
/// Hours of a day, and heartbeats of each: one every ten seconds.
const HOURS: u64 = 24;
const BEATS: u64 = 360;
const BEAT_SECONDS: u64 = 10;
/// How long a file may take from the drop to its report.
const PATIENCE: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(200);

/// Whoever works at a line.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) api: Api,
    /// Another credential, that may review; none of a hub that gives none.
    pub(super) reviewer: Option<Api>,
    pub(super) pool: Arc<Pool>,
    pub(super) line: Line,
    pub(super) began: OffsetDateTime,
    pub(super) done: Arc<Mutex<Sheet>>,
}

/// What went wrong.
type Fault = String;

impl Worker {
    /// Orders one after the other; between them the heartbeats of the hours.
    pub(super) async fn day(&self, mut orders: VecDeque<Order>) {
        let each = u64::try_from(orders.len()).unwrap_or(u64::MAX).div_ceil(HOURS).max(1);
        for hour in 0..HOURS {
            self.noted(Step::Heartbeats, self.hour(hour)).await;
            if hour == 12 {
                self.noted(Step::Scorecard, self.scorecard()).await;
            }
            for _ in 0..each {
                let Some(order) = orders.pop_front() else { break };
                let first = Box::pin(self.order(&order)).await;
                if let Err((step, fault)) = first {
                    self.done.lock().await.note(step, Err(format!("{}: {fault}", order.id)));
                }
            }
        }
    }

    async fn noted(&self, step: Step, work: impl Future<Output = Result<(), Fault>>) {
        let outcome = work.await;
        self.done.lock().await.note(step, outcome);
    }

    /// An order from its request to its end.
    async fn order(&self, order: &Order) -> Result<(), (Step, Fault)> {
        let at = |step: Step| move |fault: Fault| (step, fault);
        let body = order.request(&self.pool, &self.line);
        let view = self.post(ALLOCATIONS, &body, 201).await.map_err(at(Step::Reserve))?;
        let (id, first) = (text(&view, "/allocation_id"), text(&view, "/range/from"));
        let first = first.parse::<u64>().map_err(|error| (Step::Reserve, error.to_string()))?;
        self.good(Step::Reserve).await;
        let again = self.post(ALLOCATIONS, &body, 200).await.map_err(at(Step::Replay))?;
        must(text(&again, "/allocation_id") == id, &again).map_err(at(Step::Replay))?;
        self.good(Step::Replay).await;
        let path = format!("{ALLOCATIONS}/{id}");
        if order.is_held() {
            let confirmed = self.post(&format!("{path}/confirm"), &json!({}), 200).await;
            confirmed.map_err(at(Step::Confirm))?;
            self.good(Step::Confirm).await;
        }
        self.export(order, &path).await.map_err(at(Step::Export))?;
        self.good(Step::Export).await;
        Box::pin(self.files(order, first)).await.map_err(at(Step::File))?;
        self.end(order, &path).await.map_err(at(Step::Close))?;
        self.good(Step::Close).await;
        if order.is_miscounted() && self.reviewer.is_some() {
            self.review(&path).await.map_err(at(Step::Review))?;
            self.good(Step::Review).await;
        }
        self.balance(order, &path).await.map_err(at(Step::Balance))?;
        self.good(Step::Balance).await;
        Ok(())
    }

    async fn good(&self, step: Step) {
        self.done.lock().await.note(step, Ok(()));
    }

    async fn export(&self, order: &Order, path: &str) -> Result<(), Fault> {
        let answer = self.api.get(&format!("{path}/export")).await;
        let mut answer = served(answer, &[200, 202, 303])?;
        let started = Instant::now();
        while answer.status == 202 && started.elapsed() < PATIENCE {
            sleep(POLL).await;
            answer = served(self.api.get(&format!("{path}/export")).await, &[202, 303])?;
        }
        if answer.status == 303 {
            let address = answer.header("location").unwrap_or_default();
            answer = served(self.api.get_presigned(address).await, &[200])?;
        }
        let rows = memchr::memchr_iter(b'\n', &answer.body).count();
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        let told = format!("{rows} rows of {} numbers", order.size);
        if rows == order.size.saturating_add(1) { Ok(()) } else { Err(told) }
    }

    /// Each file to its report; some come twice, and that changes nothing.
    async fn files(&self, order: &Order, first: u64) -> Result<(), Fault> {
        let files = order.files((&self.pool, &self.line), first);
        for (place, (bytes, packs)) in
            files.map_err(|error| error.to_string())?.into_iter().enumerate()
        {
            let view = self.file(&bytes).await?;
            must(count(&view, "/serials/newly_commissioned") == packs, &view)?;
            self.good(Step::File).await;
            if place == 1 && order.comes_twice() {
                let view = self.file(&bytes).await?;
                must(count(&view, "/serials/newly_commissioned") == packs, &view)?;
                self.good(Step::FileAgain).await;
            }
        }
        Ok(())
    }

    async fn file(&self, bytes: &[u8]) -> Result<Value, Fault> {
        let sha256 = HEXLOWER.encode(&Sha256::digest(bytes));
        let slot = self.post("/api/v1/l3/uploads", &json!({"file_name": "packs.xml"}), 201).await?;
        let put = self.api.put_presigned(&text(&slot, "/url"), Bytes::copy_from_slice(bytes)).await;
        served(put, &[200])?;
        let (path, put) = (format!("/api/v1/l3/documents/{sha256}"), Instant::now());
        loop {
            let answer = served(self.api.get(&path).await, &[200, 404])?;
            let view = answer.json();
            let status = text(&view, "/status");
            if answer.status == 200 && status == "reconciled" {
                return Ok(view);
            }
            if status == "quarantined" || put.elapsed() > PATIENCE {
                return Err(format!("a file has no report: {view}"));
            }
            sleep(POLL).await;
        }
    }

    /// The end: accepted where the counts agree, else waiting for a review.
    async fn end(&self, order: &Order, path: &str) -> Result<(), Fault> {
        let view = self.post(&format!("{path}/close"), &order.end(&self.pool), 200).await?;
        let expected = if order.is_miscounted() { "pending_review" } else { "closed" };
        must(text(&view, "/status") == expected, &view)
    }

    async fn review(&self, path: &str) -> Result<(), Fault> {
        let Some(reviewer) = &self.reviewer else { return Ok(()) };
        let body = json!({"decision": "accept", "reason": "counted again: two were in the sample"});
        let answer = reviewer.post(&format!("{path}/review"), &body).await;
        let view = served(answer, &[200])?.json();
        must(text(&view, "/status") == "closed", &view)
    }

    /// I4: what the books say in the end is what the line did.
    async fn balance(&self, order: &Order, path: &str) -> Result<(), Fault> {
        let answer = self.api.get(&format!("{path}/reconciliation")).await;
        let view = served(answer, &[200])?.json();
        let good = order.packs().saturating_sub(order.destroyed());
        let holds = view.pointer("/balanced").and_then(Value::as_bool) == Some(true)
            && count(&view, "/commissioned") == good
            && count(&view, "/destroyed") == order.destroyed()
            && count(&view, "/deactivated") == order.size.saturating_sub(order.packs());
        must(holds, &view)
    }

    /// The heartbeats of an hour of the last 24.
    async fn hour(&self, hour: u64) -> Result<(), Fault> {
        let first = hour.saturating_mul(BEATS);
        let beats: Vec<Value> = (first..first.saturating_add(BEATS))
            .map(|seq| {
                let seconds = seq.saturating_mul(BEAT_SECONDS);
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                let back = time::Duration::days(1).saturating_sub(time::Duration::seconds(seconds));
                json!({
                    "line_gln": self.line.gln, "ts": rfc3339_ms(self.began.saturating_sub(back)),
                    "seq": seq, "state": "EXECUTE", "mode": "PRODUCTION", "speed": 120.0,
                    "design_speed": 150.0, "processed": seq.saturating_mul(20),
                    "serials_remaining": 5_000,
                })
            })
            .collect();
        let body = json!({ "heartbeats": beats });
        let told = self.post("/api/v1/plant-floor/telemetry", &body, 202).await?;
        must(count(&told, "/accepted") == BEATS, &told)
    }

    async fn scorecard(&self) -> Result<(), Fault> {
        let card = served(self.api.get("/api/v1/operations/scorecard").await, &[200])?.json();
        must(card.pointer("/open_allocations/total").is_some(), &card)
    }

    async fn post(&self, path: &str, body: &Value, status: u16) -> Result<Value, Fault> {
        Ok(served(self.api.post(path, body).await, &[status])?.json())
    }
}

fn must(holds: bool, view: &Value) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(format!("not what it must be: {view}")) }
}

fn served(answer: Result<Answer, CommandError>, statuses: &[u16]) -> Result<Answer, Fault> {
    let answer = answer.map_err(|error| error.to_string())?;
    if statuses.contains(&answer.status) {
        return Ok(answer);
    }
    Err(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)))
}
