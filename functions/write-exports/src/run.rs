//! One run: takes the job, lets it be written, and says what came of it.

use domain::allocation::Allocation;
use edge::{Measures, Metric};
use linefiles::{Export, FileKind};
use store::StoreError;
use store::export_job::{ExportJob, ExportState, Turn};
use store::jobs::ExportMessage;
use store::publish::Published;
use store::time::{parse_rfc3339, rfc3339_ms};
use time::OffsetDateTime;

use crate::rows::Rows;
use crate::write::{Ending, write};
use crate::{Failure, Hub};

/// How often a job is taken again that was changed meanwhile: whoever asked for it notes that its message
/// was sent, perhaps at the moment when the message arrives.
const TAKE_TRIES: u32 = 5;

/// Takes a job for the message `by`; `None` when nothing is to be done.
pub(crate) async fn take(
    hub: &Hub,
    message: &ExportMessage,
    by: &str,
) -> Result<Option<ExportJob>, Failure> {
    let (id, file) = (&message.allocation_id, &message.file);
    for _ in 0..TAKE_TRIES {
        let Some(mut job) = hub.store.export_fetch(id, file).await? else {
            tracing::warn!(allocation.id = %id, file, "nobody asked for this export");
            return Ok(None);
        };
        let turn = job.take(by, hub.clock.now());
        if matches!(turn, Turn::Busy | Turn::Ended) {
            tracing::info!(allocation.id = %id, file, ?turn, "left alone");
            return Ok(None);
        }
        match hub.store.export_put(&mut job).await {
            Err(StoreError::Conflict { .. }) => {}
            outcome => {
                outcome?;
                if turn == Turn::GivenUp {
                    failed(&job);
                    return Ok(None);
                }
                return Ok(Some(job));
            }
        }
    }
    Err(Failure::Lost)
}

/// Runs a job that was taken.
pub(crate) async fn run(
    hub: &Hub,
    mut job: ExportJob,
    kind: FileKind,
    ends_at: OffsetDateTime,
) -> Result<(), Failure> {
    let allocation = hub.store.allocation_fetch(&job.allocation_id).await?;
    let Some(allocation) = allocation.filter(Allocation::is_exportable) else {
        return refuse(hub, job).await;
    };
    let (numbering, reader) = hub.store.numbering_outline(&hub.objects, &allocation).await?;
    let export = Export::of(&allocation, &numbering, kind);
    match write(hub, &mut job, Rows::new(&export, reader), ends_at).await {
        Ok(Ending::Written(published)) => finish(hub, job, (&export, published)).await,
        Ok(Ending::Unfinished) => hand_on(hub, job).await,
        Ok(Ending::GivenUp) => refuse(hub, job).await,
        Err(StoreError::Conflict { .. }) => Err(Failure::Lost),
        Err(error) => {
            job.error = Some(error.to_string());
            // That it is not written down changes nothing: the run before this one said why, or nobody.
            hub.store.export_put(&mut job).await.unwrap_or_default();
            Err(error.into())
        }
    }
}

/// Writes the job down; whoever lost it stops here.
async fn put(hub: &Hub, job: &mut ExportJob) -> Result<(), Failure> {
    match hub.store.export_put(job).await {
        Err(StoreError::Conflict { .. }) => Err(Failure::Lost),
        outcome => Ok(outcome?),
    }
}

async fn finish(
    hub: &Hub,
    mut job: ExportJob,
    (export, published): (&Export<'_>, Option<Published>),
) -> Result<(), Failure> {
    let now = hub.clock.now();
    if let Some(published) = &published {
        let manifest = export.manifest(&published.sha256, &rfc3339_ms(now));
        hub.objects.manifest_put(&export.key(), manifest).await?;
        job.checkpoint.bytes = published.bytes;
    }
    job.checkpoint.row = export.row_count();
    job.end(ExportState::Done, now);
    put(hub, &mut job).await?;
    let asked = parse_rfc3339(&job.requested_at).unwrap_or(now).unix_timestamp_nanos();
    let waited = now.unix_timestamp_nanos().saturating_sub(asked).div_euclid(1_000_000);
    let latency_ms = u64::try_from(waited).unwrap_or(0);
    tracing::info!(
        allocation.id = %job.allocation_id,
        file = job.file,
        rows = job.checkpoint.row,
        bytes = job.checkpoint.bytes,
        latency_ms,
        vm_hwm_kib = edge::telemetry::vm_hwm_kib(),
        "export written"
    );
    let measures = Measures::of("export")
        .with(Metric::ExportLatency, latency_ms)
        .about("allocation.id", job.allocation_id.as_str());
    edge::emit(&measures.about("file", job.file));
    Ok(())
}

/// Leaves the rest to a message of its own. A crash in between leaves it to this one, which comes back.
async fn hand_on(hub: &Hub, mut job: ExportJob) -> Result<(), Failure> {
    job.let_go(hub.clock.now());
    put(hub, &mut job).await?;
    hub.jobs.export_send(&hub.store, &mut job).await?;
    let (rows, parts) = (job.checkpoint.row, job.checkpoint.parts);
    tracing::info!(allocation.id = %job.allocation_id, file = job.file, rows, parts, "handed on");
    Ok(())
}

/// The numbers were given up meanwhile: nobody may have them.
async fn refuse(hub: &Hub, mut job: ExportJob) -> Result<(), Failure> {
    job.error = Some("the allocation was given up".to_owned());
    job.end(ExportState::Failed, hub.clock.now());
    put(hub, &mut job).await?;
    tracing::info!(allocation.id = %job.allocation_id, file = job.file, "not written: given up");
    Ok(())
}

fn failed(job: &ExportJob) {
    let id = job.allocation_id.as_str();
    let error = job.error.as_deref().unwrap_or("its runs died");
    tracing::error!(allocation.id = id, file = job.file, error, "the export is given up");
    let measures = Measures::of("export").with(Metric::ExportsFailed, 1_u64);
    edge::emit(&measures.about("allocation.id", id).about("file", job.file.as_str()));
}
