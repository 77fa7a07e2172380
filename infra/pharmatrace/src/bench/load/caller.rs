//! What a caller does, and whether the answer is what it must be.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::time::rfc3339_ms;
use time::OffsetDateTime;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::mix::{Dice, Operation};
use super::sample::Fault;
use crate::api::{Answer, Api};
use crate::bench::documents::{Form, Part, Run, write};
use crate::bench::plant::{Line, Pool, count, text};
use crate::error::CommandError;
use crate::wiring::now;

const ALLOCATIONS: &str = "/api/v1/l3/allocations";
const EXPIRY: &str = "2028-10-31";
/// Heartbeats of a batch, and the time between two of them: lines that were cut off catch up.
const BEATS: u64 = 12;
const BEAT_SECONDS: u64 = 10;
/// How far back a line begins to catch up; the hub takes seven days.
const BEHIND_SECONDS: i64 = 6 * 24 * 3_600;
/// How long a file of an export may take to be written.
const FILE_PATIENCE: Duration = Duration::from_mins(2);

/// An order that the hub answered.
#[derive(Debug, Clone)]
pub(super) struct Order {
    body: Value,
    pub(super) id: String,
    first: u64,
    pub(super) size: u64,
    line: Line,
}

/// A file that was put where lines put theirs.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) sha256: String,
    pub(super) serials: u64,
    pub(super) put: Instant,
    pub(super) is_warm_up: bool,
}

/// A line and how far it has come with its heartbeats.
#[derive(Debug)]
struct Catching {
    line: Line,
    sent: u64,
}

/// What the callers of a plant know together.
#[derive(Debug)]
pub(super) struct Callers {
    api: Api,
    pool: Pool,
    lines: Vec<Line>,
    orders: Mutex<Vec<Order>>,
    /// Orders that no file has reported yet.
    unreported: Mutex<VecDeque<Order>>,
    /// Lines that nobody sends heartbeats for right now: each has one voice.
    catching: Mutex<VecDeque<Catching>>,
    began: OffsetDateTime,
}

impl Callers {
    pub(super) fn new(api: Api, pool: Pool, lines: Vec<Line>) -> Self {
        let catching = lines.iter().map(|line| Catching { line: line.clone(), sent: 0 }).collect();
        Self {
            api,
            pool,
            lines,
            orders: Mutex::default(),
            unreported: Mutex::default(),
            catching: Mutex::new(catching),
            began: now().saturating_sub(time::Duration::seconds(BEHIND_SECONDS)),
        }
    }

    /// Reserves so many numbers under a new id.
    pub(super) async fn reserve(&self, id: &str, size: u64) -> Result<(), Fault> {
        // One line after the other.
        let made = self.orders.lock().await.len();
        let line = made.checked_rem(self.lines.len()).and_then(|place| self.lines.get(place));
        let Some(line) = line else { return Err(wrong("there is no line")) };
        let body = json!({
            "request_id": id, "gtin": self.pool.gtin, "quantity": size, "lot": lot(id),
            "expiry": EXPIRY, "line_gln": line.gln, "work_order": format!("WO-{id}"),
        });
        let answer = served(self.api.post(ALLOCATIONS, &body).await, &[201])?;
        let view = answer.json();
        let first = text(&view, "/range/from").parse::<u64>();
        let (Ok(first), true) = (first, count(&view, "/granted") == size) else {
            return Err(wrong(format!("{size} numbers were wanted: {view}")));
        };
        let id = text(&view, "/allocation_id");
        let order = Order { body, id, first, size, line: line.clone() };
        self.orders.lock().await.push(order.clone());
        self.unreported.lock().await.push_back(order);
        Ok(())
    }

    /// Asks again with an id that was answered before: the answer names the same numbers (I3).
    pub(super) async fn replay(&self, dice: &mut Dice) -> Result<(), Fault> {
        let Some(order) = self.any(dice).await else { return Ok(()) };
        let answer = served(self.api.post(ALLOCATIONS, &order.body).await, &[200])?;
        order.is_in(&answer.json())
    }

    /// Fetches an allocation.
    pub(super) async fn get(&self, dice: &mut Dice) -> Result<(), Fault> {
        let Some(order) = self.any(dice).await else { return Ok(()) };
        let path = format!("{ALLOCATIONS}/{}", order.id);
        order.is_in(&served(self.api.get(&path).await, &[200])?.json())
    }

