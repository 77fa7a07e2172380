//! How a document stands with one of the systems that sent it, and why it was refused.

use domain::ids::SystemId;

/// How far a document has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentStatus {
    /// Read and kept.
    Received,
    /// Its plan is recorded; blocks are being written.
    Applying,
    /// Done.
    Reconciled,
    /// Done as far as possible; provisional serials are tried again.
    Parked,
    /// Refused as a whole. Nothing was applied, unless a run was cut short before: then
    /// [`Judgement::is_in_part`] says so.
    Quarantined,
}

impl DocumentStatus {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Received, Self::Applying, Self::Reconciled, Self::Parked, Self::Quarantined];

    /// The word used in items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Applying => "applying",
            Self::Reconciled => "reconciled",
            Self::Parked => "parked",
            Self::Quarantined => "quarantined",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    /// Kebab-case.
    pub code: String,
    /// For people; carries no serial number.
    pub message: String,
    /// In the inflated text, from 1.
    pub line: Option<u64>,
    /// In the inflated text, from 1.
    pub column: Option<u64>,
}

impl DocumentError {
    /// A refusal that has no place in the text.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), line: None, column: None }
    }

    /// Whether the refusal follows from who sent the document and when, not from its bytes. Such a refusal
    /// counts for that system alone: the rightful sender's copy of the same bytes is still judged.
    #[must_use]
    pub fn is_of_sender(&self) -> bool {
        matches!(self.code.as_str(), "no-system" | "too-scattered" | "dead-letter")
    }
}

/// Numbers of serials in commissioning events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SerialCounts {
    /// Distinct serials of SGTINs, malformed ones not counted.
    pub named: u64,
    /// Those reserved for the sender.
    pub matched: u64,
    /// Matched ones that no document had commissioned.
    pub newly_commissioned: u64,
    /// Matched ones that were commissioned with the same lot and expiry.
    pub repeated: u64,
    /// Those that a later reservation may still cover.
    pub provisional: u64,
}

/// What the last run over a document took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// As received.
    pub bytes: u64,
    /// Wall-clock milliseconds.
    pub milliseconds: u64,
    /// DynamoDB write units.
    pub write_units: u64,
    /// High-water mark of the process, KiB.
    pub vm_hwm_kib: u64,
}

/// The judgement of a document as sent by one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The system.
    pub system_id: SystemId,
    /// `Quarantined` when the document was refused for this system alone.
    pub status: DocumentStatus,
    /// When this system's first copy arrived, RFC 3339.
    pub first_at: String,
    /// When it is judged again, RFC 3339: what is parked, what somebody asked for, and what a run has begun
    /// and not ended by then.
    pub next_try_at: Option<String>,
    /// It was asked for, or is being read: until then, RFC 3339, nobody asks for it once more.
    pub left_until: Option<String>,
    /// Runs that began since the last one that ended.
    pub tries: u64,
    /// Another document changed what is to be found of it while a run was at work: one more follows.
    pub is_recalled: bool,
    /// A run began to post blocks and did not end.
    pub is_in_part: bool,
    /// Serials.
    pub serials: SerialCounts,
    /// When it was done, RFC 3339.
    pub reconciled_at: Option<String>,
    /// Why it was refused for this system alone.
    pub error: Option<DocumentError>,
}

impl Judgement {
    /// A judgement that begins.
    #[must_use]
    pub fn new(system: &SystemId, now: &str) -> Self {
        Self {
            system_id: system.clone(),
            status: DocumentStatus::Received,
            first_at: now.to_owned(),
            next_try_at: None,
            left_until: None,
            tries: 0,
            is_recalled: false,
            is_in_part: false,
            serials: SerialCounts::default(),
            reconciled_at: None,
            error: None,
        }
    }

    /// Whether a run has begun or was asked for, and none has ended.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        matches!(self.status, DocumentStatus::Received | DocumentStatus::Applying)
    }

    /// Whether it is to be asked for now.
    #[must_use]
    pub fn is_due(&self, now: &str) -> bool {
        self.next_try_at.as_deref().is_some_and(|at| at <= now) && !self.is_left(now)
    }

    /// Whether it was asked for, and the answer may still come.
    #[must_use]
    pub fn is_left(&self, now: &str) -> bool {
        self.left_until.as_deref().is_some_and(|until| until > now)
    }

    /// A run begins. If it has not ended by `until`, it never will, and neither will the message that it
    /// was asked for with: the judgement is due again.
    pub fn begin(&mut self, until: &str) {
        self.tries = self.tries.saturating_add(1);
        self.is_recalled = false;
        self.left_until = Some(until.to_owned());
        if self.is_unfinished() {
            self.next_try_at = Some(until.to_owned());
        }
    }

    /// A run has ended; the judgement waits for `next_try_at`, or for nothing.
    pub fn end(&mut self, next_try_at: Option<String>) {
        self.next_try_at = next_try_at;
        self.left_until = None;
        self.tries = 0;
    }

    /// It is asked for: due now, and left alone until it should be done.
    pub(crate) fn ask(&mut self, now: &str, until: &str) {
        if self.next_try_at.as_deref().is_none_or(|at| at > now) {
            self.next_try_at = Some(now.to_owned());
        }
        self.left_until = Some(until.to_owned());
    }

    /// The time of its place in a queue.
    pub(crate) fn place(&self) -> Option<&str> {
        let next = self.next_try_at.as_deref()?;
        Some(self.left_until.as_deref().unwrap_or(next).max(next))
    }
}

/// What ended the waiting of a document other than its judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolutionKind {
    /// Somebody gave it up.
    Rejected,
    /// What it stands for was read after all, under another name.
    Superseded,
}

impl ResolutionKind {
    /// The word used in items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Rejected, Self::Superseded].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How a document that needed attention was dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// What was done.
    pub kind: ResolutionKind,
    /// When, RFC 3339.
    pub at: String,
    /// The system of the credential that did it, or the hub's function.
    pub by: String,
    /// Why, in words; for a superseded document the SHA-256 it was read under.
    pub reason: String,
}
