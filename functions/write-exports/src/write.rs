//! The file itself: pieces are collected to parts, parts go to S3, and what is stored there is noted.

use domain::allocation::Allocation;
use linefiles::Export;
use store::StoreError;
use store::export_job::ExportJob;
use store::publish::Published;
use store::upload::{Checkpoint, Completion, Upload, part_bytes_planned};
use time::{Duration, OffsetDateTime};

use crate::Hub;
use crate::rows::Rows;

/// Parts after which progress is written down: 64 MiB, one write unit for a second of work.
const NOTED_EVERY_PARTS: i32 = 8;
/// What is left of an invocation when a run begins to hand its job on: its parts that are on their way need
/// seconds.
pub(crate) const HAND_ON: Duration = Duration::seconds(60);
/// Room for the piece that makes a part full.
const PIECE_ROOM: usize = 1024 * 1024;

/// How a run ended.
pub(crate) enum Ending {
    /// The file is there; `None`: with its manifest.
    Written(Option<Published>),
    /// Its time is over.
    Unfinished,
    /// The allocation was given up meanwhile.
    GivenUp,
}

/// Writes the file from where the job stands. Conflict: another run has the job.
pub(crate) async fn write(
    hub: &Hub,
    job: &mut ExportJob,
    mut rows: Rows<'_>,
    ends_at: OffsetDateTime,
) -> Result<Ending, StoreError> {
    let export = rows.export;
    let key = export.key();
    if hub.objects.is_published(&key).await? {
        return Ok(Ending::Written(None));
    }
    let Some(mut upload) = open(hub, job, export).await? else {
        // A run died between the file and its manifest.
        return hub.objects.published(&key).await.map(Ending::Written);
    };
    let size = hub.part_bytes_min.max(part_bytes_planned(export.byte_count()));
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut noted = upload.at().parts;
    let begun_at = upload.at().row;
    let mut next = (begun_at < export.row_count()).then_some(begun_at);
    while let Some(first) = next {
        if hub.clock.now().saturating_add(HAND_ON) >= ends_at {
            let checkpoint = upload.flush().await?;
            note(hub, job, checkpoint).await?;
            return Ok(Ending::Unfinished);
        }
        let (part, after) = fill(&mut rows, first, size).await?;
        let checkpoint = upload.push(part, after.unwrap_or(export.row_count())).await?;
        if checkpoint
            .as_ref()
            .is_some_and(|one| one.parts.saturating_sub(noted) >= NOTED_EVERY_PARTS)
        {
            note(hub, job, checkpoint).await?;
            noted = job.checkpoint.parts;
        }
        next = after;
    }
    complete(hub, job, (upload, &key)).await
}

/// The upload to go on with; `None` when the file is there already.
async fn open<'a>(
    hub: &'a Hub,
    job: &mut ExportJob,
    export: &Export<'_>,
) -> Result<Option<Upload<'a>>, StoreError> {
    let key = export.key();
    if let Some(other) = job.render_with(linefiles::RENDERER) {
        // What is stored by now, noted or not, was made by another release.
        tracing::info!(allocation.id = %job.allocation_id, "begun anew by another release");
        hub.objects.upload_abort(&key, &other).await?;
    }
    if let Some(id) = &job.upload_id
        && let Some(upload) = hub.objects.upload_resume(&key, id, &job.checkpoint).await?
    {
        let at = upload.at();
        tracing::info!(allocation.id = %job.allocation_id, parts = at.parts, row = at.row, "goes on");
        return Ok(Some(upload));
    }
    if hub.objects.exists(&hub.objects.buckets.outbound, &key).await? {
        return Ok(None);
    }
    let id = hub.objects.upload_begin(&key, export.content_type()).await?;
    job.checkpoint = Checkpoint::default();
    job.upload_id = Some(id.clone());
    hub.store.export_put(job).await?;
    let upload = hub.objects.upload_resume(&key, &id, &job.checkpoint).await?;
    upload.map(Some).ok_or_else(|| StoreError::Unavailable {
        operation: "ListParts",
        detail: "the upload that was just begun is not there".to_owned(),
    })
}

/// One part: pieces until it is full. In between others have their turn, above all what is being sent.
async fn fill(
    rows: &mut Rows<'_>,
    first: u64,
    size: usize,
) -> Result<(Vec<u8>, Option<u64>), StoreError> {
    let mut part = Vec::with_capacity(size.saturating_add(PIECE_ROOM));
    let mut next = Some(first);
    while let Some(row) = next
        && part.len() < size
    {
        next = rows.append(row, &mut part).await?;
        tokio::task::yield_now().await;
    }
    Ok((part, next))
}

async fn note(
    hub: &Hub,
    job: &mut ExportJob,
    checkpoint: Option<Checkpoint>,
) -> Result<(), StoreError> {
    let Some(checkpoint) = checkpoint else {
        return Ok(());
    };
    job.advance(checkpoint, hub.clock.now());
    hub.store.export_put(job).await
}

async fn complete(
    hub: &Hub,
    job: &mut ExportJob,
    (mut upload, key): (Upload<'_>, &str),
) -> Result<Ending, StoreError> {
    let checkpoint = upload.flush().await?;
    note(hub, job, checkpoint).await?;
    let allocation = hub.store.allocation_fetch(&job.allocation_id).await?;
    if !allocation.as_ref().is_some_and(Allocation::is_exportable) {
        if let Some(id) = &job.upload_id {
            hub.objects.upload_abort(key, id).await?;
        }
        return Ok(Ending::GivenUp);
    }
    match upload.complete().await? {
        Completion::Done(published) => Ok(Ending::Written(Some(published))),
        // Its bytes are those of an export of this allocation, if perhaps of another release.
        Completion::Taken => hub.objects.published(key).await.map(Ending::Written),
    }
}