    /// A page of allocations, of one product every other time.
    pub(super) async fn list(&self, dice: &mut Dice) -> Result<(), Fault> {
        let filter = match dice.below(2) {
            0 => format!("&gtin={}", self.pool.gtin),
            _ => String::new(),
        };
        let path = format!("{ALLOCATIONS}?limit=50{filter}");
        let page = served(self.api.get(&path).await, &[200])?.json();
        match page.get("items").and_then(Value::as_array) {
            Some(items) if items.len() <= 50 => Ok(()),
            _ => Err(wrong(format!("no page of 50: {page}"))),
        }
    }

    /// The scorecard.
    pub(super) async fn scorecard(&self) -> Result<(), Fault> {
        let card = served(self.api.get("/api/v1/operations/scorecard").await, &[200])?.json();
        if card.pointer("/open_allocations/total").is_some_and(Value::is_u64) {
            return Ok(());
        }
        Err(wrong(format!("no scorecard: {card}")))
    }

    /// The numbers of an allocation as CSV, a row each; whether they came as a file.
    pub(super) async fn export(&self, dice: &mut Dice) -> (Operation, Result<(), Fault>) {
        // The first order is a large one, and large files are asked for more than once.
        let first = dice.below(10) == 0;
        let order =
            if first { self.orders.lock().await.first().cloned() } else { self.any(dice).await };
        let Some(order) = order else { return (Operation::Export, Ok(())) };
        let path = format!("{ALLOCATIONS}/{}/export", order.id);
        match served(self.api.get(&path).await, &[200, 202, 303]) {
            Ok(answer) if answer.status == 200 => (Operation::Export, order.rows_are_in(&answer)),
            Ok(answer) => (Operation::ExportFile, self.file(&order, (&path, answer)).await),
            Err(fault) => (Operation::Export, Err(fault)),
        }
    }

    async fn file(&self, order: &Order, at: (&str, Answer)) -> Result<(), Fault> {
        let (path, mut answer) = at;
        let started = Instant::now();
        while answer.status == 202 {
            if started.elapsed() > FILE_PATIENCE {
                return Err(wrong(format!("{path} is not written in time")));
            }
            let seconds = answer.header("retry-after").and_then(|text| text.parse().ok());
            sleep(Duration::from_secs(seconds.unwrap_or(1)).min(FILE_PATIENCE)).await;
            answer = served(self.api.get(path).await, &[202, 303])?;
        }
        let address = answer.header(header::LOCATION.as_str()).unwrap_or_default();
        order.rows_are_in(&served(self.api.get_presigned(address).await, &[200])?)
    }

    /// A batch of heartbeats of a line.
    pub(super) async fn telemetry(&self) -> Result<(), Fault> {
        let Some(mut catching) = self.catching.lock().await.pop_front() else { return Ok(()) };
        let first = catching.sent;
        let beats: Vec<Value> = (first..first.saturating_add(BEATS))
            .map(|seq| {
                let seconds = i64::try_from(seq.saturating_mul(BEAT_SECONDS)).unwrap_or(i64::MAX);
                let at = self.began.saturating_add(time::Duration::seconds(seconds));
                json!({
                    "line_gln": catching.line.gln, "ts": rfc3339_ms(at), "seq": seq,
                    "state": "EXECUTE", "mode": "PRODUCTION", "speed": 120.0, "design_speed": 150.0,
                    "processed": seq.saturating_mul(20), "serials_remaining": 5_000,
                })
            })
            .collect();
        let body = json!({ "heartbeats": beats });
        let answer = served(self.api.post("/api/v1/plant-floor/telemetry", &body).await, &[202]);
        if answer.is_ok() {
            catching.sent = first.saturating_add(BEATS);
        }
        self.catching.lock().await.push_back(catching);
        let told = answer?.json();
        let taken = count(&told, "/accepted").saturating_add(count(&told, "/duplicates"));
        if taken == BEATS { Ok(()) } else { Err(wrong(format!("of {BEATS} heartbeats: {told}"))) }
    }

