//! Why a document is not folded to its end.

use crate::catalog::LookupError;

/// Why the fold stops.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The document is refused: kebab-case code, message, line and column of the event.
    #[error("{code}: {message}")]
    Refused {
        /// Kebab-case.
        code: &'static str,
        /// For people.
        message: &'static str,
        /// Where, from 1.
        at: Option<(u64, u64)>,
    },
    /// The store failed: try the whole document again.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// The refusal of a document that touches too much.
pub const SCATTERED: Stop = Stop::Refused {
    code: "too-scattered",
    message: "the document touches more blocks or ranges of numbers than one document may",
    at: None,
};

impl From<LookupError> for Stop {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::TooScattered => SCATTERED,
            LookupError::Store(error) => Self::Store(error),
        }
    }
}
