//! `pharmatrace bench documents`: millions of serial numbers through the deployed function.
//!
//! Each size is a packaging run with what goes wrong in one, reported in several forms (see [`Form`]), each
//! from an order of its own. What is judged: the memory that the function logs, the write units that it
//! counts, that numbers and findings are those that the content has, and that the reports say the same
//! whatever the form, as the unusual one fits no short cut of the reader.
//!
//! The seconds are those of the function that happens to be deployed: they are shown and not judged.

mod content;
mod expected;
mod same;
mod sheet;

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::time::rfc3339_ms;
use tokio::time::{Instant, sleep};

pub use self::content::Form;
pub(super) use self::content::{Part, Run, write};
pub use self::sheet::{Row, Sheet};
use super::plant::{Line, Plant, Pool, count, expect, tell, text};
use crate::api::Api;
use crate::error::CommandError;
use crate::hub::{Hub, HubArguments};
use crate::wiring::now;
use same::{Named, normalised};

const ALLOCATIONS: &str = "/api/v1/l3/allocations";
const LOT: &str = "LOT-A";
const EXPIRY: &str = "2028-10-31";
/// Above this a document with an event for each number is larger than the hub takes.
const SINGLE_SERIALS_MAX: u64 = 2_000_000;
/// Larger documents are sent as gzip, as lines do.
const PLAIN_SERIALS_MAX: u64 = 1_000_000;
/// How long one document may take from the drop to its report, and how long the function may.
const PATIENCE: Duration = Duration::from_mins(20);
const DOCUMENT_SECONDS: u32 = 840;
const POLL: Duration = Duration::from_millis(500);

/// What is measured.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How many serial numbers a run has; repeat for more
    #[arg(long, default_values_t = [1_000_000, 10_000_000], value_name = "NUMBER",
          value_parser = clap::value_parser!(u64).range(1_000..=50_000_000))]
    pub serials: Vec<u64>,
    /// How the documents are written; repeat for more; all where they fit if left out
    #[arg(long = "form", value_enum)]
    pub forms: Vec<Form>,
    /// The name of the stack, if it is not on this machine: what is made there stays
    #[arg(long, value_name = "STACK")]
    write_into: Option<String>,
}

impl Options {
    /// Some sizes in some forms.
    #[must_use]
    pub fn new(serials: Vec<u64>, forms: Vec<Form>) -> Self {
        Self { serials, forms, write_into: None }
    }

    fn forms(&self, size: u64) -> Vec<Form> {
        let fits = |form: &Form| *form != Form::Single || size <= SINGLE_SERIALS_MAX;
        let all = if self.forms.is_empty() { &Form::ALL[..] } else { &self.forms };
        all.iter().copied().filter(fits).collect()
    }
}

/// Measures and judges.
///
/// # Errors
/// If it cannot be measured.
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

/// Measures on a hub that somebody else looks after.
///
/// # Errors
/// If it cannot be measured.
pub async fn measure(hub: &Hub, options: &Options) -> Result<Sheet, CommandError> {
    let plant = Plant::within(hub.clone(), None).await?;
    Box::pin(plant.used(async |plant| sheet_of(plant, options).await)).await
}

async fn sheet_of(plant: &Plant, options: &Options) -> Result<Sheet, CommandError> {
    let mut rows = Vec::new();
    for size in &options.serials {
        let mut first: Option<Value> = None;
        for form in options.forms(*size) {
            let (mut row, report) = one(plant, *size, form).await?;
            let expected = first.get_or_insert_with(|| report.clone());
            if *expected != report {
                row.wrong
                    .push(format!("the report is {report}, that of the first form {expected}"));
            }
            rows.push(row);
        }
    }
    Ok(Sheet { rows })
}

