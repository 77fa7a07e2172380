//! Exports that are written in the background: who asked, who writes, and how far it has come.
//!
//! A job is named by its allocation and the kind of its file, so whoever asks again finds the same one. Its
//! item is progress only: the file and its manifest in S3 say that it is done. One message of the `jobs`
//! queue works on it at a time. When a run dies, its message comes back and takes the job again; a second
//! message leaves it alone while it is held. Whoever lost it finds that at its next write (I5).

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::AllocationId;
use time::{Duration, OffsetDateTime};

use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{Pk, Sk};
use crate::pause::pause;
use crate::time::{parse_rfc3339, rfc3339_ms};
use crate::upload::Checkpoint;

const ENTITY: &str = "export_job";
/// Runs without progress after which a job is given up.
pub const IDLE_RUNS_MAX: u32 = 10;
/// How long a job belongs to a message after its last sign of life.
pub const HOLD: Duration = Duration::minutes(2);
/// How long a job that shows no sign of life is left alone before its message is taken for lost.
pub const PATIENCE: Duration = Duration::minutes(5);
/// How long a failed job rests before whoever asks for it starts it again.
pub const REST: Duration = Duration::minutes(10);
/// How often a request is decided again when the job was changed meanwhile.
const REQUEST_TRIES: u32 = 10;
/// The step of the pauses between these tries, milliseconds.
const REQUEST_PAUSE_MS: u64 = 10;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportState {
    /// It waits for its turn.
    Queued,
    /// It is being written, or was when its run died.
    Writing,
    /// The file and its manifest are there.
    Done,
    /// Too many runs ended without progress, or its allocation was given up.
    Failed,
}

impl ExportState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Writing, Self::Done, Self::Failed];

    /// The word in items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Writing => "writing",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// An export that is written in the background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportJob {
    /// The allocation.
    pub allocation_id: AllocationId,
    /// The kind of file, such as `full.csv.gz`.
    pub file: String,
    /// Where it stands.
    pub state: ExportState,
    /// When it was asked for first, RFC 3339.
    pub requested_at: String,
    /// Its last sign of life, RFC 3339.
    pub updated_at: String,
    /// Whether its message is known to have been sent.
    pub is_sent: bool,
    /// The message that works on it, and until when it is left alone for that (RFC 3339).
    pub holder: Option<(String, String)>,
    /// Runs since its last progress.
    pub idle_runs: u32,
    /// The multipart upload that its parts belong to.
    pub upload_id: Option<String>,
    /// The version of what made its parts; 0 in jobs of earlier versions, and while there are none.
    pub renderer: u32,
    /// How far its parts are known to be stored.
    pub checkpoint: Checkpoint,
    /// What the last run died of.
    pub error: Option<String>,
    /// Counted up by each write; 0 = not stored yet.
    pub version: u64,
}

/// What a message may do with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is the message's now.
    Taken,
    /// Another message works on it.
    Busy,
    /// Nothing is left to do.
    Ended,
    /// This was its last run: it is given up.
    GivenUp,
}

impl ExportJob {
    /// A job that was just asked for.
    #[must_use]
    pub fn new(allocation_id: &AllocationId, file: &str, now: OffsetDateTime) -> Self {
        let now = rfc3339_ms(now);
        Self {
            allocation_id: allocation_id.clone(),
            file: file.to_owned(),
            state: ExportState::Queued,
            requested_at: now.clone(),
            updated_at: now,
            is_sent: false,
            holder: None,
            idle_runs: 0,
            upload_id: None,
            renderer: 0,
            checkpoint: Checkpoint::default(),
            error: None,
            version: 0,
        }
    }

