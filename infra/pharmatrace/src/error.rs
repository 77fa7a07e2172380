//! Why a command failed, in one line each.

use store::StoreError;

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A program or module that must be there is not.
    #[error("missing prerequisite: {0}")]
    Missing(String),
    /// A file, a folder or a stream gave an error.
    #[error("{what}: {source}")]
    Io {
        /// What was touched.
        what: String,
        /// The operating system's account.
        source: std::io::Error,
    },
    /// A program that we ran gave up.
    #[error("{program} failed ({status}){detail}")]
    Program {
        /// Which.
        program: &'static str,
        /// Its exit status.
        status: String,
        /// The end of what it said, on lines of its own.
        detail: String,
    },
    /// The local cloud did not come up or went away.
    #[error("local cloud: {0}")]
    LocalCloud(String),
    /// No hub was named, or it could not be read.
    #[error("no hub: {0}")]
    Hub(String),
    /// CloudFormation did not answer the question.
    #[error("stack {stack}: {detail}")]
    Stack {
        /// Its name.
        stack: String,
        /// The SDK's account.
        detail: String,
    },
    /// An argument has a value that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The operating system has no random bytes.
    #[error("no entropy: {0}")]
    Entropy(String),
    /// The table said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A step of the demonstration or of a check did not turn out as it must.
    #[error("{0}")]
    Failed(String),
}

impl CommandError {
    /// An I/O error with what it was about.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