/// One document from the order to its report, and the report without what must differ.
async fn one(plant: &Plant, size: u64, form: Form) -> Result<(Row, Value), CommandError> {
    let api = &plant.api;
    // As large as the order, so that numbers behind its end are no pool's for ever.
    let pool = plant.pool(size, size).await?;
    let line = plant.line()?;
    let order = json!({
        // The system is as new as the pool, so nobody asked under this id before.
        "request_id": pool.gtin, "gtin": pool.gtin, "quantity": size, "lot": LOT, "expiry": EXPIRY,
        "line_gln": line.gln,
    });
    let made = api.post(ALLOCATIONS, &order).await?;
    expect(&made, 201, "the order")?;
    let allocation_id = text(&made.json(), "/allocation_id");
    tracing::info!("writing {size} serials, {} …", form.as_str());
    let parts = content::packaging_run(size);
    let is_zipped = size > PLAIN_SERIALS_MAX || form == Form::Single;
    let file = {
        let (pool, parts, line) = (pool.clone(), parts.clone(), line.clone());
        let written = move || file_of(&pool, &line, ((&parts, form), is_zipped));
        let written = tokio::task::spawn_blocking(written).await;
        written.map_err(|error| CommandError::Failed(error.to_string()))?
    };
    let file = file.map_err(CommandError::io("the document"))?;
    let (sent_bytes, content_bytes) = (wide(file.bytes.len()), file.content_bytes);
    tracing::info!("sending {} MB …", sent_bytes / 1_000_000);
    let sha = HEXLOWER.encode(&Sha256::digest(&file.bytes));
    deliver(api, "run.xml", file.bytes).await?;
    let view = settled(api, &sha).await?;
    let balance = api.get(&format!("{ALLOCATIONS}/{allocation_id}/reconciliation")).await?;
    expect(&balance, 200, "the balance")?;
    let mut wrong = expected::differences(size, &view, &balance.json());
    if count(&view, "/events") != expected::events(&parts, form) {
        wrong.push(format!("{} events were read", count(&view, "/events")));
    }
    let row = Row {
        serials: size,
        form,
        sent_bytes,
        content_bytes,
        milliseconds: sheet::milliseconds(&view),
        write_units: count(&view, "/metrics/write_units"),
        vm_hwm_kib: count(&view, "/metrics/vm_hwm_kib"),
        wrong,
    };
    Ok((row, normalised(&view, &Named { pool: &pool, allocation_id: &allocation_id })))
}

/// A file as it is sent.
struct File {
    bytes: Bytes,
    /// Before it was compressed.
    content_bytes: u64,
}

fn file_of(
    pool: &Pool,
    line: &Line,
    (content, is_zipped): ((&[Part], Form), bool),
) -> io::Result<File> {
    let event_time = rfc3339_ms(now());
    let line_sgln = &line.sgln;
    let run = Run { pool, lot: LOT, expiry: EXPIRY, line_sgln, event_time: &event_time };
    if !is_zipped {
        let mut bytes = Vec::new();
        write(&mut bytes, run, content)?;
        let content_bytes = wide(bytes.len());
        return Ok(File { bytes: bytes.into(), content_bytes });
    }
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut out = Counted { inner: BufWriter::with_capacity(1 << 16, encoder), bytes: 0 };
    write(&mut out, run, content)?;
    let encoder = out.inner.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(File { bytes: encoder.finish()?.into(), content_bytes: out.bytes })
}

/// Counts what is written.
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes = self.bytes.saturating_add(wide(written));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Puts a file where lines put theirs.
pub(super) async fn deliver(api: &Api, name: &str, bytes: Bytes) -> Result<(), CommandError> {
    let slot = api.post("/api/v1/l3/uploads", &json!({ "file_name": name })).await?;
    expect(&slot, 201, "the upload")?;
    let put = api.put_presigned(&text(&slot.json(), "/url"), bytes).await?;
    expect(&put, 200, "the presigned address")
}

/// The document once it has come to rest.
async fn settled(api: &Api, sha: &str) -> Result<Value, CommandError> {
    let started = Instant::now();
    loop {
        let answer = api.get(&format!("/api/v1/l3/documents/{sha}")).await?;
        let view = answer.json();
        let status = text(&view, "/status");
        if answer.status == 200 && ["reconciled", "parked", "quarantined"].contains(&&*status) {
            return Ok(view);
        }
        if started.elapsed() > PATIENCE {
            return Err(CommandError::Failed(format!("{sha} has no report in time: {view}")));
        }
        sleep(POLL).await;
    }
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