    /// Decides what somebody gets who asks for a file that is not there: whether a message has to be sent.
    pub fn ask(&mut self, now: OffsetDateTime) -> bool {
        let quiet =
            |at: &str, rest| parse_rfc3339(at).is_none_or(|at| at.saturating_add(rest) <= now);
        let must_send = match self.state {
            ExportState::Queued => !self.is_sent || quiet(&self.updated_at, PATIENCE),
            ExportState::Writing => {
                self.holder.as_ref().is_none_or(|(_, until)| quiet(until, PATIENCE))
            }
            ExportState::Failed => quiet(&self.updated_at, REST),
            // The file was removed after it had been written.
            ExportState::Done => true,
        };
        if !must_send {
            return false;
        }
        if self.state == ExportState::Done {
            (self.upload_id, self.checkpoint) = (None, Checkpoint::default());
        }
        if self.state != ExportState::Writing {
            (self.state, self.idle_runs) = (ExportState::Queued, 0);
        }
        (self.updated_at, self.is_sent) = (rfc3339_ms(now), false);
        true
    }

    /// Decides what a message may do, and takes the job for it. The message that holds it comes back only
    /// when its run has died.
    pub fn take(&mut self, message: &str, now: OffsetDateTime) -> Turn {
        let at = rfc3339_ms(now);
        if matches!(self.state, ExportState::Done | ExportState::Failed) {
            return Turn::Ended;
        }
        if self.holder.as_ref().is_some_and(|(holder, until)| holder != message && *until > at) {
            return Turn::Busy;
        }
        self.updated_at = at;
        if self.idle_runs >= IDLE_RUNS_MAX {
            (self.state, self.holder) = (ExportState::Failed, None);
            return Turn::GivenUp;
        }
        self.state = ExportState::Writing;
        self.idle_runs = self.idle_runs.saturating_add(1);
        self.hold(message, now);
        Turn::Taken
    }

    /// Notes how far it has come; a run that gets on is no idle one.
    pub fn advance(&mut self, checkpoint: Checkpoint, now: OffsetDateTime) {
        self.checkpoint = checkpoint;
        (self.idle_runs, self.error) = (0, None);
        self.updated_at = rfc3339_ms(now);
        if let Some((holder, _)) = self.holder.take() {
            self.hold(&holder, now);
        }
    }

    /// Has its parts made by this renderer from now on. Those of another one would give a file that neither
    /// makes, so its upload is forgotten, and returned to be given up.
    pub fn render_with(&mut self, renderer: u32) -> Option<String> {
        if self.renderer == renderer {
            return None;
        }
        (self.renderer, self.checkpoint) = (renderer, Checkpoint::default());
        self.upload_id.take()
    }

    /// Leaves it to the next message.
    pub fn let_go(&mut self, now: OffsetDateTime) {
        (self.state, self.holder) = (ExportState::Queued, None);
        (self.updated_at, self.is_sent) = (rfc3339_ms(now), false);
    }

    /// Ends it.
    pub fn end(&mut self, state: ExportState, now: OffsetDateTime) {
        (self.state, self.holder, self.upload_id) = (state, None, None);
        self.updated_at = rfc3339_ms(now);
    }

    fn hold(&mut self, message: &str, now: OffsetDateTime) {
        self.holder = Some((message.to_owned(), rfc3339_ms(now.saturating_add(HOLD))));
    }
}

fn to_item(job: &ExportJob) -> Item {
    let mut item =
        new_item(&Pk::Export(job.allocation_id.clone(), job.file.clone()), &Sk::Export, ENTITY);
    let fields = [
        ("allocation_id", text(job.allocation_id.as_str())),
        ("file", text(job.file.as_str())),
        ("status", text(job.state.as_str())),
        ("requested_at", text(job.requested_at.as_str())),
        ("updated_at", text(job.updated_at.as_str())),
        ("is_sent", AttributeValue::Bool(job.is_sent)),
        ("idle_runs", number(job.idle_runs)),
        ("parts", number(job.checkpoint.parts)),
        ("row", number(job.checkpoint.row)),
        ("bytes", number(job.checkpoint.bytes)),
        ("sha256_state", AttributeValue::B(Blob::new(job.checkpoint.sha256_state.clone()))),
        ("renderer", number(job.renderer)),
        ("version", number(job.version)),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "upload_id", job.upload_id.as_deref());
    put_some(&mut item, "error", job.error.as_deref());
    put_some(&mut item, "held_by", job.holder.as_ref().map(|(holder, _)| holder.as_str()));
    put_some(&mut item, "held_until", job.holder.as_ref().map(|(_, until)| until.as_str()));
    item
}

