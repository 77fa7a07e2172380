//! Randomness that is passed in, so that a test may decide what is drawn.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// The machine gave no random bytes.
#[derive(Debug, Error)]
#[error("no entropy")]
pub struct EntropyError(#[source] getrandom::Error);

/// Gives random bytes fit for identifiers and secrets. Cheap to clone.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) -> Result<(), getrandom::Error> + Send + Sync;

impl Entropy {
    /// The operating system's generator.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(getrandom::fill))
    }

    /// Bytes that `write` puts; for tests.
    #[must_use]
    pub fn from_fn(write: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |bytes| {
            write(bytes);
            Ok(())
        }))
    }

    /// Draws `N` bytes.
    ///
    /// # Errors
    /// If the operating system has none.
    pub fn draw<const N: usize>(&self) -> Result<[u8; N], EntropyError> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes).map_err(EntropyError)?;
        Ok(bytes)
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}