    /// Reports an order as a line does: an upload address, and the file put there; `None` if all orders are
    /// reported.
    pub(super) async fn upload(&self, is_warm_up: bool) -> Result<Option<Delivery>, Fault> {
        let Some(order) = self.unreported.lock().await.pop_front() else { return Ok(None) };
        let file = order.document(&self.pool).map_err(|error| wrong(error.to_string()))?;
        let sha256 = HEXLOWER.encode(&Sha256::digest(&file));
        let body = json!({ "file_name": "packs.xml" });
        let slot = served(self.api.post("/api/v1/l3/uploads", &body).await, &[201])?;
        let put = self.api.put_presigned(&text(&slot.json(), "/url"), Bytes::from(file)).await;
        served(put, &[200])?;
        Ok(Some(Delivery { sha256, serials: order.size, put: Instant::now(), is_warm_up }))
    }

    /// What became of a file; `None` while it is not judged.
    pub(super) async fn status(&self, of: &Delivery) -> Result<Option<Value>, Fault> {
        let path = format!("/api/v1/l3/documents/{}", of.sha256);
        // Until its notice has arrived the hub does not know the file.
        let answer = served(self.api.get(&path).await, &[200, 404])?;
        let view = answer.json();
        let done = ["reconciled", "parked", "quarantined"].contains(&&*text(&view, "/status"));
        Ok((answer.status == 200 && done).then_some(view))
    }

    async fn any(&self, dice: &mut Dice) -> Option<Order> {
        let orders = self.orders.lock().await;
        let place = usize::try_from(dice.below(wide(orders.len()))).unwrap_or_default();
        orders.get(place).cloned()
    }
}

impl Order {
    fn is_in(&self, view: &Value) -> Result<(), Fault> {
        let from = text(view, "/range/from").parse::<u64>();
        if text(view, "/allocation_id") == self.id && from == Ok(self.first) {
            return Ok(());
        }
        Err(wrong(format!("allocation {} became {view}", self.id)))
    }

    fn rows_are_in(&self, csv: &Answer) -> Result<(), Fault> {
        let lines = memchr::memchr_iter(b'\n', &csv.body).count();
        if wide(lines) == self.size.saturating_add(1) {
            return Ok(());
        }
        Err(wrong(format!("{} numbers came as {lines} lines", self.size)))
    }

    fn document(&self, pool: &Pool) -> std::io::Result<Vec<u8>> {
        let id = text(&self.body, "/request_id");
        let (lot, event_time) = (lot(&id), rfc3339_ms(now()));
        let run = Run {
            pool,
            lot: &lot,
            expiry: EXPIRY,
            line_sgln: &self.line.sgln,
            event_time: &event_time,
        };
        let packs = Part::commissioned(self.first..self.first.saturating_add(self.size));
        let mut out = Vec::new();
        write(&mut out, run, (&[packs], Form::Dense))?;
        Ok(out)
    }
}

fn lot(id: &str) -> String {
    format!("LOT-{id}")
}

/// The answer, if it has one of these statuses.
pub(super) fn served(
    answer: Result<Answer, CommandError>,
    statuses: &[u16],
) -> Result<Answer, Fault> {
    let answer = answer.map_err(|error| Fault::Unserved(error.to_string()))?;
    if statuses.contains(&answer.status) {
        return Ok(answer);
    }
    let body = String::from_utf8_lossy(&answer.body);
    let told = format!("{} {body}", answer.status);
    Err(match answer.status {
        429 => Fault::Throttled,
        status if status >= StatusCode::INTERNAL_SERVER_ERROR.as_u16() => Fault::Unserved(told),
        _ => Fault::Wrong(told),
    })
}

fn wrong(text: impl Into<String>) -> Fault {
    Fault::Wrong(text.into())
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn a_refusal_for_load_a_failure_and_a_wrong_answer_are_told_apart() {
        let answer = |status| {
            Ok(Answer { status, headers: HeaderMap::new(), body: Bytes::from_static(b"x") })
        };
        assert_eq!(served(answer(201), &[200, 201]).unwrap().status, 201);
        let fault = |status| served(answer(status), &[200]).unwrap_err();
        assert_eq!(fault(429), Fault::Throttled);
        assert_eq!(fault(503), Fault::Unserved("503 x".to_owned()));
        assert_eq!(fault(404), Fault::Wrong("404 x".to_owned()));
        let cut = Err(CommandError::Failed("connection reset".to_owned()));
        assert_eq!(
            served(cut, &[200]).unwrap_err(),
            Fault::Unserved("connection reset".to_owned())
        );
    }
}