fn from_item(item: &Item) -> Result<ExportJob, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let owned = |name| Ok::<_, Corrupt>(reader.text(name)?.to_owned());
    let maybe = |name| Ok::<_, Corrupt>(reader.optional_text(name)?.map(str::to_owned));
    let is_sent = item.get("is_sent").and_then(|value| value.as_bool().ok());
    Ok(ExportJob {
        allocation_id: reader.typed("allocation_id")?,
        file: owned("file")?,
        state: ExportState::parse(reader.text("status")?)
            .ok_or_else(|| reader.corrupt("status", "is unknown"))?,
        requested_at: owned("requested_at")?,
        updated_at: owned("updated_at")?,
        is_sent: *is_sent.ok_or_else(|| reader.corrupt("is_sent", "is missing"))?,
        holder: maybe("held_by")?.zip(maybe("held_until")?),
        idle_runs: reader.parsed("idle_runs")?,
        upload_id: maybe("upload_id")?,
        renderer: reader.optional_parsed("renderer")?.unwrap_or(0),
        checkpoint: Checkpoint {
            parts: reader.parsed("parts")?,
            row: reader.parsed("row")?,
            bytes: reader.parsed("bytes")?,
            sha256_state: reader.bytes("sha256_state")?.to_vec(),
        },
        error: maybe("error")?,
        version: reader.parsed("version")?,
    })
}

impl Store {
    /// A job. Strongly consistent: who writes it goes by what it says.
    pub async fn export_fetch(
        &self,
        allocation: &AllocationId,
        file: &str,
    ) -> Result<Option<ExportJob>, StoreError> {
        let pk = Pk::Export(allocation.clone(), file.to_owned());
        let item = self.item_fetch("GetItem export", &pk, &Sk::Export).await?;
        Ok(item.as_ref().map(from_item).transpose()?)
    }

    /// Asks for a file that is not there; `true` when a message has to be sent, of which
    /// [`Store::export_sent`] is to be told.
    pub async fn export_request(
        &self,
        allocation: &AllocationId,
        file: &str,
        now: OffsetDateTime,
    ) -> Result<(ExportJob, bool), StoreError> {
        for attempt in 0..REQUEST_TRIES {
            let known = self.export_fetch(allocation, file).await?;
            let mut job = known.unwrap_or_else(|| ExportJob::new(allocation, file, now));
            if !job.ask(now) {
                return Ok((job, false));
            }
            match self.export_put(&mut job).await {
                Err(StoreError::Conflict { .. }) => pause(attempt, REQUEST_PAUSE_MS).await,
                outcome => return outcome.map(|()| (job, true)),
            }
        }
        Err(StoreError::Conflict { what: "the export" })
    }

    /// Notes that the message of a job was sent. When the job was changed meanwhile, its message is there.
    pub async fn export_sent(&self, job: &mut ExportJob) -> Result<(), StoreError> {
        job.is_sent = true;
        match self.export_put(job).await {
            Err(StoreError::Conflict { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    /// Writes a job.
    ///
    /// # Errors
    /// `Conflict` when somebody else has written it since it was read.
    pub async fn export_put(&self, job: &mut ExportJob) -> Result<(), StoreError> {
        let seen = job.version;
        job.version = seen.saturating_add(1);
        let put = self.dynamo.put_item().table_name(&*self.table).set_item(Some(to_item(job)));
        // I5: of two that change a job at once, and of two runs of it, one finds that it is not alone.
        let put = if seen == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("#version = :seen")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":seen", number(seen))
        };
        put.send().await.map(|_| ()).map_err(|error| {
            // What was not written has the version that was read.
            job.version = seen;
            let changed = error
                .as_service_error()
                .is_some_and(PutItemError::is_conditional_check_failed_exception);
            if changed {
                return StoreError::Conflict { what: "the export" };
            }
            sdk_error("PutItem export", &error)
        })
    }
}

#[cfg(test)]
mod tests;
