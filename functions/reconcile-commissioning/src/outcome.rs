//! What became of one piece of work, and the line that says so.

use store::document::Document;

use crate::measures;

/// What a run changed; what was so before it is counted by the run that made it so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gain {
    /// Serials that became commissioned.
    pub commissioned: u64,
    /// The document was parked before.
    pub was_parked: bool,
}

/// What became of one piece of work; one log line.
#[derive(Debug)]
pub enum Outcome {
    /// The arrival had been dealt with before.
    Redelivered {
        /// The document.
        content_sha256: String,
    },
    /// The document was dealt with.
    Done(Box<Document>, Gain),
}

impl Outcome {
    /// The document it is about.
    #[must_use]
    pub fn content_sha256(&self) -> &str {
        match self {
            Self::Redelivered { content_sha256 } => content_sha256,
            Self::Done(document, _) => &document.content_sha256,
        }
    }

    /// Logs it.
    pub fn log(&self) {
        match self {
            Self::Redelivered { content_sha256 } => {
                tracing::info!(document.sha256 = content_sha256, "redelivery");
            }
            Self::Done(document, gain) => {
                let serials = document.serials();
                let metrics = document.metrics.unwrap_or_default();
                tracing::info!(
                    document.sha256 = document.content_sha256,
                    status = document.status().as_str(),
                    error = document.refusal().map(|error| error.code.as_str()),
                    events = document.events,
                    named = serials.named,
                    matched = serials.matched,
                    newly_commissioned = serials.newly_commissioned,
                    provisional = serials.provisional,
                    bytes = metrics.bytes,
                    duration_ms = metrics.milliseconds,
                    write_units = metrics.write_units,
                    vm_hwm_kib = metrics.vm_hwm_kib,
                    "document"
                );
                edge::emit(&measures::document(document, *gain));
            }
        }
    }
}
